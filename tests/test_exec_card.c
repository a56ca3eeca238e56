/* The executor on a card gives what it gives on the processor, bit by bit: each family, batches of
 * any mix, sessions that go back, fork and go on, steps that are recorded. On the emulator, and, as
 * cuda_exec_card, on a real card.
 */
#include "gpu/card.h"
#include "gpu/exec.h"
#include "shared/err.h"
#include "tests/card_at_hand.h"
#include "tests/forge_folder.h"
#include "tests/forged.h"
#include "tests/random.h"
#include "tests/test.h"

enum { SESSIONS = 3, LENGTH = 40, ROWS = 5, WIDTH = 64, VOCABULARY = 288, STEPS = 5 };

static const uint64_t SMALL_BYTES = 1 << 30; /* of a card that too much can be asked of */

static const struct card *card;
static struct card_facts facts;

/* What spans of a step give. */
struct given {
    float hidden[SESSIONS][ROWS][WIDTH], logits[SESSIONS][ROWS][VOCABULARY];
};

/* A span where its session ends, or before that. */
static struct exec_span any_span(const struct exec *exec, uint64_t session, const uint32_t *tokens,
                                 uint32_t rows)
{
    uint32_t length = exec_length(exec, session);
    struct exec_span span = {.session = session, .count = 1 + random_below(rows)};
    span.position = random_below(8) == 0 ? random_below(length + 1) : length;
    if (span.position >= LENGTH)
        span.position = LENGTH / 2;
    if (span.count > LENGTH - span.position)
        span.count = LENGTH - span.position;
    span.tokens = tokens + span.position;
    span.logit_count = random_below(3) == 0 ? random_below(span.count + 1) : span.count;
    return span;
}

static void step(struct exec *exec, struct exec_span *spans, uint32_t count, struct given *given)
{
    struct err err;
    memset(given, 0xff, sizeof *given); /* NaN: what is not written is not equal */
    for (uint32_t i = 0; i < count; i++) {
        spans[i].hidden = given->hidden[i][0];
        spans[i].logits = given->logits[i][0];
    }
    if (!exec_step(exec, spans, count, &err))
        fail_msg("%s", err.text);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(spans[i].verdict, EXEC_DONE);
}

struct pair {
    struct exec *on_processor, *on_card;
};

static struct pair open_pair(const struct model *model)
{
    struct pair pair;
    struct err err;
    struct exec_options options = exec_options_whole(model, (SESSIONS + 1) * (LENGTH + EXEC_PAGE));
    options.kv_type = random_below(2) == 0 ? DTYPE_BF16 : DTYPE_F32;
    options.weights = (enum dtype_made)random_below(3);
    options.sessions_max = SESSIONS + 1;
    options.rows_max = SESSIONS * ROWS;
    options.threads = 1;
    if (!exec_open(&pair.on_processor, model, &options, &err))
        fail_msg("%s", err.text);
    options.card = card;
    if (!exec_open(&pair.on_card, model, &options, &err))
        fail_msg("%s", err.text);
    return pair;
}

static void close_pair(struct pair *pair)
{
    exec_close(pair->on_processor);
    exec_close(pair->on_card);
}

static void step_both(const struct pair *pair, struct exec_span *spans, uint32_t count)
{
    static struct given want;
    static struct given got;
    step(pair->on_processor, spans, count, &want);
    step(pair->on_card, spans, count, &got);
    for (uint32_t i = 0; i < count; i++) {
        assert_memory_equal(got.hidden[i], want.hidden[i],
                            spans[i].count * sizeof want.hidden[i][0]);
        assert_memory_equal(got.logits[i], want.logits[i],
                            spans[i].logit_count * sizeof want.logits[i][0]);
    }
}

/* A fork in the middle of a page, which is copied when it is written. */
static void check_fork(const struct pair *pair, const uint32_t *tokens)
{
    uint32_t length = exec_length(pair->on_processor, 0);
    struct exec_span span = {.session = SESSIONS,
                             .position = length / 2,
                             .count = 1,
                             .tokens = tokens + LENGTH / 2,
                             .logit_count = 1};
    assert_true(exec_fork(pair->on_processor, 0, SESSIONS, length / 2, LENGTH, NULL));
    assert_true(exec_fork(pair->on_card, 0, SESSIONS, length / 2, LENGTH, NULL));
    step_both(pair, &span, 1);
}

static void check_family(enum forge_family family)
{
    struct forge_model made = forge_model_of(family, random_below(1000));
    struct model model;
    uint32_t tokens[SESSIONS][LENGTH];
    struct exec_span spans[SESSIONS];
    forged_open(&model, &made, random_below(2) == 0 ? WEIGHT_GGUF : WEIGHT_SAFETENSORS);
    struct pair pair = open_pair(&model);
    for (uint64_t session = 0; session < SESSIONS; session++) {
        assert_true(exec_session_open(pair.on_processor, session, LENGTH, NULL));
        assert_true(exec_session_open(pair.on_card, session, LENGTH, NULL));
        for (uint32_t i = 0; i < LENGTH; i++)
            tokens[session][i] = random_below(VOCABULARY);
    }
    for (uint32_t i = 0; i < STEPS; i++) {
        uint32_t count = 1 + random_below(SESSIONS);
        for (uint32_t j = 0; j < count; j++)
            spans[j] = any_span(pair.on_processor, (i + j) % SESSIONS, tokens[(i + j) % SESSIONS],
                                i % 2 == 0 ? 1 : ROWS);
        step_both(&pair, spans, count);
    }
    check_fork(&pair, tokens[1]);
    close_pair(&pair);
    model_close(&model);
}

/* What a card has no room for is refused, and all is given back. */
static void test_refusals(void **state)
{
    struct forge_model made = forge_model_of(FORGE_LLAMA, 1);
    struct model model;
    struct exec *exec;
    struct err err;
    (void)state;
    if (facts.bytes > SMALL_BYTES)
        skip();
    forged_open(&model, &made, WEIGHT_GGUF);
    struct exec_options options = exec_options_whole(&model, 1 << 24);
    options.card = card;
    assert_false(exec_open(&exec, &model, &options, &err));
    assert_non_null(strstr(err.text, "the card has too little memory"));
    model_close(&model);
}

static void test_families(void **state)
{
    (void)state;
    for (enum forge_family family = 0; family < FORGE_FAMILIES; family++)
        check_family(family);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_families),
                                       cmocka_unit_test(test_refusals)};
    random_start();
    card = card_at_hand(argc > 1 ? argv[1] : NULL, &facts);
    forge_folder_open();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    forge_folder_close();
    return failed;
}
