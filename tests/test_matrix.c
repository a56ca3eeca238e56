/* Products over every stored type, against the rows that gpu/row reads, in double. */
#include "gpu/matrix.h"

#include <math.h>
#include <stdlib.h>

#include "gpu/pool.h"
#include "gpu/row.h"
#include "gpu/simd.h"
#include "gpu/tensor.h"
#include "shared/err.h"
#include "tests/random.h"
#include "tests/test.h"

enum { ROWS = 37, COLUMNS = 512, COUNT = 3 };

/* Random bytes, with scales that are finite and small. */
static void fill(uint8_t *bytes, size_t size, enum dtype type)
{
    struct dtype_block block = dtype_block(type);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)random_below(256);
    for (size_t at = 0; at < size; at += block.bytes) {
        uint8_t *high = bytes + at + (type == DTYPE_Q6K ? 209 : type == DTYPE_F32 ? 3 : 1);
        *high = (uint8_t)((*high & 0x83) | 0x3c);
        if (type == DTYPE_Q4K)
            bytes[at + 3] = (uint8_t)((bytes[at + 3] & 0x83) | 0x3c);
    }
}

static const uint8_t *stored; /* rows of the matrix, as they were packed */

/* What a matrix holds that was made of stored rows. */
static void read_row(float *row, enum dtype type, enum dtype made, size_t index)
{
    uint8_t blocks[COLUMNS * 4];
    uint64_t bytes;
    struct err err;
    assert_true(dtype_bytes(&bytes, type, COLUMNS));
    row_read(row, type, stored + index * bytes, COLUMNS);
    if (type == made)
        return;
    assert_true(row_write(blocks, made, row, COLUMNS, &err));
    row_read(row, made, blocks, COLUMNS);
}

/* Each product against that in double; of digits as far as half a step of each allows. */
static void compare(const struct matrix *matrix, enum dtype type, const float *in, const float *out)
{
    float row[COLUMNS];
    for (size_t i = 0; i < ROWS; i++)
        for (size_t j = 0; j < COUNT; j++) {
            double sum = (double)matrix->bias[i];
            double size = sum * 1e-6;
            read_row(row, type, matrix->type, i);
            for (size_t k = 0; k < COLUMNS; k++) {
                sum += (double)row[k] * (double)in[j * COLUMNS + k];
                size += fabs((double)row[k] * (double)in[j * COLUMNS + k]) * 1e-6;
                if (matrix->takes_digits) /* inputs are 1 at most */
                    size += fabs((double)row[k]) * 0.501 / 127;
            }
            assert_true(fabs((double)out[j * ROWS + i] - sum) <= size);
        }
}

static void check(enum dtype type, enum dtype_made made)
{
    uint64_t row_bytes;
    static float in[COUNT * COLUMNS];
    static float out[COUNT * ROWS];
    float bias[ROWS];
    struct err err;
    assert_true(dtype_bytes(&row_bytes, type, COLUMNS));
    struct pool *pool = pool_new(3);
    uint8_t *bytes = malloc(row_bytes * ROWS);
    assert_non_null(bytes);
    fill(bytes, ROWS * row_bytes, type);
    stored = bytes;
    struct tensor tensor = {.type = type,
                            .dims = 2,
                            .shape = {ROWS, COLUMNS, 1, 1},
                            .data = {(const char *)bytes, ROWS * row_bytes}};
    struct view view = {.tensor = &tensor, .rows = ROWS, .columns = COLUMNS};
    struct matrix matrix;
    assert_true(matrix_pack(&matrix, &view, made, pool, &err));
    if (made != DTYPE_AS_STORED && type <= DTYPE_BF16)
        assert_int_equal(matrix.type, made == DTYPE_AS_Q8 ? DTYPE_Q8 : DTYPE_Q4);
    else
        assert_int_equal(matrix.type, type);
    assert_int_equal(matrix.takes_digits, made != DTYPE_AS_STORED && type <= DTYPE_Q4);
    matrix.bias = bias;
    for (size_t i = 0; i < ARRAY_LEN(in); i++)
        in[i] = ((float)random_below(2001) - 1000) * 1e-3F;
    for (size_t i = 0; i < ROWS; i++)
        bias[i] = (float)i;
    struct matrix_product product = {
        .matrix = &matrix, .simd = simd_at(0), .in = in, .out = out, .count = COUNT};
    matrix_multiply(&product, pool);
    compare(&matrix, type, in, out);
    matrix.bias = NULL;
    matrix_clear(&matrix);
    pool_free(pool);
    free(bytes);
}

/* A number that is none cannot be made small. */
static void test_not_finite(void **state)
{
    static float numbers[ROWS * COLUMNS];
    struct tensor tensor = {.type = DTYPE_F32,
                            .dims = 2,
                            .shape = {ROWS, COLUMNS, 1, 1},
                            .data = {(const char *)numbers, sizeof numbers}};
    struct view view = {.tensor = &tensor, .rows = ROWS, .columns = COLUMNS};
    struct matrix matrix;
    struct err err;
    (void)state;
    struct pool *pool = pool_new(2);
    numbers[20 * COLUMNS + 7] = INFINITY;
    assert_false(matrix_pack(&matrix, &view, DTYPE_AS_Q4, pool, &err));
    assert_int_equal(err.code, ERR_INVALID);
    assert_true(matrix_pack(&matrix, &view, DTYPE_AS_STORED, pool, &err));
    matrix_clear(&matrix);
    pool_free(pool);
}

static void test_types(void **state)
{
    (void)state;
    for (enum dtype type = 0; dtype_is_weight(type); type++)
        for (enum dtype_made made = DTYPE_AS_STORED; made <= DTYPE_AS_Q4; made++)
            check(type, made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_types),
                                       cmocka_unit_test(test_not_finite)};
    random_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
