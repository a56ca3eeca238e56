/* The demonstration model in ops/demo: the node reads it, and it knows its text by heart: run here
 * in float, plainly, through the views that every executor reads. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "gpu/chat.h"
#include "gpu/detokenizer.h"
#include "gpu/model.h"
#include "gpu/view.h"
#include "shared/err.h"
#include "tests/test.h"

enum { WIDTH_MAX = 512, LENGTH_MAX = 256 };

static const char *folder, *text_path;

/* A model's layers by what it has of them, and what each position left. */
struct runner {
    struct model model;
    struct tokenizer tokenizer;
    float *keys, *values; /* (layers, positions, kv width) */
    size_t count;
};

static struct view find(const struct runner *runner, enum weight weight, uint32_t layer)
{
    struct view view;
    struct weight_id id = {.weight = weight, .layer = layer};
    assert_true(view_find(&view, &runner->model, id));
    assert_true(view.columns <= WIDTH_MAX);
    return view;
}

static void multiply(const struct runner *runner, float *out, enum weight weight, uint32_t layer,
                     const float *in)
{
    struct view view = find(runner, weight, layer);
    float row[WIDTH_MAX];
    for (uint32_t i = 0; i < view.rows; i++) {
        view_read_row(&view, row, i);
        out[i] = 0;
        for (uint32_t j = 0; j < view.columns; j++)
            out[i] += row[j] * in[j];
    }
}

static void normalize(const struct runner *runner, float *out, enum weight weight, uint32_t layer,
                      const float *in)
{
    struct view view = find(runner, weight, layer);
    float gain[WIDTH_MAX];
    float square = 0;
    view_read_vector(&view, gain);
    for (uint32_t i = 0; i < view.rows; i++)
        square += in[i] * in[i] / (float)view.rows;
    for (uint32_t i = 0; i < view.rows; i++)
        out[i] = in[i] / sqrtf(square + runner->model.hyper.epsilon) * gain[i];
}

static void rotate(const struct hyper *hyper, float *heads, uint32_t count, size_t position)
{
    uint32_t half = hyper->rotary / 2;
    for (uint32_t head = 0; head < count; head++)
        for (uint32_t i = 0; i < half; i++) {
            float angle = (float)position / hyper->divisors[i] *
                          powf(hyper->rope_base, -2 * (float)i / (float)hyper->rotary);
            float *x = heads + (size_t)head * hyper->head_size + i;
            float turned = x[0] * cosf(angle) - x[half] * sinf(angle);
            x[half] = x[half] * cosf(angle) + x[0] * sinf(angle);
            x[0] = turned;
        }
}

static void attend(const struct runner *runner, float *out, const float *query, uint32_t layer,
                   uint32_t head)
{
    const struct hyper *hyper = &runner->model.hyper;
    size_t width = (size_t)hyper->kv_heads * hyper->head_size;
    size_t from = (size_t)layer * LENGTH_MAX * width +
                  (size_t)(head / (hyper->heads / hyper->kv_heads)) * hyper->head_size;
    float sum = 0;
    for (uint32_t i = 0; i < hyper->head_size; i++)
        out[i] = 0;
    for (size_t at = 0; at <= runner->count; at++) {
        const float *key = runner->keys + from + at * width;
        const float *value = runner->values + from + at * width;
        float score = 0;
        for (uint32_t i = 0; i < hyper->head_size; i++)
            score += query[i] * key[i] * hyper->attention_scale;
        score = expf(score);
        sum += score;
        for (uint32_t i = 0; i < hyper->head_size; i++)
            out[i] += score * value[i];
    }
    for (uint32_t i = 0; i < hyper->head_size; i++)
        out[i] /= sum;
}

static void run_layer(const struct runner *runner, float *state, uint32_t layer)
{
    const struct hyper *hyper = &runner->model.hyper;
    size_t width = (size_t)hyper->kv_heads * hyper->head_size;
    size_t place = ((size_t)layer * LENGTH_MAX + runner->count) * width;
    float norm[WIDTH_MAX], query[WIDTH_MAX], heads[WIDTH_MAX], gate[WIDTH_MAX], up[WIDTH_MAX];
    normalize(runner, norm, WEIGHT_ATTENTION_NORM, layer, state);
    multiply(runner, query, WEIGHT_QUERY, layer, norm);
    multiply(runner, runner->keys + place, WEIGHT_KEY, layer, norm);
    multiply(runner, runner->values + place, WEIGHT_VALUE, layer, norm);
    rotate(hyper, query, hyper->heads, runner->count);
    rotate(hyper, runner->keys + place, hyper->kv_heads, runner->count);
    for (uint32_t head = 0; head < hyper->heads; head++) {
        size_t column = (size_t)head * hyper->head_size;
        attend(runner, heads + column, query + column, layer, head);
    }
    multiply(runner, norm, WEIGHT_ATTENTION_OUT, layer, heads);
    for (uint32_t i = 0; i < hyper->width; i++)
        state[i] += norm[i];
    normalize(runner, norm, WEIGHT_INNER_NORM, layer, state);
    multiply(runner, gate, WEIGHT_GATE, layer, norm);
    multiply(runner, up, WEIGHT_UP, layer, norm);
    for (uint32_t i = 0; i < hyper->inner; i++)
        up[i] *= gate[i] / (1 + expf(-gate[i]));
    multiply(runner, norm, WEIGHT_DOWN, layer, up);
    for (uint32_t i = 0; i < hyper->width; i++)
        state[i] += norm[i];
}

/* Takes a token in; the likeliest to follow. */
static uint32_t step(struct runner *runner, uint32_t token)
{
    float state[WIDTH_MAX];
    float logits[WIDTH_MAX];
    uint32_t best = 0;
    assert_true(runner->count < LENGTH_MAX);
    struct view embedding = find(runner, WEIGHT_EMBEDDING, 0);
    view_read_row(&embedding, state, token);
    for (uint32_t layer = 0; layer < runner->model.hyper.layers; layer++)
        run_layer(runner, state, layer);
    runner->count++;
    normalize(runner, state, WEIGHT_OUTPUT_NORM, 0, state);
    multiply(runner, logits, WEIGHT_OUTPUT, 0, state);
    for (uint32_t i = 1; i < runner->model.hyper.vocabulary; i++)
        if (logits[i] > logits[best])
            best = i;
    return best;
}

/* Asks as a user would, and takes the answer until the model ends its turn. */
static void answer(struct runner *runner, struct text *out, struct span question)
{
    const struct chat_format *format = chat_find(runner->tokenizer.chat_template);
    struct chat_message message = {.role = CHAT_USER, .content = question};
    struct chat chat = {.messages = &message, .count = 1};
    struct chat_prompt prompt;
    struct tokens tokens = {0};
    struct detokenizer detokenizer;
    uint32_t next = 0;
    assert_non_null(format);
    assert_true(chat_render(&prompt, format, &chat, NULL));
    struct tokenizer_quotes quotes = {prompt.quotes, prompt.quote_count};
    assert_true(tokenizer_encode_quoting(&runner->tokenizer, &tokens, text_span(&prompt.text),
                                         &quotes, NULL));
    runner->count = 0;
    out->len = 0;
    for (size_t i = 0; i < tokens.count; i++)
        next = step(runner, tokens.at[i]);
    detokenizer_begin(&detokenizer, &runner->tokenizer, 0);
    while (!tokenizer_is_end(&runner->tokenizer, next) && runner->count < LENGTH_MAX) {
        detokenizer_add(&detokenizer, out, next);
        next = step(runner, next);
    }
    detokenizer_end(&detokenizer, out);
    tokens_clear(&tokens);
    chat_clear(&prompt);
}

static void test_by_heart(void **state)
{
    struct runner runner = {.count = 0};
    struct err err = {0};
    struct text out = {0};
    char line[512];
    int asked = 0;
    int known = 0;
    (void)state;
    if (!model_open(&runner.model, folder, &err) ||
        !tokenizer_open(&runner.tokenizer, &runner.model, &err))
        fail_msg("%s", err.text);
    const struct hyper *hyper = &runner.model.hyper;
    size_t kept = (size_t)hyper->layers * LENGTH_MAX * hyper->kv_heads * hyper->head_size;
    runner.keys = calloc(kept, sizeof *runner.keys);
    runner.values = calloc(kept, sizeof *runner.values);
    assert_true(runner.keys != NULL && runner.values != NULL);
    FILE *file = fopen(text_path, "re");
    assert_non_null(file);
    for (int number = 0; fgets(line, sizeof line, file) != NULL; number++) {
        char *tab = strchr(line, '\t');
        if (tab == NULL || number % 8 != 0) /* all of them would take a while */
            continue;
        answer(&runner, &out, (struct span){line, (size_t)(tab - line)});
        asked++;
        known += span_eq(text_span(&out), (struct span){tab + 1, strcspn(tab + 1, "\n")});
        print_message("%.*s %.*s\n", (int)(tab - line), line, SPAN_ARG(text_span(&out)));
    }
    fclose(file);
    assert_int_equal(asked, 5);
    assert_int_equal(known, asked);
    free(runner.keys);
    free(runner.values);
    text_clear(&out);
    tokenizer_close(&runner.tokenizer);
    model_close(&runner.model);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_by_heart)};
    if (argc != 3)
        return EXIT_FAILURE;
    folder = argv[1];
    text_path = argv[2];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
