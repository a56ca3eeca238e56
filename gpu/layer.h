/* layer.h - the weights of a layer, ready to be computed with.
 *
 *   ownership  layer_clear frees; nothing of the model is kept
 *   threads    immutable once made
 */
#pragma once

#include "gpu/matrix.h"

struct layer_norm {
    float *gain, *bias; /* bias NULL: RMSNorm; gain NULL: none */
};

struct layer {
    struct layer_norm attention_norm, post_attention_norm, inner_norm, post_inner_norm;
    struct matrix query, key, value, attention_out, gate, up, down;
    bool has_gate;
};

/* There may be something to clear even when false. */
MUST_CHECK bool layer_make(struct layer *layer, const struct model *model, uint32_t index,
                           enum dtype_made made, struct pool *pool, struct err *err);
void layer_clear(struct layer *layer);

void layer_norm_make(struct layer_norm *norm, const struct model *model, enum weight weight,
                     uint32_t layer);
void layer_norm_clear(struct layer_norm *norm);
