/* What becomes of events: every verdict, alone and in company, in one process and in several. */
#include "relay/store.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "relay/store_batch.h"
#include "shared/kind.h"
#include "shared/text.h"
#include "tests/made.h"
#include "tests/test.h"

static void test_new_and_again(void **state)
{
    (void)state;
    struct event *note =
        made_event('a', 100, 1, "[[\"t\",\"x\"],[\"t\",\"x\"],[\"long\",\"y\"],[]]");
    MADE_PUT(STORE_NEW, note);
    MADE_STORED(note);
    MADE_PUT(STORE_DUPLICATE, note);
    assert_int_equal(made_one.announced, 1);
    assert_int_equal(store_pending(made_one.store), 0);
    struct event *bare = made_event('a', INT64_MAX, 65535, "[]");
    bare->content_json = (struct span){NULL, 0};
    MADE_PUT(STORE_NEW, bare);
    MADE_STORED(bare);
}

static void test_replaceable(void **state)
{
    static const uint16_t kinds[] = {0, 3, 10000, 19999};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct event *first = made_event('a', 100, kinds[i], "[[\"d\",\"is not asked\"]]");
        struct event *older = made_event('a', 99, kinds[i], "[]");
        struct event *newer = made_event('a', 101, kinds[i], "[[\"t\",\"x\"]]");
        struct event *other = made_event('b', 50, kinds[i], "[]");
        MADE_PUT(STORE_NEW, first);
        MADE_PUT(STORE_OLDER, older);
        MADE_PUT(STORE_NEW, newer);
        MADE_PUT(STORE_NEW, other);
        MADE_PUT(STORE_OLDER, first); /* its id is not stored any more */
        MADE_GONE(first);
        MADE_GONE(older);
        MADE_STORED(newer);
        MADE_STORED(other);
    }
}

/* NIP-01: the lowest id of those of one time is kept, whatever the order of arrival. */
static void test_ties(void **state)
{
    (void)state;
    for (int round = 0; round < 8; round++) {
        char author = (char)('a' + round);
        struct event *one = made_event(author, 100, 0, "[]");
        struct event *two = made_like(one);
        bool is_lower = memcmp(&two->id, &one->id, sizeof two->id) < 0;
        MADE_PUT(STORE_NEW, one);
        MADE_PUT(is_lower ? STORE_NEW : STORE_OLDER, two);
        assert_int_equal(made_is_stored(&made_one, one), !is_lower);
        assert_int_equal(made_is_stored(&made_one, two), is_lower);
    }
}

/* The d that counts is the first; none, an empty one and one without a value are the same. */
static void test_addressable(void **state)
{
    (void)state;
    struct event *none = made_event('a', 100, 30000, "[]");
    struct event *empty = made_event('a', 101, 30000, "[[\"d\",\"\"]]");
    struct event *valueless = made_event('a', 102, 30000, "[[\"d\"],[\"d\",\"no\"]]");
    struct event *x = made_event('a', 1, 30000, "[[\"d\",\"x\"],[\"d\",\"y\"]]");
    struct event *y = made_event('a', 2, 30000, "[[\"d\",\"y\"]]");
    struct event *x2 = made_event('a', 3, 30000, "[[\"d\",\"x\"],[\"d\",\"z\"]]");
    struct event *x_kind = made_event('a', 1, 39999, "[[\"d\",\"x\"]]");
    MADE_PUT(STORE_NEW, none);
    MADE_PUT(STORE_NEW, empty);
    MADE_PUT(STORE_NEW, valueless);
    MADE_GONE(none);
    MADE_GONE(empty);
    MADE_PUT(STORE_NEW, x);
    MADE_PUT(STORE_NEW, y);
    MADE_PUT(STORE_NEW, x_kind);
    MADE_PUT(STORE_NEW, x2);
    MADE_PUT(STORE_OLDER, x);
    MADE_GONE(x);
    MADE_STORED(valueless);
    MADE_STORED(y);
    MADE_STORED(x2);
    MADE_STORED(x_kind);
}

static void put_all(struct event *const *events, uint32_t count, const enum store_verdict *wanted)
{
    enum store_verdict verdicts[16];
    made_put_all(&made_one, events, count, verdicts);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(verdicts[i], wanted[i]);
}

/* All at once, in this order: as if one after the other. */
static void test_company(void **state)
{
    (void)state;
    struct event *note = made_event('a', 100, 1, "[]");
    struct event *v1 = made_event('a', 100, 0, "[]");
    struct event *v3 = made_event('a', 102, 0, "[]");
    struct event *v2 = made_event('a', 101, 0, "[]");
    struct event *other = made_event('b', 1, 1, "[]");
    struct event *const first[] = {note, note, v1, v3, v2, v3, other, note};
    static const enum store_verdict first_wanted[] = {STORE_NEW, STORE_DUPLICATE, STORE_NEW,
                                                      STORE_NEW, STORE_OLDER,     STORE_DUPLICATE,
                                                      STORE_NEW, STORE_DUPLICATE};
    put_all(first, 8, first_wanted);
    MADE_GONE(v1);
    MADE_GONE(v2);
    MADE_STORED(v3);

    struct event *before = made_event('a', 200, 1, "[]");
    struct event *after = made_event('a', 200, 1, "[]");
    struct event *const second[] = {before, made_deletion('a', 201, before),
                                    made_deletion('a', 202, after), after, before};
    static const enum store_verdict second_wanted[] = {STORE_NEW, STORE_NEW, STORE_NEW,
                                                       STORE_DELETED, STORE_DELETED};
    put_all(second, 5, second_wanted);
    MADE_GONE(before);
    MADE_GONE(after);

    struct event *vanish = made_event('a', 300, KIND_VANISH, "[]");
    struct event *old = made_event('a', 299, KIND_DELETION, "[]");
    struct event *fresh = made_event('a', 301, 1, "[]");
    struct event *const third[] = {vanish, old, fresh, note};
    static const enum store_verdict third_wanted[] = {STORE_NEW, STORE_DELETED, STORE_NEW,
                                                      STORE_DELETED};
    put_all(third, 4, third_wanted);
    MADE_GONE(v3);
    MADE_STORED(fresh);
    MADE_STORED(other);
}

/* More than one batch holds, with duplicates and versions, in a random order of ids. */
static void test_many(void **state)
{
    enum { MANY = 4 * STORE_BATCH_EVENTS_MAX };
    static struct event *events[MANY];
    static enum store_verdict verdicts[MANY];
    uint32_t count[STORE_FAILED + 1] = {0};
    (void)state;
    for (int i = 0; i < MANY; i++) {
        char author = (char)('a' + i % 26);
        events[i] = i % 8 == 7 ? events[i - 7] : made_event(author, i, i % 8 == 3 ? 0 : 1, "[]");
    }
    made_put_all(&made_one, events, MANY, verdicts);
    for (int i = 0; i < MANY; i++)
        count[verdicts[i]]++;
    assert_int_equal(count[STORE_NEW], MANY * 7 / 8);
    assert_int_equal(count[STORE_DUPLICATE], MANY / 8);
    assert_int_equal(made_one.announced, MANY * 7 / 8);
    assert_int_equal(
        made_number(&made_shard, "SELECT count(*) FROM event WHERE created_at >= 0 AND kind = 0"),
        13);
}

/* More than a batch takes, each whole. */
static void test_large(void **state)
{
    enum { COUNT = 6, TAGS = 5000 };
    static char content[STORE_BATCH_BYTES_MAX + 1];
    struct event *events[COUNT];
    static const enum store_verdict wanted[COUNT] = {STORE_NEW, STORE_NEW, STORE_NEW,
                                                     STORE_NEW, STORE_NEW, STORE_NEW};
    struct text tags = {0};
    (void)state;
    memset(content, 'x', sizeof content);
    for (int i = 0; i < TAGS; i++)
        text_addf(&tags, "%c[\"t\",\"%d\"]", i == 0 ? '[' : ',', i);
    text_add(&tags, (struct span){"]", 2});
    for (int i = 0; i < COUNT; i++) {
        events[i] = made_event('a', i, 1, i < COUNT - 1 ? "[]" : tags.at);
        events[i]->content_json = (struct span){content, sizeof content / (size_t)(1 + i % 3)};
    }
    text_clear(&tags);
    put_all(events, COUNT, wanted);
    for (int i = 0; i < COUNT; i++)
        MADE_STORED(events[i]);
    struct event *deletion = made_deletion('a', 1, events[COUNT - 1]);
    MADE_PUT(STORE_NEW, deletion);
    MADE_GONE(events[COUNT - 1]);
}

/* What PostgreSQL refuses does not take its company with it. */
static void test_bad_company(void **state)
{
    (void)state;
    struct event *good = made_event('a', 1, 1, "[]");
    struct event *bad = made_event('a', 2, 1, "[]");
    struct event *late = made_event('a', 3, 1, "[]");
    bad->content_json = SPAN("\xff");
    struct event *const events[] = {good, bad, late};
    static const enum store_verdict wanted[] = {STORE_NEW, STORE_FAILED, STORE_NEW};
    put_all(events, 3, wanted);
    MADE_STORED(good);
    MADE_STORED(late);
}

static void test_expiry(void **state)
{
    (void)state;
    int64_t now = time(NULL);
    struct event *soon = made_event('a', 1, 1, "[[\"expiration\",\"1\"],[\"t\",\"x\"]]");
    struct event *later =
        made_event('a', 2, 1, made_text("[[\"expiration\",\"%lld\"]]", (long long)now + 1000));
    MADE_PUT(STORE_NEW, soon);
    MADE_PUT(STORE_NEW, later);
    MADE_GONE(soon); /* not served */
    MADE_STORED(later);
    assert_int_equal(made_number(&made_shard, "SELECT count(*) FROM event WHERE created_at >= 0"),
                     2);
    made_sql(&made_shard,
             "INSERT INTO event SELECT 5, i, 0, NULL, 1, 1, 1, '', '', '', '{}', '[]', ''"
             " FROM generate_series(1, 1000) i");
    made_close(&made_one);
    made_open(&made_one, &made_loop,
              &made_shard); /* purges at its start, several statements long */
    while (made_number(&made_shard, "SELECT count(*) FROM event WHERE created_at >= 0") != 1)
        uv_run(&made_loop, UV_RUN_ONCE);
    MADE_STORED(later);
}

static void on_probed(void *owner, enum store_verdict verdict)
{
    *(int *)owner = (int)verdict;
}

static void run_until(const int *value)
{
    while (*value < 0)
        uv_run(&made_loop, UV_RUN_ONCE);
}

static void test_probe(void **state)
{
    int verdict = -1, forgotten = -1, failed = -1;
    (void)state;
    store_probe(made_one.store, on_probed, &forgotten);
    store_probe(made_one.store, on_probed, &verdict);
    store_forget(made_one.store, &forgotten);
    run_until(&verdict);
    assert_int_equal(verdict, STORE_NEW);
    assert_int_equal(forgotten, -1);
    made_sql(&made_shard, "ALTER TABLE meta RENAME TO gone");
    store_probe(made_one.store, on_probed, &failed);
    run_until(&failed);
    assert_int_equal(failed, STORE_FAILED);
    made_sql(&made_shard, "ALTER TABLE gone RENAME TO meta");
}

static void on_settled(void *owner, enum store_verdict verdict)
{
    *(int *)owner = (int)verdict;
}

/* Killed under a batch: failed, then well again by itself. What failed may have been stored. */
static void test_lost(void **state)
{
    (void)state;
    struct event *note = made_event('a', 1, 1, "[]");
    int verdict = -1;
    const struct store_put put = {note, on_settled, NULL, &verdict};
    made_kill("true");
    while (store_is_ready(made_one.store))
        uv_run(&made_loop, UV_RUN_ONCE);
    store_put(made_one.store, &put);
    assert_int_equal(verdict, -1);
    run_until(&verdict);
    assert_int_equal(verdict, STORE_FAILED);
    while (!store_is_ready(made_one.store))
        uv_run(&made_loop, UV_RUN_ONCE);
    MADE_PUT(STORE_NEW, note);
}

static void test_freed(void **state)
{
    struct event *note = made_event('a', 1, 1, "[]");
    int settled = -1, probed = -1;
    (void)state;
    const struct store_put put = {note, on_settled, NULL, &settled};
    store_put(made_one.store, &put);
    store_probe(made_one.store, on_probed, &probed);
    made_close(&made_one);
    assert_int_equal(settled, STORE_FAILED);
    assert_int_equal(probed, STORE_FAILED);
    made_open(&made_one, &made_loop, &made_shard);
}

/* One of several processes that store the same events in different orders: this program, with a
 * number to tell them apart. */
static int write_concurrently(int process)
{
    enum { EVENTS = 600 };
    static struct event *events[EVENTS];
    static enum store_verdict verdicts[EVENTS];
    uv_loop_t own;
    struct made_store store = {0};
    made_shard = (struct shard){.conninfo = getenv("TEST_DB"), .schema = "test_store"};
    if (uv_loop_init(&own) != 0)
        return 1;
    for (int i = 0; i < EVENTS; i++) {
        char author = (char)('a' + i % 5);
        uint16_t kind = (uint16_t)(i % 4 == 0 ? 0 : i % 4 == 1 ? 30000 : 1);
        events[i] = made_event(author, i, kind, made_text("[[\"d\",\"%d\"],[\"t\",\"x\"]]", i % 3));
        if (i % 50 == 49)
            events[i] = made_deletion(author, i, events[i - 45]);
    }
    for (int i = EVENTS - 1; i > 0; i--) { /* a shuffle of its own */
        int k = (int)((uint32_t)(i * 7919 + process * 104729) % (uint32_t)(i + 1));
        struct event *swapped = events[i];
        events[i] = events[k];
        events[k] = swapped;
    }
    made_open(&store, &own, &made_shard);
    made_put_all(&store, events, EVENTS, verdicts);
    made_close(&store);
    uv_run(&own, UV_RUN_DEFAULT);
    arena_clear(&made_arena);
    for (int i = 0; i < EVENTS; i++)
        if (verdicts[i] == STORE_FAILED)
            return 2;
    return uv_loop_close(&own);
}

static void test_concurrent(void **state)
{
    enum { PROCESSES = 4 };
    (void)state;
    for (int process = 0; process < PROCESSES; process++) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            char number[2] = {(char)('0' + process)};
            execl("/proc/self/exe", "test_store", number, (char *)NULL);
            _exit(3);
        }
    }
    for (int process = 0; process < PROCESSES; process++) {
        int status;
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    /* The same set, whatever the orders: one version an address, no deleted event. */
    assert_int_equal(
        made_number(&made_shard, "SELECT count(*) FROM event WHERE created_at >= 0 AND kind = 0"),
        5);
    assert_int_equal(
        made_number(&made_shard, "SELECT count(*) FROM event WHERE created_at >= 0 AND kind = 5"),
        12);
    assert_int_equal(
        made_number(&made_shard,
                    "SELECT count(*) FROM event WHERE created_at >= 0 AND kind = 30000"),
        15);
}

int main(int argc, char **argv)
{
    if (argc == 2)
        return write_concurrently(argv[1][0] - '0');
    const struct CMUnitTest tests[] = {
        MADE_TEST(test_new_and_again), MADE_TEST(test_replaceable), MADE_TEST(test_ties),
        MADE_TEST(test_addressable),   MADE_TEST(test_company),     MADE_TEST(test_many),
        MADE_TEST(test_large),         MADE_TEST(test_bad_company), MADE_TEST(test_expiry),
        MADE_TEST(test_probe),         MADE_TEST(test_lost),        MADE_TEST(test_freed),
        MADE_TEST(test_concurrent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
