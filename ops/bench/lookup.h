/* lookup.h - from the first 16 hex digits of a key to a small number.
 *
 *   ownership  owns its slots; lookup_clear frees them
 */
#pragma once

#include "shared/base.h"

struct lookup {
    uint64_t *keys; /* 0: free */
    uint32_t *values;
    size_t mask;
};

/* Room for count keys. */
void lookup_open(struct lookup *lookup, size_t count);
void lookup_clear(struct lookup *lookup);

/* A key from at least 16 hex digits. */
uint64_t lookup_key(const char *hex);

/* The value's place, 0 when it is new. */
uint32_t *lookup_put(struct lookup *lookup, uint64_t key);

/* NULL when it is not there. */
uint32_t *lookup_find(const struct lookup *lookup, uint64_t key);
