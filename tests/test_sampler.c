/* What is left to choose from, how often each is chosen, and that the choice is always the same. */
#include "gpu/sampler.h"

#include <math.h>

#include "shared/err.h"
#include "tests/test.h"

enum { TOKENS = 8, DRAWS = 40000 };

static const float logits[TOKENS] = {0.5F, 2, -1, 2, 1, -3, 0, 1.5F};

static struct sampler open_sampler(struct sampler_options options)
{
    struct sampler sampler;
    struct err err;
    if (!sampler_open(&sampler, &options, TOKENS, &err))
        fail_msg("%s", err.text);
    return sampler;
}

static uint32_t pick(struct sampler *sampler, const float *from, uint64_t position,
                     struct sampler_text said)
{
    uint32_t token;
    struct err err;
    if (!sampler_pick(sampler, &token, from, position, said, &err))
        fail_msg("%s", err.text);
    return token;
}

static uint32_t pick_once(struct sampler_options options, struct sampler_text said)
{
    struct sampler sampler = open_sampler(options);
    uint32_t token = pick(&sampler, logits, 0, said);
    sampler_clear(&sampler);
    return token;
}

static void test_greedy(void **state)
{
    struct sampler_options options = sampler_options_greedy();
    const struct sampler_bias biases[] = {{1, -INFINITY}, {4, 0.5F}, {4, 0.75F}};
    const uint32_t said[] = {1, 3, 3, 7, 999};
    (void)state;
    assert_int_equal(pick_once(options, (struct sampler_text){0}), 1); /* and not 3, its equal */
    options.repetition = 1.5F;
    assert_int_equal(pick_once(options, (struct sampler_text){said, 1}), 3);
    assert_int_equal(pick_once(options, (struct sampler_text){said, 3}), 7);
    options.last = 2; /* 3 and 7 are forgotten no more, 1 is */
    assert_int_equal(pick_once(options, (struct sampler_text){said, 4}), 1);
    options = sampler_options_greedy();
    options.frequency = 0.3F; /* 1: 1.7, 3: 1.4, 7: 1.2 */
    assert_int_equal(pick_once(options, (struct sampler_text){said, 5}), 1);
    options.presence = 0.8F; /* 1: 0.9, 3: 0.6; 4: 1 */
    assert_int_equal(pick_once(options, (struct sampler_text){said, 5}), 4);
    options = sampler_options_greedy();
    options.biases = biases;
    options.bias_count = 1;
    assert_int_equal(pick_once(options, (struct sampler_text){0}), 3);
    options.bias_count = 3; /* 4: 2.25 */
    assert_int_equal(pick_once(options, (struct sampler_text){0}), 4);
}

/* Counts how often each token is drawn. */
static void draw(uint32_t *counts, struct sampler_options options)
{
    struct sampler sampler = open_sampler(options);
    memset(counts, 0, TOKENS * sizeof *counts);
    for (uint64_t i = 0; i < DRAWS; i++)
        counts[pick(&sampler, logits, i, (struct sampler_text){0})]++;
    sampler_clear(&sampler);
}

/* Every token as often as its probability says, of those in kept; no other ever. */
static void check_shares(struct sampler_options options, unsigned kept)
{
    uint32_t counts[TOKENS];
    double total = 0;
    draw(counts, options);
    for (uint32_t i = 0; i < TOKENS; i++)
        if (kept & 1U << i)
            total += exp((double)logits[i] / (double)options.temperature);
    for (uint32_t i = 0; i < TOKENS; i++) {
        double share = exp((double)logits[i] / (double)options.temperature) / total;
        double error = 5 * sqrt(share * (1 - share) * DRAWS) + 1;
        if (kept & 1U << i)
            assert_true(fabs(counts[i] - share * DRAWS) < error);
        else
            assert_int_equal(counts[i], 0);
    }
}

static void test_shares(void **state)
{
    struct sampler_options options = sampler_options_greedy();
    (void)state;
    options.temperature = 1;
    check_shares(options, 0xff);
    options.temperature = 2.5F;
    check_shares(options, 0xff);
    options.temperature = 0.7F;
    options.top_k = 3;
    check_shares(options, 0x8a);
    options.top_k = 1;
    check_shares(options, 0x02); /* of two alike the first */
    options.top_k = 0;
    options.temperature = 1;
    options.top_p = 0.6F; /* 7.39 + 7.39 of 25.08 are 0.59, and one more */
    check_shares(options, 0x8a);
    options.top_p = 0.57F;
    check_shares(options, 0x0a);
    options.top_p = 1e-9F;
    check_shares(options, 0x02);
    options.top_k = 3; /* 7.39 + 7.39 of 19.26 are 0.77 */
    options.top_p = 0.75F;
    check_shares(options, 0x0a);
    options = sampler_options_greedy();
    options.temperature = 1;
    options.min_p = 0.3F; /* e^-1 is 0.37, e^-1.5 is 0.22 */
    check_shares(options, 0x9a);
    options.min_p = 1;
    check_shares(options, 0x0a);
}

/* The choice is a function of seed, position and logits. What is wanted here was computed once by
 * another program, from the header alone. */
static void test_replay(void **state)
{
    static const uint32_t want[] = {7, 7, 1, 1, 3, 4, 3, 7, 1, 1, 7, 7, 6, 3, 7, 1};
    struct sampler_options options = sampler_options_greedy();
    uint32_t same = 0;
    (void)state;
    options.temperature = 1;
    struct sampler one = open_sampler(options);
    options.seed.at[31] = 1;
    struct sampler other = open_sampler(options);
    for (uint64_t i = 500; i-- > 0;) {
        uint32_t token = pick(&one, logits, i, (struct sampler_text){0});
        same += token == pick(&other, logits, i, (struct sampler_text){0});
        if (i < ARRAY_LEN(want))
            assert_int_equal(token, want[i]);
    }
    assert_true(same < 200); /* two draws are alike in a fifth of cases */
    sampler_clear(&one);
    sampler_clear(&other);
}

static void test_refuse(void **state)
{
    struct sampler_options good = sampler_options_greedy();
    struct sampler sampler;
    const struct sampler_bias biases[SAMPLER_BIASES_MAX + 1] = {{TOKENS, 1}};
    float broken[TOKENS];
    uint32_t token;
    struct err err;
    (void)state;
    for (int i = 0; i < 12; i++) {
        struct sampler_options options = good;
        options.temperature = i == 0 ? -1 : i == 1 ? NAN : i == 2 ? 101 : 0;
        options.top_p = i == 3 ? 0 : i == 4 ? 1.1F : 1;
        options.min_p = i == 5 ? -0.1F : i == 6 ? 1.1F : 0;
        options.repetition = i == 7 ? 0 : i == 8 ? NAN : 1;
        options.frequency = i == 9 ? INFINITY : 0;
        options.biases = biases;
        options.bias_count = i == 10 ? 1 : i == 11 ? SAMPLER_BIASES_MAX + 1 : 0;
        assert_false(sampler_open(&sampler, &options, TOKENS, &err));
        assert_int_equal(err.code, ERR_INVALID);
    }
    good.temperature = 1;
    sampler = open_sampler(good);
    for (size_t i = 0; i < TOKENS; i++)
        broken[i] = i % 2 == 0 ? NAN : -INFINITY;
    assert_false(sampler_pick(&sampler, &token, broken, 0, (struct sampler_text){0}, &err));
    broken[5] = -100;
    assert_int_equal(pick(&sampler, broken, 0, (struct sampler_text){0}), 5);
    sampler_clear(&sampler);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_greedy), cmocka_unit_test(test_shares),
                                       cmocka_unit_test(test_replay),
                                       cmocka_unit_test(test_refuse)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
