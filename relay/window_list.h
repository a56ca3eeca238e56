/* window_list.h - entries in order: newest first, then lowest id.
 *
 * Kept in chunks, oldest first, so that the newest is put in and the oldest taken out cheaply, and
 * the middle costs no more than a chunk. A list of a few is one small chunk.
 *
 *   units      bytes: what a call adds to what the list takes, or gives back
 *   ownership  a value: struct window_list l = {0} is empty; entries are borrowed
 *   threads    one at a time
 */
#pragma once

#include "shared/base.h"

struct store_cursor;
struct window_entry;

enum { WINDOW_CHUNK_MAX = 256 };

struct window_chunk {
    uint16_t count, capacity;
    struct window_entry *at[]; /* oldest first */
};

struct window_list {
    uint32_t count; /* entries */
    uint32_t chunk_count;
    uint32_t chunk_capacity; /* 0: there is no array of chunks */
    union {
        struct window_chunk *only;
        struct window_chunk **chunks; /* oldest first, none empty */
    };
};

/* No two are at one place. */
void window_list_add(struct window_list *list, struct window_entry *entry, size_t *bytes);

/* An entry that is in the list. */
void window_list_remove(struct window_list *list, const struct window_entry *entry, size_t *bytes);

void window_list_clear(struct window_list *list, size_t *bytes);

/* NULL: the list is empty. */
struct window_entry *window_list_oldest(const struct window_list *list);

/* A way through a list, not across an add or remove. */
struct window_walk {
    struct window_chunk *const *chunks;
    uint32_t chunk, at; /* of the entry before which, in age, the next one is */
};

/* From the newest, or from the one after a place. */
struct window_walk window_walk_begin(const struct window_list *list,
                                     const struct store_cursor *after);

/* Newest first; NULL after the oldest. */
struct window_entry *window_walk_next(struct window_walk *walk);
