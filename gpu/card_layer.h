/* card_layer.h - the weights of a layer in a card's memory, ready to be computed with.
 *
 *   ownership  card_layer_clear frees; nothing of the model is kept
 *   threads    one
 */
#pragma once

#include "gpu/card.h"
#include "gpu/weight.h"

struct err;
struct model;
struct pool;

struct card_matrix {
    char *weights;
    float *bias; /* NULL: none */
    enum dtype type;
    bool takes_digits; /* as struct matrix */
    uint32_t rows, columns;
    uint64_t pack_bytes;
    uint64_t bytes; /* as stored */
};

struct card_layer_norm {
    float *gain, *bias; /* bias NULL: RMSNorm; gain NULL: none */
};

struct card_layer {
    struct card_layer_norm attention_norm, post_attention_norm, inner_norm, post_inner_norm;
    struct card_matrix query, key, value, attention_out, gate, up, down;
    bool has_gate;
};

/* What makes them. */
struct card_loader {
    const struct card *card;
    const struct model *model;
    struct pool *pool; /* whose threads pack */
    bool is_full;      /* the card had too little memory for all that was made */
    bool has_failed;   /* a number that the smaller type cannot hold, as err says */
    struct err *err;
};

/* What a card had no memory for is NULL, and told by is_full; the rest of what failed is told too,
 * and to be cleared as well. made: of matrices. */
void card_layer_make(struct card_layer *layer, struct card_loader *loader, uint32_t index,
                     enum dtype_made made);
void card_layer_clear(struct card_layer *layer, const struct card *card);

/* The model must have the weight. */
void card_matrix_make(struct card_matrix *matrix, struct card_loader *loader, struct weight_id id,
                      enum dtype_made made);
void card_matrix_clear(struct card_matrix *matrix, const struct card *card);

void card_norm_make(struct card_layer_norm *norm, struct card_loader *loader, enum weight weight,
                    uint32_t layer);
void card_norm_clear(struct card_layer_norm *norm, const struct card *card);
