/* scheduler.h - many answers at once from one executor, on a thread of its own.
 *
 * Each step of the executor runs the last token of every answer that is being made, then pieces of
 * prompts: up to a budget of rows, and while answers wait for the step no more than are expected
 * to take a set time. So a long prompt delays no answer by more than a piece.
 *
 * Jobs wait in a queue that is bounded, and begin when all the positions that they may need are
 * free: what has begun never lacks memory and is never put out for another. Who is next is decided
 * by what a job is due at, in rows that the executor has run: the rows run when it came, and those
 * of its prompt, and SCHEDULER_LEVEL_ROWS for each level of its priority. So short prompts go
 * before long ones and urgent ones before others, but nothing that waits is passed for ever.
 *
 * What a job gives is the same to the last bit, whatever runs beside it (gpu/exec.h).
 *
 *   units      tokens, positions, rows of steps; nanoseconds
 *   ownership  scheduler_close frees all; exec, tokenizer are borrowed, and exec is the
 *              scheduler's alone until then; jobs are copied
 *   threads    any; what is told is told on the scheduler's own thread, and must not block there
 *   errors     ERR_RATE_LIMITED the queue is full, or it closes; ERR_INVALID a job that can never
 *              run: of more positions than there are; what gpu/answer.h refuses
 *   order      a job is told its pieces in order, then its end, once; nothing after
 */
#pragma once

#include "gpu/answer.h"

struct exec;
struct scheduler;
struct stint_list;

enum { SCHEDULER_LEVELS = 8, SCHEDULER_LEVEL_ROWS = 4096 };

struct scheduler_options {
    uint32_t running_max;   /* jobs that run at once, at most the executor's sessions */
    uint32_t waiting_max;   /* jobs that wait */
    uint32_t positions_max; /* of one job; 0: the model's context */
    uint32_t step_rows;     /* of a step, at most the executor's */
    uint64_t
        step_nanoseconds; /* that a step with a piece of a prompt may take, where answers wait */
};

/* For that executor: steps of 512 rows and 25 ms, as many jobs as it has sessions, and twice that
 * waiting. */
struct scheduler_options scheduler_options_for(const struct exec *exec);

struct scheduler_usage {
    uint32_t prompt_tokens, kept_tokens; /* kept: known from before, not run again */
    uint32_t tokens;
    uint64_t waited_nanoseconds; /* until it began */
    uint64_t first_nanoseconds;  /* from there until the first token */
    uint64_t nanoseconds;        /* of all after that */
};

/* What became of the tokens that were claimed. */
struct scheduler_claims {
    uint32_t checked, same, first; /* first: that differs; checked where none does */
};

struct scheduler_end {
    enum answer_end end;
    const char *why;        /* what failed; NULL */
    const float *embedding; /* (width) the mean of the prompt's last hidden states; NULL */
    struct scheduler_usage usage;
    const struct stint_list *stints; /* what other nodes' stages did of it */
    struct scheduler_claims claims;
};

typedef void scheduler_end_fn(void *owner, const struct scheduler_end *end);

struct scheduler_job {
    struct answer_request request; /* its owner is told the end too */
    uint32_t level;                /* 0: urgent, to SCHEDULER_LEVELS - 1 */
    bool wants_embedding;          /* of the prompt; there is no answer, tokens_max is not read */
    uint32_t claimed;              /* of the prompt's last tokens it is asked whether the sampler
                                      picks them; there is no answer then, either */
    scheduler_end_fn *end;
};

struct scheduler_statistics {
    uint32_t running, waiting;
    uint32_t pages, pages_free;
    uint64_t steps, rows;
    uint64_t prompt_tokens, kept_tokens, tokens;
    uint64_t jobs, refused;          /* that were taken; for which there was no room */
    uint64_t nanoseconds;            /* in steps */
    uint64_t weight_bytes;           /* that steps have read */
    float tokens_rate, prompts_rate; /* tokens a second of the time in steps, of late */
};

/* tokenizer: NULL where all that is wanted are embeddings or the tokens themselves. */
MUST_CHECK bool scheduler_open(struct scheduler **scheduler, struct exec *exec,
                               const struct tokenizer *tokenizer,
                               const struct scheduler_options *options, struct err *err);

/* Takes no more jobs, and returns when all have been told their end: after they have run, or at
 * once as ANSWER_CLOSED. Not on the scheduler's thread. */
void scheduler_close(struct scheduler *scheduler, bool finishes);

/* The ticket is told before anything of the job is. */
MUST_CHECK bool scheduler_submit(struct scheduler *scheduler, uint64_t *ticket,
                                 const struct scheduler_job *job, struct err *err);

/* Its end is told as ANSWER_LEFT, unless it has been told already. On any thread. */
void scheduler_cancel(struct scheduler *scheduler, uint64_t ticket);

struct scheduler_statistics scheduler_statistics(struct scheduler *scheduler);
