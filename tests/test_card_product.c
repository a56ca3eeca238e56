/* Products of a card against gpu/tile and gpu/digit_tile, bit by bit, of every type: on the
 * emulator, and, as cuda_card_product, on a real card.
 */
#include "gpu/card.h"
#include "gpu/digit_tile.h"
#include "gpu/pack.h"
#include "gpu/tensor.h"
#include "gpu/tile.h"
#include "gpu/view.h"
#include "shared/err.h"
#include "tests/card_at_hand.h"
#include "tests/card_scratch.h"
#include "tests/random.h"
#include "tests/test.h"

/* Random bytes, with scales that are finite and small. */
static char *any_weights(enum dtype type, size_t bytes)
{
    struct dtype_block block = dtype_block(type);
    uint8_t *weights = room(bytes);
    for (size_t i = 0; i < bytes; i++)
        weights[i] = (uint8_t)random_below(256);
    for (size_t at = 0; at < bytes; at += block.bytes) {
        uint8_t *high = weights + at + (type == DTYPE_Q6K ? 209 : type == DTYPE_F32 ? 3 : 1);
        *high = (uint8_t)((*high & 0x83) | 0x3c);
        if (type == DTYPE_Q4K)
            weights[at + 3] = (uint8_t)((weights[at + 3] & 0x83) | 0x3c);
    }
    return (char *)weights;
}

struct packed {
    struct card_product product; /* without inputs */
    char *tiles;
    struct tensor tensor;
    float *bias; /* NULL: none */
    uint64_t tile;
};

static struct packed pack(enum dtype type, uint32_t rows, uint32_t columns)
{
    uint64_t row_bytes;
    struct packed packed = {.product = {.type = type, .rows = rows, .columns = columns}};
    size_t tiles = (rows + TILE_ROWS - 1) / TILE_ROWS;
    assert_true(dtype_bytes(&row_bytes, type, columns));
    packed.tensor =
        (struct tensor){.type = type,
                        .dims = 2,
                        .shape = {rows, columns, 1, 1},
                        .data = {any_weights(type, rows * row_bytes), rows * row_bytes}};
    struct view view = {.tensor = &packed.tensor, .rows = rows, .columns = columns};
    packed.tile = tile_bytes(type, columns);
    packed.tiles = room(tiles * packed.tile);
    packed.product.pack_bytes = pack_bytes(type, columns);
    char *packs = room(2 * tiles * packed.product.pack_bytes);
    for (size_t tile = 0; tile < tiles; tile++) {
        char *at = packed.tiles + tile * packed.tile;
        tile_pack(at, &view, (uint32_t)tile * TILE_ROWS);
        pack_tile(packs + 2 * tile * packed.product.pack_bytes, at, type, columns);
    }
    /* No more than the rows need: what lies past them is not the card's to read. */
    uint32_t count = (rows + PACK_ROWS - 1) / PACK_ROWS;
    packed.product.weights = put(packs, count * packed.product.pack_bytes);
    if (random_below(2) == 0) {
        packed.bias = any_floats(rows);
        packed.product.bias = put(packed.bias, rows * sizeof(float));
    }
    return packed;
}

static void check_product(const struct packed *packed, uint32_t count)
{
    struct card_product product = packed->product;
    float tile_out[TILE_ROWS];
    float *in = any_floats((size_t)count * product.columns);
    float *want = room((size_t)count * product.rows * sizeof(float));
    for (uint32_t n = 0; n < count; n++)
        for (uint32_t row = 0; row < product.rows; row++) {
            struct tile_call call = {.tile = packed->tiles + row / TILE_ROWS * packed->tile,
                                     .type = product.type,
                                     .columns = product.columns,
                                     .count = 1,
                                     .in = in + (size_t)n * product.columns,
                                     .out = tile_out};
            if (row % TILE_ROWS == 0)
                tile_multiply(&call);
            want[(size_t)n * product.rows + row] =
                tile_out[row % TILE_ROWS] + (packed->bias == NULL ? 0 : packed->bias[row]);
        }
    product.count = count;
    product.in = put(in, (size_t)count * product.columns * sizeof(float));
    product.out = take((size_t)count * product.rows * sizeof(float));
    card->multiply(&product);
    assert_has(product.out, want, (size_t)count * product.rows * sizeof(float));
}

/* Where column k of a block comes: in the order of a pack's rows. */
static size_t place_of(size_t k)
{
    return k - k % 32 + k % 4 * 8 + k % 32 / 4;
}

/* What gpu/digits makes of the inputs; they are the card's then. */
static struct digits check_digits(struct card_product *product, float *in)
{
    size_t count = (size_t)product->count * product->columns;
    size_t scale_bytes = count / DIGITS_BLOCK * sizeof(float);
    struct digits digits = {room(count), room(scale_bytes), room(scale_bytes)};
    int8_t *want = room(count);
    uint32_t *at = take(count);
    float *scales = take(scale_bytes);
    for (uint32_t n = 0; n < product->count; n++) {
        size_t first = (size_t)n * product->columns;
        struct digits row = {digits.at + first, digits.scales + first / DIGITS_BLOCK,
                             digits.sums + first / DIGITS_BLOCK};
        digits_write(&row, in + first, product->columns);
    }
    for (size_t k = 0; k < count; k++)
        want[place_of(k)] = digits.at[k];
    const struct card_digits call = {at, scales, put(in, count * sizeof *in), product->count,
                                     product->columns};
    card->digits(&call);
    assert_has(at, want, count);
    assert_has(scales, digits.scales, scale_bytes);
    product->digits = at;
    product->scales = scales;
    return digits;
}

static void check_digit_product(enum dtype type, uint32_t rows, uint32_t columns, uint32_t count)
{
    struct packed packed = pack(type, rows, columns);
    struct card_product product = packed.product;
    uint64_t bytes;
    float *in = any_floats((size_t)count * columns);
    float *want = room((size_t)count * rows * sizeof(float));
    assert_true(dtype_bytes(&bytes, type, columns));
    struct view view = {.tensor = &packed.tensor, .rows = rows, .columns = columns};
    struct err err;
    memset(in, 0, DIGITS_BLOCK * sizeof *in); /* a block of nothing */
    product.count = count;
    struct digits digits = check_digits(&product, in);
    for (uint32_t row = 0; row < rows; row += TILE_ROWS) {
        char *tile = room(packed.tile);
        assert_true(digit_tile_pack(tile, type, &view, row, &err));
        struct tile_call call = {.tile = tile,
                                 .type = type,
                                 .columns = columns,
                                 .count = count,
                                 .digits = digits,
                                 .out = room((size_t)count * TILE_ROWS * sizeof(float))};
        digit_tile_multiply(&call);
        for (uint32_t n = 0; n < count; n++)
            for (uint32_t i = row; i < rows && i < row + TILE_ROWS; i++)
                want[(size_t)n * rows + i] =
                    call.out[n * TILE_ROWS + i - row] + (packed.bias == NULL ? 0 : packed.bias[i]);
    }
    product.out = take((size_t)count * rows * sizeof(float));
    card->multiply(&product);
    assert_has(product.out, want, (size_t)count * rows * sizeof(float));
    let_go();
}

/* Small integers by small integers; more inputs, columns and rows than are near at once. */
static void test_digits(void **state)
{
    static const uint32_t counts[] = {1, 2, 3, 5, 9, 17};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        check_digit_product(DTYPE_Q8, 1 + random_below(50), 32 * (1 + random_below(16)), counts[i]);
        check_digit_product(DTYPE_Q4, 1 + random_below(50), 32 * (1 + random_below(16)), counts[i]);
    }
    check_digit_product(DTYPE_Q8, 33, 1056, 9);
    check_digit_product(DTYPE_Q4, 33, 8224, 1);
}

/* Of every type; few inputs and many take different kernels. */
static void test_products(void **state)
{
    static const uint32_t counts[] = {1, 2, 3, 8, 9};
    (void)state;
    for (enum dtype type = 0; dtype_is_weight(type); type++)
        for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
            uint32_t block = dtype_block(type).elements;
            uint32_t columns = block == 1 ? 1 + random_below(100) : 512 / block * block;
            struct packed packed = pack(type, 1 + random_below(50), columns);
            check_product(&packed, counts[i]);
            let_go();
        }
}

/* More rows, columns and inputs than a block has, and one more than that. */
static void test_large_products(void **state)
{
    struct packed packed = pack(DTYPE_BF16, 65, 33);
    (void)state;
    check_product(&packed, 65);
    let_go();
    packed = pack(DTYPE_Q8, 40, 4128);
    check_product(&packed, 1);
    let_go();
    packed = pack(DTYPE_F16, 9, 1025);
    check_product(&packed, 7);
    let_go();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_products),
                                       cmocka_unit_test(test_large_products),
                                       cmocka_unit_test(test_digits)};
    struct card_facts facts;
    random_start();
    card = card_at_hand(argc > 1 ? argv[1] : NULL, &facts);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
