/* request.h - one REQ or COUNT while it is answered from the store.
 *
 * Each filter that can match something stored has a cursor over pages of it; the cursors are
 * merged. A full outbox stops the merge until it has drained. Reads wait their turn in one queue:
 * what the window can answer is answered at once, for some milliseconds of a turn of the loop; of
 * the rest there are only so many, per session and for all, so that neither the database nor a
 * neighbour is swamped.
 *
 *   ownership  a session lists its requests; a request ends by its answer or silently
 *   threads    loop thread only
 *   order      of a REQ: what was searched for, other stored events, EOSE, held live events
 *   spec       NIP-01, NIP-45, NIP-50, NIP-67
 */
#pragma once

#include <uv.h>

#include "shared/arena.h"
#include "shared/base.h"

struct err;
struct filter;
struct live;
struct request;
struct request_desk;
struct searches;
struct session;
struct shards;
struct sub;
struct window;

struct request_setup {
    uv_loop_t *loop;
    struct window *window;
    struct shards *store;
    struct searches *search; /* NULL: no filter searches */
    struct live *live;
    int64_t limit_default, limit_max, count_max;
};

struct request_desk *request_desk_new(const struct request_setup *setup);

/* No request may be left. */
void request_desk_free(struct request_desk *desk);

struct request_call {
    struct session *session;
    struct sub *sub;    /* a REQ's, holding; NULL: a COUNT */
    struct arena arena; /* taken over; name and filters live in it, or in sub */
    struct span name;
    const struct filter *filters;
    uint32_t count;
};

/* Whether any stored event can answer: else no database is needed. */
bool request_wants_store(const struct filter *filters, uint32_t count, bool is_count);

/* Answers in time, even from within the call when there is nothing to read. A REQ that the
 * database fails is answered with CLOSED, and its sub removed. */
void request_start(struct request_desk *desk, const struct request_call *call);

/* Ends the one that answers sub, if any does, without a word. */
void request_end(struct session *session, const struct sub *sub);

/* Ends all of a session. The COUNTs are answered with CLOSED and why, unless that is NULL. */
void request_end_all(struct session *session, const struct err *why);
