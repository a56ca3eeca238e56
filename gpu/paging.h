/* paging.h - which pages of memory keep which positions of which session.
 *
 * A page is EXEC_PAGE positions of a session, and of those that were forked from it: what is shared
 * is only read. Pages are taken as a session grows, given back when it shrinks, or when they lie
 * wholly behind what it may still look at, and never taken from another session. What is in them is
 * a device's affair.
 *
 *   units      positions, pages
 *   ownership  paging_clear frees all; sessions are valid until the next open or close of one
 *   threads    one at a time
 *   errors     ERR_DUPLICATE an id that is taken; ERR_RATE_LIMITED too many sessions;
 *              ERR_INVALID what cannot be forked
 */
#pragma once

#include "shared/base.h"

struct err;

struct paging_session {
    uint64_t id;
    uint32_t length, length_max;
    uint32_t page_count, page_capacity;
    uint32_t gone;   /* of the first pages: given back */
    uint32_t *pages; /* page_count; those that are gone mean nothing */
    uint64_t step;   /* the last that it had a span in */
};

struct paging {
    uint32_t session_count, session_capacity, sessions_max;
    struct paging_session *sessions; /* by id */
    uint32_t pages, free_count;
    uint32_t *free;  /* the pages that no session has; the last goes first */
    uint32_t *uses;  /* sessions that have a page */
    uint32_t window; /* positions that one looks at, itself among them; 0: all */
    uint32_t slack;  /* positions that a session can go back by, and still look */
};

/* Without a window, which the caller may set. */
void paging_open(struct paging *paging, uint32_t pages, uint32_t sessions_max);
void paging_clear(struct paging *paging);

MUST_CHECK bool paging_add(struct paging *paging, uint64_t id, uint32_t length_max,
                           struct err *err);
void paging_remove(struct paging *paging, uint64_t id);

/* NULL when there is none. */
struct paging_session *paging_find(const struct paging *paging, uint64_t id);

/* A page's numbers, to be copied to another. */
struct paging_copy {
    bool is_wanted;
    uint32_t from, to;
};

/* The session goes back to position and has count more, for which it has pages that nobody shares;
 * copy: of what of the first it keeps. False, and no change, when there are too few pages, or when
 * what it would look at is gone. */
MUST_CHECK bool paging_write(struct paging *paging, struct paging_session *session,
                             uint32_t position, uint32_t count, struct paging_copy *copy);

/* Whether the session can go on from there: nothing that it looks at is gone. */
bool paging_reaches(const struct paging *paging, const struct paging_session *session,
                    uint32_t position);

/* No longer than that. */
void paging_cut(struct paging *paging, struct paging_session *session, uint32_t length);

/* A new session shares what another has before length, where that is not gone. */
MUST_CHECK bool paging_fork(struct paging *paging, uint64_t from, uint64_t id, uint32_t length,
                            uint32_t length_max, struct err *err);
