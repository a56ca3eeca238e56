/* What a node had best hold, and when it goes over to that. */
#include "gpu/allocation.h"
#include "tests/test.h"

enum { LAYERS = 12, TURN_MS = 1000 };

static struct bytes32 key_of(uint8_t number)
{
    return (struct bytes32){{number}};
}

/* A node that chooses, of capacity 4. */
static struct allocation_node node_of(uint8_t number, uint32_t first, uint32_t end, uint32_t room)
{
    return (struct allocation_node){key_of(number), first, end, room, 4, 0};
}

static struct allocation_choice choose(uint8_t self, struct allocation_range held, uint32_t room,
                                       const struct allocation_node *nodes, uint32_t count)
{
    const struct allocation_model model = {LAYERS, room, nodes, count};
    const struct allocation_facts facts = {&model, 1, key_of(self), 4, 0, held, true};
    struct allocation_choice choice;
    allocation_choose(&choice, &facts);
    return choice;
}

static void expect(const struct allocation_choice *choice, uint32_t first, uint32_t end,
                   bool is_move)
{
    assert_int_equal(choice->range.first, first);
    assert_int_equal(choice->range.end, end);
    assert_int_equal(choice->is_move, is_move);
    assert_true(choice->why[0] != '\0');
}

static void test_alone(void **state)
{
    (void)state;
    const struct allocation_range none = {0};
    struct allocation_choice choice = choose(1, none, LAYERS, NULL, 0);
    expect(&choice, 0, LAYERS, true);
    assert_string_equal(choice.why, "12 of 12 layers are held by nobody else, from 0");
    choice = choose(1, none, 5, NULL, 0);
    expect(&choice, 0, 5, true);
    choice = choose(1, (struct allocation_range){0, 0, 5}, 5, NULL, 0);
    expect(&choice, 0, 5, false);
    choice = choose(1, none, 0, NULL, 0);
    expect(&choice, 0, 0, false);
    assert_string_equal(choice.why, "nothing that it may hold fits");
}

static void test_thirds(void **state)
{
    (void)state;
    const struct allocation_node halves[] = {node_of(1, 0, 6, 7), node_of(2, 6, 12, 7)};
    const struct allocation_node after[] = {node_of(1, 0, 6, 7), node_of(3, 8, 12, 7)};
    const struct allocation_node last[] = {node_of(2, 4, 8, 7), node_of(3, 8, 12, 7)};
    /* Who comes takes the end; the one in the middle goes next, as it leaves no gap. */
    struct allocation_choice choice = choose(3, (struct allocation_range){0}, 7, halves, 2);
    expect(&choice, 8, 12, true);
    choice = choose(2, (struct allocation_range){0, 6, 12}, 7, after, 2);
    expect(&choice, 4, 8, true);
    assert_int_equal(choice.rank, 0);
    const struct allocation_node first_view[] = {node_of(2, 6, 12, 7), node_of(3, 8, 12, 7)};
    choice = choose(1, (struct allocation_range){0, 0, 6}, 7, first_view, 2);
    expect(&choice, 0, 4, true);
    assert_int_equal(choice.rank, 1);
    choice = choose(1, (struct allocation_range){0, 0, 6}, 7, last, 2);
    expect(&choice, 0, 4, true);
    assert_int_equal(choice.rank, 0);
}

static void test_one_dies(void **state)
{
    (void)state;
    const struct allocation_node right = node_of(3, 8, 12, 7), left = node_of(1, 0, 4, 7);
    struct allocation_choice choice = choose(1, (struct allocation_range){0, 0, 4}, 7, &right, 1);
    expect(&choice, 0, 6, true);
    assert_string_equal(choice.why, "4 of 12 layers are held by nobody else, from 4");
    choice = choose(3, (struct allocation_range){0, 8, 12}, 7, &left, 1);
    expect(&choice, 6, 12, true);
}

/* Where too few are left, they hold what they have room for; who stays as it is counts as that. */
static void test_too_few(void **state)
{
    (void)state;
    const struct allocation_node other = node_of(2, 0, 5, 5), fixed = node_of(2, 0, 8, 0);
    struct allocation_choice choice = choose(1, (struct allocation_range){0}, 5, &other, 1);
    expect(&choice, 5, 10, true);
    choice = choose(1, (struct allocation_range){0}, 5, &fixed, 1);
    expect(&choice, 7, 12, true);
}

static void test_no_better(void **state)
{
    (void)state;
    const struct allocation_node other = node_of(2, 5, 12, 8);
    struct allocation_choice choice = choose(1, (struct allocation_range){0, 0, 5}, 8, &other, 1);
    expect(&choice, 0, 5, false); /* halves would be had 8 times, not 6.9 */
    assert_string_equal(choice.why, "nothing better by a quarter");
}

static void test_models(void **state)
{
    (void)state;
    struct allocation_node cold[] = {node_of(2, 0, 4, 4)}, hot[] = {node_of(3, 0, 6, 6)};
    const struct allocation_model models[] = {{4, 4, cold, 1}, {6, 6, hot, 1}, {9, 0, NULL, 0}};
    struct allocation_facts facts = {models, ARRAY_LEN(models), key_of(1), 4, 0, {0, 0, 4}, true};
    struct allocation_choice choice;
    allocation_choose(&choice, &facts);
    expect(&choice, 0, 4, false);
    hot->busy = 40;
    allocation_choose(&choice, &facts);
    assert_int_equal(choice.range.model, 1);
    expect(&choice, 0, 6, true);
    assert_int_equal(choice.rank, 0);
    assert_string_equal(choice.why, "another model is wanted 10.0 times as much as it is had");
    facts.self = key_of(9); /* who goes over after who is before it */
    allocation_choose(&choice, &facts);
    assert_int_equal(choice.rank, 1);
    facts.busy = 1; /* asked for, and the last that has it */
    struct allocation_model alone[] = {models[0], models[1]};
    alone[0].count = 0;
    facts.models = alone;
    facts.model_count = 2;
    allocation_choose(&choice, &facts);
    expect(&choice, 0, 4, false);
    facts.may_run = false;
    allocation_choose(&choice, &facts);
    expect(&choice, 0, 0, true);
    assert_string_equal(choice.why, "these are not its hours");
}

static void test_turns(void **state)
{
    (void)state;
    const struct allocation_model model = {LAYERS, 6, NULL, 0};
    struct allocation_facts facts = {&model, 1, key_of(1), 4, 0, {0}, true};
    struct allocation_choice choice = {.is_move = true, .rank = 2};
    struct allocation_turn turn = {0};
    assert_true(allocation_is_due(&turn, &choice, &facts, TURN_MS, 50)); /* it holds nothing */
    facts.held.end = 4;
    turn = (struct allocation_turn){0};
    assert_false(allocation_is_due(&turn, &choice, &facts, TURN_MS, 50));
    assert_false(allocation_is_due(&turn, &choice, &facts, TURN_MS, 50 + 3 * TURN_MS - 1));
    assert_true(allocation_is_due(&turn, &choice, &facts, TURN_MS, 50 + 3 * TURN_MS));
    choice.is_move = false; /* what is no longer wanted is wanted anew */
    assert_false(allocation_is_due(&turn, &choice, &facts, TURN_MS, 5000));
    choice = (struct allocation_choice){.is_move = true};
    assert_false(allocation_is_due(&turn, &choice, &facts, TURN_MS, 6000));
    assert_true(allocation_is_due(&turn, &choice, &facts, TURN_MS, 7000));
    facts.may_run = false;
    turn = (struct allocation_turn){0};
    assert_true(allocation_is_due(&turn, &choice, &facts, TURN_MS, 8000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alone),     cmocka_unit_test(test_thirds),
        cmocka_unit_test(test_one_dies),  cmocka_unit_test(test_too_few),
        cmocka_unit_test(test_no_better), cmocka_unit_test(test_models),
        cmocka_unit_test(test_turns)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
