/* reconcile.h - the journey of one NIP-77 reconciliation: NEG-OPEN, NEG-MSG and so on.
 *
 * The records that match the filter are collected from the store, page by page, as they would be
 * for a REQ: what the session may not see is not among them. From then on they stay as they are.
 * So every event that was committed before NEG-OPEN and is still there when the last page is read
 * is among them; one committed meanwhile may be. A client that opens a subscription with limit 0
 * first hears of those live, and has no gap.
 *
 * Answers are made on the pool, one at a time for all sessions: a million records take a while.
 *
 *   units      now_ms: milliseconds of the loop's clock
 *   ownership  a session lists its reconciliations; each ends by NEG-CLOSE, NEG-ERR or the session
 *   threads    loop thread only
 *   errors     NEG-ERR, after which the id is free again
 *   bounds     records of one and of all together; reconciliations of a session; how long a client
 *              may be silent, and how long it may go on; bytes of an answer
 *   spec       NIP-77
 */
#pragma once

#include <uv.h>

#include "shared/base.h"

struct arena;
struct err;
struct filter;
struct policy;
struct reconcile_desk;
struct session;
struct session_table;
struct shards;

struct reconcile_setup {
    const struct policy *policy;
    struct session_table *sessions;
    struct shards *store;
    int64_t records_max;       /* 0: nothing is reconciled here */
    int64_t message_bytes_max; /* no answer is longer than what we would take */
};

struct reconcile_desk *reconcile_desk_new(uv_loop_t *loop, const struct reconcile_setup *setup);

/* Nothing may be pending, and no session left. */
void reconcile_desk_free(struct reconcile_desk *desk);

/* Whether a thread of the pool still works for us. */
bool reconcile_is_pending(const struct reconcile_desk *desk);

/* NEG-OPEN; ends one of the same name. Takes the arena over, in which the rest lives. */
void reconcile_open(struct reconcile_desk *desk, struct session *session, struct arena *arena,
                    struct span name, const struct filter *filter, struct span message);

/* NEG-MSG. */
void reconcile_message(struct reconcile_desk *desk, struct session *session, struct span name,
                       struct span message);

/* NEG-CLOSE: silent. */
void reconcile_close(struct session *session, struct span name);

/* What was sent under that name cannot be read. */
void reconcile_refuse(struct session *session, struct span name, const struct err *why);

/* The session ends. */
void reconcile_session_ended(struct session *session);

/* About once a second: ends those whose client says nothing. */
void reconcile_tidy(struct reconcile_desk *desk);

/* Ends all of all sessions: before a shutdown. */
void reconcile_drain(struct reconcile_desk *desk, const char *reason);
