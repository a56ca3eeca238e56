#include "gpu/size.h"

#include "gpu/model.h"

struct size size_of_model(const struct model *model)
{
    const struct hyper *hyper = &model->hyper;
    struct size size = {0};
    for (uint32_t i = 0; i < model->weight_count; i++) {
        struct weight_shape shape = weight_shape(hyper, model->weights[i].id);
        size.parameters += (uint64_t)shape.rows * shape.columns;
        size.stored += model->weights[i].tensor->data.len;
    }
    size.kv_position = (uint64_t)2 * 2 * hyper->layers * hyper->kv_heads * hyper->head_size;
    size.hidden = (uint64_t)2 * hyper->width;
    return size;
}

static uint64_t bytes_of(struct weight_shape shape, enum dtype type)
{
    uint64_t bytes;
    if (shape.columns == 1)
        return (uint64_t)4 * shape.rows;
    if (!dtype_bytes(&bytes, type, shape.columns))
        bytes = (uint64_t)2 * shape.columns;
    return shape.rows * bytes;
}

struct size_run size_of_run(const struct model *model, enum dtype type)
{
    struct size_run run = {0};
    uint64_t layer_bytes = 0;
    uint32_t layer = 0;
    for (uint32_t i = 0; i < model->weight_count; i++) { /* in the order of layers */
        struct weight_id id = model->weights[i].id;
        uint64_t bytes = bytes_of(weight_shape(&model->hyper, id), type);
        run.whole += bytes;
        if (!weight_is_in_layer(id.weight)) {
            run.outer += bytes;
            continue;
        }
        layer_bytes = id.layer == layer ? layer_bytes + bytes : bytes;
        layer = id.layer;
        if (layer_bytes > run.largest_layer)
            run.largest_layer = layer_bytes;
    }
    return run;
}

struct size_fit size_fit(const struct model *model, const struct size_run *run, uint64_t memory)
{
    struct size size = size_of_model(model);
    if (memory >= run->whole + size.kv_position)
        return (struct size_fit){.is_whole = true,
                                 .positions = (memory - run->whole) / size.kv_position,
                                 .layers = model->hyper.layers};
    uint64_t layers = memory < run->outer ? 0 : (memory - run->outer) / run->largest_layer;
    uint32_t all = model->hyper.layers;
    return (struct size_fit){.layers = layers < all ? (uint32_t)layers : all};
}
