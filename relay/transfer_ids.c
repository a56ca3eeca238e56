#include <stdlib.h>

#include "relay/transfer_sync.h"

bool sync_ids_add(struct sync_ids *ids, const struct bytes32 *id)
{
    if (ids->count == SYNC_IDS_MAX)
        return false;
    if (ids->count == ids->capacity) {
        ids->capacity = ids->capacity == 0 ? SYNC_BATCH_IDS : 2 * ids->capacity;
        ids->at = realloc(ids->at, ids->capacity * sizeof ids->at[0]);
        if (ids->at == NULL)
            abort();
    }
    ids->at[ids->count++] = *id;
    return true;
}

static int order(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct bytes32));
}

uint32_t sync_ids_take(struct sync_ids *ids, struct bytes32 out[SYNC_BATCH_IDS])
{
    size_t left = ids->count - ids->next;
    size_t count = left < SYNC_BATCH_IDS ? left : SYNC_BATCH_IDS;
    uint32_t kept = 0;
    if (count == 0)
        return 0;
    memcpy(out, &ids->at[ids->next], count * sizeof out[0]);
    ids->next += count;
    qsort(out, count, sizeof out[0], order);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || order(&out[kept - 1], &out[i]) != 0)
            out[kept++] = out[i];
    return kept;
}
