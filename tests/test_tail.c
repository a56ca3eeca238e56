/* Two stores, as two processes would have them: each sees what either stored, once and in the same
 * order, whatever happens to the connections in between. */
#include <stdio.h>
#include <stdlib.h>

#include "relay/tail_live.h"
#include "shared/text.h"
#include "tests/made.h"
#include "tests/random.h"
#include "tests/test.h"

enum { WAIT_MS_MAX = 20000 };

static struct made_store two; /* besides made_one, on its loop and schema */
static struct text seen_one, seen_two;
static int64_t clock_s; /* so that the order of a batch is that of its puts */

static int stop(void **state)
{
    made_close(&two);
    text_clear(&seen_one);
    text_clear(&seen_two);
    return made_stop(state);
}

static uint32_t lines(const struct text *text)
{
    uint32_t count = 0;
    for (size_t i = 0; i < text->len; i++)
        count += text->at[i] == '\n';
    return count;
}

/* Runs until both have seen as much; then a little longer, for what would be too much. */
static void until_seen(uint32_t count)
{
    uint64_t start_ms = uv_now(&made_loop);
    while (lines(&seen_one) < count || lines(&seen_two) < count) {
        uv_run(&made_loop, UV_RUN_ONCE);
        if (uv_now(&made_loop) - start_ms > WAIT_MS_MAX)
            fail_msg("seen %u and %u of %u", lines(&seen_one), lines(&seen_two), count);
    }
    made_run_for(MADE_QUIET_MS);
    assert_int_equal(lines(&seen_one), count);
    assert_int_equal(lines(&seen_two), count);
}

static struct event *next_event(void)
{
    return made_event('a', clock_s++, 1, "[]");
}

static int start(void **state)
{
    made_start(state);
    two = (struct made_store){.seen = &seen_two};
    made_one.seen = &seen_one;
    made_open(&two, &made_loop, &made_shard);
    random_start();
    return 0;
}

/* A load that does not wait for one event before it puts the next. */
struct load {
    struct made_store *made;
    struct event *event;
    uint32_t *in_flight;
    uint32_t *failed;
};

static void on_settled(void *owner, enum store_verdict verdict)
{
    struct load *load = owner;
    if (verdict == STORE_NEW)
        return;
    *load->failed += 1;
    *load->in_flight -= 1;
}

static void on_announced(void *owner)
{
    struct load *load = owner;
    text_addf(load->made->seen, "%.*s\n", SPAN_ARG(load->event->content_json));
    *load->in_flight -= 1;
}

enum { LOAD = 400, LOAD_IN_FLIGHT = 40 };

/* Puts into one and two in turn; now and then something happens. Returns how many failed. */
static uint32_t put_load(void (*happens)(uint32_t i))
{
    static struct load loads[LOAD];
    uint32_t in_flight = 0, failed = 0;
    for (uint32_t i = 0; i < LOAD; i++) {
        while (!store_is_ready(made_one.store) || !store_is_ready(two.store))
            uv_run(&made_loop, UV_RUN_ONCE);
        loads[i] = (struct load){i % 2 ? &two : &made_one, next_event(), &in_flight, &failed};
        const struct store_put put = {loads[i].event, on_settled, on_announced, &loads[i]};
        store_put(loads[i].made->store, &put);
        in_flight++;
        happens(i);
        while (in_flight >= LOAD_IN_FLIGHT)
            uv_run(&made_loop, UV_RUN_ONCE);
        uv_run(&made_loop, UV_RUN_NOWAIT);
    }
    while (in_flight > 0)
        uv_run(&made_loop, UV_RUN_ONCE);
    return failed;
}

static void nothing(uint32_t i)
{
    (void)i;
}

struct twin {
    uint32_t *left, *fresh;
};

static void on_twin(void *owner, enum store_verdict verdict)
{
    struct twin *twin = owner;
    assert_true(verdict == STORE_NEW || verdict == STORE_DUPLICATE);
    *twin->fresh += verdict == STORE_NEW;
    *twin->left -= 1;
}

/* The same events, by both at the same time: each is new to one of them. */
static void test_same_at_once(void **state)
{
    enum { EVENTS = 200, ROUNDS = 10 };
    static uint32_t fresh[EVENTS];
    static struct twin twins[EVENTS];
    (void)state;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint32_t left = 2 * EVENTS;
        for (uint32_t i = 0; i < EVENTS; i++) {
            const struct event *event = next_event();
            fresh[i] = 0;
            twins[i] = (struct twin){&left, &fresh[i]};
            const struct store_put put = {event, on_twin, NULL, &twins[i]};
            store_put(made_one.store, &put);
            store_put(two.store, &put);
        }
        while (left > 0)
            uv_run(&made_loop, UV_RUN_ONCE);
        for (uint32_t i = 0; i < EVENTS; i++)
            assert_int_equal(fresh[i], 1);
    }
    assert_int_equal(made_number(&made_shard, "SELECT count(*) FROM event WHERE created_at >= 0"),
                     EVENTS * ROUNDS);
}

static void test_order(void **state)
{
    (void)state;
    assert_int_equal(put_load(nothing), 0);
    until_seen(LOAD);
    assert_int_equal(seen_one.len, seen_two.len);
    assert_memory_equal(seen_one.at, seen_two.at, seen_one.len);
}

/* Both tails, known by their last statement. The load goes on while they are away. */
static void kill_tails(uint32_t i)
{
    int64_t killed = 0;
    if (i % (LOAD / 4) != LOAD / 8)
        return;
    while (killed < 2) {
        killed += made_kill(MADE_TAILS);
        uv_run(&made_loop, UV_RUN_NOWAIT);
    }
}

static void test_tails_lost(void **state)
{
    (void)state;
    assert_int_equal(put_load(kill_tails), 0);
    until_seen(LOAD);
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Each line of text is there once; the lines, sorted. */
static char **sorted_lines(struct text *text)
{
    uint32_t count = lines(text), i = 0;
    char **sorted = calloc(count + 1, sizeof(char *));
    assert_non_null(sorted);
    text_add(text, (struct span){"", 1});
    for (char *at = text->at; *at != '\0'; at = strchr(at, '\0') + 1) {
        sorted[i++] = at;
        *strchr(at, '\n') = '\0';
    }
    assert_int_equal(i, count);
    qsort(sorted, count, sizeof(char *), compare_lines);
    for (i = 1; i < count; i++)
        assert_string_not_equal(sorted[i - 1], sorted[i]);
    return sorted;
}

static void kill_all(uint32_t i)
{
    if (random_below(LOAD / 20) == 0 && i < LOAD - LOAD_IN_FLIGHT)
        made_kill("true");
}

/* Every connection is killed, again and again: answers are lost, but what is stored was seen by
 * both, once. */
static void test_all_lost(void **state)
{
    (void)state;
    uint32_t failed = put_load(kill_all);
    while (!store_is_ready(made_one.store) || !store_is_ready(two.store))
        uv_run(&made_loop, UV_RUN_ONCE);
    int64_t stored = made_number(&made_shard, "SELECT count(*) FROM event WHERE created_at >= 0");
    print_message("%u failed, %lld of %d stored\n", failed, (long long)stored, LOAD);
    assert_true(failed > 0);
    assert_true(stored >= LOAD - failed && stored <= LOAD);
    until_seen((uint32_t)stored);
    char **one = sorted_lines(&seen_one);
    char **another = sorted_lines(&seen_two);
    for (int64_t i = 0; i < stored; i++)
        assert_string_equal(one[i], another[i]);
    free(one);
    free(another);
}

/* A transaction of somebody else who notifies nobody: found all the same. */
static void test_unannounced(void **state)
{
    (void)state;
    made_put(&made_one, next_event());
    made_sql(&made_shard,
             "INSERT INTO event (created_at, tie, pkp, kind, id, pubkey, sig, tag_hashes,"
             " tags, content) VALUES (4, 4, 4, 1, sha256('5'), sha256('6'),"
             " sha256('3') || sha256('4'), '{}', '{', 'no event')");
    made_sql(&made_shard,
             "INSERT INTO event (created_at, tie, pkp, kind, id, pubkey, sig, tag_hashes,"
             " tags, content) VALUES (5, 5, 5, 1, sha256('1'), sha256('2'),"
             " sha256('3') || sha256('4'), '{}', '[]', 'found')");
    until_seen(2);
    assert_memory_equal(seen_one.at + seen_one.len - 6, "found\n", 6);
}

/* A standby that was promoted gives a number again that was used up by nothing. */
static void test_number_given_again(void **state)
{
    (void)state;
    int64_t number = made_number(&made_shard, "SELECT pg_current_xact_id()::text::int8");
    made_put(&made_one, next_event());
    made_put(&made_one, next_event());
    until_seen(2);
    for (int i = 0; i < 3; i++) /* both know that all below is settled */
        made_await_lists(2, made_moment());
    made_sql(&made_shard,
             made_text("INSERT INTO event (created_at, tie, pkp, kind, id, pubkey, sig, tag_hashes,"
                       " tags, content, xid) VALUES (6, 6, 6, 1, sha256('7'), sha256('2'),"
                       " sha256('3') || sha256('4'), '{}', '[]', 'again', %lld)",
                       (long long)number));
    assert_int_equal(made_kill(MADE_TAILS), 2);
    until_seen(3);
    assert_memory_equal(seen_one.at + seen_one.len - 6, "again\n", 6);
}

/* Of a shard that is new to it, a process hears what was stored before it knew of it. */
static void test_hears_all(void **state)
{
    struct text seen = {0};
    struct made_store late = {.seen = &seen, .hears_all = true};
    (void)state;
    made_put(&made_one, next_event());
    until_seen(1);
    made_open(&late, &made_loop, &made_shard);
    made_put(&two, next_event());
    until_seen(2);
    while (lines(&seen) < 2)
        uv_run(&made_loop, UV_RUN_ONCE);
    assert_int_equal(seen.len, seen_two.len);
    assert_memory_equal(seen.at, seen_two.at, seen.len);
    made_close(&late);
    text_clear(&seen);
}

static void forward(const char *content, size_t len)
{
    struct event event = *made_event('e', 1, 20000, "[]");
    event.content_json = (struct span){content, len};
    store_forward(made_one.store, &event);
}

static void until_lines(const struct text *text, uint32_t count)
{
    while (lines(text) < count)
        uv_run(&made_loop, UV_RUN_ONCE);
}

static void test_ephemeral(void **state)
{
    enum { BIG = 200001, SMALL = 300 };
    static char big[BIG];
    static const char euro[3] = {'\xe2', '\x82', '\xac'};
    (void)state;
    memset(big, 'x', sizeof big);
    for (size_t i = 1; i + 3 < sizeof big; i += 3) /* characters of three bytes, cut at none */
        memcpy(big + i, euro, sizeof euro);
    forward(big, sizeof big - 2);
    until_lines(&seen_two, 1);
    assert_int_equal(seen_two.len, sizeof big - 1);
    assert_memory_equal(seen_two.at, big, sizeof big - 2);

    for (int i = 0; i < SMALL; i++) {
        char text[16];
        int len = snprintf(text, sizeof text, "%d", i);
        forward(text, (size_t)len);
        if (i % 7 == 0)
            uv_run(&made_loop, UV_RUN_NOWAIT);
    }
    until_lines(&seen_two, 1 + SMALL);
    const char *at = seen_two.at + sizeof big - 1;
    for (int i = 0; i < SMALL; i++) {
        char text[16];
        int len = snprintf(text, sizeof text, "%d\n", i);
        assert_memory_equal(at, text, (size_t)len);
        at += len;
    }
    assert_int_equal(seen_one.len, 0); /* not to itself */
}

/* At the edge of what one part holds, and one past it. */
static void test_ephemeral_edge(void **state)
{
    static char text[TAIL_LIVE_PART_BYTES_MAX + 2];
    (void)state;
    memset(text, ' ', sizeof text); /* blanks at a cut are kept */
    struct text json = {0};
    struct event empty = *made_event('e', 1, 20000, "[]");
    empty.content_json = (struct span){text, 0};
    event_write(&json, &empty);
    size_t room = TAIL_LIVE_PART_BYTES_MAX - json.len;
    text_clear(&json);
    for (size_t extra = 0; extra < 3; extra++) {
        text_clear(&seen_two);
        forward(text, room - 1 + extra);
        until_lines(&seen_two, 1);
        assert_int_equal(seen_two.len, room + extra);
    }
}

static void on_event(void *owner, const struct event *event)
{
    (void)event;
    ++*(int *)owner;
}

/* Parts that do not fit together come to nothing. */
static void test_ephemeral_broken(void **state)
{
    static const char *const parts[] = {
        "",          "1",         "1 1 0",     "x 1 0 1 {}", "1 1 1 1 {}",
        "1 1 0 0 {", "1 2 1 1 }", "1 1 1 1 }", "1 3 0 0 {",  "1 3 0 1 {}",
    };
    int count = 0;
    (void)state;
    struct tail_live *live = tail_live_new(1, "channel");
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        tail_live_receive(live, parts[i], on_event, &count);
    assert_int_equal(count, 0);
    tail_live_free(live);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_order),          TEST(test_same_at_once),
        TEST(test_tails_lost),     TEST(test_all_lost),
        TEST(test_unannounced),    TEST(test_number_given_again),
        TEST(test_hears_all),      TEST(test_ephemeral),
        TEST(test_ephemeral_edge), cmocka_unit_test(test_ephemeral_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
