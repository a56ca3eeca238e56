/* Search strings: what is a word, what an extension. */
#include "shared/terms.h"

#include "shared/arena.h"
#include "tests/test.h"

static void test_read(void **state)
{
    static const struct {
        const char *text, *words, *language;
    } cases[] = {
        {"", "", ""},
        {"best nostr apps", "best nostr apps", ""},
        {"  best \t\nnostr  ", "best nostr", ""},
        {"include:spam", "", ""},
        {"orange include:spam domain:example.com -apple", "orange -apple", ""},
        {"language:de Wasser", "Wasser", "de"},
        {"Wasser language:DE", "Wasser", "de"},
        {"language:de language:fr eau", "eau", "fr"},
        {"language:deu language:d language:42 x", "x", ""},
        {"\"two words\" or three", "\"two words\" or three", ""},
        {"\"say language:de now\"", "\"say language:de now\"", ""},
        {"\"open language:de", "\"open language:de", ""},
        {"a\"b c:d\" e:f", "a\"b c:d\"", ""},
        {"https://example.com/x", "https://example.com/x", ""},
        {"at 12:30", "at 12:30", ""},
        {"colon: :colon a:b:c", "colon: :colon", ""},
        {"title:\"x y\"", "title:\"x y\"", ""},
        {"na\xc3\xafve:x caf\xc3\xa9", "na\xc3\xafve:x caf\xc3\xa9", ""},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena arena = {0};
        print_message("%s\n", cases[i].text);
        struct terms terms =
            terms_read(&arena, (struct span){cases[i].text, strlen(cases[i].text)});
        struct span expected = {cases[i].words, strlen(cases[i].words)};
        if (!span_eq(terms.words, expected))
            fail_msg("%.*s", SPAN_ARG(terms.words));
        assert_string_equal(terms.language, cases[i].language);
        arena_clear(&arena);
    }
}

/* A NUL, which PostgreSQL takes in no text, parts words. */
static void test_nul(void **state)
{
    struct arena arena = {0};
    (void)state;
    struct terms terms = terms_read(&arena, SPAN("a\0b\0"));
    assert_true(span_eq(terms.words, SPAN("a b")));
    arena_clear(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_read), cmocka_unit_test(test_nul)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
