#include "gpu/executor.h"

#include <stdlib.h>

#include "gpu/executor_parts.h"
#include "gpu/journal.h"

/* ---- claims ---- */

static void try_claim(struct executor *executor);

static void claim(uv_work_t *work)
{
    struct executor *executor = work->data;
    struct executor_job *job = executor->claimed;
    job->answer = order_claim(executor->setup.orders, &job->claim, &job->arena, &executor->claimant,
                              &job->err);
}

static void on_claimed(uv_work_t *work, int status)
{
    struct executor *executor = work->data;
    struct executor_job *job = executor->claimed;
    (void)status;
    executor->claimed = NULL;
    executor->is_claiming = false;
    if (job->answer == ORDER_DONE) {
        executor->is_rung = true; /* there may be another */
        executor_begin_job(job);
        if (executor->is_yielding)
            executor_stop_job(job, STOP_YIELD);
    } else {
        if (job->answer == ORDER_AWAY)
            journal_line(JOURNAL_WARNING, "order: no claim why=%s", job->err.text);
        arena_clear(&job->arena);
        free(job);
    }
    try_claim(executor);
}

static void try_claim(struct executor *executor)
{
    if (!executor->is_rung || executor->is_claiming || executor->is_draining ||
        executor->statistics.now >= executor->setup.jobs_max)
        return;
    executor->is_rung = false;
    executor->is_claiming = true;
    executor->claimed = calloc(1, sizeof *executor->claimed);
    if (executor->claimed == NULL)
        abort();
    executor->claimed->executor = executor;
    executor->claiming.data = executor;
    uv_queue_work(executor->setup.loop, &executor->claiming, claim, on_claimed);
}

void executor_ring(struct executor *executor)
{
    executor->is_rung = true;
    try_claim(executor);
}

static void on_job_closed(uv_handle_t *handle)
{
    struct executor_job *job = handle->data;
    arena_clear(&job->arena);
    text_clear(&job->text);
    text_clear(&job->out_text);
    tokens_clear(&job->tokens);
    tokens_clear(&job->out_tokens);
    free(job);
}

void executor_forget_job(struct executor_job *job)
{
    struct executor *executor = job->executor;
    struct executor_job **at = &executor->jobs;
    while (*at != job)
        at = &(*at)->next;
    *at = job->next;
    executor->statistics.now--;
    uv_close((uv_handle_t *)&job->timer, on_job_closed);
    executor_ring(executor);
}

/* ---- leases ---- */

static void renew(uv_work_t *work)
{
    struct executor *executor = work->data;
    uint32_t changed;
    executor->is_renewed =
        order_renew(executor->setup.orders, &executor->leases, &executor->lease_count,
                    &executor->lease_arena, &executor->claimant, &executor->err);
    if (executor->is_renewed)
        executor->is_renewed = order_sweep(executor->setup.orders, &changed, &executor->err);
}

static const struct order_lease *find_lease(const struct executor *executor,
                                            const struct executor_job *job)
{
    for (uint32_t i = 0; i < executor->lease_count; i++)
        if (memcmp(&executor->leases[i].quote, &job->claim.quote, sizeof job->claim.quote) == 0 &&
            executor->leases[i].fence == job->claim.fence)
            return executor->leases + i;
    return NULL;
}

static void on_renewed(uv_work_t *work, int status)
{
    struct executor *executor = work->data;
    (void)status;
    executor->is_renewing = false;
    if (!executor->is_renewed)
        journal_line(JOURNAL_WARNING, "order: no renewal why=%s", executor->err.text);
    for (struct executor_job *job = executor->jobs; job != NULL; job = job->next) {
        const struct order_lease *lease = find_lease(executor, job);
        bool was_asked = executor->is_renewed && job->number <= executor->last_at_renewal;
        if (uv_now(executor->setup.loop) >= job->ends_at_ms)
            executor_stop_job(job, STOP_LATE);
        if (was_asked && lease == NULL && !job->is_writing)
            executor_stop_job(job, STOP_LOST);
        else if (lease != NULL && lease->is_unwanted)
            executor_stop_job(job, STOP_UNWANTED);
    }
    arena_clear(&executor->lease_arena);
    executor->lease_count = 0;
    executor_ring(executor);
}

static void on_tick(uv_timer_t *timer)
{
    struct executor *executor = timer->data;
    if (executor->is_renewing)
        return;
    executor->is_renewing = true;
    executor->last_at_renewal = executor->last_number;
    executor->renewing.data = executor;
    uv_queue_work(executor->setup.loop, &executor->renewing, renew, on_renewed);
}

/* ---- all of it ---- */

struct executor *executor_open(const struct executor_setup *setup)
{
    struct executor *executor = calloc(1, sizeof *executor);
    if (executor == NULL)
        abort();
    executor->setup = *setup;
    if (setup->lease_ms == 0)
        executor->setup.lease_ms = EXECUTOR_LEASE_MS;
    if (setup->jobs_max > EXECUTOR_JOBS_MAX)
        executor->setup.jobs_max = EXECUTOR_JOBS_MAX;
    executor->claimant =
        (struct order_claimant){uuid_new(), setup->model, executor->setup.lease_ms};
    uv_timer_init(setup->loop, &executor->tick);
    executor->tick.data = executor;
    uint64_t third_ms = executor->setup.lease_ms / 3;
    uv_timer_start(&executor->tick, on_tick, third_ms, third_ms);
    executor_ring(executor);
    return executor;
}

void executor_cancel(struct executor *executor, const struct uuid *quote)
{
    for (struct executor_job *job = executor->jobs; job != NULL; job = job->next)
        if (memcmp(&job->claim.quote, quote, sizeof *quote) == 0)
            executor_stop_job(job, STOP_UNWANTED);
}

void executor_drain(struct executor *executor)
{
    executor->is_draining = true;
}

void executor_yield(struct executor *executor)
{
    executor->is_draining = executor->is_yielding = true;
    for (struct executor_job *job = executor->jobs; job != NULL; job = job->next)
        executor_stop_job(job, STOP_YIELD);
}

bool executor_is_idle(const struct executor *executor)
{
    return executor->is_draining && executor->jobs == NULL && !executor->is_claiming &&
           !executor->is_renewing;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void executor_close(struct executor *executor)
{
    uv_close((uv_handle_t *)&executor->tick, on_closed);
}

struct executor_statistics executor_statistics(const struct executor *executor)
{
    return executor->statistics;
}
