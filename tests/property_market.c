/* Laws of the market: the same facts give the same order however they came; who fits is within the
 * wish; and a node is never worse off for a job that went well. */
#include "client/keys.h"
#include "client/market_choice.h"
#include "shared/arena.h"
#include "shared/event.h"
#include "shared/text.h"
#include "tests/random.h"
#include "tests/test.h"

enum { ROUNDS = 60, NODES = 8, DEALS = 40, NOW = 1800000000 };

struct world {
    struct arena arena;
    struct event offers[NODES], pulses[NODES];
    struct market_deal deals[DEALS];
};

static struct keys *keys_of(uint32_t node)
{
    struct bytes32 secret = {{0}};
    secret.at[31] = (uint8_t)(node + 1);
    struct keys *keys = keys_new(&secret);
    assert_non_null(keys);
    return keys;
}

static void make_node(struct world *world, uint32_t node)
{
    const struct bytes32 aux = {{0}};
    struct keys *keys = keys_of(node);
    struct text identifier = {0};
    struct offer offer = {.end = 1 + random_below(2),
                          .layers = 2,
                          .dtype = SPAN("q8"),
                          .model = random_below(4) != 0 ? SPAN("a") : SPAN("b"),
                          .price = {.in = (uint64_t)random_below(3) * 1000000, .out = 1000000},
                          .mint_count = random_below(4) != 0,
                          .unit_count = 1,
                          .units = {SPAN("ccr")},
                          .mints = {SPAN("http://m")},
                          .capacity = 1,
                          .context = 100 + random_below(100),
                          .expires_at = NOW + 100};
    offer_event(&world->offers[node], &world->arena, &offer, NOW - 5);
    offer_write_identifier(&identifier, &offer);
    const struct offer_pulse pulse = {.node = *keys_pubkey(keys),
                                      .identifier = text_span(&identifier),
                                      .free = random_below(2),
                                      .ttft_ms = random_below(3)};
    offer_pulse_event(&world->pulses[node], &world->arena, &pulse, NOW);
    keys_sign(keys, &world->offers[node], &aux);
    keys_sign(keys, &world->pulses[node], &aux);
    text_clear(&identifier);
    keys_free(keys);
}

static void make_world(struct world *world)
{
    *world = (struct world){0};
    for (uint32_t i = 0; i < NODES; i++)
        make_node(world, i);
    for (size_t i = 0; i < DEALS; i++)
        world->deals[i] = (struct market_deal){.node = world->offers[random_below(NODES)].pubkey,
                                               .buyer = {{(uint8_t)random_below(5)}},
                                               .receipt = {{(uint8_t)random_below(DEALS)}},
                                               .at = NOW - (int64_t)random_below(30 * 86400),
                                               .is_own = random_below(5) == 0,
                                               .is_good = random_below(4) != 0};
}

/* Everything in some order. */
static struct market *fill(const struct world *world)
{
    struct market *market = market_new();
    uint32_t order[DEALS];
    for (uint32_t i = 0; i < DEALS; i++) {
        uint32_t at = random_below(i + 1);
        order[i] = order[at];
        order[at] = i;
    }
    for (uint32_t i = 0; i < DEALS; i++) {
        market_deal(market, &world->deals[order[i]]);
        if (order[i] >= NODES)
            continue;
        assert_true(market_offer(market, &world->offers[order[i]], NOW, 0, NULL));
        assert_true(market_pulse(market, &world->pulses[order[i]], NOW, 0, NULL));
    }
    return market;
}

static struct market_wish random_wish(void)
{
    return (struct market_wish){.model = SPAN("a"),
                                .usage = {.in = random_below(90), .out = random_below(90)},
                                .cost_max = random_below(2) != 0 ? UINT64_MAX : random_below(300),
                                .needs_payment = random_below(2) != 0,
                                .now = NOW};
}

static void assert_fits(const struct market_candidate *candidate, const struct market_wish *wish)
{
    const struct offer *offer = &candidate->entry.offer;
    assert_true(span_eq(offer->model, wish->model) && offer_is_whole(offer));
    assert_true(candidate->cost <= wish->cost_max);
    assert_true(wish->usage.in + wish->usage.out <= offer->context);
    assert_true(!wish->needs_payment || offer->mint_count > 0);
}

/* Adds what it says of each to words, and how many fit to fit. */
static void judge(const struct world *world, const struct market_wish *wish, struct text *words,
                  uint32_t *fit)
{
    struct arena arena = {0};
    struct market *market = fill(world);
    size_t count;
    struct market_candidate *all = market_candidates(market, &arena, wish, &count);
    assert_int_equal(count, NODES);
    for (size_t i = 0; i < count; i++) {
        assert_true(i == 0 || all[i - 1].verdict <= all[i].verdict);
        market_explain(words, &all[i], wish);
        if (all[i].verdict == MARKET_FIT)
            assert_fits(&all[i], wish);
        *fit += all[i].verdict == MARKET_FIT;
    }
    market_free(market);
    arena_clear(&arena);
}

static void test_order_of_arrival(void **state)
{
    uint32_t fit = 0;
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        struct world world;
        struct text words[2] = {{0}};
        const struct market_wish wish = random_wish();
        make_world(&world);
        judge(&world, &wish, &words[0], &fit);
        judge(&world, &wish, &words[1], &fit);
        assert_true(span_eq(text_span(&words[0]), text_span(&words[1])));
        text_clear(&words[0]);
        text_clear(&words[1]);
        arena_clear(&world.arena);
    }
    assert_in_range(fit, ROUNDS / 4, ROUNDS * NODES);
}

static uint32_t reputation_of(const struct market *market, struct arena *arena,
                              const struct bytes32 *node)
{
    const struct market_wish wish = {.cost_max = UINT64_MAX, .now = NOW};
    size_t count;
    struct market_candidate *all = market_candidates(market, arena, &wish, &count);
    for (size_t i = 0; i < count; i++)
        if (memcmp(&all[i].entry.node, node, sizeof *node) == 0)
            return all[i].reputation;
    fail_msg("the node is not there");
    return 0;
}

/* Of a fresh buyer, so that none of theirs is put out; but a stranger's credit of 0.1 may go. */
static void test_good_is_no_worse(void **state)
{
    uint32_t better = 0;
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        struct world world;
        make_world(&world);
        struct market *market = fill(&world);
        const struct bytes32 node = world.offers[random_below(NODES)].pubkey;
        struct market_deal deal = {
            .node = node, .buyer = {{99}}, .at = NOW, .is_good = random_below(2) != 0};
        uint32_t before = reputation_of(market, &world.arena, &node);
        market_deal(market, &deal);
        uint32_t after = reputation_of(market, &world.arena, &node);
        assert_true(deal.is_good ? after >= before : after <= before);
        better += after > before;
        market_free(market);
        arena_clear(&world.arena);
    }
    assert_true(better > ROUNDS / 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_order_of_arrival),
                                       cmocka_unit_test(test_good_is_no_worse)};
    random_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
