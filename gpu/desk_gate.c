#include "gpu/desk_gate.h"

#include <stdlib.h>

#include "gpu/desk.h"

/* As many as can be opened within the time that a stamp may be wrong by, on either side. */
enum { SEEN_MAX = 2 * DESK_SKEW_S * DESK_RATE + DESK_BURST, KEYS_MAX = 1024, CHAINS = 1 << 14 };

struct bucket {
    double level; /* of what may still be taken */
    uint64_t at_ms;
};

struct key_bucket {
    struct bytes32 key;
    struct bucket bucket;
};

struct desk_gate {
    struct bucket all;
    struct key_bucket keys[KEYS_MAX];
    size_t key_count;
    /* A ring, by number: of each the one before it in its chain. Chains are by the id's first
     * bytes, the latest first, up to one that is out of the ring. Numbers begin at 1. */
    struct bytes32 seen[SEEN_MAX];
    uint64_t before[SEEN_MAX], latest[CHAINS], seen_count;
};

static bool take(struct bucket *bucket, double rate, double burst, uint64_t now_ms)
{
    bucket->level += (double)(now_ms - bucket->at_ms) * rate / 1000;
    bucket->at_ms = now_ms;
    if (bucket->level > burst)
        bucket->level = burst;
    if (bucket->level < 1)
        return false;
    bucket->level -= 1;
    return true;
}

struct desk_gate *desk_gate_new(void)
{
    struct desk_gate *gate = calloc(1, sizeof *gate);
    if (gate == NULL)
        abort();
    gate->all.level = DESK_BURST;
    return gate;
}

void desk_gate_free(struct desk_gate *gate)
{
    free(gate);
}

bool desk_gate_admits(struct desk_gate *gate, uint64_t now_ms)
{
    return take(&gate->all, DESK_RATE, DESK_BURST, now_ms);
}

/* The key's, or that of whoever has said nothing for the longest. */
static struct key_bucket *find(struct desk_gate *gate, const struct bytes32 *key, uint64_t now_ms)
{
    struct key_bucket *oldest = &gate->keys[0];
    for (size_t i = 0; i < gate->key_count; i++) {
        if (memcmp(&gate->keys[i].key, key, sizeof *key) == 0)
            return &gate->keys[i];
        if (gate->keys[i].bucket.at_ms < oldest->bucket.at_ms)
            oldest = &gate->keys[i];
    }
    if (gate->key_count < KEYS_MAX)
        oldest = &gate->keys[gate->key_count++];
    *oldest = (struct key_bucket){*key, {DESK_KEY_BURST, now_ms}};
    return oldest;
}

bool desk_gate_hears(struct desk_gate *gate, const struct bytes32 *key, uint64_t now_ms)
{
    return take(&find(gate, key, now_ms)->bucket, DESK_KEY_RATE, DESK_KEY_BURST, now_ms);
}

bool desk_gate_is_new(struct desk_gate *gate, const struct bytes32 *id, int64_t created_at,
                      int64_t now)
{
    if (created_at < now - DESK_SKEW_S || created_at > now + DESK_SKEW_S)
        return false;
    uint64_t *latest = &gate->latest[(id->at[0] | id->at[1] << 8) % CHAINS];
    for (uint64_t at = *latest; at > 0 && at + SEEN_MAX > gate->seen_count;
         at = gate->before[at % SEEN_MAX])
        if (memcmp(&gate->seen[at % SEEN_MAX], id, sizeof *id) == 0)
            return false;
    uint64_t number = ++gate->seen_count;
    gate->seen[number % SEEN_MAX] = *id;
    gate->before[number % SEEN_MAX] = *latest;
    *latest = number;
    return true;
}
