/* A chat as an application asks for it: what is read of it, what is refused, and what is said
 * instead. */
#include "client/plea.h"

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

static bool read(struct plea *plea, const char *json, struct err *err)
{
    print_message("%.200s\n", json);
    return plea_read(plea, &arena, (struct span){json, strlen(json)}, err);
}

static void test_read(void **state)
{
    struct plea plea;
    struct err err;
    (void)state;
    assert_true(read(&plea,
                     "{\"model\":\"a \\u00e9\",\"messages\":[{\"role\":\"user\"}],\"max_tokens\":9,"
                     "\"stream\":true,\"stream_options\":{\"include_usage\":true,\"x\":1},"
                     "\"temperature\":0.50,\"user\":null,\"n\":1}",
                     &err));
    assert_true(span_eq(plea.model, SPAN("a \xC3\xA9")));
    assert_true(span_eq(plea.messages, SPAN("[{\"role\":\"user\"}]")));
    assert_int_equal(plea.tokens_max, 9);
    assert_true(plea.streams && plea.wants_usage);
    assert_int_equal(plea.count, 8);
    assert_true(span_eq(plea_find(&plea, "temperature"), SPAN("0.50")));
    assert_int_equal(plea_find(&plea, "user").len, 0); /* null is as good as nothing */
    assert_int_equal(plea_find(&plea, "seed").len, 0);

    assert_true(read(&plea, " { \"messages\" : [ ] } ", &err));
    assert_int_equal(plea.model.len, 0);
    assert_int_equal(plea.tokens_max, 0);
    assert_false(plea.streams || plea.wants_usage);
}

/* Of two bounds the smaller one holds. */
static void test_tokens(void **state)
{
    static const struct {
        const char *json;
        uint32_t tokens;
    } cases[] = {
        {"{\"messages\":[],\"max_completion_tokens\":7}", 7},
        {"{\"messages\":[],\"max_completion_tokens\":7,\"max_tokens\":8}", 7},
        {"{\"messages\":[],\"max_completion_tokens\":7,\"max_tokens\":6}", 6},
        {"{\"messages\":[],\"max_completion_tokens\":null,\"max_tokens\":16777216}", 16777216},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct plea plea;
        assert_true(read(&plea, cases[i].json, NULL));
        assert_int_equal(plea.tokens_max, cases[i].tokens);
    }
}

static void test_refuse(void **state)
{
    static const struct {
        const char *json, *why;
    } cases[] = {
        {"", "expected '{' at byte 0"},
        {"[]", "expected '{' at byte 0"},
        {"{\"messages\":[]} x", "expected the end at byte 16"},
        {"{}", "expected messages, as a list"},
        {"{\"messages\":null}", "expected messages, as a list"},
        {"{\"messages\":{}}", "expected messages, as a list"},
        {"{\"messages\":[],\"max_tokens\":1,\"max_tokens\":1000}", "'max_tokens' is there twice"},
        {"{\"messages\":[],\"max_tokens\":1,\"max_\\u0074okens\":9}",
         "'max_tokens' is there twice"},
        {"{\"messages\":[],\"max_tokens\":0}", "max_tokens: 1 at least"},
        {"{\"messages\":[],\"max_completion_tokens\":16777217}",
         "max_completion_tokens: expected an integer from 0 to 16777216 at byte 0"},
        {"{\"messages\":[],\"n\":2}", "n: expected an integer from 0 to 1 at byte 0"},
        {"{\"messages\":[],\"n\":0}", "n: 1 at least"},
        {"{\"messages\":[],\"model\":1}", "model: expected a string at byte 0"},
        {"{\"messages\":[],\"stream\":1}", "stream: expected true or false at byte 0"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct plea plea;
        struct err err = {0};
        assert_false(read(&plea, cases[i].json, &err));
        assert_int_equal(err.code, ERR_INVALID);
        assert_string_equal(err.text, cases[i].why);
    }
}

/* Each limit holds at its edge, and not one past it. */
static void test_limits(void **state)
{
    (void)state;
    for (int past = 0; past <= 1; past++) {
        struct text json = {0};
        struct plea plea;
        text_add(&json, SPAN("{\"messages\":[]"));
        for (int i = 1; i < PLEA_MEMBERS_MAX + past; i++)
            text_addf(&json, ",\"m%d\":1", i);
        text_add(&json, SPAN("}"));
        assert_int_equal(plea_read(&plea, &arena, text_span(&json), NULL), !past);
        json.len = 0;
        text_add(&json, SPAN("{\"messages\":[],\"model\":\""));
        for (int i = 0; i < PLEA_MODEL_BYTES_MAX + past; i++)
            text_add(&json, SPAN("m"));
        text_add(&json, SPAN("\"}"));
        assert_int_equal(plea_read(&plea, &arena, text_span(&json), NULL), !past);
        text_clear(&json);
    }
}

static void test_write(void **state)
{
    struct plea plea;
    struct text out = {0};
    const struct plea_terms terms = {.model = SPAN("mo\"del"), .tokens_max = 5, .streams = true};
    (void)state;
    assert_true(read(&plea,
                     "{\"model\":\"x\",\"tools\":[{\"a\":1.50}],\"max_tokens\":9,\"stream\":false,"
                     "\"messages\":[{}],\"stream_options\":null}",
                     NULL));
    plea_write(&out, &plea, &terms);
    assert_true(
        span_eq(text_span(&out), SPAN("{\"model\":\"mo\\\"del\",\"max_tokens\":5,\"stream\":true,"
                                      "\"stream_options\":{\"include_usage\":true},"
                                      "\"tools\":[{\"a\":1.50}],\"messages\":[{}]}")));
    out.len = 0;
    assert_true(read(&plea, "{\"max_completion_tokens\":9,\"messages\":[]}", NULL));
    plea_write(&out, &plea, &(struct plea_terms){.model = SPAN("m"), .tokens_max = 9});
    assert_true(span_eq(text_span(&out),
                        SPAN("{\"model\":\"m\",\"max_completion_tokens\":9,\"messages\":[]}")));
    text_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_teardown(test_read, clear),
                                       cmocka_unit_test_teardown(test_tokens, clear),
                                       cmocka_unit_test_teardown(test_refuse, clear),
                                       cmocka_unit_test_teardown(test_limits, clear),
                                       cmocka_unit_test_teardown(test_write, clear)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
