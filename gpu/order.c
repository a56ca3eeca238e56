#include "gpu/order.h"

#include <stdlib.h>

#include "gpu/order_parts.h"
#include "shared/arena.h"
#include "shared/err.h"

const char *order_state_name(enum order_state state)
{
    static const char *const names[] = {"QUOTED",    "PENDING", "CLAIMED",   "RUNNING",
                                        "COMPLETED", "FAILED",  "CANCELLED", "EXPIRED"};
    return names[state];
}

bool order_has_ended(enum order_state state)
{
    return state >= ORDER_COMPLETED;
}

struct orders *orders_open(const struct orders_setup *setup)
{
    struct orders *orders = calloc(1, sizeof *orders);
    if (orders == NULL)
        abort();
    orders->setup = *setup;
    pthread_mutex_init(&orders->lock, NULL);
    if (setup->attempts_max == 0)
        orders->setup.attempts_max = ORDER_ATTEMPTS_MAX;
    if (setup->deadline_ms == 0)
        orders->setup.deadline_ms = ORDER_DEADLINE_MS;
    return orders;
}

void orders_close(struct orders *orders)
{
    pthread_mutex_destroy(&orders->lock);
    free(orders);
}

struct database *orders_database(const struct orders *orders)
{
    return orders->setup.database;
}

enum order_answer order_answer_of(enum database_end end, const struct fault *fault, struct err *err)
{
    if (end == DATABASE_REFUSED && fault->text[0] != '\0')
        err_fill(err, ERR_INTERNAL, "%s", fault->text);
    else if (end == DATABASE_REFUSED)
        return ORDER_LOST;
    return end == DATABASE_DONE ? ORDER_DONE : ORDER_AWAY;
}

bool order_tell(struct transaction *transaction, const char *channel, const struct uuid *quote)
{
    struct query query =
        query_of("SELECT pg_notify(current_schema() || '_' || $1::text, $2::uuid::text)");
    query_text(&query, channel);
    query_bytes(&query, SPAN_OF(*quote));
    return transaction_ask(transaction, &query) != NULL;
}

/* ---- within the mint's transactions ---- */

static bool ours(struct fault *fault)
{
    return fault_set(fault, FAULT_OURS, "the database is away");
}

bool order_keep(struct transaction *transaction, const struct uuid *quote,
                const struct order_terms *terms, struct fault *fault)
{
    struct query query = query_of(
        "INSERT INTO job (quote, request, body, model, unit, seed, p_in, p_cached, p_out, p_req,"
        " prompt_tokens, tokens_max, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10,"
        " $11::int8, $12::int8, to_timestamp($13::int8)) ON CONFLICT (quote) DO NOTHING");
    query_bytes(&query, SPAN_OF(*quote));
    query_bytes(&query, SPAN_OF(terms->request));
    query_bytes(&query, terms->body);
    query_bytes(&query, terms->model);
    query_bytes(&query, terms->unit);
    query_bytes(&query, SPAN_OF(terms->seed));
    query_number(&query, (int64_t)terms->price.prompt);
    query_number(&query, (int64_t)terms->price.cached);
    query_number(&query, (int64_t)terms->price.output);
    query_number(&query, (int64_t)terms->price.request);
    query_number(&query, terms->prompt_tokens);
    query_number(&query, terms->tokens_max);
    query_number(&query, terms->expiry);
    return transaction_ask(transaction, &query) != NULL || ours(fault);
}

/* Its money has gone back: it is over, and is not to be paid for again. */
static bool is_over(const PGresult *rows)
{
    enum order_state state = (enum order_state)answer_number(rows, 0, 0);
    return state == ORDER_EXPIRED ||
           ((state == ORDER_FAILED || state == ORDER_CANCELLED) && answer_number(rows, 0, 1) == 0);
}

bool order_pay(struct orders *orders, struct transaction *transaction, const struct uuid *quote,
               struct fault *fault)
{
    struct query query = query_of("SELECT state, cost FROM job WHERE quote = $1 FOR UPDATE");
    query_bytes(&query, SPAN_OF(*quote));
    const PGresult *rows = transaction_ask(transaction, &query);
    if (rows == NULL)
        return ours(fault);
    if (PQntuples(rows) == 0)
        return fault_set(fault, FAULT_QUOTE_UNKNOWN, "there is no job of this quote");
    if (is_over(rows))
        return fault_set(fault, FAULT_QUOTE_EXPIRED, "the job has ended: ask for another quote");
    query = query_of("UPDATE job SET state = 1, paid_at = now(),"
                     " deadline = now() + $2::int8 * interval '1 ms' WHERE quote = $1 AND state = 0"
                     " RETURNING pg_notify(current_schema() || '_job', model)");
    query_bytes(&query, SPAN_OF(*quote));
    query_number(&query, orders->setup.deadline_ms);
    return transaction_ask(transaction, &query) != NULL || ours(fault);
}

/* ---- the buyer's side ---- */

struct cancelling {
    struct orders *orders;
    const struct uuid *quote;
    struct fault fault;
};

static bool cancel(struct transaction *transaction, void *argument)
{
    struct cancelling *call = argument;
    struct order_row row;
    bool found;
    call->fault = (struct fault){0};
    if (!order_lock(transaction, &row, call->quote, &found))
        return false;
    if (row.state == ORDER_PENDING) {
        struct order_result result = {.quote = *call->quote, .state = ORDER_CANCELLED};
        return order_settle(call->orders, transaction, &row, &result, &call->fault);
    }
    if (row.state != ORDER_CLAIMED && row.state != ORDER_RUNNING)
        return true;
    struct query query = query_of("UPDATE job SET is_unwanted = true WHERE quote = $1");
    query_bytes(&query, SPAN_OF(*call->quote));
    return transaction_ask(transaction, &query) != NULL &&
           order_tell(transaction, "cancel", call->quote);
}

enum order_answer order_cancel(struct orders *orders, const struct uuid *quote, struct err *err)
{
    struct cancelling call = {orders, quote, {0}};
    return order_answer_of(database_transact(orders->setup.database, cancel, &call, err),
                           &call.fault, err);
}

struct looking {
    struct order_view *view;
    struct arena *arena;
    const struct uuid *quote;
    uint32_t from;
};

static bool look_at_windows(struct transaction *transaction, struct looking *call)
{
    struct query query = query_of("SELECT said, length(tokens) / 4 FROM job_window"
                                  " WHERE quote = $1 AND seq >= $2::int8 ORDER BY seq");
    query_bytes(&query, SPAN_OF(*call->quote));
    query_number(&query, call->from);
    const PGresult *rows = transaction_ask(transaction, &query);
    if (rows == NULL)
        return false;
    uint32_t count = (uint32_t)PQntuples(rows);
    struct order_window *more = arena_array(call->arena, struct order_window, count);
    for (uint32_t i = 0; i < count; i++) {
        more[i].text = arena_copy(call->arena, answer_bytes(rows, (int)i, 0));
        more[i].tokens = (uint32_t)answer_number(rows, (int)i, 1);
    }
    call->view->more = more;
    call->view->more_count = count;
    return true;
}

static bool look_at_tokens(struct transaction *transaction, const struct looking *call)
{
    struct query query = query_of("SELECT coalesce(string_agg(tokens, ''::bytea ORDER BY seq), '')"
                                  " FROM job_window WHERE quote = $1");
    query_bytes(&query, SPAN_OF(*call->quote));
    const PGresult *rows = transaction_ask(transaction, &query);
    if (rows == NULL)
        return false;
    call->view->tokens = arena_copy(call->arena, answer_bytes(rows, 0, 0));
    return true;
}

static bool look(struct transaction *transaction, void *argument)
{
    struct looking *call = argument;
    struct query query = query_of(
        "SELECT state, windows, delivered, prompt_tokens, cached_tokens, cost, is_full, why,"
        " receipt, (extract(epoch FROM coalesce(begun_at, now()) - paid_at) * 1000)::int8,"
        " (extract(epoch FROM coalesce(ended_at, now()) - paid_at) * 1000)::int8"
        " FROM job WHERE quote = $1");
    query_bytes(&query, SPAN_OF(*call->quote));
    const PGresult *rows = transaction_ask(transaction, &query);
    if (rows == NULL || PQntuples(rows) == 0)
        return false;
    *call->view = (struct order_view){.state = (enum order_state)answer_number(rows, 0, 0),
                                      .windows = (uint32_t)answer_number(rows, 0, 1),
                                      .delivered = (uint32_t)answer_number(rows, 0, 2),
                                      .prompt_tokens = (uint32_t)answer_number(rows, 0, 3),
                                      .cached_tokens = (uint32_t)answer_number(rows, 0, 4),
                                      .cost = (uint64_t)answer_number(rows, 0, 5),
                                      .is_full = answer_number(rows, 0, 6) != 0,
                                      .why = arena_copy(call->arena, answer_bytes(rows, 0, 7)),
                                      .receipt = arena_copy(call->arena, answer_bytes(rows, 0, 8)),
                                      .begun_ms = (uint32_t)answer_number(rows, 0, 9),
                                      .ms = (uint32_t)answer_number(rows, 0, 10)};
    return look_at_windows(transaction, call) &&
           (call->view->receipt.len == 0 || look_at_tokens(transaction, call));
}

enum order_answer order_look(struct orders *orders, struct order_view *view, struct arena *arena,
                             const struct uuid *quote, uint32_t from, struct err *err)
{
    struct looking call = {view, arena, quote, from};
    const struct fault none = {0};
    return order_answer_of(database_read(orders->setup.database, look, &call, err), &none, err);
}

struct finding {
    struct uuid *quote;
    const struct bytes33 *y;
};

static bool find(struct transaction *transaction, void *argument)
{
    struct finding *call = argument;
    struct query query = query_of("SELECT job.quote FROM job JOIN proof ON proof.quote = job.quote"
                                  " WHERE y = $1");
    query_bytes(&query, SPAN_OF(*call->y));
    const PGresult *rows = transaction_ask(transaction, &query);
    if (rows == NULL || PQntuples(rows) == 0)
        return false;
    struct span quote = answer_bytes(rows, 0, 0);
    memcpy(call->quote, quote.at, sizeof *call->quote);
    return quote.len == sizeof *call->quote;
}

enum order_answer order_find(struct orders *orders, struct uuid *quote, const struct bytes33 *y,
                             struct err *err)
{
    struct finding call = {quote, y};
    const struct fault none = {0};
    return order_answer_of(database_read(orders->setup.database, find, &call, err), &none, err);
}
