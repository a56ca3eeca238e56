/* Quotes of credit to be issued, on a real PostgreSQL: once, exactly, within budgets. */
#include "gpu/ledger_quote.h"

#include <pthread.h>
#include <stdio.h>

#include "shared/arena.h"
#include "tests/test.h"
#include "tests/till.h"

static struct till till;

static int open_till(void **state)
{
    (void)state;
    till_open(&till, 16);
    return 0;
}

static int close_till(void **state)
{
    char difference[TILL_DIFFERENCES_SIZE];
    (void)state;
    till_audit(&till, difference);
    assert_string_equal(difference, "");
    till_close(&till);
    return 0;
}

static struct mint_quote new_quote(uint64_t amount, enum mint_state quote_state)
{
    return (struct mint_quote){.id = uuid_new(),
                               .method = "grant",
                               .unit = "ccr-promo",
                               .amount = amount,
                               .request = SPAN("lnbc1"),
                               .state = quote_state,
                               .expiry = 500,
                               .created_at = 400};
}

static struct ledger_issue issue_of(const struct mint_quote *quote,
                                    const struct ledger_promise *output)
{
    return (struct ledger_issue){
        .quote = quote->id, .request = till_request(), .outputs = output, .output_count = 1};
}

static void refused(const struct ledger_issue *issue, enum fault_code code)
{
    struct fault fault = {0};
    assert_false(ledger_issue(till.ledger, issue, &fault));
    if (fault.code != code)
        fail_msg("%d %s", fault.code, fault.text);
}

static void test_states(void **state)
{
    struct arena arena = {0};
    struct fault fault;
    struct mint_quote found;
    const struct ledger_budgets none = {0};
    struct mint_quote quote = new_quote(8, MINT_UNPAID);
    (void)state;
    quote.is_locked = true;
    quote.key.at[0] = 2;
    struct ledger_promise output = till_promise(&till.promo, 8);
    struct ledger_issue issue = issue_of(&quote, &output);
    refused(&issue, FAULT_QUOTE_UNKNOWN);
    assert_false(ledger_mint_quote_find(till.ledger, &arena, &quote.id, &found, &fault));
    assert_int_equal(fault.code, FAULT_QUOTE_UNKNOWN);
    assert_true(ledger_mint_quote_add(till.ledger, &quote, &none, &fault));
    refused(&issue, FAULT_QUOTE_UNPAID);

    assert_true(ledger_mint_quote_find(till.ledger, &arena, &quote.id, &found, &fault));
    assert_string_equal(found.method, "grant");
    assert_string_equal(found.unit, "ccr-promo");
    assert_int_equal(found.amount, 8);
    assert_true(span_eq(found.request, quote.request));
    assert_true(found.is_locked);
    assert_memory_equal(&found.key, &quote.key, sizeof found.key);
    assert_int_equal(found.state, MINT_UNPAID);
    assert_int_equal(found.expiry, 500);
    assert_int_equal(found.created_at, 400);

    assert_false(ledger_mint_quote_pay(till.ledger, &quote.id, 501, &fault));
    assert_int_equal(fault.code, FAULT_QUOTE_EXPIRED);
    assert_true(ledger_mint_quote_pay(till.ledger, &quote.id, 500, &fault));
    assert_true(ledger_mint_quote_pay(till.ledger, &quote.id, 501, &fault)); /* it is so */
    struct uuid nobody = uuid_new();
    assert_false(ledger_mint_quote_pay(till.ledger, &nobody, 1, &fault));
    assert_int_equal(fault.code, FAULT_QUOTE_UNKNOWN);

    output.amount = 4;
    refused(&issue, FAULT_UNBALANCED);
    output = till_promise(&till.paid, 8);
    refused(&issue, FAULT_UNITS_DIFFER);
    output = till_promise(&till.promo, 8);
    assert_true(ledger_issue(till.ledger, &issue, &fault));
    assert_true(ledger_issue(till.ledger, &issue, &fault)); /* the same request */
    struct ledger_promise more = till_promise(&till.promo, 8);
    struct ledger_issue again = issue_of(&quote, &more);
    refused(&again, FAULT_QUOTE_ISSUED);
    assert_true(ledger_mint_quote_find(till.ledger, &arena, &quote.id, &found, &fault));
    assert_int_equal(found.state, MINT_ISSUED);
    arena_clear(&arena);
}

static void test_output_signed(void **state)
{
    struct fault fault;
    const struct ledger_budgets none = {0};
    struct mint_quote quotes[] = {new_quote(1, MINT_PAID), new_quote(1, MINT_PAID)};
    struct ledger_promise output = till_promise(&till.promo, 1);
    (void)state;
    assert_true(ledger_mint_quote_add(till.ledger, &quotes[0], &none, &fault));
    assert_true(ledger_mint_quote_add(till.ledger, &quotes[1], &none, &fault));
    struct ledger_issue issue = issue_of(&quotes[0], &output);
    assert_true(ledger_issue(till.ledger, &issue, &fault));
    issue = issue_of(&quotes[1], &output);
    refused(&issue, FAULT_OUTPUT_SIGNED);
    output = till_promise(&till.promo, 1);
    assert_true(ledger_issue(till.ledger, &issue, &fault)); /* the quote is still good */
}

static bool take(uint64_t amount, const char *name, uint64_t ceiling)
{
    struct fault fault = {0};
    const struct ledger_budget budget = {name, ceiling};
    const struct ledger_budgets budgets = {&budget, 1};
    struct mint_quote quote = new_quote(amount, MINT_PAID);
    bool is_done = ledger_mint_quote_add(till.ledger, &quote, &budgets, &fault);
    if (!is_done && fault.code != FAULT_AMOUNT_LIMIT)
        fail_msg("%s", fault.text);
    return is_done;
}

static void test_ceiling(void **state)
{
    (void)state;
    assert_true(take(60, "a", 100));
    assert_false(take(41, "a", 100));
    for (int i = 0; i < 40; i++) /* whatever row each comes upon */
        assert_true(take(1, "a", 100));
    assert_false(take(1, "a", 100));
    assert_true(take(1, "a", 101)); /* it was raised */
    assert_false(take(1, "a", 50)); /* it was lowered */
    assert_true(take(1, "a", 102));
    assert_true(take(100, "b", 100));
    assert_false(take(1, "c", 0));
    assert_int_equal(till_number(&till, "SELECT sum(used) FROM budget WHERE name = 'a'"), 102);
}

/* What one of several refuses is not taken from any. */
static void test_several(void **state)
{
    struct fault fault;
    const struct ledger_budget both[] = {{"z", 10}, {"y", 5}};
    const struct ledger_budget twice[] = {{"z", 10}, {"z", 10}};
    struct ledger_budgets budgets = {both, 2};
    struct mint_quote quote = new_quote(6, MINT_PAID);
    struct mint_quote found;
    struct arena arena = {0};
    (void)state;
    assert_false(ledger_mint_quote_add(till.ledger, &quote, &budgets, &fault));
    assert_int_equal(fault.code, FAULT_AMOUNT_LIMIT);
    assert_non_null(strstr(fault.text, "y: 0 of 5"));
    assert_false(ledger_mint_quote_find(till.ledger, &arena, &quote.id, &found, &fault));
    quote.amount = 5;
    assert_true(ledger_mint_quote_add(till.ledger, &quote, &budgets, &fault));
    assert_true(ledger_mint_quote_add(till.ledger, &quote, &budgets, &fault)); /* the same one */
    assert_int_equal(till_number(&till, "SELECT sum(used) FROM budget WHERE name = 'z'"), 5);
    budgets.at = twice;
    quote = new_quote(1, MINT_PAID);
    assert_false(ledger_mint_quote_add(till.ledger, &quote, &budgets, &fault));
    assert_int_equal(fault.code, FAULT_OURS);
    arena_clear(&arena);
}

enum { TAKERS = 16, TAKES = 20, CEILING = 200 };

static void *take_many(void *argument)
{
    int *taken = argument;
    for (int i = 0; i < TAKES; i++)
        *taken += take(1, "rush", CEILING);
    return NULL;
}

/* Everybody at once: all of it goes, and no more. */
static void test_rush(void **state)
{
    pthread_t threads[TAKERS];
    int taken[TAKERS] = {0};
    int sum = 0;
    (void)state;
    for (int i = 0; i < TAKERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_many, &taken[i]), 0);
    for (int i = 0; i < TAKERS; i++) {
        pthread_join(threads[i], NULL);
        sum += taken[i];
    }
    assert_int_equal(sum, CEILING);
}

static void test_amounts(void **state)
{
    struct fault fault;
    const struct ledger_budgets none = {0};
    struct mint_quote quote = new_quote(0, MINT_PAID);
    (void)state;
    assert_false(ledger_mint_quote_add(till.ledger, &quote, &none, &fault));
    assert_int_equal(fault.code, FAULT_AMOUNT_LIMIT);
    quote.amount = (uint64_t)1 << 62;
    assert_false(ledger_mint_quote_add(till.ledger, &quote, &none, &fault));
    quote.amount = 1;
    quote.state = MINT_ISSUED;
    assert_false(ledger_mint_quote_add(till.ledger, &quote, &none, &fault));
    assert_int_equal(fault.code, FAULT_OURS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_states),  cmocka_unit_test(test_output_signed),
        cmocka_unit_test(test_ceiling), cmocka_unit_test(test_several),
        cmocka_unit_test(test_rush),    cmocka_unit_test(test_amounts),
    };
    return cmocka_run_group_tests(tests, open_till, close_till);
}
