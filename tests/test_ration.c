/* What may be used: at each limit, and one past it. */
#include "client/ration.h"

#include "tests/test.h"

static void test_credit(void **state)
{
    static const struct {
        uint64_t day, request, today, most;
        enum ration_verdict verdict;
    } cases[] = {
        {RATION_NO_LIMIT, RATION_NO_LIMIT, UINT64_MAX, UINT64_MAX, RATION_FITS},
        {100, 10, 90, 10, RATION_FITS},
        {100, 10, 91, 10, RATION_SPENT},
        {100, 10, 0, 11, RATION_DEAR},
        {100, 10, 100, 0, RATION_FITS},
        {100, 10, 101, 0, RATION_SPENT},
        {100, RATION_NO_LIMIT, 1, UINT64_MAX, RATION_SPENT},
        {0, RATION_NO_LIMIT, 0, 0, RATION_FITS},
        {0, RATION_NO_LIMIT, 0, 1, RATION_SPENT},
        {RATION_NO_LIMIT, 0, 0, 1, RATION_DEAR},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct ration ration = {cases[i].day, cases[i].request};
        assert_int_equal(ration_judge(&ration, cases[i].today, cases[i].most), cases[i].verdict);
    }
    assert_true(ration_add(UINT64_MAX - 1, 1) == UINT64_MAX);
    assert_true(ration_add(UINT64_MAX, 1) == UINT64_MAX);
    assert_int_equal(ration_add(2, 3), 5);
}

static void test_rate(void **state)
{
    struct ration_rate rate = {.per_minute = 3}, any = {0};
    uint64_t wait_ms;
    (void)state;
    for (int i = 0; i < 3; i++)
        assert_true(ration_take(&rate, 1000, &wait_ms));
    assert_false(ration_take(&rate, 1000, &wait_ms));
    assert_int_equal(wait_ms, 20000);
    assert_false(ration_take(&rate, 20999, &wait_ms));
    assert_int_equal(wait_ms, 1);
    assert_true(ration_take(&rate, 21000, &wait_ms));
    assert_int_equal(wait_ms, 0);
    assert_false(ration_take(&rate, 20000, &wait_ms)); /* a clock that goes back brings nothing */
    for (int i = 0; i < 3; i++) /* an hour saves up no more than a minute does */
        assert_true(ration_take(&rate, 3600000, &wait_ms));
    assert_false(ration_take(&rate, 3600000, &wait_ms));
    for (int i = 0; i < 1000; i++)
        assert_true(ration_take(&any, 5, &wait_ms));
}

static void test_rest(void **state)
{
    struct ration_rest rest = {0};
    (void)state;
    assert_false(ration_rests(&rest, 0));
    ration_fail(&rest, 1000);
    assert_true(ration_rests(&rest, 1000 + RATION_REST_MS - 1));
    assert_false(ration_rests(&rest, 1000 + RATION_REST_MS));
    ration_fail(&rest, 1000);
    assert_true(ration_rests(&rest, 1000 + 2 * RATION_REST_MS - 1));
    for (int i = 0; i < 100; i++)
        ration_fail(&rest, 1000);
    assert_true(ration_rests(&rest, 1000 + RATION_REST_MS_MAX - 1));
    assert_false(ration_rests(&rest, 1000 + RATION_REST_MS_MAX));
    ration_succeed(&rest);
    assert_false(ration_rests(&rest, 0));
    ration_fail(&rest, UINT64_MAX);
    assert_true(rest.until_ms == UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_credit), cmocka_unit_test(test_rate),
                                       cmocka_unit_test(test_rest)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
