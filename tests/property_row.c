/* Rows against a second definition, element by element and in double; and what quantising loses. */
#include "gpu/row.h"

#include <math.h>

#include "gpu/half.h"
#include "shared/err.h"
#include "tests/random.h"
#include "tests/test.h"

enum { ROUNDS = 3000, ELEMENTS_MAX = 1024, BYTES_MAX = 4 * ELEMENTS_MAX };

static double half_at(const uint8_t *bytes, size_t index)
{
    return (double)half_to_float((uint16_t)(bytes[index] | bytes[index + 1] << 8));
}

/* Bits of a number that lies in a run of bytes, counted from the lowest bit of the first. */
static int bits_at(const uint8_t *bytes, size_t first, size_t count)
{
    int value = 0;
    for (size_t i = 0; i < count; i++)
        value |= (bytes[(first + i) / 8] >> (first + i) % 8 & 1) << i;
    return value;
}

static double meaning_q4k(const uint8_t *block, size_t i)
{
    size_t group = i / 32;
    const uint8_t *packed = block + 4;
    int scale = bits_at(packed, 8 * group, 6);
    int minimum = bits_at(packed, 8 * (group + 4), 6);
    if (group >= 4) { /* low nibbles in the last four bytes, the rest above the others' six bits */
        scale = bits_at(packed, 8 * (group + 4), 4) + 16 * bits_at(packed, 8 * (group - 4) + 6, 2);
        minimum = bits_at(packed, 8 * (group + 4) + 4, 4) + 16 * bits_at(packed, 8 * group + 6, 2);
    }
    /* pairs of groups share 32 bytes: the even one has the low nibbles */
    int q = bits_at(block + 16, 8 * (i / 64 * 32 + i % 32) + 4 * (group % 2), 4);
    return half_at(block, 0) * scale * q - half_at(block, 2) * minimum;
}

static double meaning_q6k(const uint8_t *block, size_t i)
{
    size_t half = i / 128;
    size_t in = i % 128;
    int low = bits_at(block, 8 * (half * 64 + in % 64) + 4 * (in / 64), 4);
    int high = bits_at(block + 128, 8 * (half * 32 + in % 32) + 2 * (in / 32), 2);
    int scale = bits_at(block + 192, 8 * (i / 16), 8);
    return half_at(block, 208) * (scale < 128 ? scale : scale - 256) * (low + 16 * high - 32);
}

static double meaning(enum dtype type, const uint8_t *bytes, size_t i)
{
    struct dtype_block block = dtype_block(type);
    const uint8_t *at = bytes + i / block.elements * block.bytes;
    size_t in = i % block.elements;
    float plain;
    int q;
    switch (type) {
    case DTYPE_F32:
        memcpy(&plain, at, sizeof plain);
        return (double)plain;
    case DTYPE_F16:
        return half_at(at, 0);
    case DTYPE_BF16:
        return (double)half_bf16_to_float((uint16_t)(at[0] | at[1] << 8));
    case DTYPE_Q8:
        q = at[2 + in];
        return half_at(at, 0) * (q < 128 ? q : q - 256);
    case DTYPE_Q4:
        return half_at(at, 0) * (bits_at(at + 2, in < 16 ? 8 * in : 8 * (in - 16) + 4, 4) - 8);
    case DTYPE_Q4K:
        return meaning_q4k(at, in);
    case DTYPE_Q6K:
        return meaning_q6k(at, in);
    case DTYPE_I8:
    case DTYPE_I16:
    case DTYPE_I32:
    case DTYPE_I64:
    case DTYPE_F64:
        break;
    }
    fail();
    return 0;
}

/* Any bytes at all, at any alignment: also infinite scales. */
static void test_read_is_the_meaning(void **state)
{
    static uint8_t bytes[BYTES_MAX + 3];
    static float row[ELEMENTS_MAX + 1];
    uint32_t finite = 0;
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        enum dtype type = (enum dtype)random_below(DTYPE_Q6K + 1);
        uint64_t count = (uint64_t)256 * (1 + random_below(ELEMENTS_MAX / 256));
        uint64_t size;
        uint8_t *at = bytes + random_below(3);
        assert_true(dtype_bytes(&size, type, count));
        for (size_t i = 0; i < size; i++)
            at[i] = (uint8_t)random_below(256);
        row[count] = 42;
        row_read(row, type, at, count);
        assert_true(row[count] == 42);
        for (size_t i = 0; i < count; i++) {
            float expected = (float)meaning(type, at, i);
            assert_true(isnan(expected) ? isnan(row[i]) : row[i] == expected);
            finite += isfinite(expected) != 0;
        }
    }
    assert_true(finite > ROUNDS * 100);
}

static float random_weight(uint32_t spread)
{
    float unit = (float)random_below(1 << 24) / (1 << 23) - 1;
    return random_below(10) == 0 ? 0 : ldexpf(unit, (int)random_below(spread + 1) - 20);
}

/* Half a step, and one whole where the largest of Q4's other side meets the end of the range. */
static double allowed(enum dtype type, const uint8_t *block, float x)
{
    double step = fabs(half_at(block, 0));
    if (type == DTYPE_Q8)
        return step / 2 + fabs((double)x) * 0x1p-11; /* d may have been rounded down */
    return fabs((double)x) > 7.5 * step ? step * 1.02 : step / 2;
}

static void check_loss(enum dtype type, const float *row, size_t count)
{
    static uint8_t bytes[BYTES_MAX];
    static float back[ELEMENTS_MAX];
    struct dtype_block block = dtype_block(type);
    assert_true(row_write(bytes, type, row, count, NULL));
    row_read(back, type, bytes, count);
    for (size_t i = 0; i < count; i++) {
        const uint8_t *at = bytes + i / block.elements * block.bytes;
        double loss = fabs((double)back[i] - (double)row[i]);
        if (half_at(at, 0) == 0) /* too small a block for a scale: its numbers are below 2^-22 */
            assert_true(back[i] == 0 && fabs((double)row[i]) < 127 * 0x1p-24);
        else
            assert_true(loss <= allowed(type, at, row[i]) * (1 + 1e-6) + 127 * 0x1p-25);
    }
}

static void test_write_loses_little(void **state)
{
    static float row[ELEMENTS_MAX];
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        size_t count = (size_t)32 * (1 + random_below(ELEMENTS_MAX / 32));
        uint32_t spread = random_below(24);
        for (size_t i = 0; i < count; i++)
            row[i] = random_weight(spread);
        check_loss(DTYPE_Q8, row, count);
        check_loss(DTYPE_Q4, row, count);
    }
}

/* What a type holds exactly is written exactly, where the scale is no subnormal. */
static void test_write_again(void **state)
{
    static uint8_t first[BYTES_MAX], second[BYTES_MAX];
    static float row[ELEMENTS_MAX];
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        enum dtype type = (enum dtype)random_below(DTYPE_Q4 + 1);
        size_t count = (size_t)32 * (1 + random_below(ELEMENTS_MAX / 32));
        uint64_t size;
        assert_true(dtype_bytes(&size, type, count));
        for (size_t i = 0; i < count; i++)
            row[i] = random_weight(12) * 0x1p20F;
        assert_true(row_write(first, type, row, count, NULL));
        row_read(row, type, first, count);
        assert_true(row_write(second, type, row, count, NULL));
        static float again[ELEMENTS_MAX];
        row_read(again, type, second, count);
        for (size_t i = 0; i < count; i++)
            assert_true(row[i] == again[i]);
    }
}

static void test_refusals(void **state)
{
    static const struct {
        enum dtype type;
        float value;
        const char *reason; /* NULL: accepted */
    } cases[] = {
        {DTYPE_F32, NAN, "element 40 is no finite number"},
        {DTYPE_Q8, INFINITY, "element 40 is no finite number"},
        {DTYPE_F16, 65504, NULL},
        {DTYPE_F16, 65505, "element 40 is too large for F16"},
        {DTYPE_Q4, -524032, NULL},
        {DTYPE_Q4, 524033, "element 40 is too large for Q4_0"},
        {DTYPE_Q8, 8319008, NULL},
        {DTYPE_Q8, -8319009, "element 40 is too large for Q8_0"},
        {DTYPE_BF16, 0x1.fep127F, NULL},
        {DTYPE_BF16, 0x1.ff8p127F, "element 40 is too large for BF16"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        float row[64] = {0};
        float back[64];
        uint8_t bytes[sizeof row];
        struct err err = {0};
        row[40] = cases[i].value;
        bool ok = row_write(bytes, cases[i].type, row, 64, &err);
        assert_int_equal(ok, cases[i].reason == NULL);
        if (!ok) {
            assert_string_equal(err.text, cases[i].reason);
            continue;
        }
        row_read(back, cases[i].type, bytes, 64);
        assert_true(back[40] == row[40]);
    }
}

static void test_sizes(void **state)
{
    uint64_t bytes;
    (void)state;
    assert_true(dtype_bytes(&bytes, DTYPE_Q6K, 512) && bytes == 420);
    assert_true(dtype_bytes(&bytes, DTYPE_Q4, 0) && bytes == 0);
    assert_false(dtype_bytes(&bytes, DTYPE_Q4K, 128));
    assert_false(dtype_bytes(&bytes, DTYPE_Q8, 33));
    assert_true(dtype_bytes(&bytes, DTYPE_F16, INT64_MAX / 2) && bytes == INT64_MAX - 1);
    assert_false(dtype_bytes(&bytes, DTYPE_F16, INT64_MAX / 2 + 1));
    assert_false(dtype_bytes(&bytes, DTYPE_F64, UINT64_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read_is_the_meaning), cmocka_unit_test(test_write_loses_little),
        cmocka_unit_test(test_write_again), cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_sizes)};
    random_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
