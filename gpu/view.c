#include "gpu/view.h"

#include <assert.h>

#include "gpu/model.h"
#include "gpu/row.h"

/* The joined matrix of which a weight is a part, and the row at which it begins there. */
static bool find_whole(const struct hyper *hyper, struct weight_id *id, uint32_t *first)
{
    uint32_t query = hyper->heads * hyper->head_size;
    uint32_t key = hyper->kv_heads * hyper->head_size;
    if (id->weight == WEIGHT_GATE || id->weight == WEIGHT_UP) {
        *first = id->weight == WEIGHT_UP ? hyper->inner : 0;
        id->weight = WEIGHT_GATE_UP;
        return true;
    }
    if (id->weight != WEIGHT_QUERY && id->weight != WEIGHT_KEY && id->weight != WEIGHT_VALUE)
        return false;
    *first = id->weight == WEIGHT_QUERY ? 0 : id->weight == WEIGHT_KEY ? query : query + key;
    id->weight = WEIGHT_QUERY_KEY_VALUE;
    return true;
}

bool view_find(struct view *view, const struct model *model, struct weight_id id)
{
    const struct hyper *hyper = &model->hyper;
    struct weight_shape shape = weight_shape(hyper, id);
    bool is_paired = model->format == WEIGHT_GGUF && hyper->family == HYPER_LLAMA &&
                     (id.weight == WEIGHT_QUERY || id.weight == WEIGHT_KEY);
    *view = (struct view){.rows = shape.rows, .columns = shape.columns};
    if (id.weight == WEIGHT_OUTPUT && hyper->is_tied)
        id.weight = WEIGHT_EMBEDDING;
    const struct model_weight *found = model_find(model, id);
    if (found == NULL && find_whole(hyper, &id, &view->first))
        found = model_find(model, id);
    if (found == NULL)
        return false;
    view->tensor = found->tensor;
    view->pair_rows = is_paired ? hyper->head_size : 0;
    view->is_transposed = model->format == WEIGHT_SAFETENSORS && hyper->family == HYPER_GPT2 &&
                          weight_is_in_layer(id.weight) && shape.columns > 1;
    return true;
}

/* Where a row is stored: of a head's rows, the first half at even places, the second at odd. */
static size_t stored_row(const struct view *view, uint32_t row)
{
    assert(row < view->rows);
    if (view->pair_rows == 0)
        return (size_t)view->first + row;
    uint32_t half = view->pair_rows / 2;
    uint32_t in = row % view->pair_rows;
    return (size_t)view->first + row - in + (in < half ? 2 * in : 2 * (in - half) + 1);
}

const void *view_row(const struct view *view, uint32_t row)
{
    uint64_t bytes;
    if (view->is_transposed)
        return NULL;
    bool ok = dtype_bytes(&bytes, view->tensor->type, view->columns);
    assert(ok);
    return view->tensor->data.at + stored_row(view, row) * bytes;
}

void view_read_row(const struct view *view, float *out, uint32_t row)
{
    const struct tensor *tensor = view->tensor;
    if (!view->is_transposed) {
        row_read(out, tensor->type, view_row(view, row), view->columns);
        return;
    }
    size_t bytes = dtype_block(tensor->type).bytes; /* of plain types: a block is an element */
    const char *at = tensor->data.at + stored_row(view, row) * bytes;
    for (uint32_t i = 0; i < view->columns; i++)
        row_read(out + i, tensor->type, at + i * tensor->shape[1] * bytes, 1);
}

void view_read_vector(const struct view *view, float *out)
{
    assert(view->columns == 1);
    for (uint32_t i = 0; i < view->rows; i++)
        view_read_row(view, out + i, i);
}
