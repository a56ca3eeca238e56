/* Law: a table holds exactly what was put into it and not removed, whatever the order. */
#include "relay/table.h"

#include "tests/random.h"
#include "tests/test.h"

enum { KEYS = 64, STEPS = 20000 };

/* Keys that crowd a few places, and keys that do not. */
static uint64_t key_of(uint32_t number, bool is_crowded)
{
    return is_crowded ? (uint64_t)number << 58 : number;
}

static void compare(const struct table *table, void *const *expected, bool is_crowded)
{
    size_t count = 0, walked = 0, place = 0;
    for (uint32_t i = 0; i < KEYS; i++) {
        assert_ptr_equal(table_get(table, key_of(i, is_crowded)), expected[i]);
        count += expected[i] != NULL;
    }
    assert_int_equal(table->count, count);
    while (table_next(table, &place) != NULL)
        walked++;
    assert_int_equal(walked, count);
}

static void check(bool is_crowded)
{
    static char things[KEYS];
    void *expected[KEYS] = {NULL};
    struct table table = {0};
    size_t most = 0;
    assert_null(table_get(&table, 0));
    assert_null(table_remove(&table, 0));
    for (int step = 0; step < STEPS; step++) {
        uint32_t number = random_below(KEYS);
        if (random_below(2) == 0) {
            void *thing = &things[random_below(KEYS)];
            table_put(&table, key_of(number, is_crowded), thing);
            expected[number] = thing;
        } else {
            assert_ptr_equal(table_remove(&table, key_of(number, is_crowded)), expected[number]);
            expected[number] = NULL;
        }
        if (step % 16 == 0)
            compare(&table, expected, is_crowded);
        most = table.count > most ? table.count : most;
    }
    assert_true(most > KEYS / 2);
    table_clear(&table);
    assert_int_equal(table.count, 0);
}

static void test_spread(void **state)
{
    (void)state;
    check(false);
}

static void test_crowded(void **state)
{
    (void)state;
    check(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_spread),
                                       cmocka_unit_test(test_crowded)};
    random_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
