/* pipeline_parts.h - what the files of gpu/pipeline share. Part of pipeline. */
#pragma once

#include <pthread.h>

#include "gpu/job.h"
#include "gpu/pipeline.h"

struct pipeline {
    struct exec *exec;
    const struct hyper *hyper;
    const struct tokenizer *tokenizer;
    pthread_t thread;
    pthread_mutex_t lock; /* of the rows, the flags, tickets and statistics */
    struct job_row waiting, running;
    uint32_t pages, promised; /* of the first stage; to what runs */
    bool is_closing, finishes;
    uint64_t tickets;   /* the last that was given: they begin where chance says */
    uint64_t submitted; /* jobs */
    struct pipeline_statistics statistics;
    void (*note)(void *owner, const char *text);
    void *owner;    /* of note */
    uv_loop_t loop; /* from here on the thread's own */
    uv_async_t wake;
    struct lead *lead;
    struct station *station; /* the lead's first */
    struct job *leaving;     /* it is being closed */
    float *logits;
    struct lead_stage *route; /* to be taken; under the lock */
    uint32_t route_count;
    struct pipeline_meeting meetings[LEAD_STAGES_MAX]; /* of those that were routed; the same */
    uint32_t meeting_count;
};

/* NULL: there is none that runs. */
struct job *pipeline_find_job(const struct pipeline *pipeline, uint64_t session);

/* What a lead is set up with, but for its station. */
struct lead_setup pipeline_lead(void);

/* On the thread: the stages are those that were routed last. */
void pipeline_take_route(struct pipeline *pipeline);
