/* What stages of others did of a job: what is of the same stage is one, and there is a bound. */
#include "gpu/stint.h"

#include "tests/test.h"

static struct stint stint_of(uint8_t node, uint32_t begin, uint32_t rows)
{
    return (struct stint){
        .node = {{node}}, .offer = {{7}}, .begin = begin, .end = begin + 1, .rows = rows};
}

static void test_adds(void **state)
{
    struct stint_list list = {0}, both = {0};
    const struct stint stints[] = {stint_of(1, 2, 10), stint_of(1, 3, 5), stint_of(2, 2, 4),
                                   stint_of(1, 2, 6)};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(stints); i++)
        stint_add(&list, &stints[i]);
    assert_int_equal(list.count, 3);
    assert_int_equal(list.at[0].rows, 16);
    assert_int_equal(list.at[1].rows, 5);
    assert_int_equal(list.at[2].rows, 4);

    /* By another offer it is another, and rows do not begin anew. */
    struct stint other = stint_of(1, 2, UINT32_MAX);
    stint_add(&list, &other);
    assert_int_equal(list.at[0].rows, UINT32_MAX);
    other.offer.at[0]++;
    stint_add(&list, &other);
    assert_int_equal(list.count, 4);

    stint_add_all(&both, &list);
    stint_add_all(&both, &list);
    assert_int_equal(both.count, 4);
    assert_int_equal(both.at[1].rows, 10);
    stint_clear(&both);
    stint_clear(&list);
    assert_int_equal(list.count, 0);
}

static void test_bound(void **state)
{
    struct stint_list list = {0};
    (void)state;
    for (uint32_t i = 0; i <= STINTS_MAX; i++) {
        struct stint stint = stint_of(1, i, 1);
        stint_add(&list, &stint);
    }
    assert_int_equal(list.count, STINTS_MAX);
    stint_clear(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_adds), cmocka_unit_test(test_bound)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
