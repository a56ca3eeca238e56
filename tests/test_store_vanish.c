/* Who vanishes with many events: they go a few at a time, every process hears of it, and who ends
 * in the middle of it goes on from there. */
#include "shared/filter.h"
#include "shared/kind.h"
#include "shared/text.h"
#include "tests/made.h"
#include "tests/test.h"

enum { ROWS = 3, EVENTS = 40, KEPT = 3, AUTHORS = 6, QUIET_MS = 300 };

/* A process that carries them out, and one that hears of it. */
static struct store *here, *there;
static uint32_t purged; /* ids that the latter was told of */

static void on_foreign(void *owner, const struct event *event)
{
    (void)owner;
    (void)event;
}

static void on_purged(void *owner, const struct filter *filter)
{
    (void)owner;
    assert_in_range(filter->ids.count, 1, ROWS);
    purged += filter->ids.count;
}

static struct store *open_store(store_on_purged_fn *heard)
{
    const struct store_setup setup = {.shard = &made_shard,
                                      .readers = 1,
                                      .on_foreign = on_foreign,
                                      .on_purged = heard,
                                      .purge_rows = ROWS};
    struct store *store = store_new(&made_loop, &setup);
    while (!store_is_ready(store))
        uv_run(&made_loop, UV_RUN_ONCE);
    return store;
}

static int start(void **state)
{
    made_start(state);
    purged = 0;
    here = open_store(NULL);
    there = open_store(on_purged);
    return 0;
}

static int stop(void **state)
{
    store_free(here);
    store_free(there);
    return made_stop(state);
}

static void put_many(char author)
{
    struct event *events[EVENTS];
    enum store_verdict verdicts[EVENTS];
    for (int64_t i = 0; i < EVENTS; i++)
        events[i] = made_event(author, 1000 + i % 7, 1, made_text("[[\"t\",\"%d\"]]", (int)i));
    made_put_all(&made_one, events, EVENTS, verdicts);
    for (size_t i = 0; i < EVENTS; i++)
        assert_int_equal(verdicts[i], STORE_NEW);
}

static struct event *wrap(int64_t created_at, char named)
{
    return made_event('d', created_at, KIND_GIFT_WRAP,
                      made_text("[[\"p\",\"%s\"]]", made_key(named)));
}

static struct event *vanish(char author, int64_t created_at)
{
    return made_event(author, created_at, KIND_VANISH, "[[\"relay\",\"ALL_RELAYS\"]]");
}

static int64_t stored(void)
{
    return made_number(&made_shard, "SELECT count(*) FROM event WHERE created_at >= 0");
}

/* A put that is not waited for yet. */
struct asked {
    bool is_settled;
    enum store_verdict verdict;
};

static void on_settled(void *owner, enum store_verdict verdict)
{
    *(struct asked *)owner = (struct asked){true, verdict};
}

static void ask(struct asked *asked, const struct event *event)
{
    const struct store_put put = {.event = event, .settled = on_settled, .owner = asked};
    *asked = (struct asked){0};
    store_put(here, &put);
}

static void await(const struct asked *asked, enum store_verdict verdict)
{
    while (!asked->is_settled)
        uv_run(&made_loop, UV_RUN_ONCE);
    assert_int_equal(asked->verdict, verdict);
}

static void await_purged(uint32_t count)
{
    while (purged < count)
        uv_run(&made_loop, UV_RUN_ONCE);
}

/* Its time decides, for what the author wrote and for what names the author. */
static void test_exact(void **state)
{
    struct event *kept[KEPT] = {wrap(5001, 'a'), made_event('a', 5001, 1, "[]"), wrap(1, 'b')};
    struct event *request = vanish('a', 5000);
    struct event *deletion = made_deletion('a', 10, kept[2]);
    struct asked asked;
    (void)state;
    put_many('a');
    for (size_t i = 0; i < KEPT; i++)
        MADE_PUT(STORE_NEW, kept[i]);
    MADE_PUT(STORE_NEW, wrap(4999, 'a'));
    MADE_PUT(STORE_NEW, wrap(5000, 'a'));
    MADE_PUT(STORE_NEW, deletion);
    ask(&asked, request);
    await(&asked, STORE_NEW);
    assert_int_equal(stored(), 4);
    for (size_t i = 0; i < KEPT; i++)
        MADE_STORED(kept[i]);
    MADE_STORED(request);
    MADE_GONE(deletion);
    await_purged(EVENTS + 2);
    made_run_for(QUIET_MS);
    assert_int_equal(purged, EVENTS + 2); /* the deletion is nothing that memory would show */
    ask(&asked, request);
    await(&asked, STORE_DUPLICATE);
    MADE_STORED(request);
}

/* Several at once, and of one author what comes behind it: all in their order. */
static void test_order(void **state)
{
    struct asked asked[AUTHORS];
    (void)state;
    for (int i = 0; i < AUTHORS; i++)
        put_many((char)('a' + i));
    for (size_t i = 0; i < AUTHORS; i++)
        ask(&asked[i], vanish((char)('a' + i), 5000));
    struct event *late = made_event('a', 5001, 1, "[]");
    struct asked behind[5];
    ask(&behind[0], made_event('a', 4999, 7, "[]"));
    ask(&behind[1], late);
    ask(&behind[2], vanish('a', 5001));
    ask(&behind[3], late);
    ask(&behind[4], made_event('a', 5002, 1, "[]"));
    assert_int_equal(store_pending(here), AUTHORS + ARRAY_LEN(behind));
    for (size_t i = 0; i < AUTHORS; i++)
        await(&asked[i], STORE_NEW);
    await(&behind[0], STORE_DELETED);
    await(&behind[1], STORE_NEW);
    await(&behind[2], STORE_NEW);
    await(&behind[3], STORE_DELETED);
    await(&behind[4], STORE_NEW);
    assert_int_equal(stored(), AUTHORS + 1);
}

/* Not acknowledged, and begun: the next time does the rest. */
static void test_ended(void **state)
{
    struct asked asked[2];
    struct event *deletion = made_deletion('a', 10, made_event('a', 9000, 1, "[]"));
    (void)state;
    put_many('a');
    MADE_PUT(STORE_NEW, deletion);
    ask(&asked[0], vanish('a', 5000));
    ask(&asked[1], made_event('a', 5001, 1, "[]"));
    await_purged(ROWS);
    store_free(here);
    await(&asked[0], STORE_FAILED);
    await(&asked[1], STORE_FAILED);
    assert_in_range(stored(), 1, EVENTS + 1 - ROWS);
    MADE_STORED(deletion);
    here = open_store(NULL);
    put_many('b');
    ask(&asked[0], vanish('a', 5000));
    ask(&asked[1], made_event('a', 5001, 1, "[]"));
    await(&asked[0], STORE_NEW);
    await(&asked[1], STORE_NEW);
    assert_int_equal(stored(), EVENTS + 2);
}

/* A connection that is lost: whatever became of it, it is known not to be stored. */
static void test_lost(void **state)
{
    struct asked asked;
    (void)state;
    put_many('a');
    ask(&asked, vanish('a', 5000));
    await_purged(ROWS);
    made_kill("true");
    await(&asked, STORE_FAILED);
    while (!store_is_ready(here) || !store_is_ready(there) || !store_is_ready(made_one.store))
        uv_run(&made_loop, UV_RUN_ONCE);
    ask(&asked, vanish('a', 5000));
    await(&asked, STORE_NEW);
    assert_int_equal(stored(), 1);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(test_exact), TEST(test_order), TEST(test_ended),
                                       TEST(test_lost)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
