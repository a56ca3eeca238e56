/* The node's schema on a real PostgreSQL: from nothing, again, at once, refused. And transactions
 * that are run again. */
#include "gpu/migration.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gpu/database.h"
#include "gpu/migration_steps.h"
#include "gpu/transaction.h"
#include "shared/err.h"
#include "tests/sql.h"
#include "tests/test.h"

#define SCHEMA "test_node_schema"

static PGconn *conn;

static int connect_it(void **state)
{
    (void)state;
    conn = PQconnectdb(getenv("TEST_DB"));
    assert_int_equal(PQstatus(conn), CONNECTION_OK);
    return 0;
}

static int disconnect(void **state)
{
    (void)state;
    sql_run(conn, "DROP SCHEMA IF EXISTS " SCHEMA " CASCADE");
    PQfinish(conn);
    return 0;
}

static int drop(void **state)
{
    (void)state;
    sql_run(conn, "SET client_min_messages TO error; DROP SCHEMA IF EXISTS " SCHEMA " CASCADE;"
                  " RESET search_path");
    return 0;
}

static void migrated(void)
{
    struct err err = {.text = ""};
    if (!migration_run(conn, SCHEMA, &err) || !migration_check(conn, SCHEMA, &err))
        fail_msg("%s", err.text);
}

static long number(const char *text)
{
    PGresult *result = sql(conn, text);
    long value = strtol(PQgetvalue(result, 0, 0), NULL, 10);
    PQclear(result);
    return value;
}

static void test_again(void **state)
{
    struct err err;
    (void)state;
    assert_false(migration_check(conn, SCHEMA, &err)); /* there is none */
    migrated();
    sql_run(conn, "INSERT INTO " SCHEMA ".budget VALUES ('kept', 0, 0, 0, 0)");
    migrated();
    assert_int_equal(number("SELECT count(*) FROM " SCHEMA ".budget"), 1);
    assert_int_equal(number("SELECT count(*) FROM " SCHEMA ".migration"), migration_step_count);
}

static void test_at_once(void **state)
{
    enum { PROCESSES = 6 };
    (void)state;
    for (int i = 0; i < PROCESSES; i++) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            struct err err;
            PGconn *own = PQconnectdb(getenv("TEST_DB"));
            _exit(migration_run(own, SCHEMA, &err) ? 0 : 1);
        }
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status;
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    assert_int_equal(number("SELECT count(*) FROM " SCHEMA ".migration"), migration_step_count);
}

static void test_newer(void **state)
{
    struct err err;
    (void)state;
    migrated();
    sql_run(conn, "INSERT INTO " SCHEMA ".migration VALUES (999, '0999_future')");
    assert_false(migration_run(conn, SCHEMA, &err));
    assert_non_null(strstr(err.text, "the schema is at 999"));
    assert_false(migration_check(conn, SCHEMA, &err));
    assert_int_equal(number("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
                            " AND pid = pg_backend_pid()"),
                     0);
}

static void test_older(void **state)
{
    struct err err;
    (void)state;
    migrated();
    sql_run(conn, "DELETE FROM " SCHEMA ".migration WHERE number = (SELECT max(number) FROM " SCHEMA
                  ".migration)");
    assert_false(migration_check(conn, SCHEMA, &err));
}

static void test_names(void **state)
{
    struct err err;
    (void)state;
    static const char *const bad[] = {"", "a\";DROP", "A",
                                      "s234567890123456789012345678901234567890123456789"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_false(migration_run(conn, bad[i], &err));
        assert_int_equal(err.code, ERR_INVALID);
        assert_false(migration_check(conn, bad[i], &err));
    }
}

/* ---- transactions ---- */

struct trial {
    struct database *database;
    int runs, failures; /* how often it ran; how often it fails by itself, in which way */
    const char *how;
    bool refuses;
};

static bool try(struct transaction *transaction, void *argument)
{
    struct trial *trial = argument;
    struct query insert = query_of("INSERT INTO budget VALUES ('trial', $1::int8::int2, 0, 0, 0)");
    query_number(&insert, trial->runs);
    if (transaction_ask(transaction, &insert) == NULL)
        return false;
    if (trial->runs++ < trial->failures) {
        struct query fail = query_of(trial->how);
        assert_null(transaction_ask(transaction, &fail));
        struct query after = query_of("SELECT 1");
        assert_null(transaction_ask(transaction, &after)); /* it is lost */
        return false;
    }
    return !trial->refuses;
}

static void test_transactions(void **state)
{
    struct err err = {.text = ""};
    const struct database_setup setup = {
        .conninfo = getenv("TEST_DB"), .schema = SCHEMA, .connections = 1};
    (void)state;
    struct trial trial = {.database = database_open(&setup, &err),
                          .failures = 2,
                          .how = "SELECT pg_terminate_backend(pg_backend_pid())"};
    assert_non_null(trial.database);
    assert_int_equal(database_transact(trial.database, try, &trial, &err), DATABASE_DONE);
    assert_int_equal(trial.runs, 3);
    assert_int_equal(number("SELECT sum(slot) FROM " SCHEMA ".budget"), 2); /* the last one's */

    trial.refuses = true;
    assert_int_equal(database_transact(trial.database, try, &trial, &err), DATABASE_REFUSED);
    assert_int_equal(number("SELECT count(*) FROM " SCHEMA ".budget"), 1);

    trial = (struct trial){.database = trial.database, .failures = 9, .how = "SELECT 1/0"};
    assert_int_equal(database_transact(trial.database, try, &trial, &err), DATABASE_FAILED);
    assert_int_equal(trial.runs, 1); /* that will not pass */
    assert_non_null(strstr(err.text, "division by zero"));

    trial = (struct trial){.database = trial.database};
    assert_int_equal(database_read(trial.database, try, &trial, &err), DATABASE_FAILED);
    assert_non_null(strstr(err.text, "read-only"));
    assert_int_equal(database_transact(trial.database, try, &trial, &err), DATABASE_DONE);
    database_close(trial.database);
}

static void test_nobody_there(void **state)
{
    struct err err = {.text = ""};
    const struct database_setup setup = {.conninfo = "host=/nowhere", .schema = SCHEMA};
    (void)state;
    assert_null(database_open(&setup, &err));
    assert_int_equal(err.code, ERR_INTERNAL);
    assert_non_null(strstr(err.text, "cannot connect"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_again, drop), cmocka_unit_test_setup(test_at_once, drop),
        cmocka_unit_test_setup(test_newer, drop), cmocka_unit_test_setup(test_older, drop),
        cmocka_unit_test_setup(test_names, drop), cmocka_unit_test_setup(test_transactions, drop),
        cmocka_unit_test(test_nobody_there),
    };
    return cmocka_run_group_tests(tests, connect_it, disconnect);
}
