/* Errors: each code has the prefix that the wire wants; text is cut, never overrun. */
#include "shared/err.h"

#include <string.h>

#include "shared/base.h"
#include "tests/test.h"

static void test_prefix(void **state)
{
    static const struct {
        enum err_code code;
        const char *prefix;
    } cases[] = {
        {ERR_DUPLICATE, "duplicate"},
        {ERR_POW, "pow"},
        {ERR_BLOCKED, "blocked"},
        {ERR_RATE_LIMITED, "rate-limited"},
        {ERR_INVALID, "invalid"},
        {ERR_RESTRICTED, "restricted"},
        {ERR_AUTH_REQUIRED, "auth-required"},
        {ERR_MUTE, "mute"},
        {ERR_UNSUPPORTED, "unsupported"},
        {ERR_CLOSED, "closed"},
        {ERR_INTERNAL, "error"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_string_equal(err_prefix(cases[i].code), cases[i].prefix);
    assert_int_equal(ARRAY_LEN(cases), ERR_INTERNAL + 1); /* none is left out */
}

static void test_fill(void **state)
{
    struct err err;
    (void)state;
    assert_false(err_set(&err, ERR_INVALID, "kind %d is out of range", 70000));
    assert_int_equal(err.code, ERR_INVALID);
    assert_string_equal(err.text, "kind 70000 is out of range");
    assert_false(err_set(NULL, ERR_INVALID, "nobody asks"));
}

static void test_cut(void **state)
{
    char text[300];
    struct err err;
    (void)state;
    memset(text, 'a', sizeof text);

    size_t most = sizeof err.text - 1;
    err_fill(&err, ERR_POW, "%.*s", (int)most, text);
    assert_int_equal(strlen(err.text), most);
    err_fill(&err, ERR_POW, "%.*s", (int)most + 1, text);
    assert_int_equal(strlen(err.text), most);
    err_fill(&err, ERR_POW, "%s", "");
    assert_string_equal(err.text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_prefix), cmocka_unit_test(test_fill),
                                       cmocka_unit_test(test_cut)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
