#include "gpu/layer.h"

#include <stdlib.h>

#include "gpu/model.h"

void layer_norm_make(struct layer_norm *norm, const struct model *model, enum weight weight,
                     uint32_t layer)
{
    struct weight_id id = {.weight = weight, .layer = layer};
    norm->gain = matrix_vector(model, id);
    for (uint32_t i = 0; norm->gain != NULL && model->hyper.norm_plus_one && i < model->hyper.width;
         i++)
        norm->gain[i] += 1;
    id.is_bias = true;
    norm->bias = matrix_vector(model, id);
}

void layer_norm_clear(struct layer_norm *norm)
{
    free(norm->gain);
    free(norm->bias);
}

bool layer_make(struct layer *layer, const struct model *model, uint32_t index,
                enum dtype_made made, struct pool *pool, struct err *err)
{
    struct view gate;
    struct weight_id id = {.weight = WEIGHT_GATE, .layer = index};
    struct {
        struct matrix *matrix;
        enum weight weight;
    } matrices[] = {{&layer->query, WEIGHT_QUERY}, {&layer->key, WEIGHT_KEY},
                    {&layer->value, WEIGHT_VALUE}, {&layer->attention_out, WEIGHT_ATTENTION_OUT},
                    {&layer->up, WEIGHT_UP},       {&layer->down, WEIGHT_DOWN},
                    {&layer->gate, WEIGHT_GATE}};
    layer->has_gate = model->hyper.family != HYPER_GPT2 && view_find(&gate, model, id);
    for (size_t i = 0; i < ARRAY_LEN(matrices) - !layer->has_gate; i++) {
        id.weight = matrices[i].weight;
        if (!matrix_make(matrices[i].matrix, model, id, made, pool, err))
            return false;
    }
    layer_norm_make(&layer->attention_norm, model, WEIGHT_ATTENTION_NORM, index);
    layer_norm_make(&layer->post_attention_norm, model, WEIGHT_POST_ATTENTION_NORM, index);
    layer_norm_make(&layer->inner_norm, model, WEIGHT_INNER_NORM, index);
    layer_norm_make(&layer->post_inner_norm, model, WEIGHT_POST_INNER_NORM, index);
    return true;
}

void layer_clear(struct layer *layer)
{
    matrix_clear(&layer->query);
    matrix_clear(&layer->key);
    matrix_clear(&layer->value);
    matrix_clear(&layer->attention_out);
    matrix_clear(&layer->gate);
    matrix_clear(&layer->up);
    matrix_clear(&layer->down);
    layer_norm_clear(&layer->attention_norm);
    layer_norm_clear(&layer->post_attention_norm);
    layer_norm_clear(&layer->inner_norm);
    layer_norm_clear(&layer->post_inner_norm);
}
