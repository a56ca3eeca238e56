/* executor_job.c - one job of an executor: from its claim to its settlement. */
#include <stdlib.h>

#include "gpu/executor_parts.h"
#include "gpu/journal.h"

static void pump(struct executor_job *job);

/* ---- on the loop's pool ---- */

static void deliver(uv_work_t *work)
{
    struct executor_job *job = work->data;
    struct order_delivery delivery = {.quote = job->claim.quote,
                                      .fence = job->claim.fence,
                                      .seq = job->seq,
                                      .text = text_span(&job->out_text),
                                      .tokens = job->out_tokens.at,
                                      .token_count = (uint32_t)job->out_tokens.count};
    job->answer = order_deliver(job->executor->setup.orders, &delivery, &job->err);
}

static void finish(uv_work_t *work)
{
    struct executor_job *job = work->data;
    job->answer = order_finish(job->executor->setup.orders, &job->result, &job->err);
}

/* ---- on the loop ---- */

static void write_off(struct executor_job *job)
{
    char quote[UUID_TEXT_LEN + 1];
    uuid_write(quote, &job->claim.quote);
    journal_line(JOURNAL_WARNING, "order: lost quote=%s fence=%d%s%s", quote, job->claim.fence,
                 job->answer == ORDER_AWAY ? " why=" : "",
                 job->answer == ORDER_AWAY ? job->err.text : "");
    executor_stop_job(job, STOP_LOST);
}

static void on_delivered(uv_work_t *work, int status)
{
    struct executor_job *job = work->data;
    (void)status;
    job->is_writing = false;
    text_clear(&job->out_text);
    tokens_clear(&job->out_tokens);
    job->seq++;
    if (job->answer != ORDER_DONE)
        write_off(job);
    pump(job);
}

static void count_end(struct executor_job *job)
{
    struct executor_statistics *statistics = &job->executor->statistics;
    statistics->completed += job->result.state == ORDER_COMPLETED;
    statistics->failed += job->result.state == ORDER_FAILED;
    statistics->cancelled += job->result.state == ORDER_CANCELLED;
}

static void on_finished(uv_work_t *work, int status)
{
    struct executor_job *job = work->data;
    (void)status;
    job->is_writing = false;
    if (job->answer == ORDER_DONE)
        count_end(job);
    else
        write_off(job);
    executor_forget_job(job);
}

static void put_down(struct executor_job *job)
{
    job->is_writing = true;
    job->is_due = false;
    uv_timer_stop(&job->timer);
    job->out_text = job->text;
    job->out_tokens = job->tokens;
    job->text = (struct text){0};
    job->tokens = (struct tokens){0};
    uv_queue_work(job->executor->setup.loop, &job->work, deliver, on_delivered);
}

/* What has become of it. */
static void conclude(struct executor_job *job)
{
    struct order_result *result = &job->result;
    const struct source_end *end = &job->end;
    *result = (struct order_result){.quote = job->claim.quote,
                                    .fence = job->claim.fence,
                                    .state = ORDER_COMPLETED,
                                    .is_full = end->end == ANSWER_FULL,
                                    .cached_tokens = end->usage.kept_tokens};
    if (job->stop == STOP_UNWANTED)
        result->state = ORDER_CANCELLED;
    else if (job->stop == STOP_YIELD || (end->is_refused && end->refusal.status == 503))
        result->state = ORDER_PENDING;
    else if (job->stop != STOP_NONE || end->is_refused || end->end == ANSWER_FAILED)
        result->state = ORDER_FAILED;
    if (result->state == ORDER_FAILED)
        result->why = job->stop == STOP_LATE      ? "it was not done in time"
                      : job->stop == STOP_DIFFERS ? "the answer is not the same when made again"
                      : end->is_refused           ? end->refusal.text
                                                  : "the model has failed";
}

static void on_timer(uv_timer_t *timer)
{
    struct executor_job *job = timer->data;
    job->is_due = true;
    pump(job);
}

/* Whatever is next, when nothing is being written. */
static void pump(struct executor_job *job)
{
    bool has_more = job->tokens.count > 0 || job->text.len > 0;
    if (job->is_writing)
        return;
    if (job->stop == STOP_LOST) {
        if (job->has_ended)
            executor_forget_job(job);
        return;
    }
    if (has_more && (job->seq == 0 || job->is_due || job->has_ended ||
                     job->tokens.count >= EXECUTOR_WINDOW_TOKENS)) {
        put_down(job);
        return;
    }
    if (has_more && !uv_is_active((uv_handle_t *)&job->timer))
        uv_timer_start(&job->timer, on_timer, EXECUTOR_WINDOW_MS, 0);
    if (!job->has_ended)
        return;
    conclude(job);
    job->is_writing = true;
    uv_queue_work(job->executor->setup.loop, &job->work, finish, on_finished);
}

/* What others have delivered must come again, and is left out. */
static struct span leave_out(struct executor_job *job, struct span text)
{
    size_t len = text.len < job->skip_bytes ? text.len : job->skip_bytes;
    struct span said = {job->claim.said.at + job->said_bytes, len};
    if (!span_eq(said, (struct span){text.at, len})) {
        executor_stop_job(job, STOP_DIFFERS);
        return SPAN("");
    }
    job->skip_bytes -= len;
    job->said_bytes += len;
    return (struct span){text.at + len, text.len - len};
}

static struct executor_job *find(struct executor *executor, uint64_t number)
{
    struct executor_job *job = executor->jobs;
    while (job != NULL && job->number != number)
        job = job->next;
    return job;
}

static void on_piece(void *owner, uint64_t number, const struct source_piece *piece)
{
    struct executor_job *job = find(owner, number);
    struct span text = piece->text;
    if (job == NULL || job->stop != STOP_NONE)
        return;
    if (job->skip_bytes > 0 && text.len > 0)
        text = leave_out(job, text);
    if (job->stop != STOP_NONE)
        return;
    text_add(&job->text, text);
    for (uint32_t i = 0; i < piece->token_count; i++) {
        if (job->skip_tokens > 0)
            job->skip_tokens--;
        else
            tokens_add(&job->tokens, piece->tokens[i]);
    }
    pump(job);
}

static void on_end(void *owner, uint64_t number, const struct source_end *end)
{
    struct executor_job *job = find(owner, number);
    if (job == NULL)
        return;
    job->end = *end;
    job->end.embedding = NULL;
    job->has_ended = true;
    if (job->stop == STOP_NONE && (job->skip_bytes > 0 || job->skip_tokens > 0) && !end->is_refused)
        job->stop = STOP_DIFFERS;
    pump(job);
}

void executor_stop_job(struct executor_job *job, enum stop stop)
{
    struct source *source = job->executor->setup.source;
    if (job->stop == STOP_LOST || (job->stop != STOP_NONE && stop != STOP_LOST))
        return;
    bool is_first = job->stop == STOP_NONE;
    job->stop = stop;
    job->executor->statistics.lost += stop == STOP_LOST;
    if (is_first && !job->has_ended)
        source->cancel(source, job->number);
}

void executor_begin_job(struct executor_job *job)
{
    struct executor *executor = job->executor;
    struct source *source = executor->setup.source;
    const struct order_claim *claim = &job->claim;
    source->piece = on_piece;
    source->end = on_end;
    source->owner = executor;
    uv_timer_init(executor->setup.loop, &job->timer);
    job->timer.data = job->work.data = job;
    job->number = ++executor->last_number;
    job->ends_at_ms = uv_now(executor->setup.loop) + claim->deadline_ms;
    job->seq = claim->windows;
    job->skip_bytes = claim->said.len;
    job->skip_tokens = claim->delivered;
    job->next = executor->jobs;
    executor->jobs = job;
    executor->statistics.now++;
    executor->statistics.claimed++;
    if (compute_read(&job->ask, &job->arena, claim, &job->end.refusal)) {
        source->submit(source, job->number, &job->ask, 0);
        return;
    }
    job->end.is_refused = job->has_ended = true;
    pump(job);
}
