/* Every width of register gives the bits of the scalar meaning; and what a tile says of a weight is
 * what the row says that it was packed from. */
#include "gpu/simd.h"

#include <stdlib.h>

#include "gpu/half.h"
#include "gpu/row.h"
#include "gpu/tensor.h"
#include "tests/random.h"
#include "tests/test.h"

enum { COLUMNS_MAX = 768, COUNT_MAX = 14, PAGES = 5, HEAD_MAX = 80 };

static float any(void)
{
    return ((float)random_below(2000001) - 1e6F) * 2e-6F;
}

static void fill(float *out, size_t count)
{
    for (size_t i = 0; i < count; i++)
        out[i] = any();
}

/* Random bytes, with scales that are finite and small. */
static void fill_blocks(uint8_t *bytes, size_t size, enum dtype type)
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

static void *room(size_t size)
{
    void *at = malloc(size);
    assert_non_null(at);
    return at;
}

/* A tile of the last rows of a matrix, against its rows. */
static void check_tile(enum dtype type, uint32_t columns, uint32_t rows, uint32_t count)
{
    static float in[COUNT_MAX * COLUMNS_MAX];
    static float want[COUNT_MAX * TILE_ROWS];
    static float out[COUNT_MAX * TILE_ROWS];
    float row[COLUMNS_MAX];
    uint64_t row_bytes;
    assert_true(dtype_bytes(&row_bytes, type, columns));
    uint8_t *bytes = room(row_bytes * rows);
    char *tile = room(tile_bytes(type, columns));
    struct tensor tensor = {.type = type,
                            .dims = 2,
                            .shape = {rows, columns, 1, 1},
                            .data = {(const char *)bytes, row_bytes * rows}};
    struct view view = {.tensor = &tensor, .rows = rows, .columns = columns};
    struct tile_call call = {tile, type, columns, count, in, want, {0}};
    fill_blocks(bytes, row_bytes * rows, type);
    fill(in, ARRAY_LEN(in));
    memset(tile, 0xff, tile_bytes(type, columns));
    tile_pack(tile, &view, 16);
    tile_multiply(&call);
    for (uint32_t i = 0; i < rows - 16; i++)
        for (uint32_t n = 0; n < count; n++) {
            view_read_row(&view, row, 16 + i);
            float dot = kernel_dot(row, in + (size_t)n * columns, columns);
            if (!(dot == want[n * TILE_ROWS + i]))
                fail_msg("%s, row %u: %.9g is not %.9g", dtype_name(type), i,
                         (double)want[n * TILE_ROWS + i], (double)dot);
        }
    call.out = out;
    for (size_t i = 0; simd_at(i) != NULL; i++) {
        memset(out, 0xff, sizeof out);
        simd_at(i)->multiply(&call);
        if (memcmp(out, want, sizeof *out * count * TILE_ROWS) != 0)
            fail_msg("%s, %s, %u columns, %u rows", simd_at(i)->name, dtype_name(type), columns,
                     count);
    }
    free(bytes);
    free(tile);
}

static void test_multiply(void **state)
{
    (void)state;
    for (enum dtype type = 0; dtype_is_weight(type); type++)
        for (uint32_t count = 1; count <= COUNT_MAX; count += count < 4 ? 1 : 5) {
            uint32_t block = dtype_block(type).elements;
            check_tile(type, block == 1 ? 1 + random_below(70) : 256 / block * block, 32, count);
            check_tile(type, block * (1 + random_below(3)), 17 + random_below(15), count);
        }
}

/* A matrix that is stored the other way round. */
static void test_transposed(void **state)
{
    enum { ROWS = 20, COLUMNS = 9, FIRST = 3, STORED = 26 };
    static const enum dtype types[] = {DTYPE_F32, DTYPE_F16, DTYPE_BF16};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        size_t size = (size_t)dtype_block(types[i]).bytes * STORED * COLUMNS;
        uint8_t *bytes = room(size);
        char *tile = room(tile_bytes(types[i], COLUMNS));
        struct tensor tensor = {.type = types[i],
                                .dims = 2,
                                .shape = {COLUMNS, STORED, 1, 1},
                                .data = {(const char *)bytes, size}};
        struct view view = {&tensor, ROWS, COLUMNS, FIRST, 0, true};
        float in[COLUMNS];
        float out[TILE_ROWS];
        float row[COLUMNS];
        fill_blocks(bytes, size, types[i]);
        fill(in, COLUMNS);
        tile_pack(tile, &view, 16);
        tile_multiply(&(struct tile_call){tile, types[i], COLUMNS, 1, in, out, {0}});
        for (uint32_t j = 0; j < ROWS - 16; j++) {
            view_read_row(&view, row, 16 + j);
            float dot = kernel_dot(row, in, COLUMNS);
            assert_memory_equal(&dot, out + j, sizeof dot);
        }
        for (uint32_t j = ROWS - 16; j < TILE_ROWS; j++)
            assert_true(out[j] == 0);
        free(bytes);
        free(tile);
    }
}

static void test_activate(void **state)
{
    enum { COUNT = 4001 };
    static float gate[COUNT], in[COUNT], want[COUNT], out[COUNT];
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        gate[i] = ((float)i - 2000) * 0.06F;
        in[i] = any();
    }
    for (size_t i = 0; simd_at(i) != NULL; i++)
        for (int round = 0; round < 4; round++) {
            enum hyper_activation act = round % 2 == 0 ? HYPER_SILU : HYPER_GELU_TANH;
            memcpy(want, round < 2 ? in : gate, sizeof want);
            memcpy(out, want, sizeof out);
            kernel_activate(want, round < 2 ? gate : NULL, COUNT, act);
            simd_at(i)->activate(out, round < 2 ? gate : NULL, COUNT, act);
            assert_memory_equal(out, want, sizeof out);
            memcpy(want, gate, sizeof want);
            memcpy(out, gate, sizeof out);
            kernel_cap(want, COUNT, 30);
            simd_at(i)->cap(out, COUNT, 30);
            assert_memory_equal(out, want, sizeof out);
        }
}

static void check_attend(uint32_t head_size, enum dtype type, float cap)
{
    static char slab[sizeof(float) * PAGES * 2 * EXEC_PAGE * HEAD_MAX];
    static const uint32_t pages[PAGES] = {3, 0, 4, 1, 2};
    float query[HEAD_MAX];
    float want[HEAD_MAX];
    float out[HEAD_MAX];
    float scores[(PAGES + 1) * EXEC_PAGE];
    uint32_t end = 1 + random_below(PAGES * EXEC_PAGE);
    struct kernel_attention attention = {.query = query,
                                         .slab = slab,
                                         .pages = pages,
                                         .type = type,
                                         .head_size = head_size,
                                         .first = random_below(end),
                                         .end = end,
                                         .scale = 0.7F,
                                         .cap = cap};
    attention.values = (size_t)EXEC_PAGE * head_size * dtype_block(type).bytes;
    attention.page_bytes = 2 * attention.values;
    memset(slab, 0xff, sizeof slab); /* what is not seen is NaN */
    for (uint32_t at = attention.first; at < end; at++) {
        char *page = slab + pages[at / EXEC_PAGE] * attention.page_bytes;
        float key[HEAD_MAX];
        float value[HEAD_MAX];
        struct kernel_place place = {page, page + attention.values, type, head_size,
                                     at % EXEC_PAGE};
        fill(key, head_size);
        fill(value, head_size);
        kernel_keep(&place, key, value);
    }
    fill(query, HEAD_MAX);
    kernel_attend(want, scores, &attention);
    for (size_t i = 0; simd_at(i) != NULL; i++) {
        memset(out, 0xff, sizeof out);
        simd_at(i)->attend(out, scores, &attention);
        assert_memory_equal(out, want, head_size * sizeof *out);
    }
}

static void test_attend(void **state)
{
    static const uint32_t sizes[] = {64, 80, 24, 20, 16, 8};
    (void)state;
    for (uint32_t round = 0; round < 120; round++)
        check_attend(sizes[round % ARRAY_LEN(sizes)], round % 4 < 2 ? DTYPE_F32 : DTYPE_BF16,
                     round % 8 < 4 ? 0 : 3);
}

static void test_read(void **state)
{
    uint32_t words[192];
    uint32_t want = 0;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        want ^= words[i] = random_below(UINT32_MAX);
    for (size_t i = 0; simd_at(i) != NULL; i++)
        assert_int_equal(simd_at(i)->read((const char *)words, sizeof words), want);
}

/* The last is scalar, and there is no other of its name. */
static void test_list(void **state)
{
    size_t count = 0;
    (void)state;
    while (simd_at(count) != NULL)
        print_message("%s\n", simd_at(count++)->name);
    assert_true(count >= 1);
    assert_string_equal(simd_at(count - 1)->name, "scalar");
    assert_null(simd_at(count + 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_multiply), cmocka_unit_test(test_transposed),
        cmocka_unit_test(test_activate), cmocka_unit_test(test_attend),
        cmocka_unit_test(test_read),     cmocka_unit_test(test_list),
    };
    random_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
