/* Canonical JSON: RFC 8785's own example, numbers as ECMAScript writes them, and refusals. */
#include "client/canon.h"

#include "shared/arena.h"
#include "shared/err.h"
#include "shared/scan.h"
#include "tests/quoted.h"
#include "tests/test.h"

static void check(const char *in, const char *wanted, const char *refusal)
{
    struct arena arena = {0};
    struct span text = quoted(&arena, in), out;
    struct scan scan = scan_begin(text);
    struct err err;
    print_message("%s\n", in);
    bool ok = canon_scan(&out, &arena, &scan, &err) && scan_end(&scan, &err);
    assert_int_equal(ok, wanted != NULL);
    if (ok)
        assert_true(span_eq(out, quoted(&arena, wanted)));
    else
        assert_string_equal(err.text, refusal);
    arena_clear(&arena);
}

static void test_values(void **state)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        {" null ", "null"},
        {"true", "true"},
        {"[ ]", "[]"},
        {"{ }", "{}"},
        {"[ 1 , [ ] , { 'a' : [ { } ] } ]", "[1,[],{'a':[{}]}]"},
        {"{'b':1,'a':{'d':1,'c':[2,1]}}", "{'a':{'c':[2,1],'d':1},'b':1}"},
        {"{'':0,'aa':1,'a':2}", "{'':0,'a':2,'aa':1}"},
        {"'\\u0041\\/\\u00e9\\u0007\\n'", "'A/\xc3\xa9\\u0007\\n'"},
        /* UTF-16 has the emoji (d83d) in front of the ligature (fb33) */
        {"{'\xef\xac\xb3':1,'\xf0\x9f\x98\x82':2,'\xe2\x82\xac':3,'\xc3\xb6':4,'1':5,'\\r':6}",
         "{'\\r':6,'1':5,'\xc3\xb6':4,'\xe2\x82\xac':3,'\xf0\x9f\x98\x82':2,'\xef\xac\xb3':1}"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check(cases[i].in, cases[i].out, NULL);
}

static void test_numbers(void **state)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"0", "0"},
        {"-0", "0"},
        {"-0.0", "0"},
        {"1.0", "1"},
        {"1e3", "1000"},
        {"9007199254740992", "9007199254740992"},
        {"-9007199254740992", "-9007199254740992"},
        {"0.5", "0.5"},
        {"1.10", "1.1"},
        {"-12.125", "-12.125"},
        {"333333333.33333329", "333333333.3333333"},
        {"0.000001", "0.000001"},
        {"0.0000012", "0.0000012"},
        {"1e-7", "1e-7"},
        {"1.5e-10", "1.5e-10"},
        {"0.1e0", "0.1"},
        {"5e-324", "5e-324"},
        {"1e-400", "0"},
        {"123456789.123", "123456789.123"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check(cases[i].in, cases[i].out, NULL);
}

static void test_refusals(void **state)
{
    static const struct {
        const char *in, *refusal;
    } cases[] = {
        {"", "expected a value at byte 0"},
        {"nul", "expected a value at byte 0"},
        {"[1", "expected ',' or ']' at byte 2"},
        {"[1,]", "expected a value at byte 3"},
        {"{'a'}", "expected ':' at byte 4"},
        {"{'a':1,'a':2}", "two members named 'a' at byte 13"},
        {"{'a':1,'\\u0061':2}", "two members named 'a' at byte 18"},
        {"9007199254740993", "a number past 2^53, which must be a string at byte 0"},
        {"-9007199254740993", "a number past 2^53, which must be a string at byte 0"},
        {"1e20", "a number past 2^53, which must be a string at byte 0"},
        {"1e999", "a number past 2^53, which must be a string at byte 0"},
        {"[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]", "more than 16 levels at byte 16"},
        {"1 2", "expected the end at byte 2"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check(cases[i].in, NULL, cases[i].refusal);
    check("[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]", "[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_values),
                                       cmocka_unit_test(test_numbers),
                                       cmocka_unit_test(test_refusals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
