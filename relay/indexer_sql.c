#include "relay/indexer_sql.h"

#include "relay/row.h"
#include "relay/schema.h"

enum { STATEMENT_MS_MAX = 20000 };

#define OLDEST "pg_snapshot_xmin(pg_current_snapshot())::text::int8"

/* Of the events e, $1 the kinds that are indexed. No more of a content than is indexed is sent. */
#define COLUMNS                                                                             \
    "e.id, e.pubkey, e.created_at, e.kind, CASE WHEN e.kind = ANY($1::int4[]) THEN e.tags"  \
    " ELSE '[]' END, e.sig, CASE WHEN e.kind = ANY($1::int4[]) THEN left(e.content, 16384)" \
    " ELSE '' END, e.tie, e.xid, (e.kind = ANY($1::int4[]))::int4"
#define LAST_ROW \
    " UNION ALL SELECT NULL, NULL, " OLDEST ", NULL, NULL, NULL, NULL, NULL, NULL, NULL"

#define VECTOR(configuration)                                    \
    "setweight(to_tsvector(" configuration ", u.title), 'A') ||" \
    " setweight(to_tsvector(" configuration ", u.body), 'D')"

static const struct {
    const char *name, *sql;
} statements[] = {
    /* Goes with the connection. */
    {INDEXER_ELECT, "SELECT pg_try_advisory_lock(hashtextextended('index ' || $1::text, 0))::int4"},

    {INDEXER_PLACE, "SELECT " OLDEST ", (SELECT convert_from(v, 'UTF8') FROM meta"
                    " WHERE k = 'search_place')"},

    /* What was there when indexing began, from the newest down. */
    {INDEXER_WALK, "(SELECT " COLUMNS " FROM event e WHERE e.created_at >= 0 AND"
                   " (e.created_at, e.tie) < ($2::int8, $3::int8)"
                   " ORDER BY e.created_at DESC, e.tie DESC LIMIT 500)" LAST_ROW},

    /* What came since, in the order of transactions; none of those that may still commit. */
    {INDEXER_FOLLOW, "(SELECT " COLUMNS " FROM event e WHERE e.xid >= $4::int8 AND e.xid < " OLDEST
                     " AND (e.xid, e.created_at, e.tie) > ($4::int8, $2::int8, $3::int8)"
                     " ORDER BY e.xid, e.created_at, e.tie LIMIT 500)" LAST_ROW},

    {INDEXER_STORE,
     "INSERT INTO search (created_at, tie, pkp, kind, language, words)"
     " SELECT u.created_at, u.tie, u.pkp, u.kind, u.language, " VECTOR(
         "'simple'") " ||"
                     " CASE WHEN u.stems = 'simple' THEN '' ELSE " VECTOR(
                         "u.stems::regconfig") " END"
                                               " FROM unnest($1::int8[], $2::int8[], $3::int8[], "
                                               "$4::int4[], $5::text[], $6::text[],"
                                               "  $7::text[], $8::text[]) u(created_at, tie, pkp, "
                                               "kind, language, stems, title, body)"
                                               " ON CONFLICT DO NOTHING"},

    /* If it is still $2. */
    {INDEXER_SAVE, "INSERT INTO meta VALUES ('search_place', convert_to($1::text, 'UTF8'))"
                   " ON CONFLICT (k) DO UPDATE SET v = excluded.v"
                   " WHERE meta.v = convert_to($2::text, 'UTF8')"},

    /* Rows whose event is gone. Answers the place where the next sweep begins. */
    {INDEXER_SWEEP,
     "WITH page AS MATERIALIZED (SELECT created_at, tie FROM search"
     "  WHERE (created_at, tie) > ($1::int8, $2::int8) ORDER BY created_at, tie LIMIT 2000),"
     " gone AS (DELETE FROM search WHERE ctid = ANY (ARRAY(SELECT s.ctid FROM page p"
     "  CROSS JOIN LATERAL (SELECT x.ctid FROM search x WHERE x.created_at = p.created_at"
     "   AND x.tie = p.tie OFFSET 0) s WHERE NOT EXISTS (SELECT FROM event e"
     "   WHERE e.created_at = p.created_at AND e.tie = p.tie OFFSET 0))))"
     " SELECT created_at, tie FROM page ORDER BY created_at DESC, tie DESC LIMIT 1"},
};

/* What is lost in a crash is indexed once more: no commit need wait for the disk. */
bool indexer_sql_prepare(PGconn *conn, const void *context)
{
    if (!schema_enter(conn, context, STATEMENT_MS_MAX))
        return false;
    PGresult *result = PQexec(conn, "SET synchronous_commit TO off");
    bool is_ok = PQresultStatus(result) == PGRES_COMMAND_OK;
    PQclear(result);
    for (size_t i = 0; is_ok && i < ARRAY_LEN(statements); i++)
        is_ok = schema_prepare(conn, statements[i].name, statements[i].sql);
    return is_ok;
}
