#include "gpu/ledger_quote.h"

#include "gpu/ledger_parts.h"

struct query ledger_tell(const struct uuid *quote)
{
    char text[UUID_TEXT_LEN + 1];
    struct query query = query_of("SELECT pg_notify(current_schema()::text || '_quote', $1::text)");
    uuid_write(text, quote);
    query_text(&query, text);
    return query;
}

/* Of any call about one quote. */
struct quoting {
    const struct mint_quote *quote;
    const struct ledger_budgets *budgets;
    const struct uuid *id;
    int64_t now;
    struct arena *arena;
    struct mint_quote *found;
    const struct ledger_issue *issue;
    const struct ledger_promise *outputs; /* sorted */
    bool was_done;
    struct fault *fault;
};

static bool add(struct transaction *transaction, void *argument)
{
    const struct quoting *call = argument;
    const struct mint_quote *quote = call->quote;
    struct query query =
        query_of("INSERT INTO mint_quote (id, method, unit, amount, request, key, state, expiry,"
                 " created_at) VALUES ($1::uuid, $2::text, $3::text, $4::int8, $5::text,"
                 " $6::bytea, $7::int8::int2, $8::int8, $9::int8) ON CONFLICT DO NOTHING");
    query_bytes(&query, SPAN_OF(quote->id));
    query_text(&query, quote->method);
    query_text(&query, quote->unit);
    query_number(&query, (int64_t)quote->amount);
    query_bytes(&query, quote->request);
    if (quote->is_locked)
        query_bytes(&query, SPAN_OF(quote->key));
    else
        query_null(&query);
    query_number(&query, quote->state);
    query_number(&query, quote->expiry);
    query_number(&query, quote->created_at);
    const PGresult *answer = transaction_ask(transaction, &query);
    if (answer == NULL)
        return ledger_lost(call->fault);
    if (answer_changed(answer) == 0)
        return true; /* by this call, the first time that it ran */
    return ledger_take(transaction, call->budgets, quote->amount, call->fault);
}

bool ledger_mint_quote_add(struct ledger *ledger, const struct mint_quote *quote,
                           const struct ledger_budgets *budgets, struct fault *fault)
{
    struct quoting call = {.quote = quote, .budgets = budgets, .fault = fault};
    if (quote->amount == 0 || quote->amount >> LEDGER_AMOUNT_BITS_MAX != 0)
        return fault_set(fault, FAULT_AMOUNT_LIMIT, "an amount is out of range");
    if (quote->request.len > LEDGER_REQUEST_MAX || quote->state == MINT_ISSUED)
        return fault_set(fault, FAULT_OURS, "that is no new quote");
    return ledger_run(ledger, add, &call, fault);
}

static bool read_name(char *out, size_t max, const PGresult *rows, int column)
{
    struct span text = answer_bytes(rows, 0, column);
    if (text.len > max)
        return false;
    memcpy(out, text.at, text.len);
    return true;
}

static bool read_quote(struct mint_quote *quote, struct arena *arena, const PGresult *rows,
                       struct fault *fault)
{
    *quote = (struct mint_quote){.amount = (uint64_t)answer_number(rows, 0, 3),
                                 .request = arena_copy(arena, answer_bytes(rows, 0, 4)),
                                 .is_locked = !PQgetisnull(rows, 0, 5),
                                 .expiry = answer_number(rows, 0, 7),
                                 .created_at = answer_number(rows, 0, 8)};
    int64_t state = answer_number(rows, 0, 6);
    quote->state = state == 0 ? MINT_UNPAID : state == 1 ? MINT_PAID : MINT_ISSUED;
    if (answer_copy(&quote->id, sizeof quote->id, rows, 0, 0) &&
        read_name(quote->method, LEDGER_METHOD_MAX, rows, 1) &&
        read_name(quote->unit, LEDGER_UNIT_MAX, rows, 2) &&
        (!quote->is_locked || answer_copy(&quote->key, sizeof quote->key, rows, 0, 5)))
        return true;
    return fault_set(fault, FAULT_OURS, "a quote's row is not what it should be");
}

#define COLUMNS "id, method, unit, amount, request, key, state, expiry, created_at"

static bool load(struct transaction *transaction, const char *sql, const struct uuid *id,
                 struct arena *arena, struct mint_quote *quote, struct fault *fault)
{
    struct query query = query_of(sql);
    query_bytes(&query, SPAN_OF(*id));
    const PGresult *rows = transaction_ask(transaction, &query);
    if (rows == NULL)
        return ledger_lost(fault);
    if (PQntuples(rows) == 0)
        return fault_set(fault, FAULT_QUOTE_UNKNOWN, "there is no such quote");
    return read_quote(quote, arena, rows, fault);
}

static bool find(struct transaction *transaction, void *argument)
{
    const struct quoting *call = argument;
    static const char sql[] = "SELECT " COLUMNS " FROM mint_quote WHERE id = $1::uuid";
    return load(transaction, sql, call->id, call->arena, call->found, call->fault);
}

bool ledger_mint_quote_find(struct ledger *ledger, struct arena *arena, const struct uuid *id,
                            struct mint_quote *quote, struct fault *fault)
{
    struct quoting call = {.id = id, .arena = arena, .found = quote, .fault = fault};
    return ledger_read(ledger, find, &call, fault);
}

static bool lock(struct transaction *transaction, const struct uuid *id, struct arena *arena,
                 struct mint_quote *quote, struct fault *fault)
{
    static const char sql[] = "SELECT " COLUMNS " FROM mint_quote WHERE id = $1::uuid FOR UPDATE";
    return load(transaction, sql, id, arena, quote, fault);
}

/* Puts down the new state and tells of it. */
static bool move(struct transaction *transaction, const struct uuid *id, enum mint_state state,
                 struct fault *fault)
{
    const PGresult *answers[2];
    struct query queries[] = {
        query_of("UPDATE mint_quote SET state = $2::int8::int2 WHERE id = $1::uuid"),
        ledger_tell(id)};
    query_bytes(&queries[0], SPAN_OF(*id));
    query_number(&queries[0], state);
    return transaction_ask_all(transaction, queries, ARRAY_LEN(queries), answers) ||
           ledger_lost(fault);
}

static bool pay(struct transaction *transaction, void *argument)
{
    const struct quoting *call = argument;
    struct arena arena = {0};
    struct mint_quote quote;
    bool is_there = lock(transaction, call->id, &arena, &quote, call->fault);
    arena_clear(&arena);
    if (!is_there || quote.state != MINT_UNPAID)
        return is_there;
    if (quote.expiry > 0 && call->now > quote.expiry)
        return fault_set(call->fault, FAULT_QUOTE_EXPIRED, "the quote has expired");
    return move(transaction, call->id, MINT_PAID, call->fault);
}

bool ledger_mint_quote_pay(struct ledger *ledger, const struct uuid *id, int64_t now,
                           struct fault *fault)
{
    struct quoting call = {.id = id, .now = now, .fault = fault};
    return ledger_run(ledger, pay, &call, fault);
}

/* ---- issue ---- */

static bool check(struct transaction *transaction, struct quoting *call,
                  const struct mint_quote *quote, struct tally *tally)
{
    const struct ledger_issue *issue = call->issue;
    const struct tally_call terms = {.outputs = call->outputs,
                                     .output_count = issue->output_count,
                                     .unit = quote->unit,
                                     .now = issue->now};
    if (quote->state == MINT_UNPAID)
        return fault_set(call->fault, FAULT_QUOTE_UNPAID, "the quote is not paid");
    if (quote->state == MINT_ISSUED) {
        if (ledger_is_done(transaction, &issue->request, &call->was_done, call->fault) &&
            !call->was_done)
            fault_fill(call->fault, FAULT_QUOTE_ISSUED, "the quote has been issued");
        return false;
    }
    if (!ledger_tally(transaction, tally, &terms, call->fault))
        return false;
    return tally->out == quote->amount ||
           fault_set(call->fault, FAULT_UNBALANCED, "the quote is of %llu, the outputs of %llu",
                     (unsigned long long)quote->amount, (unsigned long long)tally->out);
}

static bool put_down(struct transaction *transaction, const struct quoting *call,
                     const struct tally *tally)
{
    const struct ledger_issue *issue = call->issue;
    const PGresult *answers[2];
    struct query queries[] = {
        ledger_insert_promises(call->outputs, issue->output_count),
        ledger_write_entries(&issue->request, ENTRY_ISSUE, tally, issue->now)};
    if (!transaction_ask_all(transaction, queries, ARRAY_LEN(queries), answers))
        return ledger_lost(call->fault);
    if (answer_changed(answers[0]) < issue->output_count)
        return ledger_explain_promises(transaction, &call->outputs->message, sizeof *call->outputs,
                                       issue->output_count, call->fault);
    if (answer_changed(answers[1]) < tally->count)
        return fault_set(call->fault, FAULT_OURS, "another request has the same hash");
    return move(transaction, &issue->quote, MINT_ISSUED, call->fault);
}

static bool issue_it(struct transaction *transaction, void *argument)
{
    struct quoting *call = argument;
    const struct ledger_issue *issue = call->issue;
    struct arena arena = {0};
    struct mint_quote quote;
    struct tally tally;
    call->was_done = false;
    bool is_right = lock(transaction, &issue->quote, &arena, &quote, call->fault) &&
                    check(transaction, call, &quote, &tally);
    arena_clear(&arena);
    return is_right && ledger_take(transaction, &issue->budgets, quote.amount, call->fault) &&
           put_down(transaction, call, &tally);
}

bool ledger_issue(struct ledger *ledger, const struct ledger_issue *issue, struct fault *fault)
{
    struct arena arena = {0};
    struct quoting call = {.issue = issue,
                           .outputs =
                               ledger_sort_promises(&arena, issue->outputs, issue->output_count),
                           .fault = fault};
    bool is_done = ledger_run(ledger, issue_it, &call, fault) || call.was_done;
    arena_clear(&arena);
    return is_done;
}
