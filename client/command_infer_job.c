#include "client/command_infer.h"

#include <signal.h>
#include <stdio.h>

#include "client/delta.h"
#include "client/secret.h"
#include "shared/err.h"
#include "shared/sig.h"

enum {
    OK = 200,
    TRADES_MAX = 1000,
    WHY_BYTES_MAX = 200,
    LINE_BYTES_MAX = 1 << 20,
    SETTLE_ROUNDS = 20,
    SETTLE_MS = 250
};

/* ---- what comes ---- */

/* What a stranger's machine says, without what a terminal would obey. */
static void write_plain(struct text *out, struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        bool is_c1 = c == 0xC2 && i + 1 < text.len && (unsigned char)text.at[i + 1] < 0xA0;
        i += is_c1;
        if (is_c1 || (c < ' ' && c != '\n' && c != '\t') || c == 0x7F)
            text_add(out, SPAN("?"));
        else
            text_add(out, (struct span){text.at + i, 1});
    }
}

static void show(struct infer_job *job, struct span text)
{
    struct text out = {0};
    if (text.len == 0)
        return;
    if (job->said.len == 0)
        job->first_ms = home_now();
    text_add(&job->said, text);
    if (job->pocket->call->is_json) {
        text_add(&out, SPAN("{\"text\":"));
        text_add_json(&out, text);
        text_add(&out, SPAN("}\n"));
    } else {
        write_plain(&out, text);
    }
    if (!job->is_lost && command_print(job->pocket->call, &out) != COMMAND_DONE)
        job->is_lost = true;
    text_clear(&out);
}

static void take_delta(struct infer_job *job, const struct delta *delta)
{
    show(job, delta->text);
    if (delta->finish.len > 0) {
        job->is_whole = true;
        job->finish = span_eq(delta->finish, SPAN("length")) ? SPAN("length") : SPAN("stop");
    }
    if (delta->error.len > 0 && job->why.len == 0)
        home_write_words(&job->why, delta->error, WHY_BYTES_MAX);
    if (delta->token.len > 0 && job->change.len == 0)
        text_add(&job->change, delta->token);
    if (delta->receipt.len > 0 && job->receipt.len == 0)
        text_add(&job->receipt, delta->receipt);
    if (delta->has_usage) {
        job->prompt_tokens = delta->prompt_tokens;
        job->output_tokens = delta->output_tokens;
    }
}

static void take_line(struct infer_job *job, struct span line)
{
    struct arena arena = {0};
    struct delta delta;
    if (line.len > 0 && line.at[line.len - 1] == '\r')
        line.len--;
    if (line.len < 5 || memcmp(line.at, "data:", 5) != 0)
        return;
    line = (struct span){line.at + 5, line.len - 5};
    if (line.len > 0 && line.at[0] == ' ')
        line = (struct span){line.at + 1, line.len - 1};
    if (!span_eq(line, SPAN("[DONE]")) && delta_read(&delta, &arena, line, NULL))
        take_delta(job, &delta);
    arena_clear(&arena);
}

static void on_part(void *owner, struct span bytes)
{
    struct infer_job *job = owner;
    for (size_t begin = 0, at = 0; at < bytes.len; at++) {
        if (at + 1 < bytes.len && bytes.at[at] != '\n')
            continue;
        text_add(&job->rest, (struct span){bytes.at + begin, at + 1 - begin});
        begin = at + 1;
        if (bytes.at[at] == '\n') {
            take_line(job, (struct span){job->rest.at, job->rest.len - 1});
            job->rest.len = 0;
        } else if (job->rest.len > LINE_BYTES_MAX) {
            job->rest.len = 0; /* no event is as long */
        }
    }
}

static void on_answered(void *owner, const struct teller_answer *answer)
{
    struct infer_job *job = owner;
    struct arena arena = {0};
    struct delta delta;
    job->is_over = true;
    job->status = answer->status;
    if (answer->status == 0)
        home_write_words(&job->why, command_span(answer->why), WHY_BYTES_MAX);
    else if (answer->status != OK && delta_read(&delta, &arena, answer->body, NULL))
        take_delta(job, &(struct delta){.error = delta.error});
    arena_clear(&arena);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct infer_job *job = handle->data;
    (void)number;
    job->is_interrupted = true;
    job->is_over = true;
    uv_signal_stop(handle); /* a second one ends the program */
}

static void on_closed(uv_handle_t *handle)
{
    bool *is_closed = handle->data;
    *is_closed = true;
}

static void close_handle(uv_handle_t *handle)
{
    uv_loop_t *loop = uv_handle_get_loop(handle);
    bool is_closed = false;
    handle->data = &is_closed;
    uv_close(handle, on_closed);
    while (!is_closed)
        uv_run(loop, UV_RUN_NOWAIT);
}

static void ask(struct infer_job *job)
{
    uv_loop_t *loop = &job->pocket->net.loop;
    uv_signal_t stop;
    const struct teller_question question = {.method = SPAN("POST"),
                                             .path = SPAN("/v1/chat/completions"),
                                             .body = job->body,
                                             .payment = text_span(&job->token),
                                             .part = on_part,
                                             .answered = on_answered,
                                             .owner = job};
    uv_signal_init(loop, &stop);
    stop.data = job;
    uv_signal_start(&stop, on_signal, SIGINT);
    job->began_ms = home_now();
    uint64_t number = teller_ask(job->pocket->trade.teller, &question);
    while (!job->is_over && !job->is_lost)
        uv_run(loop, UV_RUN_ONCE);
    job->ended_ms = home_now();
    if (job->is_interrupted || job->is_lost)
        teller_drop(job->pocket->trade.teller, number);
    close_handle((uv_handle_t *)&stop);
}

/* ---- the money ---- */

/* Whether the token is still nobody's. */
static bool is_given(const struct infer_job *job, bool *is_it, struct err *err)
{
    struct arena arena = {0};
    const struct purse_view view = {.mint = job->pocket->trade.mint.number, .max = TRADES_MAX};
    struct purse_trades trades;
    *is_it = false;
    bool ok = purse_trades(job->pocket->trade.purse, &trades, &arena, &view, err);
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

static void wait_a_little(uv_loop_t *loop)
{
    uv_timer_t timer;
    bool is_time = false;
    uv_timer_init(loop, &timer);
    timer.data = &is_time;
    uv_timer_start(&timer, on_tick, SETTLE_MS, 0);
    while (!is_time)
        uv_run(loop, UV_RUN_ONCE);
    close_handle((uv_handle_t *)&timer);
}

/* The node may be at it still; once the job has ended the mint has the change. */
static bool await_change(struct infer_job *job, struct err *err)
{
    bool is_it = true;
    for (int round = 0; round < SETTLE_ROUNDS; round++) {
        if (!trade_check(&job->pocket->trade, err) || !is_given(job, &is_it, err))
            return false;
        if (!is_it)
            return true;
        wait_a_little(&job->pocket->net.loop);
    }
    return err_set(err, ERR_INTERNAL, "the node is still at it");
}

static bool settle(struct infer_job *job, struct err *err)
{
    struct trade trade = job->pocket->trade;
    uint64_t amount;
    trade.is_forced = true; /* it was ours before */
    if (job->change.len > 0 && trade_receive(&trade, &amount, text_span(&job->change), err))
        return true;
    bool is_refused = job->status != OK && !job->is_interrupted && job->said.len == 0;
    if (is_refused && trade_receive(&trade, &amount, text_span(&job->token), err))
        return true;
    return await_change(job, err);
}

static bool balance(const struct infer_job *job, uint64_t *units, struct err *err)
{
    struct arena arena = {0};
    struct purse_balance *balances;
    size_t count;
    *units = 0;
    bool ok = purse_balances(job->pocket->trade.purse, &balances, &count, &arena, err);
    for (size_t i = 0; ok && i < count; i++)
        if (balances[i].mint == job->pocket->trade.mint.number &&
            span_eq(balances[i].unit, job->unit))
            *units = balances[i].unspent;
    arena_clear(&arena);
    return ok;
}

/* ---- the whole of it ---- */

static bool tell(const struct infer_job *job, struct err *err)
{
    if (job->is_interrupted)
        return err_set(err, ERR_INTERNAL, "interrupted");
    if (job->is_whole && job->status == OK && job->why.len == 0)
        return true;
    if (job->why.len > 0)
        return err_set(err, ERR_INTERNAL, "%s: %.*s",
                       job->said.len > 0 ? "the answer breaks off" : "no answer", (int)job->why.len,
                       job->why.at);
    return err_set(err, ERR_INTERNAL, "the answer breaks off (status %u)", job->status);
}

bool infer_job_run(struct infer_job *job, struct err *err)
{
    const struct purse_payment payment = {.mint = job->pocket->trade.mint.number,
                                          .unit = job->unit,
                                          .amount = job->amount,
                                          .memo = SPAN(TRADE_JOB),
                                          .now_ms = home_now()};
    uint64_t before, after;
    struct err why;
    job->is_settled = true;
    if (!balance(job, &before, err) || !trade_send(&job->pocket->trade, &job->token, &payment, err))
        return false;
    ask(job);
    job->is_settled = settle(job, &why);
    if (!balance(job, &after, err))
        return false;
    job->spent = before > after ? before - after : 0;
    return tell(job, err);
}

static void clear_secret(struct text *text)
{
    if (text->at != NULL)
        secret_wipe(text->at, text->capacity);
    text_clear(text);
}

void infer_job_clear(struct infer_job *job)
{
    clear_secret(&job->token);
    clear_secret(&job->change);
    text_clear(&job->rest);
    text_clear(&job->said);
    text_clear(&job->receipt);
    text_clear(&job->why);
}

bool infer_job_receipt(const struct infer_job *job, struct event *event, struct receipt *receipt,
                       struct arena *arena, struct err *err)
{
    if (job->receipt.len == 0)
        return err_set(err, ERR_INVALID, "the node gave no receipt");
    if (!event_parse(event, arena, text_span(&job->receipt), err) ||
        !receipt_read(receipt, arena, event, err))
        return false;
    return (memcmp(&event->pubkey, &job->node, sizeof job->node) == 0 && event_check_id(event) &&
            sig_verify(&event->sig, &event->id, &event->pubkey)) ||
           err_set(err, ERR_INVALID, "the receipt is not signed by the node");
}
