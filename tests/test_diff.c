#include "client/diff.h"

#include "shared/arena.h"
#include "shared/text.h"
#include "tests/random.h"
#include "tests/test.h"

/* Puts together what the hunks say, from both. */
static void check(struct span from, struct span to)
{
    struct arena arena = {0};
    struct text made = {0};
    size_t count, line = 0;
    struct diff_text a = diff_split(&arena, from), b = diff_split(&arena, to);
    struct diff_hunk *hunks = diff_compare(&count, &arena, &a, &b);
    for (size_t i = 0; i < count; i++) {
        assert_true(hunks[i].from >= line);
        for (; line < hunks[i].from; line++)
            text_add(&made, a.lines[line]);
        for (size_t j = 0; j < hunks[i].to_count; j++)
            text_add(&made, b.lines[hunks[i].to + j]);
        line += hunks[i].from_count;
    }
    for (; line < a.count; line++)
        text_add(&made, a.lines[line]);
    assert_true(span_eq(text_span(&made), to));
    text_clear(&made);
    arena_clear(&arena);
}

static size_t changed(const char *from, const char *to)
{
    struct arena arena = {0};
    size_t count, lines = 0;
    struct diff_text a = diff_split(&arena, (struct span){from, strlen(from)});
    struct diff_text b = diff_split(&arena, (struct span){to, strlen(to)});
    struct diff_hunk *hunks = diff_compare(&count, &arena, &a, &b);
    for (size_t i = 0; i < count; i++)
        lines += hunks[i].from_count + hunks[i].to_count;
    arena_clear(&arena);
    return lines;
}

static void test_least(void **state)
{
    (void)state;
    assert_int_equal(changed("", ""), 0);
    assert_int_equal(changed("a\n", "a\n"), 0);
    assert_int_equal(changed("", "a"), 1);
    assert_int_equal(changed("a\nb\nc\n", "a\nc\n"), 1);
    assert_int_equal(changed("a\nb\nc\n", "a\nx\nc\ny"), 3);
    assert_int_equal(changed("a\na\na\n", "a\na\n"), 1);
    assert_int_equal(changed("1\n2\n3\n4\n5\n", "2\n3\nx\n5\n1\n"), 4);
    assert_int_equal(changed("a", "a\n"), 2);
}

static void test_any(void **state)
{
    (void)state;
    random_start();
    for (int round = 0; round < 2000; round++) {
        char texts[2][40];
        size_t lens[2];
        for (size_t i = 0; i < 2; i++) {
            lens[i] = random_below(sizeof texts[i]);
            for (size_t j = 0; j < lens[i]; j++)
                texts[i][j] = "ab\n"[random_below(3)];
        }
        check((struct span){texts[0], lens[0]}, (struct span){texts[1], lens[1]});
    }
}

/* Past the bound all between the ends counts as changed. */
static void test_bound(void **state)
{
    struct text from = {0}, to = {0};
    (void)state;
    for (int i = 0; i < 2100; i++) {
        text_addf(&from, "%d\n", i);
        text_addf(&to, "%d\n", i % 7 == 3 ? -i : i);
    }
    check(text_span(&from), text_span(&to));
    text_clear(&from);
    text_clear(&to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_least), cmocka_unit_test(test_any),
                                       cmocka_unit_test(test_bound)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
