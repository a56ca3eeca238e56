/* NIP-45 COUNT, and NIP-67: whether EOSE ends everything stored. */
#include <stdlib.h>

#include "tests/stage.h"

#define TALK (&stage_talk)

enum { PAST = 1700000000, COUNT_MAX = 50, LIMIT_MAX = 40, LIMIT_DEFAULT = 30 };

static const char *by(uint32_t person, const char *more)
{
    return scratch_format("{\"authors\":[\"%s\"]%s}", signer_pubkey(person), more);
}

static void publish_many(uint32_t person, int count)
{
    for (int i = 0; i < count; i++)
        talk_sayf(TALK, "[\"EVENT\",%s]",
                  SIGN(.person = person, .kind = i % 2 == 0 ? 1 : 7, .created_at = PAST + i)->json);
    for (int i = 0; i < count; i++)
        talk_await_true(TALK);
}

static void test_count(void **state)
{
    (void)state;
    publish_many(110, 20);
    assert_int_equal(talk_count(TALK, by(110, "")), 20);
    assert_int_equal(talk_count(TALK, by(110, ",\"kinds\":[7]")), 10);
    assert_int_equal(talk_count(TALK, by(110, ",\"since\":1700000015")), 5);
    assert_int_equal(talk_count(TALK, by(110, ",\"kinds\":[]")), 0);
    assert_int_equal(talk_count(TALK, by(111, "")), 0);
    /* several filters: one total, of what any of them matches */
    assert_int_equal(talk_count(TALK, scratch_format("%s,%s", by(110, ",\"kinds\":[7]"),
                                                     by(110, ",\"kinds\":[1]"))),
                     20);
    assert_int_equal(talk_count(TALK, scratch_format("%s,%s,%s", by(110, ",\"kinds\":[7]"),
                                                     by(110, ""), by(110, ",\"kinds\":[7]"))),
                     20);
}

/* Exact up to count_max; past it count_max, and it says so. */
static void test_approximate(void **state)
{
    const json_t *answer;
    (void)state;
    publish_many(112, COUNT_MAX);
    talk_sayf(TALK, "[\"COUNT\",\"c\",%s]", by(112, ""));
    answer = json_array_get(talk_hear(TALK), 2);
    assert_int_equal(json_integer_value(json_object_get(answer, "count")), COUNT_MAX);
    assert_false(json_is_true(json_object_get(answer, "approximate")));
    talk_accept(TALK, SIGN(.person = 112, .kind = 1, .content = "one more"));
    talk_sayf(TALK, "[\"COUNT\",\"c\",%s]", by(112, ""));
    answer = json_array_get(talk_hear(TALK), 2);
    assert_int_equal(json_integer_value(json_object_get(answer, "count")), COUNT_MAX);
    assert_true(json_is_true(json_object_get(answer, "approximate")));
}

/* A COUNT is no subscription: nothing live comes of it, and a REQ of its name is another thing. */
static void test_count_is_no_subscription(void **state)
{
    const struct signer_event *event = SIGN(.person = 113, .kind = 1);
    (void)state;
    talk_subscribe(TALK, "count", by(113, ""));
    assert_int_equal(talk_count(TALK, by(113, "")), 0);
    talk_accept(TALK, event);
    talk_await_event(TALK, "count", event);
    talk_is_quiet(TALK);
    talk_say(TALK, "[\"CLOSE\",\"count\"]");
    assert_int_equal(talk_count(TALK, by(113, "")), 1);
    talk_accept(TALK, SIGN(.person = 113, .kind = 1, .content = "unseen"));
    talk_is_quiet(TALK);
}

static const char *hll_of(const char *filters)
{
    talk_sayf(TALK, "[\"COUNT\",\"c\",%s]", filters);
    return json_string_value(json_object_get(json_array_get(talk_hear(TALK), 2), "hll"));
}

/* A filter of one tag value: a sketch of the authors, each counted once. */
static void test_hll(void **state)
{
    const char *target = "00000000000000000000000000000000b0000000000000000000000000000000";
    const char *filter = scratch_format("{\"#e\":[\"%s\"],\"kinds\":[7]}", target);
    int registers = 0;
    (void)state;
    for (uint32_t i = 0; i < 6; i++)
        talk_accept(TALK, SIGN(.person = 118 + i % 3, .kind = 7, .created_at = PAST + i,
                               .tags = scratch_format("[[\"e\",\"%s\"]]", target)));
    const char *hll = hll_of(filter);
    assert_non_null(hll);
    assert_int_equal(strlen(hll), 512);
    for (uint32_t i = 0; i < 3; i++) { /* offset 8 + 0xb: the 20th byte of each key */
        char digits[3] = {0};
        memcpy(digits, signer_pubkey(118 + i) + 38, 2);
        assert_memory_not_equal(hll + 2 * strtoul(digits, NULL, 16), "00", 2);
    }
    for (size_t i = 0; i < 256; i++)
        registers += memcmp(hll + 2 * i, "00", 2) != 0;
    assert_in_range(registers, 1, 3);
    hll = hll_of("{\"#t\":[\"nobody says this\"]}");
    assert_non_null(hll);
    assert_int_equal(strspn(hll, "0"), 512);
    assert_null(hll_of("{\"kinds\":[7]}"));
    assert_null(hll_of(scratch_format("%s,%s", filter, filter)));
}

static void found(const char *filters, size_t count, const char *finish)
{
    struct talk_found found = talk_find(TALK, filters);
    assert_int_equal(found.count, count);
    assert_string_equal(found.finish, finish);
}

/* "finish": everything stored that matches was sent. "more": it was not. */
static void test_finish(void **state)
{
    (void)state;
    publish_many(114, 20);
    publish_many(115, LIMIT_MAX + 5);
    found(by(114, ""), 20, "finish");
    found(by(114, ",\"limit\":21"), 20, "finish");
    found(by(114, ",\"limit\":19"), 19, "more");
    found(by(114, ",\"limit\":1"), 1, "more");
    found(by(116, ""), 0, "finish");
    found(by(114, ",\"kinds\":[]"), 0, "finish");
    found(by(115, ""), LIMIT_DEFAULT, "more");
    found(by(115, ",\"limit\":1000000"), LIMIT_MAX, "more");
    found(by(115, ",\"kinds\":[7],\"limit\":30"), (LIMIT_MAX + 5) / 2, "finish");
    found(scratch_format("%s,%s", by(114, ""), by(116, "")), 20, "finish");
    found(scratch_format("%s,%s", by(114, ",\"limit\":5"), by(116, "")), 5, "more");
}

/* limit N of exactly N: no more is stored, so it may be "finish", but never untrue. */
static void test_exact_limit(void **state)
{
    (void)state;
    publish_many(117, 10);
    found(by(117, ",\"limit\":10"), 10, "finish");
    found(by(117, ",\"limit\":11"), 10, "finish");
    found(by(117, ",\"limit\":9"), 9, "more");
}

static const char *const options[] = {"count_max=50", "limit_max=40", "limit_default=30", NULL};

STAGE_SUITE(options, STAGE_TEST(test_count), STAGE_TEST(test_approximate),
            STAGE_TEST(test_count_is_no_subscription), STAGE_TEST(test_finish),
            STAGE_TEST(test_exact_limit), STAGE_TEST(test_hll))
