/* executor_parts.h - what executor's files share. Part of executor.
 *
 *   threads  loop thread only
 */
#pragma once

#include "gpu/compute.h"
#include "gpu/executor.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/text.h"

/* Why it was told to stop. */
enum stop { STOP_NONE, STOP_UNWANTED, STOP_LATE, STOP_YIELD, STOP_DIFFERS, STOP_LOST };

/* A job that it has claimed. */
struct executor_job {
    struct executor *executor;
    struct executor_job *next;
    uint64_t number, ends_at_ms; /* its deadline, on the loop's clock */
    struct arena arena;
    struct order_claim claim;
    struct ask ask;
    enum stop stop;
    bool has_ended, is_writing, is_due;
    struct source_end end;          /* what the source said last; its embedding is not kept */
    size_t skip_bytes, skip_tokens; /* that others have delivered */
    size_t said_bytes;              /* of those, as far as they came again */
    struct text text;               /* of the window that grows, */
    struct tokens tokens;           /* and its tokens */
    struct text out_text;           /* of the one that is being put down */
    struct tokens out_tokens;
    uint32_t seq;
    uv_timer_t timer;
    uv_work_t work;
    struct order_result result;
    enum order_answer answer; /* of the work */
    struct err err;
};

struct executor {
    struct executor_setup setup;
    struct order_claimant claimant;
    struct executor_job *jobs;
    uint64_t last_number;
    uv_timer_t tick;
    bool is_draining, is_yielding;
    struct executor_statistics statistics;
    /* A claim under way, */
    uv_work_t claiming;
    struct executor_job *claimed;
    bool is_claiming, is_rung;
    /* and a renewal. */
    uv_work_t renewing;
    struct arena lease_arena;
    const struct order_lease *leases;
    uint32_t lease_count;
    uint64_t last_at_renewal; /* jobs past that number were not asked for */
    bool is_renewing, is_renewed;
    struct err err;
};

/* Begins with a job that was claimed. */
void executor_begin_job(struct executor_job *job);

/* Ends what it does, for that reason. */
void executor_stop_job(struct executor_job *job, enum stop stop);

/* It is over: to be forgotten, and perhaps there is another. */
void executor_forget_job(struct executor_job *job);
