#include "gpu/ledger_melt.h"

#include "gpu/ledger_melt_parts.h"
#include "gpu/ledger_parts.h"

bool ledger_melt_quote_add(struct transaction *transaction, const struct melt_quote *quote,
                           struct fault *fault)
{
    uint64_t most;
    if (__builtin_add_overflow(quote->amount, quote->fee_reserve, &most) ||
        most >> LEDGER_AMOUNT_BITS_MAX != 0)
        return fault_set(fault, FAULT_AMOUNT_LIMIT, "an amount is out of range");
    if (quote->request.len > LEDGER_REQUEST_MAX)
        return fault_set(fault, FAULT_OURS, "a quote's request is too long");
    struct query query =
        query_of("INSERT INTO melt_quote (id, method, unit, request, amount, fee_reserve, state,"
                 " expiry, created_at) VALUES ($1::uuid, $2::text, $3::text, $4::text, $5::int8,"
                 " $6::int8, 0, $7::int8, $8::int8) ON CONFLICT DO NOTHING");
    query_bytes(&query, SPAN_OF(quote->id));
    query_text(&query, quote->method);
    query_text(&query, quote->unit);
    query_bytes(&query, quote->request);
    query_number(&query, (int64_t)quote->amount);
    query_number(&query, (int64_t)quote->fee_reserve);
    query_number(&query, quote->expiry);
    query_number(&query, quote->created_at);
    return transaction_ask(transaction, &query) != NULL || ledger_lost(fault);
}

static bool read_name(char *out, size_t max, const PGresult *rows, int column)
{
    struct span text = answer_bytes(rows, 0, column);
    if (text.len > max)
        return false;
    memcpy(out, text.at, text.len);
    return true;
}

#define COLUMNS                                                                        \
    "id, method, unit, request, amount, fee_reserve, state, expiry, created_at, held," \
    " cost, proof, attempt, hold"

static bool read_quote(struct melt *melt, struct arena *arena, const PGresult *rows,
                       struct fault *fault)
{
    struct melt_quote *quote = &melt->quote;
    *melt = (struct melt){.quote = {.request = arena_copy(arena, answer_bytes(rows, 0, 3)),
                                    .amount = (uint64_t)answer_number(rows, 0, 4),
                                    .fee_reserve = (uint64_t)answer_number(rows, 0, 5),
                                    .expiry = answer_number(rows, 0, 7),
                                    .created_at = answer_number(rows, 0, 8),
                                    .held = (uint64_t)answer_number(rows, 0, 9),
                                    .cost = (uint64_t)answer_number(rows, 0, 10)},
                          .attempt = (uint32_t)answer_number(rows, 0, 12)};
    int64_t state = answer_number(rows, 0, 6);
    quote->state = state == 0 ? MELT_UNPAID : state == 1 ? MELT_PENDING : MELT_PAID;
    if (!PQgetisnull(rows, 0, 11))
        quote->proof = arena_copy(arena, answer_bytes(rows, 0, 11));
    if (answer_copy(&quote->id, sizeof quote->id, rows, 0, 0) &&
        read_name(quote->method, LEDGER_METHOD_MAX, rows, 1) &&
        read_name(quote->unit, LEDGER_UNIT_MAX, rows, 2) &&
        (PQgetisnull(rows, 0, 13) ||
         answer_copy(&melt->request, sizeof melt->request, rows, 0, 13)))
        return true;
    return fault_set(fault, FAULT_OURS, "a quote's row is not what it should be");
}

static bool load(struct transaction *transaction, const char *sql, struct arena *arena,
                 const struct uuid *id, struct melt *melt, struct fault *fault)
{
    struct query query = query_of(sql);
    query_bytes(&query, SPAN_OF(*id));
    const PGresult *rows = transaction_ask(transaction, &query);
    if (rows == NULL)
        return ledger_lost(fault);
    if (PQntuples(rows) == 0)
        return fault_set(fault, FAULT_QUOTE_UNKNOWN, "there is no such quote");
    return read_quote(melt, arena, rows, fault);
}

bool ledger_melt_lock(struct transaction *transaction, struct arena *arena, const struct uuid *id,
                      struct melt *melt, struct fault *fault)
{
    static const char sql[] = "SELECT " COLUMNS " FROM melt_quote WHERE id = $1::uuid FOR UPDATE";
    return load(transaction, sql, arena, id, melt, fault);
}

bool ledger_melt_quote_lock(struct transaction *transaction, struct arena *arena,
                            const struct uuid *id, struct melt_quote *quote, struct fault *fault)
{
    struct melt melt;
    if (!ledger_melt_lock(transaction, arena, id, &melt, fault))
        return false;
    *quote = melt.quote;
    return true;
}

struct finding {
    struct arena *arena;
    const struct uuid *id;
    struct melt melt;
    struct ledger_promise *change;
    uint32_t count;
    struct fault *fault;
};

static bool find(struct transaction *transaction, void *argument)
{
    struct finding *finding = argument;
    static const char sql[] = "SELECT " COLUMNS " FROM melt_quote WHERE id = $1::uuid";
    return load(transaction, sql, finding->arena, finding->id, &finding->melt, finding->fault);
}

bool ledger_melt_quote_find(struct ledger *ledger, struct arena *arena, const struct uuid *id,
                            struct melt_quote *quote, struct fault *fault)
{
    struct finding finding = {.arena = arena, .id = id, .fault = fault};
    bool is_done = ledger_read(ledger, find, &finding, fault);
    *quote = finding.melt.quote;
    return is_done;
}

static bool read_change(struct transaction *transaction, void *argument)
{
    struct finding *finding = argument;
    struct query query = query_of("SELECT b, amount, keyset, c, e, s FROM promise"
                                  " WHERE quote = $1::uuid AND c IS NOT NULL ORDER BY position");
    query_bytes(&query, SPAN_OF(*finding->id));
    const PGresult *rows = transaction_ask(transaction, &query);
    if (rows == NULL)
        return ledger_lost(finding->fault);
    finding->count = (uint32_t)PQntuples(rows);
    finding->change = arena_array(finding->arena, struct ledger_promise, finding->count);
    for (uint32_t i = 0; i < finding->count; i++) {
        struct ledger_promise *promise = &finding->change[i];
        promise->amount = (uint64_t)answer_number(rows, (int)i, 1);
        promise->keyset = (int16_t)answer_number(rows, (int)i, 2);
        if (!answer_copy(&promise->message, sizeof promise->message, rows, (int)i, 0) ||
            !answer_copy(&promise->signature, sizeof promise->signature, rows, (int)i, 3) ||
            !answer_copy(&promise->dleq.e, sizeof promise->dleq.e, rows, (int)i, 4) ||
            !answer_copy(&promise->dleq.s, sizeof promise->dleq.s, rows, (int)i, 5))
            return fault_set(finding->fault, FAULT_OURS,
                             "a promise's row is not what it should be");
    }
    return true;
}

bool ledger_change(struct ledger *ledger, struct arena *arena, const struct uuid *quote,
                   const struct ledger_promise **change, uint32_t *count, struct fault *fault)
{
    struct finding finding = {.arena = arena, .id = quote, .fault = fault};
    bool is_done = ledger_read(ledger, read_change, &finding, fault);
    *change = finding.change;
    *count = is_done ? finding.count : 0;
    return is_done;
}
