/* Stages are killed in the middle of sentences, as kill -9 does: what is told is, byte by byte,
 * what is told undisturbed. */
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>

#include "gpu/pipeline.h"
#include "tests/asker.h"
#include "tests/test.h"
#include "tests/worker.h"

enum { LAYERS = 5, KILLS = 10, WRITERS = 4, WRITTEN = 250, TASKS = 100 };

static struct worker replicas[2];
static uint32_t told, kills, kill_every, kills_max;
static sem_t may_kill, was_killed, may_end;
static pthread_t nurse_thread;

/* On the pipeline's thread: the one that has the sessions is killed, after so many tokens. */
static void on_told(struct asker *asker)
{
    (void)asker;
    if (++told % kill_every != 0 || kills == kills_max)
        return;
    while (sem_wait(&may_kill) != 0)
        continue;
    worker_kill(&replicas[kills++ % 2]);
    sem_post(&was_killed);
}

/* Starts anew what is killed, so that the other can be. */
static void *nurse(void *argument)
{
    for (uint32_t i = 0; i < kills_max; i++) {
        while (sem_wait(&was_killed) != 0)
            continue;
        worker_reap(&replicas[i % 2]);
        worker_start(&replicas[i % 2]);
        sem_post(&may_kill);
    }
    while (sem_wait(&may_end) != 0) /* with it, those that it started would end */
        continue;
    return argument;
}

static void start_replicas(const char *layers, const char *next)
{
    for (size_t i = 0; i < ARRAY_LEN(replicas); i++) {
        replicas[i] = (struct worker){.layers = layers, .next = next, .model = asker_model()};
        worker_start(&replicas[i]);
    }
    assert_int_equal(sem_init(&may_kill, 0, 1), 0);
    assert_int_equal(sem_init(&was_killed, 0, 0), 0);
    assert_int_equal(sem_init(&may_end, 0, 0), 0);
}

static void ask_with_kills(struct asker *askers, uint32_t count, uint32_t first_layers,
                           uint32_t times, uint32_t every)
{
    const char *next[] = {replicas[0].address, replicas[1].address};
    told = kills = 0;
    kill_every = every;
    kills_max = times;
    assert_int_equal(pthread_create(&nurse_thread, NULL, nurse, NULL), 0);
    asker_pipe(first_layers, next, 2, "f16");
    asker_watch = on_told;
    asker_ask_pipe(askers, count);
    asker_watch = NULL;
    while (sem_wait(&may_kill) != 0) /* until the last that was killed is there again */
        continue;
    assert_int_equal(kills, times);
    print_message("%u tokens, %u kills, sessions went elsewhere %u times\n", told, kills,
                  (unsigned)asker_reopened());
    assert_true(asker_reopened() >= times);
    asker_unpipe();
}

static void stop_replicas(void)
{
    for (size_t i = 0; i < ARRAY_LEN(replicas); i++)
        worker_stop(&replicas[i]);
    sem_post(&may_end);
    assert_int_equal(pthread_join(nurse_thread, NULL), 0);
}

static void ask_undisturbed(struct asker *askers, uint32_t count, uint32_t first_layers)
{
    const char *next[] = {replicas[0].address};
    asker_pipe(first_layers, next, 1, "f16");
    asker_ask_pipe(askers, count);
    asker_unpipe();
}

/* Ten times, the last stage or its replica, while four answers are written. */
static void test_last(void **state)
{
    static struct asker askers[WRITERS], twins[WRITERS];
    (void)state;
    for (uint32_t i = 0; i < WRITERS; i++)
        askers[i] = twins[i] = asker_of(20 + i * 70, WRITTEN, i);
    start_replicas("2-4", NULL);
    ask_undisturbed(twins, WRITERS, 2);
    ask_with_kills(askers, WRITERS, 2, KILLS, WRITERS * WRITTEN / (KILLS + 1));
    stop_replicas();
    asker_compare(askers, twins, WRITERS);
}

/* A stage in the middle: the last goes on with what it has. */
static void test_middle(void **state)
{
    static struct asker askers[WRITERS], twins[WRITERS];
    struct worker last = {.layers = "4-4", .model = asker_model()};
    (void)state;
    for (uint32_t i = 0; i < WRITERS; i++)
        askers[i] = twins[i] = asker_of(10 + i * 40, 60, i);
    worker_start(&last);
    start_replicas("1-3", last.address);
    ask_undisturbed(twins, WRITERS, 1);
    ask_with_kills(askers, WRITERS, 1, 3, 60);
    stop_replicas();
    worker_stop(&last);
    asker_compare(askers, twins, WRITERS);
}

/* Whichever has the session is silent at one of these, and the other is there. */
static void on_told_stop(struct asker *asker)
{
    if (asker->count == 10)
        kill(replicas[0].pid, SIGSTOP);
    if (asker->count == 25) {
        kill(replicas[0].pid, SIGCONT);
        kill(replicas[1].pid, SIGSTOP);
    }
}

/* One that falls silent, with its links open, is given up after a while. */
static void test_silent(void **state)
{
    static struct asker asker, twin;
    (void)state;
    asker = twin = asker_of(33, 40, 1);
    start_replicas("2-4", NULL);
    const char *next[] = {replicas[0].address, replicas[1].address};
    ask_undisturbed(&twin, 1, 2);
    asker_hangup_s = 2;
    asker_pipe(2, next, 2, "f16");
    asker_watch = on_told_stop;
    asker_ask_pipe(&asker, 1);
    asker_watch = NULL;
    asker_hangup_s = 0;
    assert_true(asker_reopened() > 0);
    asker_unpipe();
    worker_kill(&replicas[1]);
    worker_reap(&replicas[1]);
    worker_stop(&replicas[0]);
    asker_compare(&asker, &twin, 1);
}

/* A hundred tasks over two workers, each of which is killed in their midst. */
static void test_tasks(void **state)
{
    static struct asker askers[TASKS], twins[TASKS];
    (void)state;
    for (uint32_t i = 0; i < TASKS; i++)
        askers[i] = twins[i] = asker_of(1 + i % 30, 4 + i % 7, i);
    start_replicas("2-4", NULL);
    ask_undisturbed(twins, TASKS, 2);
    ask_with_kills(askers, TASKS, 2, 2, 250);
    stop_replicas();
    asker_compare(askers, twins, TASKS);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_last), cmocka_unit_test(test_middle),
                                       cmocka_unit_test(test_silent), cmocka_unit_test(test_tasks)};
    int status;
    if (worker_is_one(argc, argv, &status))
        return status;
    asker_open(LAYERS);
    status = cmocka_run_group_tests(tests, NULL, NULL);
    asker_close();
    return status;
}
