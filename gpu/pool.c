#include "gpu/pool.h"

#include <assert.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "gpu/machine.h"

enum { SPINS = 4000, TAKEN_BITS = 20 };

struct pool {
    /* What is to be taken, in one number, so that none takes a chunk of a job that is over: the
     * job's chunks, and above them those taken. */
    _Atomic uint64_t ticket;
    _Atomic uint32_t job_number, done, sleepers;
    _Atomic bool waits, ends;
    pool_fn *fn; /* of the job; written while there is nothing to take */
    void *job;
    uint32_t thread_count; /* with the caller's */
    struct worker {
        struct pool *pool;
        pthread_t thread;
        uint32_t number;
    } * workers; /* one less */
};

static void relax(void)
{
#ifdef __x86_64__
    __builtin_ia32_pause();
#endif
}

static void sleep_while(_Atomic uint32_t *number, uint32_t value)
{
    syscall(SYS_futex, number, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void wake(_Atomic uint32_t *number)
{
    syscall(SYS_futex, number, FUTEX_WAKE_PRIVATE, POOL_THREADS_MAX, NULL, NULL, 0);
}

static uint32_t chunks_of(uint64_t ticket)
{
    return (uint32_t)(ticket & POOL_CHUNKS_MAX);
}

static uint32_t taken_of(uint64_t ticket)
{
    return (uint32_t)(ticket >> TAKEN_BITS & POOL_CHUNKS_MAX);
}

/* Takes a chunk; false when there is none. */
static bool take(struct pool *pool, uint32_t *chunk, uint32_t *chunks)
{
    uint64_t ticket = atomic_load(&pool->ticket);
    while (taken_of(ticket) < chunks_of(ticket))
        if (atomic_compare_exchange_weak(&pool->ticket, &ticket,
                                         ticket + ((uint64_t)1 << TAKEN_BITS))) {
            *chunk = taken_of(ticket);
            *chunks = chunks_of(ticket);
            return true;
        }
    return false;
}

static void work(struct pool *pool, uint32_t thread)
{
    uint32_t chunk;
    uint32_t chunks;
    while (take(pool, &chunk, &chunks)) {
        pool->fn(pool->job, chunk, thread);
        if (atomic_fetch_add(&pool->done, 1) + 1 == chunks && atomic_load(&pool->waits))
            wake(&pool->done);
    }
}

static void *run_worker(void *argument)
{
    struct worker *worker = argument;
    struct pool *pool = worker->pool;
    while (!atomic_load(&pool->ends)) {
        uint32_t number = atomic_load(&pool->job_number);
        work(pool, worker->number);
        for (int i = 0; i < SPINS && atomic_load(&pool->job_number) == number; i++)
            relax();
        if (atomic_load(&pool->job_number) != number)
            continue;
        atomic_fetch_add(&pool->sleepers, 1);
        sleep_while(&pool->job_number, number);
        atomic_fetch_sub(&pool->sleepers, 1);
    }
    return NULL;
}

static void announce(struct pool *pool)
{
    atomic_fetch_add(&pool->job_number, 1);
    if (atomic_load(&pool->sleepers) > 0)
        wake(&pool->job_number);
}

struct pool *pool_new(uint32_t threads)
{
    struct pool *pool = calloc(1, sizeof *pool);
    if (threads == 0)
        threads = machine_read().cores;
    threads = threads < 1 ? 1 : threads > POOL_THREADS_MAX ? POOL_THREADS_MAX : threads;
    if (pool == NULL || (pool->workers = calloc(threads, sizeof *pool->workers)) == NULL)
        abort();
    pool->thread_count = 1;
    for (uint32_t i = 0; i + 1 < threads; i++) {
        struct worker *worker = pool->workers + i;
        *worker = (struct worker){.pool = pool, .number = i + 1};
        if (pthread_create(&worker->thread, NULL, run_worker, worker) != 0)
            break; /* the system gives no more: these will do */
        pool->thread_count++;
    }
    return pool;
}

void pool_free(struct pool *pool)
{
    if (pool == NULL)
        return;
    atomic_store(&pool->ends, true);
    announce(pool);
    for (uint32_t i = 0; i + 1 < pool->thread_count; i++)
        pthread_join(pool->workers[i].thread, NULL);
    free(pool->workers);
    free(pool);
}

uint32_t pool_threads(const struct pool *pool)
{
    return pool->thread_count;
}

void pool_run(struct pool *pool, pool_fn *fn, void *job, uint32_t chunks)
{
    uint32_t done;
    assert(chunks <= POOL_CHUNKS_MAX);
    if (pool->thread_count == 1 || chunks < 2) {
        for (uint32_t i = 0; i < chunks; i++)
            fn(job, i, 0);
        return;
    }
    pool->fn = fn;
    pool->job = job;
    atomic_store(&pool->done, 0);
    atomic_store(&pool->ticket, chunks);
    announce(pool);
    work(pool, 0);
    for (int i = 0; i < SPINS && atomic_load(&pool->done) < chunks; i++)
        relax();
    atomic_store(&pool->waits, true);
    while ((done = atomic_load(&pool->done)) < chunks)
        sleep_while(&pool->done, done);
    atomic_store(&pool->waits, false);
}
