/* size.h - what a model takes: parameters, bytes as stored and as it would be run, bytes a token.
 *
 * Run as bf16, q8 or q4, matrices are stored so and vectors as f32; keys and values are bf16. A
 * matrix whose rows are no whole blocks stays bf16.
 *
 *   units    bytes, elements, positions
 *   threads  pure
 */
#pragma once

#include "gpu/dtype.h"

struct model;

struct size {
    uint64_t parameters;
    uint64_t stored;      /* the tensors' bytes in the files */
    uint64_t kv_position; /* keys and values of one position, all layers */
    uint64_t hidden;      /* what one position takes between two stages, as f16 */
};

/* Weights in memory, as run. */
struct size_run {
    uint64_t outer; /* embedding, positions, last norm, output */
    uint64_t largest_layer;
    uint64_t whole;
};

struct size size_of_model(const struct model *model);

/* type: DTYPE_BF16, DTYPE_Q8 or DTYPE_Q4. */
struct size_run size_of_run(const struct model *model, enum dtype type);

/* What part of a model goes into memory: all of it and how many positions then, or, when not even
 * one position does, how many layers. */
struct size_fit {
    bool is_whole;
    uint64_t positions; /* of all sessions together; 0 unless it is whole */
    uint32_t layers;
};
struct size_fit size_fit(const struct model *model, const struct size_run *run, uint64_t memory);
