#include "relay/control_sql.h"

#include <stdio.h>

#include "relay/route.h"
#include "relay/schema.h"

enum { CONTROL_STATEMENT_MS_MAX = 10000 };

/* Of the newest events only: the cost is bounded, whatever is stored. A thousand rows are there for
 * the planner. Copies of deletions count where they have their home. */
#define STATS                                                                                   \
    "WITH w AS MATERIALIZED (SELECT kind, pubkey, created_at FROM event WHERE created_at >= 0"  \
    "  AND xid <> " ROUTE_XID_COPY " ORDER BY created_at DESC, tie DESC LIMIT 10000),"          \
    " k AS (SELECT kind, count(*) AS count FROM w GROUP BY kind),"                              \
    " a AS (SELECT encode(pubkey, 'hex') AS pubkey, count(*) AS count FROM w GROUP BY w.pubkey" \
    "  ORDER BY count DESC, w.pubkey LIMIT 100)"                                                \
    " SELECT json_build_object("                                                                \
    "  'events', (SELECT count(*) FROM w), 'since', (SELECT min(created_at) FROM w),"           \
    "  'kinds', (SELECT coalesce(json_agg(k), '[]') FROM k),"                                   \
    "  'pubkeys', (SELECT coalesce(json_agg(a), '[]') FROM a),"                                 \
    "  'database', json_build_object('version', current_setting('server_version'),"             \
    "   'name', current_database() || '.' || current_schema(),"                                 \
    "   'is_standby', pg_is_in_recovery(),"                                                     \
    "   'bytes', pg_total_relation_size('event') + pg_total_relation_size('etag'),"             \
    "   'events', (SELECT greatest(reltuples - 1000, 0)::int8 FROM pg_class WHERE oid = "       \
    "'event'::regclass),"                                                                       \
    "   'dead', (SELECT n_dead_tup FROM pg_stat_user_tables WHERE relid = 'event'::regclass),"  \
    "   'connections', (SELECT count(*) FROM pg_stat_activity"                                  \
    "    WHERE backend_type = 'client backend'),"                                               \
    "   'connections_max', current_setting('max_connections')::int4,"                           \
    "   'oldest_s', (SELECT coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), " \
    "0)::int8"                                                                                  \
    "    FROM pg_stat_activity WHERE backend_type = 'client backend'),"                         \
    "   'replicas', (SELECT coalesce(json_agg(json_build_object('name', application_name,"      \
    "    'state', state, 'lag_s', extract(epoch FROM replay_lag))), '[]')"                      \
    "    FROM pg_stat_replication)))::text"

/* An author is on one shard, but for the time of a move. */
#define STATS_SUM                                                                         \
    "WITH s AS MATERIALIZED (SELECT s.value AS of, s.number FROM "                        \
    "jsonb_array_elements($1::text::jsonb)"                                               \
    "  WITH ORDINALITY s(value, number)),"                                                \
    " k AS (SELECT x.kind, sum(x.count)::int8 AS count FROM s"                            \
    "  CROSS JOIN LATERAL jsonb_to_recordset(s.of->'kinds') x(kind int4, count int8)"     \
    "  GROUP BY x.kind ORDER BY count DESC, x.kind LIMIT 20),"                            \
    " a AS (SELECT x.pubkey, sum(x.count)::int8 AS count FROM s"                          \
    "  CROSS JOIN LATERAL jsonb_to_recordset(s.of->'pubkeys') x(pubkey text, count int8)" \
    "  GROUP BY x.pubkey ORDER BY count DESC, x.pubkey LIMIT 20)"                         \
    " SELECT json_build_object("                                                          \
    "  'events', (SELECT sum((s.of->>'events')::int8)::int8 FROM s),"                     \
    "  'since', (SELECT min((s.of->>'since')::int8) FROM s),"                             \
    "  'kinds', (SELECT coalesce(json_agg(k), '[]') FROM k),"                             \
    "  'pubkeys', (SELECT coalesce(json_agg(a), '[]') FROM a),"                           \
    "  'databases', (SELECT json_agg(s.of->'database' ORDER BY s.number) FROM s))::text"

#define ITEM "list, item, is_allowed::int4::int8, note, admin, at"

static const struct {
    const char *name, *sql;
} statements[] = {
    {CONTROL_SQL_ALL, "SELECT " ITEM " FROM control"},
    {CONTROL_SQL_ONE, "SELECT " ITEM " FROM control WHERE list = $1::text AND item = $2::text"},
    {CONTROL_SQL_PUT,
     "WITH put AS (INSERT INTO control (list, item, is_allowed, note, admin, at)"
     "  VALUES ($1::text, $2::text, $3::int8 = 1, $4::text, $5::text, $6::int8)"
     "  ON CONFLICT (list, item) DO UPDATE SET is_allowed = excluded.is_allowed,"
     "   note = excluded.note, admin = excluded.admin, at = excluded.at RETURNING list, item)"
     " SELECT pg_notify($7::text, list || ' ' || item) FROM put"},
    {CONTROL_SQL_DROP, "WITH gone AS (DELETE FROM control WHERE list = $1::text AND item = $2::text"
                       "  AND is_allowed = ($3::int8 = 1) RETURNING list, item)"
                       " SELECT pg_notify($4::text, list || ' ' || item) FROM gone"},
    {CONTROL_SQL_TICKET,
     "WITH gone AS (DELETE FROM ticket WHERE expires < $4::int8)"
     " INSERT INTO ticket (id, pubkey, expires) VALUES ($1::bytea, $2::bytea, $3::int8)"
     " ON CONFLICT DO NOTHING RETURNING 1::int8"},
    {CONTROL_SQL_HOLDER, "SELECT pubkey FROM ticket WHERE id = $1::bytea AND pubkey IS NOT NULL AND"
                         " expires >= $2::int8"},
    {CONTROL_SQL_STATS, STATS},
    {CONTROL_SQL_STATS_SUM, STATS_SUM},
    {CONTROL_SQL_LEAVE, "DELETE FROM ticket WHERE id = $1::bytea AND pubkey IS NOT NULL"},
};

void control_sql_channel(char out[CONTROL_CHANNEL_CHARS_MAX + 1], const struct shard *shard)
{
    snprintf(out, CONTROL_CHANNEL_CHARS_MAX + 1, "shoal_%.*s_ctl", SCHEMA_NAME_MAX, shard->schema);
}

bool control_sql_prepare(PGconn *conn, const void *context)
{
    char channel[CONTROL_CHANNEL_CHARS_MAX + 1], sql[CONTROL_CHANNEL_CHARS_MAX + 16];
    control_sql_channel(channel, context);
    if (!schema_enter(conn, context, CONTROL_STATEMENT_MS_MAX))
        return false;
    snprintf(sql, sizeof sql, "LISTEN \"%s\"", channel);
    PGresult *result = PQexec(conn, sql);
    bool is_ok = PQresultStatus(result) == PGRES_COMMAND_OK;
    PQclear(result);
    for (size_t i = 0; is_ok && i < ARRAY_LEN(statements); i++)
        is_ok = schema_prepare(conn, statements[i].name, statements[i].sql);
    return is_ok;
}

bool control_sql_prepare_stats(PGconn *conn, const void *context)
{
    return schema_enter(conn, context, CONTROL_STATEMENT_MS_MAX) &&
           schema_prepare(conn, CONTROL_SQL_STATS, STATS);
}
