/* What of an event is searched for. */
#include "relay/indexer_text.h"

#include "shared/arena.h"
#include "shared/event.h"
#include "tests/quoted.h"
#include "tests/test.h"

static void test_text(void **state)
{
    static const struct {
        uint16_t kind;
        const char *tags, *content; /* of which the body of the JSON string; ' for " in tags */
        const char *title, *body, *language;
    } cases[] = {
        {1, "[]", "plain", "", "plain", ""},
        {1, "[]", "two\\nlines \\u00e9 \\\"x\\\"", "", "two\nlines \xc3\xa9 \"x\"", ""},
        {1, "[]", "", "", "", ""},
        {1, "[]", "nul\\u0000here", "", "nul here", ""},
        {1, "[['t','cats'],['t','dogs'],['p','x']]", "see", "", "see cats dogs", ""},
        {30023, "[['title','A'],['summary','B'],['d','no']]", "C", "A", "C B", ""},
        {1, "[['subject','S'],['name','N'],['alt','L']]", "C", "S N", "C L", ""},
        {1, "[['l','de','ISO-639-1']]", "x", "", "x", "de"},
        {1, "[['l','de'],['l','DE','ISO-639-1'],['l','deu','ISO-639-1'],['l','fr','ISO-639-1']]",
         "x", "", "x", "fr"},
        {0, "[]",
         "{\\\"name\\\":\\\"n\\\",\\\"about\\\":\\\"a\\\",\\\"x\\\":{\\\"name\\\":\\\"no\\\"}}",
         "n", "a", ""},
        {0, "[]", "{\\\"name\\\":7,\\\"display_name\\\":\\\"d\\\\u00e9\\\",\\\"about\\\":null}",
         "d\xc3\xa9", "", ""},
        {0, "[]", "{\\\"name\\\":\\\"n\\\",", "", "{\"name\":\"n\",", ""},
        {0, "[]", "[]", "", "[]", ""},
        {0, "[]", "", "", "", ""},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena arena = {0};
        struct event event = {.kind = cases[i].kind};
        print_message("%s\n", cases[i].content);
        assert_true(event_parse_tags(&event, &arena, quoted(&arena, cases[i].tags), NULL));
        event.content_json = (struct span){cases[i].content, strlen(cases[i].content)};
        struct indexer_text text = indexer_text_of(&arena, &event);
        assert_true(span_eq(text.title, (struct span){cases[i].title, strlen(cases[i].title)}));
        assert_true(span_eq(text.body, (struct span){cases[i].body, strlen(cases[i].body)}));
        assert_true(
            span_eq(text.language, (struct span){cases[i].language, strlen(cases[i].language)}));
        arena_clear(&arena);
    }
}

/* Cut anywhere, as PostgreSQL cuts it: what is in front of a broken escape is kept. */
static void test_cut(void **state)
{
    static const char whole[] = "ab\\\\\\u00e9\\ud83d\\ude00\\n\xf0\x9f\x98\x80z\\\"";
    (void)state;
    for (size_t len = 0; len <= sizeof whole - 1; len++) {
        struct arena arena = {0};
        struct event event = {.kind = 1, .content_json = {whole, len}};
        if ((whole[len] & 0xc0) == 0x80)
            continue; /* it cuts between characters */
        struct span body = indexer_text_of(&arena, &event).body;
        assert_true(len < 2 || (body.len >= 2 && memcmp(body.at, "ab", 2) == 0));
        assert_true(len < 17 || body.len >= 5);
        assert_true(body.len <= len);
        arena_clear(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_text), cmocka_unit_test(test_cut)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
