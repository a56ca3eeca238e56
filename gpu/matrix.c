#include "gpu/matrix.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "gpu/digit_tile.h"
#include "gpu/model.h"
#include "gpu/pool.h"
#include "gpu/simd.h"
#include "shared/err.h"

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
    struct err *errs; /* of each thread */
    bool *has_failed;
};

static void pack_chunk(void *job, uint32_t chunk, uint32_t thread)
{
    const struct packing *packing = job;
    const struct matrix *matrix = packing->matrix;
    uint64_t bytes = tile_bytes(matrix->type, matrix->columns);
    for (uint32_t tile = chunk * CHUNK_TILES; tile < chunk_end(matrix, chunk); tile++) {
        char *at = matrix->tiles + tile * bytes;
        if (!matrix->takes_digits)
            tile_pack(at, packing->view, tile * TILE_ROWS);
        else if (!digit_tile_pack(at, matrix->type, packing->view, tile * TILE_ROWS,
                                  packing->errs + thread))
            packing->has_failed[thread] = true;
    }
}

enum dtype matrix_type(bool *takes_digits, const struct view *view, enum dtype_made made)
{
    enum dtype stored = view->tensor->type;
    *takes_digits = made != DTYPE_AS_STORED && digit_tile_suits(stored, view->columns);
    if (!*takes_digits || dtype_block(stored).elements > 1)
        return stored;
    return made == DTYPE_AS_Q8 ? DTYPE_Q8 : DTYPE_Q4;
}

bool matrix_pack(struct matrix *matrix, const struct view *view, enum dtype_made made,
                 struct pool *pool, struct err *err)
{
    struct err errs[POOL_THREADS_MAX];
    bool has_failed[POOL_THREADS_MAX] = {0};
    struct packing packing = {matrix, view, errs, has_failed};
    bool takes_digits;
    enum dtype type = matrix_type(&takes_digits, view, made);
    uint64_t row;
    *matrix = (struct matrix){
        .rows = view->rows, .columns = view->columns, .type = type, .takes_digits = takes_digits};
    bool ok = dtype_bytes(&row, type, view->columns);
    assert(ok);
    matrix->bytes = row * view->rows;
    matrix->tiles = room(tile_bytes(type, view->columns) * tiles_of(matrix));
    pool_run(pool, pack_chunk, &packing, chunks_of(matrix));
    for (uint32_t i = 0; i < pool_threads(pool); i++)
        if (has_failed[i]) {
            matrix_clear(matrix);
            return err_set(err, errs[i].code, "%s", errs[i].text);
        }
    return true;
}

bool matrix_make(struct matrix *matrix, const struct model *model, struct weight_id id,
                 enum dtype_made made, struct pool *pool, struct err *err)
{
    struct view view;
    struct err why;
    bool ok = view_find(&view, model, id);
    assert(ok);
    if (!matrix_pack(matrix, &view, made, pool, &why))
        return err_set(err, why.code, "%s: %s", weight_name(id).at, why.text);
    id.is_bias = true;
    matrix->bias = matrix_vector(model, id);
    return true;
}

void matrix_clear(struct matrix *matrix)
{
    free(matrix->tiles);
    free(matrix->bias);
    *matrix = (struct matrix){0};
}

/* A product, and its inputs' digits where the matrix takes them. */
struct multiplying {
    const struct matrix_product *product;
    struct digits digits;
};

/* Those of inputs from first on. */
static struct digits digits_of(const struct multiplying *multiplying, uint32_t first)
{
    uint32_t columns = multiplying->product->matrix->columns;
    size_t blocks = (size_t)first * (columns / DIGITS_BLOCK);
    struct digits digits = multiplying->digits;
    return (struct digits){digits.at + (size_t)first * columns, digits.scales + blocks,
                           digits.sums + blocks};
}

static void digit_chunk(void *job, uint32_t chunk, uint32_t thread)
{
    const struct multiplying *multiplying = job;
    const struct matrix_product *product = multiplying->product;
    struct digits digits = digits_of(multiplying, chunk);
    (void)thread;
    product->simd->digits(&digits, product->in + (size_t)chunk * product->matrix->columns,
                          product->matrix->columns);
}

/* The rows of a tile, for the inputs from first on. */
static void multiply_near(const struct multiplying *multiplying, uint32_t tile, uint32_t first)
{
    const struct matrix_product *product = multiplying->product;
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
    if (matrix->takes_digits)
        call.digits = digits_of(multiplying, first);
    (matrix->takes_digits ? product->simd->multiply_digits : product->simd->multiply)(&call);
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
    const struct multiplying *multiplying = job;
    const struct matrix_product *product = multiplying->product;
    (void)thread;
    for (uint32_t tile = chunk * CHUNK_TILES; tile < chunk_end(product->matrix, chunk); tile++)
        for (uint32_t first = 0; first < product->count; first += NEAR_ROWS)
            multiply_near(multiplying, tile, first);
}

void matrix_multiply(const struct matrix_product *product, struct pool *pool)
{
    const struct matrix *matrix = product->matrix;
    struct multiplying job = {.product = product};
    size_t numbers = (size_t)product->count * matrix->columns;
    void *room = NULL;
    if (matrix->takes_digits && numbers > 0) {
        size_t blocks = numbers / DIGITS_BLOCK;
        room = malloc(numbers + blocks * (sizeof(float) + sizeof(int32_t)));
        if (room == NULL)
            abort();
        job.digits.scales = room;
        job.digits.sums = (int32_t *)room + blocks;
        job.digits.at = (int8_t *)room + 2 * blocks * sizeof(float);
        pool_run(pool, digit_chunk, &job, product->count);
    }
    pool_run(pool, multiply_chunk, &job, chunks_of(matrix));
    free(room);
}
