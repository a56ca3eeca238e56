/* The verbs of a mint on a real PostgreSQL: what a customer gets, and what is refused. */
#include "gpu/mint.h"

#include <stdio.h>

#include "gpu/fault.h"
#include "shared/blind.h"
#include "shared/err.h"
#include "shared/hex.h"
#include "shared/p2pk.h"
#include "shared/sig.h"
#include "tests/minted.h"
#include "tests/test.h"

static struct minted minted;
static struct text answer, body;

static int set_up(void **state)
{
    (void)state;
    minted_open(&minted, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    minted_close(&minted);
    text_clear(&answer);
    text_clear(&body);
    return 0;
}

static uint32_t get(const char *path)
{
    return minted_call(minted.mint, &answer, "GET", path, "");
}

/* What body holds. */
static uint32_t post(const char *path)
{
    text_addf(&body, "%c", '\0');
    uint32_t status = minted_call(minted.mint, &answer, "POST", path, body.at);
    body.len--;
    return status;
}

static void expect(uint32_t status, uint32_t right)
{
    if (status != right)
        fail_msg("%u, not %u: %s", status, right, answer.at);
}

static void refused(uint32_t status, int code)
{
    expect(status, 400);
    if (minted_code(&answer) != code)
        fail_msg("not %d: %s", code, answer.at);
}

/* A body that spends some for others. */
static void write_swap(const struct minted_coin *inputs, uint32_t input_count,
                       const struct minted_coin *outputs, uint32_t output_count,
                       const char *witness)
{
    body.len = 0;
    text_addf(&body, "{");
    minted_add_inputs(&body, inputs, input_count, witness);
    text_addf(&body, ",");
    minted_add_outputs(&body, outputs, output_count);
    text_addf(&body, "}");
}

static void grant(struct minted_coin *coins, uint32_t count)
{
    static const uint64_t amounts[] = {512, 256, 128, 64, 32, 8};
    struct minted_coin all[ARRAY_LEN(amounts)];
    minted_grant(&minted, all, amounts, ARRAY_LEN(amounts));
    memcpy(coins, all, count * sizeof *coins);
}

static void test_keysets(void **state)
{
    struct minted_coin promo = minted_blank(&minted, "ccr-promo", 1, NULL);
    struct minted_coin paid = minted_blank(&minted, "ccr", 1, NULL);
    char path[96], label[128];
    (void)state;
    expect(get("/v1/keysets"), 200);
    assert_string_not_equal(promo.keyset, paid.keyset);
    assert_memory_equal(promo.keyset, "01", 2);
    snprintf(label, sizeof label, "\"id\":\"%s\",\"unit\":\"ccr\",\"active\":true", paid.keyset);
    assert_non_null(strstr(answer.at, label));
    assert_null(strstr(answer.at, "\"keys\""));
    snprintf(path, sizeof path, "/v1/keys/%s", promo.keyset);
    expect(get(path), 200);
    assert_non_null(strstr(answer.at, promo.keyset));
    assert_null(strstr(answer.at, paid.keyset));
    path[20] ^= 1;
    refused(get(path), FAULT_KEYSET_UNKNOWN);
    refused(get("/v1/keys/00"), FAULT_KEYSET_UNKNOWN);
}

static void test_info(void **state)
{
    (void)state;
    expect(get("/v1/info"), 200);
    assert_non_null(strstr(answer.at, "\"method\":\"grant\",\"unit\":\"ccr-promo\""));
    assert_non_null(strstr(answer.at, "\"stages\":[1000,5000,2000,2000]"));
    assert_non_null(strstr(answer.at, "\"12\":{\"supported\":true}"));
}

static void test_nowhere(void **state)
{
    static const char *const paths[] = {"/",         "/v1/swap/x",         "/v1/mint/",
                                        "/v1/info/", "/v1/mint/quote/",    "/v1/mint/quote/grant/",
                                        "/v1/keys/", "/v1/mint/grant/x/y", "/v1"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        assert_int_equal(get(paths[i]), 404);
    assert_int_equal(minted_call(minted.mint, &answer, "DELETE", "/v1/info", ""), 404);
    assert_false(mint_serves("GET", "/v1/swap"));
    assert_true(mint_serves("POST", "/v1/swap"));
}

static void test_malformed(void **state)
{
    static const char *const bodies[] = {"",
                                         "[]",
                                         "{",
                                         "{\"inputs\":[{\"C\":\"00\"}]}",
                                         "{\"inputs\":[1]}",
                                         "{} {}",
                                         "{\"amount\":-1}",
                                         "{}",
                                         "{\"inputs\":[],\"outputs\":[]}"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        body.len = 0;
        text_addf(&body, "%s", bodies[i]);
        refused(post("/v1/swap"), FAULT_MALFORMED);
    }
    body.len = 0;
    text_addf(&body, "{\"Ys\":[");
    for (int i = 0; i <= MINT_LIST_MAX; i++)
        text_addf(&body, "%s\"02%064d\"", i > 0 ? "," : "", i);
    text_addf(&body, "]}");
    refused(post("/v1/checkstate"), FAULT_INPUTS_MAX);
}

/* ---- grants ---- */

static const struct bytes32 own = {{1, 7}};

static uint32_t ask_grant(const struct bytes32 *secret, uint32_t stage, const char *more)
{
    struct bytes33 key = minted_key(secret);
    char nonce[24];
    minted_work(&minted, nonce, &key, stage);
    body.len = 0;
    text_addf(&body, "{\"unit\":\"ccr-promo\",\"stage\":%u,\"nonce\":\"%s\",\"pubkey\":\"", stage,
              nonce);
    text_add_hex(&body, key.at, sizeof key.at);
    text_addf(&body, "\"%s}", more);
    return post("/v1/mint/quote/grant");
}

static void test_grant_refused(void **state)
{
    static const struct {
        const char *body;
        int code;
    } trials[] = {
        {"{\"unit\":\"ccr-promo\",\"stage\":1}", FAULT_QUOTE_KEY},
        {"{\"unit\":\"ccr\",\"stage\":1}", FAULT_UNIT_UNKNOWN},
        {"{\"unit\":\"ccr-promo\",\"stage\":1,\"pubkey\":"
         "\"020000000000000000000000000000000000000000"
         "000000000000000000000005\"}",
         FAULT_QUOTE_KEY},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(trials); i++) {
        body.len = 0;
        text_addf(&body, "%s", trials[i].body);
        refused(post("/v1/mint/quote/grant"), trials[i].code);
    }
    refused(post("/v1/mint/quote/bolt11"), FAULT_UNIT_UNKNOWN);
    refused(ask_grant(&own, 5, ""), FAULT_MALFORMED);
    refused(ask_grant(&own, 0, ""), FAULT_MALFORMED);
    refused(ask_grant(&own, 1, ",\"amount\":1001"), FAULT_AMOUNT_LIMIT);
    refused(ask_grant(&own, 1, ",\"nonce\":\"lazy, and found by nobody 7\""), FAULT_PAYMENT_FAILED);
    refused(ask_grant(&own, 2, ""), FAULT_PAYMENT_FAILED);
}

static void write_issue(const char *quote, const char *signature, const struct minted_coin *coins,
                        uint32_t count)
{
    body.len = 0;
    text_addf(&body, "{\"quote\":\"%s\",\"signature\":\"%s\",", quote, signature);
    minted_add_outputs(&body, coins, count);
    text_addf(&body, "}");
}

static void test_grant_once(void **state)
{
    char quote[64], again[64], path[96], digits[129];
    (void)state;
    expect(ask_grant(&own, 1, ",\"amount\":1000"), 200);
    minted_word(quote, sizeof quote, &answer, "quote");
    assert_non_null(strstr(answer.at, "\"amount\":1000,\"state\":\"PAID\""));
    expect(ask_grant(&own, 1, ""), 200);
    minted_word(again, sizeof again, &answer, "quote");
    assert_string_equal(quote, again);

    struct minted_coin coins[] = {minted_blank(&minted, "ccr-promo", 512, NULL),
                                  minted_blank(&minted, "ccr-promo", 488, NULL)};
    minted_sign(digits, &own, quote, coins, 2);
    write_issue(quote, digits, coins, 2); /* 488 is no key's amount */
    refused(post("/v1/mint/grant"), FAULT_KEYSET_UNKNOWN);
    static const uint64_t amounts[] = {512, 256, 128, 64, 32, 8};
    struct minted_coin right[ARRAY_LEN(amounts)];
    for (size_t i = 0; i < ARRAY_LEN(amounts); i++)
        right[i] = minted_blank(&minted, "ccr-promo", amounts[i], NULL);
    write_issue(quote, digits, right, ARRAY_LEN(amounts));
    refused(post("/v1/mint/grant"), FAULT_QUOTE_SIGNATURE);
    minted_sign(digits, &own, quote, right, 5);
    write_issue(quote, digits, right, 5);
    refused(post("/v1/mint/grant"), FAULT_UNBALANCED);
    minted_sign(digits, &own, quote, right, ARRAY_LEN(amounts));
    write_issue(quote, digits, right, ARRAY_LEN(amounts));
    expect(post("/v1/mint/grant"), 200);
    struct text first = {0};
    text_add(&first, text_span(&answer));
    expect(post("/v1/mint/grant"), 200); /* sent again, answered again */
    assert_int_equal(answer.len, first.len);
    assert_memory_equal(answer.at, first.at, first.len);
    text_clear(&first);
    assert_int_equal(minted_take(&minted, right, ARRAY_LEN(amounts), &answer), ARRAY_LEN(amounts));

    for (size_t i = 0; i < ARRAY_LEN(amounts); i++)
        right[i] = minted_blank(&minted, "ccr-promo", amounts[i], NULL);
    minted_sign(digits, &own, quote, right, ARRAY_LEN(amounts));
    write_issue(quote, digits, right, ARRAY_LEN(amounts));
    refused(post("/v1/mint/grant"), FAULT_QUOTE_ISSUED);
    snprintf(path, sizeof path, "/v1/mint/quote/grant/%s", quote);
    expect(get(path), 200);
    assert_non_null(strstr(answer.at, "\"state\":\"ISSUED\""));
    refused(get("/v1/mint/quote/grant/none"), FAULT_QUOTE_UNKNOWN);
}

static void test_grant_budgets(void **state)
{
    struct mint_policy policy = mint_policy_default();
    struct minted kept = minted;
    struct bytes32 secret = {{1, 9}};
    (void)state;
    policy.pow_bits = 0;
    policy.address_grant = 2000;
    policy.day_grant = 3000;
    minted_open(&minted, &policy);
    for (int i = 0; i < 2; i++) {
        secret.at[5]++;
        expect(ask_grant(&secret, 1, ""), 200);
    }
    secret.at[5]++;
    refused(ask_grant(&secret, 1, ""), FAULT_AMOUNT_LIMIT);
    assert_non_null(strstr(answer.at, "address"));
    minted_close(&minted);
    policy.day_grant = 1500;
    minted_open(&minted, &policy);
    expect(ask_grant(&own, 1, ""), 200);
    refused(ask_grant(&secret, 1, ""), FAULT_AMOUNT_LIMIT);
    assert_non_null(strstr(answer.at, "day"));
    minted_close(&minted);
    policy.day_grant = 0;
    minted_open(&minted, &policy);
    refused(ask_grant(&own, 1, ""), FAULT_MINT_DISABLED);
    minted_close(&minted);
    minted = kept;
}

/* ---- swaps ---- */

static void test_swap(void **state)
{
    struct minted_coin coins[2];
    struct minted_coin out[] = {minted_blank(&minted, "ccr-promo", 512, NULL),
                                minted_blank(&minted, "ccr-promo", 256, NULL)};
    (void)state;
    grant(coins, 2);
    write_swap(coins, 2, out, 1, NULL);
    refused(post("/v1/swap"), FAULT_UNBALANCED);
    write_swap(coins, 1, out, 2, NULL);
    refused(post("/v1/swap"), FAULT_UNBALANCED);
    struct minted_coin paid[] = {minted_blank(&minted, "ccr", 512, NULL),
                                 minted_blank(&minted, "ccr", 256, NULL)};
    write_swap(coins, 2, paid, 2, NULL);
    expect(post("/v1/swap"), 400); /* promo is never paid credit */
    write_swap(coins, 2, out, 2, NULL);
    expect(post("/v1/swap"), 200);
    assert_int_equal(minted_take(&minted, out, 2, &answer), 2);
    expect(post("/v1/swap"), 200);
    struct minted_coin more[] = {minted_blank(&minted, "ccr-promo", 512, NULL),
                                 minted_blank(&minted, "ccr-promo", 256, NULL)};
    write_swap(coins, 2, more, 2, NULL);
    refused(post("/v1/swap"), FAULT_PROOF_SPENT);
    out[0].c = out[1].c;
    write_swap(out, 2, more, 2, NULL);
    refused(post("/v1/swap"), FAULT_PROOF_INVALID);
    out[0].amount = 3;
    write_swap(out, 1, more, 1, NULL);
    refused(post("/v1/swap"), FAULT_PROOF_INVALID);
}

static void test_lock(void **state)
{
    struct bytes33 key = minted_key(&own);
    struct minted_coin coins[1];
    struct bytes64 sig;
    char secret[MINTED_SECRET_MAX], digits[129] = "", witness[256], name[67] = "";
    (void)state;
    hex_encode(name, key.at, sizeof key.at);
    snprintf(secret, sizeof secret, "[\"P2PK\",{\"nonce\":\"n\",\"data\":\"%s\",\"tags\":[]}]",
             name);
    struct minted_coin locked = minted_blank(&minted, "ccr-promo", 512, secret);
    struct minted_coin out = minted_blank(&minted, "ccr-promo", 512, NULL);
    grant(coins, 1);
    write_swap(coins, 1, &locked, 1, NULL);
    expect(post("/v1/swap"), 200);
    assert_int_equal(minted_take(&minted, &locked, 1, &answer), 1);
    write_swap(&locked, 1, &out, 1, NULL);
    refused(post("/v1/swap"), FAULT_PROOF_INVALID);
    struct bytes32 hash = sig_sha256((struct span){secret, strlen(secret)});
    assert_true(sig_sign(&sig, &hash, &own, &(struct bytes32){{3}}));
    hex_encode(digits, sig.at, sizeof sig.at);
    snprintf(witness, sizeof witness, "{\"signatures\":[\"%s\"]}", digits);
    struct text long_one = {0};
    text_addf(&long_one, "{\"preimage\":\"%0*d\"}%c", P2PK_WITNESS_MAX, 0, '\0');
    write_swap(&locked, 1, &out, 1, long_one.at);
    refused(post("/v1/swap"), FAULT_MALFORMED);
    text_clear(&long_one);
    write_swap(&locked, 1, &out, 1, witness);
    expect(post("/v1/swap"), 200);
    body.len = 0;
    struct bytes33 y = blind_hash_to_curve((struct span){secret, strlen(secret)});
    text_addf(&body, "{\"Ys\":[\"");
    text_add_hex(&body, y.at, sizeof y.at);
    text_addf(&body, "\"]}");
    expect(post("/v1/checkstate"), 200);
    assert_non_null(strstr(answer.at, "\"state\":\"SPENT\",\"witness\":\"{\\\"signatures"));
}

static void test_restore(void **state)
{
    struct minted_coin coins[3], blank = minted_blank(&minted, "ccr-promo", 8, NULL);
    struct minted_coin again[3];
    (void)state;
    grant(coins, 3);
    memcpy(again, coins, sizeof again);
    again[1] = blank;
    body.len = 0;
    text_addf(&body, "{");
    minted_add_outputs(&body, again, 3);
    text_addf(&body, "}");
    expect(post("/v1/restore"), 200);
    struct minted_coin found[] = {coins[0], coins[2]};
    memset(&found[0].c, 0, sizeof found[0].c);
    assert_int_equal(minted_take(&minted, found, 2, &answer), 2);
    assert_memory_equal(&found[0].c, &coins[0].c, sizeof found[0].c);
    assert_memory_equal(&found[1].c, &coins[2].c, sizeof found[1].c);
}

/* ---- what is told of it ---- */

static void test_told(void **state)
{
    struct text text = {0};
    struct err err;
    (void)state;
    mint_write_policy(minted.mint, &text);
    text_addf(&text, "%c", '\0');
    assert_non_null(strstr(text.at, "\"units\":[\"ccr\",\"ccr-promo\"],\"pubkey\":\"0"));
    assert_non_null(strstr(text.at, "\"stages\":[1000,5000,2000,2000]}"));
    text.len = 0;
    assert_true(mint_write_supply(minted.mint, &text, &err));
    text_addf(&text, "%c", '\0');
    assert_non_null(strstr(text.at, "\"outstanding\":"));
    assert_non_null(strstr(text.at, "\"differences\":[]"));
    text_clear(&text);
}

/* ---- keys ---- */

static void test_rotate(void **state)
{
    struct minted_coin coins[2], old = minted_blank(&minted, "ccr-promo", 512, NULL);
    char id[MINT_ID_CHARS + 1];
    struct err err;
    (void)state;
    grant(coins, 2);
    assert_false(mint_rotate(minted.mint, "sat", id, &err));
    assert_true(mint_rotate(minted.mint, "ccr-promo", id, &err));
    struct minted_coin fresh = minted_blank(&minted, "ccr-promo", 512, NULL);
    assert_string_equal(fresh.keyset, id);
    assert_string_not_equal(fresh.keyset, old.keyset);
    write_swap(coins, 1, &old, 1, NULL);
    refused(post("/v1/swap"), FAULT_KEYSET_INACTIVE);
    write_swap(coins, 1, &fresh, 1, NULL);
    expect(post("/v1/swap"), 200);
    expect(get("/v1/keysets"), 200);
    assert_non_null(strstr(answer.at, "\"active\":false"));
}

static void test_seed(void **state)
{
    struct err err;
    struct bytes32 other = {{9}};
    struct mint_setup setup = {minted.ledger, &other, &minted.policy, "another"};
    (void)state;
    assert_null(mint_open(&setup, &err));
    assert_non_null(strstr(err.text, "seed"));
    setup.seed = &minted.seed;
    struct mint *mint = mint_open(&setup, &err);
    assert_non_null(mint);
    assert_int_equal(minted_call(mint, &answer, "GET", "/v1/keysets", ""), 200);
    mint_close(mint);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keysets),       cmocka_unit_test(test_info),
        cmocka_unit_test(test_nowhere),       cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_grant_refused), cmocka_unit_test(test_grant_once),
        cmocka_unit_test(test_grant_budgets), cmocka_unit_test(test_swap),
        cmocka_unit_test(test_lock),          cmocka_unit_test(test_restore),
        cmocka_unit_test(test_told),          cmocka_unit_test(test_rotate),
        cmocka_unit_test(test_seed),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
