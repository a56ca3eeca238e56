/* Who is asked first: by cost, then by who failed less; nodes in the market's order. */
#include "client/outlet.h"

#include "client/provider.h"
#include "tests/test.h"

static void test_sort(void **state)
{
    const struct provider dear, cheap, shaky;
    const struct market_candidate first, second;
    struct outlet outlets[] = {
        {.node = &first, .cost = 20},
        {.node = &second, .cost = 5}, /* cheaper, and the market knows why not */
        {.provider = &dear, .cost = 30},
        {.provider = &shaky, .cost = 10, .failures = 2},
        {.provider = &cheap, .cost = 10, .failures = 1},
    };
    (void)state;
    outlet_sort(outlets, ARRAY_LEN(outlets));
    assert_ptr_equal(outlets[0].provider, &cheap);
    assert_ptr_equal(outlets[1].provider, &shaky);
    assert_ptr_equal(outlets[2].node, &first);
    assert_ptr_equal(outlets[3].node, &second);
    assert_ptr_equal(outlets[4].provider, &dear);
    outlet_sort(outlets, 0);
}

/* Of what costs the same a node comes first, and else whoever came first. */
static void test_ties(void **state)
{
    const struct provider a, b;
    const struct market_candidate node;
    struct outlet outlets[] = {
        {.node = &node, .cost = 1}, {.provider = &a, .cost = 1}, {.provider = &b, .cost = 1}};
    (void)state;
    outlet_sort(outlets, ARRAY_LEN(outlets));
    assert_ptr_equal(outlets[0].node, &node);
    assert_ptr_equal(outlets[1].provider, &a);
    assert_ptr_equal(outlets[2].provider, &b);
}

static void test_reckon(void **state)
{
    const struct offer_price price = {
        .in = 1000000, .cached = 1000000, .out = 3000000, .request = 2};
    const struct offer_price none = {0};
    const struct offer_price top = {OFFER_PRICE_MAX, OFFER_PRICE_MAX, OFFER_PRICE_MAX,
                                    OFFER_PRICE_MAX};
    struct outlet outlet = {0};
    (void)state;
    outlet_reckon(&outlet, &price, 400, 10);
    assert_int_equal(outlet.cost, 100 + OUTLET_FRAME_TOKENS + 30 + 2);
    assert_int_equal(outlet.most, 400 + OUTLET_FRAME_TOKENS + 30 + 2 + 1);
    assert_int_equal(outlet.tokens_max, 10);
    outlet_reckon(&outlet, &none, SIZE_MAX / 2, UINT32_MAX);
    assert_int_equal(outlet.cost + outlet.most, 0);
    outlet_reckon(&outlet, &top, SIZE_MAX / 2, UINT32_MAX); /* nothing wraps around */
    assert_true(outlet.most > outlet.cost || outlet.cost > OFFER_PRICE_MAX);
    assert_true(outlet.most < INT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sort), cmocka_unit_test(test_ties),
                                       cmocka_unit_test(test_reckon)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
