/* command_infer_money.c - the token that pays for a job, and what comes back of it. */
#include <inttypes.h>
#include <stdio.h>

#include "client/command_infer_job.h"
#include "client/token.h"
#include "shared/err.h"

enum {
    OK = 200,
    COINS = 64, /* of a token, as a rule */
    TRADES_MAX = 1000,
    SETTLE_ROUNDS = 20,
    SETTLE_MS = 250
};

/* ---- what is paid ---- */

/* Of the unit that the token is of. */
bool infer_money_balance(const struct infer_job *job, uint64_t *units, struct err *err)
{
    struct arena arena = {0};
    struct purse_balance *balances;
    size_t count;
    *units = 0;
    bool ok = purse_balances(job->trade.purse, &balances, &count, &arena, err);
    for (size_t i = 0; ok && i < count; i++)
        if (balances[i].mint == job->trade.mint.number &&
            span_eq(balances[i].unit, command_span(job->unit)))
            *units = balances[i].unspent;
    arena_clear(&arena);
    return ok;
}

bool infer_job_unit(struct infer_job *job, uint64_t amount, uint64_t *most, struct err *err)
{
    struct arena arena = {0};
    struct purse_balance *balances;
    size_t count;
    *most = 0;
    job->unit[0] = '\0';
    bool ok = purse_balances(job->trade.purse, &balances, &count, &arena, err);
    for (size_t i = 0; ok && i < count; i++) {
        bool is_taken = false;
        for (uint32_t k = 0; k < job->offer->unit_count; k++)
            is_taken = is_taken || span_eq(job->offer->units[k], balances[i].unit);
        if (balances[i].mint != job->trade.mint.number || !is_taken)
            continue;
        if (balances[i].unspent > *most)
            *most = balances[i].unspent;
        if (balances[i].unspent >= amount &&
            (job->unit[0] == '\0' || span_eq(balances[i].unit, SPAN("ccr-promo"))))
            snprintf(job->unit, sizeof job->unit, "%.*s", SPAN_ARG(balances[i].unit));
    }
    arena_clear(&arena);
    return ok;
}

/* What the mint takes for spending each coin of the unit, in thousandths. */
static bool find_fee(const struct infer_job *job, uint64_t *ppk, struct err *err)
{
    struct arena arena = {0};
    struct wallet_keyset *keysets;
    size_t count;
    *ppk = 0;
    bool ok =
        purse_keysets(job->trade.purse, &keysets, &count, &arena, job->trade.mint.number, err);
    for (size_t i = 0; ok && i < count; i++)
        if (span_eq(keysets[i].keys.unit, command_span(job->unit)) &&
            keysets[i].keys.input_fee_ppk > *ppk)
            *ppk = keysets[i].keys.input_fee_ppk;
    arena_clear(&arena);
    return ok;
}

static bool afford(struct infer_job *job, struct err *err)
{
    uint64_t most;
    if (job->amount == 0 || job->amount > job->most)
        return err_set(err, ERR_INVALID,
                       "the node wants %" PRIu64 " units, and is to have %" PRIu64 " at most",
                       job->amount, job->most);
    if (!infer_job_unit(job, job->amount, &most, err))
        return false;
    return job->unit[0] != '\0' || err_set(err, ERR_INVALID,
                                           "it may cost %" PRIu64 " units, and there are %" PRIu64
                                           " at its mint: shoal wallet grant, or receive",
                                           job->amount, most);
}

bool infer_money_send(struct infer_job *job, struct err *err)
{
    struct purse_payment payment = {
        .mint = job->trade.mint.number, .memo = SPAN(TRADE_JOB), .now_ms = home_now()};
    uint64_t before, after, ppk;
    if (!afford(job, err) || !find_fee(job, &ppk, err) || !infer_money_balance(job, &before, err))
        return false;
    job->amount += (ppk * COINS + 999) / 1000;
    payment.unit = command_span(job->unit);
    payment.amount = job->amount;
    if (!trade_send(&job->trade, &job->token, &payment, err) ||
        !infer_money_balance(job, &after, err))
        return false;
    job->spent = before > after ? before - after : 0;
    return true;
}

/* ---- what comes back ---- */

/* Whether the token is still nobody's. */
static bool is_given(const struct infer_job *job, bool *is_it, struct err *err)
{
    struct arena arena = {0};
    const struct purse_view view = {.mint = job->trade.mint.number, .max = TRADES_MAX};
    struct purse_trades trades;
    *is_it = false;
    bool ok = purse_trades(job->trade.purse, &trades, &arena, &view, err);
    for (size_t i = 0; ok && i < trades.count; i++)
        *is_it = *is_it || span_eq(trades.at[i].token, text_span(&job->token));
    arena_clear(&arena);
    return ok;
}

static void on_tick(uv_timer_t *timer)
{
    bool *is_time = timer->data;
    *is_time = true;
}

void infer_wait(uv_loop_t *loop)
{
    uv_timer_t timer;
    bool is_time = false;
    uv_timer_init(loop, &timer);
    timer.data = &is_time;
    uv_timer_start(&timer, on_tick, SETTLE_MS, 0);
    while (!is_time)
        uv_run(loop, UV_RUN_ONCE);
    infer_close((uv_handle_t *)&timer);
}

/* The node may be at it still; once the job has ended the mint has the change, or, where nothing
 * was delivered, nobody has spent the token. */
static bool await_change(struct infer_job *job, struct err *err)
{
    bool is_it = true, is_back = false;
    for (int round = 0; round < SETTLE_ROUNDS; round++) {
        if (!trade_check(&job->trade, err) || !is_given(job, &is_it, err))
            return false;
        if (!is_it ||
            (trade_take_back(&job->trade, &is_back, text_span(&job->token), NULL) && is_back))
            return true;
        infer_wait(job->loop);
    }
    return err_set(err, ERR_INTERNAL, "the node is still at it");
}

/* Of change that is there, whoever took it: what is left of it once it is ours. */
static uint64_t worth(const struct infer_job *job)
{
    struct arena arena = {0};
    struct token token;
    uint64_t sum = 0, ppk = 0;
    if (!token_read(&token, &arena, text_span(&job->change), NULL) || !token_sum(&sum, &token) ||
        !find_fee(job, &ppk, NULL))
        sum = 0;
    uint64_t fee = (ppk * token.count + 999) / 1000;
    arena_clear(&arena);
    return sum > fee ? sum - fee : 0;
}

static bool take_back(struct infer_job *job, struct err *err)
{
    struct trade trade = job->trade;
    uint64_t amount;
    trade.is_forced = true; /* it was ours before */
    if (job->change.len > 0 && trade_receive(&trade, &amount, text_span(&job->change), err))
        return true;
    bool is_refused = job->status != OK && !job->is_interrupted && job->said.len == 0;
    if (is_refused && trade_receive(&trade, &amount, text_span(&job->token), err))
        return true;
    return await_change(job, err);
}

bool infer_money_settle(struct infer_job *job, struct err *err)
{
    uint64_t before, after;
    if (job->token.len == 0)
        return true;
    if (!infer_money_balance(job, &before, err))
        return false;
    bool is_settled = take_back(job, err);
    if (!infer_money_balance(job, &after, NULL))
        return false;
    uint64_t back = after > before ? after - before : 0;
    if (job->change.len > 0)
        back = worth(job); /* what another job's looking found is not this one's */
    job->spent = job->spent > back ? job->spent - back : 0;
    return is_settled;
}
