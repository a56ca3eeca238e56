/* query.h - the journey of one REQ or COUNT.
 *
 * Each filter on the shard is a cursor over pages; the cursors are merged newest first, then
 * lowest id, so that an event two filters match is met twice in a row and sent once. A full
 * outbox stops the merge until it has drained.
 *
 *   ownership  query owns a request until EOSE, CLOSED, COUNT, CLOSE or the session's end
 *   threads    loop thread only
 *   order      stored events, EOSE, held live events, live events
 *   spec       NIP-01, NIP-45, NIP-50, NIP-67
 */
#pragma once

#include <uv.h>

#include "shared/arena.h"
#include "shared/base.h"

struct filter;
struct live;
struct policy;
struct query;
struct searches;
struct session;
struct session_table;
struct shards;
struct window;

struct query_setup {
    uv_loop_t *loop;
    struct window *window;
    const struct policy *policy;
    struct session_table *sessions;
    struct shards *store;
    struct searches *search; /* NULL: no filter may search */
    struct live *live;
    int64_t limit_default, limit_max, count_max;
};

struct query *query_new(const struct query_setup *setup);
void query_free(struct query *query);

/* Both take the arena over, in which name, filters and the text they point into live. */
void query_req(struct query *query, struct session *session, struct arena *arena, struct span name,
               const struct filter *filters, uint32_t count);
void query_count(struct query *query, struct session *session, struct arena *arena,
                 struct span name, const struct filter *filters, uint32_t count);

/* CLOSE: silent, whether or not the subscription exists. */
void query_close(struct query *query, struct session *session, struct span name);

/* The session ends: its requests and subscriptions go. */
void query_session_ended(struct query *query, struct session *session);

/* Ends every subscription of every session with CLOSED error: before a shutdown. */
void query_drain(struct query *query, const char *reason);
