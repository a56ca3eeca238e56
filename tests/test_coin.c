/* Coins are the same again from the same seed, and no two are alike. */
#include "client/coin.h"

#include "tests/random.h"
#include "tests/test.h"

enum { COINS = 40 };

static void test_again(void **state)
{
    struct bytes64 seeds[2];
    struct bytes33 keysets[2] = {{{1, 2}}, {{1, 3}}};
    struct coin coins[COINS];
    (void)state;
    for (size_t i = 0; i < sizeof seeds; i++)
        ((uint8_t *)seeds)[i] = (uint8_t)random_below(256);
    for (uint32_t i = 0; i < COINS; i++) {
        struct coin again;
        coin_derive(&coins[i], &seeds[i % 2], &keysets[i / 2 % 2], i / 4);
        coin_derive(&again, &seeds[i % 2], &keysets[i / 2 % 2], i / 4);
        assert_memory_equal(&again, &coins[i], sizeof again);
        for (uint32_t k = 0; k < i; k++) {
            assert_memory_not_equal(coins[i].secret, coins[k].secret, COIN_SECRET_CHARS);
            assert_memory_not_equal(&coins[i].factor, &coins[k].factor, sizeof coins[k].factor);
        }
    }
}

/* A counter past 2^32 is another one. */
static void test_wide_counter(void **state)
{
    const struct bytes64 seed = {{1}};
    const struct bytes33 keyset = {{1}};
    struct coin a, b;
    (void)state;
    coin_derive(&a, &seed, &keyset, 7);
    coin_derive(&b, &seed, &keyset, (UINT64_C(1) << 32) + 7);
    assert_memory_not_equal(&a, &b, sizeof a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_again),
                                       cmocka_unit_test(test_wide_counter)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
