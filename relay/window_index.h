/* window_index.h - entries, found by id, by address, and in order by what filters ask for.
 *
 *   ownership  a value: all zeroes but for key is empty; owns its entries
 *   threads    one at a time
 */
#pragma once

#include "relay/hash.h"
#include "relay/table.h"
#include "relay/window_list.h"

struct bytes32;

struct window_index {
    struct hash_key key;
    struct table ids, addresses, lists;
    struct window_list all;
    size_t bytes; /* of entries and lists */
};

void window_index_clear(struct window_index *index);

/* With the tables, which do not shrink. */
size_t window_index_bytes(const struct window_index *index);

/* Takes an entry over whose id and address are not there. */
void window_index_add(struct window_index *index, struct window_entry *entry);

/* Frees it. */
void window_index_remove(struct window_index *index, struct window_entry *entry);

/* NULL when there is none. */
struct window_entry *window_index_id(const struct window_index *index, const struct bytes32 *id);
struct window_entry *window_index_address(const struct window_index *index, uint64_t address);

/* Entries under a key of window_entry.h; NULL when there is none. */
const struct window_list *window_index_list(const struct window_index *index, uint64_t key);
