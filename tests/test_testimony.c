/* A buyer's word: who says it, what it counts, and what is not believed. */
#include "client/testimony.h"

#include "client/keys.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/kind.h"
#include "shared/text.h"
#include "tests/test.h"

enum { NOW = 1800000000 };

static struct arena arena;
static const struct bytes64 seed = {{7}};
static const struct bytes32 aux = {{0}};

static int clear(void **state)
{
    (void)state;
    arena_clear(&arena);
    return 0;
}

static struct keys *node_keys(uint8_t number)
{
    const struct bytes32 secret = {{0, number}};
    struct keys *keys = keys_new(&secret);
    assert_non_null(keys);
    return keys;
}

static struct bytes32 node_key(uint8_t number)
{
    struct keys *keys = node_keys(number);
    struct bytes32 pubkey = *keys_pubkey(keys);
    keys_free(keys);
    return pubkey;
}

static struct receipt sample(uint64_t amount)
{
    return (struct receipt){.quote = SPAN("q"),
                            .profile = SPAN("cpu"),
                            .unit = SPAN("ccr"),
                            .prompt_tokens = 10,
                            .output_tokens = 20,
                            .amount = amount};
}

/* As a node signs it. */
static struct span receipt_of(uint8_t node, const struct receipt *receipt, int64_t at)
{
    struct keys *keys = node_keys(node);
    struct text tags = {0}, json = {0};
    receipt_write(&tags, receipt);
    struct event event = {.kind = KIND_RECEIPT,
                          .created_at = at,
                          .tags_json = text_span(&tags),
                          .content_json = SPAN("")};
    keys_sign(keys, &event, &aux);
    event_write(&json, &event);
    struct span copy = arena_copy(&arena, text_span(&json));
    text_clear(&tags);
    text_clear(&json);
    keys_free(keys);
    return copy;
}

/* As it comes from a relay. */
static struct event word_of(const struct receipt_counter *counter, struct span receipt, int64_t at)
{
    const struct testimony_about about = {counter->provider, counter->unit, at};
    struct bytes32 session;
    struct keys *keys = testimony_keys(&session, &seed, &about);
    struct text json = {0};
    struct event event;
    testimony_write(&event, &arena, counter, receipt);
    event.created_at = at;
    keys_sign(keys, &event, &aux);
    event_write(&json, &event);
    assert_true(event_parse(&event, &arena, arena_copy(&arena, text_span(&json)), NULL));
    text_clear(&json);
    keys_free(keys);
    return event;
}

static struct bytes32 key_for(uint8_t node, struct span unit, int64_t at, struct bytes32 *session)
{
    const struct testimony_about about = {node_key(node), unit, at};
    struct keys *keys = testimony_keys(session, &seed, &about);
    struct bytes32 pubkey = *keys_pubkey(keys);
    keys_free(keys);
    return pubkey;
}

/* The same for the same node, unit and weeks; else another. */
static void test_keys(void **state)
{
    struct bytes32 sessions[5], keys[5];
    int64_t begin = (int64_t)NOW / TESTIMONY_SESSION_S * TESTIMONY_SESSION_S;
    (void)state;
    keys[0] = key_for(1, SPAN("ccr"), begin, &sessions[0]);
    keys[1] = key_for(1, SPAN("ccr"), begin + TESTIMONY_SESSION_S - 1, &sessions[1]);
    keys[2] = key_for(1, SPAN("ccr"), begin + TESTIMONY_SESSION_S, &sessions[2]);
    keys[3] = key_for(2, SPAN("ccr"), begin, &sessions[3]);
    keys[4] = key_for(1, SPAN("ccr-promo"), begin, &sessions[4]);
    assert_memory_equal(&keys[0], &keys[1], 32);
    assert_memory_equal(&sessions[0], &sessions[1], 32);
    for (int i = 2; i < 5; i++) {
        assert_memory_not_equal(&keys[0], &keys[i], 32);
        assert_memory_not_equal(&sessions[0], &sessions[i], 32);
    }
    assert_memory_not_equal(&sessions[0], &keys[0], 32);
}

static void test_counts(void **state)
{
    struct receipt_counter counter = {0};
    struct receipt receipt = sample(5);
    (void)state;
    testimony_add(&counter, &(struct testimony_job){&receipt, 100, 1000});
    testimony_add(&counter, &(struct testimony_job){NULL, 7, 7});
    testimony_add(&counter, &(struct testimony_job){&receipt, 300, 3000});
    assert_true(counter.jobs == 2 && counter.failed == 1 && counter.amount == 10);
    assert_true(counter.prompt_tokens == 20 && counter.output_tokens == 40);
    assert_true(counter.first_ms == 200 && counter.rate == 2000);
    counter.amount = INT64_MAX - 4; /* what would be past it is not counted */
    testimony_add(&counter, &(struct testimony_job){&receipt, 1, 1});
    assert_true(counter.jobs == 2 && counter.amount == INT64_MAX - 4);
    receipt.amount = 4;
    testimony_add(&counter, &(struct testimony_job){&receipt, 200, 2000});
    assert_true(counter.jobs == 3 && counter.amount == INT64_MAX);
    counter = (struct receipt_counter){.jobs = UINT32_MAX, .failed = UINT32_MAX};
    testimony_add(&counter, &(struct testimony_job){&receipt, 1, 1});
    testimony_add(&counter, &(struct testimony_job){0});
    assert_true(counter.jobs == UINT32_MAX && counter.failed == UINT32_MAX && counter.amount == 0);
}

static struct receipt_counter counter_of(uint8_t node, uint64_t amount)
{
    return (struct receipt_counter){.provider = node_key(node),
                                    .session = {{3}},
                                    .unit = SPAN("ccr"),
                                    .amount = amount,
                                    .jobs = 2,
                                    .failed = 1,
                                    .first_ms = 40};
}

static void test_round(void **state)
{
    const struct receipt receipt = sample(5);
    const struct receipt_counter counter = counter_of(1, 12);
    struct receipt_counter read;
    struct market_deal deal;
    struct bytes32 session;
    (void)state;
    struct event event = word_of(&counter, receipt_of(1, &receipt, NOW - 9), NOW);
    assert_true(testimony_read(&deal, &read, &arena, &event, NULL));
    struct bytes32 buyer = key_for(1, SPAN("ccr"), NOW, &session);
    assert_memory_equal(&deal.buyer, &buyer, 32);
    assert_memory_equal(&deal.node, &counter.provider, 32);
    assert_true(deal.is_good && !deal.is_own && deal.at == NOW - 9 && deal.ttft_ms == 40);
    assert_true(read.amount == 12 && read.jobs == 2 && read.failed == 1);
    struct bytes32 receipt_id = deal.receipt;
    event = word_of(&counter, receipt_of(1, &receipt, NOW + 9), NOW); /* of later than its word */
    assert_true(testimony_read(&deal, &read, &arena, &event, NULL) && deal.at == NOW);
    assert_memory_not_equal(&deal.receipt, &receipt_id, 32);
    event = word_of(&counter, SPAN(""), NOW);
    assert_true(testimony_read(&deal, &read, &arena, &event, NULL));
    assert_true(!deal.is_good && deal.at == NOW && deal.ttft_ms == 0);
}

static void refuse(const struct event *event, const char *why)
{
    struct receipt_counter read;
    struct market_deal deal;
    struct err err;
    assert_false(testimony_read(&deal, &read, &arena, event, &err));
    assert_int_equal(err.code, ERR_INVALID);
    assert_non_null(strstr(err.text, why));
}

static void test_refused(void **state)
{
    const struct receipt receipt = sample(5);
    const struct receipt_counter counter = counter_of(1, 12), poor = counter_of(1, 4);
    struct receipt_counter none = counter, other = counter;
    (void)state;
    struct span good = receipt_of(1, &receipt, NOW);
    none.jobs = 0;
    other.unit = SPAN("ccr-promo");
    struct event event = word_of(&counter, receipt_of(2, &receipt, NOW), NOW);
    refuse(&event, "another node");
    event = word_of(&poor, good, NOW);
    refuse(&event, "does not count");
    event = word_of(&none, good, NOW);
    refuse(&event, "does not count");
    event = word_of(&other, good, NOW);
    refuse(&event, "does not count");
    event = word_of(&counter, SPAN("{}"), NOW);
    refuse(&event, "");
    event = word_of(&counter, good, NOW);
    event.kind = KIND_RECEIPT;
    refuse(&event, "kind");
    event = word_of(&counter, good, NOW);
    event.created_at++; /* not as it was signed */
    refuse(&event, "signature");
    event = word_of(&counter, SPAN(""), NOW);
    event.sig.at[5] ^= 1;
    refuse(&event, "signature");
}

/* A receipt that somebody else than its node made. */
static void test_forged(void **state)
{
    const struct receipt receipt = sample(5);
    const struct receipt_counter counter = counter_of(1, 12);
    (void)state;
    struct text json = {0};
    text_add(&json, receipt_of(1, &receipt, NOW));
    text_add(&json, SPAN("\0"));
    char *sig = strstr(json.at, "\"sig\":\"");
    assert_non_null(sig);
    sig[7] = sig[7] == '0' ? '1' : '0';
    struct event event = word_of(&counter, (struct span){json.at, json.len - 1}, NOW);
    refuse(&event, "signature");
    text_clear(&json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_keys), cmocka_unit_test(test_counts),
                                       cmocka_unit_test_teardown(test_round, clear),
                                       cmocka_unit_test_teardown(test_refused, clear),
                                       cmocka_unit_test_teardown(test_forged, clear)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
