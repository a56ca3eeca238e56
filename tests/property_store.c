/* The law that ties the database to the filter: whatever the events and the filter, the pages read
 * are the events that match, newest first, then lowest id; each once. */
#include <stdio.h>
#include <stdlib.h>

#include "relay/db.h"
#include "relay/schema.h"
#include "relay/store.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/kind.h"
#include "tests/random_event.h"
#include "tests/test.h"

enum { EVENTS = 400, FILTERS = 700, READERS = 2, KEYS = 16, MANY_KINDS = 3000 };

static struct shard shard = {.schema = "property_store"};
static uv_loop_t loop;
static struct store *store;
static PGconn *conn;
static struct arena world;
static struct event events[EVENTS];
static uint32_t event_count; /* neither expired nor replaced, in the order of pages */

static void sql(const char *text)
{
    PGresult *result = PQexec(conn, text);
    if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
        fail_msg("%s", PQerrorMessage(conn));
    PQclear(result);
}

static int compare_order(const void *a, const void *b)
{
    const struct event *left = a;
    const struct event *right = b;
    if (left->created_at != right->created_at)
        return left->created_at > right->created_at ? -1 : 1;
    return memcmp(&left->id, &right->id, sizeof left->id);
}

static void on_settled(void *owner, enum store_verdict verdict)
{
    uint32_t *settled = owner;
    assert_true(verdict == STORE_NEW || verdict == STORE_OLDER);
    ++*settled;
}

/* In front of the other tags. */
static void add_expiration(struct text *json)
{
    static const struct span name = {"\"tags\":[", 8};
    static const struct span tag = {"[\"expiration\",\"1\"]", 18};
    const char *at = memmem(json->at, json->len, name.at, name.len);
    size_t before = (size_t)(at - json->at) + name.len;
    struct text out = {0};
    text_add(&out, (struct span){json->at, before});
    text_add(&out, tag);
    if (json->at[before] != ']')
        text_add(&out, SPAN(","));
    text_add(&out, (struct span){json->at + before, json->len - before});
    text_clear(json);
    *json = out;
}

/* Expired ones count: what they replaced is gone. */
static bool is_replaced(const struct event *event, uint32_t count)
{
    if (kind_class(event->kind) != KIND_REPLACEABLE)
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (events[i].kind == event->kind && compare_order(&events[i], event) < 0 &&
            memcmp(&events[i].pubkey, &event->pubkey, sizeof event->pubkey) == 0)
            return true;
    return false;
}

static void make_event(struct event *event, struct text *json, uint32_t number)
{
    json->len = 0;
    add_random_event(json);
    if (random_below(8) == 0)
        add_expiration(json);
    if (!event_parse(event, &world, arena_copy(&world, text_span(json)), NULL))
        fail();
    event->id.at[1] = (uint8_t)random_below(256);
    event->id.at[6] = (uint8_t)(number >> 8);
    event->id.at[7] = (uint8_t)number;
}

/* Stores all; leaves in events what is to be found. */
static void make_events(void)
{
    struct text json = {0};
    bool is_gone[EVENTS];
    int64_t expires_at;
    uint32_t settled = 0;
    for (uint32_t i = 0; i < EVENTS; i++) {
        make_event(&events[i], &json, i);
        const struct store_put put = {
            .event = &events[i], .settled = on_settled, .owner = &settled};
        store_put(store, &put);
    }
    while (settled < EVENTS)
        uv_run(&loop, UV_RUN_ONCE);
    for (uint32_t i = 0; i < EVENTS; i++)
        is_gone[i] = is_replaced(&events[i], EVENTS) || event_expiration(&events[i], &expires_at);
    for (uint32_t i = 0; i < EVENTS; i++)
        if (!is_gone[i])
            events[event_count++] = events[i];
    qsort(events, event_count, sizeof *events, compare_order);
    text_clear(&json);
}

static void on_foreign(void *owner, const struct event *event)
{
    (void)owner;
    (void)event;
    fail(); /* nobody else is here */
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
    random_start();
    uv_loop_init(&loop);
    const struct store_setup setup = {
        .shard = &shard, .readers = READERS, .on_foreign = on_foreign};
    store = store_new(&loop, &setup);
    while (!store_is_ready(store))
        uv_run(&loop, UV_RUN_ONCE);
    make_events();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    store_free(store);
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
        assert_true(store_read(store, &read, NULL));
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

static void choose_authors(struct filter *filter, struct arena *arena)
{
    struct bytes32 *keys = arena_array(arena, struct bytes32, KEYS);
    for (uint32_t i = 0; i < KEYS; i++) {
        keys[i].at[0] = (uint8_t)(i / 4);
        keys[i].at[31] = (uint8_t)(i % 4);
    }
    filter->authors = (struct filter_keys){KEYS, keys};
}

/* Filters of many conditions match little: leaves those of one driver, so that pages fill. */
static void thin(struct filter *filter, struct arena *arena)
{
    uint32_t choice = random_below(4);
    if (choice == 0)
        return;
    filter->ids.count = 0;
    filter->since = 0;
    filter->until = INT64_MAX;
    if (choice != 1)
        filter->authors.count = 0;
    else if (random_below(2) == 0)
        choose_authors(filter, arena);
    filter->tag_count = choice == 2 && filter->tag_count > 0;
    if (choice == 3 && filter->kinds.count > 1)
        filter->kinds.count = 1;
}

static void test_pages_are_matches(void **state)
{
    static const uint32_t sizes[] = {1, 7, 32, 100, 128, STORE_PAGE_ROWS_MAX};
    struct text json = {0};
    uint32_t found = 0, hits = 0, pages = 0;
    (void)state;
    for (uint32_t i = 0; i < FILTERS; i++) {
        struct arena arena = {0};
        struct filter filter;
        json.len = 0;
        add_random_filter(&json);
        assert_true(filter_parse(&filter, &arena, text_span(&json), NULL));
        thin(&filter, &arena);
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
