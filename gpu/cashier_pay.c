/* cashier_pay.c - tokens in, orders out; change in, tokens out. By the mint's own verbs. */
#include <stdio.h>

#include "client/demand.h"
#include "client/wallet_wire.h"
#include "gpu/cashier_parts.h"
#include "gpu/journal.h"
#include "gpu/mint.h"
#include "shared/hex.h"

static bool wrong(struct sale *sale, int status, const char *code, const char *why)
{
    refusal_fill(&sale->refusal, status, NULL, "%s", why);
    sale->refusal.code = code;
    return false;
}

/* The mint's answer lives in the sale's arena. */
static bool ask_mint(struct sale *sale, struct span *answer, const char *path, struct span body)
{
    struct mint_answer told = {0};
    struct mint_call call = {.method = body.len > 0 ? "POST" : "GET", .path = path, .body = body};
    struct wallet_refusal why;
    mint_call(sale->cashier->setup.mint, &told, &call);
    *answer = arena_copy(&sale->arena, text_span(&told.body));
    text_clear(&told.body);
    if (told.status == 200)
        return true;
    wallet_read_refusal(&why, &sale->arena, *answer);
    refusal_fill(&sale->refusal, told.status >= 500 ? 503 : 400, NULL, "the token: %.*s",
                 (int)(why.detail.len < 150 ? why.detail.len : 150), why.detail.at);
    sale->refusal.code = "payment_invalid";
    return false;
}

/* ---- the mint's keysets ---- */

static bool read_keysets(struct sale *sale, struct wallet_keyset **keysets, size_t *count)
{
    struct span answer;
    struct err err;
    if (!ask_mint(sale, &answer, "/v1/keysets", SPAN("")))
        return false;
    return wallet_read_keysets(keysets, count, &sale->arena, answer, &err) ||
           wrong(sale, 500, NULL, err.text);
}

static bool read_keys(struct sale *sale, struct wallet_keyset *keyset)
{
    char path[16 + 2 * sizeof keyset->id.at] = "/v1/keys/";
    size_t len = strlen(path);
    struct span answer;
    struct err err;
    hex_encode(path + len, keyset->id.at, sizeof keyset->id.at);
    path[len + 2 * sizeof keyset->id.at] = '\0';
    return ask_mint(sale, &answer, path, SPAN("")) &&
           (wallet_read_keys(keyset, &sale->arena, answer, &err) ||
            wrong(sale, 500, NULL, err.text));
}

/* Proofs may name their keysets by how they begin: the mint wants to have all of it. */
static bool name_keysets(struct sale *sale, struct token *token)
{
    struct wallet_keyset *keysets;
    size_t count;
    bool has_active = false;
    uint64_t fee_ppk = 0;
    if (!read_keysets(sale, &keysets, &count))
        return false;
    for (uint32_t i = 0; i < token->count; i++) {
        const struct wallet_keyset *keyset = wallet_find(keysets, count, token->proofs + i);
        if (keyset == NULL)
            return wrong(sale, 400, "payment_invalid", "the token is of another mint");
        memcpy(token->proofs[i].keyset, keyset->id.at, sizeof keyset->id.at);
        token->proofs[i].keyset_len = sizeof keyset->id.at;
        fee_ppk += keyset->keys.input_fee_ppk;
    }
    sale->fee = (fee_ppk + 999) / 1000;
    for (size_t i = 0; i < count; i++)
        if (keysets[i].is_active && span_eq(keysets[i].keys.unit, token->unit)) {
            sale->keyset = keysets[i];
            has_active = true;
        }
    return has_active || wrong(sale, 400, "payment_invalid", "the token's unit is not known here");
}

/* ---- paying ---- */

static void demand(struct sale *sale, const struct price_quote *quote, struct span unit)
{
    const struct cashier_setup *setup = &sale->cashier->setup;
    struct demand wanted = {.amount = quote->amount + quote->reserve,
                            .has_amount = true,
                            .is_once = true,
                            .unit = unit,
                            .mints = &setup->url,
                            .mint_count = 1,
                            .description = SPAN("a job")};
    demand_write(&sale->payment, &wanted);
    (void)wrong(sale, 402, "payment_required", "this costs credit: X-Cashu says how much");
}

/* As much of an answer as the token pays for; 0: as much as it may have. */
static bool fit(struct sale *sale, struct compute_bill *bill, uint64_t sum, struct span unit)
{
    const struct cashier_setup *setup = &sale->cashier->setup;
    uint64_t price = bill->terms.price.output;
    if (sum >= bill->quote.amount + bill->quote.reserve)
        return true;
    if (bill->says_max || sum <= bill->quote.amount || price == 0) {
        demand(sale, &bill->quote, unit);
        return false;
    }
    uint64_t rest = sum - bill->quote.amount;
    uint64_t most = rest > UINT64_MAX / PRICE_PPM ? UINT64_MAX : rest * PRICE_PPM / price;
    if (most == 0 || most > UINT32_MAX) {
        demand(sale, &bill->quote, unit);
        return false;
    }
    return compute_bill(setup->compute, bill, &sale->arena, sale->ask->body, (uint32_t)most,
                        &sale->refusal);
}

static bool ask_quote(struct sale *sale, struct wallet_quote *quote,
                      const struct compute_bill *bill, struct span unit)
{
    struct text body = {0};
    struct span answer;
    struct err err;
    text_add(&body, SPAN("{\"unit\":"));
    text_add_json(&body, unit);
    text_addf(&body, ",\"max_tokens\":%u,\"request\":", bill->terms.tokens_max);
    text_add_json(&body, bill->terms.body);
    text_add(&body, SPAN("}"));
    bool ok = ask_mint(sale, &answer, "/v1/melt/quote/compute", text_span(&body));
    text_clear(&body);
    return ok &&
           (wallet_read_quote(quote, &sale->arena, answer, &err) ||
            wrong(sale, 500, NULL, err.text)) &&
           (uuid_read(&sale->quote, quote->id) || wrong(sale, 500, NULL, "a quote without an id"));
}

static bool melt(struct sale *sale, const struct token *token, const struct wallet_quote *quote)
{
    struct text body = {0};
    struct span answer;
    const struct wallet_output *blanks =
        wallet_outputs(&sale->arena, &sale->seed, &sale->keyset.id, 0, NULL, sale->blank_count);
    text_addf(&body, "{\"quote\":\"%.*s\",\"prefer_async\":true,", SPAN_ARG(quote->id));
    wallet_write_inputs(&body, token->proofs, token->count);
    text_add(&body, SPAN(","));
    wallet_write_outputs(&body, &sale->keyset.id, blanks, sale->blank_count);
    text_add(&body, SPAN("}"));
    bool ok = ask_mint(sale, &answer, "/v1/melt/compute", text_span(&body));
    text_clear(&body);
    return ok;
}

static bool read_token(struct sale *sale, struct token *token, uint64_t *sum)
{
    struct err err;
    return (token_read(token, &sale->arena, sale->ask->payment, &err) && token_sum(sum, token)) ||
           wrong(sale, 400, "payment_invalid", "X-Cashu is no token");
}

bool cashier_pay(struct sale *sale)
{
    const struct cashier_setup *setup = &sale->cashier->setup;
    struct compute_bill bill;
    struct wallet_quote quote;
    struct token token;
    uint64_t sum;
    if (!compute_bill(setup->compute, &bill, &sale->arena, sale->ask->body, 0, &sale->refusal))
        return false;
    if (sale->ask->payment.len == 0) {
        demand(sale, &bill.quote, setup->unit);
        return false;
    }
    if (!read_token(sale, &token, &sum) || !name_keysets(sale, &token) ||
        !fit(sale, &bill, sum > sale->fee ? sum - sale->fee : 0, token.unit))
        return false;
    sale->seed = wallet_change_seed(&token);
    sale->unit = token.unit;
    sale->blank_count = wallet_blanks(sum - bill.quote.amount);
    return ask_quote(sale, &quote, &bill, token.unit) && melt(sale, &token, &quote);
}

/* ---- change ---- */

static bool read_change(struct sale *sale, struct wallet_signature **signatures, size_t *count)
{
    char path[32 + UUID_TEXT_LEN] = "/v1/melt/quote/compute/";
    struct span answer;
    struct err err;
    uuid_write(path + strlen(path), &sale->quote);
    return ask_mint(sale, &answer, path, SPAN("")) &&
           (wallet_read_signatures(signatures, count, &sale->arena, answer, SPAN("change"), &err) ||
            wrong(sale, 500, NULL, err.text));
}

static bool unblind(struct sale *sale, struct token *token,
                    const struct wallet_signature *signatures, size_t count)
{
    const struct wallet_output *blanks =
        wallet_outputs(&sale->arena, &sale->seed, &sale->keyset.id, 0, NULL, sale->blank_count);
    struct err err;
    if (count > sale->blank_count)
        return wrong(sale, 500, NULL, "more change than there are blanks");
    if (!read_keys(sale, &sale->keyset))
        return false;
    token->proofs = arena_array(&sale->arena, struct token_proof, count);
    for (size_t i = 0; i < count; i++)
        if (!wallet_unblind(token->proofs + i, blanks + i, &sale->keyset, signatures + i, &err))
            return wrong(sale, 500, NULL, err.text);
    token->count = (uint32_t)count;
    return true;
}

void cashier_change(struct sale *sale)
{
    struct wallet_signature *signatures;
    struct token token = {.mint = sale->cashier->setup.url, .unit = sale->unit};
    size_t count;
    if (!read_change(sale, &signatures, &count) || !unblind(sale, &token, signatures, count))
        journal_line(JOURNAL_WARNING, "cashier: no change why=%s", sale->refusal.text);
    else if (count > 0)
        token_write(&sale->payment, &token);
}
