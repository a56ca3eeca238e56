#include "tests/minted.h"

#include <libpq-fe.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "gpu/faucet.h"
#include "shared/blind.h"
#include "shared/dleq.h"
#include "shared/err.h"
#include "shared/hex.h"
#include "shared/quote_sig.h"
#include "shared/sig.h"
#include "tests/test.h"

enum { WORK_BITS = 6 };

static void run(const struct minted *minted, const char *sql)
{
    struct err err = {0};
    PGconn *connection = database_connect(minted->database, &err);
    assert_non_null(connection);
    PGresult *done = PQexec(connection, sql);
    assert_int_equal(PQresultStatus(done), PGRES_COMMAND_OK);
    PQclear(done);
    PQfinish(connection);
}

void minted_open(struct minted *minted, const struct mint_policy *policy)
{
    static int count;
    struct err err = {0};
    *minted = (struct minted){.seed = {{1, 2, 3}}, .policy = mint_policy_default()};
    minted->policy.pow_bits = WORK_BITS;
    if (policy != NULL)
        minted->policy = *policy;
    snprintf(minted->schema, sizeof minted->schema, "test_minted_%d_%d", (int)getpid(), count++);
    minted->database = database_open(
        &(struct database_setup){.conninfo = getenv("TEST_DB"), .schema = minted->schema}, &err);
    if (minted->database == NULL)
        fail_msg("%s", err.text);
    minted->ledger = ledger_open(minted->database);
    const struct mint_setup setup = {minted->ledger, &minted->seed, &minted->policy, "a test"};
    minted->mint = mint_open(&setup, &err);
    if (minted->mint == NULL)
        fail_msg("%s", err.text);
}

void minted_close(struct minted *minted)
{
    char sql[128];
    mint_close(minted->mint);
    ledger_close(minted->ledger);
    snprintf(sql, sizeof sql, "SET client_min_messages = warning; DROP SCHEMA %s CASCADE",
             minted->schema);
    run(minted, sql);
    database_close(minted->database);
}

uint32_t minted_call(struct mint *mint, struct text *out, const char *method, const char *path,
                     const char *body)
{
    struct mint_answer answer;
    const struct mint_call call = {
        .method = method, .path = path, .body = {body, strlen(body)}, .address = SPAN("192.0.2.1")};
    mint_call(mint, &answer, &call);
    out->len = 0;
    text_add(out, text_span(&answer.body));
    *text_reserve(out, 1) = '\0';
    text_clear(&answer.body);
    return answer.status;
}

void minted_word(char *out, size_t size, const struct text *answer, const char *name)
{
    char label[64];
    snprintf(label, sizeof label, "\"%s\":\"", name);
    const char *at = strstr(answer->at, label);
    if (at == NULL)
        fail_msg("no %s in %s", name, answer->at);
    at += strlen(label);
    snprintf(out, size, "%.*s", (int)strcspn(at, "\""), at);
}

int minted_code(const struct text *answer)
{
    const char *at = strstr(answer->at, "\"code\":");
    if (at == NULL)
        fail_msg("not refused: %s", answer->at);
    return (int)strtol(at + strlen("\"code\":"), NULL, 10);
}

/* ---- the customer ---- */

/* Where the active keyset of a unit begins in an answer of /v1/keys: at its id. */
static const char *find_keyset(const struct text *keys, const char *unit)
{
    char label[64];
    snprintf(label, sizeof label, "\",\"unit\":\"%s\"", unit);
    const char *at = strstr(keys->at, label);
    assert_non_null(at);
    return at - 66;
}

struct minted_coin minted_blank(struct minted *minted, const char *unit, uint64_t amount,
                                const char *secret)
{
    struct text keys = {0};
    struct bytes32 random;
    struct minted_coin coin = {.amount = amount};
    assert_int_equal(minted_call(minted->mint, &keys, "GET", "/v1/keys", ""), 200);
    memcpy(coin.keyset, find_keyset(&keys, unit), 66);
    text_clear(&keys);
    randombytes_buf(&random, sizeof random);
    randombytes_buf(&coin.factor, sizeof coin.factor);
    coin.factor.at[0] = 1;
    if (secret != NULL)
        snprintf(coin.secret, sizeof coin.secret, "%s", secret);
    else
        hex_encode(coin.secret, random.at, sizeof random.at);
    assert_true(blind_message(&coin.message, (struct span){coin.secret, strlen(coin.secret)},
                              &coin.factor));
    return coin;
}

void minted_add_outputs(struct text *body, const struct minted_coin *coins, uint32_t count)
{
    text_addf(body, "\"outputs\":[");
    for (uint32_t i = 0; i < count; i++) {
        text_addf(body, "%s{\"amount\":%llu,\"id\":\"%s\",\"B_\":\"", i > 0 ? "," : "",
                  (unsigned long long)coins[i].amount, coins[i].keyset);
        text_add_hex(body, coins[i].message.at, sizeof coins[i].message.at);
        text_addf(body, "\"}");
    }
    text_addf(body, "]");
}

void minted_add_inputs(struct text *body, const struct minted_coin *coins, uint32_t count,
                       const char *witness)
{
    text_addf(body, "\"inputs\":[");
    for (uint32_t i = 0; i < count; i++) {
        text_addf(body, "%s{\"amount\":%llu,\"id\":\"%s\",\"secret\":", i > 0 ? "," : "",
                  (unsigned long long)coins[i].amount, coins[i].keyset);
        text_add_json(body, (struct span){coins[i].secret, strlen(coins[i].secret)});
        text_addf(body, ",\"C\":\"");
        text_add_hex(body, coins[i].c.at, sizeof coins[i].c.at);
        text_addf(body, "\"");
        if (witness != NULL) {
            text_addf(body, ",\"witness\":");
            text_add_json(body, (struct span){witness, strlen(witness)});
        }
        text_addf(body, "}");
    }
    text_addf(body, "]");
}

static const char *read_hex(const char *from, const char *label, uint8_t *out, size_t size)
{
    const char *at = strstr(from, label);
    assert_non_null(at);
    at += strlen(label);
    assert_true(hex_decode(out, size, (struct span){at, 2 * size}));
    return at;
}

static struct bytes33 public_key(struct minted *minted, const struct minted_coin *coin)
{
    char path[96], label[32];
    struct text keys = {0};
    struct bytes33 key;
    snprintf(path, sizeof path, "/v1/keys/%s", coin->keyset);
    snprintf(label, sizeof label, "\"%llu\":\"", (unsigned long long)coin->amount);
    assert_int_equal(minted_call(minted->mint, &keys, "GET", path, ""), 200);
    (void)read_hex(strstr(keys.at, "\"keys\""), label, key.at, sizeof key.at);
    text_clear(&keys);
    return key;
}

uint32_t minted_take(struct minted *minted, struct minted_coin *coins, uint32_t count,
                     const struct text *answer)
{
    const char *at = strstr(answer->at, "\"signatures\":");
    at = at != NULL ? at : strstr(answer->at, "\"change\":");
    assert_non_null(at);
    for (uint32_t i = 0; i < count; i++) {
        struct bytes33 signature;
        struct dleq dleq;
        at = strstr(at, "{\"amount\":");
        if (at == NULL)
            return i;
        coins[i].amount = strtoull(at + strlen("{\"amount\":"), NULL, 10);
        at = read_hex(at, "\"C_\":\"", signature.at, sizeof signature.at);
        at = read_hex(at, "\"e\":\"", dleq.e.at, sizeof dleq.e.at);
        at = read_hex(at, "\"s\":\"", dleq.s.at, sizeof dleq.s.at);
        struct bytes33 key = public_key(minted, coins + i);
        assert_true(dleq_verify(&dleq, &key, &coins[i].message, &signature));
        assert_true(blind_unblind(&coins[i].c, &signature, &coins[i].factor, &key));
    }
    return count;
}

struct bytes33 minted_key(const struct bytes32 *secret)
{
    struct bytes33 key;
    assert_true(blind_key(&key, secret));
    return key;
}

void minted_work(const struct minted *minted, char nonce[24], const struct bytes33 *key,
                 uint32_t stage)
{
    struct text info = {0};
    struct faucet_work work = {.key = *key, .stage = stage};
    assert_int_equal(minted_call(minted->mint, &info, "GET", "/v1/info", ""), 200);
    (void)read_hex(info.at, "\"pubkey\":\"", work.mint.at, sizeof work.mint.at);
    text_clear(&info);
    for (int i = 0;; i++) {
        work.nonce = (struct span){nonce, (size_t)snprintf(nonce, 24, "%d", i)};
        if (faucet_bits(&work) >= minted->policy.pow_bits)
            return;
    }
}

void minted_sign(char digits[129], const struct bytes32 *secret, const char *quote,
                 const struct minted_coin *coins, uint32_t count)
{
    struct quote_sig_output outputs[64];
    struct bytes64 sig;
    for (uint32_t i = 0; i < count; i++)
        outputs[i] = (struct quote_sig_output){coins[i].amount, coins[i].message};
    struct bytes32 hash =
        quote_sig_hash(QUOTE_SIG_FRAMED, (struct span){quote, strlen(quote)}, outputs, count);
    assert_true(sig_sign(&sig, &hash, secret, &(struct bytes32){{1}}));
    hex_encode(digits, sig.at, sizeof sig.at);
    digits[128] = '\0';
}

void minted_grant(struct minted *minted, struct minted_coin *coins, const uint64_t *amounts,
                  uint32_t count)
{
    struct bytes32 secret;
    struct text body = {0}, answer = {0};
    char nonce[24], quote[64], digits[129];
    randombytes_buf(&secret, sizeof secret);
    secret.at[0] = 1;
    struct bytes33 key = minted_key(&secret);
    minted_work(minted, nonce, &key, 1);
    text_addf(&body, "{\"unit\":\"ccr-promo\",\"stage\":1,\"nonce\":\"%s\",\"pubkey\":\"", nonce);
    text_add_hex(&body, key.at, sizeof key.at);
    text_addf(&body, "\"}%c", '\0');
    if (minted_call(minted->mint, &answer, "POST", "/v1/mint/quote/grant", body.at) != 200)
        fail_msg("%s", answer.at);
    minted_word(quote, sizeof quote, &answer, "quote");
    for (uint32_t i = 0; i < count; i++)
        coins[i] = minted_blank(minted, "ccr-promo", amounts[i], NULL);
    minted_sign(digits, &secret, quote, coins, count);
    body.len = 0;
    text_addf(&body, "{\"quote\":\"%s\",\"signature\":\"%s\",", quote, digits);
    minted_add_outputs(&body, coins, count);
    text_addf(&body, "}%c", '\0');
    if (minted_call(minted->mint, &answer, "POST", "/v1/mint/grant", body.at) != 200)
        fail_msg("%s", answer.at);
    assert_int_equal(minted_take(minted, coins, count, &answer), count);
    text_clear(&body);
    text_clear(&answer);
}
