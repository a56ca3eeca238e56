/* Each operator of a card against gpu/kernel, bit by bit: on the emulator, which also sees what a
 * real card would let pass, and, as cuda_card, on a real one.
 */
#include "gpu/card.h"

#include <stdlib.h>

#include "gpu/digit_tile.h"
#include "gpu/half.h"
#include "gpu/kernel.h"
#include "gpu/pack.h"
#include "gpu/tensor.h"
#include "gpu/tile.h"
#include "gpu/view.h"
#include "shared/err.h"
#include "tests/card_at_hand.h"
#include "tests/random.h"
#include "tests/test.h"

enum { TAKEN_MAX = 32 };

static const struct card *card;

/* What a check has taken, here and there; let_go gives it back. */
static void *ours[TAKEN_MAX], *theirs[TAKEN_MAX];
static size_t our_count, their_count;

static void *room(size_t bytes)
{
    assert_true(our_count < TAKEN_MAX);
    void *at = calloc(bytes + 1, 1);
    assert_non_null(at);
    return ours[our_count++] = at;
}

static void *take(size_t bytes)
{
    assert_true(their_count < TAKEN_MAX);
    void *at = card->take(bytes);
    assert_non_null(at);
    return theirs[their_count++] = at;
}

static void *put(const void *from, size_t bytes)
{
    void *to = take(bytes);
    card->put(to, from, bytes);
    return to;
}

static void let_go(void)
{
    while (our_count > 0)
        free(ours[--our_count]);
    while (their_count > 0)
        card->give(theirs[--their_count]);
}

static float *any_floats(size_t count)
{
    float *numbers = room(count * sizeof *numbers);
    for (size_t i = 0; i < count; i++)
        numbers[i] = ((float)random_below(2000001) - 1e6F) * 2e-6F;
    return numbers;
}

static void assert_has(const void *memory, const void *want, size_t bytes)
{
    char *got = room(bytes);
    card->get(got, memory, bytes);
    const char *fault = card->finish();
    if (fault != NULL)
        fail_msg("%s", fault);
    assert_memory_equal(got, want, bytes);
}

static void check_norm(uint32_t width, uint32_t rows, bool has_bias)
{
    size_t bytes = width * sizeof(float);
    float *in = any_floats((size_t)rows * width);
    float *gain = any_floats(width);
    float *bias = any_floats(width);
    float *want = room(rows * bytes);
    struct card_norm norm = {.in = put(in, rows * bytes),
                             .gain = put(gain, bytes),
                             .bias = has_bias ? put(bias, bytes) : NULL,
                             .out = take(rows * bytes),
                             .rows = rows,
                             .width = width,
                             .epsilon = 1e-5F};
    struct kernel_layernorm layernorm = {gain, bias, width, 1e-5F};
    for (size_t at = 0; at < (size_t)rows * width; at += width)
        if (has_bias)
            kernel_layernorm(want + at, in + at, &layernorm);
        else
            kernel_rmsnorm(want + at, in + at, gain, width, 1e-5F);
    card->normalize(&norm);
    assert_has(norm.out, want, rows * bytes);
    let_go();
}

static void test_norms(void **state)
{
    static const uint32_t widths[] = {1, 15, 16, 20, 300, 4096, 4200};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(widths); i++) {
        check_norm(widths[i], 3, false);
        check_norm(widths[i], 1, true);
    }
}

/* Heads of 20, of which some or all or none are turned. */
enum {
    ROWS = 5,
    HEADS = 6,
    KV_HEADS = 2,
    SIZE = 20,
    PAGES = 4,
    PAGE = 3 * KV_HEADS * 2 * SIZE * 16
};

static const size_t query_count = (size_t)ROWS * HEADS * SIZE;
static const size_t two_rows = (size_t)2 * HEADS * SIZE;
static const size_t key_count = (size_t)ROWS * KV_HEADS * SIZE;

static void keep_row(char *slab, const struct card_place *place, uint32_t row, float *key,
                     const float *turns, const float *value)
{
    size_t bytes = (size_t)dtype_block(place->type).bytes * SIZE * EXEC_PAGE;
    for (uint32_t head = 0; head < KV_HEADS; head++) {
        size_t first = ((size_t)row * KV_HEADS + head) * SIZE;
        kernel_rotate(key + first, turns + (size_t)row * place->rotary, place->rotary);
        struct kernel_place kept = {.keys = slab + place->keys + head * bytes,
                                    .values = slab + place->values + head * bytes,
                                    .type = place->type,
                                    .head_size = SIZE,
                                    .slot = (row * 7 + 9) % EXEC_PAGE};
        kernel_keep(&kept, key + first, value + first);
    }
}

static void check_place(enum dtype type, uint32_t rotary)
{
    size_t page_bytes = (size_t)PAGE * dtype_block(type).bytes;
    uint32_t positions[ROWS];
    uint32_t pages[ROWS];
    float *query = any_floats(query_count);
    float *key = any_floats(key_count);
    float *value = any_floats(key_count);
    float *turns = any_floats(query_count);
    char *slab = room(PAGES * page_bytes);
    for (uint32_t row = 0; row < ROWS; row++) {
        positions[row] = row * 7 + 9;
        pages[row] = (row * 3 + 1) % PAGES;
    }
    struct card_place place = {.query = put(query, sizeof *query * query_count),
                               .key = put(key, sizeof *key * key_count),
                               .value = put(value, sizeof *value * key_count),
                               .turns = put(turns, sizeof *turns * query_count),
                               .positions = put(positions, sizeof positions),
                               .pages = put(pages, sizeof pages),
                               .slab = put(slab, PAGES * page_bytes),
                               .page_bytes = page_bytes,
                               .keys = page_bytes / 3,
                               .values = page_bytes / 2,
                               .type = type,
                               .rows = ROWS,
                               .heads = HEADS,
                               .kv_heads = KV_HEADS,
                               .head_size = SIZE,
                               .rotary = rotary};
    card->place(&place);
    for (uint32_t row = 0; row < ROWS; row++) {
        for (uint32_t head = 0; head < HEADS; head++)
            kernel_rotate(query + ((size_t)row * HEADS + head) * SIZE, turns + (size_t)row * rotary,
                          rotary);
        keep_row(slab + pages[row] * page_bytes, &place, row, key, turns, value);
    }
    assert_has(place.query, query, sizeof *query * query_count);
    assert_has(place.slab, slab, PAGES * page_bytes);
    let_go();
}

static void test_place(void **state)
{
    (void)state;
    for (uint32_t rotary = 0; rotary <= SIZE; rotary += SIZE / 2) {
        check_place(DTYPE_F32, rotary);
        check_place(DTYPE_BF16, rotary);
    }
}

/* Texts of several rounds of a block, seen whole and through a window. */
enum { LONG = 300, LONG_PAGES = LONG / EXEC_PAGE + 1, LONG_PAGE = 2 * KV_HEADS * SIZE * EXEC_PAGE };

static void attend_row(float *out, const struct card_attention *card_call, const float *query,
                       const char *slab, const uint32_t *pages, uint32_t position)
{
    static float scores[LONG + EXEC_PAGE];
    size_t head_bytes = (size_t)dtype_block(card_call->type).bytes * SIZE * EXEC_PAGE;
    for (uint32_t head = 0; head < HEADS; head++) {
        size_t kept = head / (HEADS / KV_HEADS) * head_bytes;
        struct kernel_attention attention = {.query = query + (size_t)head * SIZE,
                                             .slab = slab,
                                             .pages = pages,
                                             .page_bytes = card_call->page_bytes,
                                             .keys = kept,
                                             .values = card_call->values + kept,
                                             .type = card_call->type,
                                             .head_size = SIZE,
                                             .end = position + 1,
                                             .scale = card_call->scale,
                                             .cap = card_call->cap};
        if (card_call->window != 0 && attention.end > card_call->window)
            attention.first = attention.end - card_call->window;
        kernel_attend(out + (size_t)head * SIZE, scores, &attention);
    }
}

static void check_attention(enum dtype type, uint32_t window, float cap)
{
    size_t page_bytes = (size_t)LONG_PAGE * dtype_block(type).bytes;
    uint32_t positions[2] = {LONG - 1, 17};
    uint32_t firsts[2] = {0, 0};
    uint32_t pages[LONG_PAGES];
    float *query = any_floats(two_rows);
    float *want = room(two_rows * sizeof *want);
    float *numbers = any_floats((size_t)LONG_PAGES * LONG_PAGE);
    char *slab = room(LONG_PAGES * page_bytes);
    for (uint32_t i = 0; i < LONG_PAGES; i++)
        pages[i] = (i * 5 + 2) % LONG_PAGES;
    for (size_t i = 0; i < (size_t)LONG_PAGES * LONG_PAGE; i++) {
        uint16_t half = half_bf16_from_float(numbers[i]);
        if (type == DTYPE_F32)
            memcpy(slab + i * sizeof(float), numbers + i, sizeof(float));
        else
            memcpy(slab + i * sizeof half, &half, sizeof half);
    }
    struct card_attention call = {.out = take(two_rows * sizeof(float)),
                                  .query = put(query, two_rows * sizeof(float)),
                                  .slab = put(slab, LONG_PAGES * page_bytes),
                                  .positions = put(positions, sizeof positions),
                                  .pages = put(pages, sizeof pages),
                                  .page_firsts = put(firsts, sizeof firsts),
                                  .page_bytes = page_bytes,
                                  .values = page_bytes / 2,
                                  .type = type,
                                  .rows = 2,
                                  .heads = HEADS,
                                  .kv_heads = KV_HEADS,
                                  .head_size = SIZE,
                                  .window = window,
                                  .scale = 2,
                                  .cap = cap};
    for (size_t row = 0; row < 2; row++)
        attend_row(want + row * HEADS * SIZE, &call, query + row * HEADS * SIZE, slab, pages,
                   positions[row]);
    card->attend(&call);
    assert_has(call.out, want, two_rows * sizeof(float));
    let_go();
}

static void test_attention(void **state)
{
    (void)state;
    check_attention(DTYPE_F32, 0, 0);
    check_attention(DTYPE_BF16, 270, 30);
    check_attention(DTYPE_BF16, 5, 0);
}

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
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_norms),          cmocka_unit_test(test_place),
        cmocka_unit_test(test_attention),      cmocka_unit_test(test_products),
        cmocka_unit_test(test_large_products), cmocka_unit_test(test_digits)};
    struct card_facts facts;
    random_start();
    card = card_at_hand(argc > 1 ? argv[1] : NULL, &facts);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
