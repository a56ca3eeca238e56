#include "gpu/matrix.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "gpu/model.h"
#include "gpu/pool.h"
#include "gpu/simd.h"
#include "gpu/tile.h"

/* Tiles that a thread takes at once; rows that a tile meets while it is near. */
enum { CHUNK_TILES = 4, NEAR_ROWS = 24, HUGE_PAGE = 1 << 21 };

float *matrix_vector(const struct model *model, struct weight_id id)
{
    struct view view;
    if (!view_find(&view, model, id))
        return NULL;
    float *vector = calloc(view.rows, sizeof *vector);
    if (vector == NULL)
        abort();
    view_read_vector(&view, vector);
    return vector;
}

static uint32_t tiles_of(const struct matrix *matrix)
{
    return (matrix->rows + TILE_ROWS - 1) / TILE_ROWS;
}

static uint32_t chunks_of(const struct matrix *matrix)
{
    return (tiles_of(matrix) + CHUNK_TILES - 1) / CHUNK_TILES;
}

static uint32_t chunk_end(const struct matrix *matrix, uint32_t chunk)
{
    uint32_t tiles = tiles_of(matrix);
    return tiles / CHUNK_TILES == chunk ? tiles : (chunk + 1) * CHUNK_TILES;
}

/* Whole huge pages: a step reads all of a matrix, and small pages would cost more than reading. */
static char *room(size_t bytes)
{
    size_t alignment = bytes < HUGE_PAGE ? 64 : HUGE_PAGE;
    char *at = aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
    if (at == NULL)
        abort();
    if (alignment == HUGE_PAGE)
        (void)madvise(at, bytes, MADV_HUGEPAGE);
    return at;
}

struct packing {
    const struct matrix *matrix;
    const struct view *view;
};

static void pack_chunk(void *job, uint32_t chunk, uint32_t thread)
{
    const struct packing *packing = job;
    const struct matrix *matrix = packing->matrix;
    uint64_t bytes = tile_bytes(matrix->type, matrix->columns);
    (void)thread;
    for (uint32_t tile = chunk * CHUNK_TILES; tile < chunk_end(matrix, chunk); tile++)
        tile_pack(matrix->tiles + tile * bytes, packing->view, tile * TILE_ROWS);
}

void matrix_pack(struct matrix *matrix, const struct view *view, struct pool *pool)
{
    struct packing packing = {matrix, view};
    enum dtype type = view->tensor->type;
    uint64_t row;
    *matrix = (struct matrix){.rows = view->rows, .columns = view->columns, .type = type};
    bool ok = dtype_bytes(&row, type, view->columns);
    assert(ok);
    matrix->bytes = row * view->rows;
    matrix->tiles = room(tile_bytes(type, view->columns) * tiles_of(matrix));
    pool_run(pool, pack_chunk, &packing, chunks_of(matrix));
}

void matrix_make(struct matrix *matrix, const struct model *model, struct weight_id id,
                 struct pool *pool)
{
    struct view view;
    bool ok = view_find(&view, model, id);
    assert(ok);
    matrix_pack(matrix, &view, pool);
    id.is_bias = true;
    matrix->bias = matrix_vector(model, id);
}

void matrix_clear(struct matrix *matrix)
{
    free(matrix->tiles);
    free(matrix->bias);
    *matrix = (struct matrix){0};
}

/* The rows of a tile, for the inputs from first on. */
static void multiply_near(const struct matrix_product *product, uint32_t tile, uint32_t first)
{
    const struct matrix *matrix = product->matrix;
    float out[NEAR_ROWS * TILE_ROWS];
    uint32_t row = tile * TILE_ROWS;
    uint32_t rows = matrix->rows - row < TILE_ROWS ? matrix->rows - row : TILE_ROWS;
    struct tile_call call = {.tile =
                                 matrix->tiles + tile * tile_bytes(matrix->type, matrix->columns),
                             .type = matrix->type,
                             .columns = matrix->columns,
                             .count = product->count - first,
                             .in = product->in + (size_t)first * matrix->columns,
                             .out = out};
    if (call.count > NEAR_ROWS)
        call.count = NEAR_ROWS;
    product->simd->multiply(&call);
    for (uint32_t n = 0; n < call.count; n++) {
        float *to = product->outs == NULL ? product->out + (size_t)(first + n) * matrix->rows
                                          : product->outs[first + n];
        to += row;
        for (uint32_t i = 0; i < rows; i++)
            to[i] = out[n * TILE_ROWS + i] + (matrix->bias == NULL ? 0 : matrix->bias[row + i]);
    }
}

static void multiply_chunk(void *job, uint32_t chunk, uint32_t thread)
{
    const struct matrix_product *product = job;
    (void)thread;
    for (uint32_t tile = chunk * CHUNK_TILES; tile < chunk_end(product->matrix, chunk); tile++)
        for (uint32_t first = 0; first < product->count; first += NEAR_ROWS)
            multiply_near(product, tile, first);
}

void matrix_multiply(const struct matrix_product *product, struct pool *pool)
{
    struct matrix_product job = *product;
    pool_run(pool, multiply_chunk, &job, chunks_of(product->matrix));
}
