/* Whether an answer that somebody claims is the one that the model gives: it is read, not made. */
#include <semaphore.h>

#include "gpu/exec.h"
#include "gpu/scheduler.h"
#include "gpu/vocabulary.h"
#include "shared/err.h"
#include "tests/forge_folder.h"
#include "tests/forged.h"
#include "tests/random.h"
#include "tests/test.h"

enum { VOCABULARY = 288, PROMPT = 30, ANSWER = 45, POSITIONS = 160 };

static struct model model;
static struct scheduler *scheduler;
static struct exec *opened;

struct reader {
    uint32_t text[PROMPT + ANSWER];
    uint32_t count;
    struct scheduler_end end;
    sem_t ended;
};

static bool on_piece(void *owner, const struct answer_piece *piece)
{
    struct reader *reader = owner;
    reader->text[PROMPT + reader->count++] = piece->token.token;
    return true;
}

static void on_end(void *owner, const struct scheduler_end *end)
{
    struct reader *reader = owner;
    reader->end = *end;
    sem_post(&reader->ended);
}

static struct sampler_options sampler_of(uint8_t seed)
{
    struct sampler_options sampler = sampler_options_greedy();
    sampler.temperature = (float)(seed % 3);
    sampler.seed.at[0] = seed;
    sampler.frequency = 0.5F;
    return sampler;
}

/* claimed: 0: an answer is made. */
static void run(struct reader *reader, const struct sampler_options *sampler, uint32_t claimed)
{
    const struct scheduler_job job = {.request = {.prompt = reader->text,
                                                  .prompt_count = PROMPT + claimed,
                                                  .tokens_max = ANSWER,
                                                  .end_token = VOCABULARY_NONE,
                                                  .sampler = *sampler,
                                                  .tell = on_piece,
                                                  .owner = reader},
                                      .claimed = claimed,
                                      .end = on_end};
    struct err err;
    uint64_t ticket;
    if (!scheduler_submit(scheduler, &ticket, &job, &err))
        fail_msg("%s", err.text);
    while (sem_wait(&reader->ended) != 0)
        continue;
}

static void begin(struct reader *reader, uint8_t seed)
{
    *reader = (struct reader){0};
    assert_int_equal(sem_init(&reader->ended, 0, 0), 0);
    for (uint32_t i = 0; i < PROMPT; i++)
        reader->text[i] = (i * 37 + seed * 11U + 5) % VOCABULARY;
}

/* What was made is what is claimed; of what was changed, what follows is judged by what is claimed
 * before it. */
static void test_claims(void **state)
{
    (void)state;
    for (uint8_t seed = 0; seed < 6; seed++) {
        const struct sampler_options sampler = sampler_of(seed);
        struct reader reader;
        begin(&reader, seed);
        run(&reader, &sampler, 0);
        assert_int_equal(reader.count, ANSWER);
        run(&reader, &sampler, ANSWER);
        assert_int_equal(reader.count, ANSWER); /* nothing was made */
        assert_true(reader.end.end == ANSWER_ENDED && reader.end.usage.tokens == 0);
        assert_true(reader.end.claims.checked == ANSWER && reader.end.claims.same == ANSWER);
        assert_int_equal(reader.end.claims.first, ANSWER);
        run(&reader, &sampler, 1);
        assert_true(reader.end.claims.checked == 1 && reader.end.claims.same == 1);

        uint32_t at = PROMPT + 20 + random_below(10);
        reader.text[at] = (reader.text[at] + 1) % VOCABULARY;
        run(&reader, &sampler, ANSWER);
        assert_int_equal(reader.end.claims.checked, ANSWER);
        assert_int_equal(reader.end.claims.first, at - PROMPT);
        assert_in_range(reader.end.claims.same, at - PROMPT, ANSWER - 1);
        sem_destroy(&reader.ended);
    }
}

/* Another seed is told from the one that was agreed. */
static void test_seed(void **state)
{
    const struct sampler_options agreed = sampler_of(1), other = sampler_of(4);
    struct reader reader;
    (void)state;
    begin(&reader, 1);
    run(&reader, &other, 0);
    run(&reader, &agreed, ANSWER);
    assert_int_equal(reader.end.claims.checked, ANSWER);
    assert_in_range(reader.end.claims.same, 0, ANSWER / 2);
    sem_destroy(&reader.ended);
}

static void test_refuse(void **state)
{
    const uint32_t prompt[3] = {1, 2, 3};
    struct reader reader;
    (void)state;
    begin(&reader, 1);
    for (uint32_t claimed = 2; claimed <= 3; claimed++) {
        const struct scheduler_job job = {.request = {.prompt = prompt,
                                                      .prompt_count = 3,
                                                      .sampler = sampler_of(1),
                                                      .tell = on_piece,
                                                      .owner = &reader},
                                          .claimed = claimed,
                                          .end = on_end};
        struct err err;
        uint64_t ticket;
        assert_int_equal(scheduler_submit(scheduler, &ticket, &job, &err), claimed < 3);
        if (claimed == 3)
            assert_int_equal(err.code, ERR_INVALID);
    }
    while (sem_wait(&reader.ended) != 0)
        continue;
    sem_destroy(&reader.ended);
}

static void begin_all(void)
{
    struct err err;
    struct exec_options options = exec_options_whole(&model, POSITIONS);
    options.rows_max = 64;
    options.threads = 1;
    if (!exec_open(&opened, &model, &options, &err))
        fail_msg("%s", err.text);
    const struct scheduler_options chosen = scheduler_options_for(opened);
    if (!scheduler_open(&scheduler, opened, NULL, &chosen, &err))
        fail_msg("%s", err.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_claims), cmocka_unit_test(test_seed),
                                       cmocka_unit_test(test_refuse)};
    struct forge_model made = forge_model_of(FORGE_LLAMA, 3);
    random_start();
    forge_folder_open();
    forged_open(&model, &made, WEIGHT_GGUF);
    begin_all();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    scheduler_close(scheduler, true);
    exec_close(opened);
    model_close(&model);
    forge_folder_close();
    return failed;
}
