/* lib0: numbers and values as yjs writes them, what ends early, and what is nested too deep. */
#include "client/lib0.h"

#include "client/utf16.h"
#include "shared/hex.h"
#include "shared/text.h"
#include "tests/quoted.h"
#include "tests/test.h"

static struct span unhex(struct arena *arena, const char *hex)
{
    size_t len = strlen(hex) / 2;
    char *out = arena_alloc(arena, len + 1);
    assert_true(hex_decode((uint8_t *)out, len, (struct span){hex, 2 * len}));
    return (struct span){out, len};
}

static void test_numbers(void **state)
{
    static const struct {
        uint64_t number;
        const char *hex; /* NULL: is refused */
    } cases[] = {
        {0, "00"},
        {127, "7f"},
        {128, "8001"},
        {300, "ac02"},
        {(uint64_t)1 << 53, "8080808080808010"},
    };
    static const char *const refused[] = {"", "80", "8180808080808010", "ffffffffffffffffff01"};
    struct arena arena = {0};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct span bytes = unhex(&arena, cases[i].hex);
        struct lib0 in = lib0_begin(bytes);
        struct text out = {0};
        assert_true(lib0_number(&in) == cases[i].number);
        assert_true(!in.failed && in.at == in.end);
        lib0_add_number(&out, cases[i].number);
        assert_true(span_eq(text_span(&out), bytes));
        text_clear(&out);
    }
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        struct lib0 in = lib0_begin(unhex(&arena, refused[i]));
        assert_int_equal(lib0_number(&in), 0);
        assert_true(in.failed);
        assert_int_equal(lib0_byte(&in), 0); /* and so it stays */
    }
    arena_clear(&arena);
}

static void test_any(void **state)
{
    static const struct {
        const char *hex, *json; /* NULL: is refused */
    } cases[] = {
        {"7f", "null"},
        {"7e", "null"},
        {"78", "true"},
        {"79", "false"},
        {"7d00", "0"},
        {"7d3f", "63"},
        {"7d47", "-7"},
        {"7d8001", "64"},
        {"7dbfffffffffff3f", "140737488355327"},
        {"7c3f000000", "0.5"},
        {"7b3fb999999999999a", "0.10000000000000001"},
        {"7b7ff0000000000000", "null"}, /* infinity */
        {"7affffffffffffffff", "-1"},
        {"770178", "'x'"},
        {"7402abcd", "null"},
        {"7500", "[]"},
        {"75027d017501760177", NULL},
        {"75037d0175007600", "[1,[],{}]"},
        {"760201617d0101627e", "{'a':1,'b':null}"},
        {"", NULL},
        {"00", NULL},
        {"7701", NULL},
        {"7701ff", NULL}, /* not UTF-8 */
        {"7503", NULL},
        {"75ff7f", NULL}, /* more than there are bytes */
        {"7dffffffffffffffffff7f", NULL},
    };
    struct arena arena = {0};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct span bytes = unhex(&arena, cases[i].hex);
        struct lib0 in = lib0_begin(bytes);
        struct text out = {0};
        print_message("%s\n", cases[i].hex);
        struct span any = lib0_any(&in);
        assert_int_equal(in.failed, cases[i].json == NULL);
        if (!in.failed) {
            assert_true(span_eq(any, bytes));
            lib0_write_json(&out, any);
            assert_true(span_eq(text_span(&out), quoted(&arena, cases[i].json)));
        }
        text_clear(&out);
    }
    arena_clear(&arena);
}

static void test_depth(void **state)
{
    (void)state;
    for (int more = 0; more < 2; more++) {
        struct text bytes = {0};
        for (int i = 0; i < LIB0_DEPTH_MAX + more; i++)
            text_add(&bytes, SPAN("\x75\x01"));
        text_add(&bytes, SPAN("\x7e"));
        struct lib0 in = lib0_begin(text_span(&bytes));
        lib0_any(&in);
        assert_int_equal(in.failed, more == 1);
        text_clear(&bytes);
    }
}

static void test_utf16(void **state)
{
    struct span utf8 = SPAN("a\xc3\xa9\xe6\x97\xa5\xf0\x9f\x98\x80");
    const uint16_t wanted[] = {'a', 0xe9, 0x65e5, 0xd83d, 0xde00};
    uint16_t units[5];
    struct text out = {0};
    (void)state;
    assert_int_equal(utf16_count(utf8), 5);
    utf16_from(units, utf8);
    assert_memory_equal(units, wanted, sizeof wanted);
    utf16_add_utf8(&out, units, 5);
    assert_true(span_eq(text_span(&out), utf8));
    out.len = 0;
    utf16_add_utf8(&out, (const uint16_t[]){0xd83d, 'a', 0xde00, 0xd83d}, 4);
    assert_true(span_eq(text_span(&out), SPAN("\xef\xbf\xbd"
                                              "a\xef\xbf\xbd\xef\xbf\xbd")));
    text_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_numbers), cmocka_unit_test(test_any),
                                       cmocka_unit_test(test_depth), cmocka_unit_test(test_utf16)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
