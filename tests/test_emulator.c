/* The emulator sees each planted mistake, and nothing where there is none. */
#include "tests/mutants.h"

#include <stdbool.h>
#include <string.h>

#include "tests/test.h"

static float sum_of(int row)
{
    float sum = 0;
    for (int i = 0; i < MUTANT_WIDTH; i++)
        sum += (float)(row * MUTANT_WIDTH + i + 1);
    return sum;
}

static bool is_right(const float *sums)
{
    bool is_right = true;
    for (int row = 0; row < MUTANT_ROWS; row++)
        is_right = is_right && sums[row] == sum_of(row);
    return is_right;
}

static void test_mutants(void **state)
{
#define MUTANT_FAULT(mutant, fault) fault,
    static const char *const faults[] = {MUTANTS(MUTANT_FAULT)};
#undef MUTANT_FAULT
    (void)state;
    for (int i = 0; i < MUTANT_COUNT; i++) {
        float sums[MUTANT_ROWS] = {0};
        const char *said = mutant_run((enum mutant)i, sums);
        bool is_silent = faults[i] == NULL || faults[i][0] == '\0';
        if (is_silent ? said[0] != '\0' : strstr(said, faults[i]) == NULL)
            fail_msg("mutant %d: '%s', not '%s'", i, said, is_silent ? "" : faults[i]);
        if (is_silent)
            assert_int_equal(is_right(sums), faults[i] == NULL);
    }
}

/* What a fault says is where it was. */
static void test_place(void **state)
{
    float sums[MUTANT_ROWS];
    (void)state;
    assert_string_equal(mutant_run(MUTANT_BEFORE, sums),
                        "add_rows, block (0, 0, 0), thread 0: is at byte -4 of 2400");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_mutants),
                                       cmocka_unit_test(test_place)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
