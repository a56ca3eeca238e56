/* route.h - which shard an author's events live on.
 *
 * A public key belongs to a bucket, by its first bits; each bucket has a home. The table of homes
 * has a version, lies in the first shard's schema, and is read by every process. A bucket moves
 * while its authors write: the shard it left has a fence, so that whoever goes by an old table is
 * told so and reads the new one.
 *
 *   ownership  counted: route_keep, route_drop
 *   threads    one at a time; immutable once read. What has a PGconn or an err blocks
 *   errors     ERR_INTERNAL: what PostgreSQL said
 */
#pragma once

#include <libpq-fe.h>

#include "relay/schema.h"
#include "shared/base.h"

struct err;
struct event;

enum {
    ROUTE_BUCKETS = 1024,
    ROUTE_SHARDS_MAX = 64,
    ROUTE_LOCKS = 64,
    ROUTE_EVERYWHERE = ROUTE_BUCKETS, /* the bucket of what has to be told to all shards */
};

/* The column xid of what no tail tells of: it was stored on another shard and has moved; or it is
 * the copy of a deletion that has its home on another. */
#define ROUTE_XID_MOVED "0"
#define ROUTE_XID_COPY "-1"

struct route {
    uint32_t references;
    int64_t version;
    bool is_moving;                               /* it must be asked for anew before each read */
    uint8_t homes[ROUTE_BUCKETS];                 /* by bucket: a place in shards */
    uint32_t shard_count;                         /* at least one: the first */
    const struct shard *shards[ROUTE_SHARDS_MAX]; /* live as long as the process */
};

uint32_t route_bucket(const struct bytes32 *pubkey);

/* The lock that who writes an author's events shares, and who moves them takes alone; pkp: the
 * column. All authors of a bucket have one. */
uint32_t route_lock(int64_t pkp);
uint32_t route_bucket_lock(uint32_t bucket);

/* Where the author's events are. */
uint32_t route_home(const struct route *route, const struct bytes32 *pubkey);

/* Whether an event takes effect on other shards as well: it vanishes, or deletes by id. Gift wraps
 * live with their one-time authors, and those whom they name may delete them. */
bool route_is_everywhere(const struct event *event);

/* What is newer than version $1: a row for each shard besides the first; no row, nothing newer. */
#define ROUTE_SQL                                                                              \
    "SELECT r.version, r.is_moving::int4, r.homes, s.number, s.conninfo, s.schema, s.standbys" \
    " FROM route r LEFT JOIN LATERAL (SELECT * FROM shard x WHERE x.number > 0"                \
    "  ORDER BY x.number OFFSET 0) s ON true WHERE r.version > $1::int8 ORDER BY r.version"

/* Of its result, binary, with rows. The first shard is where the table was read. NULL, logged: it
 * makes no sense. */
struct route *route_read(const PGresult *result, const struct shard *first);

/* Says which version this session goes by, so that who moves a bucket can wait for it; and frees
 * what it said before: $1 is the new version, $2 the old or 0. */
#define ROUTE_HOLD_SQL                                                \
    "SELECT pg_advisory_lock_shared(" ROUTE_HOLD_CLASS ", $1::int4)," \
    " CASE WHEN $2::int4 > 0 THEN"                                    \
    "  pg_advisory_unlock_shared(" ROUTE_HOLD_CLASS ", $2::int4) END"
#define ROUTE_HOLD_CLASS "hashtext('routes of ' || current_schema())"

/* As they are now, in the schema that conn has entered. NULL: err says why. */
struct route *route_load(PGconn *conn, const struct shard *first, struct err *err);

struct route *route_keep(struct route *route);
void route_drop(struct route *route); /* NULL: nothing */

/* Migrates the first shard, and the others that are listed there. False: not all can be reached now
 * or, *is_refused, one of them can and is of no use. */
MUST_CHECK bool route_migrate(const struct shard *first, bool *is_refused, struct err *err);
