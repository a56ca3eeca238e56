#include "tests/reference.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static const double EPSILON = 1e-5F; /* as a file holds it */

/* The numbers of one weight, made once. */
struct matrix {
    char name[40];
    uint32_t layer;
    double *at;
};

enum { MATRICES_MAX = 128 };

/* What of a pass a layer needs: the model, and what every token left in it. */
struct pass {
    const struct forge_model *model;
    struct matrix *matrices;
    uint32_t layer;
    uint32_t count; /* of tokens */
    double *keys;   /* (tokens, kv_heads, head_size) */
    double *values;
};

static double *numbers(size_t count)
{
    double *array = calloc(count, sizeof *array);
    if (array == NULL)
        abort();
    return array;
}

/* The weight of the layer at hand, rows after each other. */
static const double *numbers_of(const struct pass *pass, const char *name, const char *part,
                                uint32_t rows, uint32_t columns)
{
    struct matrix *matrix = pass->matrices;
    char full[40];
    snprintf(full, sizeof full, "%s.%s", name, part);
    while (matrix->at != NULL && (matrix->layer != pass->layer || strcmp(matrix->name, full) != 0))
        matrix++;
    if (matrix->at != NULL)
        return matrix->at;
    if (matrix == pass->matrices + MATRICES_MAX - 1)
        abort();
    memcpy(matrix->name, full, sizeof full);
    matrix->layer = pass->layer;
    matrix->at = numbers((size_t)rows * columns);
    for (uint32_t i = 0; i < rows; i++)
        for (uint32_t j = 0; j < columns; j++)
            matrix->at[(size_t)i * columns + j] =
                (double)forge_model_number(pass->model, full, pass->layer, i, j);
    return matrix->at;
}

/* out[i] = bias[i] + sum of weight[i][j] * in[j] */
static void multiply(const struct pass *pass, double *out, uint32_t rows, const char *name,
                     const double *in, uint32_t columns)
{
    enum forge_family family = pass->model->family;
    bool is_input =
        strcmp(name, "query") == 0 || strcmp(name, "key") == 0 || strcmp(name, "value") == 0;
    bool is_output = strcmp(name, "embedding") == 0 || strcmp(name, "output") == 0;
    bool has_bias = (family == FORGE_GPT2 && !is_output) || (family == FORGE_QWEN2 && is_input);
    const double *weight = numbers_of(pass, name, "weight", rows, columns);
    for (uint32_t i = 0; i < rows; i++) {
        double sum = has_bias ? numbers_of(pass, name, "bias", rows, 1)[i] : 0;
        for (uint32_t j = 0; j < columns; j++)
            sum += weight[(size_t)i * columns + j] * in[j];
        out[i] = sum;
    }
}

/* RMSNorm; Gemma's multiplies with 1 + weight; GPT-2's is LayerNorm. */
static void normalize(const struct pass *pass, double *out, const char *name, const double *in)
{
    uint32_t width = pass->model->width;
    const double *weight = numbers_of(pass, name, "weight", width, 1);
    bool is_layernorm = pass->model->family == FORGE_GPT2;
    double mean = 0;
    double square = 0;
    for (uint32_t i = 0; is_layernorm && i < width; i++)
        mean += in[i] / width;
    for (uint32_t i = 0; i < width; i++)
        square += (in[i] - mean) * (in[i] - mean) / width;
    for (uint32_t i = 0; i < width; i++) {
        double gain = weight[i] + (pass->model->family == FORGE_GEMMA2 ? 1 : 0);
        out[i] = (in[i] - mean) / sqrt(square + EPSILON) * gain;
        if (is_layernorm)
            out[i] += numbers_of(pass, name, "bias", width, 1)[i];
    }
}

/* By what pair i turns for each position. */
static double turn(const struct pass *pass, uint32_t pair)
{
    const struct forge_model *model = pass->model;
    static const double bases[] = {
        [FORGE_LLAMA] = 500000, [FORGE_MISTRAL] = 10000, [FORGE_QWEN2] = 1000000,
        [FORGE_PHI3] = 10000,   [FORGE_GEMMA2] = 10000,  [FORGE_GPT2] = 10000};
    double angle = pow(bases[model->family], -2.0 * pair / model->head_size);
    if (model->family == FORGE_PHI3) /* one set of factors up to 64 positions, one past them */
        angle /= pass->count <= 64 ? 1 + 0.25 * pair : 2 + 0.5 * pair;
    if (model->family == FORGE_LLAMA) { /* slowed 8-fold past 32 positions a wave, not below 8 */
        double waves = 32 * angle / (2 * acos(-1));
        double part = waves < 1 ? 0 : waves > 4 ? 1 : (waves - 1) / 3;
        angle = angle / 8 * (1 - part) + angle * part;
    }
    return angle;
}

static void rotate(const struct pass *pass, double *head, uint32_t position)
{
    uint32_t half = pass->model->head_size / 2;
    double magnitude = 1;
    if (pass->model->family == FORGE_GPT2)
        return;
    if (pass->model->family == FORGE_PHI3)
        magnitude = sqrt(1 + log(128 / 64.0) / log(64));
    for (uint32_t i = 0; i < half; i++) {
        double angle = position * turn(pass, i);
        double x = head[i];
        double y = head[i + half];
        head[i] = magnitude * (x * cos(angle) - y * sin(angle));
        head[i + half] = magnitude * (y * cos(angle) + x * sin(angle));
    }
}

/* The first position that a token sees. */
static uint32_t first_seen(const struct pass *pass, uint32_t position)
{
    enum forge_family family = pass->model->family;
    uint32_t window = UINT32_MAX;
    if (family == FORGE_MISTRAL || family == FORGE_PHI3)
        window = 9;
    if (family == FORGE_GEMMA2 && pass->layer % 2 == 0)
        window = 8;
    return position < window ? 0 : position - window + 1;
}

static void attend(const struct pass *pass, double *out, const double *query, uint32_t position,
                   uint32_t head)
{
    const struct forge_model *model = pass->model;
    uint32_t size = model->head_size;
    uint32_t row = model->kv_heads * size;
    uint32_t column = head / (model->heads / model->kv_heads) * size;
    double *weights = numbers(position + 1);
    double sum = 0;
    for (uint32_t at = first_seen(pass, position); at <= position; at++) {
        double score = 0;
        for (uint32_t i = 0; i < size; i++)
            score += query[i] * pass->keys[(size_t)at * row + column + i];
        score /= sqrt(size);
        if (model->family == FORGE_GEMMA2)
            score = 50 * tanh(score / 50);
        weights[at] = exp(score);
        sum += weights[at];
    }
    for (uint32_t i = 0; i < size; i++)
        out[i] = 0;
    for (uint32_t at = first_seen(pass, position); at <= position; at++)
        for (uint32_t i = 0; i < size; i++)
            out[i] += weights[at] / sum * pass->values[(size_t)at * row + column + i];
    free(weights);
}

/* state += attention(norm(state)), for the token at a position */
static void attention(const struct pass *pass, double *state, uint32_t position)
{
    const struct forge_model *model = pass->model;
    uint32_t size = model->head_size;
    uint32_t row = model->kv_heads * size;
    double *norm = numbers(model->width);
    double *query = numbers((size_t)model->heads * size);
    double *heads = numbers((size_t)model->heads * size);
    double *key = pass->keys + (size_t)position * row;
    normalize(pass, norm, "attention_norm", state);
    multiply(pass, query, model->heads * size, "query", norm, model->width);
    multiply(pass, key, row, "key", norm, model->width);
    multiply(pass, pass->values + (size_t)position * row, row, "value", norm, model->width);
    for (uint32_t head = 0; head < model->kv_heads; head++)
        rotate(pass, key + (size_t)head * size, position);
    for (uint32_t head = 0; head < model->heads; head++) {
        rotate(pass, query + (size_t)head * size, position);
        attend(pass, heads + (size_t)head * size, query + (size_t)head * size, position, head);
    }
    multiply(pass, norm, model->width, "attention_out", heads, model->heads * size);
    if (model->family == FORGE_GEMMA2)
        normalize(pass, norm, "post_attention_norm", norm);
    for (uint32_t i = 0; i < model->width; i++)
        state[i] += norm[i];
    free(norm);
    free(query);
    free(heads);
}

static double activate(const struct forge_model *model, double x)
{
    if (model->family != FORGE_GEMMA2 && model->family != FORGE_GPT2)
        return x / (1 + exp(-x));
    return x / 2 * (1 + tanh(sqrt(2 / acos(-1)) * (x + 0.044715 * x * x * x)));
}

/* state += feed_forward(norm(state)) */
static void feed_forward(const struct pass *pass, double *state)
{
    const struct forge_model *model = pass->model;
    double *norm = numbers(model->width);
    double *gate = numbers(model->inner);
    double *up = numbers(model->inner);
    normalize(pass, norm, "inner_norm", state);
    multiply(pass, up, model->inner, "up", norm, model->width);
    if (model->family != FORGE_GPT2)
        multiply(pass, gate, model->inner, "gate", norm, model->width);
    for (uint32_t i = 0; i < model->inner; i++)
        up[i] =
            model->family == FORGE_GPT2 ? activate(model, up[i]) : activate(model, gate[i]) * up[i];
    multiply(pass, norm, model->width, "down", up, model->inner);
    if (model->family == FORGE_GEMMA2)
        normalize(pass, norm, "post_inner_norm", norm);
    for (uint32_t i = 0; i < model->width; i++)
        state[i] += norm[i];
    free(norm);
    free(gate);
    free(up);
}

static void embed(const struct forge_model *model, double *state, uint32_t token, uint32_t position)
{
    for (uint32_t i = 0; i < model->width; i++) {
        state[i] = (double)forge_model_number(model, "embedding.weight", 0, token, i);
        if (model->family == FORGE_GEMMA2)
            state[i] *= sqrt(model->width);
        if (model->family == FORGE_GPT2)
            state[i] += (double)forge_model_number(model, "positions.weight", 0, position, i);
    }
}

static void tell(const struct pass *pass, double *logits, const double *state)
{
    const struct forge_model *model = pass->model;
    bool is_tied = model->family == FORGE_QWEN2 || model->family == FORGE_GEMMA2 ||
                   model->family == FORGE_GPT2;
    double *norm = numbers(model->width);
    normalize(pass, norm, "output_norm", state);
    multiply(pass, logits, model->vocabulary, is_tied ? "embedding" : "output", norm, model->width);
    for (uint32_t i = 0; model->family == FORGE_GEMMA2 && i < model->vocabulary; i++)
        logits[i] = 30 * tanh(logits[i] / 30);
    free(norm);
}

void reference_run(struct reference *reference, const struct forge_model *model,
                   const uint32_t *tokens, uint32_t count)
{
    size_t width = model->width;
    size_t kept = (size_t)count * model->kv_heads * model->head_size;
    struct matrix matrices[MATRICES_MAX] = {0};
    struct pass pass = {.model = model,
                        .matrices = matrices,
                        .count = count,
                        .keys = numbers(kept),
                        .values = numbers(kept)};
    *reference = (struct reference){.tokens = count,
                                    .width = model->width,
                                    .vocabulary = model->vocabulary,
                                    .hidden = numbers((model->layers + (size_t)1) * count * width),
                                    .logits = numbers((size_t)count * model->vocabulary)};
    for (uint32_t i = 0; i < count; i++)
        embed(model, reference->hidden + i * width, tokens[i], i);
    for (pass.layer = 0; pass.layer < model->layers; pass.layer++)
        for (uint32_t i = 0; i < count; i++) {
            double *state = reference->hidden + ((pass.layer + (size_t)1) * count + i) * width;
            memcpy(state, state - count * width, width * sizeof *state);
            attention(&pass, state, i);
            feed_forward(&pass, state);
        }
    pass.layer = 0;
    for (uint32_t i = 0; i < count; i++)
        tell(&pass, reference->logits + (size_t)i * model->vocabulary,
             reference_hidden(reference, model->layers, i));
    free(pass.keys);
    free(pass.values);
    for (struct matrix *matrix = matrices; matrix->at != NULL; matrix++)
        free(matrix->at);
}

void reference_clear(struct reference *reference)
{
    free(reference->hidden);
    free(reference->logits);
    *reference = (struct reference){0};
}

const double *reference_hidden(const struct reference *reference, uint32_t layers, uint32_t token)
{
    return reference->hidden + ((size_t)layers * reference->tokens + token) * reference->width;
}

const double *reference_logits(const struct reference *reference, uint32_t token)
{
    return reference->logits + (size_t)token * reference->vocabulary;
}
