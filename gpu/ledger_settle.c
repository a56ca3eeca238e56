/* The end of a melt: settle, or cancel. */
#include "gpu/ledger_melt_parts.h"

/* ---- settle ---- */

/* What was held and is no more; rows of keyset, sum. */
static void add_released(struct tally *tally, const PGresult *rows)
{
    for (int i = 0; i < PQntuples(rows) && i < TALLY_KEYSETS_MAX; i++)
        tally->rows[tally->count++] =
            (struct tally_row){.keyset = {.number = (int16_t)answer_number(rows, i, 0)},
                               .in = (uint64_t)answer_number(rows, i, 1)};
}

static bool add_change(struct tally *tally, const struct ledger_settlement *settlement,
                       struct fault *fault)
{
    for (uint32_t i = 0; i < settlement->change_count; i++) {
        const struct ledger_promise *promise = &settlement->change[i];
        uint32_t at = 0;
        while (at < tally->count && tally->rows[at].keyset.number != promise->keyset)
            at++;
        if (at == TALLY_KEYSETS_MAX || promise->amount == 0 ||
            promise->amount >> LEDGER_AMOUNT_BITS_MAX != 0 ||
            __builtin_add_overflow(tally->out, promise->amount, &tally->out))
            return fault_set(fault, FAULT_AMOUNT_LIMIT, "an amount is out of range");
        if (at == tally->count)
            tally->rows[tally->count++].keyset.number = promise->keyset;
        tally->rows[at].out += promise->amount;
    }
    return true;
}

static struct query sign_blanks(const struct ledger_settlement *settlement)
{
    static const struct ledger_promise none;
    uint32_t count = settlement->change_count;
    const struct ledger_promise *at = count > 0 ? settlement->change : &none;
    int64_t amounts[LEDGER_BLANKS_MAX];
    int64_t keysets[LEDGER_BLANKS_MAX];
    struct query query = query_of(
        "UPDATE promise p SET amount = u.amount, c = u.c, e = u.e, s = u.s"
        " FROM unnest($2::bytea[], $3::int8[], $4::int8[], $5::bytea[], $6::bytea[], $7::bytea[])"
        " AS u (b, amount, keyset, c, e, s)"
        " WHERE p.b = u.b AND p.quote = $1::uuid AND p.c IS NULL AND p.keyset = u.keyset::int2");
    for (uint32_t i = 0; i < count; i++) {
        amounts[i] = (int64_t)at[i].amount;
        keysets[i] = at[i].keyset;
    }
    query_bytes(&query, SPAN_OF(settlement->quote));
    query_pieces(&query, &at->message, sizeof at->message, sizeof *at, count);
    query_numbers(&query, amounts, count);
    query_numbers(&query, keysets, count);
    query_pieces(&query, &at->signature, sizeof at->signature, sizeof *at, count);
    query_pieces(&query, &at->dleq.e, sizeof at->dleq.e, sizeof *at, count);
    query_pieces(&query, &at->dleq.s, sizeof at->dleq.s, sizeof *at, count);
    return query;
}

static struct query delete_blanks(const struct uuid *quote)
{
    struct query query = query_of("DELETE FROM promise WHERE quote = $1::uuid AND c IS NULL");
    query_bytes(&query, SPAN_OF(*quote));
    return query;
}

/* Proofs spent, change signed, the other blanks gone. */
static bool move_money(struct transaction *transaction, const struct ledger_settlement *settlement,
                       struct tally *tally, struct fault *fault)
{
    const PGresult *answers[3];
    struct query queries[] = {
        query_of("WITH u AS (UPDATE proof SET spent = true WHERE quote = $1::uuid AND NOT spent"
                 " RETURNING keyset, amount)"
                 " SELECT keyset, sum(amount)::int8 FROM u GROUP BY keyset ORDER BY keyset"),
        sign_blanks(settlement), delete_blanks(&settlement->quote)};
    query_bytes(&queries[0], SPAN_OF(settlement->quote));
    if (!transaction_ask_all(transaction, queries, ARRAY_LEN(queries), answers))
        return ledger_lost(fault);
    if (answer_changed(answers[1]) != settlement->change_count)
        return fault_set(fault, FAULT_OURS, "change is not on the quote's blank outputs");
    add_released(tally, answers[0]);
    return true;
}

static bool mark_settled(struct transaction *transaction,
                         const struct ledger_settlement *settlement, uint32_t attempt,
                         const struct tally *tally, struct fault *fault)
{
    const PGresult *answers[3];
    struct bytes32 name = ledger_name_step(&settlement->quote, ENTRY_SETTLE, attempt);
    struct query queries[] = {
        ledger_write_entries(&name, ENTRY_SETTLE, tally, settlement->now),
        query_of("UPDATE melt_quote SET state = 2, cost = $2::int8, proof = $3::text"
                 " WHERE id = $1::uuid"),
        ledger_tell(&settlement->quote)};
    query_bytes(&queries[1], SPAN_OF(settlement->quote));
    query_number(&queries[1], (int64_t)settlement->cost);
    if (settlement->proof.at != NULL)
        query_bytes(&queries[1], settlement->proof);
    else
        query_null(&queries[1]);
    if (!transaction_ask_all(transaction, queries, ARRAY_LEN(queries), answers))
        return ledger_lost(fault);
    return answer_changed(answers[0]) == tally->count ||
           fault_set(fault, FAULT_OURS, "the journal knows of another settlement");
}

static bool check_settlement(const struct ledger_settlement *settlement,
                             const struct melt_quote *quote, struct fault *fault)
{
    uint64_t change = 0;
    if (settlement->change_count > LEDGER_BLANKS_MAX || settlement->proof.len > LEDGER_PROOF_MAX)
        return fault_set(fault, FAULT_OURS, "a settlement is out of range");
    for (uint32_t i = 0; i < settlement->change_count; i++)
        if (__builtin_add_overflow(change, settlement->change[i].amount, &change))
            return fault_set(fault, FAULT_AMOUNT_LIMIT, "an amount is out of range");
    if (settlement->cost > quote->amount + quote->fee_reserve || settlement->cost > quote->held ||
        change > quote->held - settlement->cost)
        return fault_set(fault, FAULT_UNBALANCED, "%llu held, %llu kept, %llu given back",
                         (unsigned long long)quote->held, (unsigned long long)settlement->cost,
                         (unsigned long long)change);
    return true;
}

bool ledger_settle(struct transaction *transaction, const struct ledger_settlement *settlement,
                   struct fault *fault)
{
    struct arena arena = {0};
    struct melt melt;
    struct tally tally = {0};
    bool is_there = ledger_melt_lock(transaction, &arena, &settlement->quote, &melt, fault);
    arena_clear(&arena);
    if (!is_there || melt.quote.state == MELT_PAID)
        return is_there;
    if (melt.quote.state == MELT_UNPAID)
        return fault_set(fault, FAULT_QUOTE_UNPAID, "nothing is held for the quote");
    return check_settlement(settlement, &melt.quote, fault) &&
           move_money(transaction, settlement, &tally, fault) &&
           add_change(&tally, settlement, fault) &&
           mark_settled(transaction, settlement, melt.attempt, &tally, fault);
}

/* ---- cancel ---- */

static bool release(struct transaction *transaction, const struct uuid *quote, struct tally *tally,
                    struct fault *fault)
{
    const PGresult *answers[2];
    struct query queries[] = {
        query_of("WITH d AS (DELETE FROM proof WHERE quote = $1::uuid AND NOT spent"
                 " RETURNING keyset, amount)"
                 " SELECT keyset, sum(amount)::int8 FROM d GROUP BY keyset ORDER BY keyset"),
        delete_blanks(quote)};
    query_bytes(&queries[0], SPAN_OF(*quote));
    if (!transaction_ask_all(transaction, queries, ARRAY_LEN(queries), answers))
        return ledger_lost(fault);
    add_released(tally, answers[0]);
    return true;
}

bool ledger_cancel(struct transaction *transaction, const struct uuid *quote, int64_t now,
                   struct fault *fault)
{
    struct arena arena = {0};
    struct melt melt;
    struct tally tally = {0};
    const PGresult *answers[3];
    bool is_there = ledger_melt_lock(transaction, &arena, quote, &melt, fault);
    arena_clear(&arena);
    if (!is_there || melt.quote.state == MELT_UNPAID)
        return is_there;
    if (melt.quote.state == MELT_PAID)
        return fault_set(fault, FAULT_QUOTE_PAID, "the quote is paid");
    if (!release(transaction, quote, &tally, fault))
        return false;
    struct bytes32 name = ledger_name_step(quote, ENTRY_CANCEL, melt.attempt);
    struct query queries[] = {
        ledger_write_entries(&name, ENTRY_CANCEL, &tally, now),
        query_of("UPDATE melt_quote SET state = 0, held = 0, hold = NULL WHERE id = $1::uuid"),
        ledger_tell(quote)};
    query_bytes(&queries[1], SPAN_OF(*quote));
    if (!transaction_ask_all(transaction, queries, ARRAY_LEN(queries), answers))
        return ledger_lost(fault);
    return answer_changed(answers[0]) == tally.count ||
           fault_set(fault, FAULT_OURS, "the journal knows of another cancelling");
}
