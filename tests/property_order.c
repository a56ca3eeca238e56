/* Orders under random steps of several executors, buyers and processes that die between them: only
 * the last claim writes, at any moment; and when all have ended, what each cost and what came back
 * are what was paid. */
#include <stdio.h>
#include <stdlib.h>

#include "gpu/order_work.h"
#include "shared/err.h"
#include "tests/random.h"
#include "tests/stall.h"
#include "tests/test.h"

enum { JOBS = 40, CLAIMS = 6, STEPS = 1500, TOKENS_MAX = 40, LEASE_MS = 600000 };

static const char *folder;
static struct stall stall;
static struct err err;
static const struct price price = {
    .prompt = 100000, .cached = 100000, .output = 400000, .request = 1};

/* What is known of a job without the database. */
struct job {
    struct stall_quote quote;
    enum order_state state;
    int32_t fence;
    uint32_t attempts, windows, delivered;
};

/* What an executor believes, who may be dead or too late. */
struct belief {
    struct order_claim claim;
    struct order_claimant claimant;
    bool is_used;
};

static struct job jobs[JOBS];
static uint32_t count;
static struct belief beliefs[CLAIMS];
static uint32_t refused, ended;

static struct job *find(const struct uuid *quote)
{
    for (uint32_t i = 0; i < count; i++)
        if (memcmp(&jobs[i].quote.id, quote, sizeof *quote) == 0)
            return jobs + i;
    fail_msg("a job that nobody asked for");
    return NULL;
}

static bool is_last(const struct belief *belief, const struct job *job)
{
    return belief->claim.fence == job->fence &&
           (job->state == ORDER_CLAIMED || job->state == ORDER_RUNNING);
}

static void step_buy(void)
{
    if (count == JOBS)
        return;
    struct job *job = &jobs[count++];
    *job = (struct job){.quote = stall_quote(&stall, "ccr", STALL_CHAT(40))};
    stall_pay(&stall, &job->quote, "ccr");
    job->state = ORDER_PENDING;
}

static void step_claim(void)
{
    struct belief *belief = &beliefs[random_below(CLAIMS)];
    belief->claimant = (struct order_claimant){uuid_new(), SPAN("demo"), LEASE_MS};
    belief->is_used = order_claim(stall.orders, &belief->claim, &stall.arena, &belief->claimant,
                                  &err) == ORDER_DONE;
    if (!belief->is_used)
        return;
    struct job *job = find(&belief->claim.quote);
    assert_int_equal(job->state, ORDER_PENDING);
    assert_int_equal(belief->claim.fence, job->fence + 1);
    assert_true(belief->claim.windows == job->windows && belief->claim.delivered == job->delivered);
    job->fence++;
    job->attempts++;
    job->state = ORDER_CLAIMED;
}

static void step_deliver(void)
{
    static const uint32_t tokens[TOKENS_MAX];
    struct belief *belief = &beliefs[random_below(CLAIMS)];
    if (!belief->is_used)
        return;
    struct job *job = find(&belief->claim.quote);
    struct order_delivery delivery = {.quote = belief->claim.quote,
                                      .fence = belief->claim.fence,
                                      .seq = belief->claim.windows,
                                      .text = SPAN("x"),
                                      .tokens = tokens,
                                      .token_count = 1 + random_below(3)};
    if (job->delivered + delivery.token_count > TOKENS_MAX)
        return;
    bool should = is_last(belief, job) && belief->claim.windows == job->windows;
    enum order_answer answer = order_deliver(stall.orders, &delivery, &err);
    assert_int_equal(answer, should ? ORDER_DONE : ORDER_LOST);
    refused += !should;
    if (!should)
        return;
    belief->claim.windows++;
    job->windows++;
    job->delivered += delivery.token_count;
    job->state = ORDER_RUNNING;
}

static void step_finish(void)
{
    static const enum order_state states[] = {ORDER_COMPLETED, ORDER_COMPLETED, ORDER_FAILED,
                                              ORDER_CANCELLED, ORDER_PENDING};
    struct belief *belief = &beliefs[random_below(CLAIMS)];
    if (!belief->is_used)
        return;
    struct job *job = find(&belief->claim.quote);
    struct order_result result = {.quote = belief->claim.quote,
                                  .fence = belief->claim.fence,
                                  .state = states[random_below(ARRAY_LEN(states))]};
    bool should =
        is_last(belief, job) || (belief->claim.fence == job->fence && job->state == result.state);
    assert_int_equal(order_finish(stall.orders, &result, &err), should ? ORDER_DONE : ORDER_LOST);
    refused += !should;
    if (should)
        job->state = result.state;
}

static void step_cancel(void)
{
    if (count == 0)
        return;
    struct job *job = &jobs[random_below(count)];
    assert_int_equal(order_cancel(stall.orders, &job->quote.id, &err), ORDER_DONE);
    if (job->state == ORDER_PENDING)
        job->state = ORDER_CANCELLED;
}

/* All leases of some have run out. */
static void step_sweep(void)
{
    uint32_t changed, expected = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct job *job = &jobs[i];
        char sql[160];
        if ((job->state != ORDER_CLAIMED && job->state != ORDER_RUNNING) || random_below(2) == 0)
            continue;
        snprintf(sql, sizeof sql, "UPDATE job SET lease_until = now() WHERE quote = '%s'",
                 job->quote.text);
        stall_sql(&stall, sql);
        job->state = job->attempts < ORDER_ATTEMPTS_MAX ? ORDER_PENDING : ORDER_FAILED;
        expected++;
    }
    assert_true(order_sweep(stall.orders, &changed, &err));
    assert_int_equal(changed, expected);
}

/* The process is gone, and what it held in hand; another one opens the same tables. */
static void step_crash(void)
{
    stall_again(&stall);
    for (uint32_t i = 0; i < CLAIMS; i++)
        if (random_below(2) == 0)
            beliefs[i].is_used = false;
}

static void step(void)
{
    switch (random_below(16)) {
    case 0:
    case 1:
        step_buy();
        break;
    case 2:
    case 3:
    case 4:
        step_claim();
        break;
    case 5:
    case 6:
    case 7:
    case 8:
    case 9:
        step_deliver();
        break;
    case 10:
    case 11:
        step_finish();
        break;
    case 12:
        step_cancel();
        break;
    case 13:
    case 14:
        step_sweep();
        break;
    case 15:
        if (random_below(4) == 0)
            step_crash();
        break;
    }
}

/* Its price by hand: 24 tokens of prompt, what was delivered, and the request. */
static uint64_t cost_of(const struct job *job)
{
    if (job->state != ORDER_COMPLETED && job->delivered == 0)
        return 0;
    return 1 + (24 * 100000 + job->delivered * 400000 + 999999) / 1000000;
}

static void check(const struct job *job)
{
    struct order_view view;
    struct span paid;
    assert_int_equal(order_look(stall.orders, &view, &stall.arena, &job->quote.id, 0, &err),
                     ORDER_DONE);
    assert_string_equal(order_state_name(view.state), order_state_name(job->state));
    assert_true(view.windows == job->windows && view.more_count == job->windows);
    assert_int_equal(view.delivered, job->delivered);
    uint64_t back = stall_back(&stall, &job->quote, &paid);
    if (!order_has_ended(job->state)) {
        assert_true(span_eq(paid, SPAN("PENDING")));
        return;
    }
    ended++;
    assert_int_equal(view.cost, cost_of(job));
    assert_int_equal(back + view.cost, job->quote.amount + job->quote.reserve);
    assert_true((view.receipt.len > 0) == (view.cost > 0));
}

static void test_steps(void **state)
{
    (void)state;
    for (int i = 0; i < STEPS; i++)
        step();
    for (uint32_t i = 0; i < count; i++)
        check(&jobs[i]);
    assert_true(count == JOBS && refused > STEPS / 50 && ended > JOBS / 3);
}

/* Whatever has happened, all of them can be brought to an end. */
static void test_drained(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < count; i++) {
        struct job *job = &jobs[i];
        if (job->state == ORDER_CLAIMED || job->state == ORDER_RUNNING) {
            struct order_result result = {
                .quote = job->quote.id, .fence = job->fence, .state = ORDER_FAILED};
            assert_int_equal(order_finish(stall.orders, &result, &err), ORDER_DONE);
            job->state = ORDER_FAILED;
        }
        assert_int_equal(order_cancel(stall.orders, &job->quote.id, &err), ORDER_DONE);
        if (job->state == ORDER_PENDING)
            job->state = ORDER_CANCELLED;
        check(job);
    }
    assert_int_equal(stall_number(&stall, "SELECT count(*) FROM job WHERE state < 4"), 0);
}

static int open_stall(void **state)
{
    (void)state;
    stall_open(&stall, folder, &price);
    return 0;
}

static int close_stall(void **state)
{
    (void)state;
    stall_close(&stall);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps),
        cmocka_unit_test(test_drained),
    };
    if (argc != 2)
        return 2;
    folder = argv[1];
    random_start();
    return cmocka_run_group_tests(tests, open_stall, close_stall);
}
