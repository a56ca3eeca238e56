/* Credit is spent on what a method does: quoted, held while it is done, then kept or given back. */
#include <inttypes.h>
#include <stdio.h>

#include "gpu/fault.h"
#include "gpu/mint_parts.h"
#include "shared/err.h"
#include "shared/scan.h"

static bool write_state(struct mint_verb *verb, const struct melt_quote *quote, struct span more)
{
    static const char *const names[] = {
        [MELT_UNPAID] = "UNPAID", [MELT_PENDING] = "PENDING", [MELT_PAID] = "PAID"};
    static const enum mint_melting meltings[] = {[MELT_UNPAID] = MINT_MELT_FREE,
                                                 [MELT_PENDING] = MINT_MELT_PENDING,
                                                 [MELT_PAID] = MINT_MELT_PAID};
    struct text *out = verb->out;
    char id[UUID_TEXT_LEN + 1];
    uuid_write(id, &quote->id);
    verb->answer->melting = meltings[quote->state];
    snprintf(verb->answer->next, sizeof verb->answer->next, "/v1/melt/quote/%s/%s", quote->method,
             id);
    text_addf(out, "{\"quote\":\"%s\",\"request\":", id);
    text_add_json(out, quote->request);
    text_addf(out,
              ",\"method\":\"%s\",\"unit\":\"%s\",\"amount\":%" PRIu64 ",\"fee_reserve\":%" PRIu64
              ",\"state\":\"%s\",\"expiry\":%" PRId64,
              quote->method, quote->unit, quote->amount, quote->fee_reserve, names[quote->state],
              quote->expiry);
    if (quote->state == MELT_PAID) {
        const struct ledger_promise *change;
        uint32_t count;
        text_add(out, SPAN(",\"payment_preimage\":"));
        text_add_json(out, quote->proof);
        text_add(out, SPAN(","));
        if (!ledger_change(verb->mint->ledger, &verb->arena, &quote->id, &change, &count,
                           verb->fault) ||
            !mint_write_promises(verb->mint, out, "change", change, count, verb->fault))
            return false;
    }
    if (more.len > 0)
        text_addf(out, ",%.*s", SPAN_ARG(more));
    text_add(out, SPAN("}"));
    return true;
}

/* ---- a quote ---- */

static const struct mint_method *find_method(const struct mint_verb *verb)
{
    const struct mint *mint = verb->mint;
    for (uint32_t i = 0; i < mint->method_count; i++)
        if (span_eq(verb->parts[0],
                    (struct span){mint->methods[i].name, strlen(mint->methods[i].name)}))
            return mint->methods + i;
    (void)fault_set(verb->fault, FAULT_UNIT_UNKNOWN, "credit is not spent on '%s' here",
                    scan_word(verb->parts[0]).at);
    return NULL;
}

struct quoting {
    const struct mint_method *method;
    struct mint_terms terms;
    struct melt_quote quote;
    struct fault *fault;
};

static bool keep(struct transaction *transaction, void *argument)
{
    struct quoting *quoting = argument;
    const struct mint_method *method = quoting->method;
    return ledger_melt_quote_add(transaction, &quoting->quote, quoting->fault) &&
           (method->keep == NULL || method->keep(method->owner, transaction, &quoting->quote.id,
                                                 &quoting->terms, quoting->fault));
}

/* Whether it is done: the fault says why it is not, or is filled with what the database says. */
static bool transact(struct mint_verb *verb, database_work_fn *work, void *argument)
{
    struct err err;
    verb->fault->code = FAULT_OURS;
    switch (database_transact(ledger_database(verb->mint->ledger), work, argument, &err)) {
    case DATABASE_DONE:
        return true;
    case DATABASE_REFUSED:
        return false;
    case DATABASE_FAILED:
        return fault_set(verb->fault, FAULT_OURS, "%s", err.text);
    }
    return false;
}

static bool check_terms(struct mint_verb *verb, const struct mint_terms *terms)
{
    uint64_t sum;
    if (__builtin_add_overflow(terms->amount, terms->fee_reserve, &sum) || sum > 1ULL << 62 ||
        terms->request.len > MINT_REQUEST_MAX)
        return fault_set(verb->fault, FAULT_AMOUNT_LIMIT, "that costs more than there is");
    return true;
}

bool mint_melt_quote(struct mint_verb *verb)
{
    struct quoting quoting = {.method = find_method(verb), .fault = verb->fault};
    const struct mint_method *method = quoting.method;
    struct melt_quote *quote = &quoting.quote;
    if (method == NULL)
        return false;
    if (!mint_has_unit(verb->request.unit))
        return fault_set(verb->fault, FAULT_UNIT_UNKNOWN, "there is no unit '%s' here",
                         scan_word(verb->request.unit).at);
    if (method->unit != NULL &&
        !span_eq(verb->request.unit, (struct span){method->unit, strlen(method->unit)}))
        return fault_set(verb->fault, FAULT_UNIT_UNKNOWN, "by %s is paid with %s alone",
                         method->name, method->unit);
    if (!method->quote(method->owner, &quoting.terms, &verb->arena, verb->request.unit,
                       verb->call->body, verb->fault) ||
        !check_terms(verb, &quoting.terms))
        return false;
    *quote = (struct melt_quote){.id = uuid_new(),
                                 .request = quoting.terms.request,
                                 .amount = quoting.terms.amount,
                                 .fee_reserve = quoting.terms.fee_reserve,
                                 .expiry = quoting.terms.expiry,
                                 .created_at = verb->now};
    memcpy(quote->unit, verb->request.unit.at, verb->request.unit.len);
    memcpy(quote->method, verb->parts[0].at, verb->parts[0].len);
    return transact(verb, keep, &quoting) && write_state(verb, quote, quoting.terms.more);
}

static bool find(struct mint_verb *verb, struct span id, struct melt_quote *quote)
{
    struct uuid uuid;
    if (!uuid_read(&uuid, id))
        return fault_set(verb->fault, FAULT_QUOTE_UNKNOWN, "there is no such quote here");
    if (!ledger_melt_quote_find(verb->mint->ledger, &verb->arena, &uuid, quote, verb->fault))
        return false;
    return span_eq(verb->parts[0], (struct span){quote->method, strlen(quote->method)}) ||
           fault_set(verb->fault, FAULT_QUOTE_UNKNOWN, "the quote is of another method");
}

bool mint_melt_look(struct mint_verb *verb)
{
    struct melt_quote quote;
    return find(verb, verb->parts[1], &quote) && write_state(verb, &quote, SPAN(""));
}

/* ---- payment ---- */

struct paying {
    const struct mint_method *method;
    struct ledger_hold hold;
    struct fault *fault;
};

static bool pay(struct transaction *transaction, void *argument)
{
    struct paying *paying = argument;
    const struct mint_method *method = paying->method;
    return ledger_hold(transaction, &paying->hold, paying->fault) &&
           method->pay(method->owner, transaction, &paying->hold.quote, paying->fault);
}

static bool read_blanks(struct mint_verb *verb, struct ledger_hold *hold)
{
    const struct mint_request *request = &verb->request;
    if (request->output_count > LEDGER_BLANKS_MAX)
        return fault_set(verb->fault, FAULT_OUTPUTS_MAX, "more than %d blank outputs",
                         LEDGER_BLANKS_MAX);
    struct ledger_blank *blanks =
        arena_array(&verb->arena, struct ledger_blank, request->output_count);
    for (uint32_t i = 0; i < request->output_count; i++) {
        const struct mint_keyset *keyset;
        if (!mint_ring_find(verb->mint->ring, request->wanted[i].keyset, &keyset, verb->fault) ||
            !mint_check_point(&request->outputs[i].message, verb->fault))
            return false;
        blanks[i] = (struct ledger_blank){request->outputs[i].message, keyset->number};
    }
    hold->blanks = blanks;
    hold->blank_count = request->output_count;
    return true;
}

bool mint_melt(struct mint_verb *verb)
{
    struct paying paying = {.method = find_method(verb), .fault = verb->fault};
    struct ledger_hold *hold = &paying.hold;
    struct ledger_proof *proofs;
    struct melt_quote quote;
    uint64_t sum;
    if (paying.method == NULL || !find(verb, verb->request.quote, &quote) ||
        !mint_check_inputs(verb, verb->request.quote, &proofs, &sum))
        return false;
    *hold = (struct ledger_hold){.quote = quote.id,
                                 .request = verb->hash,
                                 .inputs = proofs,
                                 .input_count = verb->request.input_count,
                                 .now = verb->now};
    if (!read_blanks(verb, hold) || !transact(verb, pay, &paying) ||
        !find(verb, verb->request.quote, &quote))
        return false;
    if (quote.state == MELT_UNPAID && !verb->request.is_async) /* it has failed since */
        return fault_set(verb->fault, FAULT_PAYMENT_FAILED, MINT_MELT_GIVEN_BACK);
    if (!write_state(verb, &quote, SPAN("")))
        return false;
    if (quote.state == MELT_PENDING && !verb->request.is_async)
        verb->answer->melting = MINT_MELT_WAITS;
    return true;
}

/* ---- the end ---- */

/* The blank outputs of a quote that is PENDING, to be signed. */
struct change {
    const struct ledger_blank *blanks;
    struct ledger_promise *promises;
    uint32_t blank_count, count;
};

/* The largest amounts first: what has no blank output left is the least. */
static bool sign_change(struct mint *mint, struct change *change, uint64_t rest,
                        struct fault *fault)
{
    uint64_t largest = 1ULL << (MINT_KEYSET_AMOUNTS - 1);
    for (change->count = 0; change->count < change->blank_count && rest > 0; change->count++) {
        const struct ledger_blank *blank = change->blanks + change->count;
        struct ledger_promise *promise = change->promises + change->count;
        const struct mint_keyset *keyset;
        while (largest > rest)
            largest >>= 1;
        rest -= largest;
        *promise = (struct ledger_promise){.amount = largest, .message = blank->message};
        if (!mint_ring_at(mint->ring, blank->keyset, &keyset, fault) ||
            !mint_sign(promise, keyset, fault))
            return false;
    }
    return true;
}

static bool settle(struct mint *mint, struct arena *arena, struct transaction *transaction,
                   struct ledger_settlement *settlement, struct fault *fault)
{
    struct melt_quote quote;
    struct change change;
    if (!ledger_melt_quote_lock(transaction, arena, &settlement->quote, &quote, fault))
        return false;
    if (quote.state == MELT_PAID) /* the transaction is run again */
        return true;
    if (quote.state == MELT_UNPAID || settlement->cost > quote.held)
        return fault_set(fault, FAULT_UNBALANCED, "what was not held cannot be kept");
    if (!ledger_blanks(transaction, arena, &settlement->quote, &change.blanks, &change.blank_count,
                       fault))
        return false;
    change.promises = arena_array(arena, struct ledger_promise, change.blank_count);
    if (!sign_change(mint, &change, quote.held - settlement->cost, fault))
        return false;
    settlement->change = change.promises;
    settlement->change_count = change.count;
    return ledger_settle(transaction, settlement, fault);
}

bool mint_settle(struct mint *mint, struct transaction *transaction, const struct uuid *quote,
                 uint64_t cost, struct span proof, struct fault *fault)
{
    struct arena arena = {0};
    struct ledger_settlement settlement = {
        .quote = *quote, .cost = cost, .proof = proof, .now = mint_now()};
    bool ok = settle(mint, &arena, transaction, &settlement, fault);
    arena_clear(&arena);
    return ok;
}
