/* A text ends before the first stop string, however it is cut into pieces. */
#include "gpu/stopper.h"

#include "tests/random.h"
#include "tests/test.h"

static void check(const char *text, const char *want, size_t piece)
{
    struct stopper stopper = {.strings = {SPAN("abc"), SPAN("bb"), SPAN("\n\n")}, .count = 3};
    struct text out = {0};
    size_t len = strlen(text);
    bool goes_on = true;
    for (size_t at = 0; at < len; at += piece) {
        size_t size = len - at < piece ? len - at : piece;
        goes_on = stopper_add(&stopper, &out, (struct span){text + at, size});
    }
    assert_int_equal(goes_on, strlen(want) == len);
    stopper_end(&stopper, &out);
    assert_int_equal(out.len, strlen(want));
    if (out.len > 0)
        assert_memory_equal(out.at, want, out.len);
    text_clear(&out);
    stopper_clear(&stopper);
}

static void test_pieces(void **state)
{
    static const char *const cases[][2] = {
        {"", ""},         {"hello", "hello"}, {"xabcx", "x"}, {"abc", ""},
        {"ababc", "ab"},  {"abbx", "a"},      {"aab", "aab"}, {"x\ny\n\nz", "x\ny"},
        {"ab\n", "ab\n"}, {"aabcbb", "a"},    {"bab", "bab"}, {"babab", "babab"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        for (size_t piece = 1; piece < 6; piece++)
            check(cases[i][0], cases[i][1], piece);
}

/* What could be a beginning waits; all else is told at once. */
static void test_streams(void **state)
{
    struct stopper stopper = {.strings = {SPAN("stop")}, .count = 1};
    struct text out = {0};
    (void)state;
    assert_true(stopper_add(&stopper, &out, SPAN("go st")));
    assert_int_equal(out.len, 3);
    assert_true(stopper_add(&stopper, &out, SPAN("ay")));
    assert_int_equal(out.len, 7);
    assert_false(stopper_add(&stopper, &out, SPAN("stop and")));
    assert_false(stopper_add(&stopper, &out, SPAN("more")));
    assert_int_equal(out.len, 7);
    text_clear(&out);
    stopper_clear(&stopper);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_pieces),
                                       cmocka_unit_test(test_streams)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
