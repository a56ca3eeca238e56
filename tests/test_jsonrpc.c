#include "client/jsonrpc.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/text.h"
#include "tests/test.h"

static struct arena arena;

static int clear(void **state)
{
    (void)state;
    arena_clear(&arena);
    return 0;
}

static struct jsonrpc_line parse(const char *json)
{
    struct jsonrpc_line line;
    struct err err;
    assert_true(jsonrpc_parse(&line, &arena, (struct span){json, strlen(json)}, &err));
    return line;
}

static void assert_is(struct span got, const char *wanted)
{
    assert_int_equal(got.len, strlen(wanted));
    assert_memory_equal(got.at, wanted, got.len);
}

static void test_forms(void **state)
{
    static const struct {
        const char *json;
        enum jsonrpc_form form;
        const char *id;
    } cases[] = {
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\"}", JSONRPC_REQUEST, "1"},
        {"{\"method\":\"a\",\"id\":\"x\\n\",\"jsonrpc\":\"2.0\"}", JSONRPC_REQUEST, "\"x\\n\""},
        {"{\"jsonrpc\":\"2.0\",\"id\": -1.5 ,\"method\":\"a\"}", JSONRPC_REQUEST, "-1.5"},
        {"{\"jsonrpc\":\"2.0\",\"method\":\"a\"}", JSONRPC_NOTIFICATION, "null"},
        {"{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{}}", JSONRPC_RESPONSE, "2"},
        {"{\"jsonrpc\":\"2.0\",\"id\":2,\"error\":{\"code\":1}}", JSONRPC_RESPONSE, "2"},
        {"{\"jsonrpc\":\"2.0\",\"id\":2}", JSONRPC_WRONG, "2"},
        {"{\"jsonrpc\":\"1.0\",\"id\":2,\"method\":\"a\"}", JSONRPC_WRONG, "2"},
        {"{\"id\":2,\"method\":\"a\"}", JSONRPC_WRONG, "2"},
        {"{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"a\"}", JSONRPC_WRONG, "null"},
        {"{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"a\"}", JSONRPC_WRONG, "null"},
        {"{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":5}", JSONRPC_WRONG, "3"},
        {"{\"jsonrpc\":2,\"id\":3,\"method\":\"a\"}", JSONRPC_WRONG, "3"},
        {"{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"a\",\"params\":7}", JSONRPC_WRONG, "3"},
        {"{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"a\",\"method\":\"b\"}", JSONRPC_WRONG, "3"},
        {"{\"jsonrpc\":\"2.0\",\"id\":3,\"id\":4,\"method\":\"a\"}", JSONRPC_WRONG, "4"},
        {"{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"a\",\"params\":[],\"params\":[]}",
         JSONRPC_WRONG, "3"},
        {"{}", JSONRPC_WRONG, "null"},
        {"5", JSONRPC_WRONG, "null"},
        {"[]", JSONRPC_WRONG, "null"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct jsonrpc_line line = parse(cases[i].json);
        assert_int_equal(line.count, 1);
        assert_false(line.is_batch);
        assert_int_equal(line.messages[0].form, cases[i].form);
        assert_is(line.messages[0].id, cases[i].id);
    }
}

static void test_parts(void **state)
{
    (void)state;
    struct jsonrpc_line line = parse("{\"jsonrpc\":\"2.0\",\"id\":1,\"x\":[{}],\"method\":"
                                     "\"a\\u0062\",\"params\": {\"c\":[1]} }");
    assert_is(line.messages[0].method, "ab");
    assert_is(line.messages[0].params, "{\"c\":[1]}");
}

static void test_batch(void **state)
{
    struct text json = {0};
    struct jsonrpc_line line;
    struct err err;
    (void)state;
    line = parse("[{\"jsonrpc\":\"2.0\",\"method\":\"a\"},3,{\"jsonrpc\":\"2.0\",\"id\":1,"
                 "\"method\":\"b\"}]");
    assert_true(line.is_batch);
    assert_int_equal(line.count, 3);
    assert_int_equal(line.messages[0].form, JSONRPC_NOTIFICATION);
    assert_int_equal(line.messages[1].form, JSONRPC_WRONG);
    assert_int_equal(line.messages[2].form, JSONRPC_REQUEST);
    for (int extra = 0; extra < 2; extra++) {
        json.len = 0;
        for (int i = 0; i < JSONRPC_BATCH_MAX + extra; i++)
            text_add(&json, i > 0 ? SPAN(",1") : SPAN("[1"));
        text_add(&json, SPAN("]"));
        assert_int_equal(jsonrpc_parse(&line, &arena, text_span(&json), &err), extra == 0);
    }
    assert_string_equal(err.text, "over 100 messages in one line");
    text_clear(&json);
}

static void test_id_length(void **state)
{
    (void)state;
    for (int extra = 0; extra < 2; extra++) {
        struct text json = {0};
        text_add(&json, SPAN("{\"jsonrpc\":\"2.0\",\"method\":\"a\",\"id\":\""));
        for (int i = 0; i < JSONRPC_ID_BYTES_MAX - 2 + extra; i++)
            text_add(&json, SPAN("x"));
        text_add(&json, SPAN("\"}"));
        struct jsonrpc_line line;
        assert_true(jsonrpc_parse(&line, &arena, text_span(&json), NULL));
        assert_int_equal(line.messages[0].form, extra == 0 ? JSONRPC_REQUEST : JSONRPC_WRONG);
        text_clear(&json);
    }
}

static void test_no_json(void **state)
{
    static const char *const cases[] = {"",
                                        "x",
                                        "{",
                                        "{\"a\":}",
                                        "{} {}",
                                        "[1",
                                        "[1,]",
                                        "{\"id\":1e}",
                                        "{\"method\":\"\\x\"}",
                                        "{\"jsonrpc\":\"\\ud800\"}",
                                        "{\"params\":{\"a\":nul}}",
                                        "{\"result\":}",
                                        "{\"jsonrpc\":nul}"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct jsonrpc_line line;
        struct err err = {0};
        assert_false(jsonrpc_parse(&line, &arena, (struct span){cases[i], strlen(cases[i])}, &err));
        assert_int_equal(err.code, ERR_INVALID);
        assert_true(err.text[0] != '\0');
    }
}

static void test_write(void **state)
{
    struct text out = {0};
    (void)state;
    jsonrpc_write_result(&out, SPAN("\"a\""), SPAN("{}"));
    assert_is(text_span(&out), "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"result\":{}}");
    out.len = 0;
    jsonrpc_write_error(&out, SPAN("null"), JSONRPC_NO_METHOD, SPAN("no \"such\"\n"));
    assert_is(text_span(&out), "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32601,"
                               "\"message\":\"no \\\"such\\\"\\n\"}}");
    text_clear(&out);
}

static void test_member(void **state)
{
    struct span value;
    const struct span json = SPAN("{\"a\":{\"b\":1},\"b\" : [2 ] ,\"a\":\"x\"}");
    (void)state;
    assert_true(jsonrpc_member(&value, &arena, json, SPAN("b"), NULL));
    assert_is(value, "[2 ]");
    assert_true(jsonrpc_member(&value, &arena, json, SPAN("a"), NULL));
    assert_is(value, "\"x\"");
    assert_true(jsonrpc_member(&value, &arena, json, SPAN("c"), NULL));
    assert_int_equal(value.len, 0);
    assert_false(jsonrpc_member(&value, &arena, SPAN(""), SPAN("a"), NULL));
    assert_false(jsonrpc_member(&value, &arena, SPAN("[1]"), SPAN("a"), NULL));
    assert_false(jsonrpc_member(&value, &arena, SPAN("{\"a\":}"), SPAN("a"), NULL));
    assert_false(jsonrpc_member(&value, &arena, SPAN("{\"a\":1"), SPAN("a"), NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_forms, clear),
        cmocka_unit_test_teardown(test_parts, clear),
        cmocka_unit_test_teardown(test_batch, clear),
        cmocka_unit_test_teardown(test_id_length, clear),
        cmocka_unit_test_teardown(test_no_json, clear),
        cmocka_unit_test_teardown(test_write, clear),
        cmocka_unit_test_teardown(test_member, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
