/* Credit that is spent on a method: held, kept or given back; and what wallets see of it. */
#include <stdio.h>
#include <time.h>

#include "gpu/fault.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "tests/minted.h"
#include "tests/test.h"

enum { AMOUNT = 10, RESERVE = 300, COINS = 6 };

static struct minted minted;
static struct text answer, body;
static struct { /* what the method was told */
    uint32_t kept, paid;
    bool refuses_to_pay, fails_at_once;
    struct uuid quote;
} work;

static bool quote_work(void *owner, struct mint_terms *terms, struct arena *arena, struct span unit,
                       struct span asked, struct fault *fault)
{
    (void)owner;
    (void)arena;
    (void)unit;
    if (memmem(asked.at, asked.len, "too much", 8) != NULL)
        return fault_set(fault, FAULT_AMOUNT_LIMIT, "too much");
    *terms = (struct mint_terms){.amount = AMOUNT,
                                 .fee_reserve = RESERVE,
                                 .request = SPAN("a job"),
                                 .more = SPAN("\"offer\":\"it\""),
                                 .expiry = 4000000000,
                                 .job = &work};
    return true;
}

static bool keep_work(void *owner, struct transaction *transaction, const struct uuid *quote,
                      const struct mint_terms *terms, struct fault *fault)
{
    (void)transaction;
    (void)fault;
    assert_ptr_equal(owner, &work);
    assert_ptr_equal(terms->job, &work);
    work.kept++;
    work.quote = *quote;
    return true;
}

static bool pay_work(void *owner, struct transaction *transaction, const struct uuid *quote,
                     struct fault *fault)
{
    (void)owner;
    if (work.refuses_to_pay)
        return fault_set(fault, FAULT_PAYMENT_FAILED, "no more work");
    assert_memory_equal(quote, &work.quote, sizeof *quote);
    work.paid++;
    return !work.fails_at_once || ledger_cancel(transaction, quote, time(NULL), fault);
}

static int set_up(void **state)
{
    const struct mint_method method = {.name = "errand",
                                       .owner = &work,
                                       .amount_min = 1,
                                       .amount_max = 1000,
                                       .quote = quote_work,
                                       .keep = keep_work,
                                       .pay = pay_work};
    struct mint_policy policy = mint_policy_default();
    (void)state;
    policy.pow_bits = 4;
    policy.address_grant = policy.day_grant;
    minted_open(&minted, &policy);
    mint_spend_by(minted.mint, &method);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    minted_close(&minted);
    text_clear(&answer);
    text_clear(&body);
    return 0;
}

static uint32_t post(const char *path)
{
    text_addf(&body, "%c", '\0');
    uint32_t status = minted_call(minted.mint, &answer, "POST", path, body.at);
    body.len--;
    return status;
}

static void expect(uint32_t status, const char *part)
{
    if (status != 200 || strstr(answer.at, part) == NULL)
        fail_msg("%u: no %s in %s", status, part, answer.at);
}

static void refused(uint32_t status, int code)
{
    if (status != 400 || minted_code(&answer) != code)
        fail_msg("%u, not %d: %s", status, code, answer.at);
}

/* ---- one purchase ---- */

struct purchase {
    struct minted_coin coins[COINS], blanks[COINS]; /* coins: 512, 256, 128, 64, 32, 8 */
    char quote[64];
};

static void look(const struct purchase *purchase, const char *part)
{
    char path[96];
    snprintf(path, sizeof path, "/v1/melt/quote/errand/%s", purchase->quote);
    expect(minted_call(minted.mint, &answer, "GET", path, ""), part);
}

static void begin(struct purchase *purchase)
{
    static const uint64_t amounts[COINS] = {512, 256, 128, 64, 32, 8};
    minted_grant(&minted, purchase->coins, amounts, COINS);
    for (int i = 0; i < COINS; i++)
        purchase->blanks[i] = minted_blank(&minted, "ccr-promo", 0, NULL);
    body.len = 0;
    text_addf(&body, "{\"unit\":\"ccr-promo\",\"request\":\"anything\"}");
    expect(post("/v1/melt/quote/errand"), "\"amount\":10,\"fee_reserve\":300,\"state\":\"UNPAID\"");
    assert_non_null(strstr(answer.at, ",\"offer\":\"it\"}"));
    minted_word(purchase->quote, sizeof purchase->quote, &answer, "quote");
}

/* With so many coins, the largest first, and blank outputs. */
static uint32_t ask_to_pay(const struct purchase *purchase, uint32_t coins, uint32_t blanks,
                           bool is_async)
{
    body.len = 0;
    text_addf(&body, "{\"prefer_async\":%s,\"quote\":\"%s\",", is_async ? "true" : "false",
              purchase->quote);
    minted_add_inputs(&body, purchase->coins, coins, NULL);
    text_addf(&body, ",");
    minted_add_outputs(&body, purchase->blanks, blanks);
    text_addf(&body, "}");
    return post("/v1/melt/errand");
}

static uint32_t pay(const struct purchase *purchase, uint32_t coins, uint32_t blanks)
{
    return ask_to_pay(purchase, coins, blanks, true);
}

static uint32_t swap(const struct minted_coin *coin)
{
    struct minted_coin out = minted_blank(&minted, "ccr-promo", coin->amount, NULL);
    body.len = 0;
    text_addf(&body, "{");
    minted_add_inputs(&body, coin, 1, NULL);
    text_addf(&body, ",");
    minted_add_outputs(&body, &out, 1);
    text_addf(&body, "}");
    return post("/v1/swap");
}

struct ending {
    uint64_t cost;
    bool gives_back;
    struct fault fault;
};

static bool end_it(struct transaction *transaction, void *argument)
{
    struct ending *ending = argument;
    if (ending->gives_back)
        return ledger_cancel(transaction, &work.quote, 1800000000, &ending->fault);
    return mint_settle(minted.mint, transaction, &work.quote, ending->cost, SPAN("receipt"),
                       &ending->fault);
}

static enum database_end end(struct ending *ending)
{
    struct err err;
    return database_transact(minted.database, end_it, ending, &err);
}

/* ---- */

static void test_change(void **state)
{
    struct purchase purchase, asked;
    struct ending ending = {.cost = 133};
    (void)state;
    begin(&purchase);
    asked = purchase;
    uint32_t paid = work.paid;
    expect(pay(&purchase, 1, 4), "\"state\":\"PENDING\"");
    expect(pay(&purchase, 1, 4), "\"state\":\"PENDING\""); /* sent again */
    assert_true(work.paid > paid);
    refused(swap(purchase.coins), FAULT_PROOF_PENDING);
    look(&purchase, "\"state\":\"PENDING\"");
    assert_int_equal(end(&ending), DATABASE_DONE);
    look(&purchase, "\"state\":\"PAID\"");
    assert_non_null(strstr(answer.at, "\"payment_preimage\":\"receipt\""));
    assert_int_equal(minted_take(&minted, purchase.blanks, 4, &answer), 4);
    /* 512 - 133 = 379 = 256 + 64 + 32 + 16 + 8 + 2 + 1, of which four are signed */
    static const uint64_t amounts[] = {256, 64, 32, 16};
    for (size_t i = 0; i < ARRAY_LEN(amounts); i++) {
        assert_int_equal(purchase.blanks[i].amount, amounts[i]);
        expect(swap(purchase.blanks + i), "signatures");
    }
    refused(swap(purchase.coins), FAULT_PROOF_SPENT);
    assert_int_equal(end(&ending), DATABASE_DONE); /* run again */
    expect(pay(&asked, 1, 4), "\"state\":\"PAID\"");
    assert_non_null(strstr(answer.at, "\"change\":[{\"amount\":256"));
}

static void test_given_back(void **state)
{
    struct purchase purchase;
    struct ending ending = {.gives_back = true};
    (void)state;
    begin(&purchase);
    expect(pay(&purchase, 1, 2), "\"state\":\"PENDING\"");
    assert_int_equal(end(&ending), DATABASE_DONE);
    look(&purchase, "\"state\":\"UNPAID\"");
    expect(swap(purchase.coins), "signatures");
}

/* Who waits for the end is told so also where it is there before the wait. */
static void test_failed_since(void **state)
{
    struct purchase purchase;
    (void)state;
    begin(&purchase);
    work.fails_at_once = true;
    refused(ask_to_pay(&purchase, 1, 2, false), FAULT_PAYMENT_FAILED);
    look(&purchase, "\"state\":\"UNPAID\"");
    work.fails_at_once = false;
    expect(pay(&purchase, 1, 2), "\"state\":\"PENDING\"");
}

static void test_too_little(void **state)
{
    struct purchase purchase;
    struct ending ending = {.cost = 1};
    (void)state;
    begin(&purchase);
    struct minted_coin largest = purchase.coins[0];
    purchase.coins[0] = purchase.coins[1];
    refused(pay(&purchase, 1, 2), FAULT_UNBALANCED);
    purchase.coins[0] = largest;
    assert_int_equal(end(&ending), DATABASE_REFUSED); /* nothing is held */
    expect(pay(&purchase, 1, 2), "PENDING");
    ending.cost = AMOUNT + RESERVE + 203;
    assert_int_equal(end(&ending), DATABASE_REFUSED);
    ending.cost = AMOUNT + RESERVE;
    assert_int_equal(end(&ending), DATABASE_DONE);
}

static void test_refused_by_the_method(void **state)
{
    struct purchase purchase;
    (void)state;
    begin(&purchase);
    work.refuses_to_pay = true;
    refused(pay(&purchase, 1, 2), FAULT_PAYMENT_FAILED);
    work.refuses_to_pay = false;
    look(&purchase, "\"state\":\"UNPAID\"");
    expect(swap(purchase.coins), "signatures"); /* nothing was held */
    body.len = 0;
    text_addf(&body, "{\"unit\":\"ccr\",\"request\":\"too much\"}");
    refused(post("/v1/melt/quote/errand"), FAULT_AMOUNT_LIMIT);
}

static void test_not_there(void **state)
{
    struct purchase purchase;
    (void)state;
    begin(&purchase);
    refused(post("/v1/melt/quote/bolt11"), FAULT_UNIT_UNKNOWN);
    body.len = 0;
    text_addf(&body, "{\"unit\":\"sat\"}");
    refused(post("/v1/melt/quote/errand"), FAULT_UNIT_UNKNOWN);
    purchase.quote[35] = purchase.quote[35] == '0' ? '1' : '0';
    refused(pay(&purchase, 1, 2), FAULT_QUOTE_UNKNOWN);
    snprintf(purchase.quote, sizeof purchase.quote, "x");
    refused(pay(&purchase, 1, 2), FAULT_QUOTE_UNKNOWN);
}

/* From the second on, a grant wants a job that was paid for, and each counts once. */
static void test_later_stages(void **state)
{
    static const struct bytes32 secrets[] = {{{1, 3}}, {{1, 4}}};
    struct purchase purchase;
    struct ending ending = {.cost = 20};
    char nonce[24];
    (void)state;
    begin(&purchase);
    expect(pay(&purchase, 1, 2), "PENDING");
    for (int paid = 0; paid < 2; paid++) {
        for (size_t i = 0; i < ARRAY_LEN(secrets); i++) {
            struct bytes33 key = minted_key(secrets + i);
            minted_work(&minted, nonce, &key, 2);
            body.len = 0;
            text_addf(&body,
                      "{\"unit\":\"ccr-promo\",\"stage\":2,\"nonce\":\"%s\",\"job\":\"%s\","
                      "\"receipt\":\"receipt\",\"pubkey\":\"",
                      nonce, purchase.quote);
            text_add_hex(&body, key.at, sizeof key.at);
            text_addf(&body, "\"}");
            uint32_t status = post("/v1/mint/quote/grant");
            if (paid == 1 && i == 0)
                expect(status, "\"amount\":5000");
            else
                refused(status, paid == 0 ? FAULT_PAYMENT_FAILED : FAULT_AMOUNT_LIMIT);
        }
        if (paid == 0)
            assert_int_equal(end(&ending), DATABASE_DONE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_change),
        cmocka_unit_test(test_given_back),
        cmocka_unit_test(test_failed_since),
        cmocka_unit_test(test_too_little),
        cmocka_unit_test(test_refused_by_the_method),
        cmocka_unit_test(test_not_there),
        cmocka_unit_test(test_later_stages),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
