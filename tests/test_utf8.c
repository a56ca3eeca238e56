/* UTF-8: every boundary of RFC 3629 from both sides. */
#include "shared/utf8.h"

#include "tests/test.h"

static void test_size(void **state)
{
    static const struct {
        size_t size;
        const char *bytes;
    } cases[] = {
        {1, "a"},
        {1, "\x7f"},
        {0, "\x80"},             /* a continuation leads */
        {0, "\xbf"},             /* another */
        {0, "\xc0\x80"},         /* overlong */
        {0, "\xc1\xbf"},         /* overlong */
        {2, "\xc2\x80"},         /* U+0080 */
        {2, "\xdf\xbf"},         /* U+07FF */
        {0, "\xc2\x7f"},         /* no continuation */
        {0, "\xc2\xc0"},         /* no continuation */
        {0, "\xc2"},             /* cut */
        {0, "\xe0\x9f\xbf"},     /* overlong */
        {3, "\xe0\xa0\x80"},     /* U+0800 */
        {3, "\xed\x9f\xbf"},     /* U+D7FF */
        {0, "\xed\xa0\x80"},     /* surrogate */
        {0, "\xed\xbf\xbf"},     /* surrogate */
        {3, "\xee\x80\x80"},     /* U+E000 */
        {3, "\xef\xb7\x91"},     /* U+FDD1, a noncharacter */
        {3, "\xef\xbf\xbf"},     /* U+FFFF */
        {0, "\xef\xbf"},         /* cut */
        {0, "\xef\xbf\x20"},     /* no continuation */
        {0, "\xf0\x8f\xbf\xbf"}, /* overlong */
        {4, "\xf0\x90\x80\x80"}, /* U+10000 */
        {4, "\xf4\x8f\xbf\xb2"}, /* U+10FFF2 */
        {0, "\xf4\x90\x80\x80"}, /* past U+10FFFF */
        {0, "\xf1\x80\x80"},     /* cut */
        {0, "\xf1\x80\x80\x20"}, /* no continuation */
        {0, "\xf5\x80\x80\x80"}, /* past U+10FFFF */
        {0, "\xff"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *at = cases[i].bytes;
        assert_int_equal(utf8_size(at, at + strlen(at)), cases[i].size);
    }
    assert_int_equal(utf8_size("", ""), 0);
}

/* Every character survives, and nothing of its neighbours is needed to know its size. */
static void test_put(void **state)
{
    (void)state;
    for (uint32_t character = 0; character <= 0x10ffff; character++) {
        char bytes[4];
        if (character == 0xd800)
            character = 0xe000;
        size_t size = utf8_put(bytes, character);
        size_t expected = character < 0x80      ? 1
                          : character < 0x800   ? 2
                          : character < 0x10000 ? 3
                                                : 4;
        if (size != expected || utf8_size(bytes, bytes + size) != size ||
            utf8_count((struct span){bytes, size}) != 1)
            fail_msg("U+%04X", character);
    }
}

static void test_count(void **state)
{
    (void)state;
    assert_int_equal(utf8_count(SPAN("")), 0);
    assert_int_equal(utf8_count(SPAN("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z")), 5);
}

static void test_is(void **state)
{
    (void)state;
    assert_true(utf8_is((struct span){0}) && utf8_is(SPAN("a\xc3\xa9\xf0\x9f\x98\x80")));
    assert_false(utf8_is(SPAN("a\xc3")) || utf8_is(SPAN("\xff")) || utf8_is(SPAN("a\x80z")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_size), cmocka_unit_test(test_put),
                                       cmocka_unit_test(test_count), cmocka_unit_test(test_is)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
