/* What a wallet's events say: written, read, and what is refused. */
#include "client/stash.h"

#include "shared/arena.h"
#include "shared/err.h"
#include "shared/text.h"
#include "tests/test.h"

#define HEX32 "0101010101010101010101010101010101010101010101010101010101010101"
#define POINT "02" HEX32

static struct arena arena;

static int clear(void **state)
{
    (void)state;
    arena_clear(&arena);
    return 0;
}

static struct span span_of(const char *text)
{
    return (struct span){text, strlen(text)};
}

static void expect(struct text *text, const char *wanted)
{
    assert_int_equal(text->len, strlen(wanted));
    assert_memory_equal(text->at, wanted, text->len);
    text_clear(text);
}

static void test_wallet(void **state)
{
    const struct span mints[] = {SPAN("https://mint.example.com"), SPAN("nostr:nprofile1x")};
    struct stash_wallet wallet = {.has_key = true, .mints = mints, .mint_count = 2}, read;
    struct text text = {0};
    struct err err;
    (void)state;
    memset(wallet.key.at, 1, sizeof wallet.key.at);
    stash_write_wallet(&text, &wallet);
    assert_true(stash_read_wallet(&read, &arena, text_span(&text), &err));
    assert_true(read.has_key && memcmp(&read.key, &wallet.key, sizeof read.key) == 0);
    assert_true(read.mint_count == 2 && span_eq(read.mints[0], mints[0]) &&
                span_eq(read.mints[1], mints[1]));
    expect(&text, "[[\"privkey\",\"" HEX32 "\"],[\"mint\",\"https://mint.example.com\"],"
                  "[\"mint\",\"nostr:nprofile1x\"]]");
    wallet = (struct stash_wallet){.mints = mints, .mint_count = 1};
    stash_write_wallet(&text, &wallet);
    expect(&text, "[[\"mint\",\"https://mint.example.com\"]]");
    assert_true(
        stash_read_wallet(&read, &arena, SPAN("[[\"new\",1,{}],[\"mint\"],[\"privkey\"]]"), &err));
    assert_true(!read.has_key && read.mint_count == 0);
}

static void test_wallet_refused(void **state)
{
    static const char *const wrong[] = {"",
                                        "{}",
                                        "[1]",
                                        "[[]]",
                                        "[[\"mint\",1]]",
                                        "[[\"privkey\",\"01\"]]",
                                        "[[1]",
                                        "[[\"mint\",\"x\"]]x"};
    struct stash_wallet wallet;
    struct text many = {0};
    struct err err;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        assert_false(stash_read_wallet(&wallet, &arena, span_of(wrong[i]), &err));
        assert_int_equal(err.code, ERR_INVALID);
    }
    for (uint32_t count = STASH_MINTS_MAX; count <= STASH_MINTS_MAX + 1; count++) {
        many.len = 0;
        text_add(&many, SPAN("[[\"x\"]"));
        for (uint32_t i = 0; i < count; i++)
            text_add(&many, SPAN(",[\"mint\",\"m\"]"));
        text_add(&many, SPAN("]"));
        assert_int_equal(stash_read_wallet(&wallet, &arena, text_span(&many), &err),
                         count == STASH_MINTS_MAX);
    }
    text_clear(&many);
}

static void test_coins(void **state)
{
    struct token_proof proofs[2] = {{.amount = 4, .secret = SPAN("one"), .has_dleq = true},
                                    {.amount = 1, .secret = SPAN("\"2\""), .witness = SPAN("w")}};
    struct bytes32 gone;
    struct stash_coins coins = {
        .token = {.mint = SPAN("m"), .unit = SPAN("ccr"), .proofs = proofs, .count = 2},
        .gone = &gone,
        .gone_count = 1};
    struct stash_coins read;
    struct text text = {0};
    struct err err;
    (void)state;
    memset(&gone, 1, sizeof gone);
    for (int i = 0; i < 2; i++) {
        memset(&proofs[i].c, 1, sizeof proofs[i].c);
        proofs[i].c.at[0] = 2;
        proofs[i].keyset_len = 8;
    }
    memset(&proofs[0].dleq, 1, sizeof proofs[0].dleq);
    memset(&proofs[0].factor, 1, sizeof proofs[0].factor);
    stash_write_coins(&text, &coins);
    assert_true(stash_read_coins(&read, &arena, text_span(&text), &err));
    assert_true(span_eq(read.token.mint, SPAN("m")) && span_eq(read.token.unit, SPAN("ccr")));
    assert_true(read.token.count == 2 && read.gone_count == 1);
    assert_memory_equal(read.gone, &gone, sizeof gone);
    assert_true(read.token.proofs[0].amount == 4 && read.token.proofs[0].has_dleq);
    assert_memory_equal(&read.token.proofs[0].factor, &proofs[0].factor, sizeof gone);
    assert_true(span_eq(read.token.proofs[1].secret, SPAN("\"2\"")));
    assert_true(span_eq(read.token.proofs[1].witness, SPAN("w")));
    expect(&text,
           "{\"mint\":\"m\",\"unit\":\"ccr\",\"proofs\":[{\"amount\":4,\"id\":\"0000000000000000\","
           "\"secret\":\"one\",\"C\":\"" POINT "\",\"dleq\":{\"e\":\"" HEX32 "\",\"s\":\"" HEX32
           "\",\"r\":\"" HEX32 "\"}},{\"amount\":1,\"id\":\"0000000000000000\",\"secret\":"
           "\"\\\"2\\\"\",\"C\":\"" POINT "\",\"witness\":\"w\"}],\"del\":[\"" HEX32 "\"]}");
    assert_true(
        stash_read_coins(&read, &arena, SPAN("{\"proofs\":[],\"mint\":\"m\",\"x\":[]}"), &err));
    assert_true(span_eq(read.token.unit, SPAN("sat")) && read.token.count == 0);
}

static void test_coins_refused(void **state)
{
    static const char *const wrong[] = {"",
                                        "[]",
                                        "{\"mint\":\"m\"}",
                                        "{\"proofs\":[]}",
                                        "{\"mint\":\"m\",\"proofs\":1}",
                                        "{\"mint\":1,\"proofs\":[]}",
                                        "{\"mint\":\"m\",\"proofs\":[{}]}",
                                        "{\"mint\":\"m\",\"proofs\":[],\"del\":1}",
                                        "{\"mint\":\"m\",\"proofs\":[],\"del\":[\"1\"]}",
                                        "{\"mint\":\"m\",\"proofs\":[]}x",
                                        "{\"mint\":\"m\",\"proofs\":[}"};
    struct stash_coins coins;
    struct text many = {0};
    struct err err;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        assert_false(stash_read_coins(&coins, &arena, span_of(wrong[i]), &err));
        assert_int_equal(err.code, ERR_INVALID);
    }
    for (uint32_t count = STASH_GONE_MAX; count <= STASH_GONE_MAX + 1; count++) {
        many.len = 0;
        text_add(&many, SPAN("{\"mint\":\"m\",\"proofs\":[],\"del\":[\"" HEX32 "\""));
        for (uint32_t i = 1; i < count; i++)
            text_add(&many, SPAN(",\"" HEX32 "\""));
        text_add(&many, SPAN("]}"));
        assert_int_equal(stash_read_coins(&coins, &arena, text_span(&many), &err),
                         count == STASH_GONE_MAX);
    }
    text_clear(&many);
}

static void test_move(void **state)
{
    struct bytes32 id;
    struct stash_move move = {.is_in = true, .amount = 7, .unit = SPAN("ccr"), .made = &id};
    struct text text = {0};
    (void)state;
    memset(&id, 1, sizeof id);
    stash_write_move(&text, &move);
    expect(&text, "[[\"direction\",\"in\"],[\"amount\",\"7\"],[\"unit\",\"ccr\"],[\"e\",\"" HEX32
                  "\",\"\",\"created\"]]");
    move = (struct stash_move){.amount = 1, .unit = SPAN("ccr"), .gone = &id, .gone_count = 1};
    stash_write_move(&text, &move);
    expect(&text, "[[\"direction\",\"out\"],[\"amount\",\"1\"],[\"unit\",\"ccr\"],[\"e\",\"" HEX32
                  "\",\"\",\"destroyed\"]]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_wallet, clear),
        cmocka_unit_test_teardown(test_wallet_refused, clear),
        cmocka_unit_test_teardown(test_coins, clear),
        cmocka_unit_test_teardown(test_coins_refused, clear),
        cmocka_unit_test(test_move),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
