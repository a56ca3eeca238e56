/* Numbers as small integers, and the products of these: every width of register gives the bits of
 * the scalar meaning, and that is what the rows say. */
#include "gpu/digits.h"

#include <math.h>
#include <stdlib.h>

#include "gpu/digit_tile.h"
#include "gpu/row.h"
#include "gpu/simd.h"
#include "gpu/tensor.h"
#include "shared/err.h"
#include "tests/random.h"
#include "tests/test.h"

enum { COLUMNS = 64 * 32, COUNT = 19, ROWS = 29, BLOCKS = COLUMNS / DIGITS_BLOCK };

enum { HALVES = 43 * 32, NOT_A_NUMBER = 40 * 32, INFINITE = 41 * 32 + 31, ZEROS = 42 * 32 };

static float any(void)
{
    return ((float)random_below(2000001) - 1e6F) * 2e-6F;
}

/* Of numbers of all kinds. */
static void test_digits(void **state)
{
    static float in[COLUMNS];
    static int8_t want[COLUMNS], got[COLUMNS];
    static float scales[2][BLOCKS];
    static int32_t sums[2][BLOCKS];
    struct digits digits = {want, scales[0], sums[0]};
    struct digits other = {got, scales[1], sums[1]};
    (void)state;
    for (size_t i = 0; i < COLUMNS; i++)
        in[i] = ldexpf(any(), (int)(i / 32 * 4) - 126); /* the smallest and the largest */
    for (size_t i = 0; i < 32; i++)
        in[HALVES + i] = (float)i * 0.5F; /* halves go to the even side */
    in[NOT_A_NUMBER] = NAN;
    in[INFINITE] = -INFINITY;
    memset(in + ZEROS, 0, 32 * sizeof *in);
    in[HALVES] = -127;
    digits_write(&digits, in, COLUMNS);
    for (size_t i = 0; i < COLUMNS; i++) {
        double scale = (double)scales[0][i / 32];
        if (scale > 0)
            assert_true(fabs((double)in[i] - want[i] * scale) <= scale * 0.5001);
    }
    assert_true(isnan(scales[0][40]) && isnan(scales[0][41]) && scales[0][42] == 0);
    assert_int_equal(want[HALVES], -127);
    assert_int_equal(want[HALVES + 1], 0);
    assert_int_equal(want[HALVES + 3], 2);
    for (size_t i = 0; simd_at(i) != NULL; i++) {
        memset(got, 0x55, sizeof got);
        memset(scales[1], 0x55, sizeof scales[1]);
        simd_at(i)->digits(&other, in, COLUMNS);
        assert_memory_equal(got, want, sizeof got);
        assert_memory_equal(scales[1], scales[0], sizeof scales[1]);
        assert_memory_equal(sums[1], sums[0], sizeof sums[1]);
    }
}

/* Rows as they are stored, and what a tile of their last makes of some inputs. */
struct product {
    struct view view;
    enum dtype type;
    struct tile_call call;
};

/* Whether that is a row times the digits of input n. */
static bool is_product(const struct tile_call *call, const float *row, uint32_t n, float got)
{
    double sum = 0;
    double size = 0;
    for (uint32_t k = 0; k < call->columns; k++) {
        size_t at = (size_t)n * call->columns + k;
        double digit = (double)call->digits.scales[at / 32] * call->digits.at[at];
        sum += (double)row[k] * digit;
        size += fabs((double)row[k] * digit);
    }
    return fabs((double)got - sum) <= size * 1e-6;
}

static void compare(const struct product *product)
{
    const struct tile_call *call = &product->call;
    float row[COLUMNS];
    uint8_t blocks[COLUMNS * 2];
    for (uint32_t i = 0; i < ROWS - TILE_ROWS; i++) {
        view_read_row(&product->view, row, TILE_ROWS + i);
        if (product->type != product->view.tensor->type) {
            assert_true(row_write(blocks, product->type, row, call->columns, NULL));
            row_read(row, product->type, blocks, call->columns);
        }
        for (uint32_t n = 0; n < call->count; n++)
            assert_true(is_product(call, row, n, call->out[n * TILE_ROWS + i]));
    }
}

static void check(enum dtype stored, enum dtype type, uint32_t columns, uint32_t count)
{
    static uint8_t bytes[ROWS * COLUMNS * 4];
    static char tile[TILE_ROWS * COLUMNS * 2];
    static float in[COUNT * COLUMNS], want[COUNT * TILE_ROWS], out[COUNT * TILE_ROWS];
    static int8_t digits[COUNT * COLUMNS];
    static float scales[COUNT * BLOCKS];
    static int32_t sums[COUNT * BLOCKS];
    float row[COLUMNS];
    uint64_t row_bytes;
    assert_true(dtype_bytes(&row_bytes, stored, columns));
    for (size_t i = 0; i < ROWS; i++) {
        for (uint32_t k = 0; k < columns; k++)
            row[k] = any();
        assert_true(row_write(bytes + i * row_bytes, stored, row, columns, NULL));
        if (stored == DTYPE_Q8) /* no own row has it, but a file may */
            bytes[i * row_bytes + 2 + random_below(32)] = 0x80;
    }
    for (size_t i = 0; i < (size_t)count * columns; i++)
        in[i] = any();
    struct tensor tensor = {.type = stored,
                            .dims = 2,
                            .shape = {ROWS, columns},
                            .data = {(const char *)bytes, ROWS * row_bytes}};
    struct product product = {.view = {.tensor = &tensor, .rows = ROWS, .columns = columns},
                              .type = type,
                              .call = {.tile = tile,
                                       .type = type,
                                       .columns = columns,
                                       .count = count,
                                       .out = want,
                                       .digits = {digits, scales, sums}}};
    digits_write(&product.call.digits, in, count * columns);
    assert_true(digit_tile_pack(tile, type, &product.view, TILE_ROWS, NULL));
    digit_tile_multiply(&product.call);
    compare(&product);
    product.call.out = out;
    for (size_t i = 0; simd_at(i) != NULL; i++) {
        memset(out, 0xff, sizeof out);
        simd_at(i)->multiply_digits(&product.call);
        assert_memory_equal(out, want, sizeof *out * count * TILE_ROWS);
    }
}

static void test_products(void **state)
{
    (void)state;
    for (enum dtype stored = 0; stored <= DTYPE_Q4; stored++)
        for (enum dtype type = DTYPE_Q8; type <= DTYPE_Q4; type++)
            for (uint32_t count = 1; count <= COUNT; count += count < 4 ? 1 : 5)
                if (stored < DTYPE_Q8 || stored == type)
                    check(stored, type, 32 * (1 + random_below(BLOCKS)), count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_digits),
                                       cmocka_unit_test(test_products)};
    random_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
