/* outbox.h - which events are still to be sent to which relays. store_put queues them.
 *
 * An event and a relay make one row, ever: it is sent again until the relay has taken it or has
 * refused it for good. A row that is delivered stays, so that nothing is sent twice.
 *
 *   units      *_ms: unix milliseconds
 *   ownership  results live in the arena given
 *   threads    the store's
 *   errors     the store's
 */
#pragma once

#include "shared/base.h"

struct arena;
struct err;
struct store;

enum outbox_state { OUTBOX_QUEUED, OUTBOX_DELIVERED, OUTBOX_REFUSED };

struct outbox_row {
    struct bytes32 id;
    struct span relay; /* its URL */
    struct span event; /* one line of JSON */
    enum outbox_state state;
    uint32_t tries;
    uint64_t next_ms;   /* not before */
    struct span reason; /* of the last try that failed */
};

struct outbox_rows {
    struct outbox_row *at;
    size_t count;
};

struct outbox_turn {
    struct span relay; /* len 0: any */
    uint64_t now_ms;
    size_t max;
};

/* What is to be sent at a turn, the oldest first. */
MUST_CHECK bool outbox_due(struct store *store, struct outbox_rows *rows, struct arena *arena,
                           const struct outbox_turn *turn, struct err *err);

/* What is queued or refused, due or not, the oldest first, up to max. */
MUST_CHECK bool outbox_list(struct store *store, struct outbox_rows *rows, struct arena *arena,
                            size_t max, struct err *err);

MUST_CHECK bool outbox_count(struct store *store, uint64_t *queued, uint64_t *refused,
                             struct err *err);

/* The relays that something is queued for, in the order of their URLs. */
MUST_CHECK bool outbox_relays(struct store *store, struct span **urls, size_t *count,
                              struct arena *arena, struct err *err);

/* When the next is due at that relay, or at any; UINT64_MAX when nothing is queued. */
MUST_CHECK bool outbox_next(struct store *store, uint64_t *next_ms, struct span relay,
                            struct err *err);

MUST_CHECK bool outbox_delivered(struct store *store, const struct bytes32 *id, struct span relay,
                                 struct err *err);

/* Counts a try; reason: the relay's words, or why it could not be asked. */
MUST_CHECK bool outbox_failed(struct store *store, const struct bytes32 *id, struct span relay,
                              uint64_t next_ms, struct span reason, struct err *err);
MUST_CHECK bool outbox_refused(struct store *store, const struct bytes32 *id, struct span relay,
                               struct span reason, struct err *err);

/* Events in the store that more relays are to get, once it is known which (audience.h). Kept until
 * outbox_route_done. The rows, the oldest first, are of no relay. */
MUST_CHECK bool outbox_route_later(struct store *store, const struct bytes32 *id, struct err *err);
MUST_CHECK bool outbox_to_route(struct store *store, struct outbox_rows *rows, struct arena *arena,
                                size_t max, struct err *err);
MUST_CHECK bool outbox_route_done(struct store *store, const struct bytes32 *id, struct err *err);

/* All that is queued or was refused is due now; or none of it is to be sent any more. relay.len 0:
 * for every relay. */
MUST_CHECK bool outbox_retry(struct store *store, uint64_t *count, struct span relay,
                             struct err *err);
MUST_CHECK bool outbox_drop(struct store *store, uint64_t *count, struct span relay,
                            struct err *err);
