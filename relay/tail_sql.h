/* tail_sql.h - the statements by which the tail reads, and the events in an answer.
 */
#pragma once

#include <libpq-fe.h>

#include "shared/base.h"

struct arena;
struct event;

/* The events of transactions, in the order of their numbers in $1. */
#define TAIL_FETCH "fetch"
#define TAIL_FETCH_SQL                                                                      \
    "SELECT " ROW_COLUMNS ", x.place FROM unnest($1::int8[]) WITH ORDINALITY x(xid, place)" \
    " CROSS JOIN LATERAL (SELECT * FROM event y WHERE y.xid >= x.xid AND y.xid <= x.xid"    \
    "  ORDER BY y.xid OFFSET 0) e"

/* First the number below which no transaction will appear any more, then the numbers of those that
 * stored something, from $1 on, $2 at most. Each is a seek: the rows between are not read. */
#define TAIL_LIST "list"
#define TAIL_LIST_SQL                                                                          \
    "WITH RECURSIVE w(xid) AS ("                                                               \
    " SELECT (SELECT e.xid FROM event e WHERE e.xid >= $1::int8 ORDER BY e.xid LIMIT 1)"       \
    " UNION ALL SELECT (SELECT e.xid FROM event e WHERE e.xid > w.xid ORDER BY e.xid LIMIT 1)" \
    " FROM w WHERE w.xid IS NOT NULL)"                                                         \
    " SELECT pg_snapshot_xmin(pg_current_snapshot())::text::int8"                              \
    " UNION ALL SELECT * FROM (SELECT w.xid FROM w WHERE w.xid IS NOT NULL LIMIT $2::int8) x"

/* For db_setup.prepare; context is a struct shard. Listens, too. */
MUST_CHECK bool tail_sql_prepare(PGconn *conn, const void *context);

/* The events of an answer to fetch, within a transaction oldest first; count of them. */
const struct event *tail_sql_events(struct arena *arena, const PGresult *result, uint32_t *count);

/* Whether one of them is a deletion, or a request to vanish. */
bool tail_sql_deletes(const struct event *events, uint32_t count);
