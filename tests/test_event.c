/* Events: what is accepted and refused, and the three canonical forms. */
#include "shared/event.h"

#include <stdio.h>

#include "shared/arena.h"
#include "shared/err.h"
#include "shared/sig.h"
#include "shared/text.h"
#include "tests/quoted.h"
#include "tests/test.h"

#define HEX16 "0123456789abcdef"
#define HEX64 HEX16 HEX16 HEX16 HEX16
#define HEX128 HEX64 HEX64
#define ID "'id':'" HEX64 "'"
#define PUBKEY "'pubkey':'" HEX64 "'"
#define CREATED_AT "'created_at':1700000000"
#define KIND "'kind':1"
#define TAGS "'tags':[]"
#define CONTENT "'content':''"
#define SIG "'sig':'" HEX128 "'"
#define ALL ID "," PUBKEY "," CREATED_AT "," KIND "," TAGS "," CONTENT "," SIG
#define WITH_CREATED_AT(value) \
    "{" ID "," PUBKEY ",'created_at':" value "," KIND "," TAGS "," CONTENT "," SIG "}"
#define WITH_KIND(value) \
    "{" ID "," PUBKEY "," CREATED_AT ",'kind':" value "," TAGS "," CONTENT "," SIG "}"
#define WITH_TAGS(value) \
    "{" ID "," PUBKEY "," CREATED_AT "," KIND ",'tags':" value "," CONTENT "," SIG "}"
#define WITH_CONTENT(value) \
    "{" ID "," PUBKEY "," CREATED_AT "," KIND "," TAGS ",'content':" value "," SIG "}"

static void test_accept(void **state)
{
    static const char *const cases[] = {
        "{" ALL "}",
        " \r\n\t{ " ALL " } ",
        "{" SIG "," CONTENT "," TAGS "," KIND "," CREATED_AT "," PUBKEY "," ID "}",
        "{" ALL ",'extra':{'a':[1,2,{'id':null}]},'extra':2}",
        "{'\\u0069d':'" HEX64 "'," PUBKEY "," CREATED_AT "," KIND "," TAGS "," CONTENT "," SIG "}",
        WITH_CREATED_AT("0"),
        WITH_CREATED_AT("9223372036854775807"),
        WITH_CREATED_AT("1.7e9"),
        WITH_CREATED_AT("1.0"),
        WITH_KIND("0"),
        WITH_KIND("65535"),
        WITH_TAGS("[[]]"),
        WITH_TAGS("[[],[''],['a','b','c']]"),
        WITH_TAGS(" [ [ ] , [ 'a' , 'b' ] ] "),
        WITH_CONTENT("'\\u0000\\ud83d\\ude00\\/ \xef\xb7\x91'"),
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena arena = {0};
        struct event event;
        struct err err;
        print_message("%s\n", cases[i]);
        if (!event_parse(&event, &arena, quoted(&arena, cases[i]), &err))
            fail_msg("%s", err.text);
        assert_int_equal(event.id.at[0], 0x01);
        assert_int_equal(event.sig.at[63], 0xef);
        arena_clear(&arena);
    }
}

static const struct {
    const char *text, *reason;
} refused[] = {
    {"", "expected '{' at byte 0"},
    {"[]", "expected '{' at byte 0"},
    {"null", "expected '{' at byte 0"},
    {"{}", "missing key 'id'"},
    {"{" ALL "} x", "expected the end at byte 343"},
    {"{" ALL "", "expected ',' or '}' at byte 341"},
    {"{" ALL ",}", "expected a string at byte 342"},
    {"{" ID "}", "missing key 'pubkey'"},
    {"{" ID "," PUBKEY "," KIND "," TAGS "," CONTENT "," SIG "}", "missing key 'created_at'"},
    {"{" ID "," PUBKEY "," CREATED_AT "," TAGS "," CONTENT "," SIG "}", "missing key 'kind'"},
    {"{" ID "," PUBKEY "," CREATED_AT "," KIND "," CONTENT "," SIG "}", "missing key 'tags'"},
    {"{" ID "," PUBKEY "," CREATED_AT "," KIND "," TAGS "," SIG "}", "missing key 'content'"},
    {"{" ID "," PUBKEY "," CREATED_AT "," KIND "," TAGS "," CONTENT "}", "missing key 'sig'"},
    {"{" ALL "," KIND "}", "duplicate key 'kind' at byte 342"},
    {"{" ID ",'\\u0069\\u0064':'" HEX64 "'}", "duplicate key 'id' at byte 73"},
    {"{'id':1}", "id: expected a string at byte 6"},
    {"{'id':'" HEX16 "'}", "id: expected 64 lowercase hex digits at byte 6"},
    {"{'id':'" HEX64 "0'}", "id: expected 64 lowercase hex digits at byte 6"},
    {"{'id':'" HEX16 HEX16 HEX16 "0123456789ABCDEF'}",
     "id: expected 64 lowercase hex digits at byte 6"},
    {"{'pubkey':'" HEX16 "'}", "pubkey: expected 64 lowercase hex digits at byte 10"},
    {"{'sig':'" HEX64 "'}", "sig: expected 128 lowercase hex digits at byte 7"},
    {"{'kind':-1}", "kind: expected an integer from 0 to 65535 at byte 8"},
    {"{'kind':65536}", "kind: expected an integer from 0 to 65535 at byte 8"},
    {"{'kind':'1'}", "kind: expected an integer from 0 to 65535 at byte 8"},
    {"{'kind':1.5}", "kind: expected an integer from 0 to 65535 at byte 8"},
    {"{'created_at':-1}",
     "created_at: expected an integer from 0 to 9223372036854775807 at byte 14"},
    {"{'created_at':9223372036854775808}",
     "created_at: expected an integer from 0 to 9223372036854775807 at byte 14"},
    {"{'created_at':1e99}",
     "created_at: expected an integer from 0 to 9223372036854775807 at byte 14"},
    {"{'created_at':'0'}",
     "created_at: expected an integer from 0 to 9223372036854775807 at byte 14"},
    {"{'tags':{}}", "tags: expected '[' at byte 8"},
    {"{'tags':null}", "tags: expected '[' at byte 8"},
    {"{'tags':['a']}", "tags: expected '[' at byte 9"},
    {"{'tags':[[1]]}", "tags: expected a string at byte 10"},
    {"{'tags':[['a',null]]}", "tags: expected a string at byte 14"},
    {"{'tags':[['a',]]}", "tags: expected a string at byte 14"},
    {"{'tags':[['a'],]}", "tags: expected '[' at byte 15"},
    {"{'tags':[['a' 'b']]}", "tags: expected ',' or ']' at byte 14"},
    {"{'tags':[[] []]}", "tags: expected ',' or ']' at byte 12"},
    {"{'content':null}", "content: expected a string at byte 11"},
    {"{'content':'\n'}", "content: unescaped control byte at byte 12"},
    {"{'content':'\xff'}", "content: invalid UTF-8 at byte 12"},
    {"{'content':'\\ud800'}", "content: unpaired surrogate at byte 12"},
    {"{'x':[}", "expected a value at byte 6"},
};

static void test_refuse(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        struct arena arena = {0};
        struct event event;
        struct err err;
        print_message("%s\n", refused[i].text);
        assert_false(event_parse(&event, &arena, quoted(&arena, refused[i].text), &err));
        assert_int_equal(err.code, ERR_INVALID);
        assert_string_equal(err.text, refused[i].reason);
        arena_clear(&arena);
    }
}

/* A refusal names the event wherever its id stands, and nothing else. */
static void test_find_id(void **state)
{
    static const struct {
        bool found;
        const char *text;
    } cases[] = {
        {true, "{" ID},
        {true, "{" ID ",bad"},
        {true, "{'kind':-1," ID "}"},
        {true, "{'kind':nonsense \xff 'id' \t: \r\n'" HEX64 "'"},
        {true, "{'id','id':1,'id':'short'," ID "}"},
        {true, "{" ALL "} trailing"},
        {false, "{}"},
        {false, "{'id':'" HEX16 "'}"},
        {false, "{'id':'" HEX16 HEX16 HEX16 "0123456789ABCDEF'}"},
        {false, "{'id':'" HEX64 "0'}"},
        {false, "{'id':'" HEX64},
        {false, "{'id' '" HEX64 "'"},
        {false, "{'kind':-1,'id'"},
        {false, "{'kind':-1,'id':"},
        {false, "{'content':'\\'id\\':\\'" HEX64 "\\''"},
        {false, ""},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena arena = {0};
        struct event event;
        print_message("%s\n", cases[i].text);
        assert_false(event_parse(&event, &arena, quoted(&arena, cases[i].text), NULL));
        assert_int_equal(event.id.at[0], cases[i].found ? 0x01 : 0);
        assert_int_equal(event.id.at[31], cases[i].found ? 0xef : 0);
        arena_clear(&arena);
    }
}

static void parse(struct event *event, struct arena *arena, const char *text)
{
    struct err err;
    if (!event_parse(event, arena, quoted(arena, text), &err))
        fail_msg("%s", err.text);
}

static void assert_text(const struct text *text, const char *expected)
{
    if (text->len != strlen(expected) || memcmp(text->at, expected, text->len) != 0)
        fail_msg("%.*s\nis not\n%s", (int)text->len, text->at, expected);
}

/* Served as it came, but for whitespace between tokens and the order of members. */
static void test_write(void **state)
{
    static const char *const tags[][2] = {
        {"[]", "[]"},
        {" [ ] ", "[]"},
        {"[[]]", "[[]]"},
        {"[ [\t'a' ,\r\n'b c \\' , ] \\\\' ] , [ ] , [' '] ]",
         "[['a','b c \\' , ] \\\\'],[],[' ']]"},
        {"[['\\u0041\\/\\n']]", "[['\\u0041\\/\\n']]"},
    };
    struct text text = {0};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
        struct arena arena = {0};
        struct event event;
        char in[1000];
        char out[1000];
        snprintf(in, sizeof in,
                 "{'content':'\\u0041 \\/'," ID "," PUBKEY "," CREATED_AT "," KIND
                 ",'x':0,'tags':%s ," SIG "}",
                 tags[i][0]);
        snprintf(out, sizeof out,
                 "{" ID "," PUBKEY "," CREATED_AT "," KIND ",'tags':%s,'content':'\\u0041 \\/'," SIG
                 "}",
                 tags[i][1]);
        parse(&event, &arena, in);
        text.len = 0;
        event_write(&text, &event);
        struct span expected = quoted(&arena, out);
        assert_text(&text, expected.at);
        arena_clear(&arena);
    }
    text_clear(&text);
}

/* Without whitespace and escapes, everything is borrowed but the decoded tags' table. */
static void test_borrow(void **state)
{
    struct arena arena = {0};
    struct event event;
    struct span text = quoted(&arena, WITH_TAGS("[['a','b']]"));
    (void)state;
    assert_true(event_parse(&event, &arena, text, NULL));
    assert_memory_equal(event.tags_json.at, "[[\"a\",\"b\"]]", event.tags_json.len);
    assert_true(event.tags_json.at > text.at && event.tags_json.at < text.at + text.len);
    assert_ptr_equal(event.tags[0].items[1].at, event.tags_json.at + 7);
    arena_clear(&arena);
}

static void test_tags(void **state)
{
    struct arena arena = {0};
    struct event event;
    (void)state;
    assert_true(event_parse_tags(&event, &arena, SPAN("[[\"a\",\"\\u0062\"],[],[\"\"]]"), NULL));
    assert_int_equal(event.tag_count, 3);
    assert_int_equal(event.tags[0].count, 2);
    assert_int_equal(event.tags[1].count, 0);
    assert_int_equal(event.tags[2].count, 1);
    assert_true(span_eq(event.tags[0].items[0], SPAN("a")));
    assert_true(span_eq(event.tags[0].items[1], SPAN("b")));
    assert_true(span_eq(event.tags[2].items[0], SPAN("")));
    assert_false(event_parse_tags(&event, &arena, SPAN("[]]"), NULL));
    assert_false(event_parse_tags(&event, &arena, SPAN("[[]"), NULL));
    assert_false(event_parse_tags(&event, &arena, SPAN(""), NULL));
    arena_clear(&arena);
}

/* Many tags with many items, over every growth of the tables. */
static void test_many_tags(void **state)
{
    enum { COUNT = 300 };
    struct arena arena = {0};
    struct text text = {0};
    struct event event;
    (void)state;
    for (int i = 0; i < COUNT; i++) {
        text_add(&text, i == 0 ? SPAN("[[") : SPAN("],["));
        for (int j = 0; j < i % 7; j++)
            text_addf(&text, "%s\"%d.%d\"", j == 0 ? "" : ",", i, j);
    }
    text_add(&text, SPAN("]]"));
    assert_true(event_parse_tags(&event, &arena, text_span(&text), NULL));
    assert_int_equal(event.tag_count, COUNT);
    for (uint32_t i = 0; i < COUNT; i++) {
        assert_int_equal(event.tags[i].count, i % 7);
        for (uint32_t j = 0; j < i % 7; j++) {
            char item[32];
            snprintf(item, sizeof item, "%u.%u", i, j);
            assert_true(span_eq(event.tags[i].items[j], (struct span){item, strlen(item)}));
        }
    }
    text_clear(&text);
    arena_clear(&arena);
}

#define HEAD "[0,'" HEX64 "',1700000000,1,"

static void test_serialize(void **state)
{
    static const struct {
        const char *content;
        const char *forms[3]; /* by enum event_form */
    } cases[] = {
        {"", {"", "", ""}},
        {"a/b \xc3\xa9", {"a/b \xc3\xa9", "a/b \xc3\xa9", "a/b \xc3\xa9"}},
        {"\\/\\u002f\\u0020\\u007e", {"// ~", "// ~", "// ~"}},
        {"\\n\\\"\\\\\\r\\t\\b\\f",
         {"\\n\\\"\\\\\\r\\t\\b\\f", "\\n\\\"\\\\\\r\\t\\b\\f", "\\n\\\"\\\\\\r\\t\\b\\f"}},
        {"\\u000a\\u0022\\u005C\\u000D\\u0009\\u0008\\u000c",
         {"\\n\\\"\\\\\\r\\t\\b\\f", "\\n\\\"\\\\\\r\\t\\b\\f", "\\n\\\"\\\\\\r\\t\\b\\f"}},
        {"\\u0001\\u000B\\u001f",
         {"\\u0001\\u000b\\u001f", "\\u0001\\u000b\\u001f", "\x01\x0b\x1f"}},
        {"\x7f\x7f-\\u007F", {"\x7f\x7f-\x7f", "\\u007f\\u007f-\\u007f", "\x7f\x7f-\x7f"}},
        {"\\u0041\\u00e9\\u20ac\\ud83d\\uDE00",
         {"A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
          "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"}},
        {"\\\\u0001\\\\n", {"\\\\u0001\\\\n", "\\\\u0001\\\\n", "\\\\u0001\\\\n"}},
    };
    struct arena arena = {0};
    struct text text = {0};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        for (enum event_form form = EVENT_FORM_JSON; form <= EVENT_FORM_VERBATIM; form++) {
            struct event event;
            char tags[200];
            char expected[1000];
            parse(&event, &arena, "{" ALL "}");
            snprintf(tags, sizeof tags, "[[\"%s\" , \"\"]]", cases[i].content);
            assert_true(event_parse_tags(&event, &arena, (struct span){tags, strlen(tags)}, NULL));
            event.content_json = (struct span){cases[i].content, strlen(cases[i].content)};
            snprintf(expected, sizeof expected, "%.*s[[\"%s\",\"\"]],\"%s\"]",
                     SPAN_ARG(quoted(&arena, HEAD)), cases[i].forms[form], cases[i].forms[form]);
            text.len = 0;
            event_serialize(&text, &event, form);
            assert_text(&text, expected);
        }
    text_clear(&text);
    arena_clear(&arena);
}

/* A raw NUL may stand in the letter of NIP-01. */
static void test_serialize_nul(void **state)
{
    struct event event = {.tags_json = SPAN("[]"), .content_json = SPAN("a\\u0000b")};
    struct text text = {0};
    (void)state;
    event_serialize(&text, &event, EVENT_FORM_VERBATIM);
    assert_memory_equal(text.at + text.len - 5, "a\0b\"]", 5);
    text_clear(&text);
}

static void test_check_id(void **state)
{
    static const struct {
        const char *content;
        bool differs; /* the forms do */
    } cases[] = {
        {"plain", false},  {"\\u0041 \\/", false}, {"\\u0001", true},    {"\x7f", true},
        {"\\u007f", true}, {"\\u0001\x7f", true},  {"\\\\u0001", false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct event event = {.kind = 1, .tags_json = SPAN("[]")};
        event.content_json = (struct span){cases[i].content, strlen(cases[i].content)};
        struct bytes32 hashes[3];
        for (enum event_form form = EVENT_FORM_JSON; form <= EVENT_FORM_VERBATIM; form++) {
            event.id = hashes[form] = event_hash(&event, form);
            assert_true(event_check_id(&event));
            event.created_at++;
            assert_false(event_check_id(&event));
            event.created_at--;
            event.id.at[31] ^= 1;
            assert_false(event_check_id(&event));
        }
        bool differs = !span_eq(SPAN_OF(hashes[0]), SPAN_OF(hashes[1])) ||
                       !span_eq(SPAN_OF(hashes[0]), SPAN_OF(hashes[2]));
        assert_int_equal(differs, cases[i].differs);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accept),        cmocka_unit_test(test_refuse),
        cmocka_unit_test(test_find_id),       cmocka_unit_test(test_write),
        cmocka_unit_test(test_borrow),        cmocka_unit_test(test_tags),
        cmocka_unit_test(test_many_tags),     cmocka_unit_test(test_serialize),
        cmocka_unit_test(test_serialize_nul), cmocka_unit_test(test_check_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
