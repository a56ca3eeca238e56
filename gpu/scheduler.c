#include "gpu/scheduler.h"

#include <pthread.h>
#include <stdlib.h>

#include "gpu/exec.h"
#include "gpu/hyper.h"
#include "gpu/job.h"
#include "gpu/pace.h"
#include "shared/err.h"

enum { STEP_ROWS = 512, STEP_NANOSECONDS = 25000000, PIECE_MIN = 16, WAITING_PER_RUNNING = 2 };

static const double RATES_KEPT = 0.9; /* of the tokens and the time before, with each step */

struct scheduler {
    struct scheduler_options options;
    struct exec *exec;
    const struct hyper *hyper;
    const struct tokenizer *tokenizer;
    pthread_t thread;
    pthread_mutex_t lock; /* of the lists, the flags and the statistics */
    pthread_cond_t change;
    struct job_row waiting, running;
    bool is_closing, finishes;
    uint64_t tickets;  /* given */
    uint32_t promised; /* pages, to what runs */
    struct scheduler_statistics statistics;
    double recent_tokens, recent_prompts, recent_seconds;
    struct pace pace;        /* from here on the thread's own */
    struct exec_span *spans; /* (running_max) */
    struct job **riders;     /* whose they are */
    float *logits;           /* (running_max, vocabulary) */
    float *hidden;           /* (step_rows, width) */
};

struct scheduler_options scheduler_options_for(const struct exec *exec)
{
    struct exec_options shard = exec_options(exec);
    uint32_t rows = shard.rows_max < STEP_ROWS ? shard.rows_max : STEP_ROWS;
    uint32_t running = shard.sessions_max < rows ? shard.sessions_max : rows;
    return (struct scheduler_options){.running_max = running,
                                      .waiting_max = running * WAITING_PER_RUNNING,
                                      .step_rows = rows,
                                      .step_nanoseconds = STEP_NANOSECONDS};
}

static void *array_of(size_t count, size_t size)
{
    void *array = calloc(count + 1, size);
    if (array == NULL)
        abort();
    return array;
}

/* That a job may come to need. */
static uint32_t pages_of(const struct scheduler *scheduler, const struct job *job)
{
    return exec_pages(scheduler->exec, answer_positions(&job->answer));
}

/* Tells the end of what has ended, which is without the lock. */
static void retire(struct scheduler *scheduler, struct job_row *row)
{
    bool ends_all = scheduler->is_closing && !scheduler->finishes;
    for (uint32_t i = 0; i < row->count;) {
        if (!ends_all && !job_has_ended(row->at[i])) {
            i++;
            continue;
        }
        struct job *job = job_row_take(row, i);
        if (row == &scheduler->running) {
            scheduler->promised -= pages_of(scheduler, job);
            exec_session_close(scheduler->exec, job->ticket);
            scheduler->statistics.pages_free = exec_statistics(scheduler->exec).pages_free;
        }
        pthread_mutex_unlock(&scheduler->lock);
        job_tell_end(job);
        pthread_mutex_lock(&scheduler->lock);
        i = 0; /* others may have come */
    }
}

/* Lets jobs begin, in order, as long as there is room for all that they may need. */
static void admit(struct scheduler *scheduler)
{
    struct job_row *waiting = &scheduler->waiting;
    while (waiting->count > 0 && scheduler->running.count < scheduler->running.room) {
        uint32_t pages = pages_of(scheduler, waiting->at[0]);
        if (pages > scheduler->statistics.pages - scheduler->promised)
            return;
        struct job *job = job_row_take(waiting, 0);
        scheduler->promised += pages;
        job->has_failed = !exec_session_open(scheduler->exec, job->ticket,
                                             answer_positions(&job->answer), &job->err);
        job_begin(job);
        job_row_add(&scheduler->running, job);
    }
}

/* How many rows of each job are in the next step. */
static void plan(struct scheduler *scheduler)
{
    const struct scheduler_options *options = &scheduler->options;
    uint32_t left = options->step_rows;
    for (uint32_t i = 0; i < scheduler->running.count; i++) {
        struct job *job = scheduler->running.at[i];
        job->rows = job_is_growing(job);
        left -= job->rows;
    }
    uint32_t growing = options->step_rows - left;
    if (growing > 0) {
        uint32_t most = pace_rows(&scheduler->pace, options->step_nanoseconds);
        uint32_t piece = most > growing + PIECE_MIN ? most - growing : PIECE_MIN;
        left = left < piece ? left : piece;
    }
    for (uint32_t i = 0; i < scheduler->running.count; i++) {
        struct job *job = scheduler->running.at[i];
        if (job_is_growing(job))
            continue;
        uint32_t wanted = job_rows_max(job);
        job->rows = wanted < left ? wanted : left;
        left -= job->rows;
    }
}

/* The spans of the step; how many. */
static uint32_t lay_out(struct scheduler *scheduler)
{
    const struct hyper *hyper = scheduler->hyper;
    uint32_t count = 0;
    float *hidden = scheduler->hidden;
    for (uint32_t i = 0; i < scheduler->running.count; i++) {
        struct job *job = scheduler->running.at[i];
        if (job->rows == 0 || job->has_failed)
            continue;
        float *logits = scheduler->logits + (size_t)count * hyper->vocabulary;
        job_ask(job, scheduler->spans + count, logits, hidden);
        hidden += (size_t)job->rows * hyper->width;
        scheduler->riders[count++] = job;
    }
    return count;
}

static void count_step(struct scheduler *scheduler, const struct exec_statistics *before,
                       uint32_t prompts, uint32_t tokens)
{
    struct scheduler_statistics *statistics = &scheduler->statistics;
    struct exec_statistics after = exec_statistics(scheduler->exec);
    uint64_t took = after.nanoseconds - before->nanoseconds;
    statistics->steps++;
    statistics->rows += prompts + tokens;
    statistics->prompt_tokens += prompts;
    statistics->tokens += tokens;
    statistics->nanoseconds += took;
    statistics->weight_bytes += after.weight_bytes - before->weight_bytes;
    statistics->pages_free = after.pages_free;
    scheduler->recent_tokens = scheduler->recent_tokens * RATES_KEPT + tokens;
    scheduler->recent_prompts = scheduler->recent_prompts * RATES_KEPT + prompts;
    scheduler->recent_seconds = scheduler->recent_seconds * RATES_KEPT + (double)took / 1e9;
    if (took > 0)
        pace_add(&scheduler->pace, prompts + tokens, took);
}

/* One step of what runs. Without the lock, which the statistics are under. */
static void step(struct scheduler *scheduler)
{
    struct exec_statistics before = exec_statistics(scheduler->exec);
    struct err err;
    uint32_t prompts = 0;
    uint32_t tokens = 0;
    plan(scheduler);
    uint32_t count = lay_out(scheduler);
    bool ok = exec_step(scheduler->exec, scheduler->spans, count, &err);
    for (uint32_t i = 0; i < count; i++)
        *(job_is_growing(scheduler->riders[i]) ? &tokens : &prompts) += scheduler->riders[i]->rows;
    pthread_mutex_lock(&scheduler->lock);
    count_step(scheduler, &before, prompts, tokens);
    pthread_mutex_unlock(&scheduler->lock);
    for (uint32_t i = 0; i < count; i++) {
        struct job *job = scheduler->riders[i];
        if (ok) {
            job_take(job, scheduler->spans + i);
            continue;
        }
        job->has_failed = true;
        job->err = err;
    }
}

static void *serve(void *argument)
{
    struct scheduler *scheduler = argument;
    pthread_mutex_lock(&scheduler->lock);
    for (;;) {
        retire(scheduler, &scheduler->waiting);
        retire(scheduler, &scheduler->running);
        admit(scheduler);
        if (scheduler->running.count == 0 && scheduler->waiting.count == 0) {
            if (scheduler->is_closing)
                break;
            pthread_cond_wait(&scheduler->change, &scheduler->lock);
            continue;
        }
        pthread_mutex_unlock(&scheduler->lock);
        step(scheduler);
        pthread_mutex_lock(&scheduler->lock);
    }
    pthread_mutex_unlock(&scheduler->lock);
    return NULL;
}

static bool check(const struct scheduler_options *options, const struct exec_options *shard,
                  struct err *err)
{
    if (!shard->has_embedding || !shard->has_head)
        return err_set(err, ERR_INVALID, "answers are made by a whole model");
    if (options->running_max == 0 || options->running_max > shard->sessions_max)
        return err_set(err, ERR_INVALID, "%u jobs at once; 1 to %u", options->running_max,
                       shard->sessions_max);
    if (options->step_rows < options->running_max || options->step_rows > shard->rows_max)
        return err_set(err, ERR_INVALID, "steps of %u rows; %u to %u", options->step_rows,
                       options->running_max, shard->rows_max);
    return options->waiting_max > 0 || err_set(err, ERR_INVALID, "no job may wait");
}

bool scheduler_open(struct scheduler **out, struct exec *exec, const struct tokenizer *tokenizer,
                    const struct scheduler_options *options, struct err *err)
{
    struct exec_options shard = exec_options(exec);
    if (!check(options, &shard, err))
        return false;
    struct scheduler *scheduler = array_of(1, sizeof *scheduler);
    const struct hyper *hyper = exec_hyper(exec);
    *scheduler = (struct scheduler){
        .options = *options, .exec = exec, .hyper = hyper, .tokenizer = tokenizer};
    if (options->positions_max == 0 || options->positions_max > hyper->context)
        scheduler->options.positions_max = hyper->context;
    scheduler->statistics.pages = exec_statistics(exec).pages;
    scheduler->statistics.pages_free = scheduler->statistics.pages;
    job_row_open(&scheduler->waiting, options->waiting_max);
    job_row_open(&scheduler->running, options->running_max);
    scheduler->spans = array_of(options->running_max, sizeof *scheduler->spans);
    scheduler->riders = array_of(options->running_max, sizeof(void *));
    scheduler->logits = array_of((size_t)options->running_max * hyper->vocabulary, sizeof(float));
    scheduler->hidden = array_of((size_t)options->step_rows * hyper->width, sizeof(float));
    if (pthread_mutex_init(&scheduler->lock, NULL) != 0 ||
        pthread_cond_init(&scheduler->change, NULL) != 0 ||
        pthread_create(&scheduler->thread, NULL, serve, scheduler) != 0)
        abort();
    *out = scheduler;
    return true;
}

void scheduler_close(struct scheduler *scheduler, bool finishes)
{
    if (scheduler == NULL)
        return;
    pthread_mutex_lock(&scheduler->lock);
    scheduler->is_closing = true;
    scheduler->finishes = finishes;
    pthread_cond_signal(&scheduler->change);
    pthread_mutex_unlock(&scheduler->lock);
    pthread_join(scheduler->thread, NULL);
    pthread_mutex_destroy(&scheduler->lock);
    pthread_cond_destroy(&scheduler->change);
    void *arrays[] = {
        scheduler->waiting.at, scheduler->running.at, scheduler->spans, scheduler->riders,
        scheduler->logits,     scheduler->hidden,     scheduler};
    for (void **array = arrays; array < arrays + ARRAY_LEN(arrays); array++)
        free(*array);
}

/* Under the lock. */
static bool enqueue(struct scheduler *scheduler, struct job *job, uint64_t *ticket, struct err *err)
{
    struct scheduler_statistics *statistics = &scheduler->statistics;
    if (scheduler->is_closing)
        return err_set(err, ERR_RATE_LIMITED, "no more jobs are taken");
    if (scheduler->waiting.count == scheduler->waiting.room) {
        statistics->refused++;
        return err_set(err, ERR_RATE_LIMITED, "%u jobs are waiting", scheduler->waiting.count);
    }
    if (pages_of(scheduler, job) > statistics->pages)
        return err_set(err, ERR_INVALID, "%u positions; there are %u",
                       answer_positions(&job->answer), statistics->pages * EXEC_PAGE);
    job->ticket = ++scheduler->tickets;
    job->due = statistics->rows + job->answer.request.prompt_count +
               (uint64_t)job->ask.level * SCHEDULER_LEVEL_ROWS;
    *ticket = job->ticket;
    statistics->jobs++;
    job_row_add(&scheduler->waiting, job);
    pthread_cond_signal(&scheduler->change);
    return true;
}

bool scheduler_submit(struct scheduler *scheduler, uint64_t *ticket,
                      const struct scheduler_job *ask, struct err *err)
{
    if (ask->level >= SCHEDULER_LEVELS)
        return err_set(err, ERR_INVALID, "level %u; 0 to %d", ask->level, SCHEDULER_LEVELS - 1);
    struct job *job =
        job_new(ask, scheduler->tokenizer, scheduler->hyper, scheduler->options.positions_max, err);
    if (job == NULL)
        return false;
    pthread_mutex_lock(&scheduler->lock);
    bool ok = enqueue(scheduler, job, ticket, err);
    pthread_mutex_unlock(&scheduler->lock);
    if (!ok)
        job_free(job);
    return ok;
}

void scheduler_cancel(struct scheduler *scheduler, uint64_t ticket)
{
    pthread_mutex_lock(&scheduler->lock);
    job_row_cancel(&scheduler->waiting, ticket);
    job_row_cancel(&scheduler->running, ticket);
    pthread_cond_signal(&scheduler->change);
    pthread_mutex_unlock(&scheduler->lock);
}

struct scheduler_statistics scheduler_statistics(struct scheduler *scheduler)
{
    pthread_mutex_lock(&scheduler->lock);
    struct scheduler_statistics statistics = scheduler->statistics;
    statistics.running = scheduler->running.count;
    statistics.waiting = scheduler->waiting.count;
    if (scheduler->recent_seconds > 0) {
        statistics.tokens_rate = (float)(scheduler->recent_tokens / scheduler->recent_seconds);
        statistics.prompts_rate = (float)(scheduler->recent_prompts / scheduler->recent_seconds);
    }
    pthread_mutex_unlock(&scheduler->lock);
    return statistics;
}
