/* The reader against a real PostgreSQL: pages at their limits, oblivion, loss. */
#include "relay/reader.h"

#include <stdio.h>
#include <stdlib.h>

#include "relay/db.h"
#include "relay/schema.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/filter.h"
#include "shared/text.h"
#include "tests/test.h"

/* WIDE: more kinds under one key than a walk may see. */
enum { WIDE = 9000, HUGE_EVENTS = 12, HUGE_CHARS = 300000, PAGE_CHARS = 2 << 20 };

static struct shard shard = {.schema = "test_reader"};
static uv_loop_t loop;
static struct reader *reader;
static PGconn *conn;

static void sql(const char *text)
{
    PGresult *result = PQexec(conn, text);
    if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
        fail_msg("%s", PQerrorMessage(conn));
    PQclear(result);
}

static void await_ready(void)
{
    while (!reader_is_ready(reader))
        uv_run(&loop, UV_RUN_ONCE);
}

static int begin(void **state)
{
    struct err err = {0};
    (void)state;
    shard.conninfo = getenv("TEST_DB");
    conn = db_connect(shard.conninfo);
    sql("SET client_min_messages TO error; DROP SCHEMA IF EXISTS test_reader CASCADE");
    if (!schema_migrate(&shard, &err))
        fail_msg("%s", err.text);
    sql("SET search_path TO test_reader");
    uv_loop_init(&loop);
    reader = reader_new(&loop, &shard, 1);
    await_ready();
    return 0;
}

static int end(void **state)
{
    (void)state;
    if (reader != NULL)
        reader_free(reader);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    sql("DROP SCHEMA test_reader CASCADE");
    PQfinish(conn);
    return 0;
}

/* Events of the pubkey 80 00 .. 00 with pkp 0: ids count up, each of a second and a kind of its
 * own; content of that length. */
static void fill(int first, int count, int chars)
{
    char text[600];
    snprintf(text, sizeof text,
             "INSERT INTO event (created_at, tie, pkp, kind, id, pubkey, sig, tag_hashes, tags,"
             " content) SELECT i, 9223372036854775807 - i, 0, i %% 65536,"
             " int8send(i) || decode(repeat('00', 24), 'hex'),"
             " decode(rpad('80', 64, '0'), 'hex'), decode(repeat('00', 64), 'hex'), '{}', '[]',"
             " repeat('x', %d) FROM generate_series(%d::int8, %d) i",
             chars, first, first + count - 1);
    sql(text);
}

struct reading {
    struct store_read read;
    uint32_t replies, rows, pages, failures;
    size_t chars_max; /* of a page */
    int64_t next;     /* created_at of the event to come */
    bool finished;
    struct store_cursor place;
};

/* Each of fill's events once, newest first. */
static void on_page(void *owner, const struct store_page *page)
{
    struct reading *reading = owner;
    size_t chars = 0;
    reading->replies++;
    if (page == NULL) {
        reading->failures++;
        return;
    }
    assert_in_range(page->count, 0, reading->read.rows);
    for (uint32_t i = 0; i < page->count; i++) {
        assert_true(page->events[i].created_at == reading->next);
        assert_int_equal(page->events[i].content_json.len, reading->read.brief ? 0 : HUGE_CHARS);
        reading->next--;
        chars += page->events[i].content_json.len;
    }
    reading->rows += page->count;
    reading->pages++;
    reading->chars_max = chars > reading->chars_max ? chars : reading->chars_max;
    reading->finished = page->finished;
    reading->place = page->next;
    reading->read.after = &reading->place;
}

static void ask(struct reading *reading)
{
    reading->read.reply = on_page;
    reading->read.owner = reading;
    assert_true(reader_read(reader, &reading->read, NULL));
}

static void await_replies(const struct reading *reading, uint32_t count)
{
    while (reading->replies < count)
        uv_run(&loop, UV_RUN_ONCE);
}

static void read_to_end(struct reading *reading)
{
    while (!reading->finished) {
        uint32_t replies = reading->replies;
        ask(reading);
        await_replies(reading, replies + 1);
        assert_int_equal(reading->failures, 0);
    }
}

static void parse(struct filter *filter, struct arena *arena, const char *json)
{
    struct span text = arena_copy(arena, (struct span){json, strlen(json)});
    assert_true(filter_parse(filter, arena, text, NULL));
}

#define AUTHOR "\"8000000000000000000000000000000000000000000000000000000000000000\""

/* One author with more kinds than may be walked: another driver finds all the same. */
static void test_wide(void **state)
{
    struct arena arena = {0};
    struct filter filter;
    struct reading reading = {
        .read = {.filter = &filter, .rows = STORE_PAGE_ROWS_MAX, .brief = true}, .next = WIDE};
    (void)state;
    fill(1, WIDE, 0);
    parse(&filter, &arena, "{\"authors\":[" AUTHOR "]}");
    read_to_end(&reading);
    assert_int_equal(reading.rows, WIDE);
    assert_in_range(reading.pages, WIDE / STORE_PAGE_ROWS_MAX, WIDE / STORE_PAGE_ROWS_MAX + 2);
    arena_clear(&arena);
}

/* A page of large events ends early; one larger than a page comes alone. */
static void test_huge(void **state)
{
    struct arena arena = {0};
    struct filter filter;
    struct reading reading = {.read = {.filter = &filter, .rows = 20}, .next = HUGE_EVENTS};
    (void)state;
    fill(1, HUGE_EVENTS, HUGE_CHARS);
    parse(&filter, &arena, "{\"since\":1}");
    read_to_end(&reading);
    assert_int_equal(reading.rows, HUGE_EVENTS);
    assert_in_range(reading.chars_max, PAGE_CHARS, PAGE_CHARS + HUGE_CHARS);
    assert_int_equal(reading.pages, 2);
    arena_clear(&arena);
}

/* The last row wanted is the last there is: that is the end. */
static void test_exact(void **state)
{
    struct arena arena = {0};
    struct filter filter;
    struct reading reading = {.read = {.filter = &filter, .rows = 5, .brief = true}, .next = 5};
    (void)state;
    fill(1, 5, 0);
    parse(&filter, &arena, "{}");
    read_to_end(&reading);
    assert_int_equal(reading.rows, 5);
    assert_int_equal(reading.pages, 1);
    arena_clear(&arena);
}

static void test_forget(void **state)
{
    struct arena arena = {0};
    struct filter filter;
    struct reading forgotten = {.read = {.filter = &filter, .rows = 5, .brief = true}};
    struct reading counted = forgotten;
    struct reading last = {.read = {.filter = &filter, .rows = 5, .brief = true}};
    (void)state;
    parse(&filter, &arena, "{\"#t\":[\"a\"],\"#u\":[\"b\"]}");
    ask(&counted); /* forgotten between the count and the page */
    filter.tag_count = 0;
    ask(&forgotten);
    ask(&last);
    reader_forget(reader, &forgotten);
    reader_forget(reader, &counted);
    await_replies(&last, 1);
    assert_int_equal(forgotten.replies, 0);
    assert_int_equal(counted.replies, 0);
    ask(&forgotten); /* only what was outstanding is */
    await_replies(&forgotten, 1);
    arena_clear(&arena);
}

/* False when no connection waits for the lock. */
static bool terminate_waiting(void)
{
    PGresult *result = PQexec(conn, "SELECT pg_terminate_backend(pid) FROM pg_locks"
                                    " WHERE relation = 'event'::regclass AND NOT granted");
    bool is_done = PQntuples(result) == 1;
    PQclear(result);
    return is_done;
}

/* Held up by a lock, then cut off: every page asked for is answered, with nothing. */
static void test_lost(void **state)
{
    struct arena arena = {0};
    struct filter filter;
    struct reading one = {.read = {.filter = &filter, .rows = 5, .brief = true}};
    struct reading other = one;
    (void)state;
    parse(&filter, &arena, "{}");
    sql("BEGIN; LOCK TABLE event");
    ask(&one);
    ask(&other);
    while (!terminate_waiting())
        uv_run(&loop, UV_RUN_NOWAIT);
    sql("ROLLBACK");
    await_replies(&one, 1);
    await_replies(&other, 1);
    assert_int_equal(one.failures + other.failures, 2);
    await_ready();
    ask(&one);
    await_replies(&one, 2);
    assert_int_equal(one.failures, 1);
    arena_clear(&arena);
}

/* A statement that fails takes nothing else with it. */
static void test_refused(void **state)
{
    struct arena arena = {0};
    struct filter filter;
    struct reading one = {.read = {.filter = &filter, .rows = 5, .brief = true}};
    (void)state;
    parse(&filter, &arena, "{}");
    sql("ALTER TABLE event RENAME TO gone");
    ask(&one);
    await_replies(&one, 1);
    assert_int_equal(one.failures, 1);
    sql("ALTER TABLE gone RENAME TO event");
    ask(&one);
    await_replies(&one, 2);
    assert_int_equal(one.failures, 1);
    arena_clear(&arena);
}

static void test_freed(void **state)
{
    struct arena arena = {0};
    struct filter filter;
    struct reading one = {.read = {.filter = &filter, .rows = 5, .brief = true}};
    (void)state;
    parse(&filter, &arena, "{}");
    ask(&one);
    reader_free(reader);
    assert_int_equal(one.failures, 1);
    reader = reader_new(&loop, &shard, 1);
    assert_false(reader_is_ready(reader));
    assert_false(reader_read(reader, &one.read, NULL));
    reader_free(reader); /* while it connects */
    reader = NULL;
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(one.replies, 1);
    arena_clear(&arena);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(test_wide),   TEST(test_huge), TEST(test_exact),
                                       TEST(test_forget), TEST(test_lost), TEST(test_refused),
                                       TEST(test_freed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
