/* window_find.h - what of the window's entries a filter matches, newest first, some at a time.
 *
 * The condition with the fewest entries drives: its lists are merged, and the rest is asked of each
 * candidate. The work of a call is bounded whatever the filter.
 *
 *   units    now: unix seconds
 *   threads  one at a time
 */
#pragma once

#include "relay/page.h"

struct filter;
struct window_entry;
struct window_index;

enum { WINDOW_ROWS_MAX = STORE_PAGE_ROWS_MAX + 1, WINDOW_LOOKS_MAX = 4096 };

struct window_question {
    const struct filter *filter;
    const struct store_cursor *after; /* NULL: from the newest */
    const struct store_cursor *floor; /* everything up to this place is there; NULL: everything */
    int64_t now;
    uint32_t rows; /* 1 to WINDOW_ROWS_MAX */
};

struct window_found {
    uint32_t count;
    bool finished;            /* nothing after these matches, here or below the floor */
    struct store_cursor next; /* when not: everything up to this place was looked at */
    const struct window_entry *rows[WINDOW_ROWS_MAX]; /* newest first, then lowest id */
};

/* False when nothing can be said: what is asked for begins below the floor. */
MUST_CHECK bool window_find(struct window_found *found, const struct window_index *index,
                            const struct window_question *question);
