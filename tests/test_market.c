/* What is believed of nodes, when they are gone, and who is asked first. */
#include "client/market_choice.h"

#include "client/keys.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/kind.h"
#include "shared/text.h"
#include "tests/test.h"

enum { NOW = 1800000000, DAY = 86400 };

/* ---- nodes ---- */

static struct keys *keys_of(uint8_t person)
{
    struct bytes32 secret = {{0}};
    secret.at[31] = person;
    struct keys *keys = keys_new(&secret);
    assert_non_null(keys);
    return keys;
}

static void sign(struct event *event, uint8_t person)
{
    const struct bytes32 aux = {{0}};
    struct keys *keys = keys_of(person);
    keys_sign(keys, event, &aux);
    keys_free(keys);
}

static struct bytes32 key_of(uint8_t person)
{
    struct keys *keys = keys_of(person);
    struct bytes32 key = *keys_pubkey(keys);
    keys_free(keys);
    return key;
}

static struct offer basic(void)
{
    return (struct offer){.root = {{7}},
                          .end = 4,
                          .layers = 4,
                          .dtype = SPAN("q8"),
                          .model = SPAN("tiny"),
                          .price = {.in = 1000000, .cached = 0, .out = 1000000},
                          .unit_count = 1,
                          .units = {SPAN("ccr")},
                          .mint_count = 1,
                          .mints = {SPAN("https://m.example")},
                          .capacity = 2,
                          .context = 1000,
                          .expires_at = NOW + 600};
}

static bool put(struct market *market, uint8_t person, const struct offer *offer, struct err *err)
{
    struct arena arena = {0};
    struct event event;
    offer_event(&event, &arena, offer, NOW - 10);
    sign(&event, person);
    bool ok = market_offer(market, &event, NOW, 1000, err);
    arena_clear(&arena);
    return ok;
}

struct beat {
    uint8_t person;
    int64_t at;
    uint64_t ms;
    uint32_t free, ttft_ms;
};

static bool beat(struct market *market, const struct beat *beat, struct err *err)
{
    struct arena arena = {0};
    struct event event;
    struct text identifier = {0};
    const struct offer offer = basic();
    offer_write_identifier(&identifier, &offer);
    const struct offer_pulse pulse = {.node = key_of(beat->person),
                                      .identifier = text_span(&identifier),
                                      .free = beat->free,
                                      .ttft_ms = beat->ttft_ms};
    offer_pulse_event(&event, &arena, &pulse, beat->at);
    sign(&event, beat->person);
    bool ok = market_pulse(market, &event, NOW, beat->ms, err);
    text_clear(&identifier);
    arena_clear(&arena);
    return ok;
}

/* ---- what is believed ---- */

static void test_refuses(void **state)
{
    struct market *market = market_new();
    struct arena arena = {0};
    struct event event;
    struct err err;
    struct offer offer = basic();
    (void)state;

    offer_event(&event, &arena, &offer, NOW - 10);
    sign(&event, 1);
    event.sig.at[5] ^= 1;
    assert_false(market_offer(market, &event, NOW, 0, &err));
    assert_string_equal(err.text, "its signature is wrong");
    sign(&event, 1);
    event.created_at--;
    assert_false(market_offer(market, &event, NOW, 0, &err));
    assert_string_equal(err.text, "its signature is wrong");

    offer.expires_at = NOW;
    assert_false(put(market, 1, &offer, &err));
    assert_string_equal(err.text, "it has expired");
    offer = basic();
    offer.expires_at = NOW + MARKET_SKEW_S + 600;
    offer_event(&event, &arena, &offer, NOW + MARKET_SKEW_S + 1);
    sign(&event, 1);
    assert_false(market_offer(market, &event, NOW, 0, &err));
    assert_string_equal(err.text, "it is of the future");
    event.kind = KIND_NOTE;
    assert_false(market_offer(market, &event, NOW, 0, &err));

    offer = basic();
    assert_true(put(market, 1, &offer, &err));
    assert_false(put(market, 1, &offer, &err));
    assert_int_equal(err.code, ERR_DUPLICATE);
    arena_clear(&arena);
    market_free(market);
}

static void test_newest_counts(void **state)
{
    struct market *market = market_new();
    struct arena arena = {0};
    struct event older, newer;
    struct offer offer = basic();
    size_t count;
    (void)state;
    offer_event(&older, &arena, &offer, NOW - 20);
    offer.price.in = 5;
    offer.price.cached = 5;
    offer_event(&newer, &arena, &offer, NOW - 10);
    sign(&older, 1);
    sign(&newer, 1);
    assert_true(market_offer(market, &newer, NOW, 0, NULL));
    assert_false(market_offer(market, &older, NOW, 0, NULL));
    struct market_entry *entries = market_entries(market, &arena, NOW, 0, &count);
    assert_int_equal(count, 1);
    assert_int_equal(entries->offer.price.in, 5);
    entries = market_entries(market, &arena, NOW + 600, 0, &count);
    assert_int_equal(count, 0); /* expired */
    arena_clear(&arena);
    market_free(market);
}

/* One node cannot fill the list. */
static void test_bounds(void **state)
{
    struct market *market = market_new();
    struct err err;
    (void)state;
    for (unsigned i = 0; i <= MARKET_NODE_OFFERS_MAX; i++) {
        struct offer offer = basic();
        offer.root.at[5] = (uint8_t)i;
        assert_int_equal(put(market, 1, &offer, &err), i < MARKET_NODE_OFFERS_MAX);
    }
    assert_int_equal(err.code, ERR_RATE_LIMITED);
    const struct offer offer = basic();
    assert_true(put(market, 2, &offer, &err));
    market_free(market);
}

static void test_withdrawn(void **state)
{
    struct market *market = market_new();
    struct arena arena = {0};
    struct text tags = {0};
    struct offer offer = basic();
    struct event event = {.kind = KIND_DELETION, .created_at = NOW, .content_json = SPAN("")};
    const struct bytes32 node = key_of(1);
    size_t count;
    (void)state;
    assert_true(put(market, 1, &offer, NULL) && put(market, 2, &offer, NULL));
    text_add(&tags, SPAN("[[\"a\",\""));
    offer_write_address(&tags, &offer, &node);
    text_add(&tags, SPAN("\"]]"));
    assert_true(event_parse_tags(&event, &arena, text_span(&tags), NULL));
    sign(&event, 2); /* of another's offer: nothing */
    assert_true(market_withdraw(market, &event, NULL));
    (void)market_entries(market, &arena, NOW, 0, &count);
    assert_int_equal(count, 2);
    sign(&event, 1);
    event.sig.at[0] ^= 1;
    assert_false(market_withdraw(market, &event, NULL));
    sign(&event, 1);
    assert_true(market_withdraw(market, &event, NULL));
    struct market_entry *entries = market_entries(market, &arena, NOW, 0, &count);
    assert_int_equal(count, 1);
    assert_memory_not_equal(&entries->node, &node, sizeof node);
    event.kind = KIND_NOTE;
    assert_false(market_withdraw(market, &event, NULL));
    text_clear(&tags);
    arena_clear(&arena);
    market_free(market);
}

/* ---- who is there ---- */

static enum market_life life(const struct market *market, uint64_t ms)
{
    struct arena arena = {0};
    size_t count;
    enum market_life life = market_entries(market, &arena, NOW, ms, &count)->life;
    assert_int_equal(count, 1);
    arena_clear(&arena);
    return life;
}

static void test_life(void **state)
{
    struct market *market = market_new();
    const struct offer offer = basic();
    struct err err;
    (void)state;
    assert_false(beat(market, &(struct beat){1, NOW, 1000, 1, 0}, &err));
    assert_string_equal(err.text, "its offer is not known");
    assert_true(put(market, 1, &offer, NULL)); /* at 1000 */
    assert_false(market_is_heard(market));
    assert_int_equal(life(market, 1000 + MARKET_SILENCE_MS), MARKET_UNHEARD);
    assert_int_equal(life(market, 1001 + MARKET_SILENCE_MS), MARKET_GONE);
    assert_true(beat(market, &(struct beat){1, NOW, 50000, 1, 0}, NULL));
    assert_true(market_is_heard(market));
    assert_int_equal(life(market, 50000 + MARKET_SILENCE_MS), MARKET_HEARD);
    assert_int_equal(life(market, 50001 + MARKET_SILENCE_MS), MARKET_GONE);

    /* What was heard before is no sign of life; nor is what another time says. */
    assert_false(beat(market, &(struct beat){1, NOW, 90000, 1, 0}, &err));
    assert_int_equal(err.code, ERR_DUPLICATE);
    assert_false(beat(market, &(struct beat){1, NOW + MARKET_SKEW_S + 1, 90000, 1, 0}, &err));
    assert_false(beat(market, &(struct beat){1, NOW - MARKET_SKEW_S - 1, 90000, 1, 0}, &err));
    assert_int_equal(life(market, 90000), MARKET_GONE);
    assert_true(beat(market, &(struct beat){1, NOW + 1, 90000, 1, 0}, NULL)); /* it is back */
    assert_int_equal(life(market, 90000), MARKET_HEARD);
    market_free(market);
}

static void test_replicas(void **state)
{
    struct market *market = market_new();
    struct arena arena = {0};
    struct offer offer = basic(), part = basic();
    size_t count;
    (void)state;
    part.first = 2;
    assert_true(put(market, 1, &offer, NULL) && put(market, 2, &offer, NULL));
    assert_true(put(market, 3, &part, NULL)); /* never heard */
    assert_true(beat(market, &(struct beat){1, NOW, 1000, 1, 0}, NULL));
    assert_true(beat(market, &(struct beat){2, NOW, 2000, 1, 0}, NULL));
    struct market_entry *entries = market_entries(market, &arena, NOW, 2000, &count);
    const uint32_t *replicas = market_replicas(&arena, entries, count, &offer);
    for (int i = 0; i < 4; i++)
        assert_int_equal(replicas[i], 2);
    entries = market_entries(market, &arena, NOW, 31500, &count);
    assert_int_equal(market_replicas(&arena, entries, count, &offer)[0], 1);
    arena_clear(&arena);
    market_free(market);
}

/* ---- who is asked ---- */

static const struct market_wish wish = {.model = {"tiny", 4},
                                        .unit = {"ccr", 3},
                                        .usage = {.in = 10, .out = 20},
                                        .cost_max = 100,
                                        .needs_payment = true,
                                        .now = NOW,
                                        .now_ms = 1000};

static void expect_first(const struct market *market, uint8_t person, const char *words)
{
    struct arena arena = {0};
    struct text text = {0};
    const struct bytes32 node = key_of(person);
    size_t count;
    struct market_candidate *candidates = market_candidates(market, &arena, &wish, &count);
    assert_true(count > 0);
    market_explain(&text, candidates, &wish);
    text_add(&text, SPAN("\0"));
    print_message("%s\n", text.at);
    assert_int_equal(candidates->verdict, MARKET_FIT);
    assert_memory_equal(&candidates->entry.node, &node, sizeof node);
    assert_non_null(strstr(text.at, words));
    text_clear(&text);
    arena_clear(&arena);
}

static void test_filters(void **state)
{
    static const char *const words[] = {
        [MARKET_FIT] = "costs 30, reputation 0.100 (a stranger), no heartbeat yet",
        [MARKET_OTHER_MODEL] = "another model",
        [MARKET_PARTIAL] = "only layers 2-3 of 4",
        [MARKET_SHORT] = "its context of 29 is too short for 10 and 20 tokens",
        [MARKET_NO_MINT] = "it names no mint to pay it with",
        [MARKET_OTHER_UNIT] = "it takes no ccr",
        [MARKET_DEAR] = "too dear: 101, and at most 100",
        [MARKET_LOST] = "gone: three heartbeats missed"};
    (void)state;
    for (enum market_verdict verdict = MARKET_FIT; verdict <= MARKET_LOST; verdict++) {
        struct market *market = market_new();
        struct arena arena = {0};
        struct offer offer = basic();
        struct market_wish asked = wish;
        struct text text = {0};
        size_t count;
        offer.model = verdict == MARKET_OTHER_MODEL ? SPAN("huge") : offer.model;
        offer.first = verdict == MARKET_PARTIAL ? 2 : 0;
        offer.context = verdict == MARKET_SHORT ? 29 : 30;
        offer.mint_count = verdict != MARKET_NO_MINT;
        offer.units[0] = verdict == MARKET_OTHER_UNIT ? SPAN("ccr-promo") : SPAN("ccr");
        offer.price.request = verdict == MARKET_DEAR ? 71 : 0;
        asked.now_ms += verdict == MARKET_LOST ? MARKET_SILENCE_MS + 1 : 0;
        assert_true(put(market, 1, &offer, NULL));
        struct market_candidate *candidates = market_candidates(market, &arena, &asked, &count);
        assert_int_equal(count, 1);
        assert_int_equal(candidates->verdict, verdict);
        market_explain(&text, candidates, &asked);
        text_add(&text, SPAN("\0"));
        assert_non_null(strstr(text.at, words[verdict]));
        text_clear(&text);
        arena_clear(&arena);
        market_free(market);
    }
}

static void test_order(void **state)
{
    struct market *market = market_new();
    struct offer cheap = basic(), dear = basic();
    (void)state;
    dear.price.request = 30; /* twice the price */
    assert_true(put(market, 1, &dear, NULL) && put(market, 2, &cheap, NULL));
    expect_first(market, 2, "costs 30");

    /* A good name is worth a price; one buyer's word alone is not worth as much. */
    for (uint8_t buyer = 1; buyer <= 20; buyer++)
        market_deal(market, &(struct market_deal){
                                .node = key_of(1), .buyer = {{buyer}}, .at = NOW, .is_good = true});
    expect_first(market, 1,
                 "costs 60, reputation 0.838 (here 0 of 0 went well, elsewhere 20 of 20)");

    /* What was experienced here outweighs it. */
    for (int i = 0; i < 3; i++)
        market_deal(market, &(struct market_deal){.node = key_of(1), .at = NOW, .is_own = true});
    market_deal(market, &(struct market_deal){
                            .node = key_of(2), .at = NOW, .is_own = true, .is_good = true});
    expect_first(market, 2, "(here 1 of 1 went well");
    market_free(market);
}

/* Latency decides between equals, what was measured before what is said. */
static void test_latency(void **state)
{
    struct market *market = market_new();
    const struct offer offer = basic();
    (void)state;
    assert_true(put(market, 1, &offer, NULL) && put(market, 2, &offer, NULL));
    assert_true(beat(market, &(struct beat){1, NOW, 1000, 1, 300}, NULL));
    assert_true(beat(market, &(struct beat){2, NOW, 1000, 1, 200}, NULL));
    expect_first(market, 2, "first token after 200 ms (it says), 1 free");
    assert_true(beat(market, &(struct beat){2, NOW + 1, 1000, 0, 200}, NULL)); /* it is full */
    expect_first(market, 1, "300 ms (it says)");
    for (uint8_t person = 1; person <= 2; person++)
        market_deal(market, &(struct market_deal){.node = key_of(person),
                                                  .at = NOW,
                                                  .is_own = true,
                                                  .is_good = true,
                                                  .ttft_ms = 100U * person});
    expect_first(market, 1, "100 ms (measured)");
    market_free(market);
}

static uint32_t reputation(const struct market *market)
{
    struct arena arena = {0};
    size_t count;
    uint32_t is = market_candidates(market, &arena, &wish, &count)->reputation;
    arena_clear(&arena);
    return is;
}

/* Old deals weigh less, and in the end nothing; one buyer weighs as much as four deals. */
static void test_weights(void **state)
{
    static const struct {
        int deals, days;
        bool is_one_buyer;
        uint32_t reputation;
    } cases[] = {
        {1, 0, false, 206}, {4, 0, false, 510},  {8, 14, false, 510},       {16, 28, false, 510},
        {40, 0, true, 510}, {40, 0, false, 912}, {40, 14 * 16, false, 100}, {0, 0, false, 100},
    };
    const struct offer offer = basic();
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct market *market = market_new();
        assert_true(put(market, 1, &offer, NULL));
        for (int j = 0; j < cases[i].deals; j++)
            market_deal(market,
                        &(struct market_deal){.node = key_of(1),
                                              .buyer = {{(uint8_t)(cases[i].is_one_buyer ? 1 : j)}},
                                              .at = NOW - (int64_t)cases[i].days * DAY,
                                              .is_good = true});
        assert_int_equal(reputation(market), cases[i].reputation);
        market_free(market);
    }
}

/* Of two words on one receipt that of the least key counts. */
static void test_one_receipt(void **state)
{
    const struct offer offer = basic();
    struct market_deal deals[] = {{.node = key_of(1), .receipt = {{9}}, .at = NOW, .is_good = true},
                                  {.node = key_of(1), .receipt = {{9}}, .at = NOW}};
    struct market *market = market_new();
    (void)state;
    deals[1].buyer.at[0] = 1;
    assert_true(put(market, 1, &offer, NULL));
    market_deal(market, &deals[1]);
    market_deal(market, &deals[0]);
    expect_first(market, 1, "(here 0 of 0 went well, elsewhere 1 of 1)");
    market_free(market);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_receipt),   cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_newest_counts), cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_withdrawn),     cmocka_unit_test(test_life),
        cmocka_unit_test(test_replicas),      cmocka_unit_test(test_filters),
        cmocka_unit_test(test_order),         cmocka_unit_test(test_latency),
        cmocka_unit_test(test_weights)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
