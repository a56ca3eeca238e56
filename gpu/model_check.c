#include "gpu/model_check.h"

#include <stdlib.h>

#include "shared/err.h"
#include "shared/scan.h"

/* GPT-2's matrices lie in safetensors as (in, out). */
static bool is_turned(const struct model *model, struct weight_id id)
{
    return model->format == WEIGHT_SAFETENSORS && model->hyper.family == HYPER_GPT2 &&
           weight_is_in_layer(id.weight) && !id.is_bias;
}

static bool check_shape(const struct model *model, struct weight_id id, const struct tensor *tensor,
                        struct err *err)
{
    struct weight_shape shape = weight_shape(&model->hyper, id);
    uint32_t rows = shape.rows;
    uint32_t columns = shape.columns;
    bool is_vector = shape.columns == 1;
    if (is_turned(model, id) && !is_vector) {
        rows = shape.columns;
        columns = shape.rows;
    }
    if (tensor->dims != (is_vector ? 1 : 2) || tensor->shape[0] != rows ||
        tensor->shape[1] != columns)
        return err_set(err, ERR_INVALID, "'%s' is %llu x %llu; %u x %u expected",
                       scan_word(tensor->name).at, (unsigned long long)tensor->shape[0],
                       (unsigned long long)tensor->shape[1], rows, columns);
    if (!dtype_is_weight(tensor->type) || (is_vector && dtype_block(tensor->type).elements > 1))
        return err_set(err, ERR_UNSUPPORTED, "'%s' is of type %s", scan_word(tensor->name).at,
                       dtype_name(tensor->type));
    return true;
}

static bool add_tensor(struct model *model, const struct tensor *tensor, struct err *err)
{
    struct weight_id id;
    struct scan_word name = scan_word(tensor->name);
    if (weight_is_ballast(tensor->name))
        return true;
    if (!weight_find(&id, model->hyper.family, model->format, tensor->name) ||
        weight_need(&model->hyper, id) == WEIGHT_UNKNOWN)
        return err_set(err, ERR_UNSUPPORTED, "'%s' has no place in a model of the %s family",
                       name.at, hyper_family_name(model->hyper.family));
    if (weight_is_in_layer(id.weight) && id.layer >= model->hyper.layers)
        return err_set(err, ERR_INVALID, "'%s' is of layer %u; there are %u", name.at, id.layer,
                       model->hyper.layers);
    if (!check_shape(model, id, tensor, err))
        return false;
    if (id.weight == WEIGHT_OUTPUT && model->hyper.is_tied)
        return true; /* a copy of the embedding, by the configuration's word */
    if (model->weight_count == TENSORS_MAX)
        return err_set(err, ERR_INVALID, "more than %d tensors", TENSORS_MAX);
    model->weights =
        arena_grow(&model->arena, struct model_weight, model->weights, model->weight_count);
    model->weights[model->weight_count++] = (struct model_weight){id, tensor};
    return true;
}

bool model_check_add(struct model *model, const struct tensor_list *list, struct err *err)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (!add_tensor(model, &list->at[i], err))
            return false;
    return true;
}

static int by_id(const void *a, const void *b)
{
    struct weight_id left = ((const struct model_weight *)a)->id;
    struct weight_id right = ((const struct model_weight *)b)->id;
    if (weight_is_in_layer(left.weight) && weight_is_in_layer(right.weight) &&
        left.layer != right.layer)
        return left.layer < right.layer ? -1 : 1;
    if (left.weight != right.weight)
        return left.weight < right.weight ? -1 : 1;
    return (int)left.is_bias - (int)right.is_bias;
}

const struct model_weight *model_find(const struct model *model, struct weight_id id)
{
    struct model_weight wanted = {.id = id};
    if (model->weights == NULL)
        return NULL;
    return bsearch(&wanted, model->weights, model->weight_count, sizeof wanted, by_id);
}

static bool has(const struct model *model, enum weight weight, uint32_t layer)
{
    return model_find(model, (struct weight_id){.weight = weight, .layer = layer}) != NULL;
}

static bool miss(struct weight_id id, struct err *err)
{
    return err_set(err, ERR_INVALID, "the model lacks %s", weight_name(id).at);
}

/* Whole, or in all of its parts, and not both. */
static bool check_parts(const struct model *model, uint32_t layer, enum weight whole,
                        const enum weight *parts, size_t part_count, struct err *err)
{
    size_t found = 0;
    enum weight missing = whole;
    for (size_t i = 0; i < part_count; i++)
        if (has(model, parts[i], layer))
            found++;
        else
            missing = parts[i];
    struct weight_id id = {.weight = whole, .layer = layer};
    if (has(model, whole, layer)) {
        if (found > 0)
            return err_set(err, ERR_INVALID, "%s is there whole and in parts", weight_name(id).at);
        return true;
    }
    id.weight = missing;
    return found == part_count || miss(id, err);
}

static bool check_layer(const struct model *model, uint32_t layer, struct err *err)
{
    static const enum weight attention[] = {WEIGHT_QUERY, WEIGHT_KEY, WEIGHT_VALUE};
    static const enum weight inner[] = {WEIGHT_GATE, WEIGHT_UP};
    if (!check_parts(model, layer, WEIGHT_QUERY_KEY_VALUE, attention, ARRAY_LEN(attention), err))
        return false;
    return model->hyper.family == HYPER_GPT2 ||
           check_parts(model, layer, WEIGHT_GATE_UP, inner, ARRAY_LEN(inner), err);
}

static bool check_needed(const struct model *model, struct weight_id id, struct err *err)
{
    for (int is_bias = 0; is_bias < 2; is_bias++) {
        id.is_bias = is_bias != 0;
        if (weight_need(&model->hyper, id) == WEIGHT_NEEDED && model_find(model, id) == NULL)
            return miss(id, err);
    }
    return true;
}

bool model_check_complete(struct model *model, struct err *err)
{
    if (model->weight_count > 0)
        qsort(model->weights, model->weight_count, sizeof *model->weights, by_id);
    for (uint32_t i = 1; i < model->weight_count; i++)
        if (by_id(&model->weights[i - 1], &model->weights[i]) == 0)
            return err_set(err, ERR_INVALID, "two tensors are %s",
                           weight_name(model->weights[i].id).at);
    for (enum weight weight = 0; weight < WEIGHT_COUNT; weight++) {
        uint32_t layers = weight_is_in_layer(weight) ? model->hyper.layers : 1;
        for (uint32_t layer = 0; layer < layers; layer++)
            if (!check_needed(model, (struct weight_id){.weight = weight, .layer = layer}, err))
                return false;
    }
    for (uint32_t layer = 0; layer < model->hyper.layers; layer++)
        if (!check_layer(model, layer, err))
            return false;
    return true;
}
