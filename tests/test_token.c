/* Tokens: what is written is read the same, what wallets write is read, and what is no token is
 * refused with a word on why. */
#include "client/token.h"

#include <sodium.h>
#include <stdlib.h>

#include "shared/arena.h"
#include "shared/err.h"
#include "shared/text.h"
#include "tests/random.h"
#include "tests/test.h"

enum { ROUNDS = 50 };

static struct arena arena;

static void fill(void *out, size_t size)
{
    for (size_t i = 0; i < size; i++)
        ((uint8_t *)out)[i] = (uint8_t)random_below(256);
}

static struct token_proof random_proof(void)
{
    static const uint8_t lengths[] = {1, 8, TOKEN_KEYSET_BYTES_MAX};
    struct token_proof proof = {.amount = UINT64_C(1) << random_below(54),
                                .keyset_len = lengths[random_below(ARRAY_LEN(lengths))],
                                .secret = SPAN("a secret"),
                                .has_dleq = random_below(2) == 0};
    memset(proof.keyset, (int)random_below(3), proof.keyset_len);
    fill(&proof.c, sizeof proof.c);
    proof.c.at[0] = 3;
    if (proof.has_dleq) {
        fill(&proof.dleq, sizeof proof.dleq);
        fill(&proof.factor, sizeof proof.factor);
    }
    if (random_below(4) == 0)
        proof.witness = SPAN("{\"signatures\":[]}");
    return proof;
}

static bool is_same(const struct token_proof *a, const struct token_proof *b)
{
    return a->amount == b->amount && a->keyset_len == b->keyset_len &&
           memcmp(a->keyset, b->keyset, sizeof a->keyset) == 0 && span_eq(a->secret, b->secret) &&
           span_eq(a->witness, b->witness) && memcmp(&a->c, &b->c, sizeof a->c) == 0 &&
           a->has_dleq == b->has_dleq && memcmp(&a->dleq, &b->dleq, sizeof a->dleq) == 0 &&
           memcmp(&a->factor, &b->factor, sizeof a->factor) == 0;
}

static void test_round(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        struct token_proof proofs[20];
        struct token token = {SPAN("https://mint.example.com"), SPAN("ccr"), SPAN(""), proofs,
                              1 + random_below(ARRAY_LEN(proofs))};
        struct token read;
        struct text text = {0};
        struct err err;
        uint64_t before, after;
        if (random_below(2) == 0)
            token.memo = SPAN("for \"bread\" \xe2\x82\xac");
        for (uint32_t i = 0; i < token.count; i++)
            proofs[i] = random_proof();
        token_write(&text, &token);
        assert_true(token_read(&read, &arena, text_span(&text), &err));
        assert_int_equal(read.count, token.count);
        assert_true(span_eq(read.mint, token.mint) && span_eq(read.unit, token.unit));
        assert_true(span_eq(read.memo, token.memo));
        assert_true(token_sum(&before, &token) && token_sum(&after, &read) && before == after);
        for (uint32_t i = 0; i < token.count; i++) {
            uint32_t found = 0;
            while (found < read.count && !is_same(&read.proofs[found], &proofs[i]))
                found++;
            assert_true(found < read.count);
        }
        text_clear(&text);
        arena_clear(&arena);
    }
}

static const char *token_of(struct span prefix, const char *inside, size_t len)
{
    size_t room = sodium_base64_ENCODED_LEN(len, sodium_base64_VARIANT_URLSAFE);
    char *text = arena_alloc(&arena, prefix.len + room);
    memcpy(text, prefix.at, prefix.len);
    sodium_bin2base64(text + prefix.len, room, (const unsigned char *)inside, len,
                      sodium_base64_VARIANT_URLSAFE);
    return text;
}

static bool read_word(struct token *token, const char *word, struct err *err)
{
    return token_read(token, &arena, (struct span){word, strlen(word)}, err);
}

#define DIGITS "0303030303030303030303030303030303030303030303030303030303030303"
#define C33 "02" DIGITS
#define PROOF "{\"amount\":8,\"id\":\"00aa\",\"secret\":\"s\",\"C\":\"" C33 "\"}"

static void test_version_3(void **state)
{
    static const char inside[] =
        "{\"token\":[{\"mint\":\"http://m\",\"x\":[1],\"proofs\":[" PROOF
        ",{\"secret\":\"t\\u0041\",\"C\":\"" C33 "\",\"id\":\"00aabb\",\"amount\":4,"
        "\"dleq\":{\"r\":\"" DIGITS "\",\"s\":\"" DIGITS "\",\"e\":\"" DIGITS
        "\"},\"witness\":\"w\",\"more\":{}}]}],\"memo\":\"hi\",\"more\":0}";
    struct token token;
    struct err err;
    const char *word = token_of(SPAN(" cashu:cashuA"), inside, strlen(inside));
    (void)state;
    assert_true(read_word(&token, word, &err));
    assert_int_equal(token.count, 2);
    assert_true(span_eq(token.mint, SPAN("http://m")) && span_eq(token.memo, SPAN("hi")));
    assert_true(span_eq(token.unit, SPAN("sat"))); /* none is named */
    assert_int_equal(token.proofs[0].amount, 8);
    assert_false(token.proofs[0].has_dleq);
    assert_true(token.proofs[1].has_dleq && token.proofs[1].keyset_len == 3);
    assert_true(span_eq(token.proofs[1].secret, SPAN("tA")));
    assert_true(span_eq(token.proofs[1].witness, SPAN("w")));
    arena_clear(&arena);
}

static void expect_refusal(const char *word, const char *why)
{
    struct token token;
    struct err err;
    assert_false(read_word(&token, word, &err));
    assert_int_equal(err.code, ERR_INVALID);
    if (strstr(err.text, why) == NULL)
        fail_msg("'%s' does not say '%s'", err.text, why);
}

static void test_refused_json(void **state)
{
    static const struct {
        const char *inside, *why;
    } cases[] = {
        {"", "expected"},
        {"{}", "no mint"},
        {"{\"token\":[]}", "without proofs"},
        {"{\"token\":[{\"mint\":\"http://m\",\"proofs\":[]}]}", "without proofs"},
        {"{\"token\":[{\"proofs\":[" PROOF "]}]}", "no mint"},
        {"{\"token\":[{\"mint\":\"a\",\"proofs\":[" PROOF "]},{\"mint\":\"b\"}]}", "several mints"},
        {"{\"token\":[{\"mint\":\"a\",\"proofs\":[{\"amount\":1}]}]}", "without keyset"},
        {"{\"token\":[{\"mint\":\"a\",\"proofs\":[{\"id\":\"0\"}]}]}", "not hex: '0'"},
        {"{\"token\":[{\"mint\":\"a\",\"proofs\":[{\"amount\":-1}]}]}", "expected"},
        {"{\"token\":[{\"mint\":\"a\",\"proofs\":[{\"C\":\"02\"}]}]}", "hex"},
        {"{\"token\":[{\"mint\":\"a\",\"proofs\":[" PROOF "]}]} x", "byte"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        expect_refusal(token_of(SPAN("cashuA"), cases[i].inside, strlen(cases[i].inside)),
                       cases[i].why);
    expect_refusal("", "begins with");
    expect_refusal("cashuC", "begins with");
    expect_refusal("cashuA!", "base64");
    arena_clear(&arena);
}

static void test_refused_cbor(void **state)
{
    static const struct {
        const char *inside;
        size_t len;
        const char *why;
    } cases[] = {
        {"", 0, "broken CBOR at byte 0"},
        {"\xa1", 1, "fewer parts"},
        {"\xbb\xff\xff\xff\xff\xff\xff\xff\xff", 9, "fewer parts"},
        {"\xa0", 1, "no mint"},
        {"\xa0\xa0", 2, "behind it at byte 1"},
        {"\x80", 1, "no map"},
        {"\xa1\x01\x02", 3, "no text"},
        {"\xa1\x61m\x01", 4, "no text at byte 3"},
        {"\xa1\x61m\x7f\x61x\xff", 7, "no text"},
        {"\xa1\x61t\xa0", 4, "no list"},
        {"\xa1\x61t\x81\xa0", 5, "keyset whose id"},
        {"\xa1\x61t\x81\xa1\x61p\x81\xa1\x61"
         "a\x61x",
         13, "no number"},
        {"\xa1\x61t\x81\xa1\x61p\x81\xa1\x61"
         "c\x41x",
         13, "wrong length"},
        {"\xa1\x61t\x81\xa1\x61p\x81\xa1\x61"
         "a\x01",
         12, "without secret"},
        {"\xa1\x61z\x82\x01\xa1\x02", 7, "broken CBOR at byte 7"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        expect_refusal(token_of(SPAN("cashuB"), cases[i].inside, cases[i].len), cases[i].why);
    arena_clear(&arena);
}

/* At the edge, and one past it. */
static void test_bounds(void **state)
{
    static struct token_proof proofs[TOKEN_PROOFS_MAX + 1];
    struct token token = {SPAN("m"), SPAN("u"), SPAN(""), proofs, TOKEN_PROOFS_MAX}, read;
    struct text text = {0};
    struct err err;
    uint64_t sum;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(proofs); i++)
        proofs[i] =
            (struct token_proof){.amount = 1, .keyset_len = 1, .secret = SPAN("s"), .c.at = {2}};
    token_write(&text, &token);
    assert_true(token_read(&read, &arena, text_span(&text), &err));
    text.len = 0;
    token.count++;
    token_write(&text, &token);
    assert_false(token_read(&read, &arena, text_span(&text), &err));
    assert_non_null(strstr(err.text, "1000 proofs"));
    proofs[0].amount = UINT64_MAX - token.count + 1;
    assert_true(token_sum(&sum, &token) && sum == UINT64_MAX);
    proofs[0].amount++;
    assert_false(token_sum(&sum, &token));
    char *long_one = calloc(1, TOKEN_BYTES_MAX + 2);
    memset(long_one, 'A', TOKEN_BYTES_MAX + 1);
    assert_false(token_read(&read, &arena, (struct span){long_one, TOKEN_BYTES_MAX + 1}, &err));
    assert_non_null(strstr(err.text, "bytes"));
    free(long_one);
    text_clear(&text);
    arena_clear(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round), cmocka_unit_test(test_version_3),
        cmocka_unit_test(test_refused_json), cmocka_unit_test(test_refused_cbor),
        cmocka_unit_test(test_bounds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
