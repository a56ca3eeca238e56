/* A list as one changes it: what an event says of it, what is refused, and long lists. */
#include "client/roll.h"

#include "client/node.h"
#include "client/position.h"
#include "client/state.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/text.h"
#include "tests/test.h"

struct fixture {
    struct state state;
    struct arena arena;
    struct node node;
    struct op *ops;
    size_t op_count;
};

static struct roll *open_list(struct fixture *fixture)
{
    const struct roll_ops ops = {&fixture->ops, &fixture->op_count};
    fixture->ops = NULL;
    fixture->op_count = 0;
    return roll_new(&fixture->arena, ops, &fixture->state, SPAN("l"), 7);
}

/* The event counts. */
static void apply(struct fixture *fixture)
{
    const struct op_list ops = {fixture->ops, (uint32_t)fixture->op_count};
    fixture->node.hlc++;
    fixture->node.id.at[0]++;
    if (fixture->node.id.at[0] == 0)
        fixture->node.id.at[1]++;
    state_apply(&fixture->state, &fixture->node, &ops);
}

static void expect_values(struct fixture *fixture, const char *wanted)
{
    struct arena arena = {0};
    struct text got = {0};
    size_t count;
    const struct state_element **items = state_elements(&fixture->state, &arena, SPAN("l"), &count);
    for (size_t i = 0; i < count; i++)
        text_add(&got, items[i]->value);
    text_add(&got, SPAN("\0"));
    assert_string_equal(got.at, wanted);
    text_clear(&got);
    arena_clear(&arena);
}

static void clear(struct fixture *fixture)
{
    state_clear(&fixture->state);
    arena_clear(&fixture->arena);
}

static void test_changes(void **state)
{
    struct fixture fixture = {0};
    struct roll *roll = open_list(&fixture);
    (void)state;
    assert_true(roll_insert(roll, 0, SPAN("2"), NULL));
    assert_true(roll_insert(roll, 0, SPAN("1"), NULL));
    assert_true(roll_insert(roll, 2, SPAN("3"), NULL));
    assert_true(roll_move(roll, 0, 2, NULL)); /* what came just now begins elsewhere */
    assert_int_equal(fixture.op_count, 3);
    apply(&fixture);
    expect_values(&fixture, "231");

    roll = open_list(&fixture);
    assert_true(roll_move(roll, 2, 0, NULL));
    assert_true(roll_remove(roll, 1, NULL));
    assert_true(roll_insert(roll, 1, SPAN("4"), NULL));
    assert_int_equal(fixture.op_count, 3);
    assert_int_equal(fixture.ops[0].type, OP_MOVE);
    assert_int_equal(fixture.ops[1].type, OP_REM);
    assert_int_equal(fixture.ops[2].type, OP_ADD);
    apply(&fixture);
    expect_values(&fixture, "143");
    clear(&fixture);
}

static void test_refusals(void **state)
{
    struct fixture fixture = {0};
    struct roll *roll = open_list(&fixture);
    struct err err;
    (void)state;
    assert_false(roll_insert(roll, 1, SPAN("1"), &err));
    assert_string_equal(err.text, "no place 2 in l, which has 0");
    assert_true(roll_insert(roll, 0, SPAN("1"), NULL));
    assert_false(roll_move(roll, 0, 1, &err));
    assert_false(roll_move(roll, 1, 0, &err));
    assert_false(roll_remove(roll, 1, &err));
    assert_false(roll_remove(roll, 0, &err));
    assert_string_equal(err.text, "place 1 in l came in this very change");
    while (fixture.op_count < OP_COUNT_MAX)
        assert_true(roll_insert(roll, 0, SPAN("1"), NULL));
    assert_false(roll_insert(roll, 0, SPAN("1"), &err));
    assert_string_equal(err.text, "over 999 changes at once");
    clear(&fixture);
}

/* A set by the same name is another thing. */
static void test_set(void **state)
{
    struct fixture fixture = {0};
    (void)state;
    open_list(&fixture);
    fixture.ops = arena_grow(&fixture.arena, struct op, NULL, 0);
    fixture.ops[fixture.op_count++] =
        (struct op){.type = OP_ADD, .key = SPAN("l"), .value = SPAN("9")};
    apply(&fixture);
    assert_int_equal(open_list(&fixture)->count, 0);
    clear(&fixture);
}

/* Again and again in one place, where no words are left sooner or later: those around move. */
static void test_crowd(void **state)
{
    struct fixture fixture = {0};
    size_t most = 0;
    (void)state;
    for (int i = 0; i < 1500; i++) {
        struct roll *roll = open_list(&fixture);
        assert_true(roll_insert(roll, roll->count / 2, SPAN("1"), NULL));
        most = fixture.op_count > most ? fixture.op_count : most;
        apply(&fixture);
    }
    assert_true(most > 1 && most <= 401);
    clear(&fixture);
}

/* One after the other, in either direction: the words stay short for long. */
static void test_queue(void **state)
{
    (void)state;
    for (int is_front = 0; is_front < 2; is_front++) {
        struct fixture fixture = {0};
        for (int i = 0; i < 1000; i++) {
            struct roll *roll = open_list(&fixture);
            assert_true(roll_insert(roll, is_front ? 0 : roll->count, SPAN("1"), NULL));
            assert_int_equal(fixture.op_count, 1);
            assert_true(fixture.ops[0].position.len < POSITION_CHARS_MAX / 2);
            apply(&fixture);
        }
        clear(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_changes),
                                       cmocka_unit_test(test_refusals), cmocka_unit_test(test_set),
                                       cmocka_unit_test(test_crowd), cmocka_unit_test(test_queue)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
