#include "gpu/ledger_payment.h"

#include "gpu/ledger_parts.h"

enum { READY = 1, SENT, PAID, FAILED };

/* ---- steps ---- */

static bool check_owner(struct transaction *transaction, const struct ledger_payment *payment,
                        struct fault *fault)
{
    struct query query = query_of("SELECT quote = $2::uuid AND state < 4 FROM payment"
                                  " WHERE hash = $1::bytea");
    query_bytes(&query, SPAN_OF(payment->hash));
    query_bytes(&query, SPAN_OF(payment->quote));
    const PGresult *rows = transaction_ask(transaction, &query);
    if (rows == NULL)
        return ledger_lost(fault);
    return (PQntuples(rows) == 1 && answer_number(rows, 0, 0) == 1) || /* asked again */
           fault_set(fault, FAULT_QUOTE_PENDING, "the invoice is paid already, or being paid");
}

bool ledger_payment_add(struct transaction *transaction, const struct ledger_payment *payment,
                        struct fault *fault)
{
    struct query query = query_of(
        "INSERT INTO payment AS p (hash, quote, invoice, state, at, until)"
        " VALUES ($1::bytea, $2::uuid, $3::text, 1, $4::int8, 0) ON CONFLICT (hash) DO UPDATE"
        " SET quote = excluded.quote, state = 1, at = excluded.at, until = 0 WHERE p.state = 4");
    query_bytes(&query, SPAN_OF(payment->hash));
    query_bytes(&query, SPAN_OF(payment->quote));
    query_bytes(&query, payment->invoice);
    query_number(&query, payment->at);
    const PGresult *answer = transaction_ask(transaction, &query);
    if (answer == NULL)
        return ledger_lost(fault);
    if (answer_changed(answer) == 0)
        return check_owner(transaction, payment, fault);
    query = query_of("SELECT pg_notify(current_schema()::text || '_payment', '')");
    return transaction_ask(transaction, &query) != NULL || ledger_lost(fault);
}

/* Run again after a commit that nobody answered for, it is refused: then it is done. */
bool ledger_payment_end(struct transaction *transaction, const struct ledger_payment *payment,
                        bool is_paid, struct fault *fault)
{
    struct query query =
        query_of("UPDATE payment SET state = $3::int8::int2"
                 " WHERE hash = $1::bytea AND state = $2::int8 AND quote = $4::uuid");
    query_bytes(&query, SPAN_OF(payment->hash));
    query_number(&query, payment->is_sent ? SENT : READY);
    query_number(&query, is_paid ? PAID : FAILED);
    query_bytes(&query, SPAN_OF(payment->quote));
    const PGresult *answer = transaction_ask(transaction, &query);
    if (answer == NULL)
        return ledger_lost(fault);
    return answer_changed(answer) == 1 || fault_set(fault, FAULT_QUOTE_PAID, "the payment is over");
}

struct claiming {
    const struct bytes32 *hash;
    int64_t until;
    bool *is_ours;
    struct fault *fault;
};

static bool claim(struct transaction *transaction, void *argument)
{
    const struct claiming *call = argument;
    struct query query = query_of("UPDATE payment SET state = 2, until = $2::int8"
                                  " WHERE hash = $1::bytea AND state = 1");
    query_bytes(&query, SPAN_OF(*call->hash));
    query_number(&query, call->until);
    const PGresult *answer = transaction_ask(transaction, &query);
    if (answer == NULL)
        return ledger_lost(call->fault);
    /* Run again after a commit that nobody answered for, it is nobody's: it was not sent. */
    *call->is_ours = answer_changed(answer) == 1;
    return true;
}

bool ledger_payment_claim(struct ledger *ledger, const struct bytes32 *hash, int64_t until,
                          bool *is_ours, struct fault *fault)
{
    struct claiming call = {hash, until, is_ours, fault};
    return ledger_run(ledger, claim, &call, fault);
}

/* ---- looking ---- */

struct looking {
    struct arena *arena;
    int64_t since;
    struct ledger_payment *payments;
    struct ledger_unpaid *quotes;
    uint32_t count;
    struct fault *fault;
};

static bool look(struct transaction *transaction, void *argument)
{
    struct looking *call = argument;
    struct query query = query_of("SELECT hash, quote, invoice, state = 2, at, until FROM payment"
                                  " WHERE state IN (1, 2) ORDER BY at LIMIT $1::int8");
    query_number(&query, LEDGER_PAYMENTS_MAX);
    const PGresult *rows = transaction_ask(transaction, &query);
    if (rows == NULL)
        return ledger_lost(call->fault);
    call->count = (uint32_t)PQntuples(rows);
    call->payments = arena_array(call->arena, struct ledger_payment, call->count);
    for (uint32_t i = 0; i < call->count; i++) {
        struct ledger_payment *payment = call->payments + i;
        *payment = (struct ledger_payment){
            .invoice = arena_copy(call->arena, answer_bytes(rows, (int)i, 2)),
            .is_sent = answer_number(rows, (int)i, 3) == 1,
            .at = answer_number(rows, (int)i, 4),
            .until = answer_number(rows, (int)i, 5)};
        if (!answer_copy(&payment->hash, sizeof payment->hash, rows, (int)i, 0) ||
            !answer_copy(&payment->quote, sizeof payment->quote, rows, (int)i, 1))
            return fault_set(call->fault, FAULT_OURS, "a payment's row is not what it should be");
    }
    return true;
}

bool ledger_payments(struct ledger *ledger, struct arena *arena,
                     const struct ledger_payment **payments, uint32_t *count, struct fault *fault)
{
    struct looking call = {.arena = arena, .fault = fault};
    bool ok = ledger_read(ledger, look, &call, fault);
    *payments = call.payments;
    *count = ok ? call.count : 0;
    return ok;
}

static bool look_unpaid(struct transaction *transaction, void *argument)
{
    struct looking *call = argument;
    struct query query = query_of("SELECT id, request FROM mint_quote WHERE state = 0"
                                  " AND method = 'bolt11' AND expiry >= $1::int8"
                                  " ORDER BY expiry LIMIT $2::int8");
    query_number(&query, call->since);
    query_number(&query, LEDGER_PAYMENTS_MAX);
    const PGresult *rows = transaction_ask(transaction, &query);
    if (rows == NULL)
        return ledger_lost(call->fault);
    call->count = (uint32_t)PQntuples(rows);
    call->quotes = arena_array(call->arena, struct ledger_unpaid, call->count);
    for (uint32_t i = 0; i < call->count; i++) {
        call->quotes[i].request = arena_copy(call->arena, answer_bytes(rows, (int)i, 1));
        if (!answer_copy(&call->quotes[i].quote, sizeof(struct uuid), rows, (int)i, 0))
            return fault_set(call->fault, FAULT_OURS, "a quote's row is not what it should be");
    }
    return true;
}

bool ledger_unpaid(struct ledger *ledger, struct arena *arena, int64_t since,
                   const struct ledger_unpaid **quotes, uint32_t *count, struct fault *fault)
{
    struct looking call = {.arena = arena, .since = since, .fault = fault};
    bool ok = ledger_read(ledger, look_unpaid, &call, fault);
    *quotes = call.quotes;
    *count = ok ? call.count : 0;
    return ok;
}
