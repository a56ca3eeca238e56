#include "relay/schema.h"

#include <stdio.h>
#include <stdlib.h>

#include "relay/db.h"
#include "relay/log.h"
#include "relay/schema_steps.h"
#include "shared/err.h"
#include "shared/text.h"

enum { SCHEMA_SERVER_VERSION_MIN = 150000 };

static bool is_name(const char *name)
{
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    return len > 0 && len <= SCHEMA_NAME_MAX && name[len] == '\0';
}

/* What PostgreSQL said, less the line break and what follows it; of a connection less what was
 * connected to, which may be longer than an err. */
static bool refused(const PGconn *conn, const char *doing, struct err *err)
{
    const char *text = PQerrorMessage(conn);
    const char *reason = strstr(text, " failed: ");
    if (PQstatus(conn) != CONNECTION_OK && reason != NULL)
        text = reason + strlen(" failed: ");
    return err_set(err, ERR_INTERNAL, "%s: %.*s", doing, (int)strcspn(text, "\n"), text);
}

static bool run(PGconn *conn, const char *sql, const char *doing, struct err *err)
{
    PGresult *result = PQexec(conn, sql);
    ExecStatusType status = PQresultStatus(result);
    PQclear(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || refused(conn, doing, err);
}

/* The one value of a query with one text parameter; "" when there is no row. */
static bool ask(PGconn *conn, struct text *out, const char *sql, const char *parameter,
                struct err *err)
{
    PGresult *result = PQexecParams(conn, sql, parameter != NULL, NULL, &parameter, NULL, NULL, 0);
    bool is_ok = PQresultStatus(result) == PGRES_TUPLES_OK;
    text_clear(out);
    if (is_ok && PQntuples(result) == 1)
        text_addf(out, "%s", PQgetvalue(result, 0, 0));
    text_add(out, (struct span){"", 1});
    PQclear(result);
    return is_ok || refused(conn, "schema", err);
}

static bool check_server(PGconn *conn, struct err *err)
{
    const char *encoding = PQparameterStatus(conn, "server_encoding");
    if (PQserverVersion(conn) < SCHEMA_SERVER_VERSION_MIN)
        return err_set(err, ERR_INTERNAL, "PostgreSQL is version %d, needed is %d",
                       PQserverVersion(conn) / 10000, SCHEMA_SERVER_VERSION_MIN / 10000);
    if (encoding == NULL || strcmp(encoding, "UTF8") != 0)
        return err_set(err, ERR_INTERNAL, "the database's encoding is %s, needed is UTF8",
                       encoding == NULL ? "unknown" : encoding);
    return true;
}

/* What is not there. Asked first: IF NOT EXISTS alone wants the right to create, and (Citus) the
 * node that may, even when there is nothing to do. */
static bool create(PGconn *conn, const char *schema, struct text *text, struct err *err)
{
    if (!ask(conn, text, "SELECT 1 FROM pg_namespace WHERE nspname = $1", schema, err))
        return false;
    bool is_there = text->len > 1;
    if (!ask(conn, text,
             "SELECT 1 FROM pg_tables WHERE schemaname = $1 AND tablename ="
             " 'migration'",
             schema, err))
        return false;
    bool has_table = text->len > 1;
    text_clear(text);
    if (!is_there)
        text_addf(text, "CREATE SCHEMA \"%s\";", schema);
    text_addf(text, "SET search_path TO \"%s\"; SET client_min_messages TO warning;", schema);
    if (!has_table)
        text_addf(text, "CREATE TABLE migration (number int4 PRIMARY KEY, name text NOT NULL,"
                        " at timestamptz NOT NULL DEFAULT now())");
    text_add(text, (struct span){"", 1});
    return run(conn, text->at, "schema", err);
}

static bool migrate(PGconn *conn, struct text *text, struct err *err)
{
    if (!ask(conn, text, "SELECT coalesce(max(number), 0)::text FROM migration", NULL, err))
        return false;
    long present = strtol(text->at, NULL, 10);
    if (present > schema_step_count)
        return err_set(err, ERR_INTERNAL, "the schema is at %ld, this program knows up to %d",
                       present, schema_step_count);
    for (int i = (int)present; i < schema_step_count; i++) {
        const struct schema_step *step = &schema_steps[i];
        text_clear(text);
        text_addf(text, "BEGIN;%s;INSERT INTO migration VALUES (%d, '%s');COMMIT", step->sql,
                  step->number, step->name);
        text_add(text, (struct span){"", 1});
        if (!run(conn, text->at, step->name, err))
            return false;
        log_info("schema", "migrated to %s", step->name);
    }
    return true;
}

/* Transaction numbers belong to a cluster. Restored into another one, the rows' numbers are in its
 * future, and each would look newly committed once it got there. */
static bool settle_cluster(PGconn *conn, struct text *text, struct err *err)
{
    if (!ask(conn, text,
             "SELECT (pg_control_system()).system_identifier::text WHERE "
             "has_function_privilege('pg_control_system()', 'execute')",
             NULL, err))
        return false;
    if (text->len == 1)
        return true;
    struct text known = {0};
    bool is_ok = ask(conn, &known, "SELECT convert_from(v, 'UTF8') FROM meta WHERE k = 'cluster'",
                     NULL, err);
    if (is_ok && strcmp(known.at, text->at) != 0) {
        if (known.len > 1)
            log_info("schema", "moved to another cluster: renumbering");
        struct text sql = {0};
        text_addf(&sql,
                  "BEGIN; UPDATE event SET xid = 0 WHERE xid > 0;"
                  " DELETE FROM meta WHERE k = 'search_place'; INSERT INTO meta VALUES"
                  " ('cluster', '%s') ON CONFLICT (k) DO UPDATE SET v = excluded.v; COMMIT",
                  text->at);
        text_add(&sql, (struct span){"", 1});
        is_ok = run(conn, sql.at, "schema", err);
        text_clear(&sql);
    }
    text_clear(&known);
    return is_ok;
}

bool schema_migrate(const struct shard *shard, struct err *err)
{
    if (!is_name(shard->schema))
        return err_set(err, ERR_INVALID,
                       "a schema's name is 1 to %d letters, digits and underscores",
                       SCHEMA_NAME_MAX);
    struct text text = {0};
    PGconn *conn = db_connect(shard->conninfo);
    /* The lock goes with the connection. */
    bool is_ok =
        (PQstatus(conn) == CONNECTION_OK || refused(conn, "cannot connect", err)) &&
        check_server(conn, err) &&
        ask(conn, &text, "SELECT pg_advisory_lock(hashtextextended('migrate ' || $1, 0))::text",
            shard->schema, err) &&
        create(conn, shard->schema, &text, err) && migrate(conn, &text, err) &&
        settle_cluster(conn, &text, err);
    PQfinish(conn);
    text_clear(&text);
    return is_ok;
}

bool schema_enter(PGconn *conn, const struct shard *shard, uint32_t statement_ms_max)
{
    char sql[640];
    /* One plan for each statement, for all parameters, and none that reads a whole table. */
    snprintf(
        sql, sizeof sql,
        "SET search_path TO \"%.*s\"; SET plan_cache_mode TO force_generic_plan;"
        "SET jit TO off; SET enable_seqscan TO off; SET enable_bitmapscan TO off;"
        "SET max_parallel_workers_per_gather TO 0; SET client_min_messages TO error;"
        "SET default_transaction_isolation TO 'read committed';" /* see what a lock waited for */
        "SET statement_timeout TO %u",
        SCHEMA_NAME_MAX, shard->schema, statement_ms_max);
    PGresult *result = PQexec(conn, sql);
    bool is_ok = PQresultStatus(result) == PGRES_COMMAND_OK;
    PQclear(result);
    return is_ok;
}

bool schema_prepare(PGconn *conn, const char *name, const char *sql)
{
    PGresult *result = PQprepare(conn, name, sql, 0, NULL);
    bool is_ok = PQresultStatus(result) == PGRES_COMMAND_OK;
    if (!is_ok)
        log_error("schema", "%s: %s", name, PQerrorMessage(conn));
    PQclear(result);
    return is_ok;
}
