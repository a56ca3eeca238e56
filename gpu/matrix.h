/* matrix.h - a weight that rows are multiplied by, packed for it, and vectors beside it.
 *
 * A product is the row that gpu/row says is stored, times the input, as gpu/tile sums it, and the
 * bias added last. A weight may be made smaller as it is packed: what gpu/row writes is then what
 * is stored, and gpu/digit_tile what sums it.
 *
 *   shapes     (rows, columns) = (out, in)
 *   ownership  matrix_clear frees; nothing of the model is kept
 *   threads    immutable once made; any thread may multiply
 *   errors     ERR_INVALID a number that the smaller type cannot hold
 */
#pragma once

#include "gpu/view.h"

struct err;
struct pool;
struct simd;

struct matrix {
    uint32_t rows, columns;
    enum dtype type;
    bool takes_digits; /* tiles are of gpu/digit_tile, not gpu/tile */
    char *tiles;
    float *bias;    /* NULL: none */
    uint64_t bytes; /* as stored */
};

/* What a weight is packed as. takes_digits: as of struct matrix. */
enum dtype matrix_type(bool *takes_digits, const struct view *view, enum dtype_made made);

/* A weight and its bias; the model must have the weight. There is nothing to clear when false. */
MUST_CHECK bool matrix_make(struct matrix *matrix, const struct model *model, struct weight_id id,
                            enum dtype_made made, struct pool *pool, struct err *err);
MUST_CHECK bool matrix_pack(struct matrix *matrix, const struct view *view, enum dtype_made made,
                            struct pool *pool, struct err *err);
void matrix_clear(struct matrix *matrix);

struct matrix_product {
    const struct matrix *matrix;
    const struct simd *simd;
    const float *in; /* (count, columns) */
    float *out;      /* (count, rows) */
    float **outs;    /* NULL, or where each row goes instead */
    uint32_t count;
};
void matrix_multiply(const struct matrix_product *product, struct pool *pool);

/* A vector's numbers, to be freed. NULL when the model has no such vector. */
float *matrix_vector(const struct model *model, struct weight_id id);
