/* matrix.h - a weight that rows are multiplied by, ready for it, and vectors beside it.
 *
 * A product is the row that gpu/row says is stored, times the input, summed by four (kernel.h),
 * and the bias added last.
 *
 *   shapes     (rows, columns) = (out, in)
 *   ownership  matrix_clear frees; the model is borrowed
 *   threads    immutable once made; any thread may multiply
 */
#pragma once

#include "gpu/view.h"

struct matrix {
    struct view view;
    float *bias;    /* NULL: none */
    uint64_t bytes; /* as stored */
};

/* The weight and its bias. The model must have the weight. */
void matrix_make(struct matrix *matrix, const struct model *model, struct weight_id id);
void matrix_clear(struct matrix *matrix);

/* in: (count, columns); out: (count, rows). */
void matrix_multiply(const struct matrix *matrix, float *out, const float *in, uint32_t count);

/* A vector's numbers, to be freed. NULL when the model has no such vector. */
float *matrix_vector(const struct model *model, struct weight_id id);
