/* JSON as a tree: what it holds, what is asked of it, what is refused. */
#include "gpu/tree.h"

#include "shared/arena.h"
#include "shared/err.h"
#include "shared/scan.h"
#include "shared/text.h"
#include "tests/quoted.h"
#include "tests/test.h"

static const struct tree *parse(struct arena *arena, const char *json)
{
    const struct tree *tree;
    struct err err = {0};
    if (!tree_parse(&tree, arena, quoted(arena, json), &err))
        fail_msg("%s: %s", json, err.text);
    return tree;
}

static void test_types(void **state)
{
    struct arena arena = {0};
    (void)state;
    const struct tree *tree =
        parse(&arena, " {'a':[1,[],{'b':'x\\n'},true,null],'c':-1.5e1, 'd':{}}");
    const struct tree *list = tree_as(tree_get(tree, "a"), TREE_ARRAY);
    static const enum tree_type types[] = {TREE_NUMBER, TREE_ARRAY, TREE_OBJECT, TREE_BOOL,
                                           TREE_NULL};
    assert_int_equal(tree->count, 3);
    assert_int_equal(list->count, ARRAY_LEN(types));
    const struct tree *item = list->first;
    for (size_t i = 0; i < ARRAY_LEN(types); i++, item = item->next)
        assert_int_equal(item->type, types[i]);
    assert_null(item);
    assert_true(tree_is(tree_get(list->first->next->next, "b"), "x\n"));
    assert_int_equal(tree_get(tree, "d")->count, 0);
    assert_null(tree_get(tree, "d")->next);
    arena_clear(&arena);
}

static void test_questions(void **state)
{
    struct arena arena = {0};
    uint64_t whole = 7;
    double number = 7;
    (void)state;
    const struct tree *tree = parse(&arena, "{'n':12,'big':1e3,'half':0.5,'minus':-1,'huge':1e999,"
                                            "'yes':true,'no':false,'nil':null,'s':'12','n':13}");
    assert_true(tree_integer(tree_get(tree, "n"), &whole, 12) && whole == 12);
    assert_false(tree_integer(tree_get(tree, "n"), &whole, 11));
    assert_true(tree_integer(tree_get(tree, "big"), &whole, 1000) && whole == 1000);
    assert_false(tree_integer(tree_get(tree, "half"), &whole, UINT64_MAX));
    assert_false(tree_integer(tree_get(tree, "minus"), &whole, UINT64_MAX));
    assert_false(tree_integer(tree_get(tree, "s"), &whole, UINT64_MAX));
    assert_false(tree_integer(NULL, &whole, UINT64_MAX));
    assert_int_equal(whole, 1000);
    assert_true(tree_number(tree_get(tree, "half"), &number) && number == 0.5);
    assert_true(tree_number(tree_get(tree, "minus"), &number) && number == -1);
    assert_false(tree_number(tree_get(tree, "huge"), &number));
    assert_false(tree_number(tree_get(tree, "yes"), &number));
    assert_true(number == -1);
    assert_true(tree_bool(tree_get(tree, "yes"), false));
    assert_false(tree_bool(tree_get(tree, "no"), true));
    assert_true(tree_bool(tree_get(tree, "nil"), true));
    assert_null(tree_get(tree, "nil"));
    assert_null(tree_get(tree_get(tree, "nothing"), "deeper"));
    assert_null(tree_get(tree_get(tree, "n"), "n"));
    assert_int_equal(tree_text(tree_get(tree, "n")).len, 0);
    arena_clear(&arena);
}

static void test_refusals(void **state)
{
    static const struct {
        const char *json, *reason;
    } cases[] = {
        {"", "expected a value at byte 0"},          {"{'a'", "expected ':' at byte 4"},
        {"{'a':1", "expected ',' or '}' at byte 6"}, {"{'a':1,}", "expected a string at byte 7"},
        {"[1 2]", "expected ',' or ']' at byte 3"},  {"[[1],]", "expected a value at byte 5"},
        {"[] []", "expected the end at byte 3"},     {"[01]", "expected a value at byte 1"},
        {"{1:2}", "expected a string at byte 1"},    {"['\\x']", "invalid escape at byte 2"},
        {"[nul]", "expected a value at byte 1"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena arena = {0};
        const struct tree *tree;
        struct err err = {0};
        assert_false(tree_parse(&tree, &arena, quoted(&arena, cases[i].json), &err));
        assert_string_equal(err.text, cases[i].reason);
        arena_clear(&arena);
    }
}

static void test_depth(void **state)
{
    (void)state;
    for (size_t extra = 0; extra < 2; extra++) {
        struct arena arena = {0};
        struct text text = {0};
        const struct tree *tree;
        struct err err = {0};
        for (size_t i = 0; i < SCAN_DEPTH_MAX + extra; i++)
            text_add(&text, SPAN("["));
        for (size_t i = 0; i < SCAN_DEPTH_MAX + extra; i++)
            text_add(&text, SPAN("]"));
        assert_int_equal(tree_parse(&tree, &arena, text_span(&text), &err), extra == 0);
        if (extra != 0)
            assert_string_equal(err.text, "more than 64 levels at byte 64");
        text_clear(&text);
        arena_clear(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types), cmocka_unit_test(test_questions),
        cmocka_unit_test(test_refusals), cmocka_unit_test(test_depth)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
