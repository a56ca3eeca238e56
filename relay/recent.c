#include "relay/recent.h"

static char mark; /* the value of every key */

static uint64_t key_of(const struct bytes32 *id)
{
    uint64_t key;
    memcpy(&key, id->at, sizeof key);
    return key;
}

void recent_clear(struct recent *recent)
{
    table_clear(&recent->younger);
    table_clear(&recent->older);
}

void recent_add(struct recent *recent, const struct bytes32 *id)
{
    if (recent->younger.count >= RECENT_IDS) {
        table_clear(&recent->older);
        recent->older = recent->younger;
        recent->younger = (struct table){0};
    }
    table_put(&recent->younger, key_of(id), &mark);
}

bool recent_has(const struct recent *recent, const struct bytes32 *id)
{
    return table_get(&recent->younger, key_of(id)) != NULL ||
           table_get(&recent->older, key_of(id)) != NULL;
}
