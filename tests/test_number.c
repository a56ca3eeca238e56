/* Numbers: where they end, and what they are worth. */
#include "shared/number.h"

#include "tests/test.h"

static void test_end(void **state)
{
    static const struct {
        size_t len; /* of the number; 0 when there is none */
        const char *text;
    } cases[] = {
        {1, "0"},      {2, "-0"},    {2, "10"},  {1, "1a"},       {0, ""},     {0, "-"},
        {0, "+1"},     {0, ".5"},    {0, "01"},  {0, "-01"},      {0, "1."},   {0, "1.e5"},
        {3, "0.0"},    {0, "1e"},    {0, "1e+"}, {3, "1E5,"},     {4, "1e-5"}, {4, "1e+5]"},
        {6, "1.7e09"}, {3, "1.5.5"}, {0, "a"},   {0, "Infinity"}, {1, "0x10"}, {2, "12 3"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *at = cases[i].text;
        print_message("%s\n", at);
        assert_ptr_equal(number_end(at, at + strlen(at)), at + cases[i].len);
    }
}

static void test_value(void **state)
{
    static const struct {
        int64_t value;
        const char *text;
    } cases[] = {
        {0, "0"},
        {0, "-0"},
        {0, "0.000"},
        {0, "0e99999999999"},
        {0, "0e-99999999999"},
        {-12, "-12"},
        {1700000000, "1.7e9"},
        {1700000000, "1.7E+9"},
        {1, "1.0"},
        {12, "1200e-2"},
        {1234, "12.34e2"},
        {INT64_MAX, "9223372036854775807"},
        {-INT64_MAX, "-9223372036854775807"},
        {1000000000000000000, "1e18"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t value;
        print_message("%s\n", cases[i].text);
        assert_true(number_value(&value, (struct span){cases[i].text, strlen(cases[i].text)}));
        assert_int_equal(value, cases[i].value);
    }
}

static void test_no_value(void **state)
{
    static const char *const cases[] = {
        "0.5",
        "1.25e1",
        "15e-1",
        "9223372036854775808",
        "1e19",
        "1e999999999999",
        "1e-1",
        "92233720368547758070",
        "100000000000000000000e-5",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t value;
        print_message("%s\n", cases[i]);
        assert_false(number_value(&value, (struct span){cases[i], strlen(cases[i])}));
    }
}

static void test_decimal(void **state)
{
    int64_t value;
    (void)state;
    assert_true(number_decimal(&value, SPAN("9223372036854775807")));
    assert_int_equal(value, INT64_MAX);
    assert_true(number_decimal(&value, SPAN("007")));
    assert_int_equal(value, 7);
    assert_false(number_decimal(&value, SPAN("9223372036854775808")));
    assert_false(number_decimal(&value, SPAN("")));
    assert_false(number_decimal(&value, (struct span){NULL, 0}));
    assert_false(number_decimal(&value, SPAN("-1")));
    assert_false(number_decimal(&value, SPAN("1.0")));
    assert_false(number_decimal(&value, SPAN("1e3")));
    assert_false(number_decimal(&value, SPAN(" 1")));
    assert_false(number_decimal(&value, SPAN("1 ")));
}

static void test_hundredths(void **state)
{
    static const char *const bad[] = {
        "", ".", ".5", "1.", "1.005", "1.2.3", "-1", "1.-5", "1e2", "1.x", "92233720368547758"};
    uint64_t value;
    (void)state;
    assert_true(number_hundredths(&value, SPAN("12")) && value == 1200);
    assert_true(number_hundredths(&value, SPAN("0.5")) && value == 50);
    assert_true(number_hundredths(&value, SPAN("0.05")) && value == 5);
    assert_true(number_hundredths(&value, SPAN("0")) && value == 0);
    assert_true(number_hundredths(&value, SPAN("92233720368547757.99")));
    assert_true(value == UINT64_C(9223372036854775799));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(number_hundredths(&value, (struct span){bad[i], strlen(bad[i])}));
    assert_false(number_hundredths(&value, (struct span){0}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_end), cmocka_unit_test(test_value), cmocka_unit_test(test_no_value),
        cmocka_unit_test(test_decimal), cmocka_unit_test(test_hundredths)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
