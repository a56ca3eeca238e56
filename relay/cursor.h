/* cursor.h - the way through what one filter matches: how far, how much more, is that all.
 *
 *   units   rows: events of a page
 *   threads one at a time
 *   spec    NIP-01 "limit"; NIP-67
 */
#pragma once

#include "relay/store.h"
#include "shared/base.h"

struct filter;
struct hll;
struct merge;
struct session;
struct window_found;

struct cursor {
    const struct filter *filter;
    struct hll *hll;   /* of who wrote what is counted; may be NULL */
    bool is_count;     /* no limit, and rows without their JSON */
    uint32_t rows_max; /* of the next page */
    struct store_cursor place;
    bool has_place; /* else from the newest */
    int64_t limit, taken;
    bool is_capped; /* the limit is ours, not the client's */
    int64_t oldest; /* created_at of the last row taken */
    bool has_more;  /* ended, and something is left out */
    bool is_unsure; /* ended, and perhaps something is */
};

/* Whether anything stored may match, and is asked for. What searches is not for a cursor. */
bool cursor_wants_store(const struct filter *filter, bool is_count);

struct cursor_limits {
    int64_t limit_default, limit_max;
};

struct cursor cursor_begin(const struct cursor_limits *limits, const struct filter *filter,
                           bool is_count);

/* How many rows to ask for. */
uint32_t cursor_rows(const struct cursor *cursor);

/* Where the next page begins; NULL: with the newest. */
const struct store_cursor *cursor_place(const struct cursor *cursor);

/* Pushes those rows of a page that session may see onto a run of the merge, and ends the run when
 * nothing more is wanted. A page of more than about bytes_max is taken in part. */
void cursor_take(struct cursor *cursor, struct merge *merge, uint32_t run,
                 const struct store_page *page, const struct session *session, size_t bytes_max);

/* The same for what the window found. */
void cursor_take_found(struct cursor *cursor, struct merge *merge, uint32_t run,
                       const struct window_found *found, const struct session *session,
                       size_t bytes_max);
