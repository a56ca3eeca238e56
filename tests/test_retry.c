#include "client/retry.h"

#include "tests/test.h"

static const struct retry retry = {.first_ms = 500, .most_ms = 60000};

static void test_waits(void **state)
{
    (void)state;
    assert_int_equal(retry_wait_ms(&retry, 1, 0), 250);
    assert_int_equal(retry_wait_ms(&retry, 1, UINT32_MAX), 500);
    assert_int_equal(retry_wait_ms(&retry, 2, 0), 500);
    assert_int_equal(retry_wait_ms(&retry, 2, UINT32_MAX), 1000);
    assert_int_equal(retry_wait_ms(&retry, 7, 0), 16000);
}

/* However often it failed. */
static void test_bound(void **state)
{
    (void)state;
    assert_int_equal(retry_wait_ms(&retry, 8, 0), 30000);
    assert_int_equal(retry_wait_ms(&retry, 8, UINT32_MAX), 60000);
    assert_int_equal(retry_wait_ms(&retry, UINT32_MAX, UINT32_MAX), 60000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_waits), cmocka_unit_test(test_bound)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
