#include "gpu/faucet.h"

#include <inttypes.h>
#include <stdio.h>

#include "gpu/fault.h"
#include "gpu/mint_parts.h"
#include "shared/curve.h"
#include "shared/err.h"
#include "shared/scan.h"
#include "shared/sig.h"

enum { NONCE_MAX = 64, ADDRESS_MAX = 45, GRANT_S = 86400, DAY_S = 86400 };

uint32_t faucet_bits(const struct faucet_work *work)
{
    struct text text = {0};
    uint32_t bits = 0;
    text_add(&text, SPAN("Shoal_Grant_v1:"));
    text_add_hex(&text, work->mint.at, sizeof work->mint.at);
    text_add(&text, SPAN(":"));
    text_add_hex(&text, work->key.at, sizeof work->key.at);
    text_addf(&text, ":%u:%.*s", work->stage, SPAN_ARG(work->nonce));
    struct bytes32 hash = sig_sha256(text_span(&text));
    text_clear(&text);
    while (bits < 8 * sizeof hash && (hash.at[bits / 8] >> (7 - bits % 8) & 1) == 0)
        bits++;
    return bits;
}

/* ---- what is asked ---- */

static bool check_work(const struct mint_verb *verb)
{
    const struct mint_request *request = &verb->request;
    const struct mint_policy *policy = &verb->mint->policy;
    const struct faucet_work work = {verb->mint->pubkey, request->key, request->stage,
                                     request->nonce};
    if (request->nonce.len > NONCE_MAX)
        return fault_set(verb->fault, FAULT_MALFORMED, "nonce: at most %d bytes", NONCE_MAX);
    return faucet_bits(&work) >= policy->pow_bits ||
           fault_set(verb->fault, FAULT_PAYMENT_FAILED,
                     "a grant costs %" PRId64 " bits of work: find a nonce", policy->pow_bits);
}

static bool check_request(const struct mint_verb *verb)
{
    const struct mint_request *request = &verb->request;
    const struct mint_policy *policy = &verb->mint->policy;
    secp256k1_pubkey point;
    if (policy->day_grant == 0)
        return fault_set(verb->fault, FAULT_MINT_DISABLED, "no credit is granted here");
    if (!span_eq(request->unit, SPAN(MINT_UNIT_PROMO)))
        return fault_set(verb->fault, FAULT_UNIT_UNKNOWN, "what is granted is " MINT_UNIT_PROMO);
    if (!request->has_key || !curve_read(&point, &request->key))
        return fault_set(verb->fault, FAULT_QUOTE_KEY, "a grant wants a pubkey that it is for");
    if (request->stage < 1 || request->stage > MINT_POLICY_STAGES)
        return fault_set(verb->fault, FAULT_MALFORMED, "stage: 1 to %d", MINT_POLICY_STAGES);
    int64_t amount = policy->stages[request->stage - 1];
    if (request->amount != 0 && request->amount != (uint64_t)amount)
        return fault_set(verb->fault, FAULT_AMOUNT_LIMIT, "stage %u is %" PRId64, request->stage,
                         amount);
    return check_work(verb);
}

/* A key's stage has one quote, however often it is asked for: its id is made of them. */
static struct uuid name_quote(const struct mint_verb *verb)
{
    char purpose[32];
    snprintf(purpose, sizeof purpose, "Shoal_Grant_Quote_v1%u", verb->request.stage);
    return mint_name_quote(verb->mint, purpose, SPAN_OF(verb->request.key));
}

/* ---- what has to be there ---- */

static bool check_job(struct mint_verb *verb)
{
    struct melt_quote quote;
    struct uuid id;
    if (verb->request.stage == 1)
        return true;
    if (!uuid_read(&id, verb->request.job) ||
        !ledger_melt_quote_find(verb->mint->ledger, &verb->arena, &id, &quote, verb->fault) ||
        quote.state != MELT_PAID || strcmp(quote.method, "bolt11") == 0 || quote.proof.len == 0 ||
        !span_eq(quote.proof, verb->request.receipt))
        return fault_set(verb->fault, FAULT_PAYMENT_FAILED,
                         "stage %u wants a job paid for here, and its receipt",
                         verb->request.stage);
    return true;
}

/* An address as limits know it: of version 6, the half that a site is given. */
static void add_address(struct text *out, struct span address)
{
    const char *colon = memchr(address.at, ':', address.len);
    uint32_t groups = 0;
    if (colon == NULL) {
        text_addf(out, "%.*s", SPAN_ARG(address));
        return;
    }
    for (size_t i = 0; i < address.len && groups < 4; i++) {
        groups += address.at[i] == ':';
        text_addf(out, "%c", address.at[i]);
    }
}

struct purse {
    char names[LEDGER_BUDGETS_MAX][LEDGER_BUDGET_NAME_MAX + 1];
    struct ledger_budget at[LEDGER_BUDGETS_MAX];
    struct ledger_budgets budgets;
};

static void add_budget(struct purse *purse, const struct text *name, uint64_t ceiling)
{
    uint32_t at = purse->budgets.count++;
    snprintf(purse->names[at], sizeof purse->names[at], MINT_UNIT_PROMO "/%.*s", (int)name->len,
             name->at);
    purse->at[at] = (struct ledger_budget){purse->names[at], ceiling};
}

/* Of a day, of who asks, and of a job that counts once. */
static void fill(struct purse *purse, const struct mint_verb *verb, uint64_t amount)
{
    const struct mint_policy *policy = &verb->mint->policy;
    struct span address = verb->call->address;
    long long day = (long long)(verb->now / DAY_S);
    struct text name = {0};
    *purse = (struct purse){.budgets.at = purse->at};
    text_addf(&name, "day/%lld", day);
    add_budget(purse, &name, (uint64_t)policy->day_grant);
    name.len = 0;
    text_addf(&name, "address/%lld/", day);
    bool is_known = address.len > 0 && address.len <= ADDRESS_MAX;
    if (is_known)
        add_address(&name, address);
    else
        text_addf(&name, "relay");
    add_budget(purse, &name, (uint64_t)(is_known ? policy->address_grant : policy->relay_grant));
    if (verb->request.stage > 1) {
        name.len = 0;
        text_addf(&name, "job/%.*s", SPAN_ARG(verb->request.job));
        add_budget(purse, &name, amount);
    }
    text_clear(&name);
}

bool faucet_quote(struct mint_verb *verb, struct mint_quote *quote)
{
    struct purse purse;
    struct fault unknown;
    if (!check_request(verb))
        return false;
    struct uuid id = name_quote(verb);
    if (ledger_mint_quote_find(verb->mint->ledger, &verb->arena, &id, quote, &unknown))
        return true;
    if (unknown.code != FAULT_QUOTE_UNKNOWN) {
        *verb->fault = unknown;
        return false;
    }
    if (!check_job(verb))
        return false;
    *quote =
        (struct mint_quote){.id = id,
                            .method = "grant",
                            .unit = MINT_UNIT_PROMO,
                            .amount = (uint64_t)verb->mint->policy.stages[verb->request.stage - 1],
                            .request = SPAN("grant"),
                            .is_locked = true,
                            .key = verb->request.key,
                            .state = MINT_PAID,
                            .expiry = verb->now + GRANT_S,
                            .created_at = verb->now};
    fill(&purse, verb, quote->amount);
    return ledger_mint_quote_add(verb->mint->ledger, quote, &purse.budgets, verb->fault);
}
