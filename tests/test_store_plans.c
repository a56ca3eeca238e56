/* No statement of the store or the tail may read a table, or an index, from end to end: their plans
 * on databases that are empty, large and lopsided, before statistics and after. */
#include <stdio.h>
#include <stdlib.h>

#include "relay/db.h"
#include "relay/row.h"
#include "relay/store_sql.h"
#include "relay/tail_sql.h"
#include "tests/made.h"
#include "tests/sql.h"
#include "tests/test.h"

static struct shard shard;
static PGconn *conn;

static bool holds(const char *line, const char *text)
{
    return strstr(line, text) != NULL;
}

/* The tags of a batch are put in order: it is no table that is sorted. "Sort Key" is a line below
 * "Sort". */
static bool sorts_tags(const PGresult *plan, int row)
{
    int above = holds(PQgetvalue(plan, row, 0), "Sort Key") ? row - 2 : row - 1;
    return above >= 0 && holds(PQgetvalue(plan, above, 0), "Insert on etag");
}

/* Each line of a plan is a node, "->  Kind of scan using index on table", or says more of the node
 * above it. A scan of an index needs a condition on the index, or a limit and the index's order. */
static void check_plan(const char *name, const PGresult *plan)
{
    static const char *const banned[] = {"Seq Scan", "Sort", "Hash", "Merge", "Bitmap", "Gather"};
    int rows = PQntuples(plan), scans = 0;
    for (int row = 0; row < rows; row++) {
        const char *line = PQgetvalue(plan, row, 0);
        for (size_t i = 0; i < ARRAY_LEN(banned); i++)
            if (holds(line, banned[i]) && !sorts_tags(plan, row))
                fail_msg("%s: %s", name, line);
        if (!holds(line, "Index Scan") && !holds(line, "Index Only Scan"))
            continue;
        scans++;
        if (row + 1 == rows || !holds(PQgetvalue(plan, row + 1, 0), "Index Cond:"))
            fail_msg("%s: without a condition: %s", name, line);
    }
    static const char *const others[] = {STORE_SQL_LOCK, STORE_SQL_RELEASE, STORE_SQL_NOTIFY,
                                         STORE_SQL_HOLD};
    bool reads = true;
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        reads = reads && strcmp(name, others[i]) != 0;
    assert_int_equal(scans > 0, reads);
}

static void check_statement(const char *name)
{
    char text[256];
    PGresult *described = PQdescribePrepared(conn, name);
    int count = PQnparams(described), len;
    PQclear(described);
    len =
        snprintf(text, sizeof text, "EXPLAIN (COSTS OFF) EXECUTE \"%s\"%s", name, count ? "(" : "");
    for (int i = 0; i < count; i++)
        len += snprintf(text + len, sizeof text - (size_t)len, i + 1 < count ? "NULL, " : "NULL)");
    PGresult *plan = sql(conn, text);
    check_plan(name, plan);
    PQclear(plan);
}

/* A session of its own for each look: plans are made once in one. */
static void check_all(void)
{
    conn = db_connect(shard.conninfo);
    assert_true(store_sql_prepare(conn, &shard));
    for (size_t i = 0; i < store_sql_statement_count; i++)
        check_statement(store_sql_statements[i].name);
    PQfinish(conn);
    conn = db_connect(shard.conninfo);
    assert_true(tail_sql_prepare(conn, &shard));
    check_statement(TAIL_FETCH);
    check_statement(TAIL_LIST);
    PQfinish(conn);
}

static void fill(const char *pkp, const char *kind)
{
    conn = db_connect(shard.conninfo);
    sql_run(conn, "SET search_path TO test_store_plans");
    sql_run(
        conn,
        made_text("INSERT INTO event (created_at, tie, pkp, dh, kind, id, pubkey, sig, tag_hashes,"
                  " tags, content) SELECT i, i, %s, CASE WHEN i %% 2 = 0 THEN i END, %s,"
                  " sha256(int8send(i)), sha256(int8send(-i)), '', '{}', '[]', ''"
                  " FROM generate_series(1::int8, 50000) i",
                  pkp, kind));
    sql_run(
        conn,
        made_text("INSERT INTO etag SELECT %s, i, i, %s, %s FROM generate_series(1::int8, 50000) i",
                  pkp, pkp, kind));
    PQfinish(conn);
    check_all();
    conn = db_connect(shard.conninfo);
    sql_run(conn, "SET search_path TO test_store_plans; ANALYZE event, etag");
    PQfinish(conn);
    check_all();
}

static int start(void **state)
{
    (void)state;
    made_schema(&shard, "test_store_plans");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    made_sql(&shard, "DROP SCHEMA test_store_plans CASCADE");
    arena_clear(&made_arena);
    return 0;
}

static void test_empty(void **state)
{
    (void)state;
    check_all();
    made_sql(&shard, "DELETE FROM event");
    made_sql(&shard, "DELETE FROM etag");
    made_sql(&shard, "VACUUM (ANALYZE) event, etag"); /* known to be empty */
    check_all();
}

static void test_large(void **state)
{
    (void)state;
    fill("i % 5000", "i % 30");
}

/* Everything is one author's and of one kind: of deletions, of all kinds. */
static void test_lopsided(void **state)
{
    (void)state;
    fill("1", "5");
}

static void test_wraps(void **state)
{
    (void)state;
    fill("1", "1059");
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_empty),
        TEST(test_large),
        TEST(test_lopsided),
        TEST(test_wraps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
