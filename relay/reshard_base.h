/* reshard_base.h - connections to all shards, and the table of homes as it is changed.
 *
 *   threads  blocking
 *   errors   ERR_INTERNAL: what PostgreSQL said, and of which shard
 */
#pragma once

#include <libpq-fe.h>

#include "relay/route.h"

struct err;

struct reshard_desk {
    struct route *route;
    PGconn *conns[ROUTE_SHARDS_MAX]; /* by number; each has entered its schema */
    int64_t grace_s;
};

/* No second one can be opened meanwhile. On failure nothing is left open. */
MUST_CHECK bool reshard_open(struct reshard_desk *desk, const struct shard *first, struct err *err);
void reshard_close(struct reshard_desk *desk);

/* Connects and enters the schema. */
MUST_CHECK bool reshard_connect(PGconn **conn, const struct shard *shard, struct err *err);

/* False while another connection has called this for its schema and is there: also one of a
 * command that was killed, whose last statement PostgreSQL has not ended yet. */
MUST_CHECK bool reshard_be_alone(PGconn *conn, struct err *err);

/* One or several statements without results. */
MUST_CHECK bool reshard_do(PGconn *conn, struct err *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The one number that a query gives. */
MUST_CHECK bool reshard_ask(PGconn *conn, int64_t *out, struct err *err, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Begins a transaction that whoever writes those authors waits for; or, shared, whoever deletes. */
MUST_CHECK bool reshard_lock_shared(PGconn *conn, const struct shard *shard, struct err *err);
MUST_CHECK bool reshard_lock(PGconn *conn, const struct shard *shard, uint32_t lock_first,
                             uint32_t lock_last, struct err *err);

/* The rows of a query on one side, into a table on the other. */
MUST_CHECK bool reshard_pour(PGconn *from, PGconn *to, const char *query, const char *table,
                             struct err *err);

/* The rows of event on from that a condition chooses, with their tag rows, to another shard. xid: a
 * ROUTE_XID_, by which no tail there will tell of them. */
MUST_CHECK bool reshard_copy(PGconn *from, PGconn *to, const char *condition, const char *xid,
                             struct err *err);

/* Deletions by id and vanishings, which every shard has. */
MUST_CHECK bool reshard_copy_deletions(struct reshard_desk *desk, PGconn *to, struct err *err);

/* Those gift wraps that a condition chooses and a deletion that is here names, or concerns. */
MUST_CHECK bool reshard_delete_wraps(PGconn *conn, const char *condition, struct err *err);

/* Makes the next version of the routes, with the homes of desk->route. */
MUST_CHECK bool reshard_publish(struct reshard_desk *desk, bool is_moving, struct err *err);

/* Until every relay that is connected goes by the routes at hand. */
MUST_CHECK bool reshard_await(struct reshard_desk *desk, struct err *err);

MUST_CHECK bool reshard_add(struct reshard_desk *desk, const char *conninfo, const char *schema,
                            struct err *err);

/* conninfo: of streaming standbys to read the shard from; empty: none. */
MUST_CHECK bool reshard_put_standbys(const struct reshard_desk *desk, uint32_t shard,
                                     const char *conninfo, struct err *err);

/* buckets: which of ROUTE_BUCKETS; those that live there already are left out. */
MUST_CHECK bool reshard_move(struct reshard_desk *desk, const bool *buckets, uint32_t target,
                             struct err *err);
