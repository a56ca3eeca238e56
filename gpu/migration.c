#include "gpu/migration.h"

#include <stdlib.h>

#include "gpu/database.h"
#include "gpu/migration_steps.h"
#include "shared/err.h"
#include "shared/text.h"

enum { SERVER_VERSION_MIN = 150000 };

/* The first line; of a connection less what was connected to, which may be longer than an err. */
void migration_say(const PGconn *conn, const char *doing, struct err *err)
{
    const char *text = PQerrorMessage(conn);
    const char *reason = strstr(text, " failed: ");
    if (PQstatus(conn) != CONNECTION_OK && reason != NULL)
        text = reason + strlen(" failed: ");
    err_fill(err, ERR_INTERNAL, "%s: %.*s", doing, (int)strcspn(text, "\n"), text);
}

static bool is_name(const char *name)
{
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");
    return len > 0 && len <= DATABASE_SCHEMA_MAX && name[len] == '\0';
}

static bool run(PGconn *conn, struct text *sql, const char *doing, struct err *err)
{
    text_add(sql, (struct span){"", 1});
    PGresult *result = PQexec(conn, sql->at);
    ExecStatusType status = PQresultStatus(result);
    PQclear(result);
    text_clear(sql);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ||
           migration_refused(conn, doing, err);
}

static bool ask_number(PGconn *conn, long *out, const char *sql, struct err *err)
{
    PGresult *result = PQexec(conn, sql);
    bool is_ok = PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1;
    *out = is_ok ? strtol(PQgetvalue(result, 0, 0), NULL, 10) : 0;
    PQclear(result);
    return is_ok || migration_refused(conn, "schema", err);
}

static bool check_server(const PGconn *conn, struct err *err)
{
    const char *encoding = PQparameterStatus(conn, "server_encoding");
    if (PQserverVersion(conn) < SERVER_VERSION_MIN)
        return err_set(err, ERR_INTERNAL, "PostgreSQL is version %d, needed is %d",
                       PQserverVersion(conn) / 10000, SERVER_VERSION_MIN / 10000);
    if (encoding == NULL || strcmp(encoding, "UTF8") != 0)
        return err_set(err, ERR_INTERNAL, "the database's encoding is %s, needed is UTF8",
                       encoding == NULL ? "unknown" : encoding);
    return true;
}

static bool create(PGconn *conn, const char *schema, struct err *err)
{
    struct text sql = {0};
    text_addf(&sql,
              "SET client_min_messages TO error; CREATE SCHEMA IF NOT EXISTS %s;"
              "SET search_path TO %s; CREATE TABLE IF NOT EXISTS migration (number int4 PRIMARY"
              " KEY, name text NOT NULL, at timestamptz NOT NULL DEFAULT now())",
              schema, schema);
    return run(conn, &sql, "schema", err);
}

static bool migrate(PGconn *conn, const char *schema, struct err *err)
{
    long present;
    struct text sql = {0};
    if (!create(conn, schema, err) ||
        !ask_number(conn, &present, "SELECT coalesce(max(number), 0) FROM migration", err))
        return false;
    if (present > migration_step_count)
        return err_set(err, ERR_INTERNAL, "the schema is at %ld, this program knows up to %d",
                       present, migration_step_count);
    for (int i = (int)present; i < migration_step_count; i++) {
        const struct migration_step *step = &migration_steps[i];
        text_addf(&sql, "BEGIN;%s;INSERT INTO migration VALUES (%d, '%s');COMMIT", step->sql,
                  step->number, step->name);
        if (!run(conn, &sql, step->name, err))
            return false;
    }
    return true;
}

bool migration_run(PGconn *conn, const char *schema, struct err *err)
{
    struct text sql = {0};
    long is_free;
    if (!is_name(schema))
        return err_set(err, ERR_INVALID,
                       "a schema's name is 1 to %d small letters, digits and underscores",
                       DATABASE_SCHEMA_MAX);
    if (!check_server(conn, err))
        return false;
    text_addf(&sql, "SELECT pg_advisory_lock(hashtextextended('node %s', 0))", schema);
    bool is_done = run(conn, &sql, "schema", err) && migrate(conn, schema, err);
    text_addf(&sql, "SELECT pg_advisory_unlock(hashtextextended('node %s', 0))::int%c", schema, 0);
    bool is_unlocked = ask_number(conn, &is_free, sql.at, is_done ? err : NULL);
    text_clear(&sql);
    return is_done && is_unlocked;
}

bool migration_check(PGconn *conn, const char *schema, struct err *err)
{
    struct text sql = {0};
    long present;
    if (!is_name(schema))
        return err_set(err, ERR_INVALID, "that is no name of a schema");
    text_addf(&sql, "SELECT max(number) FROM %s.migration%c", schema, 0);
    bool is_there = ask_number(conn, &present, sql.at, err);
    text_clear(&sql);
    if (is_there && present != migration_step_count)
        return err_set(err, ERR_INTERNAL, "the schema is at %ld, this program is for %d", present,
                       migration_step_count);
    return is_there;
}
