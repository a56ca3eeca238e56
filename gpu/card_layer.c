#include "gpu/card_layer.h"

#include <assert.h>
#include <stdlib.h>

#include "gpu/layer.h"
#include "gpu/model.h"
#include "gpu/pack.h"
#include "gpu/pool.h"
#include "gpu/row.h"
#include "gpu/tensor.h"
#include "gpu/tile.h"
#include "gpu/view.h"
#include "shared/err.h"

/* NULL when the card is full, or something has failed. */
static void *put(struct card_loader *loader, const void *from, uint64_t bytes)
{
    void *to = loader->is_full || loader->has_failed ? NULL : loader->card->take(bytes);
    if (to != NULL)
        loader->card->put(to, from, bytes);
    else if (!loader->has_failed)
        loader->is_full = true;
    return to;
}

static float *put_vector(struct card_loader *loader, float *vector, uint32_t count)
{
    float *to = vector == NULL ? NULL : put(loader, vector, count * sizeof *vector);
    free(vector);
    return to;
}

struct packing {
    const struct view *view;
    enum dtype type; /* of the packs */
    char *packs;
    uint32_t tiles;
    struct err *errs; /* of each thread */
    bool *has_failed;
};

static char *room(uint64_t bytes)
{
    char *at = malloc(bytes);
    if (at == NULL)
        abort();
    return at;
}

/* A tile of what gpu/row writes of the rows from row on. */
static bool make_tile(char *tile, const struct packing *packing, uint32_t row, struct err *err)
{
    const struct view *view = packing->view;
    uint64_t bytes;
    bool ok = dtype_bytes(&bytes, packing->type, view->columns);
    assert(ok);
    uint32_t count = view->rows - row < TILE_ROWS ? view->rows - row : TILE_ROWS;
    float *numbers = (float *)room(view->columns * sizeof *numbers);
    char *rows = room(count * bytes);
    const struct tensor tensor = {.type = packing->type,
                                  .dims = 2,
                                  .shape = {count, view->columns, 1, 1},
                                  .data = {rows, count * bytes}};
    const struct view made = {.tensor = &tensor, .rows = count, .columns = view->columns};
    for (uint32_t i = 0; ok && i < count; i++) {
        view_read_row(view, numbers, row + i);
        ok = row_write(rows + i * bytes, packing->type, numbers, view->columns, err);
    }
    if (ok)
        tile_pack(tile, &made, 0);
    free(numbers);
    free(rows);
    return ok;
}

static void pack_chunk(void *job, uint32_t chunk, uint32_t thread)
{
    const struct packing *packing = job;
    const struct view *view = packing->view;
    enum dtype type = packing->type;
    char *tile = room(tile_bytes(type, view->columns));
    uint64_t bytes = 2 * pack_bytes(type, view->columns);
    for (uint32_t i = chunk; i < packing->tiles; i += POOL_CHUNKS_MAX) {
        if (type == view->tensor->type)
            tile_pack(tile, view, i * TILE_ROWS);
        else if (!make_tile(tile, packing, i * TILE_ROWS, packing->errs + thread)) {
            packing->has_failed[thread] = true;
            break;
        }
        pack_tile(packing->packs + i * bytes, tile, type, view->columns);
    }
    free(tile);
}

/* Says what the first thread that failed says. */
static void pack_all(struct card_loader *loader, struct packing *packing, struct weight_id id)
{
    struct err errs[POOL_THREADS_MAX];
    bool has_failed[POOL_THREADS_MAX] = {0};
    packing->errs = errs;
    packing->has_failed = has_failed;
    pool_run(loader->pool, pack_chunk, packing,
             packing->tiles < POOL_CHUNKS_MAX ? packing->tiles : POOL_CHUNKS_MAX);
    for (uint32_t i = 0; i < pool_threads(loader->pool) && !loader->has_failed; i++) {
        loader->has_failed = has_failed[i];
        if (has_failed[i])
            (void)err_set(loader->err, errs[i].code, "%s: %s", weight_name(id).at, errs[i].text);
    }
}

void card_matrix_make(struct card_matrix *matrix, struct card_loader *loader, struct weight_id id,
                      enum dtype_made made)
{
    struct view view;
    uint64_t row;
    bool ok = view_find(&view, loader->model, id);
    assert(ok);
    bool takes_digits;
    enum dtype type = matrix_type(&takes_digits, &view, made);
    ok = dtype_bytes(&row, type, view.columns);
    assert(ok);
    uint32_t tiles = (view.rows + TILE_ROWS - 1) / TILE_ROWS;
    uint64_t bytes = pack_bytes(type, view.columns);
    uint64_t all_bytes = 2 * bytes * tiles;
    struct packing packing = {
        .view = &view, .type = type, .packs = room(all_bytes), .tiles = tiles};
    if (!loader->is_full && !loader->has_failed)
        pack_all(loader, &packing, id);
    *matrix = (struct card_matrix){.weights = put(loader, packing.packs, all_bytes),
                                   .type = type,
                                   .takes_digits = takes_digits,
                                   .rows = view.rows,
                                   .columns = view.columns,
                                   .pack_bytes = bytes,
                                   .bytes = row * view.rows};
    free(packing.packs);
    id.is_bias = true;
    matrix->bias = put_vector(loader, matrix_vector(loader->model, id), view.rows);
}

void card_matrix_clear(struct card_matrix *matrix, const struct card *card)
{
    card->give(matrix->weights);
    card->give(matrix->bias);
    *matrix = (struct card_matrix){0};
}

void card_norm_make(struct card_layer_norm *norm, struct card_loader *loader, enum weight weight,
                    uint32_t layer)
{
    struct layer_norm made;
    uint32_t width = loader->model->hyper.width;
    layer_norm_make(&made, loader->model, weight, layer);
    norm->gain = put_vector(loader, made.gain, width);
    norm->bias = put_vector(loader, made.bias, width);
}

void card_norm_clear(struct card_layer_norm *norm, const struct card *card)
{
    card->give(norm->gain);
    card->give(norm->bias);
    *norm = (struct card_layer_norm){0};
}

void card_layer_make(struct card_layer *layer, struct card_loader *loader, uint32_t index,
                     enum dtype_made made)
{
    struct view gate;
    struct weight_id id = {.weight = WEIGHT_GATE, .layer = index};
    struct {
        struct card_matrix *matrix;
        enum weight weight;
    } matrices[] = {{&layer->query, WEIGHT_QUERY}, {&layer->key, WEIGHT_KEY},
                    {&layer->value, WEIGHT_VALUE}, {&layer->attention_out, WEIGHT_ATTENTION_OUT},
                    {&layer->up, WEIGHT_UP},       {&layer->down, WEIGHT_DOWN},
                    {&layer->gate, WEIGHT_GATE}};
    layer->has_gate =
        loader->model->hyper.family != HYPER_GPT2 && view_find(&gate, loader->model, id);
    for (size_t i = 0; i < ARRAY_LEN(matrices) - !layer->has_gate; i++) {
        id.weight = matrices[i].weight;
        card_matrix_make(matrices[i].matrix, loader, id, made);
    }
    card_norm_make(&layer->attention_norm, loader, WEIGHT_ATTENTION_NORM, index);
    card_norm_make(&layer->post_attention_norm, loader, WEIGHT_POST_ATTENTION_NORM, index);
    card_norm_make(&layer->inner_norm, loader, WEIGHT_INNER_NORM, index);
    card_norm_make(&layer->post_inner_norm, loader, WEIGHT_POST_INNER_NORM, index);
}

void card_layer_clear(struct card_layer *layer, const struct card *card)
{
    card_matrix_clear(&layer->query, card);
    card_matrix_clear(&layer->key, card);
    card_matrix_clear(&layer->value, card);
    card_matrix_clear(&layer->attention_out, card);
    card_matrix_clear(&layer->gate, card);
    card_matrix_clear(&layer->up, card);
    card_matrix_clear(&layer->down, card);
    card_norm_clear(&layer->attention_norm, card);
    card_norm_clear(&layer->post_attention_norm, card);
    card_norm_clear(&layer->inner_norm, card);
    card_norm_clear(&layer->post_inner_norm, card);
}
