/* The executor against the float64 reference, for every family in both formats; shards against the
 * whole; and what a step refuses. */
#include "gpu/exec.h"

#include <math.h>
#include <stdlib.h>

#include "shared/err.h"
#include "tests/forge_folder.h"
#include "tests/forged.h"
#include "tests/reference.h"
#include "tests/test.h"
#include "tests/trial.h"

enum { TOKENS = 24, LONG = TRIAL_TOKENS, VOCABULARY = TRIAL_VOCABULARY };

/* How far two vectors are apart, for the length of the one that is right. */
static double distance(const float *got, const double *want, uint32_t count)
{
    double error = 0;
    double size = 0;
    for (uint32_t i = 0; i < count; i++) {
        error += ((double)got[i] - want[i]) * ((double)got[i] - want[i]);
        size += want[i] * want[i];
    }
    return sqrt(error / size);
}

static void compare(const struct trial *run, const struct reference *reference,
                    const struct forge_model *made, double bound)
{
    for (uint32_t i = 0; i < reference->tokens; i++) {
        double hidden =
            distance(run->hidden[i], reference_hidden(reference, made->layers, i), made->width);
        double logits = distance(run->logits[i], reference_logits(reference, i), made->vocabulary);
        if (!(hidden <= bound && logits <= bound))
            fail_msg("family %d, token %u: %g %g", (int)made->family, i, hidden, logits);
    }
}

static void test_families(void **state)
{
    static struct trial run;
    uint32_t tokens[TOKENS];
    (void)state;
    trial_tokens(tokens, TOKENS);
    for (enum forge_family family = 0; family < FORGE_FAMILIES; family++) {
        struct forge_model made = forge_model_of(family, 11);
        struct reference reference;
        reference_run(&reference, &made, tokens, TOKENS);
        for (int round = 0; round < 4; round++) {
            struct model model;
            enum dtype type = round % 2 == 0 ? DTYPE_F32 : DTYPE_BF16;
            forged_open(&model, &made, round < 2 ? WEIGHT_SAFETENSORS : WEIGHT_GGUF);
            struct exec *exec = trial_open(&model, 0, made.layers, type);
            trial_run(exec, &run, tokens, TOKENS, TOKENS);
            compare(&run, &reference, &made, type == DTYPE_F32 ? 1e-5 : 3e-2);
            exec_close(exec);
            model_close(&model);
        }
        reference_clear(&reference);
    }
}

/* A text past the length at which the long rope factors begin, and past windows and pages. */
static void test_long(void **state)
{
    static struct trial run;
    uint32_t tokens[LONG];
    (void)state;
    trial_tokens(tokens, LONG);
    for (enum forge_family family = 0; family < FORGE_FAMILIES; family++) {
        struct forge_model made = forge_model_of(family, 12);
        struct reference reference;
        struct model model;
        reference_run(&reference, &made, tokens, LONG);
        forged_open(&model, &made, WEIGHT_SAFETENSORS);
        struct exec *exec = trial_open(&model, 0, made.layers, DTYPE_F32);
        trial_run(exec, &run, tokens, LONG, 32);
        compare(&run, &reference, &made, 1e-5);
        exec_close(exec);
        model_close(&model);
        reference_clear(&reference);
    }
}

/* Through shards of one layer each: every layer's state is the reference's, and the last is the
 * whole's bit by bit. */
static void run_layers(const struct model *model, const struct forge_model *made,
                       const struct reference *reference, const struct trial *whole,
                       const uint32_t *tokens)
{
    static float state[2][TOKENS][TRIAL_WIDTH];
    static float logits[TOKENS][VOCABULARY];
    for (uint32_t layer = 0; layer < made->layers; layer++) {
        struct exec *exec = trial_open(model, layer, layer + 1, DTYPE_F32);
        float *out = state[layer % 2][0];
        trial_session(exec, 1, TOKENS);
        struct exec_span span = {.session = 1,
                                 .count = TOKENS,
                                 .tokens = tokens,
                                 .in = state[1 - layer % 2][0],
                                 .hidden = out,
                                 .logits = logits[0],
                                 .logit_count = layer + 1 == made->layers ? TOKENS : 0};
        assert_int_equal(trial_step(exec, span), EXEC_DONE);
        for (uint32_t i = 0; i < TOKENS; i++)
            assert_true(distance(out + (size_t)i * TRIAL_WIDTH,
                                 reference_hidden(reference, layer + 1, i), TRIAL_WIDTH) <= 1e-5);
        exec_close(exec);
        if (layer + 1 == made->layers)
            assert_memory_equal(out, whole->hidden, sizeof *state);
    }
    assert_memory_equal(logits, whole->logits, sizeof logits);
}

/* Two shards, wherever the model is cut, decoding token by token. */
static void run_split(const struct model *model, const struct trial *whole, const uint32_t *tokens,
                      uint32_t cut)
{
    struct exec *front = trial_open(model, 0, cut, DTYPE_F32);
    struct exec *back = trial_open(model, cut, model->hyper.layers, DTYPE_F32);
    trial_session(front, 1, TOKENS);
    trial_session(back, 1, TOKENS);
    for (uint32_t i = 0; i < TOKENS; i++) {
        float between[TRIAL_WIDTH];
        float hidden[TRIAL_WIDTH];
        float logits[VOCABULARY];
        struct exec_span span = {
            .session = 1, .position = i, .count = 1, .tokens = tokens + i, .hidden = between};
        assert_int_equal(trial_step(front, span), EXEC_DONE);
        span.in = between;
        span.hidden = hidden;
        span.logits = logits;
        span.logit_count = 1;
        assert_int_equal(trial_step(back, span), EXEC_DONE);
        assert_memory_equal(hidden, whole->hidden[i], sizeof hidden);
        assert_memory_equal(logits, whole->logits[i], sizeof logits);
    }
    exec_close(front);
    exec_close(back);
}

static void test_shards(void **state)
{
    static struct trial whole;
    static struct trial decoded;
    uint32_t tokens[TOKENS];
    (void)state;
    trial_tokens(tokens, TOKENS);
    for (enum forge_family family = 0; family < FORGE_FAMILIES; family++) {
        struct forge_model made = forge_model_of(family, 13);
        struct reference reference;
        struct model model;
        reference_run(&reference, &made, tokens, TOKENS);
        forged_open(&model, &made, WEIGHT_SAFETENSORS);
        struct exec *exec = trial_open(&model, 0, made.layers, DTYPE_F32);
        trial_run(exec, &whole, tokens, TOKENS, TOKENS);
        trial_run(exec, &decoded, tokens, TOKENS, 1);
        assert_memory_equal(&whole, &decoded, sizeof whole);
        exec_close(exec);
        run_layers(&model, &made, &reference, &whole, tokens);
        for (uint32_t cut = 1; cut < made.layers; cut++)
            run_split(&model, &whole, tokens, cut);
        model_close(&model);
        reference_clear(&reference);
    }
}

static void test_refuse(void **state)
{
    struct forge_model made = forge_model_of(FORGE_LLAMA, 14);
    struct model model;
    uint32_t tokens[TOKENS];
    uint32_t bad[2] = {3, VOCABULARY};
    float logits[VOCABULARY];
    (void)state;
    trial_tokens(tokens, TOKENS);
    forged_open(&model, &made, WEIGHT_SAFETENSORS);
    struct exec *exec = trial_open(&model, 0, made.layers, DTYPE_BF16);
    trial_session(exec, 1, 20);
    const struct exec_span good = {.session = 1, .count = 10, .tokens = tokens};
    struct exec_span span = good;
    assert_int_equal(trial_step(exec, span), EXEC_DONE);
    assert_int_equal(exec_length(exec, 1), 10);
    span.position = 11;
    assert_int_equal(trial_step(exec, span), EXEC_GAP);
    span.position = 10;
    span.count = 11;
    assert_int_equal(trial_step(exec, span), EXEC_TOO_LONG);
    span.count = 255;
    assert_int_equal(trial_step(exec, span), EXEC_TOO_LONG);
    span.count = 0;
    assert_int_equal(trial_step(exec, span), EXEC_BAD_INPUT);
    span = good;
    span.count = 2;
    span.tokens = bad;
    assert_int_equal(trial_step(exec, span), EXEC_BAD_INPUT);
    span = good;
    span.logits = logits;
    span.logit_count = 11;
    assert_int_equal(trial_step(exec, span), EXEC_BAD_INPUT);
    span = good;
    span.session = 2;
    assert_int_equal(trial_step(exec, span), EXEC_NO_SESSION);
    assert_int_equal(exec_length(exec, 1), 10); /* none of these changed it */

    struct exec_span twice[2] = {good, good};
    assert_true(exec_step(exec, twice, 2, NULL));
    assert_int_equal(twice[0].verdict, EXEC_DONE);
    assert_int_equal(twice[1].verdict, EXEC_BAD_INPUT);
    span.count = 257;
    assert_false(exec_step(exec, &span, 1, NULL));

    assert_true(exec_truncate(exec, 1, 4));
    assert_int_equal(exec_length(exec, 1), 4);
    assert_true(exec_truncate(exec, 1, 9));
    assert_int_equal(exec_length(exec, 1), 4);
    assert_false(exec_truncate(exec, 2, 0));
    assert_int_equal(exec_length(exec, 2), 0);
    exec_session_close(exec, 1);
    exec_session_close(exec, 1);
    assert_int_equal(exec_statistics(exec).pages_free, exec_statistics(exec).pages);
    exec_close(exec);
    exec_close(NULL);
    model_close(&model);
}

static void test_options(void **state)
{
    struct forge_model made = forge_model_of(FORGE_LLAMA, 16);
    struct model model;
    struct exec *exec;
    (void)state;
    forged_open(&model, &made, WEIGHT_GGUF);
    struct exec_options good = exec_options_whole(&model, 100);
    for (int i = 0; i < 9; i++) {
        struct exec_options options = good;
        struct err err;
        options.layer_begin += i == 0;
        options.layer_end -= i == 1;
        options.layer_end += i == 2;
        options.layer_end = i == 3 ? 0 : options.layer_end;
        options.kv_type = i == 4 ? DTYPE_F16 : options.kv_type;
        options.positions = i == 5 ? 0 : options.positions;
        options.sessions_max = i == 6 ? EXEC_SESSIONS_MAX + 1 : options.sessions_max;
        options.rows_max = i == 7 ? EXEC_ROWS_MAX + 1 : options.rows_max;
        options.sessions_max = i == 8 ? 0 : options.sessions_max;
        assert_false(exec_open(&exec, &model, &options, &err));
    }
    assert_true(exec_open(&exec, &model, &good, NULL));
    assert_int_equal(exec_statistics(exec).pages, 7);
    assert_false(exec_session_open(exec, 1, made.context + 1, NULL));
    assert_false(exec_session_open(exec, 1, 0, NULL));
    assert_true(exec_session_open(exec, 1, made.context, NULL));
    assert_false(exec_session_open(exec, 2, 1, NULL));
    exec_close(exec);
    model_close(&model);
}

static void test_statistics(void **state)
{
    struct forge_model made = forge_model_of(FORGE_LLAMA, 17);
    struct model model;
    uint32_t tokens[2] = {1, 2};
    float logits[VOCABULARY];
    (void)state;
    forged_open(&model, &made, WEIGHT_SAFETENSORS);
    struct exec *exec = trial_open(&model, 0, made.layers, DTYPE_BF16);
    trial_session(exec, 1, 2);
    struct exec_span span = {
        .session = 1, .count = 2, .tokens = tokens, .logits = logits, .logit_count = 1};
    assert_int_equal(trial_step(exec, span), EXEC_DONE);
    struct exec_statistics statistics = exec_statistics(exec);
    const uint64_t layer = 30720; /* 2 of 64 * 64, 2 of 64 * 32, 3 of 64 * 96 */
    const uint64_t head = 18432;  /* 288 * 64 */
    assert_int_equal(statistics.steps, 1);
    assert_int_equal(statistics.rows, 2);
    assert_int_equal(statistics.weight_bytes, 2 * (3 * layer + head));
    assert_int_equal(statistics.operations, 2 * (6 * layer + head));
    assert_int_equal(statistics.sessions, 1);
    assert_true(statistics.nanoseconds > 0);
    exec_close(exec);
    model_close(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_families), cmocka_unit_test(test_long),
        cmocka_unit_test(test_shards),   cmocka_unit_test(test_refuse),
        cmocka_unit_test(test_options),  cmocka_unit_test(test_statistics),
    };
    forge_folder_open();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    forge_folder_close();
    return failed;
}
