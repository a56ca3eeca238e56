/* What a job needs, whoever asks for it: a look around, a choice, a token, an answer. */
#include <inttypes.h>
#include <time.h>

#include "client/command_infer.h"
#include "shared/err.h"

enum command_status infer_gather(struct infer *infer)
{
    struct err err;
    enum command_status status = survey_begin(&infer->survey, infer->call);
    infer->survey.wants_word = true;
    if (status == COMMAND_DONE)
        status = survey_run(&infer->survey);
    if (status != COMMAND_DONE && status != COMMAND_PARTLY)
        return status;
    infer->wish.now = time(NULL);
    infer->wish.now_ms = survey_ms(&infer->survey);
    survey_leave(&infer->survey); /* two hosts of links at once leak in the library underneath */
    infer->has_pocket = true;
    status = pocket_open(&infer->pocket, infer->call);
    if (status == COMMAND_DONE && !infer_recall(infer, &err))
        status = command_fail(infer->call, &err);
    return status;
}

bool infer_compete(struct infer *infer, struct err *err)
{
    infer->candidates =
        market_candidates(infer->survey.market, &infer->arena, &infer->wish, &infer->count);
    return infer_keep_named(infer, err);
}

void infer_write_body(const struct infer *infer, struct text *body, struct span model,
                      struct span prompt)
{
    text_add(body, SPAN("{\"model\":"));
    text_add_json(body, model);
    text_add(body, SPAN(",\"messages\":[{\"role\":\"user\",\"content\":"));
    text_add_json(body, prompt);
    text_addf(body,
              "}],\"max_tokens\":%" PRIu32 ",\"temperature\":0,\"seed\":%" PRIu64
              ",\"stream\":true,\"stream_options\":{\"include_usage\":true}",
              infer->tokens_max, infer->seed);
    if (infer->claimed.len > 0)
        text_addf(body, ",\"claimed\":%.*s", SPAN_ARG(infer->claimed));
    text_add(body, SPAN("}"));
}

static bool run_job(struct infer_job *job, struct err *err)
{
    struct infer_watch watch;
    struct err why;
    bool is_paid = true;
    infer_watch_begin(&watch, job->loop);
    infer_job_begin(job);
    while (job->stage != INFER_OVER && !watch.is_told && !job->is_lost)
        if (job->stage == INFER_PRICED)
            is_paid = infer_job_pay(job, &why);
        else
            uv_run(job->loop, UV_RUN_ONCE);
    if (watch.is_told || job->is_lost)
        infer_job_stop(job);
    infer_watch_end(&watch);
    bool is_whole = infer_job_end(job, err);
    if (!is_paid)
        *err = why;
    return is_whole && is_paid;
}

bool infer_buy(struct infer *infer, struct err *err)
{
    struct text body = {0};
    infer->pocket.trade.mint = infer->job.trade.mint;
    if (!pocket_reach(&infer->pocket, err))
        return false;
    infer->job.trade = infer->pocket.trade;
    infer->job.loop = &infer->pocket.net.loop;
    infer_write_body(infer, &body, infer->chosen->entry.offer.model, infer->prompt);
    infer->job.body = text_span(&body);
    bool is_whole = run_job(&infer->job, err);
    text_clear(&body);
    return is_whole;
}

void infer_end(struct infer *infer)
{
    infer_job_clear(&infer->job);
    if (infer->has_pocket)
        pocket_close(&infer->pocket);
    if (infer->survey.market != NULL)
        survey_end(&infer->survey);
    arena_clear(&infer->arena);
}
