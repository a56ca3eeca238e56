/* The beginning of a melt: proofs and blank outputs are held. */
#include "gpu/ledger_melt_parts.h"

struct holding {
    const struct ledger_hold *hold;
    const struct ledger_proof *inputs; /* sorted */
    struct melt melt;
    struct tally tally;
    struct fault *fault;
};

/* The blanks as promises worth nothing yet, sorted: for their keysets' sake, and to find pairs. */
static bool check_blanks(struct transaction *transaction, const struct holding *holding)
{
    const struct ledger_hold *hold = holding->hold;
    struct ledger_promise blanks[LEDGER_BLANKS_MAX];
    struct arena arena = {0};
    struct tally unused;
    if (hold->blank_count > LEDGER_BLANKS_MAX)
        return fault_set(holding->fault, FAULT_OUTPUTS_MAX, "more than %d blank outputs",
                         LEDGER_BLANKS_MAX);
    if (hold->blank_count == 0)
        return true;
    for (uint32_t i = 0; i < hold->blank_count; i++)
        blanks[i] = (struct ledger_promise){
            .message = hold->blanks[i].message, .keyset = hold->blanks[i].keyset, .amount = 1};
    const struct tally_call terms = {.outputs =
                                         ledger_sort_promises(&arena, blanks, hold->blank_count),
                                     .output_count = hold->blank_count,
                                     .unit = holding->melt.quote.unit,
                                     .now = hold->now,
                                     .retired_since = holding->melt.quote.created_at};
    bool is_right = ledger_tally(transaction, &unused, &terms, holding->fault);
    arena_clear(&arena);
    return is_right;
}

/* was_held: by the same request. */
static bool check(struct transaction *transaction, struct holding *holding, bool *was_held)
{
    const struct ledger_hold *hold = holding->hold;
    const struct melt_quote *quote = &holding->melt.quote;
    struct tally *tally = &holding->tally;
    const struct tally_call terms = {.inputs = holding->inputs,
                                     .input_count = hold->input_count,
                                     .unit = quote->unit,
                                     .now = hold->now};
    *was_held = quote->state != MELT_UNPAID &&
                memcmp(&holding->melt.request, &hold->request, sizeof hold->request) == 0;
    if (*was_held)
        return true;
    if (quote->state == MELT_PENDING)
        return fault_set(holding->fault, FAULT_QUOTE_PENDING, "the quote is pending");
    if (quote->state == MELT_PAID)
        return fault_set(holding->fault, FAULT_QUOTE_PAID, "the quote is paid");
    if (quote->expiry > 0 && hold->now > quote->expiry)
        return fault_set(holding->fault, FAULT_QUOTE_EXPIRED, "the quote has expired");
    if (!ledger_tally(transaction, tally, &terms, holding->fault) ||
        !check_blanks(transaction, holding))
        return false;
    uint64_t wanted = quote->amount + quote->fee_reserve;
    return (tally->in >= tally->fee && tally->in - tally->fee >= wanted) ||
           fault_set(holding->fault, FAULT_UNBALANCED,
                     "%llu in, less a fee of %llu, %llu are wanted", (unsigned long long)tally->in,
                     (unsigned long long)tally->fee, (unsigned long long)wanted);
}

static struct query insert_blanks(const struct ledger_hold *hold)
{
    static const struct ledger_blank none;
    const struct ledger_blank *at = hold->blank_count > 0 ? hold->blanks : &none;
    int64_t keysets[LEDGER_BLANKS_MAX];
    struct query query =
        query_of("INSERT INTO promise (b, amount, keyset, position, quote)"
                 " SELECT u.b, 0, u.keyset::int2, u.position::int2, $3::uuid"
                 " FROM unnest($1::bytea[], $2::int8[]) WITH ORDINALITY AS u (b, keyset, position)"
                 " ORDER BY u.b ON CONFLICT DO NOTHING");
    for (uint32_t i = 0; i < hold->blank_count; i++)
        keysets[i] = hold->blanks[i].keyset;
    query_pieces(&query, &at->message, sizeof at->message, sizeof *at, hold->blank_count);
    query_numbers(&query, keysets, hold->blank_count);
    query_bytes(&query, SPAN_OF(hold->quote));
    return query;
}

static struct query mark_held(const struct holding *holding)
{
    const struct tally *tally = &holding->tally;
    struct query query = query_of("UPDATE melt_quote SET state = 1, attempt = attempt + 1,"
                                  " hold = $2::bytea, held = $3::int8 WHERE id = $1::uuid");
    query_bytes(&query, SPAN_OF(holding->hold->quote));
    query_bytes(&query, SPAN_OF(holding->hold->request));
    query_number(&query, (int64_t)(tally->in - tally->fee));
    return query;
}

static bool put_down(struct transaction *transaction, const struct holding *holding)
{
    const struct ledger_hold *hold = holding->hold;
    const PGresult *answers[5];
    struct bytes32 name = ledger_name_step(&hold->quote, ENTRY_HOLD, holding->melt.attempt + 1);
    struct query queries[] = {
        ledger_insert_proofs(holding->inputs, hold->input_count, &hold->quote), insert_blanks(hold),
        ledger_write_entries(&name, ENTRY_HOLD, &holding->tally, hold->now), mark_held(holding),
        ledger_tell(&hold->quote)};
    if (!transaction_ask_all(transaction, queries, ARRAY_LEN(queries), answers))
        return ledger_lost(holding->fault);
    if (answer_changed(answers[0]) < hold->input_count)
        return ledger_explain_proofs(transaction, holding->inputs, hold->input_count,
                                     holding->fault);
    if (answer_changed(answers[1]) < hold->blank_count)
        return ledger_explain_promises(transaction, &hold->blanks->message, sizeof *hold->blanks,
                                       hold->blank_count, holding->fault);
    return answer_changed(answers[2]) == holding->tally.count ||
           fault_set(holding->fault, FAULT_OURS, "the journal knows of another hold");
}

bool ledger_hold(struct transaction *transaction, const struct ledger_hold *hold,
                 struct fault *fault)
{
    struct arena arena = {0};
    bool was_held = false;
    struct holding holding = {.hold = hold,
                              .inputs = ledger_sort_proofs(&arena, hold->inputs, hold->input_count),
                              .fault = fault};
    bool is_done = ledger_melt_lock(transaction, &arena, &hold->quote, &holding.melt, fault) &&
                   check(transaction, &holding, &was_held) &&
                   (was_held || put_down(transaction, &holding));
    arena_clear(&arena);
    return is_done;
}

bool ledger_blanks(struct transaction *transaction, struct arena *arena, const struct uuid *quote,
                   const struct ledger_blank **blanks, uint32_t *count, struct fault *fault)
{
    struct query query = query_of("SELECT b, keyset FROM promise"
                                  " WHERE quote = $1::uuid AND c IS NULL ORDER BY position");
    query_bytes(&query, SPAN_OF(*quote));
    const PGresult *rows = transaction_ask(transaction, &query);
    if (rows == NULL)
        return ledger_lost(fault);
    *count = (uint32_t)PQntuples(rows);
    struct ledger_blank *all = arena_array(arena, struct ledger_blank, *count);
    *blanks = all;
    for (uint32_t i = 0; i < *count; i++) {
        all[i].keyset = (int16_t)answer_number(rows, (int)i, 1);
        if (!answer_copy(&all[i].message, sizeof all[i].message, rows, (int)i, 0))
            return fault_set(fault, FAULT_OURS, "a blank's row is not what it should be");
    }
    return true;
}
