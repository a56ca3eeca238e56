/* store_sql.h - the statements by which the store writes, and their parameters.
 *
 * A batch is one transaction of these, in this order: lock, adopt, insert (kinds 5 and 62),
 * delete_ids, delete_addresses, vanish, replace, insert (the rest), mark. Those that a batch does
 * not need are left out. Behind the transaction comes notify, one of its own: a commit that
 * notifies waits for all others that do, their writes to the disk included. Whatever is chosen is
 * chosen by a lateral subquery whose order only one index can give, and deleted by ctid, so that
 * no statistics are needed for a plan without a scan.
 */
#pragma once

#include <libpq-fe.h>

#include "shared/base.h"

/* Parameters as they are begun in store_params.c; verdicts are those of STORE_SQL_VERDICT_*. */
#define STORE_SQL_LOCK "lock"
#define STORE_SQL_ADOPT "adopt"
/* The first costs less, but fails (23505) if somebody else stores one of the events meanwhile. */
#define STORE_SQL_INSERT "insert"
#define STORE_SQL_INSERT_RACED "insert_raced"
#define STORE_SQL_DELETE_IDS "delete_ids"
#define STORE_SQL_DELETE_ADDRESSES "delete_addresses"
#define STORE_SQL_VANISH "vanish"
#define STORE_SQL_REPLACE "replace"
/* The batch, "origin number" -> nothing, or one row if something was stored: its xid, second. The
 * session remembers "xid origin number", if it commits, for notify: channel, "origin number". */
#define STORE_SQL_MARK "mark"
#define STORE_SQL_NOTIFY "notify"

#define STORE_SQL_ROUTE "route" /* where authors live: see route.h */
#define STORE_SQL_HOLD "hold"
#define STORE_SQL_KEY "key"       /* the schema's secret */
#define STORE_SQL_PROBE "probe"   /* a row that changes */
#define STORE_SQL_EXPIRE "expire" /* now, schema, how many at most -> deleted */
/* The kinds that are stored and, as the last row, NULL; none while another session that has asked
 * has not released what both give: the schema. */
#define STORE_SQL_KINDS "kinds"
#define STORE_SQL_RELEASE "release"
/* Places (created_at, tie), at most TAIL_PURGED_MAX, and a channel -> deleted. They need not be
 * there; the channel is told which were. */
#define STORE_SQL_PURGE "purge"

/* In the result of insert: (tie, verdict). An event in no row lost a race: it is a duplicate. */
enum {
    STORE_SQL_VERDICT_NEW,
    STORE_SQL_VERDICT_DUPLICATE,
    STORE_SQL_VERDICT_OLDER,
    STORE_SQL_VERDICT_DELETED,
    STORE_SQL_VERDICT_MOVED, /* its author is not written here */
};

/* For db_setup.prepare; context is a struct shard. */
MUST_CHECK bool store_sql_prepare(PGconn *conn, const void *context);

/* All of them, for the test of their plans. */
struct store_sql_statement {
    const char *name, *sql;
};

extern const struct store_sql_statement store_sql_statements[];
extern const size_t store_sql_statement_count;
