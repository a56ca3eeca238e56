#include "relay/control_sql.h"

#include <stdio.h>

#include "relay/schema.h"

enum { CONTROL_STATEMENT_MS_MAX = 10000 };

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
