#include "client/info.h"

#include "shared/err.h"
#include "tests/test.h"

static struct info parse(const char *text)
{
    struct info info;
    struct err err;
    if (!info_parse(&info, (struct span){text, strlen(text)}, &err))
        fail_msg("%s: %s", text, err.text);
    return info;
}

static void test_whole(void **state)
{
    (void)state;
    struct info info = parse(
        "{\"name\":\"x\",\"supported_nips\":[1,11,45,77,\"59\",null],\"limitation\":"
        "{\"max_message_length\":131072,\"max_subscriptions\":7,\"max_limit\":500,"
        "\"auth_required\":true,\"other\":[1,{}]},\"fees\":{\"admission\":[{\"amount\":1}]}}");
    assert_int_equal(info.message_bytes_max, 131072);
    assert_int_equal(info.subs_max, 7);
    assert_int_equal(info.limit_max, 500);
    assert_true(info.auth_required && info.has_nips && info.has_negentropy && info.has_count);
}

/* What is missing, or makes no sense, is unknown. */
static void test_parts(void **state)
{
    (void)state;
    struct info info = parse("{}");
    assert_false(info.has_nips);
    info = parse("{\"supported_nips\":[]}");
    assert_true(info.has_nips);
    assert_false(info.has_negentropy || info.has_count);
    info = parse("{\"supported_nips\":\"all\",\"limitation\":[7]}");
    assert_false(info.has_nips);
    info = parse("{\"limitation\":{\"max_subscriptions\":-1,\"max_limit\":\"many\","
                 "\"max_message_length\":0,\"auth_required\":\"true\"}}");
    assert_int_equal(info.subs_max, 0);
    assert_int_equal(info.limit_max, 0);
    assert_int_equal(info.message_bytes_max, 0);
    assert_false(info.auth_required);
    info = parse("{\"limitation\":{\"max_limit\":1e3}}");
    assert_int_equal(info.limit_max, 1000);
}

static void test_refusals(void **state)
{
    static const char *const cases[] = {"",
                                        "[]",
                                        "<html>",
                                        "{",
                                        "{\"limitation\":{\"max_limit\":}}",
                                        "{\"limitation\":{",
                                        "{\"supported_nips\":[1",
                                        "{\"a\":1}{",
                                        "{1:2}",
                                        "{\"limitation\":{\"a\" 1}}"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct info info;
        struct err err = {.text = ""};
        assert_false(info_parse(&info, (struct span){cases[i], strlen(cases[i])}, &err));
        assert_true(err.text[0] != '\0');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_whole), cmocka_unit_test(test_parts),
                                       cmocka_unit_test(test_refusals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
