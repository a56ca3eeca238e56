/* Offers and heartbeats: what is written is read, and every way to be wrong is refused by name. */
#include "shared/offer.h"

#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/kind.h"
#include "shared/text.h"
#include "tests/test.h"

#define ROOT "aa00000000000000000000000000000000000000000000000000000000000011"
#define HASH "bb00000000000000000000000000000000000000000000000000000000000022"
#define DD "[\"d\",\"" ROOT ":0:8:q8\"],"
#define MODEL "[\"model\",\"tiny\"],"
#define LAYERS "[\"layers\",\"0\",\"8\",\"22\"],"
#define PRICE "[\"price\",\"10\",\"1\",\"30\",\"2\"],"
#define CAP "[\"cap\",\"4\"],"
#define CONTEXT "[\"context\",\"4096\"],"
#define ENDS "[\"expiration\",\"1600\"]"

static bool parse(struct offer *offer, struct arena *arena, const char *tags, struct err *err)
{
    struct event event = {.kind = KIND_OFFER, .created_at = 1000, .content_json = SPAN("")};
    struct text json = {0};
    text_addf(&json, "[%s]", tags);
    assert_true(event_parse_tags(&event, arena, arena_copy(arena, text_span(&json)), NULL));
    text_clear(&json);
    return offer_parse(offer, &event, err);
}

static void test_reads(void **state)
{
    struct arena arena = {0};
    struct offer offer;
    (void)state;
    assert_true(parse(&offer, &arena,
                      DD MODEL LAYERS "[\"tokenizer\",\"" HASH "\"],[\"template\",\"" HASH
                                      "\"]," PRICE "[\"unit\",\"ccr\"],[\"unit\",\"ccr-promo\"],"
                                      "[\"mint\",\"https://m.example\"],"
                                      "[\"relay\",\"wss://r.example\"],[\"stage\",\"ws://"
                                      "s.example:9\"],[\"what\",\"ever\"],[]," CAP CONTEXT
                                      "[\"gpu\",\"H100\"]," ENDS,
                      NULL));
    assert_int_equal(offer.root.at[31], 0x11);
    assert_int_equal(offer.first, 0);
    assert_int_equal(offer.end, 8);
    assert_int_equal(offer.layers, 22);
    assert_false(offer_is_whole(&offer));
    assert_true(span_eq(offer.dtype, SPAN("q8")) && span_eq(offer.model, SPAN("tiny")));
    assert_true(offer.has_tokenizer && offer.has_template);
    assert_int_equal(offer.tokenizer.at[31], 0x22);
    assert_int_equal(offer.price.in, 10);
    assert_int_equal(offer.price.cached, 1);
    assert_int_equal(offer.price.out, 30);
    assert_int_equal(offer.price.request, 2);
    assert_int_equal(offer.unit_count, 2);
    assert_true(span_eq(offer.units[1], SPAN("ccr-promo")));
    assert_int_equal(offer.mint_count, 1);
    assert_int_equal(offer.relay_count, 1);
    assert_int_equal(offer.stage_count, 1);
    assert_true(span_eq(offer.stages[0], SPAN("ws://s.example:9")));
    assert_int_equal(offer.capacity, 4);
    assert_int_equal(offer.context, 4096);
    assert_true(span_eq(offer.gpu, SPAN("H100")));
    assert_int_equal(offer.expires_at, 1600);
    arena_clear(&arena);
}

static const struct {
    const char *tags, *why;
} wrong[] = {
    {MODEL LAYERS PRICE CAP CONTEXT ENDS, "an offer without a tag 'd'"},
    {DD LAYERS PRICE CAP CONTEXT ENDS, "an offer without a tag 'model'"},
    {DD MODEL PRICE CAP CONTEXT ENDS, "an offer without a tag 'layers'"},
    {DD MODEL LAYERS CAP CONTEXT ENDS, "an offer without a tag 'price'"},
    {DD MODEL LAYERS PRICE CONTEXT ENDS, "an offer without a tag 'cap'"},
    {DD MODEL LAYERS PRICE CAP ENDS, "an offer without a tag 'context'"},
    {DD MODEL LAYERS PRICE CAP "[\"context\",\"1\"]", "an offer without a tag 'expiration'"},
    {DD DD MODEL LAYERS PRICE CAP CONTEXT ENDS, "an offer with two tags 'd'"},
    {"[\"d\"]", "an offer whose tag 'd' cannot be read"},
    {"[\"d\",\"\"]", "an offer whose tag 'd' cannot be read"},
    {"[\"d\",\"" ROOT ":0:8\"]", "an offer whose tag 'd' cannot be read"},
    {"[\"d\",\"" ROOT ":0:8:q8:\"]", "an offer whose tag 'd' cannot be read"},
    {"[\"d\",\"AA:0:8:q8\"]", "an offer whose tag 'd' cannot be read"},
    {"[\"d\",\"" ROOT ":0:8:Q8\"]", "an offer whose tag 'd' cannot be read"},
    {"[\"d\",\"" ROOT ":0:8:abcdefghijklmnopq\"]", "an offer whose tag 'd' cannot be read"},
    {"[\"d\",\"" ROOT ":00:8:q8\"]," MODEL LAYERS PRICE CAP CONTEXT ENDS,
     "an offer whose identifier is of other layers"},
    {"[\"d\",\"" ROOT ":0:9:q8\"]," MODEL LAYERS PRICE CAP CONTEXT ENDS,
     "an offer whose identifier is of other layers"},
    {"[\"model\",\"\"]", "an offer whose tag 'model' cannot be read"},
    {"[\"model\",\"a\\u001bb\"]", "an offer whose tag 'model' cannot be read"},
    {"[\"model\",\"a\\u007fb\"]", "an offer whose tag 'model' cannot be read"},
    {"[\"model\",\"a\\u009bb\"]", "an offer whose tag 'model' cannot be read"},
    {"[\"layers\",\"0\",\"8\"]", "an offer whose tag 'layers' cannot be read"},
    {"[\"layers\",\"8\",\"8\",\"8\"]", "an offer whose tag 'layers' cannot be read"},
    {"[\"layers\",\"0\",\"9\",\"8\"]", "an offer whose tag 'layers' cannot be read"},
    {"[\"layers\",\"0\",\"1\",\"1025\"]", "an offer whose tag 'layers' cannot be read"},
    {"[\"layers\",\"-1\",\"1\",\"1\"]", "an offer whose tag 'layers' cannot be read"},
    {"[\"tokenizer\",\"xx\"]", "an offer whose tag 'tokenizer' cannot be read"},
    {"[\"template\",\"xx\"]", "an offer whose tag 'template' cannot be read"},
    {"[\"price\",\"1\",\"1\",\"1\"]", "an offer whose tag 'price' cannot be read"},
    {"[\"price\",\"1\",\"1\",\"1\",\"1.5\"]", "an offer whose tag 'price' cannot be read"},
    {"[\"price\",\"10000000001\",\"1\",\"1\",\"1\"]", "an offer whose tag 'price' cannot be read"},
    {"[\"unit\",\"C C R\"]", "an offer whose tag 'unit' cannot be read"},
    {"[\"mint\",\"ftp://m.example\"]", "an offer whose tag 'mint' cannot be read"},
    {"[\"mint\",\"https://m.example/ x\"]", "an offer whose tag 'mint' cannot be read"},
    {"[\"relay\",\"https://m.example\"]", "an offer whose tag 'relay' cannot be read"},
    {"[\"stage\",\"wss://s.example\"]", "an offer whose tag 'stage' cannot be read"},
    {"[\"stage\",\"http://s.example\"]", "an offer whose tag 'stage' cannot be read"},
    {"[\"cap\",\"0\"]", "an offer whose tag 'cap' cannot be read"},
    {"[\"context\",\"0\"]", "an offer whose tag 'context' cannot be read"},
    {"[\"gpu\",\"\"]", "an offer whose tag 'gpu' cannot be read"},
    {"[\"expiration\",\"soon\"]", "an offer whose tag 'expiration' cannot be read"},
    {DD MODEL LAYERS "[\"price\",\"1\",\"2\",\"1\",\"1\"]," CAP CONTEXT ENDS,
     "an offer in which what is known costs more"},
    {DD MODEL LAYERS PRICE CAP CONTEXT "[\"mint\",\"http://m\"]," ENDS,
     "an offer with a mint and no unit"},
    {DD MODEL LAYERS PRICE CAP CONTEXT "[\"expiration\",\"1000\"]",
     "an offer that ends too late, or before it was made"},
    {DD MODEL LAYERS PRICE CAP CONTEXT "[\"expiration\",\"87401\"]",
     "an offer that ends too late, or before it was made"},
};

static void test_refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct arena arena = {0};
        struct offer offer;
        struct err err;
        print_message("%s\n", wrong[i].tags);
        assert_false(parse(&offer, &arena, wrong[i].tags, &err));
        assert_string_equal(err.text, wrong[i].why);
        assert_int_equal(err.code, ERR_INVALID);
        arena_clear(&arena);
    }
    struct event note = {.kind = KIND_NOTE};
    struct offer offer;
    assert_false(offer_parse(&offer, &note, NULL));
}

/* As many as are allowed, and one more; as long as is allowed, and one byte more. */
static void test_limits(void **state)
{
    static const struct {
        const char *tag;
        unsigned max;
    } lists[] = {{"[\"unit\",\"ccr\"],", OFFER_UNITS_MAX},
                 {"[\"mint\",\"http://m\"],[\"unit\",\"c\"],", OFFER_MINTS_MAX},
                 {"[\"relay\",\"ws://r\"],", OFFER_RELAYS_MAX},
                 {"[\"stage\",\"ws://s\"],", OFFER_STAGES_MAX}};
    struct text tags = {0};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        for (unsigned more = 0; more <= 1; more++) {
            struct arena arena = {0};
            struct offer offer;
            tags.len = 0;
            for (unsigned j = 0; j < lists[i].max + more; j++)
                text_addf(&tags, "%s", lists[i].tag);
            text_addf(&tags, "%s%c", DD MODEL LAYERS PRICE CAP CONTEXT ENDS, '\0');
            assert_int_equal(parse(&offer, &arena, tags.at, NULL), more == 0);
            arena_clear(&arena);
        }
    for (unsigned more = 0; more <= 1; more++) {
        struct arena arena = {0};
        struct offer offer;
        tags.len = 0;
        text_addf(&tags, "[\"model\",\"%0*d\"],%s%c", (int)(OFFER_MODEL_BYTES_MAX + more), 0,
                  DD LAYERS PRICE CAP CONTEXT "[\"expiration\",\"87400\"]", '\0');
        assert_int_equal(parse(&offer, &arena, tags.at, NULL), more == 0);
        arena_clear(&arena);
    }
    text_clear(&tags);
}

static void test_cost(void **state)
{
    static const struct {
        struct offer_price price;
        struct offer_usage usage;
        uint64_t cost;
    } cases[] = {
        {{0}, {1000, 0, 1000}, 0},
        {{.in = 1}, {1, 0, 0}, 1}, /* rounded up */
        {{.in = 1, .out = 1}, {500000, 0, 500000}, 1},
        {{.in = 1, .out = 1}, {500000, 0, 500001}, 2},
        {{.in = 1000000, .cached = 100000, .request = 7}, {20, 10, 0}, 18},
        {{.in = 1000000, .cached = 100000}, {20, 30, 0}, 2}, /* no more is known than there is */
        {{OFFER_PRICE_MAX, OFFER_PRICE_MAX, OFFER_PRICE_MAX, OFFER_PRICE_MAX},
         {OFFER_TOKENS_MAX, 0, OFFER_TOKENS_MAX},
         5368709120000 + OFFER_PRICE_MAX},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(offer_cost(&cases[i].price, &cases[i].usage), cases[i].cost);
}

static void test_address(void **state)
{
    const struct offer offer = {.end = 3, .layers = 3, .dtype = SPAN("f16")};
    const struct bytes32 node = {{0xcc}};
    struct text out = {0};
    (void)state;
    offer_write_address(&out, &offer, &node);
    assert_true(
        span_eq(text_span(&out),
                SPAN("38430:cc00000000000000000000000000000000000000000000000000000000000000:"
                     "0000000000000000000000000000000000000000000000000000000000000000:0:3:f16")));
    text_clear(&out);
}

#define NODE "cc00000000000000000000000000000000000000000000000000000000000000"
#define ADDRESS "[\"a\",\"38430:" NODE ":x:0:1:q8\"],"

static void test_pulses(void **state)
{
    static const struct {
        const char *tags, *why;
        uint32_t speed;
    } cases[] = {
        {ADDRESS "[\"free\",\"2\"],[\"queue\",\"1\"],[\"ttft\",\"212\"],[\"tps\",\"12.5\"]", NULL,
         125},
        {ADDRESS "[\"free\",\"2\"],[\"queue\",\"1\"],[\"tps\",\"12\"]", NULL, 120},
        {ADDRESS "[\"free\",\"2\"],[\"queue\",\"1\"]", NULL, 0},
        {"[\"free\",\"2\"],[\"queue\",\"1\"]", "a heartbeat of no offer", 0},
        {"[\"a\",\"38430:" NODE ":\"]", "a heartbeat of no offer", 0},
        {"[\"a\",\"38431:" NODE ":x\"]", "a heartbeat of no offer", 0},
        {"[\"a\",\"38430:x" NODE ":x\"]", "a heartbeat of no offer", 0},
        {"[\"a\",\"38430:" ROOT ":x\"]", "a heartbeat of another node's offer", 0},
        {ADDRESS "[\"queue\",\"1\"]", "a heartbeat that does not say what is free", 0},
        {ADDRESS "[\"free\",\"1\"]", "a heartbeat that does not say what is free", 0},
        {ADDRESS "[\"free\",\"65537\"],[\"queue\",\"1\"]",
         "a heartbeat that does not say what is free", 0},
        {ADDRESS "[\"free\",\"1\"],[\"queue\",\"-1\"]",
         "a heartbeat that does not say what is free", 0},
        {ADDRESS "[\"free\",\"1\"],[\"queue\",\"1\"],[\"ttft\",\"x\"]",
         "a heartbeat of no known speed", 0},
        {ADDRESS "[\"free\",\"1\"],[\"queue\",\"1\"],[\"tps\",\"1.x\"]",
         "a heartbeat of no known speed", 0},
        {ADDRESS "[\"free\",\"1\"],[\"queue\",\"1\"],[\"tps\",\".5\"]",
         "a heartbeat of no known speed", 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct event event = {.kind = KIND_PULSE, .pubkey = {{0xcc}}, .content_json = SPAN("")};
        struct arena arena = {0};
        struct offer_pulse pulse;
        struct err err;
        struct text json = {0};
        text_addf(&json, "[%s]", cases[i].tags);
        assert_true(event_parse_tags(&event, &arena, text_span(&json), NULL));
        print_message("%s\n", cases[i].tags);
        assert_int_equal(offer_pulse_parse(&pulse, &event, &err), cases[i].why == NULL);
        if (cases[i].why != NULL) {
            assert_string_equal(err.text, cases[i].why);
        } else {
            assert_true(span_eq(pulse.identifier, SPAN("x:0:1:q8")));
            assert_int_equal(pulse.free, 2);
            assert_int_equal(pulse.queue, 1);
            assert_int_equal(pulse.speed, cases[i].speed);
        }
        text_clear(&json);
        arena_clear(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads),   cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_limits),  cmocka_unit_test(test_cost),
        cmocka_unit_test(test_address), cmocka_unit_test(test_pulses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
