/* Products over every stored type, against the rows that gpu/row reads, in double. */
#include "gpu/matrix.h"

#include <math.h>
#include <stdlib.h>

#include "gpu/pool.h"
#include "gpu/row.h"
#include "gpu/simd.h"
#include "gpu/tensor.h"
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

static void check(enum dtype type)
{
    uint64_t row_bytes;
    float row[COLUMNS];
    static float in[COUNT * COLUMNS];
    static float out[COUNT * ROWS];
    float bias[ROWS];
    assert_true(dtype_bytes(&row_bytes, type, COLUMNS));
    struct pool *pool = pool_new(3);
    uint8_t *bytes = malloc(row_bytes * ROWS);
    assert_non_null(bytes);
    fill(bytes, ROWS * row_bytes, type);
    struct tensor tensor = {.type = type,
                            .dims = 2,
                            .shape = {ROWS, COLUMNS, 1, 1},
                            .data = {(const char *)bytes, ROWS * row_bytes}};
    struct view view = {.tensor = &tensor, .rows = ROWS, .columns = COLUMNS};
    struct matrix matrix;
    matrix_pack(&matrix, &view, pool);
    matrix.bias = bias;
    for (size_t i = 0; i < ARRAY_LEN(in); i++)
        in[i] = ((float)random_below(2001) - 1000) * 1e-3F;
    for (size_t i = 0; i < ROWS; i++)
        bias[i] = (float)i;
    struct matrix_product product = {
        .matrix = &matrix, .simd = simd_at(0), .in = in, .out = out, .count = COUNT};
    matrix_multiply(&product, pool);
    for (size_t i = 0; i < ROWS; i++)
        for (size_t j = 0; j < COUNT; j++) {
            double sum = (double)bias[i];
            double size = sum;
            row_read(row, type, bytes + i * row_bytes, COLUMNS);
            for (size_t k = 0; k < COLUMNS; k++) {
                sum += (double)row[k] * (double)in[j * COLUMNS + k];
                size += fabs((double)row[k] * (double)in[j * COLUMNS + k]);
            }
            assert_true(fabs((double)out[j * ROWS + i] - sum) <= size * 1e-6);
        }
    matrix.bias = NULL;
    matrix_clear(&matrix);
    pool_free(pool);
    free(bytes);
}

static void test_types(void **state)
{
    (void)state;
    for (enum dtype type = 0; dtype_is_weight(type); type++)
        check(type);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_types)};
    random_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
