/* The turns of own batches, when settling and notification come in any order, late or never. */
#include "relay/tail.h"
#include "shared/filter.h"
#include "tests/made.h"
#include "tests/test.h"

static struct {
    uint32_t own, foreign, purged;
} turns;
static struct tail *tail;
static bool is_caught_up;

static void on_own(void *owner, uint64_t batch)
{
    (void)owner;
    turns.own++;
    assert_true(batch > 0);
}

static void on_foreign(void *owner, const struct event *event)
{
    (void)owner;
    (void)event;
    turns.foreign++;
}

static void on_purged(void *owner, const struct filter *filter)
{
    (void)owner;
    turns.purged += filter->ids.count;
}

static void on_caught_up(void *owner, bool is_so)
{
    (void)owner;
    is_caught_up = is_so;
}

enum { ORIGIN = 0xff, TAILS = 2 }; /* made_one has one too */

/* What a writer does whose answer we may or may not get. */
static int64_t commit_batch(int origin, int batch)
{
    return made_number(
        &made_shard,
        made_text("WITH i AS (INSERT INTO event (created_at, tie, pkp, kind, id, pubkey, sig,"
                  " tag_hashes, tags, content) VALUES (5, %d, 5, 1, sha256('1'), sha256('2'),"
                  " sha256('3') || sha256('4'), '{}', '[]', 'x') RETURNING xid)"
                  " SELECT xid FROM i, pg_notify('shoal_test_store', xid || ' %016x %d')",
                  1000 * origin + batch, origin, batch));
}

/* One who dies before it can notify. */
static int64_t commit_silently(int origin, int batch)
{
    return made_number(
        &made_shard,
        made_text(
            "INSERT INTO event (created_at, tie, pkp, kind, id, pubkey, sig, tag_hashes, tags,"
            " content) VALUES (5, %d, 5, 1, sha256('1'), sha256('2'),"
            " sha256('3') || sha256('4'), '{}', '[]', 'x') RETURNING xid",
            1000 * origin + batch));
}

static void notify_batch(int64_t xid, int origin, int batch)
{
    made_number(&made_shard,
                made_text("SELECT count(pg_notify('shoal_test_store', '%lld %016x %d'))",
                          (long long)xid, origin, batch));
}

static void until_turns(uint32_t own, uint32_t foreign)
{
    while (turns.own < own || turns.foreign < foreign)
        uv_run(&made_loop, UV_RUN_ONCE);
    assert_int_equal(turns.own, own);
    assert_int_equal(turns.foreign, foreign);
}

static int start(void **state)
{
    made_start(state);
    const struct tail_setup setup = {.shard = &made_shard,
                                     .origin = ORIGIN,
                                     .on_own = on_own,
                                     .on_foreign = on_foreign,
                                     .on_purged = on_purged,
                                     .on_caught_up = on_caught_up,
                                     .poll_ms = MADE_POLL_MS};
    turns.own = turns.foreign = turns.purged = 0;
    is_caught_up = false;
    tail = tail_new(&made_loop, &setup);
    while (!is_caught_up)
        uv_run(&made_loop, UV_RUN_ONCE);
    return 0;
}

static int stop(void **state)
{
    uint32_t own = turns.own, foreign = turns.foreign;
    for (int i = 0; i < 3; i++)
        made_await_lists(TAILS, made_moment());
    tail_free(tail);
    until_turns(own, foreign); /* nothing came late, and nothing comes twice */
    made_sql(&made_shard, "DELETE FROM event WHERE created_at = 5");
    return made_stop(state);
}

/* An own batch has its turn once it is settled and notified, in whatever order. */
static void test_orders(void **state)
{
    (void)state;
    tail_begun(tail, 1);
    int64_t xid = commit_batch(ORIGIN, 1);
    made_await_lists(TAILS, made_moment()); /* it is notified, and listed */
    made_run_for(MADE_QUIET_MS);
    until_turns(0, 0);
    tail_settled(tail, 1, xid);
    until_turns(1, 0);
    tail_begun(tail, 2);
    tail_settled(tail, 2, commit_batch(ORIGIN, 2));
    until_turns(2, 0);
}

/* One whose answer was lost comes back as a foreign one. */
static void test_lost_answers(void **state)
{
    (void)state;
    tail_begun(tail, 1);
    tail_begun(tail, 2);
    commit_batch(ORIGIN, 1);
    int64_t xid = commit_batch(ORIGIN, 2);
    made_run_for(100);
    tail_settled(tail, 1, 0);
    tail_settled(tail, 2, xid);
    until_turns(1, 1);
    tail_begun(tail, 3);
    tail_settled(tail, 3, 0);
    commit_batch(ORIGIN, 3); /* lost before it committed */
    until_turns(1, 2);
    tail_begun(tail, 4);
    tail_settled(tail, 4, 0); /* nothing was new */
}

/* Committed, and nobody was notified: it is listed, and has its turn once. */
static void test_silent(void **state)
{
    (void)state;
    commit_silently(ORIGIN + 1, 1);
    until_turns(0, 1);
    tail_begun(tail, 1);
    tail_settled(tail, 1, commit_silently(ORIGIN, 1));
    until_turns(1, 1);
    tail_begun(tail, 2);
    commit_silently(ORIGIN, 2);
    tail_settled(tail, 2, 0); /* nor was it answered */
    until_turns(1, 2);
}

/* Notified in another order than committed, and later than listed. */
static void test_late_notice(void **state)
{
    (void)state;
    int64_t first = commit_silently(ORIGIN + 1, 1);
    int64_t second = commit_silently(ORIGIN + 1, 2);
    tail_begun(tail, 1);
    int64_t own = commit_silently(ORIGIN, 1);
    tail_settled(tail, 1, own);
    notify_batch(second, ORIGIN + 1, 2);
    notify_batch(own, ORIGIN, 1);
    until_turns(1, 1);
    notify_batch(first, ORIGIN + 1, 1);
    until_turns(1, 2);
    int64_t listed = commit_silently(ORIGIN + 1, 3);
    until_turns(1, 3);
    notify_batch(listed, ORIGIN + 1, 3);
}

/* A deletion waits for the own batches that it may have taken something from. */
static void test_deletion_waits(void **state)
{
    (void)state;
    tail_begun(tail, 1);
    int64_t own = commit_silently(ORIGIN, 1);
    commit_batch(ORIGIN + 1, 1);
    until_turns(0, 1); /* no deletion */
    made_number(&made_shard,
                "WITH i AS (INSERT INTO event (created_at, tie, pkp, kind, id, pubkey, sig,"
                " tag_hashes, tags, content) VALUES (5, 7, 5, 5, sha256('1'), sha256('2'),"
                " sha256('3') || sha256('4'), '{}', '[]', 'x') RETURNING xid)"
                " SELECT xid FROM i, pg_notify('shoal_test_store', xid || ' 0000000000000001 1')");
    made_run_for(MADE_QUIET_MS);
    until_turns(0, 1);
    tail_begun(tail, 2); /* it came after the deletion */
    notify_batch(own, ORIGIN, 1);
    tail_settled(tail, 1, own);
    until_turns(1, 2);
    tail_settled(tail, 2, 0);
}

/* Settled while the tail is away: at once, or when it is back, but once. */
static void test_away(void **state)
{
    (void)state;
    tail_begun(tail, 1);
    int64_t xid = commit_batch(ORIGIN, 1);
    made_kill(MADE_TAILS);
    made_run_for(50);
    tail_settled(tail, 1, xid);
    until_turns(1, 0);
}

/* Connected again while an own batch is on its way: what was listed waits for it, and what is
 * notified meanwhile waits behind that. */
static void test_back(void **state)
{
    (void)state;
    tail_begun(tail, 1);
    int64_t killed_us = made_moment();
    made_kill(MADE_TAILS);
    commit_batch(ORIGIN + 1, 1); /* listed */
    made_await_lists(TAILS, killed_us);
    commit_batch(ORIGIN + 1, 2); /* notified, as are the next two */
    int64_t xid = commit_batch(ORIGIN, 1);
    commit_batch(ORIGIN + 1, 3);
    made_run_for(MADE_QUIET_MS);
    until_turns(0, 0);
    tail_settled(tail, 1, xid);
    until_turns(1, 3);
}

static void notify_purge(void)
{
    made_number(&made_shard, "SELECT count(pg_notify('shoal_test_store',"
                             " 'purged ' || encode(sha256('1'), 'hex')))");
    made_run_for(200);
}

/* What was purged may be what an own batch stored whose answer is still on its way: it is settled
 * first. What was sent later does not matter. */
static void test_purged(void **state)
{
    (void)state;
    notify_purge();
    assert_int_equal(turns.purged, 1);
    tail_begun(tail, 1);
    int64_t xid = commit_batch(ORIGIN, 1);
    notify_purge();
    tail_begun(tail, 2);
    assert_int_equal(turns.purged, 1);
    tail_settled(tail, 1, xid);
    assert_int_equal(turns.own, 1);
    assert_int_equal(turns.purged, 2);
    notify_purge();
    assert_int_equal(turns.purged, 2);
    tail_settled(tail, 2, 0); /* it stored nothing, or its answer was lost */
    assert_int_equal(turns.purged, 3);
}

/* A connection that is lost takes the notices with it that had no turn yet. */
static void test_purged_away(void **state)
{
    (void)state;
    tail_begun(tail, 1);
    notify_purge();
    int64_t killed_us = made_moment();
    made_kill(MADE_TAILS);
    made_await_lists(TAILS, killed_us);
    tail_settled(tail, 1, 0);
    assert_int_equal(turns.purged, 0);
    notify_purge();
    assert_int_equal(turns.purged, 1);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_orders),      TEST(test_lost_answers),   TEST(test_silent),
        TEST(test_late_notice), TEST(test_deletion_waits), TEST(test_purged),
        TEST(test_purged_away), TEST(test_away),           TEST(test_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
