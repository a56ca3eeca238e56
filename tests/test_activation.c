/* Rows on a wire: own vectors, how exact each type is, and what is refused. */
#include "gpu/activation.h"

#include <endian.h>
#include <math.h>
#include <stdlib.h>

#include "tests/random.h"
#include "tests/test.h"

enum { WIDTH = 200 };

static void test_names(void **state)
{
    (void)state;
    for (enum activation i = ACTIVATION_F32; i < ACTIVATION_TYPES; i++) {
        enum activation found;
        assert_true(activation_find(&found, activation_name(i)));
        assert_int_equal(found, i);
        assert_int_equal(activation_bytes(i, 1) % 4, 0);
    }
    enum activation none;
    assert_false(activation_find(&none, "f64"));
    assert_int_equal(activation_bytes(ACTIVATION_TYPES, 1), 0);
}

static void test_vectors(void **state)
{
    static const float row[] = {1, -2, 0.5F};
    static const struct {
        enum activation type;
        size_t len;
        const char *bytes;
    } cases[] = {
        {ACTIVATION_F32, 12, "\0\0\x80\x3f\0\0\0\xc0\0\0\0\x3f"},
        {ACTIVATION_BF16, 8, "\x80\x3f\0\xc0\0\x3f\0\0"},
        /* -2 is 0.5 * 2^2: by 2^(2-15) it is -16384, 0xf400 */
        {ACTIVATION_F16, 12, "\xf3\xff\xff\xff\0\x70\0\xf4\0\x6c\0\0"},
        /* a scale of 16384/127, 129: 0x5808; 8192/129 is 63.5, to the even 64; 4096/129 31.75 */
        {ACTIVATION_I8, 12, "\xf3\xff\xff\xff\x08\x58\x40\x81\x20\0\0\0"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char bytes[12];
        print_message("%s\n", activation_name(cases[i].type));
        assert_int_equal(activation_bytes(cases[i].type, 3), cases[i].len);
        activation_write(bytes, cases[i].type, row, 3);
        assert_memory_equal(bytes, cases[i].bytes, cases[i].len);
    }
}

/* Within a share of the row's greatest, whatever its size; F32 exactly. */
static void check_exact(const float *row, enum activation type, float share)
{
    char bytes[4 * WIDTH];
    float back[WIDTH];
    float most = 0;
    for (size_t i = 0; i < WIDTH; i++)
        most = fmaxf(most, fabsf(row[i]));
    activation_write(bytes, type, row, WIDTH);
    assert_true(activation_read(back, type, bytes, WIDTH));
    for (size_t i = 0; i < WIDTH; i++)
        assert_true(fabsf(back[i] - row[i]) <= share * most);
    /* what was read is written as it was */
    char again[4 * WIDTH];
    activation_write(again, type, back, WIDTH);
    if (type != ACTIVATION_I8)
        assert_memory_equal(again, bytes, activation_bytes(type, WIDTH));
}

static void test_exact(void **state)
{
    static const float sizes[] = {0, 0x1p-140F, 1e-20F, 1, 7e4F, 1e20F, 0x1p126F};
    (void)state;
    random_start();
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        float row[WIDTH];
        for (size_t j = 0; j < WIDTH; j++)
            row[j] = sizes[i] * ((float)random_below(2001) / 1000 - 1);
        row[7] = sizes[i] * 1.9F; /* one that is apart, as models have them */
        check_exact(row, ACTIVATION_F32, 0);
        check_exact(row, ACTIVATION_F16, 0x1p-11F);
        check_exact(row, ACTIVATION_I8, 0.0045F);
        if (sizes[i] == 0 || sizes[i] > 0x1p-100F)
            check_exact(row, ACTIVATION_BF16, 0x1p-8F);
    }
}

static void put(char *bytes, size_t at, uint32_t number)
{
    uint32_t little = htole32(number);
    memcpy(bytes + at, &little, sizeof little);
}

static void test_refuse(void **state)
{
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    char bytes[64];
    float row[4];
    (void)state;
    for (enum activation type = ACTIVATION_F32; type < ACTIVATION_I8; type++)
        for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
            float sent[4] = {1, bad[i], 2, 3};
            activation_write(bytes, type, sent, 4);
            assert_false(activation_read(row, type, bytes, 4));
        }
    memset(bytes, 0, sizeof bytes);
    assert_true(activation_read(row, ACTIVATION_I8, bytes, 4));
    put(bytes, 0, 256); /* 2^256 * 0 */
    assert_true(activation_read(row, ACTIVATION_F16, bytes, 4));
    put(bytes, 0, 257);
    assert_false(activation_read(row, ACTIVATION_F16, bytes, 4));
    put(bytes, 0, (uint32_t)-257);
    assert_false(activation_read(row, ACTIVATION_I8, bytes, 4));
    put(bytes, 0, 0);
    put(bytes, 4, 0x01017c00); /* a scale that is infinite */
    assert_false(activation_read(row, ACTIVATION_I8, bytes, 4));
    assert_false(activation_read(row, ACTIVATION_TYPES, bytes, 4));
    activation_write(bytes, ACTIVATION_TYPES, row, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_names), cmocka_unit_test(test_vectors),
                                       cmocka_unit_test(test_exact), cmocka_unit_test(test_refuse)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
