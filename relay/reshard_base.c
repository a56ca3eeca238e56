#include "relay/reshard_base.h"

#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "relay/db.h"
#include "relay/tail.h"
#include "shared/err.h"
#include "shared/text.h"

enum { LOOK_MS = 10, AWAIT_MS_MAX = 60000 };

#define COLUMNS \
    "created_at, tie, pkp, dh, expires, kind, id, pubkey, sig, tag_hashes, tags, content"

static bool refused(const PGconn *conn, struct err *err)
{
    const char *text = PQerrorMessage(conn);
    const char *schema = PQdb(conn);
    return err_set(err, ERR_INTERNAL, "%s: %.*s", schema != NULL ? schema : "shard",
                   (int)strcspn(text, "\n"), text);
}

__attribute__((format(printf, 2, 0))) static void format_sql(struct text *out, const char *format,
                                                             va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    int len = vsnprintf(NULL, 0, format, again);
    va_end(again);
    char *sql = malloc((size_t)len + 1);
    if (sql == NULL)
        abort();
    vsnprintf(sql, (size_t)len + 1, format, arguments);
    text_add(out, (struct span){sql, (size_t)len + 1});
    free(sql);
}

bool reshard_do(PGconn *conn, struct err *err, const char *format, ...)
{
    struct text sql = {0};
    va_list arguments;
    va_start(arguments, format);
    format_sql(&sql, format, arguments);
    va_end(arguments);
    PGresult *result = PQexec(conn, sql.at);
    bool is_ok = PQresultStatus(result) == PGRES_COMMAND_OK ||
                 PQresultStatus(result) == PGRES_TUPLES_OK || refused(conn, err);
    PQclear(result);
    text_clear(&sql);
    return is_ok;
}

bool reshard_ask(PGconn *conn, int64_t *out, struct err *err, const char *format, ...)
{
    struct text sql = {0};
    va_list arguments;
    va_start(arguments, format);
    format_sql(&sql, format, arguments);
    va_end(arguments);
    PGresult *result = PQexec(conn, sql.at);
    bool is_ok =
        (PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1) || refused(conn, err);
    if (is_ok)
        *out = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    PQclear(result);
    text_clear(&sql);
    return is_ok;
}

bool reshard_connect(PGconn **conn, const struct shard *shard, struct err *err)
{
    *conn = db_connect(shard->conninfo);
    if (PQstatus(*conn) == CONNECTION_OK && schema_enter(*conn, shard, 0) &&
        reshard_do(*conn, err,
                   "CREATE TEMP TABLE incoming AS SELECT " COLUMNS " FROM event WITH NO DATA") &&
        reshard_do(*conn, err,
                   "CREATE TEMP TABLE present (created_at int8, tie int8);"
                   "CREATE TEMP TABLE incoming_words AS SELECT * FROM search WITH NO DATA") &&
        reshard_do(*conn, err, "SET enable_seqscan TO on; SET enable_hashjoin TO on;"))
        return true;
    (void)refused(*conn, err);
    PQfinish(*conn);
    *conn = NULL;
    return false;
}

bool reshard_be_alone(PGconn *conn, struct err *err)
{
    int64_t is_alone;
    return reshard_ask(conn, &is_alone, err,
                       "SELECT pg_try_advisory_lock(hashtextextended('reshard ' ||"
                       " current_schema(), 0))::int") &&
           (is_alone == 1 ||
            err_set(err, ERR_INTERNAL, "shards are being changed already, by another"));
}

bool reshard_open(struct reshard_desk *desk, const struct shard *first, struct err *err)
{
    *desk = (struct reshard_desk){0};
    bool is_ok =
        reshard_connect(&desk->conns[0], first, err) && reshard_be_alone(desk->conns[0], err);
    if (is_ok) {
        desk->route = route_load(desk->conns[0], first, err);
        is_ok = desk->route != NULL;
    }
    for (uint32_t i = 1; is_ok && i < desk->route->shard_count; i++)
        is_ok = reshard_connect(&desk->conns[i], desk->route->shards[i], err) &&
                reshard_be_alone(desk->conns[i], err);
    if (!is_ok)
        reshard_close(desk);
    return is_ok;
}

void reshard_close(struct reshard_desk *desk)
{
    for (uint32_t i = 0; i < ROUTE_SHARDS_MAX; i++)
        PQfinish(desk->conns[i]);
    route_drop(desk->route);
    *desk = (struct reshard_desk){0};
}

bool reshard_lock(PGconn *conn, const struct shard *shard, uint32_t lock_first, uint32_t lock_last,
                  struct err *err)
{
    return reshard_do(conn, err,
                      "BEGIN; SELECT count(pg_advisory_xact_lock(hashtextextended('%s', 0) # i))"
                      " FROM generate_series(%u::int8, %u) i",
                      shard->schema, lock_first, lock_last);
}

bool reshard_lock_shared(PGconn *conn, const struct shard *shard, struct err *err)
{
    return reshard_do(conn, err,
                      "BEGIN; SELECT count(pg_advisory_xact_lock_shared(hashtextextended('%s', 0)"
                      " # i)) FROM generate_series(0::int8, %d) i",
                      shard->schema, ROUTE_LOCKS - 1);
}

/* Between two connections that are in COPY. */
static bool pour(PGconn *from, PGconn *to, struct err *err)
{
    char *bytes;
    int len;
    while ((len = PQgetCopyData(from, &bytes, 0)) > 0) {
        int sent = PQputCopyData(to, bytes, len);
        PQfreemem(bytes);
        if (sent != 1)
            return refused(to, err);
    }
    return len == -1 || refused(from, err);
}

/* What a COPY answers in the end. */
static bool finish_copy(PGconn *conn, struct err *err)
{
    bool is_ok = true;
    for (PGresult *result; (result = PQgetResult(conn)) != NULL; PQclear(result))
        if (PQresultStatus(result) != PGRES_COMMAND_OK)
            is_ok = refused(conn, err);
    return is_ok;
}

bool reshard_pour(PGconn *from, PGconn *to, const char *query, const char *table, struct err *err)
{
    struct text out = {0}, in = {0};
    text_addf(&out, "COPY (%s) TO STDOUT (FORMAT binary)", query);
    text_addf(&in, "COPY %s FROM STDIN (FORMAT binary)", table);
    text_add(&out, (struct span){"", 1});
    text_add(&in, (struct span){"", 1});
    PGresult *begun = PQexec(from, out.at);
    bool is_ok = PQresultStatus(begun) == PGRES_COPY_OUT || refused(from, err);
    PQclear(begun);
    if (is_ok) {
        begun = PQexec(to, in.at);
        is_ok = PQresultStatus(begun) == PGRES_COPY_IN || refused(to, err);
        PQclear(begun);
    }
    is_ok = is_ok && pour(from, to, err) && (PQputCopyEnd(to, NULL) == 1 || refused(to, err)) &&
            finish_copy(from, err) && finish_copy(to, err);
    text_clear(&out);
    text_clear(&in);
    return is_ok;
}

bool reshard_copy(PGconn *from, PGconn *to, const char *condition, const char *xid, struct err *err)
{
    struct text query = {0};
    text_addf(&query, "SELECT " COLUMNS " FROM event WHERE created_at >= 0 AND (%s)", condition);
    text_add(&query, (struct span){"", 1});
    bool is_ok = reshard_pour(from, to, query.at, "incoming (" COLUMNS ")", err) &&
                 reshard_do(to, err,
                            "WITH ins AS (INSERT INTO event (" COLUMNS ", xid)"
                            " SELECT " COLUMNS ", %s FROM incoming ON CONFLICT DO NOTHING"
                            " RETURNING created_at, tie, pkp, kind, tag_hashes)"
                            " INSERT INTO etag (h, created_at, tie, pkp, kind)"
                            " SELECT m.h, i.created_at, i.tie, i.pkp, i.kind FROM ins i"
                            " CROSS JOIN LATERAL unnest(i.tag_hashes) m(h) ON CONFLICT DO NOTHING;"
                            "TRUNCATE incoming",
                            xid);
    text_clear(&query);
    return is_ok;
}

bool reshard_copy_deletions(struct reshard_desk *desk, PGconn *to, struct err *err)
{
    return to == desk->conns[0] ||
           reshard_copy(desk->conns[0], to, "kind IN (5, 62)", ROUTE_XID_COPY, err);
}

bool reshard_publish(struct reshard_desk *desk, bool is_moving, struct err *err)
{
    char homes[2 * ROUTE_BUCKETS + 1];
    for (int i = 0; i < ROUTE_BUCKETS; i++)
        snprintf(homes + 2 * (size_t)i, 3, "%02x", desk->route->homes[i]);
    if (!reshard_do(desk->conns[0], err,
                    "UPDATE route SET version = version + 1, is_moving = %s, homes = '\\x%s';"
                    "SELECT pg_notify('shoal_' || current_schema(), '" TAIL_ROUTES "')",
                    is_moving ? "true" : "false", homes))
        return false;
    desk->route->version++;
    return true;
}

bool reshard_await(struct reshard_desk *desk, struct err *err)
{
    int64_t behind = 1;
    for (int ms = 0; ms < AWAIT_MS_MAX; ms += LOOK_MS) {
        if (!reshard_ask(desk->conns[0], &behind, err,
                         "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND"
                         " objsubid = 2 AND classid::int8 = " ROUTE_HOLD_CLASS
                         "::int8 & 4294967295 AND objid::int8 < %" PRId64
                         " AND database = (SELECT oid FROM pg_database WHERE datname ="
                         " current_database())",
                         desk->route->version))
            return false;
        if (behind == 0)
            return true;
        poll(NULL, 0, LOOK_MS); /* who changes what he goes by, tells nobody but the database */
    }
    return err_set(err, ERR_INTERNAL, "%" PRId64 " relay processes do not follow", behind);
}
