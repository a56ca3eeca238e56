/* Laws of offers and heartbeats: what is written is read back the same, and a cost never falls when
 * more is asked for. */
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/offer.h"
#include "shared/text.h"
#include "tests/random.h"
#include "tests/test.h"

enum { ROUNDS = 5000 };

static struct bytes32 random_hash(void)
{
    struct bytes32 hash;
    for (size_t i = 0; i < sizeof hash.at; i++)
        hash.at[i] = (uint8_t)random_below(256);
    return hash;
}

static uint64_t random_price(void)
{
    return ((uint64_t)random_below(1U << 31) << random_below(4)) % (OFFER_PRICE_MAX + 1);
}

static struct span pick(const struct span *from, uint32_t count)
{
    return from[random_below(count)];
}

static struct offer random_offer(int64_t now)
{
    static const struct span models[] = {
        {"llama 3.2 \"1b\"", 14}, {"q\\wen", 5}, {"\xc3\xa9t\xc3\xa9", 5}, {"a", 1}};
    static const struct span words[] = {{"ccr", 3}, {"ccr-promo", 9}, {"q8_0", 4}, {"f16", 3}};
    static const struct span mints[] = {{"https://a.example", 17}, {"nostr:nprofile1qq", 17}};
    static const struct span relays[] = {{"wss://r.example/x", 17}, {"ws://[::1]:7000", 15}};
    struct offer offer = {
        .root = random_hash(),
        .layers = 1 + random_below(OFFER_LAYERS_MAX),
        .dtype = pick(words, 4),
        .model = pick(models, 4),
        .has_tokenizer = random_below(2) != 0,
        .has_template = random_below(2) != 0,
        .price = {.in = random_price(), .out = random_price(), .request = random_price()},
        .capacity = 1 + random_below(OFFER_CAPACITY_MAX),
        .context = 1 + random_below(OFFER_CONTEXT_MAX),
        .expires_at = now + 1 + random_below(OFFER_LIFE_S_MAX)};
    offer.end = 1 + random_below(offer.layers);
    offer.first = random_below(offer.end);
    offer.price.cached = offer.price.in / (1 + random_below(3));
    if (offer.has_tokenizer)
        offer.tokenizer = random_hash();
    if (offer.has_template)
        offer.template = random_hash();
    if (random_below(2) != 0)
        offer.gpu = pick(models, 4);
    for (offer.unit_count = 0; offer.unit_count < random_below(OFFER_UNITS_MAX + 1);)
        offer.units[offer.unit_count++] = pick(words, 4);
    for (; offer.unit_count > 0 && offer.mint_count < random_below(OFFER_MINTS_MAX + 1);)
        offer.mints[offer.mint_count++] = pick(mints, 2);
    for (; offer.stage_count < random_below(OFFER_STAGES_MAX + 1);)
        offer.stages[offer.stage_count++] = relays[1];
    for (; offer.relay_count < random_below(OFFER_RELAYS_MAX + 1);)
        offer.relays[offer.relay_count++] = pick(relays, 2);
    return offer;
}

static void assert_same_spans(const struct span *a, const struct span *b, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        assert_true(span_eq(a[i], b[i]));
}

static void assert_same(const struct offer *a, const struct offer *b)
{
    assert_memory_equal(&a->root, &b->root, sizeof a->root);
    assert_true(a->first == b->first && a->end == b->end && a->layers == b->layers);
    assert_true(span_eq(a->dtype, b->dtype) && span_eq(a->model, b->model));
    assert_true(span_eq(a->gpu, b->gpu));
    assert_true(a->has_tokenizer == b->has_tokenizer && a->has_template == b->has_template);
    assert_memory_equal(&a->tokenizer, &b->tokenizer, sizeof a->tokenizer);
    assert_memory_equal(&a->template, &b->template, sizeof a->template);
    assert_memory_equal(&a->price, &b->price, sizeof a->price);
    assert_true(a->unit_count == b->unit_count && a->mint_count == b->mint_count &&
                a->relay_count == b->relay_count && a->stage_count == b->stage_count);
    assert_same_spans(a->units, b->units, a->unit_count);
    assert_same_spans(a->mints, b->mints, a->mint_count);
    assert_same_spans(a->relays, b->relays, a->relay_count);
    assert_same_spans(a->stages, b->stages, a->stage_count);
    assert_true(a->capacity == b->capacity && a->context == b->context &&
                a->expires_at == b->expires_at);
}

static void test_offers(void **state)
{
    uint32_t sold = 0;
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        struct arena arena = {0};
        int64_t now = random_below(2000000000);
        struct offer offer = random_offer(now), again;
        struct event event;
        struct err err;
        offer_event(&event, &arena, &offer, now);
        if (!offer_parse(&again, &event, &err))
            fail_msg("%s", err.text);
        assert_same(&offer, &again);
        sold += offer.mint_count > 0;
        arena_clear(&arena);
    }
    assert_in_range(sold, ROUNDS / 10, ROUNDS - ROUNDS / 10);
}

static void test_pulses(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        struct arena arena = {0};
        const struct offer offer = random_offer(0);
        struct text identifier = {0};
        offer_write_identifier(&identifier, &offer);
        const struct offer_pulse pulse = {.node = random_hash(),
                                          .identifier = text_span(&identifier),
                                          .free = random_below(OFFER_CAPACITY_MAX + 1),
                                          .queue = random_below(1000000000),
                                          .ttft_ms = random_below(1000000000),
                                          .speed = random_below(1000000000)};
        struct offer_pulse again;
        struct event event;
        offer_pulse_event(&event, &arena, &pulse, 5);
        assert_true(offer_pulse_parse(&again, &event, NULL));
        assert_memory_equal(&pulse.node, &again.node, sizeof pulse.node);
        assert_true(span_eq(pulse.identifier, again.identifier));
        assert_true(pulse.free == again.free && pulse.queue == again.queue &&
                    pulse.ttft_ms == again.ttft_ms && pulse.speed == again.speed);
        text_clear(&identifier);
        arena_clear(&arena);
    }
}

static void test_more_costs_no_less(void **state)
{
    uint32_t dearer = 0;
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        const struct offer offer = random_offer(0);
        const struct offer_usage usage = {random_below(1 << 20), 0, random_below(1 << 20)};
        const struct offer_usage more = {usage.in + random_below(9), 0,
                                         usage.out + random_below(9)};
        const struct offer_usage known = {usage.in, random_below(usage.in + 1), usage.out};
        uint64_t cost = offer_cost(&offer.price, &usage);
        assert_true(offer_cost(&offer.price, &more) >= cost);
        assert_true(offer_cost(&offer.price, &known) <= cost);
        dearer += offer_cost(&offer.price, &more) > cost;
    }
    assert_true(dearer > ROUNDS / 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_offers), cmocka_unit_test(test_pulses),
                                       cmocka_unit_test(test_more_costs_no_less)};
    random_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
