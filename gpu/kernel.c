#include "gpu/kernel.h"

#include <math.h>

#include "gpu/half.h"
#include "gpu/scalar.h"

enum { LANES = 16 };

float kernel_exp(float x)
{
    return scalar_exp(x);
}

float kernel_dot(const float *a, const float *b, uint32_t count)
{
    float sums[4] = {0};
    for (uint32_t k = 0; k < count; k++)
        sums[k % 4] = fmaf(a[k], b[k], sums[k % 4]);
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

static float fold(float *lanes)
{
    for (uint32_t half = LANES / 2; half > 0; half /= 2)
        for (uint32_t i = 0; i < half; i++)
            lanes[i] += lanes[i + half];
    return lanes[0];
}

float kernel_sum(const float *in, uint32_t count)
{
    float lanes[LANES] = {0};
    for (uint32_t k = 0; k < count; k++)
        lanes[k % LANES] += in[k];
    return fold(lanes);
}

/* The sum of the squares of in - mean, by lanes. */
static float sum_squares(const float *in, uint32_t count, float mean)
{
    float lanes[LANES] = {0};
    for (uint32_t k = 0; k < count; k++) {
        float x = in[k] - mean;
        lanes[k % LANES] = fmaf(x, x, lanes[k % LANES]);
    }
    return fold(lanes);
}

void kernel_rmsnorm(float *out, const float *in, const float *gain, uint32_t count, float epsilon)
{
    float scale = 1 / sqrtf(sum_squares(in, count, 0) / (float)count + epsilon);
    for (uint32_t i = 0; i < count; i++)
        out[i] = in[i] * scale * gain[i];
}

void kernel_layernorm(float *out, const float *in, const struct kernel_layernorm *norm)
{
    float count = (float)norm->count;
    float mean = kernel_sum(in, norm->count) / count;
    float scale = 1 / sqrtf(sum_squares(in, norm->count, mean) / count + norm->epsilon);
    for (uint32_t i = 0; i < norm->count; i++)
        out[i] = fmaf((in[i] - mean) * scale, norm->gain[i], norm->bias[i]);
}

void kernel_rotate(float *head, const float *turns, uint32_t rotary)
{
    uint32_t half = rotary / 2;
    for (uint32_t i = 0; i < half; i++) {
        float cosine = turns[2 * (size_t)i];
        float sine = turns[2 * (size_t)i + 1];
        float x = head[i];
        float y = head[i + half];
        head[i] = fmaf(x, cosine, -(y * sine));
        head[i + half] = fmaf(y, cosine, x * sine);
    }
}

void kernel_activate(float *out, const float *gate, uint32_t count, enum hyper_activation act)
{
    for (uint32_t i = 0; i < count; i++) {
        float x = gate == NULL ? out[i] : gate[i];
        float y = act == HYPER_SILU ? scalar_silu(x) : scalar_gelu(x);
        out[i] = gate == NULL ? y : y * out[i];
    }
}

void kernel_cap(float *x, uint32_t count, float cap)
{
    for (uint32_t i = 0; i < count; i++)
        x[i] = scalar_cap(x[i], cap);
}

static float load(const char *at, enum dtype type, size_t index)
{
    float value;
    uint16_t half;
    if (type == DTYPE_F32) {
        memcpy(&value, at + index * sizeof value, sizeof value);
        return value;
    }
    memcpy(&half, at + index * sizeof half, sizeof half);
    return half_bf16_to_float(half);
}

static void store(char *at, enum dtype type, size_t index, float value)
{
    uint16_t half = half_bf16_from_float(value);
    if (type == DTYPE_F32)
        memcpy(at + index * sizeof value, &value, sizeof value);
    else
        memcpy(at + index * sizeof half, &half, sizeof half);
}

void kernel_keep(const struct kernel_place *place, const float *key, const float *value)
{
    for (uint32_t i = 0; i < place->head_size; i++) {
        store(place->keys, place->type, (size_t)i * EXEC_PAGE + place->slot, key[i]);
        store(place->values, place->type, (size_t)place->slot * place->head_size + i, value[i]);
    }
}

/* How well each position of a page fits. */
static void score_page(float *scores, const struct kernel_attention *attention, const char *keys)
{
    for (uint32_t slot = 0; slot < EXEC_PAGE; slot++) {
        float sums[4] = {0};
        for (uint32_t i = 0; i < attention->head_size; i++)
            sums[i % 4] =
                fmaf(attention->query[i], load(keys, attention->type, (size_t)i * EXEC_PAGE + slot),
                     sums[i % 4]);
        scores[slot] = ((sums[0] + sums[1]) + (sums[2] + sums[3])) * attention->scale;
    }
    if (attention->cap != 0)
        kernel_cap(scores, EXEC_PAGE, attention->cap);
}

/* Scores to weights, whose sum is told: 0 for what lies before first. */
static float weigh(float *scores, uint32_t before, uint32_t count)
{
    float most = -INFINITY;
    for (uint32_t i = before; i < count; i++)
        most = scores[i] > most ? scores[i] : most;
    for (uint32_t i = 0; i < count; i++)
        scores[i] = i < before ? 0 : kernel_exp(scores[i] - most);
    return kernel_sum(scores, count);
}

void kernel_attend(float *out, float *scores, const struct kernel_attention *attention)
{
    uint32_t size = attention->head_size;
    uint32_t begin = attention->first / EXEC_PAGE * EXEC_PAGE;
    for (uint32_t at = begin; at < attention->end; at += EXEC_PAGE) {
        size_t page = attention->pages[at / EXEC_PAGE] * attention->page_bytes;
        score_page(scores + (at - begin), attention, attention->slab + page + attention->keys);
    }
    float sum = weigh(scores, attention->first - begin, attention->end - begin);
    memset(out, 0, size * sizeof *out);
    for (uint32_t at = attention->first; at < attention->end; at++) {
        size_t page = attention->pages[at / EXEC_PAGE] * attention->page_bytes;
        const char *values = attention->slab + page + attention->values;
        size_t row = (size_t)(at % EXEC_PAGE) * size;
        for (uint32_t i = 0; i < size; i++)
            out[i] = fmaf(scores[at - begin], load(values, attention->type, row + i), out[i]);
    }
    for (uint32_t i = 0; i < size; i++)
        out[i] /= sum;
}
