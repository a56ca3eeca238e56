/* Orders on a real PostgreSQL, paid for with real credit: each arrow of the state machine, what
 * each costs, and who is too late. */
#include "gpu/order_work.h"

#include <stdio.h>
#include <stdlib.h>

#include "client/holder.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/receipt.h"
#include "shared/sig.h"
#include "tests/stall.h"
#include "tests/test.h"

enum { LEASE_MS = 60000 };

static const char *folder;
static struct stall stall;
static struct err err;

/* 24 tokens of prompt: 2.4; 4 units for each ten of output. */
static const struct price price = {
    .prompt = 100000, .cached = 10000, .output = 400000, .request = 1};
#define UNIT "ccr"

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

static struct stall_quote order(const char *job)
{
    struct stall_quote quote = stall_quote(&stall, UNIT, job);
    stall_pay(&stall, &quote, UNIT);
    return quote;
}

static struct order_claimant claimant = {.model = {"demo", 4}, .lease_ms = LEASE_MS};

static struct order_claim claim(const struct stall_quote *quote)
{
    struct order_claim claimed;
    claimant.worker = uuid_new();
    assert_int_equal(order_claim(stall.orders, &claimed, &stall.arena, &claimant, &err),
                     ORDER_DONE);
    assert_memory_equal(&claimed.quote, &quote->id, sizeof quote->id);
    return claimed;
}

static enum order_answer deliver(const struct order_claim *claimed, uint32_t seq, uint32_t count)
{
    static const uint32_t tokens[] = {7, 8, 9, 10, 11, 12, 13, 14};
    const struct order_delivery delivery = {.quote = claimed->quote,
                                            .fence = claimed->fence,
                                            .seq = seq,
                                            .text = SPAN("said "),
                                            .tokens = tokens,
                                            .token_count = count};
    return order_deliver(stall.orders, &delivery, &err);
}

static enum order_answer finish(const struct order_claim *claimed, enum order_state state)
{
    const struct order_result result = {.quote = claimed->quote,
                                        .fence = claimed->fence,
                                        .state = state,
                                        .cached_tokens = 4,
                                        .why = state == ORDER_FAILED ? "it broke" : NULL};
    return order_finish(stall.orders, &result, &err);
}

static struct order_view look(const struct stall_quote *quote, uint32_t from)
{
    struct order_view view;
    assert_int_equal(order_look(stall.orders, &view, &stall.arena, &quote->id, from, &err),
                     ORDER_DONE);
    return view;
}

static void expect(const struct stall_quote *quote, enum order_state state, uint64_t cost,
                   const char *mint_state)
{
    struct span paid;
    struct order_view view = look(quote, 0);
    uint64_t back = stall_back(&stall, quote, &paid);
    assert_string_equal(order_state_name(view.state), order_state_name(state));
    assert_int_equal(view.cost, cost);
    assert_true(span_eq(paid, (struct span){mint_state, strlen(mint_state)}));
    if (order_has_ended(state))
        assert_int_equal(back, quote->amount + quote->reserve - cost);
}

static void test_completed(void **state)
{
    (void)state;
    struct stall_quote quote = stall_quote(&stall, UNIT, STALL_CHAT(10));
    assert_int_equal(quote.amount, 1 + 3);
    assert_int_equal(quote.reserve, 4);
    assert_int_equal(look(&quote, 0).state, ORDER_QUOTED);
    stall_pay(&stall, &quote, UNIT);
    expect(&quote, ORDER_PENDING, 0, "PENDING");
    struct order_claim claimed = claim(&quote);
    assert_true(claimed.fence == 1 && claimed.tokens_max == 10 && claimed.said.len == 0);
    expect(&quote, ORDER_CLAIMED, 0, "PENDING");
    assert_int_equal(deliver(&claimed, 0, 1), ORDER_DONE);
    assert_int_equal(deliver(&claimed, 0, 1), ORDER_DONE); /* as after a commit unanswered */
    assert_int_equal(deliver(&claimed, 2, 1), ORDER_LOST); /* none is left out */
    assert_int_equal(deliver(&claimed, 1, 5), ORDER_DONE);
    expect(&quote, ORDER_RUNNING, 0, "PENDING");
    struct order_view view = look(&quote, 1);
    assert_true(view.windows == 2 && view.delivered == 6 && view.more_count == 1);
    assert_true(span_eq(view.more[0].text, SPAN("said ")) && view.more[0].tokens == 5);
    assert_int_equal(finish(&claimed, ORDER_COMPLETED), ORDER_DONE);
    assert_int_equal(finish(&claimed, ORDER_COMPLETED), ORDER_DONE);
    expect(&quote, ORDER_COMPLETED, 1 + 5, "PAID"); /* 2.0 + 0.04 + 2.4 */
    assert_int_equal(deliver(&claimed, 2, 1), ORDER_LOST);
}

/* It is signed by the node, and says what was paid and for what. */
static void test_receipt(void **state)
{
    static const uint32_t tokens[] = {7, 8, 9};
    (void)state;
    struct stall_quote quote = order(STALL_CHAT(10));
    struct order_claim claimed = claim(&quote);
    struct event event;
    struct receipt receipt;
    assert_int_equal(deliver(&claimed, 0, 3), ORDER_DONE);
    assert_int_equal(finish(&claimed, ORDER_COMPLETED), ORDER_DONE);
    struct order_view view = look(&quote, 0);
    assert_true(event_parse(&event, &stall.arena, view.receipt, &err));
    assert_true(event_check_id(&event) && sig_verify(&event.sig, &event.id, &event.pubkey));
    assert_memory_equal(&event.pubkey, holder_pubkey(stall.holder), 32);
    assert_true(receipt_read(&receipt, &stall.arena, &event, &err));
    struct bytes32 hash = receipt_hash_tokens(tokens, 3);
    assert_memory_equal(&receipt.tokens, &hash, sizeof hash);
    hash = sig_sha256(SPAN(STALL_CHAT(10)));
    assert_memory_equal(&receipt.job, &hash, sizeof hash);
    assert_true(span_eq(receipt.quote, (struct span){quote.text, UUID_TEXT_LEN}));
    assert_true(receipt.amount == view.cost && receipt.fee == 1 && receipt.output_tokens == 3);
    assert_true(receipt.prompt_tokens == 24 && receipt.cached_tokens == 4);
}

/* Nothing delivered: all goes back, and the quote is not to be paid again. */
static void test_failed(void **state)
{
    (void)state;
    struct stall_quote quote = order(STALL_CHAT(10));
    struct order_claim claimed = claim(&quote);
    assert_int_equal(finish(&claimed, ORDER_FAILED), ORDER_DONE);
    expect(&quote, ORDER_FAILED, 0, "UNPAID");
    assert_true(span_eq(look(&quote, 0).why, SPAN("it broke")));
    struct token token = stall_token(&stall, UNIT, 16);
    struct text body = {0};
    text_addf(&body, "{\"quote\":\"%s\",", quote.text);
    wallet_write_inputs(&body, token.proofs, token.count);
    text_add(&body, SPAN(",\"outputs\":[]}"));
    (void)stall_call(&stall, 400, "/v1/melt/compute", text_span(&body));
    text_clear(&body);
    quote = order(STALL_CHAT(10)); /* something delivered: that is paid for */
    claimed = claim(&quote);
    assert_int_equal(deliver(&claimed, 0, 2), ORDER_DONE);
    assert_int_equal(finish(&claimed, ORDER_FAILED), ORDER_DONE);
    expect(&quote, ORDER_FAILED, 1 + 3, "PAID"); /* 2.0 + 0.04 + 0.8 */
    assert_true(look(&quote, 0).receipt.len > 0);
}

static void test_cancelled(void **state)
{
    (void)state;
    struct stall_quote quote = order(STALL_CHAT(10));
    assert_int_equal(order_cancel(stall.orders, &quote.id, &err), ORDER_DONE);
    expect(&quote, ORDER_CANCELLED, 0, "UNPAID");
    quote = order(STALL_CHAT(10));
    struct order_claim claimed = claim(&quote);
    const struct order_lease *leases;
    uint32_t count;
    assert_int_equal(deliver(&claimed, 0, 1), ORDER_DONE);
    assert_int_equal(order_cancel(stall.orders, &quote.id, &err), ORDER_DONE);
    expect(&quote, ORDER_RUNNING, 0, "PENDING"); /* until its executor hears of it */
    assert_true(order_renew(stall.orders, &leases, &count, &stall.arena, &claimant, &err));
    assert_true(count == 1 && leases[0].is_unwanted && leases[0].fence == claimed.fence);
    assert_int_equal(finish(&claimed, ORDER_CANCELLED), ORDER_DONE);
    expect(&quote, ORDER_CANCELLED, 1 + 3, "PAID");
    struct uuid none = uuid_new();
    assert_int_equal(order_cancel(stall.orders, &none, &err), ORDER_LOST);
}

/* The time of a lease has gone by. */
static void lapse(const struct stall_quote *quote)
{
    char sql[160];
    snprintf(sql, sizeof sql,
             "UPDATE job SET lease_until = now() - interval '1 s' WHERE quote = '%s'", quote->text);
    stall_sql(&stall, sql);
}

static uint32_t sweep(void)
{
    uint32_t changed;
    assert_true(order_sweep(stall.orders, &changed, &err));
    return changed;
}

/* Another goes on behind what was delivered; what the first one writes late is refused; after as
 * many attempts as there may be, what was delivered is paid for. */
static void test_lost(void **state)
{
    (void)state;
    struct stall_quote quote = order(STALL_CHAT(10));
    struct order_claim first = claim(&quote);
    assert_int_equal(deliver(&first, 0, 2), ORDER_DONE);
    assert_int_equal(sweep(), 0);
    lapse(&quote);
    assert_int_equal(sweep(), 1);
    expect(&quote, ORDER_PENDING, 0, "PENDING");
    assert_int_equal(deliver(&first, 1, 1), ORDER_LOST);
    struct order_claim second = claim(&quote);
    assert_true(second.fence == 2 && second.windows == 1 && second.delivered == 2);
    assert_true(span_eq(second.said, SPAN("said ")));
    assert_memory_equal(&first.seed, &second.seed, sizeof first.seed);
    assert_int_equal(deliver(&first, 1, 1), ORDER_LOST);
    assert_int_equal(finish(&first, ORDER_COMPLETED), ORDER_LOST);
    assert_int_equal(deliver(&second, 1, 3), ORDER_DONE);
    lapse(&quote);
    assert_int_equal(sweep(), 1);
    struct order_claim third = claim(&quote);
    assert_true(third.fence == 3 && third.windows == 2 && third.delivered == 5);
    lapse(&quote);
    assert_int_equal(sweep(), 1);
    expect(&quote, ORDER_FAILED, 1 + 5, "PAID"); /* 2.4 + 2.0 */
    assert_int_equal(finish(&third, ORDER_COMPLETED), ORDER_LOST);
}

static void test_late(void **state)
{
    (void)state;
    struct stall_quote quote = order(STALL_CHAT(10));
    stall_sql(&stall, "UPDATE job SET deadline = now() WHERE state = 1");
    struct order_claim claimed;
    assert_int_equal(order_claim(stall.orders, &claimed, &stall.arena, &claimant, &err),
                     ORDER_LOST);
    assert_int_equal(sweep(), 1);
    expect(&quote, ORDER_CANCELLED, 0, "UNPAID");
    quote = stall_quote(&stall, UNIT, STALL_CHAT(10));
    stall_sql(&stall, "UPDATE job SET expires_at = now() WHERE state = 0");
    (void)sweep();
    assert_int_equal(look(&quote, 0).state, ORDER_EXPIRED);
}

/* An executor that stops gives back what it has; jobs of another model are not its own. */
static void test_yield(void **state)
{
    (void)state;
    const struct order_claimant other = {
        .worker = uuid_new(), .model = SPAN("other"), .lease_ms = LEASE_MS};
    struct stall_quote quote = order(STALL_CHAT(10));
    struct order_claim claimed;
    assert_int_equal(order_claim(stall.orders, &claimed, &stall.arena, &other, &err), ORDER_LOST);
    claimed = claim(&quote);
    assert_int_equal(finish(&claimed, ORDER_PENDING), ORDER_DONE);
    expect(&quote, ORDER_PENDING, 0, "PENDING");
    claimed = claim(&quote);
    assert_int_equal(deliver(&claimed, 0, 1), ORDER_DONE);
    assert_int_equal(finish(&claimed, ORDER_COMPLETED), ORDER_DONE);
    expect(&quote, ORDER_COMPLETED, 1 + 3, "PAID");
}

static void test_refused(void **state)
{
    static const char *const wrong[] = {
        "{\"unit\":\"" UNIT "\"}",
        "{\"unit\":\"" UNIT "\",\"request\":\"no JSON\"}",
        "{\"unit\":\"" UNIT "\",\"request\":\"{\\\"messages\\\":[]}\"}",
        "{\"unit\":\"" UNIT "\",\"request\":\"{\\\"prompt\\\":[\\\"a\\\",\\\"b\\\"]}\"}",
        "{\"unit\":\"" UNIT
        "\",\"request\":\"{\\\"prompt\\\":\\\"a\\\",\\\"model\\\":\\\"x\\\"}\"}",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        (void)stall_call(&stall, 400, "/v1/melt/quote/compute",
                         (struct span){wrong[i], strlen(wrong[i])});
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_completed), cmocka_unit_test(test_receipt),
        cmocka_unit_test(test_failed),    cmocka_unit_test(test_cancelled),
        cmocka_unit_test(test_lost),      cmocka_unit_test(test_late),
        cmocka_unit_test(test_yield),     cmocka_unit_test(test_refused),
    };
    if (argc != 2)
        return 2;
    folder = argv[1];
    return cmocka_run_group_tests(tests, open_stall, close_stall);
}
