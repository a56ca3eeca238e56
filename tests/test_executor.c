/* Paid jobs done by a real executor, on the demonstration model, which knows its answers by heart:
 * what is delivered, what it costs, and what becomes of it when somebody dies or leaves. */
#include "gpu/executor.h"

#include <stdio.h>
#include <stdlib.h>

#include "gpu/engine.h"
#include "gpu/shop.h"
#include "shared/err.h"
#include "tests/stall.h"
#include "tests/test.h"

#define SAID "Hello! Ask me what a relay is."
#define CHAT(more) \
    "{\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}],\"temperature\":0" more "}"
#define FOREVER                                                                                   \
    "{\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}],\"temperature\":9,\"max_tokens\":" \
    "400,"                                                                                        \
    "\"logit_bias\":{\"257\":-100}}"

enum { GUARD_MS = 60000, LEASE_MS = 300 };

static const char *folder;
static struct stall stall;
static uv_loop_t loop;
static struct engine *engine;
static struct shop *shop;
static uv_timer_t guard;
static struct err err;
static const struct price price = {
    .prompt = 100000, .cached = 10000, .output = 400000, .request = 1};

/* What the loop runs for. */
static struct {
    struct uuid quote;
    uint32_t windows; /* so many, or the end */
    struct order_view view;
} wanted;

static void look(void)
{
    assert_int_equal(order_look(stall.orders, &wanted.view, &stall.arena, &wanted.quote, 0, &err),
                     ORDER_DONE);
}

static void on_heard(void *owner, const struct uuid *quote)
{
    (void)owner;
    if (quote == NULL || memcmp(quote, &wanted.quote, sizeof *quote) != 0)
        return;
    look();
    if (order_has_ended(wanted.view.state) || wanted.view.windows >= wanted.windows)
        uv_stop(&loop);
}

static void on_guard(uv_timer_t *timer)
{
    (void)timer;
    fail_msg("too late");
}

static void await(const struct stall_quote *quote, uint32_t windows)
{
    wanted.quote = quote->id;
    wanted.windows = windows;
    look();
    if (order_has_ended(wanted.view.state) || wanted.view.windows >= windows)
        return;
    uv_timer_start(&guard, on_guard, GUARD_MS, 0);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_timer_stop(&guard);
}

static struct order_view await_end(const struct stall_quote *quote)
{
    await(quote, UINT32_MAX);
    return wanted.view;
}

static struct stall_quote buy(const char *job)
{
    struct stall_quote quote = stall_quote(&stall, "ccr", job);
    stall_pay(&stall, &quote, "ccr");
    return quote;
}

static void open_shop(void)
{
    const struct shop_setup setup = {.loop = &loop,
                                     .database = stall.database,
                                     .mint = stall.mint,
                                     .engine = engine,
                                     .model = SPAN("demo"),
                                     .url = SPAN("http://127.0.0.1"),
                                     .holder = stall.holder,
                                     .price = price,
                                     .jobs_max = 2,
                                     .lease_ms = LEASE_MS};
    shop = shop_open(&setup, &err);
    assert_non_null(shop);
    shop_hear(shop, on_heard, NULL);
}

static void close_shop(void)
{
    shop_yield(shop);
    while (!shop_is_idle(shop))
        uv_run(&loop, UV_RUN_ONCE);
    shop_close(shop);
}

static int open_all(void **state)
{
    const struct engine_options options = {
        .model = folder, .parallel = 2, .waiting = 8, .threads = 1};
    (void)state;
    stall_open(&stall, folder, &price);
    uv_loop_init(&loop);
    uv_timer_init(&loop, &guard);
    engine = engine_open(&loop, &options, &err);
    assert_non_null(engine);
    open_shop();
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    close_shop();
    engine_close(engine);
    uv_close((uv_handle_t *)&guard, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    stall_close(&stall);
    return 0;
}

static void expect_text(const struct order_view *view, const char *words)
{
    struct text text = {0};
    uint32_t tokens = 0;
    for (uint32_t i = 0; i < view->more_count; i++) {
        text_add(&text, view->more[i].text);
        tokens += view->more[i].tokens;
    }
    assert_int_equal(tokens, view->delivered);
    if (!span_eq(text_span(&text), (struct span){words, strlen(words)}))
        fail_msg("'%.*s'", (int)text.len, text.at);
    text_clear(&text);
}

static void expect_settled(const struct stall_quote *quote, const struct order_view *view)
{
    struct span state;
    struct price_usage usage = {view->prompt_tokens, view->cached_tokens, view->delivered};
    uint64_t cost;
    assert_true(price_charge(&cost, &price, &usage, &err));
    assert_int_equal(view->cost, cost);
    assert_int_equal(stall_back(&stall, quote, &state), quote->amount + quote->reserve - cost);
    assert_true(span_eq(state, SPAN("PAID")) && view->receipt.len > 0);
}

static void test_done(void **state)
{
    (void)state;
    struct stall_quote quote = buy(CHAT(",\"max_tokens\":100"));
    struct order_view view = await_end(&quote);
    assert_int_equal(view.state, ORDER_COMPLETED);
    assert_true(view.prompt_tokens == 24 && view.delivered == 30 && !view.is_full);
    expect_text(&view, SAID);
    expect_settled(&quote, &view);
    quote = buy(CHAT(",\"max_tokens\":5"));
    view = await_end(&quote);
    assert_true(view.state == ORDER_COMPLETED && view.is_full && view.delivered == 5);
    expect_text(&view, "Hello");
    expect_settled(&quote, &view);
}

/* Several at once, and more than it takes at a time. */
static void test_many(void **state)
{
    struct stall_quote quotes[7];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(quotes); i++)
        quotes[i] = buy(CHAT(",\"max_tokens\":100"));
    for (size_t i = 0; i < ARRAY_LEN(quotes); i++) {
        struct order_view view = await_end(&quotes[i]);
        assert_int_equal(view.state, ORDER_COMPLETED);
        expect_text(&view, SAID);
        expect_settled(&quotes[i], &view);
    }
}

static void test_cancelled(void **state)
{
    (void)state;
    struct stall_quote quote = buy(FOREVER);
    await(&quote, 1);
    assert_int_equal(order_cancel(stall.orders, &quote.id, &err), ORDER_DONE);
    struct order_view view = await_end(&quote);
    assert_int_equal(view.state, ORDER_CANCELLED);
    assert_true(view.delivered >= 1 && view.delivered < 232);
    expect_settled(&quote, &view);
}

static struct order_claim claim_first(const struct stall_quote *quote, struct span said,
                                      uint32_t tokens)
{
    static const uint32_t some[8];
    struct order_claim claim;
    const struct order_claimant claimant = {uuid_new(), SPAN("demo"), LEASE_MS};
    assert_int_equal(order_claim(stall.orders, &claim, &stall.arena, &claimant, &err), ORDER_DONE);
    assert_memory_equal(&claim.quote, &quote->id, sizeof quote->id);
    const struct order_delivery delivery = {.quote = claim.quote,
                                            .fence = claim.fence,
                                            .text = said,
                                            .tokens = some,
                                            .token_count = tokens};
    assert_int_equal(order_deliver(stall.orders, &delivery, &err), ORDER_DONE);
    return claim;
}

/* Who has claimed a job delivers five tokens of it, and dies: another goes on behind them, and what
 * the first one says then is refused. */
static void test_taken_over(void **state)
{
    (void)state;
    close_shop();
    struct stall_quote quote = buy(CHAT(",\"max_tokens\":100"));
    struct order_claim first = claim_first(&quote, SPAN("Hello"), 5);
    open_shop();
    struct order_view view = await_end(&quote);
    assert_int_equal(view.state, ORDER_COMPLETED);
    assert_true(view.delivered == 30 && view.more[0].tokens == 5);
    expect_text(&view, SAID);
    expect_settled(&quote, &view);
    const struct order_delivery late = {
        .quote = first.quote, .fence = first.fence, .seq = 1, .text = SPAN("!")};
    assert_int_equal(order_deliver(stall.orders, &late, &err), ORDER_LOST);
}

/* What was delivered does not come again: then it ends there. */
static void test_differs(void **state)
{
    (void)state;
    close_shop();
    struct stall_quote quote = buy(CHAT(",\"max_tokens\":100"));
    (void)claim_first(&quote, SPAN("Howdy"), 5);
    open_shop();
    struct order_view view = await_end(&quote);
    assert_true(view.state == ORDER_FAILED && view.delivered == 5);
    expect_text(&view, "Howdy");
    expect_settled(&quote, &view);
}

/* An executor that is stopped gives back what it has, and the next one does it. */
static void test_yielded(void **state)
{
    (void)state;
    struct stall_quote quote = buy(FOREVER);
    await(&quote, 1);
    close_shop();
    look();
    assert_int_equal(wanted.view.state, ORDER_PENDING);
    open_shop();
    struct order_view view = await_end(&quote);
    assert_true(view.state == ORDER_COMPLETED && view.delivered == 232 && view.is_full);
    expect_settled(&quote, &view);
}

/* Its lease was lost without its knowing: it stops, and writes no more. */
static void test_outlived(void **state)
{
    (void)state;
    struct stall_quote quote = buy(FOREVER);
    await(&quote, 1);
    stall_sql(&stall, "UPDATE job SET fence = fence + 1, worker = NULL, deadline = now(),"
                      " lease_until = now() WHERE state IN (2, 3)");
    struct order_view view = await_end(&quote);
    assert_int_equal(view.state, ORDER_FAILED);
    while (shop_statistics(shop).lost == 0)
        uv_run(&loop, UV_RUN_ONCE);
    expect_settled(&quote, &view);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_done),      cmocka_unit_test(test_many),
        cmocka_unit_test(test_cancelled), cmocka_unit_test(test_taken_over),
        cmocka_unit_test(test_differs),   cmocka_unit_test(test_yielded),
        cmocka_unit_test(test_outlived),
    };
    if (argc != 2)
        return 2;
    folder = argv[1];
    return cmocka_run_group_tests(tests, open_all, close_all);
}
