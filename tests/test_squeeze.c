#include "relay/squeeze.h"

#include <stdlib.h>

#include "shared/text.h"
#include "tests/test.h"

static void test_offers(void **state)
{
    static const struct {
        bool accepts;
        const char *offer;
    } cases[] = {
        {true, "permessage-deflate"},
        {true, "permessage-deflate; client_max_window_bits"},
        {true, "permessage-deflate;client_max_window_bits=10"},
        {true, "permessage-deflate; server_no_context_takeover; client_no_context_takeover"},
        {false, ""},
        {false, "permessage-deflate; server_max_window_bits=10"},
        {false, "permessage-deflate; unknown"},
        {false, "permessage-deflate, permessage-deflate; client_max_window_bits"},
        {false, "x-webkit-deflate-frame"},
        {false, "permessage-deflated"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        print_message("%s\n", cases[i].offer);
        struct span offer = {cases[i].offer, strlen(cases[i].offer)};
        assert_int_equal(squeeze_accepts(offer), cases[i].accepts);
    }
}

/* Well squeezed without noise, and not at all with it. */
static void fill(char *bytes, size_t len, bool has_noise)
{
    uint32_t random = 1;
    for (size_t at = 0; at < len; at++) {
        random = random * 1664525 + 1013904223;
        bytes[at] = has_noise ? (char)(random >> 24) : (char)('a' + at % 7);
    }
}

/* What was squeezed is restored, whatever was squeezed before, and whatever its size. */
static void test_round_trip(void **state)
{
    static const size_t sizes[] = {0, 1, 125, 16383, 16384, 16385, 16388, 300000};
    struct squeeze *squeeze = squeeze_new();
    struct text squeezed = {0}, restored = {0};
    char *bytes = malloc(300000);
    (void)state;
    for (size_t noise = 0; noise < 2; noise++) {
        for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
            struct span message = {bytes, sizes[i]};
            fill(bytes, sizes[i], noise != 0);
            squeezed.len = 0;
            squeeze_add(squeeze, &squeezed, message);
            assert_int_equal(squeeze_restore(squeeze, &restored, text_span(&squeezed), sizes[i]),
                             SQUEEZE_DONE);
            assert_true(span_eq(text_span(&restored), message));
        }
    }
    free(bytes);
    text_clear(&squeezed);
    text_clear(&restored);
    squeeze_free(squeeze);
}

/* A bomb is restored up to the bound, and not past it. */
static void test_bound(void **state)
{
    struct squeeze *squeeze = squeeze_new();
    struct text squeezed = {0}, restored = {0};
    char *zeroes = calloc(1, 1000000);
    (void)state;
    squeeze_add(squeeze, &squeezed, (struct span){zeroes, 1000000});
    assert_true(squeezed.len < 10000);
    assert_int_equal(squeeze_restore(squeeze, &restored, text_span(&squeezed), 1000000),
                     SQUEEZE_DONE);
    assert_int_equal(restored.len, 1000000);
    assert_int_equal(squeeze_restore(squeeze, &restored, text_span(&squeezed), 999999),
                     SQUEEZE_TOO_LONG);
    assert_int_equal(restored.len, 999999);
    assert_int_equal(squeeze_restore(squeeze, &restored, text_span(&squeezed), 10),
                     SQUEEZE_TOO_LONG);
    assert_int_equal(restored.len, 10);
    free(zeroes);
    text_clear(&squeezed);
    text_clear(&restored);
    squeeze_free(squeeze);
}

/* RFC 7692 7.2.3: the examples for "Hello". */
static void test_examples(void **state)
{
    static const struct {
        enum squeeze_result result;
        struct span payload;
    } cases[] = {
        {SQUEEZE_DONE, {"\xf2\x48\xcd\xc9\xc9\x07\x00", 7}},
        {SQUEEZE_DONE, {"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00", 11}},
        {SQUEEZE_DONE, {"\xf3\x48\xcd\xc9\xc9\x07\x00\x00", 8}},
        {SQUEEZE_DONE, {"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", 13}},
        {SQUEEZE_BROKEN, {"\xff\xff\xff\xff", 4}},
    };
    struct squeeze *squeeze = squeeze_new();
    struct text restored = {0};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(squeeze_restore(squeeze, &restored, cases[i].payload, 100),
                         cases[i].result);
        if (cases[i].result == SQUEEZE_DONE)
            assert_true(span_eq(text_span(&restored), SPAN("Hello")));
    }
    text_clear(&restored);
    squeeze_free(squeeze);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_offers), cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_bound), cmocka_unit_test(test_examples)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
