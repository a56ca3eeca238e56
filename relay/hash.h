/* hash.h - where things lie in a table, unpredictable to those who choose the things.
 *
 * SipHash-2-4. Whoever does not know the key cannot make two texts collide on purpose, so a
 * table cannot be flooded. The same on every machine, so a hash may be stored.
 *
 *   threads  pure
 */
#pragma once

#include "shared/base.h"

struct hash_key {
    uint64_t low, high;
};

/* From the system's randomness. */
struct hash_key hash_key_random(void);

uint64_t hash_bytes(const struct hash_key *key, struct span bytes);
