#include "gpu/job.h"

#include <assert.h>
#include <stdlib.h>
#include <time.h>

#include "gpu/exec.h"
#include "gpu/hyper.h"

static uint64_t nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void *array_of(size_t count, size_t size)
{
    void *array = calloc(count, size);
    if (array == NULL)
        abort();
    return array;
}

struct job *job_new(const struct scheduler_job *ask, const struct tokenizer *tokenizer,
                    const struct hyper *hyper, uint32_t positions_max, struct err *err)
{
    struct answer_request request = ask->request;
    struct answer answer;
    if (ask->wants_embedding || ask->claimed > 0)
        request.tokens_max = 1;
    if (ask->claimed > 0 && (ask->wants_embedding || ask->claimed >= request.prompt_count)) {
        err_fill(err, ERR_INVALID, "%u tokens claimed, of %u", ask->claimed, request.prompt_count);
        return NULL;
    }
    if (!answer_begin(&answer, &request, tokenizer, hyper->vocabulary, positions_max, err))
        return NULL;
    struct job *job = array_of(1, sizeof *job);
    *job =
        (struct job){.ask = *ask, .answer = answer, .width = hyper->width, .came = nanoseconds()};
    if (ask->wants_embedding)
        job->sum = array_of(hyper->width, sizeof *job->sum);
    if (ask->claimed > 0)
        job->logits = array_of((size_t)JOB_CHECKS * hyper->vocabulary, sizeof *job->logits);
    return job;
}

void job_free(struct job *job)
{
    answer_clear(&job->answer);
    stint_clear(&job->stints);
    free(job->sum);
    free(job->logits);
    free(job);
}

void job_begin(struct job *job)
{
    job->began = nanoseconds();
}

bool job_is_growing(const struct job *job)
{
    return job->answer.count > 0;
}

static bool is_read(const struct job *job)
{
    uint32_t last = job->answer.request.prompt_count - (job->ask.claimed > 0);
    return (job->sum != NULL || job->ask.claimed > 0) && job->done == last;
}

bool job_has_ended(const struct job *job)
{
    return job->is_cancelled || job->has_failed || job->answer.has_ended || is_read(job);
}

/* Rows whose followers are claimed, of so many that are next: the last ones. */
static uint32_t count_checks(const struct job *job, uint32_t rows)
{
    uint32_t first = job->answer.request.prompt_count - job->ask.claimed - 1;
    uint32_t end = job->done + rows;
    if (job->ask.claimed == 0 || end <= first)
        return 0;
    return job->done < first ? end - first : rows;
}

uint32_t job_rows_max(const struct job *job)
{
    uint32_t rows = job->answer.request.prompt_count - job->done;
    if (job->ask.claimed == 0)
        return rows;
    uint32_t checks = count_checks(job, --rows); /* nothing is claimed of what follows the last */
    return checks > JOB_CHECKS ? rows - (checks - JOB_CHECKS) : rows;
}

void job_ask(const struct job *job, struct exec_span *span, float *logits, float *hidden)
{
    *span = (struct exec_span){.session = job->ticket,
                               .position = job->done,
                               .count = job->rows,
                               .tokens = job->answer.tokens.at + job->done};
    if (job->sum != NULL) {
        span->hidden = hidden;
    } else if (job->ask.claimed > 0) {
        span->logit_count = count_checks(job, job->rows);
        span->logits = span->logit_count > 0 ? job->logits : NULL;
    } else if (job->done + job->rows == job->answer.tokens.count) {
        span->logits = logits;
        span->logit_count = 1;
    }
}

/* What the sampler picks behind each of the last rows, against what is claimed. */
static bool check_claims(struct job *job, const struct exec_span *span)
{
    struct answer *answer = &job->answer;
    uint32_t position = job->done - span->logit_count + 1;
    for (uint32_t i = 0; i < span->logit_count; i++, position++) {
        const struct sampler_text said = {answer->tokens.at, position};
        uint32_t token;
        if (!sampler_pick(&answer->sampler, &token, span->logits + (size_t)i * answer->vocabulary,
                          position, said, &job->err))
            return false;
        bool is_same = token == answer->tokens.at[position];
        if (is_same && job->claims.first == job->claims.checked)
            job->claims.first++;
        job->claims.checked++;
        job->claims.same += is_same;
    }
    return true;
}

void job_take(struct job *job, const struct exec_span *span)
{
    if (span->verdict != EXEC_DONE) {
        job->has_failed =
            !err_set(&job->err, ERR_INTERNAL, "a step was refused: %d", (int)span->verdict);
        return;
    }
    job->done += span->count;
    for (size_t i = 0; job->sum != NULL && i < (size_t)span->count * job->width; i++)
        job->sum[i % job->width] += (double)span->hidden[i];
    if (span->logit_count == 0)
        return;
    if (job->first == 0)
        job->first = nanoseconds();
    if (job->ask.claimed > 0) {
        job->has_failed = !check_claims(job, span);
        return;
    }
    job->has_failed = !answer_grow(&job->answer, span->logits, &job->err);
}

static struct scheduler_usage usage_of(const struct job *job)
{
    uint64_t now = nanoseconds();
    struct scheduler_usage usage = {.prompt_tokens = job->answer.request.prompt_count,
                                    .tokens = job->answer.count};
    usage.waited_nanoseconds = (job->began > 0 ? job->began : now) - job->came;
    if (job->first > 0) {
        usage.first_nanoseconds = job->first - job->began;
        usage.nanoseconds = now - job->first;
    }
    return usage;
}

void job_tell_end(struct job *job)
{
    struct scheduler_end end = {.end = job->answer.end,
                                .usage = usage_of(job),
                                .claims = job->claims,
                                .stints = &job->stints};
    float *mean = NULL;
    if (job->has_failed) {
        end.end = ANSWER_FAILED;
        end.why = job->err.text;
    } else if (is_read(job) && job->sum == NULL) {
        end.end = ANSWER_ENDED;
    } else if (is_read(job)) {
        mean = array_of(job->width, sizeof *mean);
        for (uint32_t i = 0; i < job->width; i++)
            mean[i] = (float)(job->sum[i] / job->done);
        end.embedding = mean;
    } else if (!job->answer.has_ended) {
        end.end = job->is_cancelled ? ANSWER_LEFT : ANSWER_CLOSED;
    }
    job->ask.end(job->ask.request.owner, &end);
    free(mean);
    job_free(job);
}

void job_row_open(struct job_row *row, uint32_t room)
{
    *row = (struct job_row){.at = array_of(room, sizeof(void *)), .room = room};
}

void job_row_clear(struct job_row *row)
{
    free(row->at);
    *row = (struct job_row){0};
}

void job_row_add(struct job_row *row, struct job *job)
{
    assert(row->count < row->room);
    uint32_t at = row->count++;
    for (; at > 0 && row->at[at - 1]->due > job->due; at--)
        row->at[at] = row->at[at - 1];
    row->at[at] = job;
}

struct job *job_row_take(struct job_row *row, uint32_t index)
{
    struct job *job = row->at[index];
    row->count--;
    memmove(row->at + index, row->at + index + 1, (row->count - index) * sizeof(void *));
    return job;
}

void job_row_cancel(const struct job_row *row, uint64_t ticket)
{
    for (uint32_t i = 0; i < row->count; i++)
        if (row->at[i]->ticket == ticket)
            row->at[i]->is_cancelled = true;
}
