/* How long steps take is learnt from them, and learnt anew when it changes. */
#include "gpu/pace.h"

#include "tests/test.h"

static void run(struct pace *pace, uint32_t steps, double fixed, double each)
{
    for (uint32_t i = 0; i < steps; i++) {
        uint32_t rows = i % 3 == 0 ? 4 : i % 3 == 1 ? 100 : 300;
        pace_add(pace, rows, (uint64_t)(fixed + each * rows));
    }
}

static void test_fit(void **state)
{
    struct pace pace = {0};
    (void)state;
    assert_int_equal(pace_rows(&pace, 1000000), 0);
    run(&pace, 30, 5000, 100);
    assert_in_range(pace_rows(&pace, 25000), 199, 201);
    assert_int_equal(pace_rows(&pace, 5050), 0);
    run(&pace, 300, 1000, 40);
    assert_in_range(pace_rows(&pace, 25000), 598, 602);
    assert_int_equal(pace_rows(&pace, UINT64_MAX), UINT16_MAX);
}

/* Steps of one size tell nothing of a row alone: what is expected is too little, never too much. */
static void test_one_size(void **state)
{
    struct pace pace = {0};
    (void)state;
    for (int i = 0; i < 100; i++)
        pace_add(&pace, 8, 5800);
    assert_in_range(pace_rows(&pace, 25000), 33, 34);
    pace_add(&pace, 40, 9000);
    assert_in_range(pace_rows(&pace, 25000), 195, 205);
}

/* Rows that seem to cost nothing, or less, are not for nothing. */
static void test_noise(void **state)
{
    struct pace pace = {0};
    (void)state;
    pace_add(&pace, 100, 1000);
    pace_add(&pace, 10, 5000);
    assert_in_range(pace_rows(&pace, 10000), 1, UINT16_MAX);
    assert_int_equal(pace_rows(&pace, 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_fit), cmocka_unit_test(test_one_size),
                                       cmocka_unit_test(test_noise)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
