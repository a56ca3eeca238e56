/* Sets of kinds as operators write them, and the configurations of languages. */
#include "relay/kind_set.h"

#include "relay/language.h"
#include "shared/err.h"
#include "tests/test.h"

static void test_read(void **state)
{
    static const struct {
        const char *text;
        uint32_t count;
        uint16_t has, lacks;
    } cases[] = {
        {"0", 1, 0, 1},
        {" 1, 30023\t7 ", 3, 30023, 0},
        {"1 1 1-1", 1, 1, 2},
        {"20000-29999", 10000, 29999, 30000},
        {"20000-29999,5", 10001, 5, 19999},
        {"0-65534", 65535, 63, 65535},
        {"65535", 1, 65535, 0},
        {"64-127", 64, 127, 128},
        {"", 0, 0, 1},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct kind_set set;
        assert_true(kind_set_read(&set, cases[i].text, NULL));
        assert_int_equal(set.count, cases[i].count);
        assert_int_equal(kind_set_has(&set, cases[i].has), cases[i].count > 0);
        assert_false(kind_set_has(&set, cases[i].lacks));
    }
}

static void test_refuse(void **state)
{
    static const char *const words[] = {"x", "-1", "1-", "5-4", "65536", "1-65536", "1-2-3", "1;2"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        struct kind_set set;
        struct err err;
        print_message("%s\n", words[i]);
        assert_false(kind_set_read(&set, words[i], &err));
        assert_non_null(strstr(err.text, words[i]));
    }
}

static void test_language(void **state)
{
    (void)state;
    assert_string_equal(language_configuration("de"), "german");
    assert_string_equal(language_configuration("en"), "english");
    assert_string_equal(language_configuration("xx"), LANGUAGE_NONE);
    assert_string_equal(language_configuration(""), LANGUAGE_NONE);
    assert_true(language_is_configuration("simple"));
    assert_true(language_is_configuration("french"));
    assert_false(language_is_configuration("fr"));
    assert_false(language_is_configuration(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_read), cmocka_unit_test(test_refuse),
                                       cmocka_unit_test(test_language)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
