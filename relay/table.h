/* table.h - pointers found by a 64-bit key.
 *
 * Open addressing. Two things of one key share a place: who cannot rule that out lists them
 * behind it and compares.
 *
 *   ownership  a value: struct table t = {0} is empty, table_clear frees it; values are borrowed
 *   threads    one at a time
 */
#pragma once

#include "shared/base.h"

struct table_slot {
    uint64_t key;
    void *value; /* NULL: free */
};

struct table {
    struct table_slot *slots;
    uint32_t bits; /* 2^bits slots; 0: none */
    size_t count;
};

void table_clear(struct table *table);

/* NULL when there is none. */
void *table_get(const struct table *table, uint64_t key);

/* value: not NULL; in place of the one that was there. */
void table_put(struct table *table, uint64_t key, void *value);

/* What was there, or NULL. */
void *table_remove(struct table *table, uint64_t key);

/* Each value in turn: *place begins at 0. NULL after the last. Not across a put or remove. */
void *table_next(const struct table *table, size_t *place);
