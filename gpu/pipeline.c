#include "gpu/pipeline_parts.h"

#include <endian.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>

#include "gpu/exec.h"
#include "gpu/hyper.h"
#include "gpu/job.h"
#include "shared/err.h"

enum { LIKELY_MAX = 1024 };

/* How many of the likeliest tokens decide what a job's sampler chooses; 0: all may. */
static uint32_t likely_of(const struct scheduler_job *ask, uint32_t vocabulary)
{
    const struct sampler_options *sampler = &ask->request.sampler;
    bool looks_at_all = ask->request.wants_probability || ask->request.likely > 0 ||
                        sampler->bias_count > 0 || sampler->repetition < 1 ||
                        sampler->repetition > 1 || sampler->frequency < 0 ||
                        sampler->frequency > 0 || sampler->presence < 0 || sampler->presence > 0;
    uint32_t most = vocabulary < LIKELY_MAX ? vocabulary : LIKELY_MAX;
    if (looks_at_all)
        return 0;
    if (sampler->temperature <= 0)
        return 1;
    return sampler->top_k <= most ? sampler->top_k : 0;
}

static uint32_t pages_of(const struct job *job)
{
    return (answer_positions(&job->answer) + EXEC_PAGE - 1) / EXEC_PAGE;
}

/* ---- on the thread ---- */

/* Tells the end of what has ended, without the lock, which is held else. */
static void retire(struct pipeline *pipeline, struct job_row *row)
{
    bool ends_all = pipeline->is_closing && !pipeline->finishes;
    for (uint32_t i = 0; i < row->count;) {
        if (!ends_all && !job_has_ended(row->at[i])) {
            i++;
            continue;
        }
        struct job *job = job_row_take(row, i);
        if (row == &pipeline->running)
            pipeline->promised -= pages_of(job);
        pthread_mutex_unlock(&pipeline->lock);
        pipeline->leaving = job;
        if (row == &pipeline->running)
            lead_close(pipeline->lead, job->ticket);
        pipeline->leaving = NULL;
        job_tell_end(job);
        pthread_mutex_lock(&pipeline->lock);
        i = 0; /* others may have come */
    }
}

static void begin(struct pipeline *pipeline, struct job *job)
{
    struct stage *stage = station_stage(pipeline->station);
    struct tokens *tokens = &job->answer.tokens;
    job_begin(job);
    job->has_failed = !stage_open(stage, job->ticket, answer_positions(&job->answer),
                                  likely_of(&job->ask, pipeline->hyper->vocabulary)) &&
                      !err_set(&job->err, ERR_RATE_LIMITED, "no room for another session");
    if (!job->has_failed)
        stage_feed(stage, job->ticket, tokens->at, (uint32_t)tokens->count);
}

/* For all that it may come to need. */
static bool has_room(const struct pipeline *pipeline, const struct job *job)
{
    return pipeline->running.count < pipeline->running.room &&
           pages_of(job) <= pipeline->pages - pipeline->promised;
}

static void turn(struct pipeline *pipeline)
{
    pipeline_take_route(pipeline);
    pthread_mutex_lock(&pipeline->lock);
    retire(pipeline, &pipeline->waiting);
    retire(pipeline, &pipeline->running);
    while (pipeline->waiting.count > 0 && has_room(pipeline, pipeline->waiting.at[0])) {
        struct job *job = job_row_take(&pipeline->waiting, 0);
        pipeline->promised += pages_of(job);
        begin(pipeline, job);
        job_row_add(&pipeline->running, job);
    }
    retire(pipeline, &pipeline->running);
    bool is_over = pipeline->is_closing && pipeline->running.count == 0;
    pthread_mutex_unlock(&pipeline->lock);
    if (!is_over) {
        station_kick(pipeline->station);
    } else if (!uv_is_closing((uv_handle_t *)&pipeline->wake)) {
        lead_free(pipeline->lead);
        uv_close((uv_handle_t *)&pipeline->wake, NULL);
    }
}

static void on_wake(uv_async_t *async)
{
    turn(async->data);
}

/* False for a token that there is none of. What is not told is less likely than all that is. */
static bool read_result(struct pipeline *pipeline, const struct stage_result *result)
{
    uint32_t vocabulary = pipeline->hyper->vocabulary;
    for (uint32_t i = 0; i < vocabulary; i++)
        pipeline->logits[i] = -INFINITY;
    for (uint32_t i = 0; i < result->count; i++) {
        uint32_t pair[2] = {htole32(i)};
        if (result->is_pairs)
            memcpy(pair, result->bytes.at + (size_t)i * sizeof pair, sizeof pair);
        else
            memcpy(pair + 1, result->bytes.at + (size_t)i * sizeof pair[1], sizeof pair[1]);
        uint32_t token = le32toh(pair[0]);
        uint32_t logit = le32toh(pair[1]);
        if (token >= vocabulary)
            return false;
        memcpy(pipeline->logits + token, &logit, sizeof logit);
    }
    return true;
}

static void take(struct pipeline *pipeline, struct job *job, const struct stage_result *result)
{
    struct exec_span span = {.session = job->ticket,
                             .count = result->position + 1 - job->done,
                             .logits = pipeline->logits,
                             .logit_count = 1,
                             .verdict = EXEC_DONE};
    if (result->why != NULL || !read_result(pipeline, result)) {
        job->has_failed = !err_set(
            &job->err, result->refusal == WIRE_FULL ? ERR_RATE_LIMITED : ERR_INTERNAL, "%s",
            result->why != NULL ? result->why : "the last stage told of a token that there is not");
        return;
    }
    job_take(job, &span);
    if (!job->has_failed && !job->answer.has_ended)
        stage_feed(station_stage(pipeline->station), job->ticket, job->answer.tokens.at + job->done,
                   1);
}

static void on_result(void *owner, uint64_t session, const struct stage_result *result)
{
    struct pipeline *pipeline = owner;
    struct job *job = pipeline_find_job(pipeline, session);
    bool has_ended = false;
    if (job == NULL)
        return;
    take(pipeline, job, result);
    pthread_mutex_lock(&pipeline->lock);
    has_ended = job_has_ended(job);
    pipeline->statistics.tokens += result->why == NULL;
    pipeline->statistics.reopened = stage_statistics(station_stage(pipeline->station)).reopened;
    pthread_mutex_unlock(&pipeline->lock);
    if (has_ended) /* later: this is told in the middle of others' affairs */
        uv_async_send(&pipeline->wake);
}

static void on_note(void *owner, const char *text)
{
    struct pipeline *pipeline = owner;
    pipeline->note(pipeline->owner, text);
}

static void *serve(void *argument)
{
    struct pipeline *pipeline = argument;
    uv_run(&pipeline->loop, UV_RUN_DEFAULT);
    return NULL;
}

/* ---- on any thread ---- */

static bool check(const struct exec_options *shard, const struct pipeline_options *options,
                  const struct hyper *hyper, struct err *err)
{
    if (!shard->has_embedding || shard->has_head || shard->layer_begin != 0 ||
        shard->layer_end == 0 || shard->layer_end >= hyper->layers)
        return err_set(err, ERR_INVALID, "a first stage has the first layers, and not the last");
    if (options->waiting_max == 0)
        return err_set(err, ERR_INVALID, "no job may wait");
    return options->next_count > 0 || options->is_lead ||
           err_set(err, ERR_INVALID, "no stage is behind the first");
}

/* Of one job. */
static uint32_t positions_max(const struct pipeline *pipeline)
{
    uint32_t all = pipeline->pages * EXEC_PAGE;
    return pipeline->hyper->context < all ? pipeline->hyper->context : all;
}

static bool open_station(struct pipeline *pipeline, const struct pipeline_options *options,
                         struct err *err)
{
    struct exec_options shard = exec_options(pipeline->exec);
    struct lead_setup setup = pipeline_lead();
    setup.first = (struct station_setup){.loop = &pipeline->loop,
                                         .exec = pipeline->exec,
                                         .self = {.root = options->root,
                                                  .layers = pipeline->hyper->layers,
                                                  .end = shard.layer_end,
                                                  .width = pipeline->hyper->width,
                                                  .vocabulary = pipeline->hyper->vocabulary},
                                         .key = options->key,
                                         .hangup_s = options->hangup_s,
                                         .next_count = options->next_count,
                                         .activation = options->activation,
                                         .positions_max = positions_max(pipeline),
                                         .result = on_result,
                                         .note = on_note,
                                         .owner = pipeline};
    memcpy(setup.first.next, options->next, sizeof setup.first.next);
    uint64_t *origin = &setup.first.self.origin;
    if (getrandom(origin, sizeof *origin, 0) != sizeof *origin ||
        getrandom(&pipeline->tickets, sizeof pipeline->tickets, 0) != sizeof pipeline->tickets)
        abort();
    pipeline->lead = lead_new(&setup, err);
    if (pipeline->lead == NULL)
        return false;
    pipeline->station = lead_station(pipeline->lead);
    return true;
}

static void free_all(struct pipeline *pipeline)
{
    uv_run(&pipeline->loop, UV_RUN_DEFAULT);
    uv_loop_close(&pipeline->loop);
    pthread_mutex_destroy(&pipeline->lock);
    job_row_clear(&pipeline->waiting);
    job_row_clear(&pipeline->running);
    free(pipeline->logits);
    free(pipeline->route);
    free(pipeline);
}

bool pipeline_open(struct pipeline **out, struct exec *exec, const struct tokenizer *tokenizer,
                   const struct pipeline_options *options, struct err *err)
{
    struct exec_options shard = exec_options(exec);
    const struct hyper *hyper = exec_hyper(exec);
    if (!check(&shard, options, hyper, err))
        return false;
    struct pipeline *pipeline = calloc(1, sizeof *pipeline);
    if (pipeline == NULL || uv_loop_init(&pipeline->loop) != 0)
        abort();
    pipeline->exec = exec;
    pipeline->hyper = hyper;
    pipeline->tokenizer = tokenizer;
    pipeline->note = options->note;
    pipeline->owner = options->owner;
    pipeline->pages = exec_statistics(exec).pages;
    pipeline->logits = calloc(hyper->vocabulary, sizeof *pipeline->logits);
    if (pipeline->logits == NULL || pthread_mutex_init(&pipeline->lock, NULL) != 0)
        abort();
    job_row_open(&pipeline->waiting, options->waiting_max);
    job_row_open(&pipeline->running, shard.sessions_max);
    if (!open_station(pipeline, options, err)) {
        free_all(pipeline);
        return false;
    }
    uv_async_init(&pipeline->loop, &pipeline->wake, on_wake);
    pipeline->wake.data = pipeline;
    if (pthread_create(&pipeline->thread, NULL, serve, pipeline) != 0)
        abort();
    *out = pipeline;
    return true;
}

void pipeline_close(struct pipeline *pipeline, bool finishes)
{
    pthread_mutex_lock(&pipeline->lock);
    pipeline->is_closing = true;
    pipeline->finishes = finishes;
    uv_async_send(&pipeline->wake);
    pthread_mutex_unlock(&pipeline->lock);
    pthread_join(pipeline->thread, NULL);
    free_all(pipeline);
}

/* Under the lock. */
static bool enqueue(struct pipeline *pipeline, struct job *job, uint64_t *ticket, struct err *err)
{
    if (pipeline->is_closing)
        return err_set(err, ERR_RATE_LIMITED, "no more jobs are taken");
    if (pipeline->waiting.count == pipeline->waiting.room)
        return err_set(err, ERR_RATE_LIMITED, "%u jobs are waiting", pipeline->waiting.count);
    pipeline->tickets += pipeline->tickets == UINT64_MAX ? 2 : 1; /* 0 is no session */
    job->ticket = *ticket = pipeline->tickets;
    job->due = ++pipeline->submitted + (uint64_t)job->ask.level * SCHEDULER_LEVEL_ROWS;
    job_row_add(&pipeline->waiting, job);
    uv_async_send(&pipeline->wake);
    return true;
}

bool pipeline_submit(struct pipeline *pipeline, uint64_t *ticket, const struct scheduler_job *ask,
                     struct err *err)
{
    uint32_t most = positions_max(pipeline);
    if (ask->wants_embedding)
        return err_set(err, ERR_UNSUPPORTED, "embeddings are made by a whole model");
    if (ask->level >= SCHEDULER_LEVELS)
        return err_set(err, ERR_INVALID, "level %u; 0 to %d", ask->level, SCHEDULER_LEVELS - 1);
    struct job *job = job_new(ask, pipeline->tokenizer, pipeline->hyper, most, err);
    if (job == NULL)
        return false;
    pthread_mutex_lock(&pipeline->lock);
    bool ok = enqueue(pipeline, job, ticket, err);
    pthread_mutex_unlock(&pipeline->lock);
    if (!ok)
        job_free(job);
    return ok;
}

void pipeline_cancel(struct pipeline *pipeline, uint64_t ticket)
{
    pthread_mutex_lock(&pipeline->lock);
    job_row_cancel(&pipeline->waiting, ticket);
    job_row_cancel(&pipeline->running, ticket);
    uv_async_send(&pipeline->wake);
    pthread_mutex_unlock(&pipeline->lock);
}

struct pipeline_statistics pipeline_statistics(struct pipeline *pipeline)
{
    pthread_mutex_lock(&pipeline->lock);
    struct pipeline_statistics statistics = pipeline->statistics;
    statistics.running = pipeline->running.count;
    statistics.waiting = pipeline->waiting.count;
    pthread_mutex_unlock(&pipeline->lock);
    return statistics;
}
