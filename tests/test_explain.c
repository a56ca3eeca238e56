/* No filter may cause a scan of a table or a sort without bound: the plan of every statement for
 * pages, on databases that are empty, small, large and lopsided, before statistics and after. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "relay/db.h"
#include "relay/plan.h"
#include "relay/schema.h"
#include "shared/err.h"
#include "shared/text.h"
#include "tests/sql.h"
#include "tests/test.h"

static struct shard shard = {.schema = "test_explain"};
static PGconn *conn;

/* How a driver finds its candidates: by one index, whose first column is key. */
struct driver {
    const char *index, *key;
    uint32_t scans; /* in the order of pages, or of points */
};

static const struct driver drivers[PLAN_DRIVER_COUNT] = {
    [PLAN_ALL] = {"event_time", "created_at", 1},
    [PLAN_IDS] = {"event_id", "(tie = ANY ($1))", 1},
    [PLAN_KINDS] = {"event_kind", "(kind = ", 2},
    [PLAN_AUTHORS_KINDS] = {"event_author", "(pkp = ", 2},
    [PLAN_AUTHORS] = {"event_author", "(pkp = ", 2},
    [PLAN_TAG_KINDS] = {"etag_hash", "(h = ", 2},
    [PLAN_TAG] = {"etag_hash", "(h = ", 2},
};

/* The same of direct statements. */
static const struct driver direct[PLAN_DRIVER_COUNT] = {
    [PLAN_ALL] = {"event_time", "created_at", 1},
    [PLAN_IDS] = {"event_id", "(tie = ($1)[1])", 1},
    [PLAN_KINDS] = {"event_kind", "(kind = ($2)[1])", 1},
    [PLAN_AUTHORS_KINDS] = {"event_author", "(pkp = ($1)[1]) AND (kind = ($2)[1])", 1},
    [PLAN_TAG_KINDS] = {"etag_hash", "(h = ($1)[1]) AND (kind = ($2)[1])", 1},
};

/* One statement's plan while it is looked at. */
struct look {
    const char *name; /* of the statement */
    const struct driver *driver;
    const struct driver *other; /* of a count, which looks at two */
    uint32_t scans;
    uint32_t joins; /* of candidates with their events */
};

static const char *text_of(const json_t *node, const char *key)
{
    const char *text = json_string_value(json_object_get(node, key));
    return text != NULL ? text : "";
}

static bool is_type(const json_t *node, const char *type)
{
    return strcmp(text_of(node, "Node Type"), type) == 0;
}

static bool holds(const json_t *node, const char *key, const char *part)
{
    return strstr(text_of(node, key), part) != NULL;
}

static void refuse(const struct look *look, const json_t *node, const char *why)
{
    char *text = json_dumps(node, JSON_INDENT(1));
    print_error("%s: %s\n%s\n", look->name, why, text);
    free(text);
    fail();
}

/* One entry for each time it is run, or for each of the parameter's items: a tie is as good as
 * unique, since it is half of what makes an id. */
static bool is_point(const json_t *node)
{
    return holds(node, "Index Cond", "(tie = ");
}

/* Whether the rows of node are bounded by parameters and limits, whatever the tables hold. The
 * definitions of CTEs are looked at on their own. */
static bool is_bounded(const json_t *node) // NOLINT(misc-no-recursion): a plan is a tree
{
    static const char *const leaves[] = {"Limit", "Function Scan", "CTE Scan", "WorkTable Scan"};
    const json_t *plans = json_object_get(node, "Plans");
    for (size_t i = 0; i < ARRAY_LEN(leaves); i++)
        if (is_type(node, leaves[i]))
            return true;
    if (is_type(node, "Index Scan") || is_type(node, "Index Only Scan"))
        return is_point(node);
    for (size_t i = 0; i < json_array_size(plans); i++)
        if (!holds(json_array_get(plans, i), "Parent Relationship", "InitPlan") &&
            !is_bounded(json_array_get(plans, i)))
            return false;
    return json_array_size(plans) > 0 || is_type(node, "Result");
}

static bool is_in_page_order(const json_t *node)
{
    return strcmp(text_of(node, "Scan Direction"), "Backward") == 0 &&
           holds(node, "Index Cond", "ROW(created_at, tie) <= ROW($4, $5)") &&
           (holds(node, "Index Cond", "created_at >= $3") ||
            holds(node, "Index Cond", "ROW(created_at, tie) >= ROW($"));
}

/* A candidate's event: a descent. Else the driver's index, as far as a limit, and nothing left to
 * filter: in the order of pages within the range, or from kind to kind, or to be counted. */
static void check_scan(struct look *look, const json_t *node, const json_t *parent)
{
    const char *index = text_of(node, "Index Name");
    const struct driver *driver = look->driver;
    if (look->other != NULL && strcmp(index, look->other->index) == 0)
        driver = look->other;
    if (is_point(node) && !holds(node, "Index Cond", driver->key)) {
        look->joins++;
        return;
    }
    if (strcmp(index, driver->index) != 0)
        refuse(look, node, "not the driver's index");
    if (!holds(node, "Index Cond", driver->key) || json_object_get(node, "Filter") != NULL)
        refuse(look, node, "the driver's keys are not in the index condition");
    if (!is_point(node) && !is_type(parent, "Limit"))
        refuse(look, node, "a scan without limit");
    look->scans += look->other != NULL || is_point(node) || is_in_page_order(node);
}

// NOLINTNEXTLINE(misc-no-recursion): a plan is a tree
static void check_node(struct look *look, const json_t *node, const json_t *parent)
{
    static const char *const gathering[] = {"Sort",   "Incremental Sort", "Aggregate", "WindowAgg",
                                            "Unique", "Materialize",      "Memoize",   "Hash"};
    const json_t *plans = json_object_get(node, "Plans");
    if (json_object_get(node, "Relation Name") != NULL) {
        if (!is_type(node, "Index Scan") && !is_type(node, "Index Only Scan"))
            refuse(look, node, "a table is scanned");
        check_scan(look, node, parent);
    }
    for (size_t i = 0; i < ARRAY_LEN(gathering); i++)
        if (is_type(node, gathering[i]) && !is_bounded(json_array_get(plans, 0)))
            refuse(look, node, "its input has no bound");
    if (holds(node, "Subplan Name", "CTE ") && !holds(node, "Subplan Name", "CTE walk") &&
        !is_bounded(node))
        refuse(look, node, "a CTE without bound");
    for (size_t i = 0; i < json_array_size(plans); i++)
        check_node(look, json_array_get(plans, i), node);
}

static void explain(struct look *look, const char *values)
{
    char text[256];
    json_error_t error;
    snprintf(text, sizeof text, "EXPLAIN (FORMAT JSON, COSTS OFF) EXECUTE %s(%s)", look->name,
             values);
    PGresult *result = sql(conn, text);
    json_t *json = json_loads(PQgetvalue(result, 0, 0), 0, &error);
    assert_non_null(json);
    const json_t *plan = json_object_get(json_array_get(json, 0), "Plan");
    check_node(look, plan, NULL);
    if (getenv("TEST_SHOW") != NULL && strcmp(getenv("TEST_SHOW"), look->name) == 0)
        json_dumpf(plan, stdout, JSON_INDENT(1));
    json_decref(json);
    PQclear(result);
}

static void check_page(const struct plan_shape *shape)
{
    char name[PLAN_NAME_MAX];
    plan_name(name, shape);
    struct look look = {.name = name,
                        .driver = &(shape->is_direct ? direct : drivers)[shape->driver]};
    explain(&look, "NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL");
    assert_int_equal(look.scans, look.driver->scans);
    assert_int_equal(look.joins, !shape->is_direct || shape->driver == PLAN_TAG_KINDS);
}

static void check_count(const char *name)
{
    struct look look = {
        .name = name, .driver = &drivers[PLAN_AUTHORS], .other = &drivers[PLAN_TAG]};
    explain(&look, "NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL");
    assert_int_equal(look.scans, 1 + PLAN_TAGS_MAX);
    assert_int_equal(look.joins, 0);
}

static void check_all(const char *database)
{
    print_message("%s\n", database);
    struct plan_shape shapes[PLAN_SHAPES_MAX];
    uint32_t count = plan_shapes(shapes);
    assert_int_equal(count, 2 * (PLAN_DRIVER_COUNT * PLAN_BUCKET_COUNT + 5));
    for (uint32_t i = 0; i < count; i++)
        check_page(&shapes[i]);
    check_count(PLAN_COUNT);
    check_count(PLAN_COUNT_KINDS);
}

/* Events of a thousand authors, some of which write most, and of some kinds; three tags each. */
static void fill(const char *from, const char *to)
{
    struct text text = {0};
    text_addf(&text,
              "WITH made AS (INSERT INTO event (created_at, tie, pkp, kind, id, pubkey, sig,"
              " tag_hashes, tags, content)"
              " SELECT 1700000000 + i / 3, hashint8extended(i, 1), pkp, kind,"
              " sha256(int8send(i)), sha256(int8send(pkp)), '', array[i %% 7, 100 + i %% 1000,"
              " 10000 + i / 5], '[]', repeat('x', 200)"
              " FROM generate_series(%s::int8, %s) i, LATERAL (SELECT"
              " (random() ^ 3 * 1000 + 0 * i)::int8 AS pkp,"
              " (array[1, 7, 1, 0, 3, 6, 30023])[1 + i %% 7] AS kind) r"
              " RETURNING created_at, tie, pkp, kind, tag_hashes)"
              " INSERT INTO etag (h, created_at, tie, pkp, kind)"
              " SELECT h, created_at, tie, pkp, kind FROM made, unnest(tag_hashes) h",
              from, to);
    text_add(&text, (struct span){"", 1});
    sql_run(conn, text.at);
    text_clear(&text);
}

static int begin(void **state)
{
    struct err err = {0};
    (void)state;
    shard.conninfo = getenv("TEST_DB");
    conn = db_connect(shard.conninfo);
    sql_run(conn, "SET client_min_messages TO error; DROP SCHEMA IF EXISTS test_explain CASCADE");
    if (!schema_migrate(&shard, &err))
        fail_msg("%s", err.text);
    assert_true(schema_enter(conn, &shard, 60000));
    assert_true(plan_prepare(conn));
    /* Statistics are there when the test says so, not when a server is idle. */
    sql_run(conn, "ALTER TABLE event SET (autovacuum_enabled = off)");
    sql_run(conn, "ALTER TABLE etag SET (autovacuum_enabled = off)");
    return 0;
}

static int end(void **state)
{
    (void)state;
    sql_run(conn, "DROP SCHEMA test_explain CASCADE");
    PQfinish(conn);
    return 0;
}

static void test_empty(void **state)
{
    (void)state;
    check_all("empty");
}

static void test_small(void **state)
{
    (void)state;
    fill("1", "1000");
    check_all("small, no statistics");
    sql_run(conn, "ANALYZE event, etag");
    check_all("small");
}

static void test_large(void **state)
{
    (void)state;
    fill("1", "100000");
    check_all("large, no statistics");
    sql_run(conn, "VACUUM (ANALYZE) event, etag");
    check_all("large");
}

/* All of one author, one kind and one tag, in one second; and so many that statistics, which are of
 * a sample, see nothing else. */
static void test_lopsided(void **state)
{
    (void)state;
    sql_run(
        conn,
        "DELETE FROM event; DELETE FROM etag;"
        "INSERT INTO event (created_at, tie, pkp, kind, id, pubkey, sig, tag_hashes, tags, content)"
        " SELECT 1700000000, i, 1, 1, sha256(int8send(i)), '1', '', array[1], '[]', ''"
        " FROM generate_series(1::int8, 20000) i;"
        " INSERT INTO etag SELECT 1, created_at, tie, pkp, kind FROM event;");
    sql_run(conn, "VACUUM (ANALYZE) event, etag");
    check_all("lopsided");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_empty, begin, end),
                                       cmocka_unit_test_setup_teardown(test_small, begin, end),
                                       cmocka_unit_test_setup_teardown(test_large, begin, end),
                                       cmocka_unit_test_setup_teardown(test_lopsided, begin, end)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
