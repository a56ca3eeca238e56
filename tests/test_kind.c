/* Kinds: the class of every boundary from both sides. */
#include "shared/kind.h"

#include "tests/test.h"

static void test_class(void **state)
{
    static const struct {
        uint16_t kind;
        enum kind_class class;
    } cases[] = {
        {0, KIND_REPLACEABLE},     {1, KIND_REGULAR},         {2, KIND_REGULAR},
        {3, KIND_REPLACEABLE},     {4, KIND_REGULAR},         {44, KIND_REGULAR},
        {45, KIND_REGULAR},        {999, KIND_REGULAR},       {1000, KIND_REGULAR},
        {9999, KIND_REGULAR},      {10000, KIND_REPLACEABLE}, {19999, KIND_REPLACEABLE},
        {20000, KIND_EPHEMERAL},   {29999, KIND_EPHEMERAL},   {30000, KIND_ADDRESSABLE},
        {39999, KIND_ADDRESSABLE}, {40000, KIND_REGULAR},     {65535, KIND_REGULAR},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(kind_class(cases[i].kind), cases[i].class);
}

static void test_gated(void **state)
{
    unsigned gated = 0;
    (void)state;
    for (unsigned kind = 0; kind <= UINT16_MAX; kind++)
        gated += kind_is_gated((uint16_t)kind);
    assert_int_equal(gated, 3);
    assert_true(kind_is_gated(4));
    assert_true(kind_is_gated(1059));
    assert_true(kind_is_gated(21059));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_class), cmocka_unit_test(test_gated)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
