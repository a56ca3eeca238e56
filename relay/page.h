/* page.h - stored events as they are read: a page at a time.
 *
 *   units  rows: events of one page
 */
#pragma once

#include "shared/base.h"

struct event;
struct filter;

/* A place in the order newest first, then lowest id: everything after it is still to come. */
struct store_cursor {
    int64_t created_at;
    uint64_t id_prefix; /* first 8 bytes of the id, big-endian */
};

enum { STORE_PAGE_ROWS_MAX = 500 };

struct store_page {
    const struct event *events; /* newest first, then lowest id; each matches the filter */
    uint32_t count;
    bool finished;            /* nothing is after this page */
    struct store_cursor next; /* where the next page begins, when not finished. A page may be
                                 empty and not finished: the work of one is bounded */
};

/* page is NULL when the database is down or refused. Borrowed for the call. */
typedef void store_page_fn(void *owner, const struct store_page *page);

struct store_read {
    const struct filter *filter;      /* borrowed for the call; limit is ignored */
    const struct store_cursor *after; /* NULL: from the newest */
    uint32_t rows;                    /* wanted, 1 to STORE_PAGE_ROWS_MAX: a hint */
    bool brief;                       /* without content and signature, for counting */
    bool may_be_early; /* may show what is about to be committed: a standby may answer */
    store_page_fn *reply;
    void *owner;
};
