/* view.h - a weight as the arithmetic wants it: rows of outputs, whatever way it is stored.
 *
 * It hides three habits of files: several weights in one matrix; GPT-2's safetensors, which store
 * (in, out); and GGUF files of the llama family, whose query and key rows are in the order of
 * neighbouring pairs, where ours is of halves.
 *
 *   shapes     (rows, columns) = (out, in); a vector has rows alone
 *   ownership  borrowed from the model
 *   threads    immutable; any thread may read
 */
#pragma once

#include "gpu/dtype.h"
#include "gpu/weight.h"

struct model;
struct tensor;

struct view {
    const struct tensor *tensor;
    uint32_t rows, columns;
    uint32_t first;     /* row of the stored matrix */
    uint32_t pair_rows; /* rows of a head whose pairs lie beside each other; 0: none do */
    bool is_transposed;
};

/* False when the model has no such weight: an absent bias. A part of a joined matrix is found as
 * if it were by itself; the joined one is found where the file has it so, in order. */
MUST_CHECK bool view_find(struct view *view, const struct model *model, struct weight_id id);

/* The stored row, columns elements of tensor->type. NULL where the rows are not stored as such. */
const void *view_row(const struct view *view, uint32_t row);

/* A row as floats; of any view. */
void view_read_row(const struct view *view, float *out, uint32_t row);

/* All rows of a vector. */
void view_read_vector(const struct view *view, float *out);
