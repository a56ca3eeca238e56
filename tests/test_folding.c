/* What is lowered, what is no part of a word, and that all else stays. */
#include "relay/folding.h"
#include "shared/arena.h"
#include "shared/utf8.h"
#include "tests/test.h"

static struct span fold(struct arena *arena, const char *text)
{
    return folding_of(arena, (struct span){text, strlen(text)});
}

static void test_cases(void **state)
{
    static const struct {
        const char *text, *folded;
    } cases[] = {
        {"", ""},
        {"AZ az 09 @[`{ -\"", "az az 09 @[`{ -\""},
        {"\xc3\x84pfel na\xc3\xafve \xc3\x9f \xc2\xb5",
         "\xc3\xa4pfel na\xc3\xafve \xc3\x9f \xc2\xb5"},
        {"\xd0\x9f\xd0\xa0\xd0\x98", "\xd0\xbf\xd1\x80\xd0\xb8"}, /* Cyrillic */
        {"\xce\xa9\xce\xac", "\xcf\x89\xce\xac"},                 /* Greek */
        {"\xf0\x90\x90\x80", "\xf0\x90\x90\xa8"},                 /* Deseret */
        {"\xc8\xba", "\xe2\xb1\xa5"},                             /* it grows */
        {"\xe0\xa4\xb9\xe0\xa4\xbf\xe0\xa4\xa8\xe0\xa5\x8d\xe0\xa4\xa6\xe0\xa5\x80",
         "\xe0\xa4\xb9\xe0\xa4\xbf\xe0\xa4\xa8\xe0\xa5\x8d\xe0\xa4\xa6\xe0\xa5\x80"},
        {"\xd9\x85\xdb\x8c\xe2\x80\x8c\xd8\xae",
         "\xd9\x85\xdb\x8c\xe2\x80\x8c\xd8\xae"}, /* joiner */
        {"e\xcc\x81", "e\xcc\x81"},
        {"\xe2\x80\x9cT\xe2\x80\x9d\xe2\x80\x94it\xe2\x80\x99s\xe2\x80\xa6", "\"t\" it s "},
        {"\xc2\xabx\xc2\xbb\xc2\xa0y", "\"x\" y"},
        {"\xe5\x85\xa8\xe3\x80\x82\xe8\xa7\x92\xef\xbc\x8c", "\xe5\x85\xa8 \xe8\xa7\x92 "},
        {"hi\xf0\x9f\x8e\x89\xe2\x9d\xa4\xef\xb8\x8f", "hi   "},
        {"\xef\xbf\xbd\xf4\x8f\xbf\xbf", " \xf4\x8f\xbf\xbf"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena arena = {0};
        struct span folded = fold(&arena, cases[i].text);
        print_message("%s\n", cases[i].text);
        assert_true(span_eq(folded, (struct span){cases[i].folded, strlen(cases[i].folded)}));
        assert_true(span_eq(folding_of(&arena, folded), folded));
        arena_clear(&arena);
    }
}

/* Of every character: it is well formed, within its room, and folded once. */
static void test_all(void **state)
{
    uint32_t changed = 0;
    (void)state;
    for (uint32_t character = 1; character <= 0x10ffff; character++) {
        struct arena arena = {0};
        char bytes[4];
        if (character == 0xd800)
            character = 0xe000;
        const struct span one = {bytes, utf8_put(bytes, character)};
        struct span folded = folding_of(&arena, one);
        assert_true(utf8_is(folded) && utf8_count(folded) == 1);
        assert_true(2 * folded.len <= 3 * one.len);
        assert_true(span_eq(folding_of(&arena, folded), folded));
        changed += !span_eq(folded, one);
        arena_clear(&arena);
    }
    assert_in_range(changed, 5000, 20000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases), cmocka_unit_test(test_all)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
