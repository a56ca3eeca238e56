/* Strict JSON: one table of what is accepted, one of what is refused and in which words. */
#include "shared/scan.h"

#include <stdio.h>

#include "shared/arena.h"
#include "tests/quoted.h"
#include "tests/test.h"

/* The whole text is one value. */
static bool skip_whole(struct span text, struct err *err)
{
    struct scan scan = scan_begin(text);
    return scan_skip(&scan, err) && scan_end(&scan, err);
}

static void test_accept(void **state)
{
    static const char *const cases[] = {
        "0",
        "-1.5e+10",
        "true",
        "false",
        "null",
        "''",
        "[]",
        "{}",
        " \t\r\n[ ] ",
        "[[],[[]],{}]",
        "{'a':1}",
        " { 'a' : [ 1 , 2 ] , 'b' : { } } ",
        "{'a':{'b':[{'c':null}]}}",
        "{'':''}",
        "'\\'\\\\\\/\\b\\f\\n\\r\\t\\u0000\\uABCD\\uabcd'",
        "'\\ud83d\\ude00'",
        "'\\uD83D\\uDE00x'",
        "'\x7f'",
        "'\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 \xef\xb7\x91'",
        "'seven..' ",
        "'eight...'",
        "'a long run of plain bytes, then \\n, then another long run'",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena arena = {0};
        struct err err = {0};
        print_message("%s\n", cases[i]);
        if (!skip_whole(quoted(&arena, cases[i]), &err))
            fail_msg("%s", err.text);
        arena_clear(&arena);
    }
}

static const struct {
    const char *text, *reason;
} refused[] = {
    {"", "expected a value at byte 0"},
    {"  ", "expected a value at byte 2"},
    {"nul", "expected a value at byte 0"},
    {"True", "expected a value at byte 0"},
    {"01", "expected a value at byte 0"},
    {"+1", "expected a value at byte 0"},
    {"1.", "expected a value at byte 0"},
    {"\xef\xbb\xbf[]", "expected a value at byte 0"}, /* a byte order mark */
    {"1 2", "expected the end at byte 2"},
    {"[]]", "expected the end at byte 2"},
    {"[", "expected a value at byte 1"},
    {"[1", "expected ',' or ']' at byte 2"},
    {"[1 2]", "expected ',' or ']' at byte 3"},
    {"[1}", "expected ',' or ']' at byte 2"},
    {"[[]", "expected ',' or ']' at byte 3"},
    {"[[]}", "expected ',' or ']' at byte 3"},
    {"{'a':{}]", "expected ',' or '}' at byte 7"},
    {"[1,]", "expected a value at byte 3"},
    {"[,1]", "expected a value at byte 1"},
    {"[1true]", "expected ',' or ']' at byte 2"},
    {"{", "expected a string at byte 1"},
    {"{1:2}", "expected a string at byte 1"},
    {"{'a'}", "expected ':' at byte 4"},
    {"{'a' 1}", "expected ':' at byte 5"},
    {"{'a':}", "expected a value at byte 5"},
    {"{'a':1", "expected ',' or '}' at byte 6"},
    {"{'a':1]", "expected ',' or '}' at byte 6"},
    {"{'a':1,}", "expected a string at byte 7"},
    {"{'a':[}", "expected a value at byte 6"},
    {"'", "expected '\"' at byte 1"},
    {"'abcdefgh", "expected '\"' at byte 9"},
    {"'a\nb'", "unescaped control byte at byte 2"},
    {"'12345678\x1f'", "unescaped control byte at byte 9"},
    {"'\\x41'", "invalid escape at byte 1"},
    {"'a\\", "invalid escape at byte 2"},
    {"'\\u12'", "invalid escape at byte 1"},
    {"'\\u123g'", "invalid escape at byte 1"},
    {"'\\ug123'", "invalid escape at byte 1"},
    {"'\\u12:4'", "invalid escape at byte 1"},
    {"'\\u12@4'", "invalid escape at byte 1"},
    {"'\\U1234'", "invalid escape at byte 1"},
    {"'\\ud83d'", "unpaired surrogate at byte 1"},
    {"'\\ud83d\\n'", "unpaired surrogate at byte 1"},
    {"'\\ud83d\\ud83d'", "unpaired surrogate at byte 1"},
    {"'\\ud83d\\u0041'", "unpaired surrogate at byte 1"},
    {"'\\ude00'", "unpaired surrogate at byte 1"},
    {"'\\udc00\\udc00'", "unpaired surrogate at byte 1"},
    {"'\\udfff'", "unpaired surrogate at byte 1"},
    {"'\\ud800\\ue000'", "unpaired surrogate at byte 1"},
    {"'\\ud800xude00'", "unpaired surrogate at byte 1"},
    {"'\\ud800\\xde00'", "unpaired surrogate at byte 1"},
    {"'ab\x80'", "invalid UTF-8 at byte 3"},
    {"'\xc0\xaf'", "invalid UTF-8 at byte 1"},
    {"'\xed\xa0\x80'", "invalid UTF-8 at byte 1"},
    {"'\xf4\x90\x80\x80'", "invalid UTF-8 at byte 1"},
    {"'\xe2\x82'", "invalid UTF-8 at byte 1"},
    {"{'\xff':1}", "invalid UTF-8 at byte 2"},
};

static void test_refuse(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        struct arena arena = {0};
        struct err err;
        print_message("%s\n", refused[i].text);
        assert_false(skip_whole(quoted(&arena, refused[i].text), &err));
        assert_int_equal(err.code, ERR_INVALID);
        assert_string_equal(err.text, refused[i].reason);
        arena_clear(&arena);
    }
}

/* A NUL is a byte like others: it does not end the text, nor is it one of the escapes. */
static void test_nul(void **state)
{
    struct err err;
    (void)state;
    assert_false(skip_whole(SPAN("[]\0"), &err));
    assert_string_equal(err.text, "expected the end at byte 2");
    assert_false(skip_whole(SPAN("\"\\\0\""), &err));
    assert_string_equal(err.text, "invalid escape at byte 1");
    assert_false(skip_whole(SPAN("\"a\0\""), &err));
    assert_string_equal(err.text, "unescaped control byte at byte 2");
    assert_false(skip_whole((struct span){NULL, 0}, &err));
}

/* Every byte in every place of a long string: what the fast path skips is what the slow one
 * does. */
static void test_every_byte(void **state)
{
    (void)state;
    for (size_t place = 1; place <= 20; place++)
        for (unsigned byte = 0; byte < 256; byte++) {
            char text[] = "\"abcdefghijklmnopqrst\"";
            text[place] = (char)byte;
            bool is_plain = byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
            bool is_escape = byte == '\\' && strchr("bfnrt", text[place + 1]) != NULL;
            struct span whole = {text, sizeof text - 1};
            if (skip_whole(whole, NULL) != (is_plain || is_escape))
                fail_msg("byte %u at %zu", byte, place);
        }
}

static void nest(struct arena *arena, struct span *text, size_t depth)
{
    char *at = arena_alloc(arena, 2 * depth);
    memset(at, '[', depth);
    memset(at + depth, ']', depth);
    *text = (struct span){at, 2 * depth};
}

static void test_depth(void **state)
{
    struct arena arena = {0};
    struct span text;
    struct err err;
    (void)state;
    nest(&arena, &text, SCAN_DEPTH_MAX);
    assert_true(skip_whole(text, NULL));
    nest(&arena, &text, SCAN_DEPTH_MAX + 1);
    assert_false(skip_whole(text, &err));
    assert_string_equal(err.text, "more than 64 levels at byte 64");
    arena_clear(&arena);
}

static void test_decode(void **state)
{
    static const struct {
        const char *text;
        struct span decoded;
    } cases[] = {
        {"''", {"", 0}},
        {"'plain'", {"plain", 5}},
        {"'\\\"\\\\\\/\\b\\f\\n\\r\\t'", {"\"\\/\b\f\n\r\t", 8}},
        {"'a\\u0000b'", {"a\0b", 3}},
        {"'\\u00e9\\u20AC\\uffff'", {"\xc3\xa9\xe2\x82\xac\xef\xbf\xbf", 8}},
        {"'\\ud7ff\\ue000'", {"\xed\x9f\xbf\xee\x80\x80", 6}},
        {"'\\ud83d\\ude00\\uDBFF\\uDFFF\\uD800\\uDC00'",
         {"\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf\xf0\x90\x80\x80", 12}},
        {"'\xc3\xa9\\n\xc3\xa9'", {"\xc3\xa9\n\xc3\xa9", 5}},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena arena = {0};
        struct scan scan = scan_begin(quoted(&arena, cases[i].text));
        struct span decoded;
        print_message("%s\n", cases[i].text);
        assert_true(scan_text(&scan, &arena, &decoded, NULL));
        assert_true(span_eq(decoded, cases[i].decoded));
        assert_true(scan_end(&scan, NULL));
        arena_clear(&arena);
    }
}

/* Without an escape nothing is copied. */
static void test_borrow(void **state)
{
    struct arena arena = {0};
    struct span text = SPAN("  \"plain\"");
    struct scan scan = scan_begin(text);
    struct span decoded;
    (void)state;
    assert_true(scan_text(&scan, &arena, &decoded, NULL));
    assert_ptr_equal(decoded.at, text.at + 3);
    assert_null(arena.head);
}

static void test_hex(void **state)
{
    static const struct {
        const char *text, *reason;
    } cases[] = {
        {"'00aF'", "expected 4 lowercase hex digits at byte 1"},
        {"'00a'", "expected 4 lowercase hex digits at byte 1"},
        {"'00aff'", "expected 4 lowercase hex digits at byte 1"},
        {"'00ag'", "expected 4 lowercase hex digits at byte 1"},
        {"12", "expected a string at byte 1"},
    };
    struct arena arena = {0};
    uint8_t out[2];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[32];
        struct err err;
        snprintf(text, sizeof text, " %s", cases[i].text);
        struct scan scan = scan_begin(quoted(&arena, text));
        assert_false(scan_hex(&scan, &arena, out, sizeof out, &err));
        assert_string_equal(err.text, cases[i].reason);
    }
    struct scan scan = scan_begin(SPAN("\"\\u0030\\u0061fF\" \"0af1\""));
    assert_false(scan_hex(&scan, &arena, out, sizeof out, NULL));
    assert_true(scan_hex(&scan, &arena, out, sizeof out, NULL));
    assert_int_equal(out[0] << 8 | out[1], 0x0af1);
    arena_clear(&arena);
}

static void test_integer(void **state)
{
    static const struct {
        const char *text, *reason;
    } cases[] = {
        {"-1", "expected an integer from 0 to 65535 at byte 0"},
        {"65536", "expected an integer from 0 to 65535 at byte 0"},
        {"1.5", "expected an integer from 0 to 65535 at byte 0"},
        {" '1'", "expected an integer from 0 to 65535 at byte 1"},
        {"null", "expected an integer from 0 to 65535 at byte 0"},
        {"", "expected an integer from 0 to 65535 at byte 0"},
        {"99999999999999999999", "expected an integer from 0 to 65535 at byte 0"},
    };
    struct arena arena = {0};
    int64_t value;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err err;
        struct scan scan = scan_begin(quoted(&arena, cases[i].text));
        assert_false(scan_integer(&scan, &value, UINT16_MAX, &err));
        assert_string_equal(err.text, cases[i].reason);
    }
    struct scan scan = scan_begin(SPAN(" 65535 6.5e4"));
    assert_true(scan_integer(&scan, &value, UINT16_MAX, NULL));
    assert_int_equal(value, 65535);
    assert_true(scan_integer(&scan, &value, UINT16_MAX, NULL));
    assert_int_equal(value, 65000);
    arena_clear(&arena);
}

static void test_bool(void **state)
{
    struct scan scan = scan_begin(SPAN(" true false null"));
    struct err err;
    bool value;
    (void)state;
    assert_true(scan_bool(&scan, &value, NULL));
    assert_true(value);
    assert_true(scan_bool(&scan, &value, NULL));
    assert_false(value);
    assert_false(scan_bool(&scan, &value, &err));
    assert_string_equal(err.text, "expected true or false at byte 12");
}

/* What foreign bytes do to a refusal: nothing but '?'. */
static void test_word(void **state)
{
    (void)state;
    assert_string_equal(scan_word(SPAN("")).at, "");
    assert_string_equal(scan_word(SPAN("a b\n\0\x7f\xc3\xa9~")).at, "a b?????~");
    assert_string_equal(scan_word(SPAN("12345678901234567890123456789012")).at,
                        "12345678901234567890123456789012");
    assert_string_equal(scan_word(SPAN("123456789012345678901234567890123")).at,
                        "12345678901234567890123456789012");
}

static void test_subject(void **state)
{
    struct scan scan = scan_begin(SPAN("x"));
    struct scan_list list;
    struct err err;
    (void)state;
    scan.subject = SPAN("tags");
    assert_false(scan_array(&scan, &list, &err));
    assert_string_equal(err.text, "tags: expected '[' at byte 0");
    assert_false(scan_object(&scan, &list, &err));
    assert_string_equal(err.text, "tags: expected '{' at byte 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accept),  cmocka_unit_test(test_refuse),
        cmocka_unit_test(test_nul),     cmocka_unit_test(test_every_byte),
        cmocka_unit_test(test_depth),   cmocka_unit_test(test_decode),
        cmocka_unit_test(test_borrow),  cmocka_unit_test(test_hex),
        cmocka_unit_test(test_integer), cmocka_unit_test(test_bool),
        cmocka_unit_test(test_word),    cmocka_unit_test(test_subject),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
