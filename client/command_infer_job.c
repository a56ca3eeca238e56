#include "client/command_infer_job.h"

#include <signal.h>
#include <stdio.h>

#include "client/command_infer_far.h"
#include "client/delta.h"
#include "client/demand.h"
#include "client/secret.h"
#include "shared/err.h"
#include "shared/sig.h"

enum {
    OK = 200,
    PAYMENT_REQUIRED = 402,
    WHY_BYTES_MAX = 200,
    LINE_BYTES_MAX = 1 << 20,
};

/* ---- what comes ---- */

void infer_write_plain(struct text *out, struct span text)
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

void infer_job_show(struct infer_job *job, struct span text)
{
    if (text.len == 0)
        return;
    if (job->said.len == 0)
        job->first_ms = home_now();
    text_add(&job->said, text);
    if (job->heard != NULL)
        job->heard(job->owner, text);
}

static void take_delta(struct infer_job *job, const struct delta *delta)
{
    infer_job_show(job, delta->text);
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
    if (delta->tokens.len > 0 && job->tokens.len == 0)
        text_add(&job->tokens, delta->tokens);
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

/* What it wants for the job; false: it has not said so. */
static bool take_demand(struct infer_job *job, struct span payment)
{
    struct arena arena = {0};
    struct demand demand;
    bool ok = job->stage == INFER_QUOTE && job->status == PAYMENT_REQUIRED &&
              demand_read(&demand, &arena, payment, NULL) && demand.has_amount;
    if (ok) {
        job->amount = demand.amount;
        job->stage = INFER_PRICED;
    }
    arena_clear(&arena);
    return ok;
}

static void on_answered(void *owner, const struct teller_answer *answer)
{
    struct infer_job *job = owner;
    struct arena arena = {0};
    struct delta delta;
    job->status = answer->status;
    job->ended_ms = home_now();
    if (take_demand(job, answer->payment))
        return;
    job->stage = INFER_OVER;
    if (answer->status == 0)
        home_write_words(&job->why, command_span(answer->why), WHY_BYTES_MAX);
    else if (answer->status != OK && delta_read(&delta, &arena, answer->body, NULL))
        take_delta(job, &(struct delta){.error = delta.error});
    arena_clear(&arena);
}

static void on_closed(uv_handle_t *handle)
{
    bool *is_closed = handle->data;
    *is_closed = true;
}

void infer_close(uv_handle_t *handle)
{
    uv_loop_t *loop = uv_handle_get_loop(handle);
    bool is_closed = false;
    handle->data = &is_closed;
    uv_close(handle, on_closed);
    while (!is_closed)
        uv_run(loop, UV_RUN_NOWAIT);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct infer_watch *watch = handle->data;
    (void)number;
    watch->is_told = true;
    uv_signal_stop(handle);
}

void infer_watch_begin(struct infer_watch *watch, uv_loop_t *loop)
{
    watch->is_told = false;
    uv_signal_init(loop, &watch->handle);
    watch->handle.data = watch;
    uv_signal_start(&watch->handle, on_signal, SIGINT);
}

void infer_watch_end(struct infer_watch *watch)
{
    infer_close((uv_handle_t *)&watch->handle);
}

static void ask(struct infer_job *job)
{
    const struct teller_question question = {.method = SPAN("POST"),
                                             .path = SPAN("/v1/chat/completions"),
                                             .body = job->body,
                                             .payment = text_span(&job->token),
                                             .part = on_part,
                                             .answered = on_answered,
                                             .owner = job};
    job->question = teller_ask(job->trade.teller, &question);
}

void infer_job_begin(struct infer_job *job)
{
    job->began_ms = home_now();
    job->stage = INFER_QUOTE;
    if (infer_is_far(job->trade.mint.url))
        infer_far_begin(job);
    else
        ask(job);
}

void infer_job_stop(struct infer_job *job)
{
    job->is_interrupted = true;
    if (job->far != NULL)
        infer_far_stop(job);
    if (job->stage != INFER_OVER) {
        teller_drop(job->trade.teller, job->question);
        job->ended_ms = home_now();
    }
    job->stage = INFER_OVER;
}

bool infer_job_pay(struct infer_job *job, struct err *err)
{
    job->stage = INFER_OVER;
    if (job->far != NULL)
        return infer_far_pay(job, err);
    if (!infer_money_send(job, err))
        return false;
    job->has_begun = true;
    job->stage = INFER_ANSWER;
    ask(job);
    return true;
}

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

bool infer_job_end(struct infer_job *job, struct err *err)
{
    struct err why;
    if (job->far == NULL)
        infer_job_rest(job);
    job->is_settled =
        job->far != NULL ? infer_far_settle(job, &why) : infer_money_settle(job, &why);
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
    infer_far_free(job);
    clear_secret(&job->token);
    clear_secret(&job->change);
    text_clear(&job->rest);
    text_clear(&job->said);
    text_clear(&job->receipt);
    text_clear(&job->tokens);
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
