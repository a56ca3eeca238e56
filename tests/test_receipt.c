/* Receipts: what is written is read, by the buyer's side too, and what is no receipt is refused. */
#include "shared/receipt.h"

#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/kind.h"
#include "shared/sig.h"
#include "shared/text.h"
#include "tests/test.h"

static struct arena arena;
static struct text tags;

static struct bytes32 bytes_of(uint8_t value)
{
    struct bytes32 bytes;
    memset(bytes.at, value, sizeof bytes.at);
    return bytes;
}

static struct receipt sample(const struct receipt_stage *stages, uint32_t count)
{
    return (struct receipt){.job = bytes_of(1),
                            .model = bytes_of(2),
                            .tokens = bytes_of(3),
                            .seed = bytes_of(4),
                            .offer = bytes_of(5),
                            .has_offer = count > 0,
                            .quote = SPAN("01890a5d-ac96-774b-bcce-b302099a8057"),
                            .profile = SPAN("cpu-\"1\""),
                            .unit = SPAN("ccr"),
                            .prompt_tokens = 412,
                            .cached_tokens = 12,
                            .output_tokens = 133,
                            .amount = 133,
                            .fee = 2,
                            .burn = 1,
                            .stages = stages,
                            .stage_count = count,
                            .first_ms = 212,
                            .ms = 1830};
}

static struct event event_of(uint16_t kind, struct span json)
{
    struct event event = {.kind = kind, .content_json = SPAN("")};
    assert_true(event_parse_tags(&event, &arena, json, NULL));
    return event;
}

static int clear(void **state)
{
    (void)state;
    arena_clear(&arena);
    text_clear(&tags);
    return 0;
}

static void expect_same(const struct receipt *read, const struct receipt *receipt)
{
    assert_memory_equal(&read->job, &receipt->job, 32);
    assert_memory_equal(&read->model, &receipt->model, 32);
    assert_memory_equal(&read->tokens, &receipt->tokens, 32);
    assert_memory_equal(&read->seed, &receipt->seed, 32);
    assert_true(read->has_offer == receipt->has_offer);
    assert_true(!read->has_offer || memcmp(&read->offer, &receipt->offer, 32) == 0);
    assert_true(span_eq(read->quote, receipt->quote) && span_eq(read->unit, receipt->unit));
    assert_true(span_eq(read->profile, receipt->profile));
    assert_true(read->prompt_tokens == 412 && read->cached_tokens == 12);
    assert_true(read->output_tokens == 133 && read->amount == 133);
    assert_true(read->fee == 2 && read->burn == 1);
    assert_true(read->first_ms == 212 && read->ms == 1830);
    assert_int_equal(read->stage_count, receipt->stage_count);
}

static void test_round(void **state)
{
    const struct receipt_stage stages[] = {
        {bytes_of(6), 0, 15, 8720, bytes_of(7), true},
        {bytes_of(8), 16, 16, INT64_MAX, {{0}}, false},
    };
    (void)state;
    for (uint32_t count = 0; count <= ARRAY_LEN(stages); count++) {
        struct receipt receipt = sample(stages, count), read;
        tags.len = 0;
        receipt_write(&tags, &receipt);
        struct event event = event_of(KIND_RECEIPT, text_span(&tags));
        assert_true(receipt_read(&read, &arena, &event, NULL));
        expect_same(&read, &receipt);
        for (uint32_t i = 0; i < count; i++) {
            assert_memory_equal(&read.stages[i].pubkey, &stages[i].pubkey, 32);
            assert_int_equal(read.stages[i].from, stages[i].from);
            assert_int_equal(read.stages[i].to, stages[i].to);
            assert_int_equal(read.stages[i].work, stages[i].work);
            assert_int_equal(read.stages[i].has_commitment, stages[i].has_commitment);
        }
    }
}

/* The sample's tags with a part of them replaced. */
static struct span with(const char *old, const char *new)
{
    const struct receipt_stage stage = {bytes_of(6), 0, 15, 8720, bytes_of(7), true};
    struct receipt receipt = sample(&stage, 1);
    struct text out = {0};
    tags.len = 0;
    receipt_write(&tags, &receipt);
    text_add(&tags, SPAN("\0"));
    const char *at = strstr(tags.at, old);
    assert_non_null(at);
    text_addf(&out, "%.*s%s%s", (int)(at - tags.at), tags.at, new, at + strlen(old));
    struct span copy = arena_copy(&arena, text_span(&out));
    text_clear(&out);
    return copy;
}

static void test_refused(void **state)
{
    static const char *const wrong[][2] = {
        {"[\"e\",", "[\"f\","},
        {"[\"e\",\"01", "[\"e\",\"0g"},
        {"[\"quote\",\"01890a5d-ac96-774b-bcce-b302099a8057\"],", ""},
        {"[\"quote\",\"01890a5d",
         "[\"quote\",\"" // too long
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
        {"[\"offer\",\"05", "[\"offer\",\"5"},
        {"[\"usage\",\"in\",\"412\"]", "[\"usage\",\"in\"]"},
        {"[\"usage\",\"in\",\"412\"]", "[\"usage\",\"in\",\"4294967296\"]"},
        {"[\"usage\",\"in\",\"412\"]", "[\"usage\"],[\"usage\",\"in\",\"11\"]"},
        {"[\"usage\",\"out\",\"133\"]", "[\"usage\",\"in\",\"133\"]"},
        {"[\"amount\",\"133\",\"ccr\"]", "[\"amount\",\"133\"]"},
        {"[\"amount\",\"133\",\"ccr\"]", "[\"amount\",\"133\",\"\"]"},
        {"[\"amount\",\"133\"", "[\"amount\",\"-1\""},
        {"[\"fee\",\"2\"]", "[\"fee\",\"134\"]"},
        {"[\"burn\",\"1\"]", "[\"burn\",\"3\"]"},
        {"[\"ms\",\"1830\"]", "[]"},
        {"\"0-15\"", "\"015\""},
        {"\"0-15\"", "\"16-15\""},
        {"\"0-15\"", "\"-15\""},
        {"\"0-15\"", "\"\""},
        {"\"8720\"", "\"x\""},
        {"[\"stage\",\"06", "[\"stage\",\"6"},
        {"\"8720\",\"07", "\"8720\",\"7"},
        {"[\"ttft\"", "[\"stage\",\"06\",\"0-1\"],[\"ttft\""},
    };
    struct receipt read;
    struct err err;
    (void)state;
    struct event event = event_of(KIND_RECEIPT, with("\"0-15\"", "\"0-15\""));
    assert_true(receipt_read(&read, &arena, &event, &err));
    event.kind = KIND_COUNTER_RECEIPT;
    assert_false(receipt_read(&read, &arena, &event, &err));
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        event = event_of(KIND_RECEIPT, with(wrong[i][0], wrong[i][1]));
        assert_false(receipt_read(&read, &arena, &event, &err));
        assert_int_equal(err.code, ERR_INVALID);
    }
}

static void test_stages_bounded(void **state)
{
    struct receipt_stage stages[RECEIPT_STAGES_MAX + 1] = {{.from = 0}};
    (void)state;
    for (uint32_t count = RECEIPT_STAGES_MAX; count <= RECEIPT_STAGES_MAX + 1; count++) {
        struct receipt receipt = sample(stages, count), read;
        tags.len = 0;
        receipt_write(&tags, &receipt);
        struct event event = event_of(KIND_RECEIPT, text_span(&tags));
        assert_int_equal(receipt_read(&read, &arena, &event, NULL), count == RECEIPT_STAGES_MAX);
    }
}

static void test_counter(void **state)
{
    struct receipt_counter counter = {.session = bytes_of(1),
                                      .provider = bytes_of(2),
                                      .amount = 1000,
                                      .unit = SPAN("ccr-promo"),
                                      .jobs = 7,
                                      .failed = 3,
                                      .prompt_tokens = 5000000000,
                                      .output_tokens = 9,
                                      .first_ms = 12,
                                      .rate = 40500};
    struct receipt_counter read;
    (void)state;
    receipt_write_counter(&tags, &counter);
    struct event event = event_of(KIND_COUNTER_RECEIPT, text_span(&tags));
    assert_true(receipt_read_counter(&read, &event, NULL));
    assert_memory_equal(&read.session, &counter.session, 32);
    assert_memory_equal(&read.provider, &counter.provider, 32);
    assert_true(read.amount == 1000 && span_eq(read.unit, counter.unit));
    assert_true(read.jobs == 7 && read.prompt_tokens == 5000000000 && read.output_tokens == 9);
    assert_true(read.first_ms == 12 && read.rate == 40500 && read.failed == 3);
    event.kind = KIND_RECEIPT;
    assert_false(receipt_read_counter(&read, &event, NULL));
    event = event_of(KIND_COUNTER_RECEIPT, SPAN("[[\"p\"]]"));
    assert_false(receipt_read_counter(&read, &event, NULL));
    tags.len -= strlen(",\"3\"]]"); /* of those who do not count what failed */
    text_add(&tags, SPAN("]]"));
    event = event_of(KIND_COUNTER_RECEIPT, text_span(&tags));
    assert_true(receipt_read_counter(&read, &event, NULL));
    assert_true(read.rate == 40500 && read.failed == 0);
}

/* Each number as four bytes, the lowest first. */
static void test_tokens(void **state)
{
    const uint32_t tokens[] = {1, 0x01020304};
    struct bytes32 hash = receipt_hash_tokens(tokens, 2);
    struct bytes32 expected = sig_sha256((struct span){"\1\0\0\0\4\3\2\1", 8});
    (void)state;
    assert_memory_equal(&hash, &expected, 32);
    hash = receipt_hash_tokens(NULL, 0);
    expected = sig_sha256(SPAN(""));
    assert_memory_equal(&hash, &expected, 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_round, clear),
        cmocka_unit_test_teardown(test_refused, clear),
        cmocka_unit_test_teardown(test_stages_bounded, clear),
        cmocka_unit_test_teardown(test_counter, clear),
        cmocka_unit_test(test_tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
