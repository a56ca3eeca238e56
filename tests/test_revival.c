/* Revival: patience doubles with each failure in a row, up to a bound. */
#include "relay/revival.h"

#include "tests/test.h"

static void test_patience(void **state)
{
    static const int64_t wanted[] = {100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000};
    struct revival revival = {0};
    (void)state;
    assert_false(revival_is_due(&revival)); /* what never died */
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        revival_started(&revival);
        assert_false(revival_is_due(&revival));
        assert_int_equal(revival_plan(&revival), wanted[i]);
        assert_int_not_equal(revival.due_ms, 0);
        assert_false(revival_is_due(&revival));
    }
    revival.due_ms = revival_now_ms();
    assert_true(revival_is_due(&revival));

    revival_started(&revival);
    revival.started_ms -= 10000; /* it lived long enough to be thought well */
    assert_int_equal(revival_plan(&revival), 100);
    assert_int_equal(revival_plan(&revival), 200); /* could not even be started */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_patience)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
