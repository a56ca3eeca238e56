#include "relay/tail_purged.h"

#include <stdlib.h>

#include "shared/hex.h"

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct bytes32));
}

struct tail_purged *tail_purged_read(const char *payload)
{
    static const char word[] = "purged ";
    enum { DIGITS = 2 * sizeof(struct bytes32) };
    if (strncmp(payload, word, strlen(word)) != 0)
        return NULL;
    const char *digits = payload + strlen(word);
    size_t count = strlen(digits) / DIGITS;
    if (count == 0 || count > TAIL_PURGED_MAX || strlen(digits) % DIGITS != 0)
        return NULL;
    struct tail_purged *purged = calloc(1, sizeof *purged + count * sizeof *purged->ids);
    if (purged == NULL)
        abort();
    for (size_t i = 0; i < count; i++) {
        struct span id = {digits + i * DIGITS, DIGITS};
        if (hex_decode(purged->ids[i].at, sizeof *purged->ids, id))
            continue;
        free(purged);
        return NULL;
    }
    purged->count = (uint32_t)count;
    qsort(purged->ids, count, sizeof *purged->ids, compare_ids);
    return purged;
}
