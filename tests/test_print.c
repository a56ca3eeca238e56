/* What people see of an answer. */
#include "relay/operator_print.h"

#include <stdio.h>

#include "shared/err.h"
#include "shared/text.h"
#include "tests/test.h"

static void prints(const char *json, const char *want)
{
    struct text out = {0};
    struct err err;
    bool is_good = operator_print(&out, (struct span){json, strlen(json)}, &err);
    text_add(&out, (struct span){"", 1});
    print_message("%s\n", json);
    assert_int_equal(is_good, want != NULL);
    if (want != NULL)
        assert_string_equal(out.at, want);
    text_clear(&out);
}

static void test_shapes(void **state)
{
    (void)state;
    prints("true", "done\n");
    prints("false", "false\n");
    prints("7", "7\n");
    prints("[]", "none\n");
    prints("[1,2]", "1\n2\n");
    prints("[\"a\",null,{}]", "a\n\n\n");
    prints("[true,\"\"]", "true\n\n");
    prints("{\"a\":1,\"long\":\"x\"}", "a     1\nlong  x\n");
    prints("{}", "");
    prints("[{\"a\":\"\xc3\xa9\xc3\xa9\xc3\xa9\",\"b\":1},{\"b\":22,\"c\":[1,2]}]",
           "a    b   c\n\xc3\xa9\xc3\xa9\xc3\xa9  1   \n     22  [1,2]\n");
    prints("[{\"at\":1700000000}]", "at\n2023-11-14 22:13\n");
    prints("[{\"at\":-1}]", "at\n-1\n");
    prints("[", NULL);
    prints("", NULL);
    prints("[1]x", NULL);
}

static void test_hostile(void **state)
{
    (void)state;
    prints("\"a\\u001b[31m\\u009b31m\\u0000b\\n\\tc\\u200f\\ufeff\\u2066d\"", "a[31m31mb  cd\n");
    prints("{\"k\\u001b[0m\":1}", "k[0m  1\n");
    prints("[{\"x\":\"\\ud83d\\ude00\"}]", "x\n\xf0\x9f\x98\x80\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_shapes),
                                       cmocka_unit_test(test_hostile)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
