/* order_work.c - the executor's side of an order: claim, renew, deliver. */
#include <endian.h>

#include "gpu/order_parts.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/text.h"

/* ---- claim ---- */

struct claiming {
    struct order_claim *claim;
    struct arena *arena;
    const struct order_claimant *claimant;
};

/* What those before have delivered. */
static bool take_said(struct transaction *transaction, struct claiming *call)
{
    struct order_claim *claim = call->claim;
    struct query query = query_of("SELECT string_agg(said, ''::bytea ORDER BY seq) FROM job_window"
                                  " WHERE quote = $1");
    if (claim->windows == 0)
        return true;
    query_bytes(&query, SPAN_OF(claim->quote));
    const PGresult *rows = transaction_ask(transaction, &query);
    if (rows == NULL)
        return false;
    claim->said = arena_copy(call->arena, answer_bytes(rows, 0, 0));
    return true;
}

static bool claim(struct transaction *transaction, void *argument)
{
    struct claiming *call = argument;
    struct order_claim *claim = call->claim;
    struct query query = query_of(
        "UPDATE job SET state = 2, fence = fence + 1, attempts = attempts + 1, worker = $2,"
        " lease_until = now() + $3::int8 * interval '1 ms' WHERE quote = (SELECT quote FROM job"
        " WHERE state = 1 AND model = $1 AND deadline > now() ORDER BY paid_at, quote LIMIT 1"
        " FOR UPDATE SKIP LOCKED) RETURNING quote, fence, body, seed, tokens_max, windows,"
        " delivered, (extract(epoch FROM deadline - now()) * 1000)::int8");
    query_bytes(&query, call->claimant->model);
    query_bytes(&query, SPAN_OF(call->claimant->worker));
    query_number(&query, call->claimant->lease_ms);
    const PGresult *rows = transaction_ask(transaction, &query);
    if (rows == NULL || PQntuples(rows) == 0 ||
        !answer_copy(claim->quote.at, sizeof claim->quote.at, rows, 0, 0) ||
        !answer_copy(claim->seed.at, sizeof claim->seed.at, rows, 0, 3))
        return false;
    claim->fence = (int32_t)answer_number(rows, 0, 1);
    claim->body = arena_copy(call->arena, answer_bytes(rows, 0, 2));
    claim->tokens_max = (uint32_t)answer_number(rows, 0, 4);
    claim->windows = (uint32_t)answer_number(rows, 0, 5);
    claim->delivered = (uint32_t)answer_number(rows, 0, 6);
    claim->deadline_ms = (uint32_t)answer_number(rows, 0, 7);
    claim->said = SPAN("");
    return take_said(transaction, call);
}

enum order_answer order_claim(struct orders *orders, struct order_claim *out, struct arena *arena,
                              const struct order_claimant *claimant, struct err *err)
{
    struct claiming call = {out, arena, claimant};
    const struct fault none = {0};
    return order_answer_of(database_transact(orders->setup.database, claim, &call, err), &none,
                           err);
}

/* ---- renew ---- */

struct renewing {
    const struct order_lease **leases;
    uint32_t *count;
    struct arena *arena;
    const struct order_claimant *claimant;
};

static bool renew(struct transaction *transaction, void *argument)
{
    struct renewing *call = argument;
    struct query query = query_of("UPDATE job SET lease_until = now() + $2::int8 * interval '1 ms'"
                                  " WHERE worker = $1 AND state IN (2, 3)"
                                  " RETURNING quote, fence, is_unwanted");
    query_bytes(&query, SPAN_OF(call->claimant->worker));
    query_number(&query, call->claimant->lease_ms);
    const PGresult *rows = transaction_ask(transaction, &query);
    if (rows == NULL)
        return false;
    uint32_t count = (uint32_t)PQntuples(rows);
    struct order_lease *leases = arena_array(call->arena, struct order_lease, count);
    for (uint32_t i = 0; i < count; i++) {
        if (!answer_copy(leases[i].quote.at, sizeof leases[i].quote.at, rows, (int)i, 0))
            return false;
        leases[i].fence = (int32_t)answer_number(rows, (int)i, 1);
        leases[i].is_unwanted = answer_number(rows, (int)i, 2) != 0;
    }
    *call->leases = leases;
    *call->count = count;
    return true;
}

bool order_renew(struct orders *orders, const struct order_lease **leases, uint32_t *count,
                 struct arena *arena, const struct order_claimant *claimant, struct err *err)
{
    struct renewing call = {leases, count, arena, claimant};
    return database_transact(orders->setup.database, renew, &call, err) == DATABASE_DONE;
}

/* ---- deliver ---- */

static void query_tokens(struct query *query, const uint32_t *tokens, uint32_t count)
{
    struct text bytes = {0};
    for (uint32_t i = 0; i < count; i++) {
        uint32_t token = htole32(tokens[i]);
        text_add(&bytes, SPAN_OF(token));
    }
    query_bytes(query, text_span(&bytes));
    text_clear(&bytes);
}

/* Run again after a commit that nobody answered, it finds the window that it has written. */
static bool is_written(struct transaction *transaction, const struct order_delivery *delivery)
{
    struct query query = query_of("SELECT fence FROM job_window WHERE quote = $1 AND"
                                  " seq = $2::int8");
    query_bytes(&query, SPAN_OF(delivery->quote));
    query_number(&query, delivery->seq);
    const PGresult *rows = transaction_ask(transaction, &query);
    return rows != NULL && PQntuples(rows) == 1 && answer_number(rows, 0, 0) == delivery->fence;
}

static bool deliver(struct transaction *transaction, void *argument)
{
    const struct order_delivery *delivery = argument;
    struct query query = query_of(
        "WITH live AS (UPDATE job SET state = 3, windows = windows + 1,"
        " delivered = delivered + $4::int8, begun_at = coalesce(begun_at, now())"
        " WHERE quote = $1 AND fence = $2::int8 AND windows = $3::int8 AND state IN (2, 3)"
        " RETURNING quote), written AS (INSERT INTO job_window (quote, seq, fence, said, tokens)"
        " SELECT quote, $3::int8, $2::int8, $5, $6 FROM live)"
        " SELECT pg_notify(current_schema() || '_window', quote::text) FROM live");
    query_bytes(&query, SPAN_OF(delivery->quote));
    query_number(&query, delivery->fence);
    query_number(&query, delivery->seq);
    query_number(&query, delivery->token_count);
    query_bytes(&query, delivery->text);
    query_tokens(&query, delivery->tokens, delivery->token_count);
    const PGresult *rows = transaction_ask(transaction, &query);
    return rows != NULL && (PQntuples(rows) == 1 || is_written(transaction, delivery));
}

enum order_answer order_deliver(struct orders *orders, const struct order_delivery *delivery,
                                struct err *err)
{
    struct order_delivery copy = *delivery;
    const struct fault none = {0};
    return order_answer_of(database_transact(orders->setup.database, deliver, &copy, err), &none,
                           err);
}
