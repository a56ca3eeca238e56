/* What must hold of a forward pass, whoever computes it: a text's beginning does not hear its end,
 * windows end where they end, caps hold, and a model in parts is the model. That the numbers are
 * right was checked once against two other implementations. */
#include "tests/reference.h"

#include <math.h>
#include <stdlib.h>

#include "tests/test.h"

enum { TOKENS = 24 };

static void make_tokens(uint32_t *tokens, uint32_t first)
{
    for (uint32_t i = 0; i < TOKENS; i++)
        tokens[i] = (i * 37 + 5) % 288;
    tokens[0] = first;
}

static bool same_logits(const struct reference *a, const struct reference *b, uint32_t token)
{
    return memcmp(reference_logits(a, token), reference_logits(b, token),
                  a->vocabulary * sizeof(double)) == 0;
}

static void test_causal(void **state)
{
    uint32_t tokens[TOKENS];
    (void)state;
    make_tokens(tokens, 7);
    for (enum forge_family family = 0; family < FORGE_FAMILIES; family++) {
        struct forge_model model = forge_model_of(family, 11);
        struct reference whole;
        struct reference beginning;
        reference_run(&whole, &model, tokens, TOKENS);
        reference_run(&beginning, &model, tokens, TOKENS / 2);
        for (uint32_t i = 0; i < TOKENS; i++) {
            const double *logits = reference_logits(&whole, i);
            double square = 0;
            for (uint32_t j = 0; j < whole.vocabulary; j++)
                square += logits[j] * logits[j] / whole.vocabulary;
            assert_true(isfinite(square) && square > 0.1);
            if (i < TOKENS / 2)
                assert_true(same_logits(&whole, &beginning, i));
        }
        reference_clear(&whole);
        reference_clear(&beginning);
    }
}

/* With one layer, the first token is heard as far as the window goes, and no further. */
static void test_windows(void **state)
{
    static const uint32_t windows[FORGE_FAMILIES] = {
        [FORGE_MISTRAL] = 9, [FORGE_PHI3] = 9, [FORGE_GEMMA2] = 8};
    (void)state;
    for (enum forge_family family = 0; family < FORGE_FAMILIES; family++) {
        struct forge_model model = forge_model_of(family, 11);
        struct reference one;
        struct reference other;
        uint32_t tokens[TOKENS];
        model.layers = 1;
        make_tokens(tokens, 7);
        reference_run(&one, &model, tokens, TOKENS);
        make_tokens(tokens, 8);
        reference_run(&other, &model, tokens, TOKENS);
        uint32_t heard = windows[family] == 0 ? TOKENS : windows[family];
        for (uint32_t i = 0; i < TOKENS; i++)
            assert_int_equal(same_logits(&one, &other, i), i >= heard);
        reference_clear(&one);
        reference_clear(&other);
    }
}

static void test_caps(void **state)
{
    struct forge_model model = forge_model_of(FORGE_GEMMA2, 11);
    struct reference reference;
    uint32_t tokens[TOKENS];
    (void)state;
    make_tokens(tokens, 7);
    reference_run(&reference, &model, tokens, TOKENS);
    for (size_t i = 0; i < (size_t)TOKENS * reference.vocabulary; i++)
        assert_true(fabs(reference.logits[i]) < 30);
    reference_clear(&reference);
}

/* The first layers alone leave the state that they leave in the whole. */
static void test_layers(void **state)
{
    uint32_t tokens[TOKENS];
    (void)state;
    make_tokens(tokens, 7);
    for (enum forge_family family = 0; family < FORGE_FAMILIES; family++) {
        struct forge_model model = forge_model_of(family, 11);
        struct reference whole;
        struct reference part;
        reference_run(&whole, &model, tokens, TOKENS);
        model.layers = 2;
        reference_run(&part, &model, tokens, TOKENS);
        for (uint32_t layers = 0; layers <= 2; layers++)
            assert_memory_equal(reference_hidden(&whole, layers, 0),
                                reference_hidden(&part, layers, 0),
                                sizeof(double) * TOKENS * whole.width);
        reference_clear(&whole);
        reference_clear(&part);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_causal),
                                       cmocka_unit_test(test_windows), cmocka_unit_test(test_caps),
                                       cmocka_unit_test(test_layers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
