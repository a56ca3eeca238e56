/* Credit that is held, kept and given back, on a real PostgreSQL. */
#include "gpu/ledger_melt.h"

#include <stdio.h>

#include "shared/arena.h"
#include "tests/test.h"
#include "tests/till.h"

static struct till till;

static int open_till(void **state)
{
    (void)state;
    till_open(&till, 2);
    till_issue(&till, &till.paid, 10000);
    return 0;
}

/* Whatever a test did, the tables agree. */
static int audit(void **state)
{
    char difference[TILL_DIFFERENCES_SIZE];
    (void)state;
    till_audit(&till, difference);
    assert_string_equal(difference, "");
    return 0;
}

static int close_till(void **state)
{
    (void)state;
    till_close(&till);
    return 0;
}

struct melting {
    struct melt_quote quote;
    struct ledger_proof inputs[2];
    struct ledger_blank blanks[3];
    struct ledger_hold hold;
};

/* A quote of 100 + 28, and 128 to hold for it. */
static void prepare(struct melting *melting)
{
    *melting = (struct melting){.quote = till_melt_quote(&till, "ccr", 100, 28),
                                .inputs = {till_proof(&till.paid, 64), till_proof(&till.paid, 64)}};
    for (int i = 0; i < 3; i++)
        melting->blanks[i] =
            (struct ledger_blank){till_promise(&till.paid, 1).message, till.paid.number};
    melting->hold = (struct ledger_hold){.quote = melting->quote.id,
                                         .request = till_request(),
                                         .inputs = melting->inputs,
                                         .input_count = 2,
                                         .blanks = melting->blanks,
                                         .blank_count = 3,
                                         .now = 10};
}

static void held(const struct melting *melting)
{
    struct fault fault = {0};
    if (!till_hold(till.ledger, &melting->hold, &fault))
        fail_msg("%d %s", fault.code, fault.text);
}

static void refused(const struct melting *melting, enum fault_code code)
{
    struct fault fault = {0};
    assert_false(till_hold(till.ledger, &melting->hold, &fault));
    if (fault.code != code)
        fail_msg("%d %s", fault.code, fault.text);
}

static struct melt_quote find(const struct melting *melting)
{
    struct fault fault;
    struct arena arena = {0};
    struct melt_quote quote;
    assert_true(ledger_melt_quote_find(till.ledger, &arena, &melting->quote.id, &quote, &fault));
    arena_clear(&arena);
    return quote;
}

static enum ledger_state state_of(const struct ledger_proof *proof)
{
    struct arena arena = {0};
    struct fault fault;
    const struct ledger_seen *seen;
    assert_true(ledger_states(till.ledger, &arena, &proof->y, 1, &seen, &fault));
    enum ledger_state state = seen->state;
    arena_clear(&arena);
    return state;
}

static struct ledger_promise change_on(const struct ledger_blank *blank, uint64_t amount)
{
    struct ledger_promise promise = till_promise(&till.paid, amount);
    promise.message = blank->message;
    return promise;
}

static void test_settle(void **state)
{
    struct melting melting;
    struct arena arena = {0};
    struct fault fault;
    (void)state;
    prepare(&melting);
    held(&melting);
    assert_int_equal(find(&melting).state, MELT_PENDING);
    assert_int_equal(find(&melting).held, 128);
    assert_int_equal(state_of(&melting.inputs[0]), LEDGER_PENDING);
    held(&melting); /* the same request */

    struct ledger_promise change[] = {change_on(&melting.blanks[2], 16),
                                      change_on(&melting.blanks[0], 2)};
    struct ledger_settlement settlement = {.quote = melting.quote.id,
                                           .cost = 110,
                                           .change = change,
                                           .change_count = 2,
                                           .proof = SPAN("receipt")};
    assert_true(till_settle(till.ledger, &settlement, &fault));
    assert_true(till_settle(till.ledger, &settlement, &fault)); /* it is so */
    assert_int_equal(find(&melting).state, MELT_PAID);
    assert_int_equal(find(&melting).cost, 110);
    assert_int_equal(state_of(&melting.inputs[0]), LEDGER_SPENT);
    assert_int_equal(state_of(&melting.inputs[1]), LEDGER_SPENT);

    const struct ledger_promise *told;
    uint32_t count;
    assert_true(ledger_change(till.ledger, &arena, &melting.quote.id, &told, &count, &fault));
    assert_int_equal(count, 2);
    assert_memory_equal(&told[0].message, &melting.blanks[0].message, sizeof told->message);
    assert_int_equal(told[0].amount, 2);
    assert_int_equal(told[1].amount, 16);
    assert_memory_equal(&told[1].signature, &change[0].signature, sizeof told->signature);
    struct melt_quote quote;
    assert_true(ledger_melt_quote_find(till.ledger, &arena, &melting.quote.id, &quote, &fault));
    assert_true(span_eq(quote.proof, SPAN("receipt")));
    assert_true(span_eq(quote.request, SPAN("a job")));
    arena_clear(&arena);

    assert_false(till_cancel(till.ledger, &melting.quote.id, &fault));
    assert_int_equal(fault.code, FAULT_QUOTE_PAID);
    melting.hold.request = till_request();
    refused(&melting, FAULT_QUOTE_PAID);

    /* the third blank is free again, the first is not */
    struct ledger_proof input = till_proof(&till.paid, 4);
    struct ledger_promise output = change_on(&melting.blanks[0], 4);
    struct ledger_swap swap = till_swap(&input, &output);
    assert_false(ledger_swap(till.ledger, &swap, &fault));
    assert_int_equal(fault.code, FAULT_OUTPUT_SIGNED);
    output.message = melting.blanks[1].message;
    assert_true(ledger_swap(till.ledger, &swap, &fault));
}

static void test_cancel(void **state)
{
    struct melting melting;
    struct fault fault;
    (void)state;
    prepare(&melting);
    for (int i = 0; i < 3; i++) { /* again and again: each attempt is one of its own */
        held(&melting);
        struct ledger_promise output = till_promise(&till.paid, 64);
        struct ledger_swap swap = till_swap(&melting.inputs[0], &output);
        assert_false(ledger_swap(till.ledger, &swap, &fault));
        assert_int_equal(fault.code, FAULT_PROOF_PENDING);
        assert_true(till_cancel(till.ledger, &melting.quote.id, &fault));
        assert_true(till_cancel(till.ledger, &melting.quote.id, &fault));
        assert_int_equal(find(&melting).state, MELT_UNPAID);
        assert_int_equal(find(&melting).held, 0);
        assert_int_equal(state_of(&melting.inputs[0]), LEDGER_UNSPENT);
    }
    const struct ledger_settlement settlement = {.quote = melting.quote.id, .cost = 1};
    assert_false(till_settle(till.ledger, &settlement, &fault));
    assert_int_equal(fault.code, FAULT_QUOTE_UNPAID);
    struct ledger_promise output = till_promise(&till.paid, 64);
    struct ledger_swap swap = till_swap(&melting.inputs[0], &output);
    assert_true(ledger_swap(till.ledger, &swap, &fault));
    refused(&melting, FAULT_PROOF_SPENT);
    assert_int_equal(state_of(&melting.inputs[1]), LEDGER_UNSPENT);
}

static void test_refused(void **state)
{
    struct melting melting, other;
    struct fault fault;
    (void)state;
    prepare(&melting);
    melting.hold.input_count = 1;
    refused(&melting, FAULT_UNBALANCED);
    melting.hold.input_count = 2;
    melting.blanks[1].message = melting.blanks[0].message;
    refused(&melting, FAULT_OUTPUT_TWICE);
    melting.hold.blank_count = LEDGER_BLANKS_MAX + 1;
    refused(&melting, FAULT_OUTPUTS_MAX);
    melting.hold.blank_count = 1;
    melting.blanks[0].keyset = till.promo.number;
    refused(&melting, FAULT_UNITS_DIFFER);
    melting.blanks[0].keyset = till.paid.number;
    melting.inputs[1].keyset = till.promo.number;
    refused(&melting, FAULT_UNITS_DIFFER);
    melting.inputs[1].keyset = till.paid.number;
    melting.hold.quote = uuid_new();
    refused(&melting, FAULT_QUOTE_UNKNOWN);
    melting.hold.quote = melting.quote.id;
    held(&melting);

    melting.hold.request = till_request();
    refused(&melting, FAULT_QUOTE_PENDING);
    prepare(&other);
    other.inputs[1] = melting.inputs[0];
    refused(&other, FAULT_PROOF_PENDING);
    other.inputs[1] = till_proof(&till.paid, 64);
    other.blanks[0] = melting.blanks[0];
    refused(&other, FAULT_OUTPUT_PENDING);
    assert_true(till_cancel(till.ledger, &melting.quote.id, &fault));
    held(&other);
    assert_true(till_cancel(till.ledger, &other.quote.id, &fault));
}

static void test_settlements_refused(void **state)
{
    struct melting melting;
    struct fault fault;
    (void)state;
    prepare(&melting);
    melting.hold.blank_count = 2;
    held(&melting);
    struct ledger_promise change = change_on(&melting.blanks[0], 29);
    struct ledger_settlement settlement = {
        .quote = melting.quote.id, .cost = 129, .change = &change};
    assert_false(till_settle(till.ledger, &settlement, &fault)); /* more than was held */
    assert_int_equal(fault.code, FAULT_UNBALANCED);
    settlement.cost = 100;
    settlement.change_count = 1;
    assert_false(till_settle(till.ledger, &settlement, &fault)); /* 100 + 29 */
    assert_int_equal(fault.code, FAULT_UNBALANCED);
    change = change_on(&melting.blanks[2], 28);
    assert_false(till_settle(till.ledger, &settlement, &fault)); /* no blank of this quote */
    assert_int_equal(fault.code, FAULT_OURS);
    change = change_on(&melting.blanks[1], 28);
    change.keyset = till.promo.number;
    assert_false(till_settle(till.ledger, &settlement, &fault));
    assert_int_equal(find(&melting).state, MELT_PENDING);
    change.keyset = till.paid.number;
    assert_true(till_settle(till.ledger, &settlement, &fault));
}

static void test_expiry(void **state)
{
    struct melting melting;
    (void)state;
    prepare(&melting);
    till_sql(&till, "UPDATE melt_quote SET expiry = 9 WHERE state = 0");
    refused(&melting, FAULT_QUOTE_EXPIRED);
    melting.hold.now = 9;
    held(&melting);
}

/* Blanks may be of the keyset that was active when the quote was given. */
static void test_rotation(void **state)
{
    struct melting melting;
    struct fault fault;
    struct ledger_keyset next = {.unit = "ccr", .index = 1};
    (void)state;
    prepare(&melting);
    next.id.at[0] = 77;
    assert_true(ledger_keyset_add(till.ledger, &next, &fault));
    held(&melting);
    struct ledger_promise change = change_on(&melting.blanks[0], 8);
    const struct ledger_settlement settlement = {
        .quote = melting.quote.id, .cost = 120, .change = &change, .change_count = 1};
    assert_true(till_settle(till.ledger, &settlement, &fault));
    prepare(&melting);
    till_sql(&till, "UPDATE melt_quote SET created_at = 1 + extract(epoch FROM now())::int8"
                    " WHERE state = 0");
    till_sql(&till, "UPDATE keyset SET retired_at = retired_at - 1 WHERE NOT active");
    refused(&melting, FAULT_KEYSET_INACTIVE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_settle, audit),
        cmocka_unit_test_teardown(test_cancel, audit),
        cmocka_unit_test_teardown(test_refused, audit),
        cmocka_unit_test_teardown(test_settlements_refused, audit),
        cmocka_unit_test_teardown(test_expiry, audit),
        cmocka_unit_test_teardown(test_rotation, audit),
    };
    return cmocka_run_group_tests(tests, open_till, close_till);
}
