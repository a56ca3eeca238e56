/* Numbers of 16 bits: all of them there and back; what lies between two, against their distance. */
#include "gpu/half.h"

#include <math.h>

#include "shared/base.h"
#include "tests/test.h"

/* binary16 by its definition. */
static double half_meaning(uint16_t half)
{
    int exponent = half >> 10 & 31;
    double fraction = half & 1023;
    double value = exponent == 0 ? ldexp(fraction, -24) : ldexp(1024 + fraction, exponent - 25);
    if (exponent == 31)
        value = fraction == 0 ? (double)INFINITY : (double)NAN;
    return half >> 15 != 0 ? -value : value;
}

static void test_half_there_and_back(void **state)
{
    (void)state;
    for (uint32_t bits = 0; bits < 0x10000; bits++) {
        double meaning = half_meaning((uint16_t)bits);
        float value = half_to_float((uint16_t)bits);
        if (isnan(meaning)) {
            assert_true(isnan(value) && isnan(half_to_float(half_from_float(value))));
            continue;
        }
        assert_true((double)value == meaning && !signbit(value) == !signbit(meaning));
        assert_int_equal(half_from_float(value), bits);
    }
}

static void test_half_between(void **state)
{
    (void)state;
    for (uint16_t low = 0; low < 0x7bff; low++) {
        float middle = (half_to_float(low) + half_to_float((uint16_t)(low + 1))) / 2;
        assert_int_equal(half_from_float(middle), low + (low & 1));
        assert_int_equal(half_from_float(nextafterf(middle, 0)), low);
        assert_int_equal(half_from_float(nextafterf(middle, INFINITY)), low + 1);
        assert_int_equal(half_from_float(-middle), 0x8000 | (low + (low & 1)));
    }
    assert_int_equal(half_from_float(nextafterf(65520, 0)), 0x7bff);
    assert_int_equal(half_from_float(65520), 0x7c00);
    assert_int_equal(half_from_float(-1e30F), 0xfc00);
}

static void test_bf16(void **state)
{
    (void)state;
    for (uint32_t bits = 0; bits < 0x10000; bits++) {
        float value = half_bf16_to_float((uint16_t)bits);
        uint32_t whole;
        memcpy(&whole, &value, sizeof whole);
        assert_int_equal(whole, bits << 16);
        if (isnan(value))
            assert_true(isnan(half_bf16_to_float(half_bf16_from_float(value))));
        else
            assert_int_equal(half_bf16_from_float(value), bits);
    }
    for (uint16_t low = 0x0100; low < 0x7f00; low++) { /* sums that float holds */
        float middle = half_bf16_to_float(low) / 2 + half_bf16_to_float((uint16_t)(low + 1)) / 2;
        assert_int_equal(half_bf16_from_float(middle), low + (low & 1));
        assert_int_equal(half_bf16_from_float(nextafterf(middle, 0)), low);
        assert_int_equal(half_bf16_from_float(nextafterf(middle, INFINITY)), low + 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_half_there_and_back),
                                       cmocka_unit_test(test_half_between),
                                       cmocka_unit_test(test_bf16)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
