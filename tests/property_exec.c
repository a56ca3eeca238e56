/* Sessions that share batches in any mix, are cut into any spans, go back and go on: each token has
 * the logits that its text has when it is alone, bit by bit. */
#include "gpu/exec.h"

#include <stdio.h>
#include <stdlib.h>

#include "shared/err.h"
#include "tests/forge_folder.h"
#include "tests/forged.h"
#include "tests/random.h"
#include "tests/test.h"

enum { TEXTS = 4, LENGTH = 40, VOCABULARY = 288, STEPS = 40 };

/* Logits of every token of every text, run alone. */
struct solo {
    uint32_t tokens[TEXTS][LENGTH];
    float logits[TEXTS][LENGTH][VOCABULARY];
};

static struct exec *open_exec(const struct model *model)
{
    struct exec *exec;
    struct err err;
    struct exec_options options = exec_options_whole(model, 128); /* 8 pages; all would be 12 */
    options.sessions_max = TEXTS;
    options.rows_max = LENGTH;
    if (!exec_open(&exec, model, &options, &err))
        fail_msg("%s", err.text);
    return exec;
}

static void run_solo(struct solo *solo, const struct model *model)
{
    struct exec *exec = open_exec(model);
    for (uint64_t text = 0; text < TEXTS; text++) {
        for (uint32_t i = 0; i < LENGTH; i++)
            solo->tokens[text][i] = random_below(VOCABULARY);
        struct exec_span span = {.session = text,
                                 .count = LENGTH,
                                 .tokens = solo->tokens[text],
                                 .logits = solo->logits[text][0],
                                 .logit_count = LENGTH};
        assert_true(exec_session_open(exec, text, LENGTH, NULL));
        assert_true(exec_step(exec, &span, 1, NULL));
        assert_int_equal(span.verdict, EXEC_DONE);
        exec_session_close(exec, text);
    }
    exec_close(exec);
}

/* A span of any text, most often where it ends, else before or past that. */
static struct exec_span any_span(const struct exec *exec, const struct solo *solo, uint64_t text,
                                 float *logits)
{
    uint32_t length = exec_length(exec, text);
    uint32_t where = random_below(10);
    uint32_t position = where == 0 ? random_below(length + 1) : length + (where == 1);
    uint32_t count = random_below(2) == 0 ? 1 : 1 + random_below(6);
    if (position >= LENGTH)
        position = random_below(LENGTH);
    if (count > LENGTH - position)
        count = LENGTH - position;
    return (struct exec_span){.session = text,
                              .position = position,
                              .count = count,
                              .tokens = solo->tokens[text] + position,
                              .logits = logits,
                              .logit_count = random_below(count + 1)};
}

/* One batch; how many of its spans ran. */
static uint32_t mix(struct exec *exec, const struct solo *solo)
{
    static float logits[TEXTS][6][VOCABULARY];
    struct exec_span spans[TEXTS];
    uint32_t lengths[TEXTS];
    uint32_t done = 0;
    uint32_t first = random_below(TEXTS);
    uint32_t count = 1 + random_below(TEXTS);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t text = (first + i) % TEXTS;
        lengths[i] = exec_length(exec, text);
        spans[i] = any_span(exec, solo, text, logits[i][0]);
    }
    assert_true(exec_step(exec, spans, count, NULL));
    for (uint32_t i = 0; i < count; i++) {
        const struct exec_span *span = spans + i;
        uint32_t end = span->position + span->count;
        bool is_done = span->verdict == EXEC_DONE;
        assert_int_equal(span->verdict == EXEC_GAP, span->position > lengths[i]);
        assert_true(is_done || span->verdict == EXEC_GAP || span->verdict == EXEC_NO_PAGES);
        assert_int_equal(exec_length(exec, span->session), is_done ? end : lengths[i]);
        done += is_done;
        if (is_done && span->logit_count > 0)
            assert_memory_equal(logits[i], solo->logits[span->session][end - span->logit_count],
                                span->logit_count * sizeof *logits[i]);
    }
    return done;
}

/* Any batches, with sessions taken back and begun anew between them. */
static void mix_all(const struct model *model, const struct solo *solo)
{
    struct exec *exec = open_exec(model);
    uint32_t done = 0;
    for (uint64_t text = 0; text < TEXTS; text++)
        assert_true(exec_session_open(exec, text, LENGTH, NULL));
    for (uint32_t i = 0; i < STEPS; i++) {
        uint64_t text = random_below(TEXTS);
        if (random_below(8) == 0)
            assert_true(exec_truncate(exec, text, random_below(LENGTH)));
        if (random_below(16) == 0) {
            exec_session_close(exec, text);
            assert_true(exec_session_open(exec, text, LENGTH, NULL));
        }
        done += mix(exec, solo);
    }
    assert_true(done > STEPS / 2);
    exec_close(exec);
}

static void test_mixes(void **state)
{
    static struct solo solo;
    (void)state;
    for (enum forge_family family = 0; family < FORGE_FAMILIES; family++) {
        struct forge_model made = forge_model_of(family, random_below(1000));
        struct model model;
        forged_open(&model, &made, WEIGHT_SAFETENSORS);
        run_solo(&solo, &model);
        mix_all(&model, &solo);
        model_close(&model);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_mixes)};
    random_start();
    forge_folder_open();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    forge_folder_close();
    return failed;
}
