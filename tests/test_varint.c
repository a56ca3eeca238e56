/* Varints: the edges of each length, both ways, and what is refused. */
#include "shared/varint.h"

#include <stdlib.h>

#include "shared/text.h"
#include "tests/test.h"

static void test_both_ways(void **state)
{
    static const struct {
        uint64_t value;
        struct span bytes;
    } cases[] = {
        {0, {"\x00", 1}},
        {1, {"\x01", 1}},
        {127, {"\x7f", 1}},
        {128, {"\x81\x00", 2}},
        {300, {"\x82\x2c", 2}},
        {16383, {"\xff\x7f", 2}},
        {16384, {"\x81\x80\x00", 3}},
        {1700000001, {"\x86\xaa\xcf\xe2\x01", 5}},
        {UINT64_MAX / 2, {"\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 9}},
        {UINT64_MAX, {"\x81\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 10}},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct text text = {0};
        uint64_t value = ~cases[i].value;
        varint_add(&text, cases[i].value);
        assert_true(span_eq(text_span(&text), cases[i].bytes));
        text_add(&text, SPAN("\x05tail"));
        struct span rest = text_span(&text);
        assert_true(varint_take(&value, &rest));
        assert_true(value == cases[i].value);
        assert_true(span_eq(rest, SPAN("\x05tail")));
        text_clear(&text);
    }
}

static void test_refuse(void **state)
{
    static const struct span cases[] = {
        {"", 0},
        {"\x81", 1},
        {"\xff\xff\xff", 3},
        {"\x80\x00", 2}, /* a leading zero */
        {"\x80\x81\x00", 3},
        {"\x82\x80\x80\x80\x80\x80\x80\x80\x80\x00", 10}, /* 2^64 */
        {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 10},
        {"\x81\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", 11},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *bytes = malloc(cases[i].len + 1); /* of its own: nothing is read past it */
        assert_non_null(bytes);
        memcpy(bytes + 1, cases[i].at, cases[i].len);
        struct span rest = {bytes + 1, cases[i].len};
        uint64_t value;
        assert_false(varint_take(&value, &rest));
        assert_ptr_equal(rest.at, bytes + 1);
        assert_int_equal(rest.len, cases[i].len);
        free(bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_ways),
        cmocka_unit_test(test_refuse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
