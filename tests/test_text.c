/* Text: what is written, across every way the buffer grows. */
#include "shared/text.h"

#include <stdlib.h>

#include "tests/abort.h"
#include "tests/test.h"

static void assert_text(const struct text *text, const char *expected)
{
    assert_int_equal(text->len, strlen(expected));
    assert_memory_equal(text->at, expected, text->len);
}

static void test_add(void **state)
{
    struct text text = {0};
    (void)state;
    text_add(&text, (struct span){NULL, 0});
    assert_null(text.at);
    assert_int_equal(text_span(&text).len, 0);
    text_add(&text, SPAN("ab"));
    text_addf(&text, "%d-%s", 7, "c");
    text_add_hex(&text, (const uint8_t[]){0, 0xaf}, 2);
    assert_text(&text, "ab7-c00af");
    text_clear(&text);
    assert_null(text.at);
    assert_int_equal(text.len + text.capacity, 0);
}

static void test_json(void **state)
{
    struct text text = {0};
    (void)state;
    text_add_json(&text, SPAN("\0\x01\b\t\n\v\f\r\x1f !\"/\\\x7f\xc3\xa9"));
    assert_text(&text, "\"\\u0000\\u0001\\b\\t\\n\\u000b\\f\\r\\u001f !\\\"/\\\\\x7f\xc3\xa9\"");
    text.len = 0;
    text_add_json(&text, SPAN(""));
    assert_text(&text, "\"\"");
    text.len = 0;
    text_add_json(&text, SPAN("plain"));
    assert_text(&text, "\"plain\"");
    text_clear(&text);
}

/* Bytes stay where they belong while the buffer doubles, and after one big reservation. */
static void test_growth(void **state)
{
    enum { COUNT = 20000, BIG = 1000000 };
    struct text text = {0};
    (void)state;
    for (int i = 0; i < COUNT; i++)
        text_addf(&text, "%c", 'a' + i % 26);
    memset(text_reserve(&text, BIG), '!', BIG);
    assert_int_equal(text.len, COUNT); /* reserved is not yet written */
    text.len += BIG;
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(text.at[i], 'a' + i % 26);
    assert_int_equal(text.at[text.len - 1], '!');
    text_clear(&text);
}

static void reserve_everything(void)
{
    struct text text = {0};
    text_reserve(&text, SIZE_MAX);
}

static void reserve_too_much(void)
{
    struct text text = {0};
    text_reserve(&text, SIZE_MAX / 4);
}

static void write_what_no_locale_knows(void)
{
    static const wchar_t beyond[] = {0x7fffffff, 0};
    struct text text = {0};
    text_addf(&text, "%ls", beyond);
}

static void test_abort(void **state)
{
    (void)state;
    assert_true(abort_by(reserve_everything));
    assert_true(abort_by(reserve_too_much));
    assert_true(abort_by(write_what_no_locale_knows));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_add), cmocka_unit_test(test_json),
                                       cmocka_unit_test(test_growth), cmocka_unit_test(test_abort)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
