/* Credit is issued: a quote says for what, and once that is there, its owner has it signed. */
#include <inttypes.h>
#include <stdio.h>

#include "gpu/fault.h"
#include "gpu/mint_parts.h"
#include "shared/curve.h"
#include "shared/err.h"
#include "shared/scan.h"

static bool write_quote(struct mint_verb *verb, const struct mint_quote *quote)
{
    static const char *const names[] = {
        [MINT_UNPAID] = "UNPAID", [MINT_PAID] = "PAID", [MINT_ISSUED] = "ISSUED"};
    struct text *out = verb->out;
    char id[UUID_TEXT_LEN + 1];
    uuid_write(id, &quote->id);
    text_addf(out, "{\"quote\":\"%s\",\"request\":", id);
    text_add_json(out, quote->request);
    text_addf(out,
              ",\"method\":\"%s\",\"unit\":\"%s\",\"amount\":%" PRIu64
              ",\"state\":\"%s\",\"expiry\":",
              quote->method, quote->unit, quote->amount, names[quote->state]);
    if (quote->expiry != 0)
        text_addf(out, "%" PRId64, quote->expiry);
    else
        text_add(out, SPAN("null"));
    if (quote->is_locked) {
        text_add(out, SPAN(","));
        mint_write_point(out, "pubkey", &quote->key);
    }
    text_add(out, SPAN("}"));
    return true;
}

static const struct mint_sale *find_sale(const struct mint_verb *verb)
{
    const struct mint *mint = verb->mint;
    for (uint32_t i = 0; i < mint->sale_count; i++)
        if (span_eq(verb->parts[0],
                    (struct span){mint->sales[i].name, strlen(mint->sales[i].name)}))
            return mint->sales + i;
    return NULL;
}

static bool check_sale(const struct mint_verb *verb, const struct mint_sale *sale)
{
    const struct mint_request *request = &verb->request;
    secp256k1_pubkey point;
    if (!span_eq(request->unit, (struct span){sale->unit, strlen(sale->unit)}))
        return fault_set(verb->fault, FAULT_UNIT_UNKNOWN, "what is bought by %s is %s", sale->name,
                         sale->unit);
    if (request->amount < sale->amount_min || request->amount > sale->amount_max)
        return fault_set(verb->fault, FAULT_AMOUNT_LIMIT,
                         "between %" PRIu64 " and %" PRIu64 " are sold at once", sale->amount_min,
                         sale->amount_max);
    return !request->has_key || curve_read(&point, &request->key) ||
           fault_set(verb->fault, FAULT_QUOTE_KEY, "the pubkey is none");
}

static bool sell(struct mint_verb *verb, const struct mint_sale *sale, struct mint_quote *quote)
{
    const struct mint_request *request = &verb->request;
    const struct ledger_budgets none = {0};
    struct mint_bill bill;
    struct fault unknown;
    if (!check_sale(verb, sale) || !sale->ask(sale->owner, &bill, &verb->arena, request->amount,
                                              request->description, verb->fault))
        return false;
    if (ledger_mint_quote_find(verb->mint->ledger, &verb->arena, &bill.quote, quote, &unknown))
        return fault_set(verb->fault, FAULT_OURS, "what is to be paid was told somebody else");
    *quote = (struct mint_quote){.id = bill.quote,
                                 .amount = request->amount,
                                 .request = bill.request,
                                 .is_locked = request->has_key,
                                 .key = request->key,
                                 .expiry = bill.expiry,
                                 .created_at = verb->now};
    memcpy(quote->method, sale->name, strlen(sale->name));
    memcpy(quote->unit, sale->unit, strlen(sale->unit));
    return ledger_mint_quote_add(verb->mint->ledger, quote, &none, verb->fault);
}

bool mint_quote_new(struct mint_verb *verb)
{
    struct mint_quote quote;
    const struct mint_sale *sale = find_sale(verb);
    if (sale != NULL)
        return sell(verb, sale, &quote) && write_quote(verb, &quote);
    if (!span_eq(verb->parts[0], SPAN("grant")))
        return fault_set(verb->fault, FAULT_UNIT_UNKNOWN, "credit is not issued by '%s' here",
                         scan_word(verb->parts[0]).at);
    return faucet_quote(verb, &quote) && write_quote(verb, &quote);
}

/* The quote of that id, which is of the method that the path names. */
static bool find(struct mint_verb *verb, struct span id, struct mint_quote *quote)
{
    struct uuid uuid;
    if (!uuid_read(&uuid, id))
        return fault_set(verb->fault, FAULT_QUOTE_UNKNOWN, "there is no such quote here");
    if (!ledger_mint_quote_find(verb->mint->ledger, &verb->arena, &uuid, quote, verb->fault))
        return false;
    return span_eq(verb->parts[0], (struct span){quote->method, strlen(quote->method)}) ||
           fault_set(verb->fault, FAULT_QUOTE_UNKNOWN, "the quote is of another method");
}

/* The same; of one that waits to be paid, it is looked whether it was. */
static bool find_anew(struct mint_verb *verb, struct span id, struct mint_quote *quote)
{
    const struct mint_sale *sale = find_sale(verb);
    if (!find(verb, id, quote))
        return false;
    if (sale == NULL || quote->state != MINT_UNPAID)
        return true;
    sale->look(sale->owner, &quote->id, quote->request);
    return find(verb, id, quote);
}

bool mint_quote_look(struct mint_verb *verb)
{
    struct mint_quote quote;
    return find_anew(verb, verb->parts[1], &quote) && write_quote(verb, &quote);
}

static bool check_signature(struct mint_verb *verb, const struct mint_quote *quote)
{
    const struct mint_request *request = &verb->request;
    if (!quote->is_locked)
        return true;
    return (request->has_signature &&
            quote_sig_verify(&request->signature, &quote->key, request->quote,
                             mint_request_signed(request, &verb->arena), request->output_count)) ||
           fault_set(verb->fault, FAULT_QUOTE_SIGNATURE,
                     "the quote's key has not signed for these outputs");
}

/* What of that unit may be issued ever, and of promo, in this epoch. */
static void set_budgets(const struct mint_verb *verb, const struct mint_quote *quote,
                        struct ledger_budgets *budgets, struct ledger_budget at[2],
                        char names[2][LEDGER_BUDGET_NAME_MAX + 1])
{
    const struct mint_policy *policy = &verb->mint->policy;
    bool is_promo = strcmp(quote->unit, MINT_UNIT_PROMO) == 0;
    int64_t epoch = mint_policy_epoch(policy, verb->now);
    snprintf(names[0], sizeof names[0], "%s/cap", quote->unit);
    snprintf(names[1], sizeof names[1], "%s/epoch/%" PRId64, quote->unit, epoch);
    at[0] = (struct ledger_budget){names[0],
                                   (uint64_t)(is_promo ? policy->promo_cap : policy->paid_cap)};
    at[1] = (struct ledger_budget){names[1], mint_policy_epoch_grant(policy, epoch)};
    *budgets = (struct ledger_budgets){at, is_promo ? 2 : 1};
}

bool mint_issue(struct mint_verb *verb)
{
    struct mint_quote quote;
    struct ledger_promise *promises;
    struct ledger_budget budgets[2];
    char names[2][LEDGER_BUDGET_NAME_MAX + 1];
    if (!find_anew(verb, verb->request.quote, &quote) || !check_signature(verb, &quote) ||
        !mint_check_outputs(verb, quote.amount) || !mint_sign_outputs(verb, &promises))
        return false;
    struct ledger_issue issue = {.quote = quote.id,
                                 .request = verb->hash,
                                 .outputs = promises,
                                 .output_count = verb->request.output_count,
                                 .now = verb->now};
    set_budgets(verb, &quote, &issue.budgets, budgets, names);
    if (!ledger_issue(verb->mint->ledger, &issue, verb->fault))
        return false;
    text_add(verb->out, SPAN("{"));
    if (!mint_write_promises(verb->mint, verb->out, "signatures", promises, issue.output_count,
                             verb->fault))
        return false;
    text_add(verb->out, SPAN("}"));
    return true;
}
