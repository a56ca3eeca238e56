/* How much there may be, and who has what of what is earned. */
#include "gpu/mint_policy.h"

#include "shared/err.h"
#include "shared/text.h"
#include "tests/test.h"

static bool read(struct mint_policy *policy, const char *text, struct err *err)
{
    *policy = mint_policy_default();
    return mint_policy_read(policy, (struct span){text, strlen(text)}, err);
}

static void test_read(void **state)
{
    struct mint_policy policy;
    struct err err;
    (void)state;
    assert_true(read(&policy, "{\"day_grant\":0,\"stages\":[1,2,3,4],\"fee_ppm\":1000000}", &err));
    assert_int_equal(policy.day_grant, 0);
    assert_int_equal(policy.stages[3], 4);
    assert_int_equal(policy.fee_ppm, 1000000);
    assert_int_equal(policy.pow_bits, 20);
}

static void test_refused(void **state)
{
    static const struct {
        const char *text, *why;
    } trials[] = {{"{\"fee_ppm\":1000001}", "fee_ppm"},
                  {"{\"epoch_s\":0}", "at least 1"},
                  {"{\"promo_days\":0}", "at least 1"},
                  {"{\"stages\":[1,2,3]}", "stages"},
                  {"{\"stages\":[1,2,3,4,5]}", "stages"},
                  {"{\"grants\":1}", "no 'grants'"},
                  {"{\"pow_bits\":\"8\"}", "pow_bits"},
                  {"{\"pow_bits\":29}", "pow_bits"},
                  {"{} {}", "the end"},
                  {"[]", "expected"},
                  {"{\"paid_cap\":-1}", "paid_cap"}};
    struct mint_policy policy;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(trials); i++) {
        struct err err = {0};
        assert_false(read(&policy, trials[i].text, &err));
        if (strstr(err.text, trials[i].why) == NULL)
            fail_msg("%s: %s", trials[i].text, err.text);
    }
}

static void test_written(void **state)
{
    struct mint_policy policy = mint_policy_default(), again;
    struct text text = {0};
    struct err err;
    (void)state;
    policy.relay_grant = 12345;
    policy.stages[2] = 77;
    text_add(&text, SPAN("{"));
    mint_policy_write(&text, &policy);
    text_addf(&text, "}%c", '\0');
    assert_true(read(&again, text.at, &err));
    assert_memory_equal(&again, &policy, sizeof policy);
    text_clear(&text);
}

static void test_epochs(void **state)
{
    struct mint_policy policy = mint_policy_default();
    uint64_t all = 0;
    (void)state;
    assert_int_equal(mint_policy_epoch(&policy, 0), 0);
    assert_int_equal(mint_policy_epoch(&policy, policy.began_at), 0);
    assert_int_equal(mint_policy_epoch(&policy, policy.began_at + policy.epoch_s - 1), 0);
    assert_int_equal(mint_policy_epoch(&policy, policy.began_at + policy.epoch_s), 1);
    for (int64_t epoch = 0; epoch < 100; epoch++)
        all += mint_policy_epoch_grant(&policy, epoch);
    assert_true(all <= (uint64_t)policy.promo_cap);
    assert_int_equal(mint_policy_epoch_grant(&policy, 1), policy.epoch_grant / 2);
    assert_int_equal(mint_policy_epoch_grant(&policy, INT64_MAX), 0);
}

static void expect_share(uint64_t cost, uint64_t provider, uint64_t burn, uint64_t treasury)
{
    struct mint_policy policy = mint_policy_default();
    struct mint_share share = mint_policy_share(&policy, cost);
    assert_int_equal(share.provider + share.burn + share.treasury, cost);
    assert_int_equal(share.provider, provider);
    assert_int_equal(share.burn, burn);
    assert_int_equal(share.treasury, treasury);
}

static void test_shares(void **state)
{
    struct mint_policy policy = mint_policy_default();
    (void)state;
    expect_share(0, 0, 0, 0);
    expect_share(1, 0, 0, 1);
    expect_share(133, 132, 0, 1);
    expect_share(1000, 990, 5, 5);
    expect_share(1ULL << 62, (1ULL << 62) - 46116860184273879, 23058430092136939,
                 23058430092136940);
    assert_int_equal(mint_policy_reward(&policy, 499), 499);
    assert_int_equal(mint_policy_reward(&policy, 501), 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read), cmocka_unit_test(test_refused), cmocka_unit_test(test_written),
        cmocka_unit_test(test_epochs), cmocka_unit_test(test_shares)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
