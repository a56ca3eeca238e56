/* Positions: always one between two, in any order of asking, and what is none. */
#include "client/position.h"

#include "shared/err.h"
#include "shared/text.h"
#include "tests/random.h"
#include "tests/test.h"

enum { LIST_MAX = 400 };

static bool is_before(struct span a, struct span b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int order = memcmp(a.at, b.at, shorter);
    return order != 0 ? order < 0 : a.len < b.len;
}

static void test_is(void **state)
{
    char longest[POSITION_CHARS_MAX + 1];
    (void)state;
    memset(longest, 'z', sizeof longest);
    assert_true(position_is((struct span){longest, POSITION_CHARS_MAX}));
    assert_false(position_is((struct span){longest, POSITION_CHARS_MAX + 1}));
    assert_true(position_is(SPAN("V")) && position_is(SPAN("0001")));
    assert_false(position_is(SPAN("")) || position_is(SPAN("0")) || position_is(SPAN("V0")));
    assert_false(position_is(SPAN("a b")) || position_is(SPAN("a-")));
}

/* Inserting anywhere, at the front only, at the end only. */
static void test_between(void **state)
{
    (void)state;
    for (int mode = 0; mode < 3; mode++) {
        static struct text list[LIST_MAX];
        size_t count = 0;
        while (count < (mode == 0 ? LIST_MAX : 60)) {
            const size_t places[] = {random_below((uint32_t)count + 1), 0, count};
            size_t at = places[mode];
            struct text made = {0};
            struct span low = at > 0 ? text_span(&list[at - 1]) : SPAN("");
            struct span high = at < count ? text_span(&list[at]) : SPAN("");
            assert_true(position_between(&made, low, high, random_below(1000000), NULL));
            assert_true(position_is(text_span(&made)));
            assert_true(low.len == 0 || is_before(low, text_span(&made)));
            assert_true(high.len == 0 || is_before(text_span(&made), high));
            memmove(list + at + 1, list + at, (count - at) * sizeof *list);
            list[at] = made;
            count++;
        }
        for (size_t i = 0; i < count; i++)
            text_clear(&list[i]);
    }
}

static void test_refusals(void **state)
{
    struct text text = {0};
    struct err err;
    char low[POSITION_CHARS_MAX], high[POSITION_CHARS_MAX];
    (void)state;
    assert_false(position_between(&text, SPAN("b"), SPAN("b"), 0, &err));
    assert_false(position_between(&text, SPAN("c"), SPAN("b"), 0, &err));
    assert_false(position_between(&text, SPAN("a0"), SPAN("b"), 0, &err));
    assert_string_equal(err.text, "no place between two positions that are not in order");
    memset(low, 'a', sizeof low);
    memset(high, 'a', sizeof high);
    high[sizeof high - 1] = 'b';
    assert_false(position_between(&text, SPAN_OF(low), SPAN_OF(high), 0, &err));
    assert_string_equal(err.text, "no position of 128 characters is between those two");
    assert_int_equal(text.len, 0);
    text_clear(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_is), cmocka_unit_test(test_between),
                                       cmocka_unit_test(test_refusals)};
    random_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
