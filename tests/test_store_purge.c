/* What a purge takes and leaves, and that two stores, as two processes would have them, can keep in
 * memory what is stored: they hear of all that was stored, and of all that was purged, in time. */
#include <stdlib.h>
#include <time.h>

#include "relay/retention.h"
#include "relay/table.h"
#include "relay/tag_hash.h"
#include "relay/tail_purged.h"
#include "shared/err.h"
#include "shared/filter.h"
#include "shared/kind.h"
#include "tests/made.h"
#include "tests/random.h"
#include "tests/test.h"

enum { WAIT_MS_MAX = 20000, QUIET_MS = 300 };

/* What one process remembers. */
struct memory {
    struct store *store;
    struct table events; /* by tie */
    uint32_t purged;     /* ids it was told of */
};

static struct memory here, there;

static uint64_t place_of(const struct bytes32 *id)
{
    return (uint64_t)tag_hash_tie(id);
}

static void on_foreign(void *owner, const struct event *event)
{
    struct memory *memory = owner;
    table_put(&memory->events, place_of(&event->id), memory);
}

static void on_purged(void *owner, const struct filter *filter)
{
    struct memory *memory = owner;
    assert_in_range(filter->ids.count, 1, TAIL_PURGED_MAX);
    assert_int_equal(filter->authors.count + filter->kinds.count + filter->tag_count, 0);
    for (uint32_t i = 0; i < filter->ids.count; i++) {
        if (i > 0)
            assert_true(memcmp(&filter->ids.at[i - 1], &filter->ids.at[i], 32) < 0);
        (void)table_remove(&memory->events, place_of(&filter->ids.at[i]));
    }
    memory->purged += filter->ids.count;
}

static void open_memory_with(struct memory *memory, const struct retention *retention)
{
    const struct store_setup setup = {.shard = &made_shard,
                                      .readers = 1,
                                      .on_foreign = on_foreign,
                                      .on_purged = on_purged,
                                      .owner = memory,
                                      .retention = retention};
    *memory = (struct memory){.store = store_new(&made_loop, &setup)};
    while (!store_is_ready(memory->store))
        uv_run(&made_loop, UV_RUN_ONCE);
}

static void open_memory(struct memory *memory)
{
    open_memory_with(memory, NULL);
}

static void close_memory(struct memory *memory)
{
    store_free(memory->store);
    table_clear(&memory->events);
}

/* A put whose event is remembered as soon as it is known to be stored. */
struct put {
    struct memory *memory;
    const struct event *event;
    uint32_t *in_flight;
};

static void on_settled(void *owner, enum store_verdict verdict)
{
    struct put *put = owner;
    assert_int_equal(verdict, STORE_NEW);
    table_put(&put->memory->events, place_of(&put->event->id), put->memory);
}

static void on_announced(void *owner)
{
    struct put *put = owner;
    *put->in_flight -= 1;
    free(put);
}

static void begin_put(struct memory *memory, const struct event *event, uint32_t *in_flight)
{
    struct put *put = calloc(1, sizeof *put);
    assert_non_null(put);
    *put = (struct put){memory, event, in_flight};
    *in_flight += 1;
    const struct store_put call = {event, on_settled, on_announced, put};
    store_put(memory->store, &call);
}

static void until_none(const uint32_t *in_flight)
{
    uint64_t start_ms = uv_now(&made_loop);
    while (*in_flight > 0) {
        uv_run(&made_loop, UV_RUN_ONCE);
        if (uv_now(&made_loop) - start_ms > WAIT_MS_MAX)
            fail_msg("%u still in flight", *in_flight);
    }
}

/* Each tail follows: the other's event has come. */
static int start(void **state)
{
    uint32_t in_flight = 0;
    made_start(state);
    random_start();
    open_memory(&here);
    open_memory(&there);
    for (int64_t i = 0; here.events.count < 2 || there.events.count < 2; i++) {
        begin_put(i % 2 ? &here : &there, made_event('z', i, 1, "[]"), &in_flight);
        until_none(&in_flight);
        made_run_for(20);
    }
    made_sql(&made_shard, "DELETE FROM event WHERE created_at >= 0");
    table_clear(&here.events);
    table_clear(&there.events);
    return 0;
}

static int stop(void **state)
{
    close_memory(&here);
    close_memory(&there);
    return made_stop(state);
}

struct end {
    int32_t is_done; /* -1: not yet */
    uint64_t count;
};

static void on_end(void *owner, bool is_done, uint64_t count)
{
    struct end *end = owner;
    assert_int_equal(end->is_done, -1);
    *end = (struct end){is_done, count};
}

static void await_end(const struct end *end)
{
    while (end->is_done < 0)
        uv_run(&made_loop, UV_RUN_ONCE);
}

static struct filter by_author(const struct event *event)
{
    return (struct filter){.until = INT64_MAX,
                           .limit = FILTER_NO_LIMIT,
                           .authors = {.count = 1, .at = &event->pubkey}};
}

static struct end purge(const struct filter *filter)
{
    struct end end = {.is_done = -1};
    store_purge(here.store, filter, on_end, &end);
    assert_int_equal(end.is_done, -1); /* never from within the call */
    await_end(&end);
    return end;
}

static void put_some(char author, uint32_t count, const char *tags)
{
    uint32_t in_flight = 0;
    for (uint32_t i = 0; i < count; i++)
        begin_put(i % 3 ? &here : &there, made_event(author, 1000 + i, 1, tags), &in_flight);
    until_none(&in_flight);
}

static int64_t stored(void)
{
    return made_number(&made_shard, "SELECT count(*) FROM event WHERE created_at >= 0");
}

/* More than one page, and more than one notice a page. */
static void test_author(void **state)
{
    enum { COUNT = 777 };
    (void)state;
    put_some('a', COUNT, "[[\"t\",\"x\"],[\"t\",\"y\"]]");
    put_some('b', 10, "[[\"t\",\"x\"]]");
    struct event *profile = made_event('a', 5, 0, "[]");
    MADE_PUT(STORE_NEW, profile);
    const struct filter filter = by_author(profile);
    struct end end = purge(&filter);
    assert_int_equal(end.is_done, true);
    assert_int_equal(end.count, COUNT + 1);
    assert_int_equal(stored(), 10);
    made_run_for(QUIET_MS);
    assert_int_equal(here.purged, COUNT + 1);
    assert_int_equal(there.purged, COUNT + 1);
    assert_int_equal(here.events.count, 10);
    assert_int_equal(there.events.count, 10);

    end = purge(&filter);
    assert_true(end.is_done == true && end.count == 0);
    MADE_PUT(STORE_NEW, profile); /* nothing is remembered */
    MADE_STORED(profile);
}

/* Conditions that only the events themselves tell. */
static void test_exact(void **state)
{
    (void)state;
    struct event *both = made_event('a', 100, 1, "[[\"t\",\"x\"],[\"e\",\"\"]]");
    struct event *early = made_event('a', 99, 1, "[[\"t\",\"x\"]]");
    struct event *other = made_event('a', 100, 7, "[[\"t\",\"x\"]]");
    const struct span value = SPAN("x");
    const uint16_t kind = 1;
    const struct filter_tag tag = {'t', 1, &value};
    struct filter filter = by_author(both);
    filter.kinds.count = filter.tag_count = 1;
    filter.kinds.at = &kind;
    filter.tags = &tag;
    filter.since = filter.until = 100;
    filter.limit = 0;
    MADE_PUT(STORE_NEW, both);
    MADE_PUT(STORE_NEW, early);
    MADE_PUT(STORE_NEW, other);
    struct end end = purge(&filter);
    assert_true(end.is_done == true && end.count == 1);
    MADE_GONE(both);
    MADE_STORED(early);
    MADE_STORED(other);
    filter.matches_nothing = true;
    end = purge(&filter);
    assert_true(end.is_done == true && end.count == 0);
}

/* Several at once follow one another; one of them is not asked about any more. */
static void test_several(void **state)
{
    struct end ends[3] = {{.is_done = -1}, {.is_done = -1}, {.is_done = -1}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ends); i++)
        put_some("abc"[i], 5, "[]");
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        const struct filter filter = by_author(made_event("abc"[i], 0, 1, "[]"));
        store_purge(here.store, &filter, on_end, &ends[i]);
    }
    store_forget(here.store, &ends[1]);
    await_end(&ends[2]);
    assert_true(ends[0].is_done == true && ends[2].is_done == true);
    assert_int_equal(ends[1].is_done, -1);
    assert_int_equal(stored(), 0);
}

static bool is_stored(uint64_t place)
{
    return made_number(&made_shard, made_text("SELECT count(*) FROM event WHERE tie = %lld",
                                              (long long)place)) == 1;
}

static void check_memory(const struct memory *memory, const struct event *const *events,
                         uint32_t count)
{
    assert_int_equal(memory->events.count, stored());
    for (uint32_t i = 0; i < count; i++)
        if (table_get(&memory->events, place_of(&events[i]->id)) != NULL)
            assert_true(is_stored(place_of(&events[i]->id)));
}

/* Purges while their events are being stored, by both: what either remembers is what is stored. */
static void test_while_stored(void **state)
{
    enum { COUNT = 1500, IN_FLIGHT = 60 };
    static const struct event *events[COUNT];
    struct end ends[2] = {{.is_done = true}, {.is_done = true}};
    uint32_t in_flight = 0, purges = 0;
    uint64_t gone = 0;
    (void)state;
    for (uint32_t i = 0; i < COUNT; i++) {
        struct end *end = &ends[i % 2];
        events[i] = made_event((char)('a' + random_below(2)), random_below(50), 1, "[]");
        begin_put(i % 2 ? &here : &there, events[i], &in_flight);
        if (end->is_done >= 0 && random_below(20) == 0) {
            const struct filter filter = by_author(events[random_below(i + 1)]);
            gone += end->count;
            *end = (struct end){.is_done = -1};
            store_purge((i % 2 ? &here : &there)->store, &filter, on_end, end);
            purges++;
        }
        while (in_flight >= IN_FLIGHT)
            uv_run(&made_loop, UV_RUN_ONCE);
        uv_run(&made_loop, UV_RUN_NOWAIT);
    }
    until_none(&in_flight);
    await_end(&ends[0]);
    await_end(&ends[1]);
    made_run_for(QUIET_MS);
    gone += ends[0].count + ends[1].count;
    print_message("%u purges, %llu gone, %lld left\n", purges, (unsigned long long)gone,
                  (long long)stored());
    assert_int_equal(gone + (uint64_t)stored(), COUNT);
    assert_in_range(gone, 100, COUNT);
    assert_int_equal(here.purged, gone);
    assert_int_equal(there.purged, gone);
    check_memory(&here, events, COUNT);
    check_memory(&there, events, COUNT);
}

/* A connection that is lost: whoever asked is told that not all is gone. */
static void test_lost(void **state)
{
    struct end end = {.is_done = -1};
    (void)state;
    put_some('a', 300, "[]");
    const struct filter filter = by_author(made_event('a', 0, 1, "[]"));
    store_purge(here.store, &filter, on_end, &end);
    made_kill("true");
    await_end(&end);
    assert_int_equal(end.is_done, false);
    while (!store_is_ready(here.store) || !store_is_ready(made_one.store))
        uv_run(&made_loop, UV_RUN_ONCE);
    end = purge(&filter);
    assert_true(end.is_done == true && stored() == 0);
}

static void test_freed(void **state)
{
    struct end ends[2] = {{.is_done = -1}, {.is_done = -1}};
    (void)state;
    put_some('a', 300, "[]");
    const struct filter filter = by_author(made_event('a', 0, 1, "[]"));
    for (uint32_t turns = 0; turns < 4; turns++) {
        store_purge(there.store, &filter, on_end, &ends[0]);
        store_purge(there.store, &filter, on_end, &ends[1]);
        for (uint32_t i = 0; i < turns; i++)
            uv_run(&made_loop, UV_RUN_ONCE);
        close_memory(&there);
        assert_true(ends[0].is_done >= 0 && ends[1].is_done == false);
        ends[0].is_done = ends[1].is_done = -1;
        open_memory(&there);
    }
}

/* Two processes look; what either finds goes, by one of them. */
static void test_retention(void **state)
{
    struct retention rules;
    struct err err;
    struct memory looking = {0};
    (void)state;
    put_some('a', 700, "[[\"t\",\"x\"]]");
    struct event *profile = made_event('a', 5, 0, "[]");
    struct event *note = made_event('a', time(NULL), 1, "[]");
    MADE_PUT(STORE_NEW, profile);
    MADE_PUT(STORE_NEW, note);
    if (!retention_parse(&rules, 3600, "", &err))
        fail_msg("%s", err.text);
    close_memory(&here);
    open_memory_with(&here, &rules); /* looks at once */
    open_memory_with(&looking, &rules);
    while (stored() > 2)
        uv_run(&made_loop, UV_RUN_ONCE);
    made_run_for(QUIET_MS);
    MADE_STORED(profile);
    MADE_STORED(note);
    assert_int_equal(there.purged, 700);
    assert_int_equal(there.events.count, 2);
    assert_int_equal(made_number(&made_shard, "SELECT count(*) FROM pg_locks l JOIN"
                                              " pg_stat_activity USING (pid) WHERE application_name"
                                              " = 'test_store' AND locktype = 'advisory'"),
                     0);
    close_memory(&looking);
}

static void test_notice(void **state)
{
    static char text[8000];
    (void)state;
    assert_null(tail_purged_read(""));
    assert_null(tail_purged_read("12 0123456789abcdef 7"));
    assert_null(tail_purged_read("purged "));
    memcpy(text, "purged ", sizeof "purged ");
    memset(text + 7, 'a', 63);
    assert_null(tail_purged_read(text));
    text[7 + 63] = 'A';
    assert_null(tail_purged_read(text));
    for (size_t i = 0; i < (size_t)64 * TAIL_PURGED_MAX; i++)
        text[7 + i] = "0123456789abcdef"[(i / 64) % 16];
    struct tail_purged *purged = tail_purged_read(text);
    assert_non_null(purged);
    assert_int_equal(purged->count, TAIL_PURGED_MAX);
    assert_int_equal(purged->ids[0].at[0], 0x00);
    assert_int_equal(purged->ids[TAIL_PURGED_MAX - 1].at[31], 0xff);
    free(purged);
    memset(text + strlen(text), 'a', 64);
    assert_null(tail_purged_read(text));
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_notice), TEST(test_author), TEST(test_exact), TEST(test_several),
        TEST(test_while_stored),       TEST(test_lost),   TEST(test_freed), TEST(test_retention),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
