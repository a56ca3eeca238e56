/* Answers and refusals in OpenAI's shape, to the byte; a stream is read again by delta. */
#include "client/chunk.h"

#include "client/idiom.h"
#include "client/line.h"
#include "shared/arena.h"
#include "shared/text.h"
#include "tests/test.h"

static const struct chunk chunk = {.number = 0xab,
                                   .created_at = 7,
                                   .model = {"m\"", 2},
                                   .has_usage = true,
                                   .prompt_tokens = UINT32_MAX,
                                   .output_tokens = 2};
#define HEAD "{\"id\":\"chatcmpl-00000000000000ab\",\"object\":\"chat.completion"

static void expect(struct text *out, const char *wanted)
{
    print_message("%.*s\n", (int)out->len, out->at);
    assert_true(span_eq(text_span(out), (struct span){wanted, strlen(wanted)}));
    text_clear(out);
}

static void test_whole(void **state)
{
    struct text out = {0};
    (void)state;
    chunk_whole(&out, &chunk, SPAN("a\n"), SPAN("length"));
    expect(&out,
           HEAD "\",\"created\":7,\"model\":\"m\\\"\",\"choices\":[{\"index\":0,\"message\":"
                "{\"role\":\"assistant\",\"content\":\"a\\n\",\"refusal\":null},\"logprobs\":null,"
                "\"finish_reason\":\"length\"}],\"usage\":{\"prompt_tokens\":4294967295,"
                "\"completion_tokens\":2,\"total_tokens\":4294967297}}");
}

static void test_refusal(void **state)
{
    struct text out = {0};
    (void)state;
    chunk_refuse(&out, &(struct chunk_refusal){"a", "b", SPAN("\"")});
    expect(&out, "{\"error\":{\"message\":\"\\\"\",\"type\":\"a\",\"param\":null,\"code\":\"b\"}}");
    chunk_refuse(&out, &(struct chunk_refusal){.type = "a", .why = SPAN("x")});
    expect(&out, "{\"error\":{\"message\":\"x\",\"type\":\"a\",\"param\":null,\"code\":null}}");
    chunk_model(&out, SPAN("m"), SPAN("o"), 5);
    expect(&out, "{\"id\":\"m\",\"object\":\"model\",\"created\":5,\"owned_by\":\"o\"}");
}

struct heard {
    struct arena arena;
    struct text words, finish;
    unsigned usages, ends;
};

static void on_line(void *owner, struct span line)
{
    struct heard *heard = owner;
    struct idiom_news news;
    assert_true(idiom_read(&news, &heard->arena, IDIOM_OPENAI, line, NULL));
    text_add(&heard->words, news.delta.text);
    text_add(&heard->finish, news.delta.finish);
    heard->usages += news.delta.has_usage && news.delta.prompt_tokens == UINT32_MAX;
    heard->ends += news.is_end;
}

static void test_stream(void **state)
{
    struct text out = {0};
    struct line line = {0};
    struct heard heard = {0};
    (void)state;
    chunk_begin(&out, &chunk);
    chunk_add(&out, &chunk, SPAN("a\n\""));
    chunk_pass(&out, SPAN("{\"choices\":[{\"delta\":{\"content\":\"b\"}}]}"));
    chunk_end(&out, &chunk, SPAN("stop"));
    chunk_done(&out);
    line_add(&line, text_span(&out), on_line, &heard);
    assert_int_equal(heard.ends, 1);
    assert_int_equal(heard.usages, 1);
    expect(&heard.words, "a\n\"b");
    expect(&heard.finish, "stop");
    line_clear(&line);
    arena_clear(&heard.arena);
    text_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_whole), cmocka_unit_test(test_refusal),
                                       cmocka_unit_test(test_stream)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
