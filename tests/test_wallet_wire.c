/* What a mint says is read strictly, and keys only under the id that is made of them. */
#include "client/wallet_wire.h"

#include "shared/arena.h"
#include "shared/err.h"
#include "shared/text.h"
#include "tests/stamp.h"
#include "tests/test.h"

static struct span span_of(const char *text)
{
    return (struct span){text, strlen(text)};
}

static void write_keys(struct text *out, const struct stamp *stamp, struct span unit)
{
    text_add(out, SPAN("{\"keysets\":[{\"id\":\"00c074b96c7e2b0e\",\"unit\":\"sat\",\"keys\":{}},"
                       "{\"id\":\""));
    text_add_hex(out, stamp->keyset.id.at, sizeof stamp->keyset.id);
    text_addf(out, "\",\"unit\":\"%.*s\",\"active\":false,\"input_fee_ppk\":100,\"new\":[1],",
              SPAN_ARG(unit));
    text_add(out, SPAN("\"final_expiry\":null,\"keys\":{"));
    for (size_t i = 0; i < STAMP_KEYS; i++) {
        text_addf(out, "%s\"%llu\":\"", i > 0 ? "," : "",
                  (unsigned long long)stamp->keys[i].amount);
        text_add_hex(out, stamp->keys[i].public_key.at, sizeof stamp->keys[i].public_key);
        text_add(out, SPAN("\""));
    }
    text_add(out, SPAN("}}]}"));
}

static void test_keys(void **state)
{
    struct arena arena = {0};
    struct text json = {0};
    struct stamp stamp, other;
    struct wallet_keyset *listed;
    size_t count;
    struct err err;
    (void)state;
    stamp_fill(&stamp, 1, SPAN("ccr"), 100);
    stamp_fill(&other, 2, SPAN("ccr"), 100);
    write_keys(&json, &stamp, SPAN("ccr"));
    assert_true(wallet_read_keysets(&listed, &count, &arena, text_span(&json), &err));
    assert_int_equal(count, 1); /* less that of a version that we do not know */
    assert_false(listed->is_active);
    assert_int_equal(listed->keys.input_fee_ppk, 100);
    struct wallet_keyset keyset = *listed;
    keyset.keys.count = 0;
    assert_true(wallet_read_keys(&keyset, &arena, text_span(&json), &err));
    assert_int_equal(keyset.keys.count, STAMP_KEYS);
    keyset.keys.input_fee_ppk = 0; /* a fee that the id does not say */
    assert_false(wallet_read_keys(&keyset, &arena, text_span(&json), &err));
    assert_string_equal(err.text, "the mint says keys under an id that is not theirs");
    keyset.id = other.keyset.id;
    assert_false(wallet_read_keys(&keyset, &arena, text_span(&json), &err));
    assert_string_equal(err.text, "the mint does not say the keys of its keyset");
    text_clear(&json);
    arena_clear(&arena);
}

#define ID "01000000000000000000000000000000000000000000000000000000000000abcd"
#define POINT "02194603ffa36356f4a56b7df9371fc3192472351453ec7398b8da8117e7c3e104"
#define NUMBER "0000000000000000000000000000000000000000000000000000000000000001"

static void test_refused_keysets(void **state)
{
    static const char *const cases[] = {
        "[]",
        "{\"keysets\":{}}",
        "{\"keysets\":[{\"id\":7}]}",
        "{\"keysets\":[{\"id\":\"01ZZ0000000000000000000000000000000000000000000000000000000000"
        "abcd\"}]}",
        "{\"keysets\":[{\"id\":\"" ID "\",\"unit\":\"\"}]}",
        "{\"keysets\":[{\"id\":\"" ID "\",\"unit\":\"a\",\"keys\":{\"x\":\"" POINT "\"}}]}",
        "{\"keysets\":[{\"id\":\"" ID "\",\"unit\":\"a\",\"keys\":{\"0\":\"" POINT "\"}}]}",
        "{\"keysets\":[{\"id\":\"" ID "\",\"unit\":\"a\",\"keys\":{\"2\":\"" POINT
        "\",\"1\":\"" POINT "\"}}]}",
        "{\"keysets\":[{\"id\":\"" ID "\",\"unit\":\"a\",\"keys\":{}}]}",
        "{\"keysets\":[{\"id\":\"" ID "\",\"unit\":\"a\",\"active\":1}]}",
        "{\"keysets\":[{\"id\":\"" ID "\",\"unit\":\"a\",\"input_fee_ppk\":-1}]}",
        "{\"keysets\":[]} 1",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena arena = {0};
        struct wallet_keyset *keysets;
        size_t count;
        print_message("%s\n", cases[i]);
        assert_false(wallet_read_keysets(&keysets, &count, &arena, span_of(cases[i]), NULL));
        arena_clear(&arena);
    }
}

static void test_keysets_bounded(void **state)
{
    for (int over = 0; over < 2; over++) {
        struct arena arena = {0};
        struct text json = {0};
        struct wallet_keyset *keysets;
        size_t count;
        text_add(&json, SPAN("{\"keysets\":["));
        for (int i = 0; i < WALLET_KEYSETS_MAX + over; i++)
            text_addf(&json, "%s{\"id\":\"" ID "\",\"unit\":\"a\"}", i > 0 ? "," : "");
        text_add(&json, SPAN("]}"));
        assert_int_equal(wallet_read_keysets(&keysets, &count, &arena, text_span(&json), NULL),
                         !over);
        text_clear(&json);
        arena_clear(&arena);
    }
    (void)state;
}

static void test_signatures(void **state)
{
#define SIGNED                                                                       \
    "{\"amount\":8,\"id\":\"" ID "\",\"C_\":\"" POINT "\",\"dleq\":{\"e\":\"" NUMBER \
    "\",\"s\":\"" NUMBER "\"}}"
    struct arena arena = {0};
    struct wallet_signature *signatures;
    struct wallet_restored restored;
    size_t count;
    (void)state;
    assert_true(wallet_read_signatures(
        &signatures, &count, &arena,
        SPAN("{\"state\":\"PAID\",\"change\":[" SIGNED "," SIGNED "]}"), SPAN("change"), NULL));
    assert_int_equal(count, 2);
    assert_int_equal(signatures[1].amount, 8);
    assert_true(signatures[1].has_dleq);
    assert_int_equal(signatures[1].dleq.s.at[31], 1);
    assert_true(wallet_read_signatures(&signatures, &count, &arena, SPAN("{\"change\":null}"),
                                       SPAN("change"), NULL));
    assert_int_equal(count, 0);
    assert_true(
        wallet_read_signatures(&signatures, &count, &arena,
                               SPAN("{\"s\":[{\"amount\":1,\"id\":\"" ID "\",\"C_\":\"" POINT
                                    "\",\"dleq\":{\"e\":\"" NUMBER "\",\"x\":1}}]}"),
                               SPAN("s"), NULL));
    assert_false(signatures->has_dleq);
    assert_false(wallet_read_signatures(&signatures, &count, &arena,
                                        SPAN("{\"s\":[{\"amount\":1,\"id\":\"" ID "\"}]}"),
                                        SPAN("s"), NULL));
    assert_false(wallet_read_signatures(
        &signatures, &count, &arena,
        SPAN("{\"s\":[{\"amount\":-1,\"id\":\"" ID "\",\"C_\":\"" POINT "\"}]}"), SPAN("s"), NULL));
    assert_true(wallet_read_restored(&restored, &arena,
                                     SPAN("{\"outputs\":[{\"amount\":0,\"id\":\"" ID
                                          "\",\"B_\":\"" POINT "\"}],\"signatures\":[" SIGNED "]}"),
                                     NULL));
    assert_int_equal(restored.count, 1);
    assert_int_equal(restored.messages[0].at[0], 2);
    assert_false(wallet_read_restored(&restored, &arena,
                                      SPAN("{\"outputs\":[],\"signatures\":[" SIGNED "]}"), NULL));
    arena_clear(&arena);
}

static void test_states(void **state)
{
#define STATE(word) "{\"Y\":\"" POINT "\",\"state\":\"" word "\",\"witness\":null}"
    static const struct {
        bool ok;
        const char *json;
    } cases[] = {
        {true, "{\"states\":[" STATE("SPENT") "," STATE("PENDING") "]}"},
        {false, "{\"states\":[" STATE("SPENT") "]}"},
        {false, "{\"states\":[" STATE("SPENT") "," STATE("SPENT") "," STATE("SPENT") "]}"},
        {false, "{\"states\":[" STATE("SPENT") "," STATE("LOST") "]}"},
        {false, "{\"states\":[" STATE("SPENT") ",{\"Y\":\"" POINT "\"}]}"},
        {false,
         "{\"states\":[" STATE("SPENT") ",{\"Y\":\"03194603ffa36356f4a56b7df9371fc319247235"
                                        "1453ec7398b8da8117e7c3e104\",\"state\":\"SPENT\"}]}"},
        {false, "{}"},
    };
    struct bytes33 points[2];
    (void)state;
    points[0] =
        (struct bytes33){{0x02, 0x19, 0x46, 0x03, 0xff, 0xa3, 0x63, 0x56, 0xf4, 0xa5, 0x6b,
                          0x7d, 0xf9, 0x37, 0x1f, 0xc3, 0x19, 0x24, 0x72, 0x35, 0x14, 0x53,
                          0xec, 0x73, 0x98, 0xb8, 0xda, 0x81, 0x17, 0xe7, 0xc3, 0xe1, 0x04}};
    points[1] = points[0];
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        enum wallet_state states[2];
        print_message("%s\n", cases[i].json);
        assert_int_equal(wallet_read_states(states, points, 2, span_of(cases[i].json), NULL),
                         cases[i].ok);
        if (cases[i].ok) {
            assert_int_equal(states[0], WALLET_SPENT);
            assert_int_equal(states[1], WALLET_PENDING);
        }
    }
}

static void test_quote(void **state)
{
    struct arena arena = {0};
    struct wallet_quote quote;
    struct wallet_refusal refusal;
    (void)state;
    assert_true(wallet_read_quote(
        &quote, &arena,
        SPAN("{\"quote\":\"q1\",\"amount\":10,\"fee_reserve\":2,\"unit\":\"ccr\",\"state\":"
             "\"UNPAID\",\"expiry\":null,\"request\":null,\"payment_preimage\":null}"),
        NULL));
    assert_true(span_eq(quote.id, SPAN("q1")));
    assert_int_equal(quote.amount + quote.fee_reserve, 12);
    assert_int_equal(quote.expiry, 0);
    assert_false(wallet_read_quote(&quote, &arena, SPAN("{\"amount\":10}"), NULL));
    assert_false(wallet_read_quote(&quote, &arena, SPAN("{\"quote\":\"a\",\"amount\":-1}"), NULL));
    assert_false(wallet_read_quote(&quote, &arena, SPAN("{\"quote\":\"a\"} x"), NULL));
    wallet_read_refusal(&refusal, &arena, SPAN("{\"detail\":\"spent\",\"code\":11001}"));
    assert_true(span_eq(refusal.detail, SPAN("spent")));
    assert_int_equal(refusal.code, 11001);
    wallet_read_refusal(&refusal, &arena, SPAN("<html>"));
    assert_int_equal(refusal.code, 0);
    assert_true(refusal.detail.len > 0);
    arena_clear(&arena);
}

/* The mint is not told what would let it know a coin that it signed. */
static void test_asking(void **state)
{
    struct arena arena = {0};
    struct text text = {0};
    static const struct bytes64 seed;
    static const struct bytes33 keyset = {{1}};
    static const uint64_t amounts[] = {4};
    struct token_proof proof = {.amount = 4,
                                .keyset_len = 33,
                                .secret = SPAN("a\"b"),
                                .witness = SPAN("{}"),
                                .has_dleq = true,
                                .factor = {{0xfa, 0xce}}};
    (void)state;
    wallet_write_inputs(&text, &proof, 1);
    assert_non_null(memmem(text.at, text.len, "\"secret\":\"a\\\"b\"", 15));
    assert_non_null(memmem(text.at, text.len, "\"witness\":\"{}\"", 14));
    assert_null(memmem(text.at, text.len, "face", 4));
    text.len = 0;
    wallet_write_outputs(&text, &keyset, wallet_outputs(&arena, &seed, &keyset, 0, amounts, 1), 1);
    assert_non_null(memmem(text.at, text.len, "{\"amount\":4,\"id\":\"01", 20));
    assert_null(memmem(text.at, text.len, "secret", 6));
    text.len = 0;
    wallet_write_points(&text, &keyset, 1);
    assert_int_equal(text.len, strlen("{\"Ys\":[\"\"]}") + 66);
    text_clear(&text);
    arena_clear(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_refused_keysets),
        cmocka_unit_test(test_keysets_bounded),
        cmocka_unit_test(test_signatures),
        cmocka_unit_test(test_states),
        cmocka_unit_test(test_quote),
        cmocka_unit_test(test_asking),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
