/* The ledger on a real PostgreSQL: keysets, swaps, what wallets ask, and what is refused. */
#include "gpu/ledger.h"

#include <stdio.h>

#include "shared/arena.h"
#include "tests/test.h"
#include "tests/till.h"

static struct till till;

static int open_till(void **state)
{
    (void)state;
    till_open(&till, 2);
    till_issue(&till, &till.promo, 1 << 20);
    till_issue(&till, &till.paid, 1 << 20);
    return 0;
}

static int close_till(void **state)
{
    (void)state;
    till_close(&till);
    return 0;
}

static void refused(const struct ledger_swap *swap, enum fault_code code)
{
    struct fault fault = {0};
    assert_false(ledger_swap(till.ledger, swap, &fault));
    assert_int_equal(fault.code, code);
    assert_true(fault.text[0] != '\0');
}

static void accepted(const struct ledger_swap *swap)
{
    struct fault fault = {0};
    if (!ledger_swap(till.ledger, swap, &fault))
        fail_msg("%d %s", fault.code, fault.text);
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

static void test_swap_once(void **state)
{
    (void)state;
    struct ledger_proof input = till_proof(&till.promo, 8);
    struct ledger_promise outputs[] = {till_promise(&till.promo, 4), till_promise(&till.promo, 4)};
    struct ledger_swap swap = till_swap(&input, outputs);
    swap.output_count = 2;
    assert_int_equal(state_of(&input), LEDGER_UNSPENT);
    accepted(&swap);
    assert_int_equal(state_of(&input), LEDGER_SPENT);

    struct ledger_promise other = till_promise(&till.promo, 8);
    struct ledger_swap second = till_swap(&input, &other);
    refused(&second, FAULT_PROOF_SPENT);
    int64_t entries = till_number(&till, "SELECT count(*) FROM entry");
    accepted(&swap); /* the same request is no second spending */
    assert_int_equal(till_number(&till, "SELECT count(*) FROM entry"), entries);
}

/* A request's hash says nothing by itself: other inputs under it are another swap. */
static void test_hash_of_another(void **state)
{
    (void)state;
    struct ledger_proof one = till_proof(&till.promo, 2);
    struct ledger_proof other = till_proof(&till.promo, 2);
    struct ledger_promise first = till_promise(&till.promo, 2);
    struct ledger_promise second = till_promise(&till.promo, 2);
    struct ledger_swap swap = till_swap(&one, &first);
    struct ledger_swap forged = till_swap(&other, &second);
    accepted(&swap);
    forged.request = swap.request;
    refused(&forged, FAULT_OURS);
    assert_int_equal(state_of(&other), LEDGER_UNSPENT);
    forged = till_swap(&one, &second);
    forged.request = swap.request;
    refused(&forged, FAULT_PROOF_SPENT);
}

static void test_outputs_once(void **state)
{
    (void)state;
    struct ledger_proof inputs[] = {till_proof(&till.promo, 4), till_proof(&till.promo, 4)};
    struct ledger_promise output = till_promise(&till.promo, 4);
    struct ledger_swap first = till_swap(&inputs[0], &output);
    struct ledger_swap second = till_swap(&inputs[1], &output);
    accepted(&first);
    refused(&second, FAULT_OUTPUT_SIGNED);
    assert_int_equal(state_of(&inputs[1]), LEDGER_UNSPENT); /* undone with it */
}

static void test_amounts(void **state)
{
    (void)state;
    struct ledger_proof inputs[] = {till_proof(&till.promo, 4), till_proof(&till.promo, 4)};
    struct ledger_promise outputs[] = {till_promise(&till.promo, 4), till_promise(&till.promo, 2)};
    struct ledger_swap swap = till_swap(inputs, outputs);
    swap.input_count = swap.output_count = 2;
    refused(&swap, FAULT_UNBALANCED);
    outputs[1].amount = 8;
    refused(&swap, FAULT_UNBALANCED);
    outputs[1].amount = 0;
    refused(&swap, FAULT_AMOUNT_LIMIT);
    outputs[1].amount = UINT64_MAX - 3; /* 4 more is 0 */
    refused(&swap, FAULT_AMOUNT_LIMIT);
    outputs[1].amount = (uint64_t)1 << 62;
    refused(&swap, FAULT_AMOUNT_LIMIT);
    outputs[1].amount = 4;
    swap.output_count = 0;
    refused(&swap, FAULT_UNBALANCED);
    swap.output_count = 2;
    swap.input_count = 0;
    refused(&swap, FAULT_UNBALANCED);
    swap.input_count = 2;
    inputs[1].y = inputs[0].y;
    refused(&swap, FAULT_INPUT_TWICE);
    inputs[1] = till_proof(&till.promo, 4);
    outputs[1].message = outputs[0].message;
    refused(&swap, FAULT_OUTPUT_TWICE);
    outputs[1] = till_promise(&till.promo, 4);
    accepted(&swap);
}

static void test_lists(void **state)
{
    static struct ledger_proof inputs[LEDGER_LIST_MAX + 1];
    static struct ledger_promise outputs[LEDGER_LIST_MAX + 1];
    (void)state;
    for (int i = 0; i <= LEDGER_LIST_MAX; i++) {
        inputs[i] = till_proof(&till.promo, 1);
        outputs[i] = till_promise(&till.promo, 1);
    }
    struct ledger_swap swap = till_swap(inputs, outputs);
    swap.input_count = LEDGER_LIST_MAX + 1;
    refused(&swap, FAULT_INPUTS_MAX);
    swap.input_count = LEDGER_LIST_MAX;
    swap.output_count = LEDGER_LIST_MAX + 1;
    refused(&swap, FAULT_OUTPUTS_MAX);
    swap.output_count = LEDGER_LIST_MAX;
    accepted(&swap);
}

static void test_units(void **state)
{
    (void)state;
    struct ledger_proof inputs[] = {till_proof(&till.promo, 4), till_proof(&till.paid, 4)};
    struct ledger_promise output = till_promise(&till.paid, 4);
    struct ledger_swap swap = till_swap(&inputs[0], &output);
    refused(&swap, FAULT_UNITS_MANY); /* promo is never paid credit */
    swap.input_count = 2;
    output.amount = 8;
    refused(&swap, FAULT_UNITS_MANY);
    output = till_promise(&till.promo, 4);
    output.keyset = 99;
    swap.input_count = 1;
    refused(&swap, FAULT_KEYSET_UNKNOWN);
}

static void test_rotation(void **state)
{
    (void)state;
    struct fault fault;
    struct arena arena = {0};
    struct ledger_keyset next = {.unit = "gone", .index = 1, .input_fee_ppk = 300};
    next.id.at[0] = 1;
    assert_false(ledger_keyset_add(till.ledger, &next, &fault));
    assert_int_equal(fault.code, FAULT_KEYSET_INACTIVE);
    next.index = 0;
    assert_true(ledger_keyset_add(till.ledger, &next, &fault));
    assert_true(next.is_active);
    struct ledger_keyset again = next;
    again.number = 0;
    assert_true(ledger_keyset_add(till.ledger, &again, &fault));
    assert_int_equal(again.number, next.number);
    till_issue(&till, &next, 1 << 10);

    struct ledger_keyset later = {.unit = "gone", .index = 1, .final_expiry = 1000};
    later.id.at[0] = 2;
    assert_true(ledger_keyset_add(till.ledger, &later, &fault));
    assert_true(ledger_keyset_add(till.ledger, &again, &fault));
    assert_false(again.is_active);

    const struct ledger_keyset *all;
    uint32_t count;
    assert_true(ledger_keysets(till.ledger, &arena, &all, &count, &fault));
    assert_int_equal(count, 4);
    assert_string_equal(all[2].unit, "gone");
    assert_false(all[2].is_active);
    assert_true(all[3].is_active);
    assert_int_equal(all[2].input_fee_ppk, 300);
    assert_int_equal(all[3].final_expiry, 1000);
    assert_memory_equal(&all[3].id, &later.id, sizeof later.id);
    arena_clear(&arena);

    /* the old one is taken, at a fee, and signs no more; the new one only until it expires */
    struct ledger_proof inputs[] = {till_proof(&next, 4), till_proof(&next, 4)};
    struct ledger_promise old = till_promise(&next, 7);
    struct ledger_promise new = till_promise(&later, 8);
    struct ledger_swap swap = till_swap(inputs, &old);
    swap.input_count = 2;
    refused(&swap, FAULT_KEYSET_INACTIVE);
    swap.outputs = &new;
    refused(&swap, FAULT_UNBALANCED);
    new.amount = 7; /* 2 x 0.3, rounded up */
    swap.now = 1000;
    refused(&swap, FAULT_KEYSET_EXPIRED);
    swap.now = 999;
    accepted(&swap);
}

static void test_restore(void **state)
{
    (void)state;
    struct fault fault;
    struct arena arena = {0};
    struct ledger_proof input = till_proof(&till.promo, 4);
    struct ledger_promise output = till_promise(&till.promo, 4);
    struct ledger_swap swap = till_swap(&input, &output);
    input.witness = SPAN("{\"signatures\":[]}");
    accepted(&swap);

    struct bytes33 messages[] = {till_promise(&till.promo, 1).message, output.message};
    struct ledger_found found;
    assert_true(ledger_restore(till.ledger, &arena, messages, 2, &found, &fault));
    assert_int_equal(found.count, 1);
    assert_memory_equal(&found.promises->message, &output.message, sizeof output.message);
    assert_memory_equal(&found.promises->signature, &output.signature, sizeof output.signature);
    assert_memory_equal(&found.promises->dleq, &output.dleq, sizeof output.dleq);
    assert_int_equal(found.promises->amount, 4);
    assert_int_equal(found.promises->keyset, till.promo.number);

    struct bytes33 ys[] = {till_proof(&till.promo, 1).y, input.y};
    const struct ledger_seen *seen;
    assert_true(ledger_states(till.ledger, &arena, ys, 2, &seen, &fault));
    assert_int_equal(seen[0].state, LEDGER_UNSPENT);
    assert_null(seen[0].witness.at);
    assert_int_equal(seen[1].state, LEDGER_SPENT);
    assert_true(span_eq(seen[1].witness, input.witness));
    assert_true(ledger_restore(till.ledger, &arena, messages, 0, &found, &fault));
    assert_int_equal(found.count, 0);
    assert_false(ledger_restore(till.ledger, &arena, messages, 1001, &found, &fault));
    assert_int_equal(fault.code, FAULT_OUTPUTS_MAX);
    assert_false(ledger_states(till.ledger, &arena, ys, 1001, &seen, &fault));
    assert_int_equal(fault.code, FAULT_INPUTS_MAX);
    arena_clear(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_swap_once),    cmocka_unit_test(test_hash_of_another),
        cmocka_unit_test(test_outputs_once), cmocka_unit_test(test_amounts),
        cmocka_unit_test(test_lists),        cmocka_unit_test(test_units),
        cmocka_unit_test(test_rotation),     cmocka_unit_test(test_restore),
    };
    return cmocka_run_group_tests(tests, open_till, close_till);
}
