/* Filters: what matches, what is refused and in which words, what is written back. */
#include "shared/filter.h"

#include <stdio.h>

#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/scan.h"
#include "shared/terms.h"
#include "shared/text.h"
#include "tests/quoted.h"
#include "tests/test.h"

/* "abcdefghijklmnopqrstuvwxyz012345", in hex */
#define KEY "6162636465666768696a6b6c6d6e6f707172737475767778797a303132333435"
#define LOW "0000000000000000000000000000000000000000000000000000000000000000"
#define HIGH "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"

static const struct span tag_e[] = {{"e", 1}, {KEY, 64}};
static const struct span tag_t[] = {{"t", 1}, {"c", 1}, {"lisp", 4}};
static const struct span tag_bare[] = {{"x", 1}};
static const struct span tag_long[] = {{"client", 6}, {"z", 1}};
static const struct span tag_second[] = {{"t", 1}, {"ada", 3}};
static const struct span tag_empty[] = {{"y", 1}, {"", 0}};
static const struct tag tags[] = {{NULL, 0},     {tag_e, 2},      {tag_t, 3},    {tag_bare, 1},
                                  {tag_long, 2}, {tag_second, 2}, {tag_empty, 2}};
static const struct event event = {.id = {"abcdefghijklmnopqrstuvwxyz012345"},
                                   .created_at = 100,
                                   .kind = 1,
                                   .tags = tags,
                                   .tag_count = ARRAY_LEN(tags)};

static void parse(struct filter *filter, struct arena *arena, const char *text)
{
    struct err err;
    if (!filter_parse(filter, arena, quoted(arena, text), &err))
        fail_msg("%s", err.text);
}

static const struct {
    bool match;
    const char *filter;
} matches[] = {
    {true, "{}"},
    {true, " { } "},
    {true, "{'ids':['" KEY "']}"},
    {true, "{'ids':['" HIGH "','" KEY "','" LOW "']}"},
    {false, "{'ids':['" HIGH "','" LOW "']}"},
    {false, "{'authors':['" KEY "']}"},
    {true, "{'authors':['" LOW "']}"},
    {true, "{'kinds':[0,1]}"},
    {true, "{'kinds':[7,1.0,65535,0]}"},
    {false, "{'kinds':[0,2,65535]}"},
    {true, "{'#e':['" KEY "'],'kinds':[1]}"},
    {false, "{'#e':['" KEY "'],'kinds':[0]}"}, /* conditions are && */
    {true, "{'#t':['go','c']}"},               /* values are || */
    {true, "{'#t':['ada']}"},                  /* any tag of the name */
    {true, "{'#t':['\\u0063']}"},
    {false, "{'#t':['lisp']}"}, /* only the first value counts */
    {false, "{'#t':['cc','']}"},
    {false, "{'#T':['c']}"},
    {false, "{'#x':['']}"}, /* a tag without a value has none, not an empty one */
    {true, "{'#y':['']}"},
    {false, "{'#c':['z']}"}, /* only tags of one letter are indexed */
    {true, "{'#t':['c'],'#e':['" KEY "'],'#y':['']}"},
    {false, "{'#t':['c'],'#e':['" HIGH "']}"},
    {false, "{'#t':['cc'],'#e':['" KEY "']}"},
    {true, "{'&t':['c']}"}, /* NIP-91: values are && */
    {true, "{'&t':['c','ada']}"},
    {true, "{'&t':['ada','c','ada']}"},
    {false, "{'&t':['c','ada','go']}"},
    {false, "{'&t':['c','lisp']}"},
    {false, "{'&T':['c']}"},
    {true, "{'&t':['c'],'#t':['ada','go']}"},
    {false, "{'&t':['c'],'#t':['go']}"},
    {false, "{'&t':['c'],'#t':['c','go']}"}, /* used in &: no part of # */
    {true, "{'#t':['c'],'&t':['c']}"},
    {true, "{'&t':['c'],'&e':['" KEY "'],'&y':['']}"},
    {false, "{'&t':['c'],'&e':['" KEY "','" HIGH "']}"},
    {false, "{'&t':[]}"},
    {true, "{'since':100,'until':100,'limit':0}"},
    {true, "{'since':1e2}"},
    {false, "{'since':101}"},
    {false, "{'until':99}"},
    {false, "{'since':101,'until':99}"},
    {false, "{'ids':[]}"},
    {false, "{'authors':[]}"},
    {false, "{'kinds':[]}"},
    {false, "{'#t':[]}"},
    {false, "{'ids':['" KEY "'],'#e':[]}"},
};

static void test_match(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(matches); i++) {
        struct arena arena = {0};
        struct filter filter;
        print_message("%s\n", matches[i].filter);
        parse(&filter, &arena, matches[i].filter);
        assert_int_equal(filter_match(&filter, &event), matches[i].match);
        arena_clear(&arena);
    }
}

#define RANGE "expected an integer from 0 to 9223372036854775807"

static const struct {
    const char *filter, *prefix, *text;
} refused[] = {
    {"", "invalid", "expected '{' at byte 0"},
    {"[]", "invalid", "expected '{' at byte 0"},
    {"null", "invalid", "expected '{' at byte 0"},
    {"{} {}", "invalid", "expected the end at byte 3"},
    {"{'ids':[]", "invalid", "expected ',' or '}' at byte 9"},
    {"{'ids':[],}", "invalid", "expected a string at byte 10"},
    {"{'ids'}", "invalid", "expected ':' at byte 6"},
    {"{'ids':'ab'}", "invalid", "ids: expected '[' at byte 7"},
    {"{'ids':null}", "invalid", "ids: expected '[' at byte 7"},
    {"{'ids':['AB']}", "invalid", "ids: expected 64 lowercase hex digits at byte 8"},
    {"{'ids':['']}", "invalid", "ids: expected 64 lowercase hex digits at byte 8"},
    {"{'ids':['" KEY "',]}", "invalid", "ids: expected a string at byte 75"},
    {"{'authors':['" KEY "0']}", "invalid", "authors: expected 64 lowercase hex digits at byte 12"},
    {"{'authors':['" KEY "' 1]}", "invalid", "authors: expected ',' or ']' at byte 79"},
    {"{'authors':{}}", "invalid", "authors: expected '[' at byte 11"},
    {"{'#p':['bob']}", "invalid", "#p: expected 64 lowercase hex digits at byte 7"},
    {"{'#e':[ 'bob']}", "invalid", "#e: expected 64 lowercase hex digits at byte 8"},
    {"{'#t':[1]}", "invalid", "#t: expected a string at byte 7"},
    {"{'#t':['a' 'b']}", "invalid", "#t: expected ',' or ']' at byte 11"},
    {"{'#t':'a'}", "invalid", "#t: expected '[' at byte 6"},
    {"{'kinds':[65536]}", "invalid", "kinds: expected an integer from 0 to 65535 at byte 10"},
    {"{'kinds':[-1]}", "invalid", "kinds: expected an integer from 0 to 65535 at byte 10"},
    {"{'kinds':['1']}", "invalid", "kinds: expected an integer from 0 to 65535 at byte 10"},
    {"{'kinds':[1 2]}", "invalid", "kinds: expected ',' or ']' at byte 12"},
    {"{'kinds':1}", "invalid", "kinds: expected '[' at byte 9"},
    {"{'since':-1}", "invalid", "since: " RANGE " at byte 9"},
    {"{'since':9223372036854775808}", "invalid", "since: " RANGE " at byte 9"},
    {"{'until':-1}", "invalid", "until: " RANGE " at byte 9"},
    {"{'until':'5'}", "invalid", "until: " RANGE " at byte 9"},
    {"{'until':1.5}", "invalid", "until: " RANGE " at byte 9"},
    {"{'limit':-1}", "invalid", "limit: " RANGE " at byte 9"},
    {"{'limit':null}", "invalid", "limit: " RANGE " at byte 9"},
    {"{'limit':1,'limit':1}", "invalid", "duplicate key 'limit' at byte 11"},
    {"{'#t':['a'],'#\\u0074':['b']}", "invalid", "duplicate key '#t' at byte 12"},
    {"{'#t':[],'#t':[]}", "invalid", "duplicate key '#t' at byte 9"},
    {"{'search':'x'}", "unsupported", "search is no part of this"},
    {"{'search':['x']}", "invalid", "search: expected a string at byte 10"},
    {"{'search':'','search':''}", "invalid", "duplicate key 'search' at byte 13"},
    {"{'&p':['bob']}", "invalid", "&p: expected 64 lowercase hex digits at byte 7"},
    {"{'&t':'a'}", "invalid", "&t: expected '[' at byte 6"},
    {"{'&t':[1]}", "invalid", "&t: expected a string at byte 7"},
    {"{'&t':['a'],'&\\u0074':['b']}", "invalid", "duplicate key '&t' at byte 12"},
    {"{'&tt':['x']}", "unsupported", "unknown filter key '&tt'"},
    {"{'&':['x']}", "unsupported", "unknown filter key '&'"},
    {"{'&1':['x']}", "unsupported", "unknown filter key '&1'"},
    {"{'&ids':['x']}", "unsupported", "unknown filter key '&ids'"},
    {"{'#t&':['x']}", "unsupported", "unknown filter key '#t&'"},
    {"{'#tt':['x']}", "unsupported", "unknown filter key '#tt'"},
    {"{'#':['x']}", "unsupported", "unknown filter key '#'"},
    {"{'#1':['x']}", "unsupported", "unknown filter key '#1'"},
    {"{'#@':['x']}", "unsupported", "unknown filter key '#@'"},
    {"{'#[':['x']}", "unsupported", "unknown filter key '#['"},
    {"{'#`':['x']}", "unsupported", "unknown filter key '#`'"},
    {"{'#{':['x']}", "unsupported", "unknown filter key '#{'"},
    {"{'':1}", "unsupported", "unknown filter key ''"},
    {"{'\xc3\xa9':1}", "unsupported",
     "unknown filter key '?"
     "?'"},
    {"{'an unknown key that is far too long to be repeated':1}", "unsupported",
     "unknown filter key 'an unknown key that is far too l'"},
};

static void test_refuse(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        struct arena arena = {0};
        struct filter filter;
        struct err err;
        print_message("%s\n", refused[i].filter);
        assert_false(filter_parse(&filter, &arena, quoted(&arena, refused[i].filter), &err));
        assert_string_equal(err_prefix(err.code), refused[i].prefix);
        assert_string_equal(err.text, refused[i].text);
        arena_clear(&arena);
    }
}

static void test_fields(void **state)
{
    struct arena arena = {0};
    struct filter filter;
    (void)state;
    parse(&filter, &arena, "{}");
    assert_int_equal(filter.since, 0);
    assert_int_equal(filter.until, INT64_MAX);
    assert_int_equal(filter.limit, FILTER_NO_LIMIT);
    assert_int_equal(filter_value_count(&filter), 0);
    assert_false(filter.matches_nothing);

    parse(&filter, &arena, "{'limit':0,'since':9223372036854775807,'until':0}");
    assert_int_equal(filter.since, INT64_MAX);
    assert_int_equal(filter.until, 0);
    assert_int_equal(filter.limit, 0);

    parse(&filter, &arena,
          "{'#b':['b','','ba','b','a\\u0000','a'],'#B':['x'],'#a':[],'kinds':[3,1,3],"
          "'ids':['" HIGH "','" LOW "','" HIGH "'],'authors':['" KEY "','" KEY "']}");
    assert_true(filter.matches_nothing);
    assert_int_equal(filter_value_count(&filter), 2 + 1 + 2 + 1 + 5);
    assert_int_equal(filter.ids.count, 2);
    assert_int_equal(filter.ids.at[0].at[0], 0);
    assert_int_equal(filter.authors.count, 1);
    assert_int_equal(filter.kinds.count, 2);
    assert_int_equal(filter.kinds.at[0], 1);
    assert_int_equal(filter.tag_count, 2);
    assert_int_equal(filter.tags[0].letter, 'B');
    assert_int_equal(filter.tags[1].letter, 'b');
    static const struct span sorted[] = {{"", 0}, {"a", 1}, {"a\0", 2}, {"b", 1}, {"ba", 2}};
    assert_int_equal(filter.tags[1].count, ARRAY_LEN(sorted));
    for (size_t i = 0; i < ARRAY_LEN(sorted); i++)
        assert_true(span_eq(filter.tags[1].values[i], sorted[i]));
    arena_clear(&arena);
}

static void test_names_kind(void **state)
{
    struct arena arena = {0};
    struct filter filter;
    (void)state;
    parse(&filter, &arena, "{'kinds':[4,1059]}");
    assert_true(filter_names_kind(&filter, 4));
    assert_true(filter_names_kind(&filter, 1059));
    assert_false(filter_names_kind(&filter, 1));
    parse(&filter, &arena, "{}");
    assert_false(filter_names_kind(&filter, 4));
    arena_clear(&arena);
}

static void test_write(void **state)
{
    static const char *const cases[][2] = {
        {"{}", "{}"},
        {"{ 'limit' : 5 , 'kinds' : [ 3 , 1 , 3 ] }", "{'kinds':[1,3],'limit':5}"},
        {"{'until':7,'since':5,'#t':['b\\n','a'],'#Z':['z'],'authors':['" LOW "'],'ids':['" KEY
         "','" LOW "']}",
         "{'ids':['" LOW "','" KEY "'],'authors':['" LOW
         "'],'#Z':['z'],'#t':['a','b\\n'],'since':5,"
         "'until':7}"},
        {"{'since':0,'until':9223372036854775807}", "{}"},
        {"{'#t':[]}", "{'ids':[]}"},
        {"{'#t':[],'ids':['" KEY "']}", "{'ids':['" KEY "'],'authors':[]}"},
        {"{'#t':[],'ids':['" KEY "'],'authors':['" KEY "']}",
         "{'ids':['" KEY "'],'authors':['" KEY "'],'kinds':[]}"},
        {"{'#t':[],'#A':['a'],'kinds':[1],'ids':['" KEY "'],'authors':['" KEY "']}",
         "{'ids':['" KEY "'],'authors':['" KEY "'],'kinds':[1],'#A':['a'],'#B':[]}"},
        {"{'&t':['a']}", "{'#t':['a']}"},
        {"{'&t':['b','a','b'],'#t':['d','a','c'],'#Z':['z']}",
         "{'#Z':['z'],'&t':['a','b'],'#t':['c','d']}"},
        {"{'&t':['b'],'#t':['a']}", "{'&t':['a','b']}"},
        {"{'&t':['b'],'#t':['b']}", "{'#t':['b']}"},
        {"{'&A':['a','b'],'&B':[],'kinds':[1],'ids':['" KEY "'],'authors':['" KEY "']}",
         "{'ids':['" KEY "'],'authors':['" KEY "'],'kinds':[1],'&A':['a','b'],'#A':[]}"},
    };
    struct text text = {0};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena arena = {0};
        struct filter filter;
        print_message("%s\n", cases[i][0]);
        parse(&filter, &arena, cases[i][0]);
        text.len = 0;
        filter_write(&text, &filter);
        struct span expected = quoted(&arena, cases[i][1]);
        if (!span_eq(text_span(&text), expected))
            fail_msg("%.*s", (int)text.len, text.at);
        arena_clear(&arena);
    }
    text_clear(&text);
}

/* Every letter at once, one of them empty, and no other key left to say so. */
static void test_all_letters(void **state)
{
    struct arena arena = {0};
    struct text text = {0};
    struct filter filter;
    (void)state;
    text_add(&text, SPAN("{'kinds':[1],'ids':['" KEY "'],'authors':['" KEY "']"));
    for (char letter = 'z'; letter >= 'A'; letter--)
        if (letter >= 'a' || letter <= 'Z')
            text_addf(&text, ",'#%c':['" KEY "']", letter);
    text_add(&text, SPAN("}"));
    text_add(&text, (struct span){"", 1});
    parse(&filter, &arena, text.at);
    assert_int_equal(filter.tag_count, 52);
    assert_int_equal(filter.tags[0].letter, 'A');
    assert_int_equal(filter.tags[51].letter, 'z');

    char *last = strstr(text.at, "'#c':['");
    memset(last + strlen("'#c':["), ' ', strlen("'" KEY "'"));
    parse(&filter, &arena, text.at);
    assert_true(filter.matches_nothing);
    assert_int_equal(filter.tag_count, 51);
    text.len = 0;
    filter_write(&text, &filter);
    text_add(&text, (struct span){"", 1});
    assert_non_null(strstr(text.at, ",\"#c\":[]}"));
    text_clear(&text);
    arena_clear(&arena);
}

static void test_search(void **state)
{
    static const struct {
        const char *filter, *search, *written;
    } cases[] = {
        {"{'search':'a \\u0062 language:de','limit':3}", "a b language:de",
         "{'search':'a b language:de','limit':3}"},
        {"{'search':''}", "", "{}"},
        {"{'search':' language:de include:spam '}", "", "{}"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena arena = {0};
        struct text text = {0};
        struct filter filter;
        struct scan scan = scan_begin(quoted(&arena, cases[i].filter));
        assert_true(filter_scan(&filter, &arena, &scan, NULL));
        assert_true(
            span_eq(filter.search, (struct span){cases[i].search, strlen(cases[i].search)}));
        assert_true(filter_match(&filter, &event)); /* not its business */
        filter_write(&text, &filter);
        assert_true(span_eq(text_span(&text), quoted(&arena, cases[i].written)));
        text_clear(&text);
        arena_clear(&arena);
    }
}

/* As long as it may be, and a byte more. */
static void test_search_length(void **state)
{
    (void)state;
    for (int more = 0; more < 2; more++) {
        struct arena arena = {0};
        struct text text = {0};
        struct filter filter;
        struct err err;
        text_addf(&text, "{\"search\":\"%0*d\"}", TERMS_BYTES_MAX + more, 0);
        struct scan scan = scan_begin(text_span(&text));
        assert_int_equal(filter_scan(&filter, &arena, &scan, &err), more == 0);
        if (more > 0)
            assert_string_equal(err.text, "more than 1024 bytes to search for");
        text_clear(&text);
        arena_clear(&arena);
    }
}

/* {"kinds":...,"#A":["0","1"],... for every letter, and count values of "&q" and "&r". */
static void write_most(struct text *text, uint32_t count)
{
    text->len = 0;
    text_add(text, SPAN("{'kinds':[1],'ids':['" KEY "'],'authors':['" KEY "'],'&q':['#'"));
    for (uint32_t i = 2; i < count; i++)
        text_addf(text, ",'all %u'", i);
    text_add(text, SPAN("],'&r':['r']"));
    for (int letter = 'A'; letter <= 'z'; letter++)
        if (letter >= 'a' || letter <= 'Z')
            text_addf(text, ",'#%c':['" KEY "','" LOW "']", letter);
}

/* As many values that must all match as there may be, beside every letter; and one more. */
static void test_most_tags(void **state)
{
    struct arena arena = {0};
    struct text text = {0};
    struct filter filter;
    struct err err;
    (void)state;
    write_most(&text, FILTER_ALL_MAX);
    text_add(&text, SPAN("}\0"));
    parse(&filter, &arena, text.at);
    assert_int_equal(filter.tag_count, FILTER_TAGS_MAX);
    assert_int_equal(filter_value_count(&filter), 3 + FILTER_ALL_MAX + 2 * 52);

    write_most(&text, FILTER_ALL_MAX);
    text_add(&text, SPAN(",'&A':[]}\0"));
    parse(&filter, &arena, text.at);
    assert_true(filter.matches_nothing);
    text.len = 0;
    filter_write(&text, &filter);
    text_add(&text, (struct span){"", 1});
    assert_non_null(strstr(text.at, ",\"&A\":[]}"));

    write_most(&text, FILTER_ALL_MAX + 1);
    text_add(&text, SPAN("}\0"));
    assert_false(filter_parse(&filter, &arena, quoted(&arena, text.at), &err));
    assert_string_equal(err.text, "more than 64 values that must all match");
    text_clear(&text);
    arena_clear(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_match),         cmocka_unit_test(test_refuse),
        cmocka_unit_test(test_fields),        cmocka_unit_test(test_names_kind),
        cmocka_unit_test(test_write),         cmocka_unit_test(test_all_letters),
        cmocka_unit_test(test_most_tags),     cmocka_unit_test(test_search),
        cmocka_unit_test(test_search_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
