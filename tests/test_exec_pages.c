/* Keys and values of many sessions in bounded memory: refused, shared, given back. */
#include "gpu/exec.h"
#include "shared/err.h"
#include "tests/forge_folder.h"
#include "tests/forged.h"
#include "tests/test.h"
#include "tests/trial.h"

enum { LONG = TRIAL_TOKENS, VOCABULARY = TRIAL_VOCABULARY };

/* A session forked from another goes on as if it had been run alone, and neither feels the other;
 * with windows on all layers and on some. */
static void test_fork(void **state)
{
    static struct trial alone;
    static struct trial forked;
    uint32_t tokens[2][LONG];
    struct err err;
    (void)state;
    for (enum forge_family family = FORGE_LLAMA; family <= FORGE_GEMMA2; family++) {
        struct forge_model made = forge_model_of(family, 21);
        struct model model;
        trial_tokens(tokens[0], LONG);
        trial_tokens(tokens[1], LONG);
        for (uint32_t i = 37; i < LONG; i++) /* they part here */
            tokens[1][i] = (i * 41 + 3) % VOCABULARY;
        forged_open(&model, &made, WEIGHT_SAFETENSORS);
        struct exec *exec = trial_open(&model, 0, made.layers, DTYPE_BF16);
        trial_run(exec, &alone, tokens[1], LONG, LONG);
        trial_session(exec, 1, LONG);
        struct exec_span span = {.session = 1, .count = LONG, .tokens = tokens[0]};
        assert_int_equal(trial_step(exec, span), EXEC_DONE);
        uint32_t unused = exec_statistics(exec).pages_free;
        assert_true(exec_fork(exec, 1, 2, 37, LONG, &err));
        assert_int_equal(exec_statistics(exec).pages_free, unused);
        assert_false(exec_fork(exec, 1, 2, 37, LONG, &err));
        assert_false(exec_fork(exec, 1, 3, LONG + 1, LONG + 1, &err));
        assert_false(exec_fork(exec, 9, 3, 1, LONG, &err));
        span = (struct exec_span){.session = 2,
                                  .position = 37,
                                  .count = LONG - 37,
                                  .tokens = tokens[1] + 37,
                                  .logits = forked.logits[37],
                                  .logit_count = LONG - 37};
        assert_int_equal(trial_step(exec, span), EXEC_DONE);
        assert_memory_equal(forked.logits[37], alone.logits[37], span.count * sizeof *alone.logits);
        exec_session_close(exec, 1);
        assert_int_equal(trial_step(exec, span), EXEC_DONE); /* once more */
        assert_memory_equal(forked.logits[37], alone.logits[37], span.count * sizeof *alone.logits);
        exec_session_close(exec, 2);
        assert_int_equal(exec_statistics(exec).pages_free, 8);
        exec_close(exec);
        model_close(&model);
    }
}

/* Where all layers look back 9 positions only, a text longer than all memory runs, with the bits
 * that it has with room for all; what is far behind cannot be gone back to, what is near can. */
static void test_window(void **state)
{
    static struct trial roomy;
    static struct trial tight;
    struct forge_model made = forge_model_of(FORGE_MISTRAL, 22);
    struct model model;
    uint32_t tokens[LONG];
    struct exec *exec;
    (void)state;
    trial_tokens(tokens, LONG);
    forged_open(&model, &made, WEIGHT_GGUF);
    exec = trial_open(&model, 0, made.layers, DTYPE_F32);
    trial_run(exec, &roomy, tokens, LONG, LONG);
    exec_close(exec);
    struct exec_options options = exec_options_whole(&model, 48);
    options.kv_type = DTYPE_F32;
    options.rows_max = 7;
    assert_true(exec_open(&exec, &model, &options, NULL));
    assert_int_equal(exec_pages(exec, 100), 3); /* of 9 + 7 + 7 positions, wherever they begin */
    assert_int_equal(exec_pages(exec, 17), 2);
    trial_run(exec, &tight, tokens, LONG, 7);
    assert_memory_equal(&roomy, &tight, sizeof tight);
    assert_int_equal(exec_statistics(exec).pages_free, 3);
    trial_session(exec, 7, LONG);
    struct exec_span span = {.session = 7, .count = 1};
    for (; span.position < 60; span.position++) {
        span.tokens = tokens + span.position;
        assert_int_equal(trial_step(exec, span), EXEC_DONE);
        assert_true(exec_statistics(exec).pages_free >= 1);
    }
    assert_true(exec_truncate(exec, 7, 60 - 7));
    assert_false(exec_truncate(exec, 7, 30));
    assert_int_equal(exec_length(exec, 7), 60 - 7);
    span.position = 30;
    assert_int_equal(trial_step(exec, span), EXEC_GONE);
    span.position = 0;
    assert_int_equal(trial_step(exec, span), EXEC_DONE);
    assert_int_equal(exec_length(exec, 7), 1);
    exec_close(exec);
    model_close(&model);
}

/* A session that finds no pages is refused, and neither it nor another loses any. */
static void test_pages(void **state)
{
    struct forge_model made = forge_model_of(FORGE_QWEN2, 15);
    struct model model;
    uint32_t tokens[LONG];
    struct err err;
    (void)state;
    trial_tokens(tokens, LONG);
    forged_open(&model, &made, WEIGHT_SAFETENSORS);
    struct exec *exec = trial_open(&model, 0, made.layers, DTYPE_BF16); /* 8 pages */
    for (uint64_t id = 1; id <= 3; id++)
        trial_session(exec, id, made.context);
    struct exec_span spans[3] = {{.session = 1, .count = LONG, .tokens = tokens},
                                 {.session = 2, .count = LONG, .tokens = tokens},
                                 {.session = 3, .count = 48, .tokens = tokens}};
    assert_true(exec_step(exec, spans, 3, &err));
    assert_int_equal(spans[0].verdict, EXEC_DONE);
    assert_int_equal(spans[1].verdict, EXEC_NO_PAGES);
    assert_int_equal(spans[2].verdict, EXEC_DONE);
    assert_int_equal(exec_length(exec, 2), 0);
    assert_int_equal(exec_statistics(exec).pages_free, 0);
    spans[2].position = 48;
    spans[2].count = 1;
    assert_int_equal(trial_step(exec, spans[2]), EXEC_NO_PAGES);
    assert_int_equal(exec_length(exec, 3), 48);
    exec_session_close(exec, 1);
    assert_int_equal(trial_step(exec, spans[2]), EXEC_DONE);
    assert_int_equal(trial_step(exec, spans[1]), EXEC_NO_PAGES);
    exec_close(exec);
    model_close(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_pages), cmocka_unit_test(test_fork),
                                       cmocka_unit_test(test_window)};
    forge_folder_open();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    forge_folder_close();
    return failed;
}
