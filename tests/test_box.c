/* NIP-44: the sizes at their edges, every refusal by its own words, and that no altered byte is
 * opened. The official vectors are golden_box's. */
#include "client/box.h"

#include "client/keys.h"
#include "shared/err.h"
#include "shared/text.h"
#include "tests/random.h"
#include "tests/test.h"

static const struct bytes32 key = {.at = {1, 2, 3}};
static const struct bytes32 nonce = {.at = {4, 5, 6}};

/* NIP-44's own example: the secrets 1 and 2, the nonce 1, the text "a". */
static void test_example(void **state)
{
    struct bytes32 one = {.at[31] = 1}, two = {.at[31] = 2}, ours, theirs;
    struct keys *a = keys_new(&one), *b = keys_new(&two);
    struct text payload = {0}, plain = {0};
    (void)state;
    assert_true(box_key(&ours, a, keys_pubkey(b)));
    assert_true(box_key(&theirs, b, keys_pubkey(a)));
    assert_memory_equal(ours.at, theirs.at, 32);
    assert_true(box_seal(&payload, &ours, SPAN("a"), &one, NULL));
    assert_true(
        span_eq(text_span(&payload),
                SPAN("AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABee0G5VSK0/9YypIObAtDKfYEAjD3"
                     "5uVkHyB0F4DwrcNaCXlCWZKaArsGrY6M9wnuTMxWfp1RTN9Xga8no+kF5Vsb")));
    assert_true(box_open(&plain, &theirs, text_span(&payload), NULL));
    assert_true(span_eq(text_span(&plain), SPAN("a")));
    text_clear(&payload);
    text_clear(&plain);
    keys_free(a);
    keys_free(b);
}

static void test_padding(void **state)
{
    static const size_t cases[][2] = {{1, 32},    {32, 32},     {33, 64},       {64, 64},
                                      {65, 96},   {256, 256},   {257, 320},     {320, 320},
                                      {321, 384}, {1024, 1024}, {1025, 1280},   {65535, 65536},
                                      {512, 512}, {513, 640},   {49152, 49152}, {49153, 57344}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(box_padded(cases[i][0]), cases[i][1]);
}

static void test_sizes(void **state)
{
    static const struct {
        size_t len;
        bool ok;
    } cases[] = {{0, false}, {1, true}, {BOX_BYTES_MAX, true}, {BOX_BYTES_MAX + 1, false}};
    static char bytes[BOX_BYTES_MAX + 1];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct text payload = {0}, plain = {0};
        struct span given = {bytes, cases[i].len};
        bool ok = box_seal(&payload, &key, given, &nonce, NULL);
        assert_int_equal(ok, cases[i].ok);
        if (ok) {
            assert_true(payload.len <= BOX_CHARS_MAX);
            assert_true(box_open(&plain, &key, text_span(&payload), NULL));
            assert_true(span_eq(text_span(&plain), given));
        }
        text_clear(&payload);
        text_clear(&plain);
    }
}

static void test_refusals(void **state)
{
    static const struct {
        char first;
        size_t len;
        const char *refusal;
    } cases[] = {
        {'A', 0, "0 characters; a sealed text has 132 to 87472"},
        {'A', 131, "131 characters; a sealed text has 132 to 87472"},
        {'A', BOX_CHARS_MAX + 1, "87473 characters; a sealed text has 132 to 87472"},
        {'#', 1, "sealed with a version of NIP-44 that is not ours"},
        {'A', 132, "sealed with version 0 of NIP-44, not 2"},
        {'?', 132, "sealed text that is not base64"},
        {'A', 133, "sealed text that is not base64"},
    };
    static char chars[BOX_CHARS_MAX + 1];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct text plain = {0};
        struct err err;
        memset(chars, 'A', sizeof chars);
        chars[0] = cases[i].first;
        assert_false(box_open(&plain, &key, (struct span){chars, cases[i].len}, &err));
        assert_string_equal(err.text, cases[i].refusal);
        text_clear(&plain);
    }
}

/* One character another, and it is not opened, or it is the same bytes in base64. */
static void test_altered(void **state)
{
    (void)state;
    for (int round = 0; round < 300; round++) {
        struct text payload = {0}, plain = {0};
        assert_true(box_seal(&payload, &key, SPAN("attack at dawn"), &nonce, NULL));
        char *at = &payload.at[random_below((uint32_t)payload.len)];
        char was = *at;
        *at = "ABCDEFGHabcdefgh01234567+/=?"[random_below(28)];
        assert_int_equal(box_open(&plain, &key, text_span(&payload), NULL), *at == was);
        text_clear(&payload);
        text_clear(&plain);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_example),
                                       cmocka_unit_test(test_padding), cmocka_unit_test(test_sizes),
                                       cmocka_unit_test(test_refusals),
                                       cmocka_unit_test(test_altered)};
    random_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
