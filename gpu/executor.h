/* executor.h - does paid jobs: claims them, has them answered, puts down what was said, settles.
 *
 * It waits to be told of jobs (executor_ring). What it has claimed is its own while it renews its
 * leases; what it delivers goes by windows: the first token at once, then EXECUTOR_WINDOW_TOKENS or
 * what there is after EXECUTOR_WINDOW_MS. It tells nobody: who waits for a window is told by the
 * database. Jobs whose executors are gone are found, and given back, at each renewal.
 *
 *   units      milliseconds
 *   ownership  executor_close frees it, once it is idle and the loop has run on
 *   threads    loop thread only; the database is asked on the loop's pool
 */
#pragma once

#include <uv.h>

#include "gpu/order_sale.h"
#include "gpu/order_work.h"
#include "gpu/source.h"

struct executor;

enum {
    EXECUTOR_WINDOW_TOKENS = 32,
    EXECUTOR_WINDOW_MS = 50,
    EXECUTOR_LEASE_MS = 15000,
    EXECUTOR_JOBS_MAX = 64
};

struct executor_setup {
    uv_loop_t *loop;
    struct orders *orders;
    struct source *source; /* whose listener it becomes */
    struct span model;     /* the jobs' that it takes */
    uint32_t jobs_max;     /* at once */
    uint32_t lease_ms;     /* 0: EXECUTOR_LEASE_MS */
};

struct executor_statistics {
    uint32_t now;
    uint64_t claimed, completed, failed, cancelled, lost;
};

struct executor *executor_open(const struct executor_setup *setup);

/* There may be a job. */
void executor_ring(struct executor *executor);

/* The job of that quote is wanted no more; of another's it does nothing. */
void executor_cancel(struct executor *executor, const struct uuid *quote);

/* Claims no more; what it has is done. */
void executor_drain(struct executor *executor);

/* Stops what it has, for others to do. */
void executor_yield(struct executor *executor);

/* Drained, and nothing under way. */
bool executor_is_idle(const struct executor *executor);
void executor_close(struct executor *executor);

struct executor_statistics executor_statistics(const struct executor *executor);
