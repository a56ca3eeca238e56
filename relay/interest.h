/* interest.h - an index of standing filters: which of them want this event.
 *
 * A filter is listed under each value of its most telling condition: its ids, else the shortest
 * of its authors and tags, else its kinds, else under everything. Only what is listed under
 * something that an event has is compared with it. A filter that searches is not listed: it is
 * answered from what is stored, and nothing live matches it.
 *
 *   ownership  the index owns each interest until interest_remove; filters are copied
 *   threads    loop thread only
 */
#pragma once

#include "shared/base.h"

struct event;
struct filter;
struct interest_index;

struct interest {
    void *owner;
    const struct filter *filters; /* a copy, in one block with this */
    uint32_t filter_count;
    uint32_t entry_count;
    struct interest_entry *entries;
    uint64_t found; /* the last search that found it */
};

struct interest_index *interest_index_new(void);

/* No interest may be left. */
void interest_index_free(struct interest_index *index);

struct interest *interest_add(struct interest_index *index, const struct filter *filters,
                              uint32_t count, void *owner);
void interest_remove(struct interest_index *index, struct interest *interest);

/* Calls found once for each interest with a filter that matches. It may not add or remove. */
void interest_find(struct interest_index *index, const struct event *event,
                   void (*found)(void *context, struct interest *interest), void *context);
