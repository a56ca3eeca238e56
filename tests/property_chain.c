/* Laws of a lead's choice: it is the best of all chains that there are, the same in whatever order
 * offers come, whole, and of nothing that must not be taken; and whatever is not taken says why. */
#include "gpu/chain.h"

#include <stdlib.h>

#include "shared/text.h"
#include "tests/random.h"
#include "tests/test.h"

enum { ROUNDS = 4000, LAYERS = 6, MOST = 9, NOW = 1000 };

static const struct chain_wish wish = {.root = {{1}},
                                       .begin = 1,
                                       .layers = LAYERS,
                                       .dtype = {"f32", 3},
                                       .context = 100,
                                       .price = {.in = 60, .cached = 60, .out = 120},
                                       .now = NOW};

static struct chain_candidate random_candidate(uint8_t number)
{
    static const struct span stages[] = {{"ws://[::1]:1", 12}};
    struct chain_candidate candidate = {
        .node = {{number}},
        .offer = {.root = {{(uint8_t)(random_below(12) > 0)}},
                  .layers = LAYERS,
                  .dtype = random_below(12) > 0 ? (struct span){"f32", 3} : (struct span){"q8", 2},
                  .price = {.in = random_below(14), .out = 2ULL * random_below(14)},
                  .stage_count = random_below(12) > 0,
                  .context = 95 + random_below(60),
                  .expires_at = NOW - 1 + random_below(30)},
        .is_heard = random_below(4) > 0,
        .is_mute = random_below(8) == 0,
        .is_ours = random_below(4) == 0,
        .ttft_ms = random_below(3) * 15,
        .failures = random_below(2)};
    candidate.is_gone = !candidate.is_heard && random_below(3) == 0;
    candidate.offer.first = random_below(LAYERS);
    candidate.offer.end = candidate.offer.first + 1 + random_below(LAYERS - candidate.offer.first);
    candidate.offer.stages[0] = stages[0];
    return candidate;
}

/* ---- by trying all ---- */

struct sum {
    bool is_there;
    uint64_t at[5];
    uint8_t keys[LAYERS];
};

/* As deep as there are layers. */
static void try_all( // NOLINT(misc-no-recursion)
    struct sum *best, const struct sum *so_far, uint32_t layer, uint32_t length,
    const struct chain_candidate *candidates, uint32_t count)
{
    if (layer == LAYERS) {
        bool is_better = !best->is_there;
        for (size_t i = 0; best->is_there && i < 5; i++)
            if (so_far->at[i] != best->at[i]) {
                is_better = so_far->at[i] < best->at[i];
                break;
            } else if (i == 4) {
                is_better = memcmp(so_far->keys, best->keys, sizeof best->keys) < 0;
            }
        if (is_better)
            *best = *so_far;
        best->is_there = true;
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct chain_candidate *candidate = &candidates[i];
        const struct offer *offer = &candidate->offer;
        uint64_t part = offer->end - offer->first;
        if (offer->first != layer || offer->root.at[0] != 1 || offer->dtype.len != 3 ||
            offer->stage_count == 0 || offer->context < 100 || offer->expires_at <= NOW ||
            candidate->is_gone || offer->price.in * LAYERS > 60 * part ||
            offer->price.out * LAYERS > 120 * part)
            continue;
        struct sum more = *so_far;
        uint32_t ms = candidate->ttft_ms == 0 ? CHAIN_STRANGER_MS : candidate->ttft_ms;
        more.at[0] += (candidate->is_mute ? 2U : 0U) + (candidate->is_heard ? 0U : 1U);
        more.at[1] += ((candidate->is_ours ? (ms > 30 ? ms - 30 : 0) : ms) + 9) / 10;
        more.at[2] += offer->price.in + offer->price.out;
        more.at[3] += candidate->failures;
        more.at[4]++;
        more.keys[length] = candidate->node.at[0];
        try_all(best, &more, offer->end, length + 1, candidates, count);
    }
}

static void check_places(const struct chain *chain, const struct chain_candidate *candidates,
                         uint32_t count)
{
    uint32_t stages = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct chain_candidate *candidate = &candidates[i];
        struct text text = {0};
        bool has_twin = false;
        chain_explain(&text, candidate, &wish);
        assert_true(text.len > 30);
        text_clear(&text);
        stages += candidate->place == CHAIN_STAGE;
        assert_true(candidate->place == CHAIN_LEFT || candidate->verdict == CHAIN_FIT);
        for (uint32_t j = 0; j < chain->count; j++)
            has_twin =
                has_twin || (candidates[chain->stages[j]].offer.first == candidate->offer.first &&
                             candidates[chain->stages[j]].offer.end == candidate->offer.end);
        assert_true(candidate->place != CHAIN_SPARE || has_twin);
    }
    assert_int_equal(stages, chain->count);
}

static void test_is_the_best(void **state)
{
    uint32_t found = 0, none = 0, several = 0;
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        struct chain_candidate candidates[MOST];
        struct sum best = {0}, empty = {0};
        struct chain chain;
        uint32_t count = random_below(MOST + 1);
        for (uint32_t j = 0; j < count; j++)
            candidates[j] = random_candidate((uint8_t)(j + 1));
        for (uint32_t j = count; j > 1; j--) { /* in any order */
            uint32_t other = random_below(j);
            struct chain_candidate kept = candidates[j - 1];
            candidates[j - 1] = candidates[other];
            candidates[other] = kept;
        }
        chain_choose(&chain, candidates, count, &wish);
        try_all(&best, &empty, wish.begin, 0, candidates, count);
        assert_int_equal(chain.count > 0, best.is_there);
        check_places(&chain, candidates, count);
        uint32_t layer = wish.begin;
        for (uint32_t j = 0; j < chain.count; j++) {
            const struct chain_candidate *stage = &candidates[chain.stages[j]];
            assert_int_equal(stage->offer.first, layer);
            assert_int_equal(stage->node.at[0], best.keys[j]);
            layer = stage->offer.end;
        }
        assert_true(chain.count == 0 || layer == LAYERS);
        found += chain.count > 0;
        several += chain.count > 1;
        none += chain.count == 0;
    }
    assert_true(found > ROUNDS / 20 && none > ROUNDS / 20 && several > ROUNDS / 100);
}

/* ---- spares, and bounds ---- */

static struct chain_candidate candidate_of(uint8_t node, uint32_t first, uint32_t end)
{
    struct chain_candidate candidate = {.node = {{node}},
                                        .offer = {.root = {{1}},
                                                  .first = first,
                                                  .end = end,
                                                  .layers = LAYERS,
                                                  .dtype = {"f32", 3},
                                                  .stage_count = 1,
                                                  .context = 100,
                                                  .expires_at = NOW + 1},
                                        .is_heard = true,
                                        .ttft_ms = node};
    return candidate;
}

static void test_spares(void **state)
{
    struct chain_candidate candidates[] = {candidate_of(40, 1, 3), candidate_of(30, 1, 3),
                                           candidate_of(20, 1, 3), candidate_of(10, 1, 3),
                                           candidate_of(11, 3, 6), candidate_of(12, 2, 6)};
    static const enum chain_place places[] = {CHAIN_LEFT,  CHAIN_SPARE, CHAIN_SPARE,
                                              CHAIN_STAGE, CHAIN_STAGE, CHAIN_LEFT};
    struct chain chain;
    (void)state;
    chain_choose(&chain, candidates, ARRAY_LEN(candidates), &wish);
    assert_int_equal(chain.count, 2);
    assert_int_equal(chain.stages[0], 3);
    assert_int_equal(chain.stages[1], 4);
    for (size_t i = 0; i < ARRAY_LEN(candidates); i++)
        assert_int_equal(candidates[i].place, places[i]);
    struct chain_wish own = wish; /* who has all layers needs nobody */
    own.begin = LAYERS;
    chain_choose(&chain, candidates, ARRAY_LEN(candidates), &own);
    assert_int_equal(chain.count, 0);
}

static void test_says_why(void **state)
{
    struct chain_candidate candidates[] = {candidate_of(7, 1, 6), candidate_of(8, 1, 6),
                                           candidate_of(9, 0, 6)};
    static const char *const words[] = {
        "0700000000000000 layers=1-5: taken, heard, 7 ms, 0/0",
        "0800000000000000 layers=1-5: asks for more than its part, 51/0 of 60/120",
        "0900000000000000 layers=0-5: begins with layers that are here"};
    struct chain chain;
    (void)state;
    candidates[1].offer.price.in = 51; /* of 60, for 5 of 6 layers, 50 are its part */
    chain_choose(&chain, candidates, ARRAY_LEN(candidates), &wish);
    for (size_t i = 0; i < ARRAY_LEN(candidates); i++) {
        struct text text = {0};
        chain_explain(&text, &candidates[i], &wish);
        text_addf(&text, "%c", '\0');
        assert_string_equal(text.at, words[i]);
        text_clear(&text);
    }
    candidates[1].offer.price.in = 50;
    chain_choose(&chain, candidates, ARRAY_LEN(candidates), &wish);
    assert_int_equal(candidates[1].verdict, CHAIN_FIT);
    assert_int_equal(candidates[1].place, CHAIN_SPARE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_is_the_best),
                                       cmocka_unit_test(test_spares),
                                       cmocka_unit_test(test_says_why)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
