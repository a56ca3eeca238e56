/* The law that ties the database to the filter: whatever the events and the filter, the pages read
 * are the events that match, newest first, then lowest id; each once. */
#include <stdio.h>
#include <stdlib.h>

#include "relay/db.h"
#include "relay/param.h"
#include "relay/reader.h"
#include "relay/schema.h"
#include "relay/tag_hash.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "tests/random_event.h"
#include "tests/test.h"

enum { EVENTS = 400, FILTERS = 700, READERS = 2, MANY_KINDS = 3000 };

static struct shard shard = {.schema = "property_store"};
static uv_loop_t loop;
static struct reader *reader;
static PGconn *conn;
static struct hash_key key;
static struct arena world;
static struct event events[EVENTS];
static uint32_t event_count; /* not expired, in the order of pages */

static void sql(const char *text)
{
    PGresult *result = PQexec(conn, text);
    if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
        fail_msg("%s", PQerrorMessage(conn));
    PQclear(result);
}

static void execute(const char *text, struct param_list *params)
{
    struct db_call call = {0};
    param_call(params, &call);
    PGresult *result =
        PQexecParams(conn, text, call.count, NULL, call.values, call.lengths, call.formats, 1);
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        fail_msg("%s", PQerrorMessage(conn));
    PQclear(result);
    param_clear(params);
}

static void insert(const struct event *event, bool is_expired)
{
    int64_t hashes[16];
    uint32_t count = tag_hash_list(&key, hashes, event);
    struct param_list params = {0};
    param_int8(&params, event->created_at);
    param_int8(&params, tag_hash_tie(&event->id));
    param_int8(&params, tag_hash_prefix(&event->pubkey));
    param_int8(&params, event->kind);
    param_bytes(&params, SPAN_OF(event->id));
    param_bytes(&params, SPAN_OF(event->pubkey));
    param_bytes(&params, SPAN_OF(event->sig));
    param_int8s(&params, hashes, count);
    param_bytes(&params, event->tags_json);
    param_bytes(&params, event->content_json);
    param_int8(&params, is_expired ? 1 : INT64_MAX);
    execute("WITH u AS (INSERT INTO event (created_at, tie, pkp, kind, id, pubkey, sig, tag_hashes,"
            " tags, content, expires) VALUES ($1, $2, $3, $4::int8, $5, $6, $7, $8, $9, $10,"
            " nullif($11, 9223372036854775807)) RETURNING *) INSERT INTO etag"
            " SELECT h, created_at, tie, pkp, kind FROM u, unnest(tag_hashes) h",
            &params);
}

static int compare_order(const void *a, const void *b)
{
    const struct event *left = a;
    const struct event *right = b;
    if (left->created_at != right->created_at)
        return left->created_at > right->created_at ? -1 : 1;
    return memcmp(&left->id, &right->id, sizeof left->id);
}

static void make_events(void)
{
    struct text json = {0};
    for (uint32_t i = 0; i < EVENTS; i++) {
        struct event *event = &events[event_count];
        json.len = 0;
        add_random_event(&json);
        if (!event_parse(event, &world, arena_copy(&world, text_span(&json)), NULL))
            fail();
        event->id.at[1] = (uint8_t)random_below(256);
        event->id.at[6] = (uint8_t)(i >> 8);
        event->id.at[7] = (uint8_t)i;
        bool is_expired = random_below(8) == 0;
        insert(event, is_expired);
        event_count += !is_expired;
    }
    qsort(events, event_count, sizeof *events, compare_order);
    text_clear(&json);
}

static int start(void **state)
{
    struct err err = {0};
    (void)state;
    shard.conninfo = getenv("TEST_DB");
    conn = db_connect(shard.conninfo);
    sql("SET client_min_messages TO error; DROP SCHEMA IF EXISTS property_store CASCADE");
    if (!schema_migrate(&shard, &err))
        fail_msg("%s", err.text);
    sql("SET search_path TO property_store");
    assert_true(tag_hash_key_load(&key, conn));
    random_start();
    make_events();
    uv_loop_init(&loop);
    reader = reader_new(&loop, &shard, READERS);
    while (!reader_is_ready(reader))
        uv_run(&loop, UV_RUN_ONCE);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    reader_free(reader);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    sql("DROP SCHEMA property_store CASCADE");
    PQfinish(conn);
    arena_clear(&world);
    return 0;
}

/* What is asked of the pages of one filter, and what came. */
struct reading {
    const struct filter *filter;
    uint32_t rows;
    bool brief;
    uint32_t next; /* of events: the first that may come next */
    uint32_t got, pages;
    int64_t last_at; /* where events is not compared */
    bool compares;
    bool replied, finished;
    struct store_cursor after;
};

static bool is_same(const struct event *event, const struct event *wanted, bool brief)
{
    return memcmp(&event->id, &wanted->id, sizeof event->id) == 0 &&
           memcmp(&event->pubkey, &wanted->pubkey, sizeof event->pubkey) == 0 &&
           event->created_at == wanted->created_at && event->kind == wanted->kind &&
           span_eq(event->tags_json, wanted->tags_json) &&
           (brief || (span_eq(event->content_json, wanted->content_json) &&
                      memcmp(&event->sig, &wanted->sig, sizeof event->sig) == 0));
}

static const struct event *next_match(struct reading *reading)
{
    while (reading->next < event_count)
        if (filter_match(reading->filter, &events[reading->next++]))
            return &events[reading->next - 1];
    return NULL;
}

static void on_page(void *owner, const struct store_page *page)
{
    struct reading *reading = owner;
    assert_non_null(page);
    assert_in_range(page->count, 0, reading->rows);
    for (uint32_t i = 0; i < page->count; i++) {
        const struct event *event = &page->events[i];
        assert_true(event->created_at <= reading->last_at);
        reading->last_at = event->created_at;
        if (reading->compares) {
            const struct event *wanted = next_match(reading);
            assert_non_null(wanted);
            assert_true(is_same(event, wanted, reading->brief));
        }
    }
    reading->got += page->count;
    reading->pages++;
    reading->replied = true;
    reading->finished = page->finished;
    reading->after = page->next;
}

static void read_to_end(struct reading *reading)
{
    reading->last_at = INT64_MAX;
    while (!reading->finished) {
        const struct store_read read = {.filter = reading->filter,
                                        .after = reading->pages > 0 ? &reading->after : NULL,
                                        .rows = reading->rows,
                                        .brief = reading->brief,
                                        .reply = on_page,
                                        .owner = reading};
        reading->replied = false;
        assert_true(reader_read(reader, &read, NULL));
        assert_false(reading->replied);
        while (!reading->replied)
            uv_run(&loop, UV_RUN_ONCE);
    }
}

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct bytes32));
}

/* Of events that are there, but for some with the same prefix. */
static void choose_ids(struct filter *filter, struct arena *arena)
{
    uint32_t count = 1 + random_below(60);
    struct bytes32 *ids = arena_array(arena, struct bytes32, count);
    for (uint32_t i = 0; i < count; i++) {
        ids[i] = events[random_below(event_count)].id;
        ids[i].at[31] ^= random_below(4) == 0;
    }
    qsort(ids, count, sizeof *ids, compare_ids);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++)
        if (kept == 0 || compare_ids(&ids[kept - 1], &ids[i]) != 0)
            ids[kept++] = ids[i];
    filter->ids = (struct filter_keys){kept, ids};
}

/* So many that two keys times them are too many pairs. */
static void choose_kinds(struct filter *filter, struct arena *arena)
{
    uint16_t *kinds = arena_array(arena, uint16_t, MANY_KINDS);
    uint32_t first = random_below(4);
    for (uint32_t i = 0; i < MANY_KINDS; i++)
        kinds[i] = (uint16_t)(first + i);
    filter->kinds = (struct filter_kinds){MANY_KINDS, kinds};
}

static void test_pages_are_matches(void **state)
{
    static const uint32_t sizes[] = {1, 7, 20, 100, STORE_PAGE_ROWS_MAX};
    struct text json = {0};
    uint32_t found = 0, hits = 0, pages = 0;
    (void)state;
    for (uint32_t i = 0; i < FILTERS; i++) {
        struct arena arena = {0};
        struct filter filter;
        json.len = 0;
        add_random_filter(&json);
        assert_true(filter_parse(&filter, &arena, text_span(&json), NULL));
        if (filter.ids.count > 0)
            choose_ids(&filter, &arena);
        if (filter.kinds.count > 0 && random_below(4) == 0)
            choose_kinds(&filter, &arena);
        struct reading reading = {.filter = &filter,
                                  .rows = sizes[random_below(ARRAY_LEN(sizes))],
                                  .brief = random_below(4) == 0,
                                  .compares = true};
        read_to_end(&reading);
        if (next_match(&reading) != NULL)
            fail_msg("a match is missing: %.*s", SPAN_ARG(text_span(&json)));
        found += reading.got;
        hits += reading.got > 0;
        pages += reading.pages;
        arena_clear(&arena);
    }
    print_message("%u filters, %u with matches, %u events, %u pages\n", FILTERS, hits, found,
                  pages);
    assert_in_range(hits, FILTERS / 5, FILTERS); /* the generator is not vacuous */
    assert_in_range(pages, FILTERS + FILTERS / 5, UINT32_MAX);
    text_clear(&json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_pages_are_matches)};
    return cmocka_run_group_tests(tests, start, stop);
}
