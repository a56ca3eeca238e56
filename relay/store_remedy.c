#include <string.h>

#include "relay/store_batch.h"
#include "shared/base.h"

bool store_batch_lost_race(const PGresult *refusal)
{
    const char *state = PQresultErrorField(refusal, PG_DIAG_SQLSTATE);
    return state != NULL && strcmp(state, "23505") == 0;
}

enum store_remedy store_batch_remedy(const struct store_batch *batch, const PGresult *refusal)
{
    static const struct {
        const char *prefix;
        enum store_remedy remedy;
    } states[] = {
        {"40", STORE_AGAIN},         /* deadlock, serialization */
        {"53200", STORE_ONE_BY_ONE}, /* out of locks or memory */
        {"22", STORE_ONE_BY_ONE},    /* a value that PostgreSQL does not take */
        {"23", STORE_ONE_BY_ONE},    /* a constraint */
        {"54", STORE_ONE_BY_ONE},    /* too large for it */
    };
    const char *state = PQresultErrorField(refusal, PG_DIAG_SQLSTATE);
    enum store_remedy remedy = STORE_GIVE_UP;
    if (store_batch_lost_race(refusal) && !batch->is_raced)
        return STORE_AGAIN;
    for (size_t i = 0; state != NULL && i < ARRAY_LEN(states); i++)
        if (strncmp(state, states[i].prefix, strlen(states[i].prefix)) == 0)
            remedy = states[i].remedy;
    for (uint32_t i = 0; i < batch->count; i++)
        if (batch->items[i]->tries >= STORE_BATCH_TRIES_MAX)
            return STORE_GIVE_UP;
    return remedy == STORE_ONE_BY_ONE && batch->count == 1 ? STORE_GIVE_UP : remedy;
}
