/* order_end.c - how an order ends, and who has lost it. */
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "gpu/ledger_melt.h"
#include "gpu/mint.h"
#include "gpu/order_parts.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/hex.h"
#include "shared/sig.h"

bool order_lock(struct transaction *transaction, struct order_row *row, const struct uuid *quote,
                bool *found)
{
    struct query query = query_of(
        "SELECT state, fence, attempts, windows, delivered, prompt_tokens,"
        " coalesce(lease_until > now(), false), coalesce(deadline <= now(), false), p_in, p_cached,"
        " p_out, p_req, request, seed, unit,"
        " coalesce((extract(epoch FROM begun_at - paid_at) * 1000)::int8, 0),"
        " coalesce((extract(epoch FROM now() - paid_at) * 1000)::int8, 0)"
        " FROM job WHERE quote = $1 FOR UPDATE");
    query_bytes(&query, SPAN_OF(*quote));
    const PGresult *rows = transaction_ask(transaction, &query);
    *found = rows != NULL && PQntuples(rows) == 1;
    if (!*found)
        return false;
    *row = (struct order_row){.quote = *quote,
                              .state = (enum order_state)answer_number(rows, 0, 0),
                              .fence = (int32_t)answer_number(rows, 0, 1),
                              .attempts = (uint32_t)answer_number(rows, 0, 2),
                              .windows = (uint32_t)answer_number(rows, 0, 3),
                              .delivered = (uint32_t)answer_number(rows, 0, 4),
                              .prompt_tokens = (uint32_t)answer_number(rows, 0, 5),
                              .is_leased = answer_number(rows, 0, 6) != 0,
                              .is_late = answer_number(rows, 0, 7) != 0,
                              .price = {.prompt = (uint64_t)answer_number(rows, 0, 8),
                                        .cached = (uint64_t)answer_number(rows, 0, 9),
                                        .output = (uint64_t)answer_number(rows, 0, 10),
                                        .request = (uint64_t)answer_number(rows, 0, 11)},
                              .unit = answer_bytes(rows, 0, 14),
                              .begun_ms = (uint32_t)answer_number(rows, 0, 15),
                              .ms = (uint32_t)answer_number(rows, 0, 16)};
    return answer_copy(row->request.at, sizeof row->request.at, rows, 0, 12) &&
           answer_copy(row->seed.at, sizeof row->seed.at, rows, 0, 13);
}

/* ---- settling ---- */

static bool hash_tokens(struct transaction *transaction, struct bytes32 *hash,
                        const struct uuid *quote)
{
    struct query query = query_of("SELECT coalesce(string_agg(tokens, ''::bytea ORDER BY seq), '')"
                                  " FROM job_window WHERE quote = $1");
    query_bytes(&query, SPAN_OF(*quote));
    const PGresult *rows = transaction_ask(transaction, &query);
    if (rows == NULL)
        return false;
    *hash = sig_sha256(answer_bytes(rows, 0, 0));
    return true;
}

static bool write_end(struct transaction *transaction, const struct order_result *result,
                      uint64_t cost, struct span receipt)
{
    struct query query =
        query_of("UPDATE job SET state = $2::int8, cost = $3, cached_tokens = $4::int8, why = $5,"
                 " receipt = $6, is_full = $7::int8 <> 0, ended_at = now(), lease_until = NULL"
                 " WHERE quote = $1");
    query_bytes(&query, SPAN_OF(result->quote));
    query_number(&query, result->state);
    query_number(&query, (int64_t)cost);
    query_number(&query, result->cached_tokens);
    if (result->why != NULL)
        query_text(&query, result->why);
    else
        query_null(&query);
    if (receipt.len > 0)
        query_bytes(&query, receipt);
    else
        query_null(&query);
    query_number(&query, result->is_full);
    return transaction_ask(transaction, &query) != NULL;
}

static bool sell(struct orders *orders, struct transaction *transaction,
                 const struct order_row *row, const struct order_result *result,
                 struct fault *fault)
{
    struct order_paper paper = {.row = row, .cached_tokens = result->cached_tokens};
    struct price_usage usage = {row->prompt_tokens, result->cached_tokens, row->delivered};
    struct text receipt = {0};
    struct bytes32 id = {{0}};
    struct err err;
    char proof[2 * sizeof id.at];
    if (!price_charge(&paper.cost, &row->price, &usage, &err))
        return fault_set(fault, FAULT_PAYMENT_FAILED, "%s", err.text);
    if (!hash_tokens(transaction, &paper.tokens, &row->quote))
        return false;
    order_write_receipt(orders, &receipt, &id, &paper);
    hex_encode(proof, id.at, sizeof id.at);
    struct span told = receipt.len > 0 ? (struct span){proof, sizeof proof} : SPAN("");
    bool ok = mint_settle(orders->setup.mint, transaction, &row->quote, paper.cost, told, fault) &&
              write_end(transaction, result, paper.cost, text_span(&receipt));
    text_clear(&receipt);
    return ok;
}

bool order_settle(struct orders *orders, struct transaction *transaction,
                  const struct order_row *row, const struct order_result *result,
                  struct fault *fault)
{
    bool ok = result->state == ORDER_COMPLETED || row->delivered > 0
                  ? sell(orders, transaction, row, result, fault)
                  : ledger_cancel(transaction, &row->quote, time(NULL), fault) &&
                        write_end(transaction, result, 0, SPAN(""));
    return ok && order_tell(transaction, "window", &row->quote);
}

bool order_return(struct transaction *transaction, const struct uuid *quote)
{
    struct query query =
        query_of("UPDATE job SET state = 1, lease_until = NULL, worker = NULL WHERE quote = $1"
                 " RETURNING pg_notify(current_schema() || '_job', model)");
    query_bytes(&query, SPAN_OF(*quote));
    return transaction_ask(transaction, &query) != NULL;
}

struct finishing {
    struct orders *orders;
    const struct order_result *result;
    struct fault fault;
};

/* Run again after a commit that nobody answered, it finds what it has written. */
static bool finish(struct transaction *transaction, void *argument)
{
    struct finishing *call = argument;
    const struct order_result *result = call->result;
    struct order_row row;
    bool found;
    call->fault = (struct fault){0};
    if (!order_lock(transaction, &row, &result->quote, &found) || row.fence != result->fence)
        return false;
    if (row.state == result->state)
        return true;
    if (row.state != ORDER_CLAIMED && row.state != ORDER_RUNNING)
        return false;
    if (result->state == ORDER_PENDING)
        return order_return(transaction, &result->quote);
    return order_settle(call->orders, transaction, &row, result, &call->fault);
}

enum order_answer order_finish(struct orders *orders, const struct order_result *result,
                               struct err *err)
{
    struct finishing call = {orders, result, {0}};
    return order_answer_of(database_transact(orders->setup.database, finish, &call, err),
                           &call.fault, err);
}

/* ---- what is too late ---- */

struct sweeping {
    struct orders *orders;
    uint32_t changed;
    struct fault fault;
};

static bool end_late(struct sweeping *call, struct transaction *transaction,
                     const struct order_row *row)
{
    struct order_result result = {.quote = row->quote, .state = ORDER_FAILED};
    bool has_begun = row->state != ORDER_PENDING;
    if (has_begun && row->is_leased)
        return true; /* it was renewed meanwhile */
    if (has_begun && !row->is_late && row->attempts < call->orders->setup.attempts_max)
        return order_return(transaction, &row->quote);
    result.why = row->is_late ? "it was not done in time" : "its executors have failed";
    if (!has_begun)
        result.state = ORDER_CANCELLED;
    return order_settle(call->orders, transaction, row, &result, &call->fault);
}

/* The first that is late and that nobody else has in hand. */
static bool sweep_one(struct transaction *transaction, void *argument)
{
    struct sweeping *call = argument;
    struct order_row row;
    struct uuid quote;
    bool found;
    struct query query =
        query_of("SELECT quote FROM job WHERE (state IN (2, 3) AND lease_until <= now())"
                 " OR (state = 1 AND deadline <= now()) LIMIT 1 FOR UPDATE SKIP LOCKED");
    const PGresult *rows = transaction_ask(transaction, &query);
    call->fault = (struct fault){0};
    call->changed = 0;
    if (rows == NULL)
        return false;
    if (PQntuples(rows) == 0)
        return true;
    call->changed = 1;
    return answer_copy(quote.at, sizeof quote.at, rows, 0, 0) &&
           order_lock(transaction, &row, &quote, &found) && end_late(call, transaction, &row);
}

static bool sweep_quotes(struct transaction *transaction, void *argument)
{
    struct query query = query_of("UPDATE job SET state = 7, ended_at = now() WHERE quote IN"
                                  " (SELECT quote FROM job WHERE state = 0 AND expires_at <= now()"
                                  " LIMIT 1000 FOR UPDATE SKIP LOCKED)");
    (void)argument;
    return transaction_ask(transaction, &query) != NULL;
}

bool order_sweep(struct orders *orders, uint32_t *changed, struct err *err)
{
    enum { ONCE_MAX = 1000 };
    struct sweeping call = {.orders = orders, .changed = 1};
    *changed = 0;
    for (uint32_t i = 0; i < ONCE_MAX && call.changed > 0; i++) {
        enum database_end end = database_transact(orders->setup.database, sweep_one, &call, err);
        if (order_answer_of(end, &call.fault, err) != ORDER_DONE)
            return false;
        *changed += call.changed;
    }
    return database_transact(orders->setup.database, sweep_quotes, NULL, err) == DATABASE_DONE;
}
