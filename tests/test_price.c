/* Prices: rounded up once, never more than was quoted, and what overflows is refused. */
#include "gpu/price.h"

#include <stdlib.h>

#include "shared/err.h"
#include "tests/random.h"
#include "tests/test.h"

enum { ROUNDS = 20000 };

static void test_charge(void **state)
{
    struct price price = {.prompt = 100000, .cached = 10000, .output = 400000, .request = 2};
    struct price_usage usage = {.prompt = 24, .output = 30};
    struct price_quote quote;
    uint64_t units;
    (void)state;
    assert_true(price_charge(&units, &price, &usage, NULL));
    assert_int_equal(units, 2 + 15); /* 2.4 + 12 = 14.4 */
    assert_true(price_quote(&quote, &price, &usage, NULL));
    assert_int_equal(quote.amount, 2 + 3);
    assert_int_equal(quote.reserve, 12);
    usage.cached = 20;
    assert_true(price_charge(&units, &price, &usage, NULL));
    assert_int_equal(units, 2 + 13); /* 0.4 + 0.2 + 12 */
    usage = (struct price_usage){0};
    assert_true(price_charge(&units, &price, &usage, NULL));
    assert_int_equal(units, 2);
    assert_false(price_is_zero(&price));
    assert_true(price_is_zero(&(struct price){0}));
}

static void expect_refused(const struct price *price, const struct price_usage *usage)
{
    struct price_quote quote;
    struct err err;
    uint64_t units;
    assert_false(price_charge(&units, price, usage, &err));
    assert_false(price_quote(&quote, price, usage, &err));
    assert_int_equal(err.code, ERR_INVALID);
}

static void test_overflow(void **state)
{
    const struct price_usage one = {.prompt = 2, .cached = 1, .output = 1};
    (void)state;
    expect_refused(&(struct price){.output = UINT64_MAX}, &one);
    expect_refused(&(struct price){.prompt = PRICE_UNITS_MAX, .cached = 1}, &one);
    expect_refused(&(struct price){.request = PRICE_UNITS_MAX, .output = 1}, &one);
    expect_refused(&(struct price){.request = PRICE_UNITS_MAX, .prompt = 1}, &one);
    expect_refused(&(struct price){.output = UINT64_MAX / 2},
                   &(struct price_usage){.output = UINT32_MAX});
}

static uint32_t any(void)
{
    return random_below(1U << random_below(24));
}

/* What is charged is never more than the quote, less than a unit below the exact price, and never
 * less for more tokens; a cached token never costs more where its price is lower. */
static void test_quoted(void **state)
{
    (void)state;
    uint32_t below = 0;
    for (int i = 0; i < ROUNDS; i++) {
        struct price price = {any(), 0, any(), any()};
        price.cached = random_below((uint32_t)price.prompt + 1);
        struct price_usage most = {.prompt = any(), .output = any()};
        struct price_usage usage = {most.prompt, random_below(most.prompt + 1),
                                    random_below(most.output + 1)};
        struct price_quote quote;
        uint64_t charge, full;
        assert_true(price_quote(&quote, &price, &most, NULL));
        assert_true(price_charge(&charge, &price, &usage, NULL));
        assert_true(price_charge(&full, &price, &most, NULL));
        assert_true(charge <= full && full <= quote.amount + quote.reserve);
        assert_true(full + 1 >= quote.amount + quote.reserve);
        double exact = ((double)(usage.prompt - usage.cached) * (double)price.prompt +
                        (double)usage.cached * (double)price.cached +
                        (double)usage.output * (double)price.output) /
                       PRICE_PPM;
        assert_true((double)(charge - price.request) >= exact - 1e-6 * exact &&
                    (double)(charge - price.request) < exact + 1 + 1e-6 * exact);
        below += charge < full;
    }
    assert_true(below > ROUNDS / 4);
}

static void test_read(void **state)
{
    static const char *const wrong[] = {
        "", "1", "1/", "/1", "1/2/3/4/5", "1/-2", "a/b", "1/2 ", "99999999999999999999/1"};
    struct price price;
    (void)state;
    assert_true(price_read(&price, "10/40", NULL));
    assert_true(price.prompt == 10 && price.output == 40 && price.cached == 10);
    assert_int_equal(price.request, 0);
    assert_true(price_read(&price, "10/40/2/1", NULL));
    assert_true(price.cached == 2 && price.request == 1);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        assert_false(price_read(&price, wrong[i], NULL));
}

static void test_split(void **state)
{
    struct price_policy policy = {.fee_ppm = 20000, .burn_ppm = 500000};
    struct price_split split = price_split(1000, &policy);
    (void)state;
    assert_true(split.fee == 20 && split.burn == 10 && split.treasury == 10);
    assert_int_equal(split.provider, 980);
    split = price_split(3, &policy);
    assert_true(split.fee == 1 && split.provider == 2 && split.treasury == 1);
    split = price_split(0, &policy);
    assert_true(split.fee == 0 && split.provider == 0);
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t units = (uint64_t)any() << random_below(40);
        policy = (struct price_policy){random_below(PRICE_PPM + 2), random_below(PRICE_PPM + 2)};
        split = price_split(units, &policy);
        assert_true(split.fee <= units && split.provider + split.fee == units);
        assert_true(split.burn + split.treasury == split.fee);
    }
}

static void test_stages(void **state)
{
    uint64_t works[] = {3, 1, 0, 0}, shares[4];
    (void)state;
    assert_int_equal(price_stages(shares, works, 4, 103), 103 - 77 - 25);
    assert_true(shares[0] == 77 && shares[1] == 25 && shares[2] == 0);
    assert_int_equal(price_stages(shares, works, 4, 10000), 10000 - 2 * PRICE_STAGE_UNITS_MAX);
    assert_int_equal(shares[0], PRICE_STAGE_UNITS_MAX);
    works[0] = works[1] = UINT64_MAX; /* no work that anybody does */
    assert_int_equal(price_stages(shares, works, 4, 100), 100);
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t units = any(), sum = 0;
        for (size_t k = 0; k < ARRAY_LEN(works); k++)
            works[k] = (uint64_t)any() << random_below(36);
        uint64_t rest = price_stages(shares, works, ARRAY_LEN(works), units);
        for (size_t k = 0; k < ARRAY_LEN(works); k++) {
            assert_true(shares[k] <= PRICE_STAGE_UNITS_MAX);
            sum += shares[k];
            for (size_t j = 0; j < k; j++)
                assert_true(works[j] > works[k] || shares[j] <= shares[k]);
        }
        assert_int_equal(sum + rest, units);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_charge), cmocka_unit_test(test_overflow),
        cmocka_unit_test(test_quoted), cmocka_unit_test(test_read),
        cmocka_unit_test(test_split),  cmocka_unit_test(test_stages),
    };
    random_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
