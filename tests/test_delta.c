/* What comes while an answer is streamed: what is read of it, and what is refused. */
#include "client/delta.h"

#include "shared/arena.h"
#include "shared/err.h"
#include "tests/test.h"

static struct arena arena;

static int clear(void **state)
{
    (void)state;
    arena_clear(&arena);
    return 0;
}

static struct delta read(const char *json)
{
    struct delta delta;
    struct err err;
    print_message("%s\n", json);
    if (!delta_read(&delta, &arena, (struct span){json, strlen(json)}, &err))
        fail_msg("%s", err.text);
    return delta;
}

static void expect(struct span got, const char *wanted)
{
    assert_int_equal(got.len, strlen(wanted));
    assert_memory_equal(got.at, wanted, got.len);
}

static void test_text(void **state)
{
    static const struct {
        const char *json, *text, *finish;
    } cases[] = {
        {"{}", "", ""},
        {"{\"choices\":[]}", "", ""},
        {"{\"choices\":[{}]}", "", ""},
        {"{\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"},"
         "\"finish_reason\":null}],\"usage\":null}",
         "", ""},
        {"{\"id\":\"x\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a \\\"b\\\"\\n\"}}]}",
         "a \"b\"\n", ""},
        {"{\"choices\":[{\"delta\":{\"content\":\"\\ud83d\\ude00\"}}]}", "\xF0\x9F\x98\x80", ""},
        {"{\"choices\":[{\"delta\":{\"content\":null}}]}", "", ""},
        {"{\"choices\":[{\"delta\":{\"content\":[1,{\"content\":\"no\"}]}}]}", "", ""},
        {"{\"choices\":[{\"delta\":{},\"finish_reason\":\"length\"}]}", "", "length"},
        {"{\"choices\":[{\"finish_reason\":\"stop\",\"delta\":{\"content\":\"z\"}}]}", "z", "stop"},
        {"{\"content\":\"no\",\"finish_reason\":\"no\",\"delta\":{\"content\":\"no\"}}", "", ""},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct delta delta = read(cases[i].json);
        expect(delta.text, cases[i].text);
        expect(delta.finish, cases[i].finish);
        assert_false(delta.has_usage);
        assert_int_equal(delta.error.len + delta.token.len + delta.receipt.len, 0);
    }
}

static void test_usage(void **state)
{
    (void)state;
    struct delta delta = read("{\"choices\":[],\"usage\":{\"prompt_tokens\":12,"
                              "\"completion_tokens\":4294967295,\"total_tokens\":1,"
                              "\"prompt_tokens_details\":{\"cached_tokens\":3}}}");
    assert_true(delta.has_usage);
    assert_int_equal(delta.prompt_tokens, 12);
    assert_int_equal(delta.output_tokens, UINT32_MAX);
    assert_false(read("{\"usage\":{}}").has_usage);
    assert_false(read("{\"usage\":7}").has_usage);
}

static void test_payment(void **state)
{
    (void)state;
    struct delta delta =
        read("{\"token\":\"cashuBo2F0\",\"receipt\":{\"kind\":8430,\"tags\":[[\"a\",\"}\"]]}}");
    expect(delta.token, "cashuBo2F0");
    expect(delta.receipt, "{\"kind\":8430,\"tags\":[[\"a\",\"}\"]]}");
    delta = read("{\"token\":null,\"receipt\":null}");
    assert_int_equal(delta.token.len + delta.receipt.len, 0);
    delta = read("{\"token\":7,\"receipt\":[1]}");
    assert_int_equal(delta.token.len + delta.receipt.len, 0);
}

static void test_error(void **state)
{
    (void)state;
    expect(read("{\"error\":{\"message\":\"too long\",\"code\":null}}").error, "too long");
    expect(read("{\"error\":{\"message\":null}}").error, "");
    expect(read("{\"error\":null}").error, "");
}

static void test_refuse(void **state)
{
    static const char *const cases[] = {
        "",
        "[DONE]",
        "[]",
        "{",
        "{} {}",
        "{\"choices\":{}}",
        "{\"choices\":[1]}",
        "{\"choices\":[{\"delta\":null}]}",
        "{\"choices\":[{\"delta\":{\"content\":\"\\ud800\"}}]}",
        "{\"choices\":[{\"delta\":{\"content\":\"\xFF\"}}]}",
        "{\"usage\":{\"prompt_tokens\":-1}}",
        "{\"usage\":{\"prompt_tokens\":4294967296}}",
        "{\"usage\":{\"completion_tokens\":\"1\"}}",
        "{\"receipt\":{\"a\":}}",
        "{\"token\":\"x\"",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct delta delta;
        struct err err;
        print_message("%s\n", cases[i]);
        assert_false(delta_read(&delta, &arena, (struct span){cases[i], strlen(cases[i])}, &err));
        assert_int_equal(err.code, ERR_INVALID);
        assert_true(err.text[0] != '\0');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_teardown(test_text, clear),
                                       cmocka_unit_test_teardown(test_usage, clear),
                                       cmocka_unit_test_teardown(test_payment, clear),
                                       cmocka_unit_test_teardown(test_error, clear),
                                       cmocka_unit_test_teardown(test_refuse, clear)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
