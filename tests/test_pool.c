/* Every chunk runs once, jobs do not mix, and idle threads sleep and wake. */
#include "gpu/pool.h"

#include <stdatomic.h>

#include "tests/test.h"

enum { CHUNKS_MAX = 300, THREADS = 5 };

struct job {
    _Atomic uint32_t runs[CHUNKS_MAX];
    uint32_t number; /* of the job */
    uint32_t seen[CHUNKS_MAX];
    _Atomic uint32_t wrong;
};

static void run(void *argument, uint32_t chunk, uint32_t thread)
{
    struct job *job = argument;
    atomic_fetch_add(&job->runs[chunk], 1);
    job->seen[chunk] = job->number;
    if (thread >= THREADS)
        atomic_fetch_add(&job->wrong, 1);
}

static void check(struct pool *pool, uint32_t jobs, uint32_t chunks)
{
    static struct job all[2];
    for (uint32_t i = 0; i < jobs; i++) {
        struct job *job = &all[i % 2];
        memset(job, 0, sizeof *job);
        job->number = i + 1;
        pool_run(pool, run, job, chunks);
        assert_int_equal(job->wrong, 0);
        for (uint32_t j = 0; j < CHUNKS_MAX; j++) {
            assert_int_equal(job->runs[j], j < chunks);
            assert_int_equal(job->seen[j], j < chunks ? i + 1 : 0);
        }
    }
}

static void test_jobs(void **state)
{
    static const uint32_t threads[] = {1, 2, 3, THREADS};
    static const uint32_t chunks[] = {0, 1, 2, 7, CHUNKS_MAX};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        struct pool *pool = pool_new(threads[i]);
        assert_int_equal(pool_threads(pool), threads[i]);
        for (size_t j = 0; j < ARRAY_LEN(chunks); j++)
            check(pool, 60, chunks[j]);
        pool_free(pool);
    }
}

static void test_ends(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++)
        pool_free(pool_new(4)); /* whether its threads have come to rest or not */
    pool_free(NULL);
    struct pool *pool = pool_new(0);
    assert_true(pool_threads(pool) >= 1);
    pool_free(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_jobs), cmocka_unit_test(test_ends)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
