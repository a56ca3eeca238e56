/* Many answers at once: each is what it is alone, none waits longer than it must, and what cannot
 * run is refused. */
#include "gpu/scheduler.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>

#include "gpu/exec.h"
#include "gpu/vocabulary.h"
#include "shared/err.h"
#include "tests/forge_folder.h"
#include "tests/forged.h"
#include "tests/random.h"
#include "tests/test.h"

enum { VOCABULARY = 288, WIDTH = 64, PROMPT_MAX = 110, TOKENS_MAX = 40, JOBS = 12, PAGES = 24 };

static struct model model;
static struct scheduler *scheduler; /* the one at hand, for those that are told */

/* Who asks, and what was told. Read when the scheduler is closed. */
struct reader {
    struct scheduler_job job;
    uint32_t prompt[PROMPT_MAX];
    uint32_t tokens[TOKENS_MAX];
    float probabilities[TOKENS_MAX];
    uint64_t rows[TOKENS_MAX]; /* that the scheduler had run at each token */
    uint32_t count, leaves_after;
    sem_t *gate;   /* waits here with its first token; NULL */
    uint32_t turn; /* when its end was told: 1, 2, ... */
    struct scheduler_end end;
    char why[sizeof(struct err)];
    float embedding[WIDTH];
};

static uint32_t turns;

static bool on_piece(void *owner, const struct answer_piece *piece)
{
    struct reader *reader = owner;
    if (reader->count < TOKENS_MAX) {
        reader->tokens[reader->count] = piece->token.token;
        reader->probabilities[reader->count] = piece->token.log_probability;
        reader->rows[reader->count] = scheduler_statistics(scheduler).rows;
    }
    reader->count++;
    if (reader->count == 1 && reader->gate != NULL)
        while (sem_wait(reader->gate) != 0)
            continue;
    return reader->count != reader->leaves_after;
}

static void on_end(void *owner, const struct scheduler_end *end)
{
    struct reader *reader = owner;
    reader->turn = ++turns;
    reader->end = *end;
    if (end->why != NULL)
        snprintf(reader->why, sizeof reader->why, "%s", end->why);
    if (end->embedding != NULL)
        memcpy(reader->embedding, end->embedding, sizeof reader->embedding);
}

/* Of as many tokens: a prompt of prompt_count, an answer of tokens_max. */
static struct reader reader_of(uint32_t prompt_count, uint32_t tokens_max, uint32_t seed)
{
    struct reader reader = {0};
    struct sampler_options sampler = sampler_options_greedy();
    sampler.temperature = (float)(seed % 3);
    sampler.seed.at[0] = (uint8_t)seed;
    reader.job = (struct scheduler_job){
        .request = {.prompt_count = prompt_count,
                    .tokens_max = tokens_max,
                    .end_token = VOCABULARY_NONE,
                    .sampler = sampler,
                    .wants_probability = true,
                    .tell = on_piece},
        .end = on_end,
    };
    for (uint32_t i = 0; i < prompt_count; i++)
        reader.prompt[i] = (i * 37 + seed * 11 + 5) % VOCABULARY;
    return reader;
}

static bool submit(struct reader *reader, uint64_t *ticket, struct err *err)
{
    reader->job.request.prompt = reader->prompt;
    reader->job.request.owner = reader;
    return scheduler_submit(scheduler, ticket, &reader->job, err);
}

static uint64_t must_submit(struct reader *reader)
{
    struct err err;
    uint64_t ticket = 0;
    if (!submit(reader, &ticket, &err))
        fail_msg("%s", err.text);
    return ticket;
}

static struct exec *begin(uint32_t running, uint32_t waiting, uint32_t step_rows)
{
    struct exec *exec;
    struct err err;
    struct exec_options options = exec_options_whole(&model, PAGES * EXEC_PAGE);
    options.sessions_max = 8;
    options.rows_max = 64;
    options.threads = 1;
    if (!exec_open(&exec, &model, &options, &err))
        fail_msg("%s", err.text);
    struct scheduler_options chosen = scheduler_options_for(exec);
    assert_int_equal(chosen.running_max, 8);
    assert_int_equal(chosen.step_rows, 64);
    chosen.running_max = running;
    chosen.waiting_max = waiting;
    chosen.step_rows = step_rows;
    if (!scheduler_open(&scheduler, exec, NULL, &chosen, &err))
        fail_msg("%s", err.text);
    turns = 0;
    return exec;
}

/* Whatever ran, nothing of it is left. */
static void end(struct exec *exec, bool finishes)
{
    scheduler_close(scheduler, finishes);
    assert_int_equal(exec_statistics(exec).pages_free, PAGES);
    assert_int_equal(exec_statistics(exec).sessions, 0);
    exec_close(exec);
    scheduler = NULL;
}

/* A job that holds the scheduler at its first token until the gate opens. */
static void hold(struct reader *reader, sem_t *gate, uint32_t tokens_max)
{
    assert_int_equal(sem_init(gate, 0, 0), 0);
    *reader = reader_of(3, tokens_max, 0);
    reader->gate = gate;
    must_submit(reader);
    while (scheduler_statistics(scheduler).running == 0)
        sched_yield();
}

static void test_batches_equal_solo(void **state)
{
    static struct reader solo[JOBS];
    static struct reader mixed[JOBS];
    uint32_t tokens = 0;
    uint32_t prompts = 0;
    (void)state;
    for (uint32_t i = 0; i < JOBS; i++) {
        solo[i] = reader_of(1 + random_below(70), 1 + random_below(TOKENS_MAX), i);
        solo[i].job.level = random_below(SCHEDULER_LEVELS);
        mixed[i] = solo[i];
        struct exec *exec = begin(1, 1, 64);
        must_submit(solo + i);
        end(exec, true);
        assert_int_equal(solo[i].end.end, ANSWER_FULL);
        tokens += solo[i].count;
        prompts += solo[i].job.request.prompt_count;
    }
    struct exec *exec = begin(5, JOBS, 23);
    for (uint32_t i = 0; i < JOBS; i++)
        assert_int_equal(must_submit(mixed + i), i + 1);
    scheduler_close(scheduler, true);
    for (uint32_t i = 0; i < JOBS; i++) {
        assert_int_equal(mixed[i].end.end, ANSWER_FULL);
        assert_int_equal(mixed[i].count, solo[i].count);
        assert_int_equal(mixed[i].end.usage.tokens, solo[i].count);
        assert_int_equal(mixed[i].end.usage.prompt_tokens, solo[i].job.request.prompt_count);
        assert_memory_equal(mixed[i].tokens, solo[i].tokens, sizeof solo[i].tokens);
        assert_memory_equal(mixed[i].probabilities, solo[i].probabilities,
                            sizeof solo[i].probabilities);
    }
    /* Each token but the last of an answer has run, once. */
    assert_int_equal(exec_statistics(exec).rows, prompts + tokens - JOBS);
    assert_true(exec_statistics(exec).steps < tokens);
    exec_close(exec);
}

/* Between two tokens of an answer there is a piece of a long prompt, no more. */
static void test_long_prompt(void **state)
{
    enum { STEP_ROWS = 20 };
    struct reader first;
    struct reader longer = reader_of(PROMPT_MAX, 2, 1);
    sem_t gate;
    (void)state;
    struct exec *exec = begin(4, 8, STEP_ROWS);
    hold(&first, &gate, TOKENS_MAX);
    must_submit(&longer);
    assert_int_equal(sem_post(&gate), 0);
    end(exec, true);
    uint32_t beside = 0;
    for (uint32_t i = 1; i < first.count; i++) {
        uint64_t rows = first.rows[i] - first.rows[i - 1];
        assert_in_range(rows, 1, STEP_ROWS);
        beside += first.rows[i] < longer.rows[0];
    }
    assert_int_equal(first.count, TOKENS_MAX);
    assert_int_equal(longer.count, 2);
    assert_true(beside >= PROMPT_MAX / STEP_ROWS);
    sem_destroy(&gate);
}

/* What is shorter or more urgent goes first, else what came first. */
static void test_order(void **state)
{
    static const struct {
        uint32_t prompt, level, turn;
    } cases[] = {{90, 0, 4}, {10, 1, 6}, {10, 0, 2}, {10, 0, 3}, {5, 7, 7}, {100, 0, 5}};
    struct reader first;
    struct reader readers[ARRAY_LEN(cases)];
    sem_t gate;
    (void)state;
    struct exec *exec = begin(1, ARRAY_LEN(cases), 64);
    hold(&first, &gate, 2);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        readers[i] = reader_of(cases[i].prompt, 2, 1);
        readers[i].job.level = cases[i].level;
        must_submit(readers + i);
    }
    assert_int_equal(scheduler_statistics(scheduler).waiting, ARRAY_LEN(cases));
    assert_int_equal(scheduler_statistics(scheduler).running, 1);
    assert_int_equal(sem_post(&gate), 0);
    end(exec, true);
    assert_int_equal(first.turn, 1);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(readers[i].turn, cases[i].turn);
    sem_destroy(&gate);
}

/* Urgent jobs without end, each from the end of the one before. */
struct crowd {
    struct reader reader; /* first: it is told the pieces */
    const struct reader *low;
    uint32_t count, refused;
};

static void on_crowd_end(void *owner, const struct scheduler_end *told)
{
    struct crowd *crowd = owner;
    uint64_t ticket;
    (void)told;
    crowd->count++;
    crowd->reader.job.request.owner = crowd;
    if (crowd->low->turn == 0 && crowd->count < 1000)
        crowd->refused += !scheduler_submit(scheduler, &ticket, &crowd->reader.job, NULL);
}

static void test_nothing_starves(void **state)
{
    struct reader first;
    struct reader low = reader_of(4, 1, 1);
    struct crowd crowd = {.reader = reader_of(100, 1, 2), .low = &low};
    sem_t gate;
    uint64_t ticket;
    (void)state;
    struct exec *exec = begin(1, 4, 64);
    hold(&first, &gate, 1);
    low.job.level = 1;
    must_submit(&low);
    crowd.reader.job.request.prompt = crowd.reader.prompt;
    crowd.reader.job.request.owner = &crowd;
    crowd.reader.job.end = on_crowd_end;
    assert_true(scheduler_submit(scheduler, &ticket, &crowd.reader.job, NULL));
    assert_int_equal(sem_post(&gate), 0);
    while (scheduler_statistics(scheduler).running + scheduler_statistics(scheduler).waiting > 0)
        sched_yield();
    end(exec, true);
    assert_int_equal(low.end.end, ANSWER_FULL);
    assert_int_equal(crowd.refused, 0);
    assert_in_range(crowd.count, SCHEDULER_LEVEL_ROWS / 100 - 2, SCHEDULER_LEVEL_ROWS / 100 + 2);
    sem_destroy(&gate);
}

/* Jobs that together are too large run after each other; none that runs is put out. */
static void test_memory(void **state)
{
    struct reader readers[6];
    struct err err;
    uint64_t ticket;
    (void)state;
    struct exec *exec = begin(6, 6, 64);
    for (uint32_t i = 0; i < 6; i++) {
        readers[i] = reader_of(PROMPT_MAX - 10 * i, 18 + 10 * i, i); /* 8 pages each, of 24 */
        must_submit(readers + i);
    }
    end(exec, true);
    for (uint32_t i = 0; i < 6; i++)
        assert_int_equal(readers[i].count, 18 + 10 * i);

    struct exec_options options = exec_options_whole(&model, 3 * EXEC_PAGE);
    assert_true(exec_open(&exec, &model, &options, &err));
    struct scheduler_options chosen = scheduler_options_for(exec);
    assert_true(scheduler_open(&scheduler, exec, NULL, &chosen, &err));
    struct reader large = reader_of(40, 9, 0);
    assert_false(submit(&large, &ticket, &err));
    assert_int_equal(err.code, ERR_INVALID);
    large.job.request.tokens_max = 8;
    must_submit(&large);
    scheduler_close(scheduler, true);
    assert_int_equal(large.end.end, ANSWER_FULL);
    exec_close(exec);
}

static void test_queue(void **state)
{
    struct reader first;
    struct reader readers[3] = {reader_of(5, 3, 0), reader_of(5, 3, 0), reader_of(5, 3, 0)};
    struct reader leaver = reader_of(5, 9, 1);
    struct err err;
    uint64_t tickets[3];
    sem_t gate;
    (void)state;
    struct exec *exec = begin(1, 3, 64);
    hold(&first, &gate, 20);
    leaver.leaves_after = 2;
    must_submit(&leaver);
    for (size_t i = 0; i < 2; i++)
        assert_true(submit(readers + i, tickets + i, &err));
    assert_false(submit(readers + 2, tickets + 2, &err));
    assert_int_equal(err.code, ERR_RATE_LIMITED);
    assert_int_equal(scheduler_statistics(scheduler).refused, 1);
    scheduler_cancel(scheduler, tickets[0]);
    scheduler_cancel(scheduler, 1); /* the one that runs */
    scheduler_cancel(scheduler, 77);
    assert_int_equal(sem_post(&gate), 0);
    end(exec, true);
    assert_int_equal(first.end.end, ANSWER_LEFT);
    assert_int_equal(first.count, 1);
    assert_int_equal(first.end.usage.tokens, 1);
    assert_int_equal(readers[0].end.end, ANSWER_LEFT);
    assert_int_equal(readers[0].count, 0);
    assert_int_equal(readers[1].end.end, ANSWER_FULL);
    assert_int_equal(leaver.end.end, ANSWER_LEFT);
    assert_int_equal(leaver.count, 2);
    sem_destroy(&gate);
}

static void *close_now(void *unused)
{
    scheduler_close(scheduler, false);
    return unused;
}

/* Who closes without finishing ends what runs and what waits; nothing more is taken. */
static void test_close(void **state)
{
    struct reader first;
    struct reader second = reader_of(5, 3, 0);
    struct reader third = reader_of(5, 3, 0);
    struct err err = {0};
    uint64_t ticket;
    pthread_t thread;
    sem_t gate;
    (void)state;
    struct exec *exec = begin(1, 1000, 64);
    hold(&first, &gate, 20);
    must_submit(&second);
    assert_int_equal(pthread_create(&thread, NULL, close_now, NULL), 0);
    while (submit(&third, &ticket, &err))
        sched_yield();
    assert_int_equal(err.code, ERR_RATE_LIMITED);
    assert_int_equal(sem_post(&gate), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(first.end.end, ANSWER_CLOSED);
    assert_int_equal(first.count, 1);
    assert_int_equal(second.end.end, ANSWER_CLOSED);
    assert_int_equal(exec_statistics(exec).pages_free, PAGES);
    exec_close(exec);
    sem_destroy(&gate);
}

static void test_embedding(void **state)
{
    enum { COUNT = 50 };
    static float hidden[COUNT * WIDTH];
    struct reader reader = reader_of(COUNT, 0, 4);
    (void)state;
    reader.job.wants_embedding = true;
    struct exec *exec = begin(2, 2, 7); /* in pieces */
    must_submit(&reader);
    scheduler_close(scheduler, true);
    struct exec_span span = {.session = 5, .count = COUNT, .hidden = hidden};
    span.tokens = reader.prompt;
    assert_true(exec_session_open(exec, 5, COUNT, NULL));
    assert_true(exec_step(exec, &span, 1, NULL));
    assert_int_equal(reader.count, 0);
    assert_int_equal(reader.end.end, ANSWER_ENDED);
    assert_non_null(reader.end.embedding);
    for (uint32_t i = 0; i < WIDTH; i++) {
        double sum = 0;
        for (uint32_t j = 0; j < COUNT; j++)
            sum += (double)hidden[j * WIDTH + i];
        assert_true(reader.embedding[i] == (float)(sum / COUNT));
    }
    exec_close(exec);
}

static void test_refuse(void **state)
{
    struct reader reader = reader_of(PROMPT_MAX, 5, 0);
    struct err err;
    uint64_t ticket;
    (void)state;
    struct exec *exec = begin(2, 2, 7);
    reader.job.request.prompt = reader.prompt;
    struct scheduler_job good = reader.job;
    struct scheduler_job cases[] = {good, good, good, good, good, good};
    struct span empty = {0};
    cases[0].level = SCHEDULER_LEVELS;
    cases[1].request.prompt_count = 0;
    cases[2].request.prompt_count = 128;
    cases[3].request.sampler.top_p = 0;
    cases[4].request.stops = &empty;
    cases[4].request.stop_count = 1;
    cases[5].request.likely = ANSWER_LIKELY_MAX + 1;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_false(scheduler_submit(scheduler, &ticket, cases + i, &err));
        assert_int_equal(err.code, ERR_INVALID);
    }
    reader.prompt[7] = VOCABULARY;
    assert_false(submit(&reader, &ticket, &err));
    assert_int_equal(err.code, ERR_INVALID);
    end(exec, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_batches_equal_solo),
                                       cmocka_unit_test(test_long_prompt),
                                       cmocka_unit_test(test_order),
                                       cmocka_unit_test(test_nothing_starves),
                                       cmocka_unit_test(test_memory),
                                       cmocka_unit_test(test_queue),
                                       cmocka_unit_test(test_close),
                                       cmocka_unit_test(test_embedding),
                                       cmocka_unit_test(test_refuse)};
    struct forge_model made = forge_model_of(FORGE_LLAMA, 3);
    random_start();
    forge_folder_open();
    forged_open(&model, &made, WEIGHT_GGUF);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    model_close(&model);
    forge_folder_close();
    return failed;
}
