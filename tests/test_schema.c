/* Migrations against a real PostgreSQL: from nothing, again, at once, refused; sql/schema.sql. */
#include "relay/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "relay/db.h"
#include "relay/schema_steps.h"
#include "shared/err.h"
#include "tests/test.h"

static struct shard shard = {.schema = "test_schema"};

static void sql(const char *text)
{
    PGconn *conn = db_connect(shard.conninfo);
    PGresult *result = PQexec(conn, text);
    if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
        fail_msg("%s", PQerrorMessage(conn));
    PQclear(result);
    PQfinish(conn);
}

static void value(char out[80], const char *text)
{
    PGconn *conn = db_connect(shard.conninfo);
    PGresult *result = PQexec(conn, text);
    assert_int_equal(PQntuples(result), 1);
    snprintf(out, 80, "%s", PQgetvalue(result, 0, 0));
    PQclear(result);
    PQfinish(conn);
}

static int drop(void **state)
{
    (void)state;
    shard.conninfo = getenv("TEST_DB");
    sql("DROP SCHEMA IF EXISTS test_schema CASCADE");
    return 0;
}

static void migrate(void)
{
    struct err err = {0};
    if (!schema_migrate(&shard, &err))
        fail_msg("%s", err.text);
}

static void test_again(void **state)
{
    char key[80], same[80];
    (void)state;
    migrate();
    value(key, "SELECT encode(v, 'hex') FROM test_schema.meta WHERE k = 'hash_key'");
    assert_int_equal(strlen(key), 32);
    migrate();
    value(same, "SELECT encode(v, 'hex') FROM test_schema.meta WHERE k = 'hash_key'");
    assert_string_equal(key, same);
    sql("DROP SCHEMA test_schema CASCADE");
    migrate();
    value(same, "SELECT encode(v, 'hex') FROM test_schema.meta WHERE k = 'hash_key'");
    assert_string_not_equal(key, same); /* random for each schema */
}

static void test_at_once(void **state)
{
    enum { PROCESSES = 6 };
    char count[80];
    (void)state;
    for (int i = 0; i < PROCESSES; i++) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            struct err err;
            _exit(schema_migrate(&shard, &err) ? 0 : 1);
        }
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status;
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    value(count, "SELECT count(*) FROM test_schema.migration");
    assert_int_equal(strtol(count, NULL, 10), schema_step_count);
}

static void test_newer(void **state)
{
    struct err err;
    (void)state;
    migrate();
    sql("INSERT INTO test_schema.migration VALUES (999, '0999_future')");
    assert_false(schema_migrate(&shard, &err));
    assert_non_null(strstr(err.text, "the schema is at 999"));
}

static void test_refused(void **state)
{
    struct err err;
    (void)state;
    struct shard bad = {.conninfo = shard.conninfo, .schema = "a\";DROP"};
    assert_false(schema_migrate(&bad, &err));
    assert_int_equal(err.code, ERR_INVALID);
    bad.schema = "";
    assert_false(schema_migrate(&bad, &err));
    bad.schema = "s23456789012345678901234567890123456789012345678"; /* SCHEMA_NAME_MAX */
    assert_int_equal(strlen(bad.schema), SCHEMA_NAME_MAX);
    assert_true(schema_migrate(&bad, &err));
    sql("DROP SCHEMA s23456789012345678901234567890123456789012345678 CASCADE");
    bad.schema = "s234567890123456789012345678901234567890123456789";
    assert_false(schema_migrate(&bad, &err));
    bad = (struct shard){.conninfo = "host=/nowhere", .schema = "test_schema"};
    assert_false(schema_migrate(&bad, &err));
    assert_int_equal(err.code, ERR_INTERNAL);
}

/* After a restore into another cluster, transaction numbers mean nothing. */
static void test_other_cluster(void **state)
{
    char xid[80];
    (void)state;
    migrate();
    sql("INSERT INTO test_schema.event VALUES (1, 1, 1, NULL, 77, NULL, 1, '', '', '', '{}', '[]', "
        "'')");
    migrate();
    value(xid, "SELECT xid FROM test_schema.event WHERE created_at >= 0");
    assert_string_equal(xid, "77");
    sql("UPDATE test_schema.meta SET v = 'another' WHERE k = 'cluster'");
    migrate();
    value(xid, "SELECT xid FROM test_schema.event WHERE created_at >= 0");
    assert_string_equal(xid, "0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_again, drop),
        cmocka_unit_test_setup(test_at_once, drop),
        cmocka_unit_test_setup(test_newer, drop),
        cmocka_unit_test_setup(test_refused, drop),
        cmocka_unit_test_setup(test_other_cluster, drop),
    };
    return cmocka_run_group_tests(tests, NULL, drop);
}
