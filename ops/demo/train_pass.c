#include <math.h>
#include <string.h>

#include "ops/demo/train.h"

static const float EPSILON = 1e-5F;
static const float BASE = 10000;

static float dot(const float *a, const float *b, int count)
{
    float sum = 0;
    for (int i = 0; i < count; i++)
        sum += a[i] * b[i];
    return sum;
}

/* to += scale * from */
static void add(float *to, const float *from, float scale, int count)
{
    for (int i = 0; i < count; i++)
        to[i] += scale * from[i];
}

static void multiply(float *out, const float *matrix, const float *in, size_t length, int rows,
                     int columns)
{
    for (size_t t = 0; t < length; t++)
        for (int i = 0; i < rows; i++)
            out[t * (size_t)rows + (size_t)i] =
                dot(matrix + (ptrdiff_t)i * columns, in + t * (size_t)columns, columns);
}

/* A product on its way back: what it was of, and where the matrix's gradient goes. */
struct product {
    float *gradient;
    const float *matrix, *in;
    int rows, columns;
};

/* Adds to the gradients of the matrix and of what went in. */
static void multiply_back(const struct product *product, float *in_back, const float *back,
                          size_t length)
{
    int columns = product->columns;
    for (size_t t = 0; t < length; t++)
        for (int i = 0; i < product->rows; i++) {
            float slope = back[t * (size_t)product->rows + (size_t)i];
            ptrdiff_t row = (ptrdiff_t)i * columns;
            add(product->gradient + row, product->in + t * (size_t)columns, slope, columns);
            add(in_back + t * (size_t)columns, product->matrix + row, slope, columns);
        }
}

static void normalize(float *out, float *scale, const float *gain, const float *in, size_t length)
{
    for (size_t t = 0; t < length; t++) {
        const float *x = in + t * WIDTH;
        scale[t] = 1 / sqrtf(dot(x, x, WIDTH) / WIDTH + EPSILON);
        for (int i = 0; i < WIDTH; i++)
            out[t * WIDTH + (size_t)i] = x[i] * scale[t] * gain[i];
    }
}

/* A norm on its way back. */
struct norm {
    float *gradient;
    const float *gain, *in, *scale;
};

static void normalize_back(const struct norm *norm, float *in_back, const float *back,
                           size_t length)
{
    for (size_t t = 0; t < length; t++) {
        const float *x = norm->in + t * WIDTH;
        const float *d = back + t * WIDTH;
        float s = norm->scale[t];
        float sum = 0;
        for (int i = 0; i < WIDTH; i++) {
            norm->gradient[i] += d[i] * x[i] * s;
            sum += d[i] * norm->gain[i] * x[i];
        }
        for (int i = 0; i < WIDTH; i++)
            in_back[t * WIDTH + (size_t)i] +=
                s * norm->gain[i] * d[i] - x[i] * s * s * s * sum / WIDTH;
    }
}

/* Turns all heads of a row to their position, or back. */
static void rotate(float *row, int heads, size_t position, float sign)
{
    for (int head = 0; head < heads; head++)
        for (int i = 0; i < HEAD / 2; i++) {
            float angle = (float)position * powf(BASE, -2 * (float)i / HEAD);
            float c = cosf(angle);
            float s = sign * sinf(angle);
            float *x = row + (ptrdiff_t)head * HEAD + i;
            float *y = x + HEAD / 2;
            float turned = *x * c - *y * s;
            *y = *y * c + *x * s;
            *x = turned;
        }
}

static float *weights_of(struct layer_state *state, int head, size_t t)
{
    return state->weight + ((size_t)head * LENGTH_MAX + t) * LENGTH_MAX;
}

static ptrdiff_t kv_column(int head)
{
    return (ptrdiff_t)(head / (HEADS / KV_HEADS)) * HEAD;
}

static void attend(struct layer_state *state, size_t t, int head)
{
    const float *query = state->query + t * WIDTH + (ptrdiff_t)head * HEAD;
    float *out = state->heads + t * WIDTH + (ptrdiff_t)head * HEAD;
    float *weight = weights_of(state, head, t);
    float sum = 0;
    float most = -INFINITY;
    for (size_t j = 0; j <= t; j++) {
        weight[j] = dot(query, state->key + j * KV_WIDTH + kv_column(head), HEAD) / sqrtf(HEAD);
        most = fmaxf(most, weight[j]);
    }
    for (size_t j = 0; j <= t; j++)
        sum += weight[j] = expf(weight[j] - most);
    memset(out, 0, HEAD * sizeof *out);
    for (size_t j = 0; j <= t; j++) {
        weight[j] /= sum;
        add(out, state->value + j * KV_WIDTH + kv_column(head), weight[j], HEAD);
    }
}

/* The gradients of what attention was made from. */
struct attention {
    float query[LENGTH_MAX * WIDTH], key[LENGTH_MAX * KV_WIDTH], value[LENGTH_MAX * KV_WIDTH];
};

static void attend_back(struct layer_state *state, struct attention *gradient, const float *back,
                        size_t t, int head)
{
    const float *query = state->query + t * WIDTH + (ptrdiff_t)head * HEAD;
    float *query_back = gradient->query + t * WIDTH + (ptrdiff_t)head * HEAD;
    const float *weight = weights_of(state, head, t);
    ptrdiff_t column = kv_column(head);
    float slopes[LENGTH_MAX];
    float sum = 0;
    for (size_t j = 0; j <= t; j++) {
        slopes[j] = dot(back, state->value + j * KV_WIDTH + column, HEAD);
        sum += weight[j] * slopes[j];
        add(gradient->value + j * KV_WIDTH + column, back, weight[j], HEAD);
    }
    for (size_t j = 0; j <= t; j++) {
        float slope = weight[j] * (slopes[j] - sum) / sqrtf(HEAD);
        add(query_back, state->key + j * KV_WIDTH + column, slope, HEAD);
        add(gradient->key + j * KV_WIDTH + column, query, slope, HEAD);
    }
}

/* From layer->in to out. */
static void forward_layer(struct layer_state *state, float *out, const struct layer *layer,
                          size_t length)
{
    normalize(state->norm, state->scale, layer->attention_norm, state->in, length);
    multiply(state->query, layer->query, state->norm, length, WIDTH, WIDTH);
    multiply(state->key, layer->key, state->norm, length, KV_WIDTH, WIDTH);
    multiply(state->value, layer->value, state->norm, length, KV_WIDTH, WIDTH);
    for (size_t t = 0; t < length; t++) {
        rotate(state->query + t * WIDTH, HEADS, t, 1);
        rotate(state->key + t * KV_WIDTH, KV_HEADS, t, 1);
    }
    for (size_t t = 0; t < length; t++)
        for (int head = 0; head < HEADS; head++)
            attend(state, t, head);
    multiply(state->mid, layer->out, state->heads, length, WIDTH, WIDTH);
    add(state->mid, state->in, 1, (int)(length * WIDTH));
    normalize(state->mid_norm, state->mid_scale, layer->inner_norm, state->mid, length);
    multiply(state->gate, layer->gate, state->mid_norm, length, INNER, WIDTH);
    multiply(state->up, layer->up, state->mid_norm, length, INNER, WIDTH);
    for (size_t i = 0; i < length * INNER; i++)
        state->inner[i] = state->gate[i] / (1 + expf(-state->gate[i])) * state->up[i];
    multiply(out, layer->down, state->inner, length, WIDTH, INNER);
    add(out, state->mid, 1, (int)(length * WIDTH));
}

/* back: the gradient of what came out; becomes that of what went in. */
static void backward_inner(struct layer_state *state, float *back, const struct layer *layer,
                           struct layer *gradient, size_t length)
{
    static float inner[LENGTH_MAX * INNER], gate[LENGTH_MAX * INNER], norm[LENGTH_MAX * WIDTH];
    struct product down = {gradient->down, layer->down, state->inner, WIDTH, INNER};
    struct product gates = {gradient->gate, layer->gate, state->mid_norm, INNER, WIDTH};
    struct product ups = {gradient->up, layer->up, state->mid_norm, INNER, WIDTH};
    struct norm norms = {gradient->inner_norm, layer->inner_norm, state->mid, state->mid_scale};
    memset(inner, 0, sizeof inner);
    memset(norm, 0, sizeof norm);
    multiply_back(&down, inner, back, length);
    for (size_t i = 0; i < length * INNER; i++) {
        float chance = 1 / (1 + expf(-state->gate[i]));
        float slope = inner[i];
        gate[i] = slope * state->up[i] * chance * (1 + state->gate[i] * (1 - chance));
        inner[i] = slope * state->gate[i] * chance;
    }
    multiply_back(&gates, norm, gate, length);
    multiply_back(&ups, norm, inner, length);
    normalize_back(&norms, back, norm, length);
}

static void backward_attention(struct layer_state *state, float *back, const struct layer *layer,
                               struct layer *gradient, size_t length)
{
    static float heads[LENGTH_MAX * WIDTH], norm[LENGTH_MAX * WIDTH];
    static struct attention slopes;
    struct product out = {gradient->out, layer->out, state->heads, WIDTH, WIDTH};
    struct product query = {gradient->query, layer->query, state->norm, WIDTH, WIDTH};
    struct product key = {gradient->key, layer->key, state->norm, KV_WIDTH, WIDTH};
    struct product value = {gradient->value, layer->value, state->norm, KV_WIDTH, WIDTH};
    struct norm norms = {gradient->attention_norm, layer->attention_norm, state->in, state->scale};
    memset(heads, 0, sizeof heads);
    memset(norm, 0, sizeof norm);
    memset(&slopes, 0, sizeof slopes);
    multiply_back(&out, heads, back, length);
    for (size_t t = 0; t < length; t++)
        for (int head = 0; head < HEADS; head++)
            attend_back(state, &slopes, heads + t * WIDTH + (ptrdiff_t)head * HEAD, t, head);
    for (size_t t = 0; t < length; t++) {
        rotate(slopes.query + t * WIDTH, HEADS, t, -1);
        rotate(slopes.key + t * KV_WIDTH, KV_HEADS, t, -1);
    }
    multiply_back(&query, norm, slopes.query, length);
    multiply_back(&key, norm, slopes.key, length);
    multiply_back(&value, norm, slopes.value, length);
    normalize_back(&norms, back, norm, length);
}

/* Chances from logits, in place. */
static void soften(float *row)
{
    float most = row[0];
    float sum = 0;
    for (int i = 1; i < TOKENS; i++)
        most = fmaxf(most, row[i]);
    for (int i = 0; i < TOKENS; i++)
        sum += row[i] = expf(row[i] - most);
    for (int i = 0; i < TOKENS; i++)
        row[i] /= sum;
}

double train_forward(struct state *state, const struct weights *weights,
                     const struct sequence *sequence)
{
    size_t length = sequence->count - 1;
    double loss = 0;
    for (size_t t = 0; t < length; t++)
        memcpy(state->layers[0].in + t * WIDTH,
               weights->embedding + (size_t)sequence->tokens[t] * WIDTH, WIDTH * sizeof(float));
    for (int i = 0; i < LAYERS; i++)
        forward_layer(&state->layers[i], i + 1 < LAYERS ? state->layers[i + 1].in : state->out,
                      &weights->layers[i], length);
    normalize(state->norm, state->scale, weights->output_norm, state->out, length);
    multiply(state->chance, weights->embedding, state->norm, length, TOKENS, WIDTH);
    for (size_t t = 0; t < length; t++) {
        soften(state->chance + t * TOKENS);
        loss -= log((double)state->chance[t * TOKENS + sequence->tokens[t + 1]] + 1e-30);
    }
    return loss / (double)length;
}

void train_backward(struct state *state, const struct weights *weights, struct weights *gradient,
                    const struct sequence *sequence)
{
    static float norm[LENGTH_MAX * WIDTH], back[LENGTH_MAX * WIDTH];
    size_t length = sequence->count - 1;
    struct product output = {gradient->embedding, weights->embedding, state->norm, TOKENS, WIDTH};
    struct norm norms = {gradient->output_norm, weights->output_norm, state->out, state->scale};
    memset(norm, 0, sizeof norm);
    memset(back, 0, sizeof back);
    for (size_t t = 0; t < length; t++) {
        state->chance[t * TOKENS + sequence->tokens[t + 1]] -= 1;
        for (int i = 0; i < TOKENS; i++)
            state->chance[t * TOKENS + (size_t)i] /= (float)length;
    }
    multiply_back(&output, norm, state->chance, length);
    normalize_back(&norms, back, norm, length);
    for (int i = LAYERS - 1; i >= 0; i--) {
        backward_inner(&state->layers[i], back, &weights->layers[i], &gradient->layers[i], length);
        backward_attention(&state->layers[i], back, &weights->layers[i], &gradient->layers[i],
                           length);
    }
    for (size_t t = 0; t < length; t++)
        add(gradient->embedding + (size_t)sequence->tokens[t] * WIDTH, back + t * WIDTH, 1, WIDTH);
}

bool train_is_learned(struct state *state, const struct weights *weights,
                      const struct sequence *sequence)
{
    train_forward(state, weights, sequence);
    for (size_t t = sequence->prompt - 1; t + 1 < sequence->count; t++) {
        const float *row = state->chance + t * TOKENS;
        for (int i = 0; i < TOKENS; i++)
            if (row[i] > row[sequence->tokens[t + 1]])
                return false;
    }
    return true;
}
