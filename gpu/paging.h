/* paging.h - which pages of memory keep which positions of which session.
 *
 * A page is EXEC_PAGE positions of one session. Pages are taken as a session grows, given back
 * when it shrinks, and never taken from another session. What is in them is a device's affair.
 *
 *   units      positions, pages
 *   ownership  paging_clear frees all; sessions are valid until the next open or close of one
 *   threads    one at a time
 *   errors     ERR_DUPLICATE an id that is taken; ERR_RATE_LIMITED too many sessions
 */
#pragma once

#include "shared/base.h"

struct err;

struct paging_session {
    uint64_t id;
    uint32_t length, length_max;
    uint32_t page_count, page_capacity;
    uint32_t *pages;
    uint64_t step; /* the last that it had a span in */
};

struct paging {
    uint32_t session_count, session_capacity, sessions_max;
    struct paging_session *sessions; /* by id */
    uint32_t pages, free_count;
    uint32_t *free; /* the pages that no session has; the last goes first */
};

void paging_open(struct paging *paging, uint32_t pages, uint32_t sessions_max);
void paging_clear(struct paging *paging);

MUST_CHECK bool paging_add(struct paging *paging, uint64_t id, uint32_t length_max,
                           struct err *err);
void paging_remove(struct paging *paging, uint64_t id);

/* NULL when there is none. */
struct paging_session *paging_find(const struct paging *paging, uint64_t id);

/* Makes the session exactly as long, with pages for it. False, and no change, when there are too
 * few. */
MUST_CHECK bool paging_resize(struct paging *paging, struct paging_session *session,
                              uint32_t length);
