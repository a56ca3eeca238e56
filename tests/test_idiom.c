/* A chat in the words of each server, and their answers read. */
#include "client/idiom.h"

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

static bool write(struct text *out, enum idiom idiom, const char *json, struct err *err)
{
    const struct plea_terms terms = {.model = SPAN("m"), .tokens_max = 50, .streams = true};
    struct plea plea;
    print_message("%s %s\n", idiom_name(idiom), json);
    out->len = 0;
    assert_true(plea_read(&plea, &arena, (struct span){json, strlen(json)}, NULL));
    return idiom_write(out, idiom, &plea, &terms, err);
}

static void test_names(void **state)
{
    enum idiom idiom;
    (void)state;
    for (int i = 0; i < IDIOM_COUNT; i++) {
        const char *name = idiom_name((enum idiom)i);
        assert_true(idiom_named(&idiom, (struct span){name, strlen(name)}));
        assert_int_equal(idiom, i);
    }
    assert_false(idiom_named(&idiom, SPAN("openai2")));
    assert_string_equal(idiom_path(IDIOM_ANTHROPIC), "/messages");
}

static void test_write(void **state)
{
    static const struct {
        enum idiom idiom;
        const char *json, *body;
    } cases[] = {
        {IDIOM_OPENAI, "{\"messages\":[],\"tools\":[1]}",
         "{\"model\":\"m\",\"max_tokens\":50,\"stream\":true,\"stream_options\":"
         "{\"include_usage\":true},\"messages\":[],\"tools\":[1]}"},
        {IDIOM_ANTHROPIC,
         "{\"messages\":[{\"role\":\"system\",\"content\":\"be\"},{\"role\":\"user\",\"content\":"
         "[{\"type\":\"text\",\"text\":\"a\\n\"},{\"type\":\"text\",\"text\":\"b\"}]},"
         "{\"role\":\"developer\",\"content\":\"kind\"},"
         "{\"role\":\"assistant\",\"content\":\"c\",\"refusal\":null}],"
         "\"temperature\":0,\"top_p\":null,\"stop\":\"x\",\"presence_penalty\":0,\"user\":\"me\"}",
         "{\"model\":\"m\",\"max_tokens\":50,\"stream\":true,\"stop_sequences\":[\"x\"],"
         "\"messages\":[{\"role\":\"user\",\"content\":\"a\\nb\"},"
         "{\"role\":\"assistant\",\"content\":\"c\"}],\"temperature\":0,"
         "\"system\":\"be\\n\\nkind\"}"},
        {IDIOM_OLLAMA,
         "{\"messages\":[{\"role\":\"system\",\"content\":\"be\"},"
         "{\"role\":\"user\",\"content\":\"a\"}],\"seed\":7,\"stop\":[\"x\",\"\\\"\"],"
         "\"frequency_penalty\":0.5,\"tools\":[],\"response_format\":{\"type\":\"text\"}}",
         "{\"model\":\"m\",\"stream\":true,\"messages\":[{\"role\":\"system\",\"content\":\"be\"},"
         "{\"role\":\"user\",\"content\":\"a\"}],\"options\":{\"num_predict\":50,"
         "\"stop\":[\"x\",\"\\\"\"],\"seed\":7,\"frequency_penalty\":0.5}}"},
        {IDIOM_OLLAMA, "{\"messages\":[],\"stop\":[]}",
         "{\"model\":\"m\",\"stream\":true,\"messages\":[],\"options\":{\"num_predict\":50}}"},
    };
    struct text out = {0};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err err;
        if (!write(&out, cases[i].idiom, cases[i].json, &err))
            fail_msg("%s", err.text);
        print_message("%.*s\n", (int)out.len, out.at);
        assert_true(span_eq(text_span(&out), (struct span){cases[i].body, strlen(cases[i].body)}));
    }
    text_clear(&out);
}

static void test_lacks(void **state)
{
    static const struct {
        const char *json, *word;
        bool is_invalid;
    } cases[] = {
        {"{\"messages\":[],\"tools\":[{}]}", "'tools'", false},
        {"{\"messages\":[],\"logprobs\":true}", "'logprobs'", false},
        {"{\"messages\":[{\"role\":\"tool\",\"content\":\"x\"}]}", "'tool'", false},
        {"{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\","
         "\"image_url\":{}}]}]}",
         "'image_url'", false},
        {"{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":{}}]}]}", "'text'", false},
        {"{\"messages\":[{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[]}]}",
         "'tool_calls'", false},
        {"{\"messages\":[{\"role\":\"assistant\",\"content\":null}]}", "without content", true},
        {"{\"messages\":[{\"role\":\"user\"}]}", "without content", true},
        {"{\"messages\":[1]}", "expected '{'", true},
        {"{\"messages\":[{\"role\":1,\"content\":\"\"}]}", "expected a string", true},
        {"{\"messages\":[{\"content\":7}]}", "expected a string", true},
        {"{\"messages\":[],\"stop\":7}", "expected '['", true},
        {"{\"messages\":[],\"stop\":[7]}", "at most 16 texts", true},
    };
    struct text out = {0};
    (void)state;
    for (size_t i = 0; i < 2 * ARRAY_LEN(cases); i++) {
        struct err err = {0};
        assert_false(
            write(&out, i % 2 == 0 ? IDIOM_ANTHROPIC : IDIOM_OLLAMA, cases[i / 2].json, &err));
        print_message("%s\n", err.text);
        assert_int_equal(err.code, cases[i / 2].is_invalid ? ERR_INVALID : ERR_UNSUPPORTED);
        assert_non_null(strstr(err.text, cases[i / 2].word));
    }
    struct err err;
    assert_false(write(&out, IDIOM_ANTHROPIC, "{\"messages\":[],\"seed\":7}", &err));
    assert_int_equal(err.code, ERR_UNSUPPORTED);
    text_clear(&out);
}

static const struct {
    enum idiom idiom;
    const char *line, *text, *finish, *error;
    bool is_news, is_end;
    int in, out; /* tokens; -1: not said */
} lines[] = {
    {IDIOM_OPENAI, "", "", "", "", false, false, -1, -1},
    {IDIOM_OPENAI, "event: change", "", "", "", false, false, -1, -1},
    {IDIOM_OPENAI, "data: [DONE]", "", "", "", false, true, -1, -1},
    {IDIOM_OPENAI, "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}", "a", "", "", true,
     false, -1, -1},
    {IDIOM_OPENAI, "data: {\"error\":{\"message\":\"no\"}}", "", "", "no", true, true, -1, -1},
    {IDIOM_ANTHROPIC, "event: message_start", "", "", "", false, false, -1, -1},
    {IDIOM_ANTHROPIC,
     "data: {\"type\":\"message_start\",\"message\":{\"id\":\"x\",\"content\":[],\"usage\":"
     "{\"input_tokens\":25,\"cache_read_input_tokens\":null,\"output_tokens\":1}}}",
     "", "", "", true, false, 25, 1},
    {IDIOM_ANTHROPIC, "data: {\"type\": \"ping\"}", "", "", "", false, false, -1, -1},
    {IDIOM_ANTHROPIC,
     "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\","
     "\"text\":\"Hel\\\"lo\"}}",
     "Hel\"lo", "", "", true, false, -1, -1},
    {IDIOM_ANTHROPIC, "data: {\"type\":\"content_block_delta\",\"delta\":{\"thinking\":\"hm\"}}",
     "", "", "", true, false, -1, -1},
    {IDIOM_ANTHROPIC,
     "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"max_tokens\"},"
     "\"usage\":{\"output_tokens\":15}}",
     "", "length", "", true, false, 0, 15},
    {IDIOM_ANTHROPIC, "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"refusal\"}}",
     "", "content_filter", "", true, false, -1, -1},
    {IDIOM_ANTHROPIC, "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":null}}", "", "",
     "", true, false, -1, -1},
    {IDIOM_ANTHROPIC, "data: {\"type\":\"message_stop\"}", "", "", "", true, true, -1, -1},
    {IDIOM_ANTHROPIC,
     "data: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\","
     "\"message\":\"Overloaded\"}}",
     "", "", "Overloaded", true, true, -1, -1},
    {IDIOM_OLLAMA, "", "", "", "", false, false, -1, -1},
    {IDIOM_OLLAMA, "{\"message\":{\"role\":\"assistant\",\"content\":\"The\"},\"done\":false}",
     "The", "", "", true, false, -1, -1},
    {IDIOM_OLLAMA,
     "{\"message\":{\"content\":\"\"},\"done\":true,\"done_reason\":\"length\","
     "\"prompt_eval_count\":26,\"eval_count\":290}",
     "", "length", "", true, true, 26, 290},
    {IDIOM_OLLAMA, "{\"done\":true}", "", "stop", "", true, true, -1, -1},
    {IDIOM_OLLAMA, "{\"error\":\"model not found\"}", "", "", "model not found", true, true, -1,
     -1},
};

static void test_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        struct idiom_news news;
        struct err err;
        const char *line = lines[i].line;
        print_message("%s %s\n", idiom_name(lines[i].idiom), line);
        if (!idiom_read(&news, &arena, lines[i].idiom, (struct span){line, strlen(line)}, &err))
            fail_msg("%s", err.text);
        assert_int_equal(news.is_news, lines[i].is_news);
        assert_int_equal(news.is_end, lines[i].is_end);
        assert_true(span_eq(news.delta.text, (struct span){lines[i].text, strlen(lines[i].text)}));
        assert_true(
            span_eq(news.delta.finish, (struct span){lines[i].finish, strlen(lines[i].finish)}));
        assert_true(
            span_eq(news.delta.error, (struct span){lines[i].error, strlen(lines[i].error)}));
        assert_int_equal(news.delta.has_usage, lines[i].in >= 0);
        if (lines[i].in >= 0) {
            assert_int_equal(news.delta.prompt_tokens, lines[i].in);
            assert_int_equal(news.delta.output_tokens, lines[i].out);
        }
    }
}

static void test_damaged(void **state)
{
    static const struct {
        enum idiom idiom;
        const char *line;
    } cases[] = {
        {IDIOM_OPENAI, "data: {"},
        {IDIOM_ANTHROPIC, "data: [1]"},
        {IDIOM_ANTHROPIC, "data: {\"usage\":{\"output_tokens\":-1}}"},
        {IDIOM_ANTHROPIC, "data: {\"usage\":{\"output_tokens\":4294967296}}"},
        {IDIOM_OLLAMA, "x"},
        {IDIOM_OLLAMA, "{\"done\":1}"},
        {IDIOM_OLLAMA, "{} {}"},
        {IDIOM_OLLAMA, "{\"message\":{\"content\":\"\xFF\"}}"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct idiom_news news;
        struct err err;
        const char *line = cases[i].line;
        assert_false(
            idiom_read(&news, &arena, cases[i].idiom, (struct span){line, strlen(line)}, &err));
        assert_int_equal(err.code, ERR_INVALID);
    }
}

static void test_reason(void **state)
{
    static const struct {
        const char *body, *why;
    } cases[] = {
        {"{\"error\":{\"message\":\"a\",\"type\":\"x\"}}", "a"},
        {"{\"type\":\"error\",\"error\":{\"type\":\"x\",\"message\":\"b\"}}", "b"},
        {"{\"error\":\"c\"}", "c"},
        {"{\"error\":null}", ""},
        {"<html>", ""},
        {"", ""},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_true(
            span_eq(idiom_reason(&arena, (struct span){cases[i].body, strlen(cases[i].body)}),
                    (struct span){cases[i].why, strlen(cases[i].why)}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_teardown(test_names, clear),
                                       cmocka_unit_test_teardown(test_write, clear),
                                       cmocka_unit_test_teardown(test_lacks, clear),
                                       cmocka_unit_test_teardown(test_read, clear),
                                       cmocka_unit_test_teardown(test_damaged, clear),
                                       cmocka_unit_test_teardown(test_reason, clear)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
