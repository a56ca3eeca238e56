/* Events: what their tags say, and how long their content is. */
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "tests/quoted.h"
#include "tests/test.h"

#define HEX16 "0123456789abcdef"
#define HEX64 HEX16 HEX16 HEX16 HEX16

static struct event tagged(struct arena *arena, const char *tags)
{
    struct event event = {0};
    struct err err;
    if (!event_parse_tags(&event, arena, quoted(arena, tags), &err))
        fail_msg("%s", err.text);
    return event;
}

static void test_tag_value(void **state)
{
    struct arena arena = {0};
    struct event event = tagged(&arena, "[[],['a'],['a','1','2'],['a','3'],['ab','4']]");
    (void)state;
    assert_true(span_eq(*event_tag_value(&event, SPAN("a")), SPAN("1")));
    assert_true(span_eq(*event_tag_value(&event, SPAN("ab")), SPAN("4")));
    assert_null(event_tag_value(&event, SPAN("b")));
    assert_null(event_tag_value(&event, SPAN("")));
    arena_clear(&arena);
}

static void test_identifier(void **state)
{
    static const char *const cases[][2] = {
        {"[]", ""},
        {"[['d']]", ""},
        {"[['d'],['d','x']]", ""},
        {"[['d',''],['d','x']]", ""},
        {"[['d','x']]", "x"},
        {"[['e','y'],['d','x','z'],['d','w']]", "x"},
    };
    struct arena arena = {0};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct event event = tagged(&arena, cases[i][0]);
        struct span expected = {cases[i][1], strlen(cases[i][1])};
        assert_true(span_eq(event_identifier(&event), expected));
    }
    arena_clear(&arena);
}

static void test_expiration(void **state)
{
    static const struct {
        const char *tags;
        int64_t expires_at; /* -1: none */
    } cases[] = {
        {"[]", -1},
        {"[['expiration']]", -1},
        {"[['expiration','']]", -1},
        {"[['expiration','soon'],['expiration','5']]", -1},
        {"[['expiration','-5']]", -1},
        {"[['expiration','9223372036854775808']]", -1},
        {"[['expiration','9223372036854775807']]", INT64_MAX},
        {"[['expiration','1700000000','x'],['expiration','5']]", 1700000000},
    };
    struct arena arena = {0};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct event event = tagged(&arena, cases[i].tags);
        int64_t expires_at;
        print_message("%s\n", cases[i].tags);
        assert_int_equal(event_expiration(&event, &expires_at), cases[i].expires_at >= 0);
        if (cases[i].expires_at >= 0)
            assert_int_equal(expires_at, cases[i].expires_at);
    }
    arena_clear(&arena);
}

static void test_protected(void **state)
{
    struct arena arena = {0};
    struct event protected = tagged(&arena, "[[],['a'],['-']]");
    struct event with_value = tagged(&arena, "[[],['-','x'],['a','-']]");
    (void)state;
    assert_true(event_is_protected(&protected));
    assert_false(event_is_protected(&with_value));
    arena_clear(&arena);
}

static void test_difficulty(void **state)
{
    struct event event = {0};
    (void)state;
    assert_int_equal(event_difficulty(&event), 256);
    for (uint32_t bit = 0; bit < 256; bit++) {
        memset(event.id.at, 0xff, sizeof event.id.at);
        memset(event.id.at, 0, bit / 8);
        event.id.at[bit / 8] = (uint8_t)(0xff >> bit % 8);
        assert_int_equal(event_difficulty(&event), bit);
    }
}

static void test_pow_target(void **state)
{
    static const struct {
        const char *tags;
        int64_t target; /* -1: none */
    } cases[] = {
        {"[]", -1},
        {"[['nonce','1']]", -1},
        {"[['nonce','1','x']]", -1},
        {"[['nonce','1','4294967296']]", -1},
        {"[['nonce','1','4294967295']]", UINT32_MAX},
        {"[['nonce','1','20','y']]", 20},
    };
    struct arena arena = {0};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct event event = tagged(&arena, cases[i].tags);
        uint32_t target;
        assert_int_equal(event_pow_target(&event, &target), cases[i].target >= 0);
        if (cases[i].target >= 0)
            assert_int_equal(target, cases[i].target);
    }
    arena_clear(&arena);
}

static void test_names_pubkey(void **state)
{
    struct arena arena = {0};
    struct event event = tagged(&arena, "[['p'],['P','x'],['p','y'],['p','" HEX64 "','z']]");
    struct event only = tagged(&arena, "[['p','" HEX64 "']]");
    struct event upper = tagged(&arena, "[['p','" HEX16 HEX16 HEX16 "0123456789ABCDEF']]");
    struct bytes32 key;
    (void)state;
    for (size_t i = 0; i < sizeof key.at; i++)
        key.at[i] = (uint8_t)((i % 8 * 2) << 4 | (i % 8 * 2 + 1));
    assert_true(event_names_pubkey(&event, 'p', &key));
    assert_true(event_names_pubkey(&only, 'p', &key));
    assert_false(event_names_pubkey(&event, 'P', &key));
    assert_false(event_names_pubkey(&upper, 'p', &key));
    key.at[31] ^= 1;
    assert_false(event_names_pubkey(&event, 'p', &key));
    arena_clear(&arena);
}

static void test_content_chars(void **state)
{
    static const struct {
        size_t chars;
        const char *content;
    } cases[] = {
        {0, ""},
        {3, "abc"},
        {4, "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z"},
        {6, "\\n\\\"\\\\\\u0041\\/x"},
        {3, "\\ud83d\\ude00\\u20ac\\u0000"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct event event = {0};
        event.content_json = (struct span){cases[i].content, strlen(cases[i].content)};
        assert_int_equal(event_content_chars(&event), cases[i].chars);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tag_value),    cmocka_unit_test(test_identifier),
        cmocka_unit_test(test_expiration),   cmocka_unit_test(test_protected),
        cmocka_unit_test(test_difficulty),   cmocka_unit_test(test_pow_target),
        cmocka_unit_test(test_names_pubkey), cmocka_unit_test(test_content_chars),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
