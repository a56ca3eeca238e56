/* pipeline.h - many answers at once from a model whose layers are in several processes: the first
 * stage, with jobs as gpu/scheduler.h has them.
 *
 * It runs the first layers and feeds them the tokens of each job; what follows is told by the last
 * stage, as all logits or, where a job's sampler looks at no more, as the likeliest. When a stage
 * is lost, its replica is sent what it was sent, and the answer is the same to the last bit. A job
 * fails when no stage goes on with it for STAGE_STRANDED_MS.
 *
 *   units      tokens
 *   ownership  pipeline_close frees all; executor and tokenizer are borrowed, and the executor is
 *              the pipeline's alone until then; jobs are copied
 *   threads    any; what is told is told on the pipeline's own thread, and must not block there
 *   errors     ERR_RATE_LIMITED the queue is full, or it closes; ERR_INVALID as gpu/answer.h;
 *              ERR_UNSUPPORTED embeddings: their rows are in another process
 *   order      a job is told its pieces in order, then its end, once; nothing after
 */
#pragma once

#include "gpu/lead.h"
#include "gpu/scheduler.h"

struct pipeline;

struct pipeline_options {
    struct bytes32 root, key;
    uint32_t hangup_s; /* of silence, until a stage is given up; 0: CABLE_HANGUP_S */
    const char *next[STATION_NEXT_MAX]; /* replicas of the second stage */
    uint32_t next_count;
    bool is_lead;               /* instead of next, pipeline_route says who goes on */
    enum activation activation; /* of rows to it */
    uint32_t waiting_max;       /* jobs that wait */
    void (*note)(void *owner, const char *text); /* for people */
    void *owner;
};

/* The executor has the first layers and the embedding, and not the last. */
MUST_CHECK bool pipeline_open(struct pipeline **pipeline, struct exec *exec,
                              const struct tokenizer *tokenizer,
                              const struct pipeline_options *options, struct err *err);

/* As scheduler_close. */
void pipeline_close(struct pipeline *pipeline, bool finishes);

/* As scheduler_submit and scheduler_cancel. */
MUST_CHECK bool pipeline_submit(struct pipeline *pipeline, uint64_t *ticket,
                                const struct scheduler_job *job, struct err *err);
void pipeline_cancel(struct pipeline *pipeline, uint64_t ticket);

/* Of a lead: its stages are these from now on, at most LEAD_STAGES_MAX; copied. */
void pipeline_route(struct pipeline *pipeline, const struct lead_stage *stages, uint32_t count);

/* Whether a stage is there: with both of its links, for what goes there and what comes back. */
enum { PIPELINE_LINKS = 2 };
struct pipeline_meeting {
    uint64_t number;
    uint32_t links;  /* that are there now */
    uint32_t losses; /* that were, so far */
};

/* False when it is not among the stages. */
MUST_CHECK bool pipeline_meeting(struct pipeline *pipeline, uint64_t number,
                                 struct pipeline_meeting *meeting);

struct pipeline_statistics {
    uint32_t running, waiting;
    uint64_t tokens;
    uint64_t reopened; /* sessions that went on through another link */
};
struct pipeline_statistics pipeline_statistics(struct pipeline *pipeline);
