/* kernel.h - the operators of a transformer, each as it is meant: one order of every sum.
 *
 * All products that are summed go through fmaf, rounded once. There are two orders:
 *
 *   four   s[k % 4] = fma(a[k], b[k], s[k % 4]), then (s[0] + s[1]) + (s[2] + s[3])
 *          of the rows of a matrix and of query and key: a register keeps many rows' sums
 *   lanes  the same over k % 16, then halves are added to halves: 8, 4, 2, 1
 *          of a vector with itself, in norms, and of what is told of positions
 *
 * Fast versions differ in nothing but speed: they are equal to these bit by bit, on any machine.
 *
 *   shapes     heads are rows of head_size; a page of keys is (head_size, EXEC_PAGE), of values
 *              (EXEC_PAGE, head_size)
 *   ownership  borrowed
 *   threads    pure
 */
#pragma once

#include "gpu/exec.h"
#include "gpu/hyper.h"

/* e^x, to 2 units in the last place; 0 below -87, infinite past 88 */
float kernel_exp(float x);

/* The sum of a[k] * b[k], by four. */
float kernel_dot(const float *a, const float *b, uint32_t count);

/* The sum of count numbers, by lanes. */
float kernel_sum(const float *in, uint32_t count);

/* in / sqrt(mean of squares + epsilon) * gain; out may be in. */
void kernel_rmsnorm(float *out, const float *in, const float *gain, uint32_t count, float epsilon);

/* (in - mean) / sqrt(variance + epsilon) * gain + bias; out may be in. */
struct kernel_layernorm {
    const float *gain, *bias;
    uint32_t count;
    float epsilon;
};
void kernel_layernorm(float *out, const float *in, const struct kernel_layernorm *norm);

/* Turns the pairs (i, i + rotary / 2) of a head; turns: cosine and sine of each. */
void kernel_rotate(float *head, const float *turns, uint32_t rotary);

/* out[i] *= act(gate[i]); without a gate, out[i] = act(out[i]) */
void kernel_activate(float *out, const float *gate, uint32_t count, enum hyper_activation act);

/* cap * tanh(x / cap) */
void kernel_cap(float *x, uint32_t count, float cap);

/* What a head looks for in a session, up to a position of its own. */
struct kernel_attention {
    const float *query;
    const char *slab; /* of pages; this head's keys and values lie keys and values into each */
    const uint32_t *pages;
    size_t page_bytes, keys, values;
    enum dtype type; /* of keys and values */
    uint32_t head_size;
    uint32_t first, end; /* positions seen */
    float scale, cap;    /* cap 0: none */
};

/* scores: room for EXEC_PAGE more than end. */
void kernel_attend(float *out, float *scores, const struct kernel_attention *attention);

/* Puts a position's key and value into their pages. */
struct kernel_place {
    char *keys, *values; /* pages of a head */
    enum dtype type;
    uint32_t head_size;
    uint32_t slot; /* in the page */
};
void kernel_keep(const struct kernel_place *place, const float *key, const float *value);
