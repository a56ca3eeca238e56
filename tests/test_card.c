/* Each operator of a card against gpu/kernel, bit by bit: on the emulator, which also sees what a
 * real card would let pass, and, as cuda_card, on a real one. Products are in test_card_product.c.
 */
#include "gpu/card.h"

#include "gpu/half.h"
#include "gpu/kernel.h"
#include "tests/card_at_hand.h"
#include "tests/card_scratch.h"
#include "tests/random.h"
#include "tests/test.h"

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

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_norms), cmocka_unit_test(test_place),
                                       cmocka_unit_test(test_attention)};
    struct card_facts facts;
    random_start();
    card = card_at_hand(argc > 1 ? argv[1] : NULL, &facts);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
