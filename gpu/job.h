/* job.h - a job of the scheduler from when it is taken until its end is told, and rows of them.
 *
 *   ownership  job_tell_end frees the job; job_row_clear the row, not what is in it
 *   threads    is_cancelled is any thread's, under the scheduler's lock; all else has one at a time
 */
#pragma once

#include "gpu/scheduler.h"
#include "gpu/stint.h"
#include "shared/err.h"

enum { JOB_CHECKS = 16 }; /* claimed tokens that are looked at in a step */

struct exec_span;
struct hyper;

struct job {
    uint64_t ticket; /* and the executor's session */
    uint64_t due;
    struct scheduler_job ask;
    struct answer answer;
    uint32_t done; /* tokens that have run */
    uint32_t rows; /* of the step at hand */
    bool is_cancelled, has_failed;
    struct err err;           /* why it failed */
    uint32_t width;           /* of the model */
    struct stint_list stints; /* of other nodes' stages */
    double *sum;              /* (width) of hidden states; NULL where no embedding is wanted */
    float *logits;            /* (JOB_CHECKS, vocabulary) where tokens are claimed; NULL */
    struct scheduler_claims claims;
    uint64_t came, began, first; /* when, in nanoseconds; 0: not yet */
};

/* NULL when it is refused. positions_max: of a job. */
struct job *job_new(const struct scheduler_job *ask, const struct tokenizer *tokenizer,
                    const struct hyper *hyper, uint32_t positions_max, struct err *err);
void job_free(struct job *job);

/* It leaves the queue. */
void job_begin(struct job *job);

/* Whether it has said something: what is left to run is its last token. */
bool job_is_growing(const struct job *job);
bool job_has_ended(const struct job *job);

/* The most rows of a prompt that it may have in a step. */
uint32_t job_rows_max(const struct job *job);

/* Adds to the span what it has to know of the job: the rows that are next. */
void job_ask(const struct job *job, struct exec_span *span, float *logits, float *hidden);

/* Takes what the span gave. */
void job_take(struct job *job, const struct exec_span *span);

/* And frees it. */
void job_tell_end(struct job *job);

/* Jobs, what is due first in front; room is of the one who opens it. */
struct job_row {
    struct job **at;
    uint32_t count, room;
};

void job_row_open(struct job_row *row, uint32_t room);
void job_row_clear(struct job_row *row);
void job_row_add(struct job_row *row, struct job *job);
struct job *job_row_take(struct job_row *row, uint32_t index);

/* It is ended where it is looked at next. */
void job_row_cancel(const struct job_row *row, uint64_t ticket);
