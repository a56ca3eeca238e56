/* REQ: what is found, in which order, and the seam between stored and live. */
#include <stdlib.h>

#include "tests/stage.h"

#define TALK (&stage_talk)

enum { PAST = 1700000000 };

static const char *by(uint32_t person, const char *more)
{
    return scratch_format("{\"authors\":[\"%s\"]%s}", signer_pubkey(person), more);
}

/* Newest first; of the same time the lowest id first. */
static void test_order_and_ties(void **state)
{
    enum { COUNT = 8 };
    const struct signer_event *same[COUNT];
    (void)state;
    for (int i = 0; i < COUNT; i++) {
        same[i] =
            SIGN(.person = 20, .kind = 1, .created_at = PAST, .content = scratch_format("%d", i));
        talk_accept(TALK, same[i]);
        for (int j = i; j > 0 && strcmp(same[j]->id, same[j - 1]->id) < 0; j--) {
            const struct signer_event *swap = same[j];
            same[j] = same[j - 1];
            same[j - 1] = swap;
        }
    }
    const struct signer_event *older = SIGN(.person = 20, .kind = 1, .created_at = PAST - 1);
    const struct signer_event *newer = SIGN(.person = 20, .kind = 1, .created_at = PAST + 1);
    talk_accept(TALK, newer);
    talk_accept(TALK, older);
    EXPECT(TALK, by(20, ""), newer, same[0], same[1], same[2], same[3], same[4], same[5], same[6],
           same[7], older);
    EXPECT(TALK, by(20, ",\"limit\":1"), newer);
    EXPECT(TALK, by(20, ",\"limit\":3"), newer, same[0], same[1]);
    EXPECT(TALK, by(20, ",\"limit\":100"), newer, same[0], same[1], same[2], same[3], same[4],
           same[5], same[6], same[7], older);
    EXPECT(TALK,
           scratch_format("{\"kinds\":[1],\"authors\":[\"%s\"],\"limit\":2}", signer_pubkey(20)),
           newer, same[0]);
}

static void test_since_and_until_are_inclusive(void **state)
{
    const struct signer_event *e[3];
    (void)state;
    for (int i = 0; i < 3; i++) {
        e[i] = SIGN(.person = 21, .kind = 1, .created_at = PAST + 10 * i);
        talk_accept(TALK, e[i]);
    }
    EXPECT(TALK, by(21, ",\"since\":1700000010"), e[2], e[1]);
    EXPECT(TALK, by(21, ",\"since\":1700000011"), e[2]);
    EXPECT(TALK, by(21, ",\"until\":1700000010"), e[1], e[0]);
    EXPECT(TALK, by(21, ",\"until\":1700000009"), e[0]);
    EXPECT(TALK, by(21, ",\"since\":1700000010,\"until\":1700000010"), e[1]);
    talk_expect_none(TALK, by(21, ",\"since\":1700000011,\"until\":1700000010"));
    EXPECT(TALK, by(21, ",\"since\":0,\"until\":9223372036854775807"), e[2], e[1], e[0]);
    talk_expect_none(TALK, by(21, ",\"since\":1700000021"));
    talk_expect_none(TALK, by(21, ",\"until\":1699999999"));
}

/* Each condition alone and all the ways they combine. */
static void test_conditions(void **state)
{
    const char *a = signer_pubkey(22), *b = signer_pubkey(23);
    const char *id = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa22";
    const struct signer_event *a1 =
        SIGN(.person = 22, .kind = 1, .created_at = PAST + 3,
             .tags =
                 scratch_format("[[\"e\",\"%s\"],[\"t\",\"sea\",\"second\"],[\"t\",\"sky\"]]", id));
    const struct signer_event *a7 =
        SIGN(.person = 22, .kind = 7, .created_at = PAST + 2,
             .tags = scratch_format("[[\"e\",\"%s\"],[\"t\",\"land\"]]", id));
    const struct signer_event *b1 = SIGN(.person = 23, .kind = 1, .created_at = PAST + 1,
                                         .tags = "[[\"t\",\"sea\"],[\"T\",\"sky\"]]");
    const struct signer_event *b7 = SIGN(.person = 23, .kind = 7, .created_at = PAST);
    (void)state;
    talk_accept(TALK, b7);
    talk_accept(TALK, a1);
    talk_accept(TALK, b1);
    talk_accept(TALK, a7);
    const char *both = scratch_format("\"authors\":[\"%s\",\"%s\"]", a, b);
    EXPECT(TALK, scratch_format("{%s}", both), a1, a7, b1, b7);
    EXPECT(TALK, scratch_format("{%s,\"kinds\":[7]}", both), a7, b7);
    EXPECT(TALK, scratch_format("{%s,\"kinds\":[7,1,7]}", both), a1, a7, b1, b7);
    EXPECT(TALK, scratch_format("{%s,\"#t\":[\"sea\"]}", both), a1, b1);
    EXPECT(TALK, scratch_format("{%s,\"#t\":[\"sky\"]}", both), a1);
    EXPECT(TALK, scratch_format("{%s,\"#T\":[\"sky\"]}", both), b1);
    talk_expect_none(TALK, scratch_format("{%s,\"#t\":[\"second\"]}", both));
    EXPECT(TALK, scratch_format("{%s,\"#t\":[\"land\",\"sky\"]}", both), a1, a7);
    EXPECT(TALK, scratch_format("{\"#e\":[\"%s\"]}", id), a1, a7);
    EXPECT(TALK, scratch_format("{\"#e\":[\"%s\"],\"kinds\":[7]}", id), a7);
    EXPECT(TALK, scratch_format("{\"#e\":[\"%s\"],\"#t\":[\"sea\"]}", id), a1); /* letters: AND */
    talk_expect_none(TALK, scratch_format("{\"#e\":[\"%s\"],\"#T\":[\"sky\"]}", id));
    EXPECT(TALK, scratch_format("{\"#e\":[\"%s\"],\"#t\":[\"sea\",\"land\"]}", id), a1, a7);
    EXPECT(TALK, scratch_format("{%s,\"&t\":[\"sky\",\"sea\"]}", both), a1); /* NIP-91 */
    EXPECT(TALK, scratch_format("{\"&t\":[\"sky\",\"sea\"],\"&e\":[\"%s\"]}", id), a1);
    EXPECT(TALK, scratch_format("{%s,\"&t\":[\"sea\"],\"#t\":[\"sky\",\"sea\"]}", both), a1);
    talk_expect_none(TALK, scratch_format("{%s,\"&t\":[\"sky\",\"land\"]}", both));
    talk_expect_none(TALK, scratch_format("{%s,\"&t\":[]}", both));
    EXPECT(TALK, scratch_format("{\"ids\":[\"%s\",\"%s\"]}", b7->id, a7->id), a7, b7);
    EXPECT(TALK, scratch_format("{\"ids\":[\"%s\"],\"authors\":[\"%s\"]}", b7->id, b), b7);
    talk_expect_none(TALK, scratch_format("{\"ids\":[\"%s\"],\"authors\":[\"%s\"]}", b7->id, a));
    talk_expect_none(TALK, scratch_format("{\"ids\":[\"%s\"],\"kinds\":[1]}", b7->id));
    talk_expect_none(TALK, scratch_format("{\"ids\":[\"%s\"],\"since\":1700000001}", b7->id));
    /* the letter is part of the condition */
    talk_expect_none(TALK, scratch_format("{\"#p\":[\"%s\"]}", id));
    talk_expect_none(TALK, scratch_format("{\"#q\":[\"%s\"]}", id));
}

/* Filters: OR; what several find is sent once; each has its own limit. */
static void test_several_filters(void **state)
{
    const struct signer_event *e[4];
    (void)state;
    for (int i = 0; i < 4; i++) {
        e[i] = SIGN(.person = 24, .kind = i % 2 == 0 ? 1 : 7, .created_at = PAST + i);
        talk_accept(TALK, e[i]);
    }
    const char *all = by(24, ""), *ones = by(24, ",\"kinds\":[1]"),
               *sevens = by(24, ",\"kinds\":[7]");
    EXPECT(TALK, scratch_format("%s,%s", ones, sevens), e[3], e[2], e[1], e[0]);
    EXPECT(TALK, scratch_format("%s,%s,%s", all, ones, all), e[3], e[2], e[1], e[0]);
    EXPECT(TALK, scratch_format("%s,%s", by(24, ",\"kinds\":[1],\"limit\":1"), sevens), e[3], e[2],
           e[1]);
    EXPECT(TALK, scratch_format("%s,%s", by(24, ",\"limit\":1"), by(24, ",\"limit\":2")), e[3],
           e[2]);
    EXPECT(TALK, scratch_format("%s,%s", by(24, ",\"kinds\":[]"), sevens), e[3], e[1]);
}

/* Nothing matches an empty list, stored or live, and the subscription stays open. */
static void test_empty_lists(void **state)
{
    static const char *const empty[] = {"ids", "authors", "kinds", "#e", "#t"};
    const struct signer_event *stored = SIGN(.person = 25, .kind = 1, .created_at = PAST);
    (void)state;
    talk_accept(TALK, stored);
    for (size_t i = 0; i < ARRAY_LEN(empty); i++)
        talk_subscribe(TALK, scratch_format("empty%zu", i),
                       scratch_format("{\"%s\":[]}", empty[i]));
    for (size_t i = 0; i < ARRAY_LEN(empty); i++)
        talk_expect_none(TALK, scratch_format("{\"%s\":[]}", empty[i]));
    talk_subscribe(TALK, "fence", by(25, ",\"limit\":0"));
    const struct signer_event *live = SIGN(.person = 25, .kind = 1, .content = "live");
    talk_accept(TALK, live);
    talk_await_event(TALK, "fence", live);
    talk_is_quiet(TALK);
}

/* limit 0: nothing stored, EOSE at once, then live. */
static void test_limit_zero_is_live(void **state)
{
    const struct signer_event *stored = SIGN(.person = 26, .kind = 1, .created_at = PAST);
    const struct signer_event *live = SIGN(.person = 26, .kind = 1);
    (void)state;
    talk_accept(TALK, stored);
    talk_expect_none(TALK, by(26, ",\"limit\":0"));
    talk_subscribe(TALK, "zero", by(26, ",\"limit\":0"));
    talk_accept(TALK, live);
    talk_await_event(TALK, "zero", live);
    talk_is_quiet(TALK);
}

/* Live events are matched by every condition but limit; each subscription gets it once. */
static void test_live(void **state)
{
    const struct signer_event *yes =
        SIGN(.person = 27, .kind = 1, .tags = "[[\"t\",\"yes\"],[\"r\",\"x\"]]");
    const struct signer_event *no =
        SIGN(.person = 27, .kind = 1, .tags = "[[\"t\",\"no\"],[\"r\",\"x\"]]");
    (void)state;
    talk_subscribe(TALK, "tag", by(27, ",\"#t\":[\"yes\"],\"&r\":[\"x\"],\"limit\":1"));
    talk_subscribe(TALK, "id", scratch_format("{\"ids\":[\"%s\"]}", yes->id));
    talk_subscribe(TALK, "two",
                   scratch_format("%s,%s", by(27, ",\"kinds\":[1],\"#t\":[\"yes\"]"),
                                  by(27, ",\"#t\":[\"yes\"]")));
    talk_subscribe(TALK, "and", by(27, ",\"&r\":[\"x\",\"y\"]"));
    talk_subscribe(TALK, "past", by(27, ",\"until\":1700000000"));
    talk_subscribe(TALK, "kind", by(27, ",\"kinds\":[7]"));
    talk_accept(TALK, no);
    talk_accept(TALK, yes);
    bool seen[3] = {false};
    for (int i = 0; i < 3; i++) {
        const char *sub = json_string_value(json_array_get(talk_await(TALK, "EVENT"), 1));
        int which = strcmp(sub, "tag") == 0 ? 0 : strcmp(sub, "id") == 0 ? 1 : 2;
        assert_true(which != 2 || strcmp(sub, "two") == 0);
        assert_false(seen[which]);
        seen[which] = true;
    }
    talk_is_quiet(TALK);
}

/* A REQ of the same name takes the place of the first, silently. */
static void test_replace(void **state)
{
    const struct signer_event *one = SIGN(.person = 28, .kind = 1);
    const struct signer_event *seven = SIGN(.person = 28, .kind = 7);
    (void)state;
    talk_subscribe(TALK, "same", by(28, ",\"kinds\":[1]"));
    talk_subscribe(TALK, "same", by(28, ",\"kinds\":[7]"));
    talk_accept(TALK, one);
    talk_accept(TALK, seven);
    talk_await_event(TALK, "same", seven);
    talk_is_quiet(TALK);
}

/* CLOSE is silent, of what is open and of what is not, and ends the stream. */
static void test_close(void **state)
{
    (void)state;
    talk_subscribe(TALK, "open", by(29, ""));
    talk_subscribe(TALK, "other", by(29, ""));
    talk_say(TALK, "[\"CLOSE\",\"open\"]");
    talk_say(TALK, "[\"CLOSE\",\"open\"]");
    talk_say(TALK, "[\"CLOSE\",\"never was\"]");
    talk_is_quiet(TALK);
    const struct signer_event *event = SIGN(.person = 29, .kind = 1);
    talk_accept(TALK, event);
    talk_await_event(TALK, "other", event);
    talk_is_quiet(TALK);
}

/* Names live in their connection, are 1 to 64 characters long, and any text. */
static void test_names(void **state)
{
    const char *e64 = scratch_repeat("\xc3\xa9", 64, "");
    const char *const good[] = {
        "a", "\\u0000", "\\\"\\\\", "\xf0\x9f\x98\x80", " ", e64, scratch_repeat("x", 64, "")};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        talk_sayf(TALK, "[\"REQ\",\"%s\",{\"ids\":[]}]", good[i]);
        json_t *eose = talk_hear(TALK);
        json_t *want = json_loads(scratch_format("[\"%s\"]", good[i]), JSON_ALLOW_NUL, NULL);
        assert_string_equal(json_string_value(json_array_get(eose, 0)), "EOSE");
        assert_true(json_equal(json_array_get(eose, 1), json_array_get(want, 0)));
        json_decref(want);
    }
    talk_closed(TALK, "[\"REQ\",\"\",{}]", "", "invalid: ");
    const char *x65 = scratch_repeat("x", 65, "");
    talk_closed(TALK, scratch_format("[\"REQ\",\"%s\",{}]", x65), x65, "invalid: ");
    talk_noticed(TALK, "[\"REQ\",7,{}]", "invalid: ");

    struct talk other;
    talk_open(&other, &stage_relay);
    talk_subscribe(&other, "a", by(30, ""));
    talk_subscribe(TALK, "a", by(30, ""));
    talk_say(TALK, "[\"CLOSE\",\"a\"]");
    const struct signer_event *event = SIGN(.person = 30, .kind = 1);
    talk_accept(TALK, event);
    talk_await_event(&other, "a", event);
    talk_is_quiet(TALK);
    talk_close(&other);
}

/* The connection goes on after each. */
static void test_refused_filters(void **state)
{
    static const struct {
        const char *filters, *reason;
    } cases[] = {
        {"[]", "invalid: "},
        {"1", "invalid: "},
        {"null", "invalid: "},
        {"\"x\"", "invalid: "},
        {"{\"ids\":\"ab\"}", "invalid: "},
        {"{\"ids\":[\"ab\"]}", "invalid: "},
        {"{\"ids\":[1]}", "invalid: "},
        {"{\"ids\":null}", "invalid: "},
        {"{\"ids\":{}}", "invalid: "},
        {"{\"ids\":[\"ABCDEF0000000000000000000000000000000000000000000000000000000000\"]}",
         "invalid: "},
        {"{\"authors\":[\"npub1xyz\"]}", "invalid: "},
        {"{\"#e\":[\"x\"]}", "invalid: "},
        {"{\"#p\":[\"ABCDEF0000000000000000000000000000000000000000000000000000000000\"]}",
         "invalid: "},
        {"{\"#t\":[1]}", "invalid: "},
        {"{\"#t\":\"x\"}", "invalid: "},
        {"{\"kinds\":[\"1\"]}", "invalid: "},
        {"{\"kinds\":[65536]}", "invalid: "},
        {"{\"kinds\":[-1]}", "invalid: "},
        {"{\"kinds\":1}", "invalid: "},
        {"{\"kinds\":[1.5]}", "invalid: "},
        {"{\"since\":\"1\"}", "invalid: "},
        {"{\"since\":-1}", "invalid: "},
        {"{\"until\":1.5}", "invalid: "},
        {"{\"until\":null}", "invalid: "},
        {"{\"limit\":-1}", "invalid: "},
        {"{\"limit\":\"5\"}", "invalid: "},
        {"{\"kinds\":[1],\"kinds\":[2]}", "invalid: "},
        {"{\"#t\":[\"a\"],\"#t\":[\"b\"]}", "invalid: "},
        {"{},[]", "invalid: "},
        {"{\"search\":1}", "invalid: "},
        {"{\"&e\":[\"a\"]}", "invalid: "},
        {"{\"unheard\":1}", "unsupported: "},
        {"{\"#tt\":[\"x\"]}", "unsupported: "},
        {"{\"kinds\":[1]", "invalid: "},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        talk_closed(TALK, scratch_format("[\"REQ\",\"bad\",%s]", cases[i].filters), "bad",
                    cases[i].reason);
        talk_closed(TALK, scratch_format("[\"COUNT\",\"bad\",%s]", cases[i].filters), "bad",
                    cases[i].reason);
    }
    talk_closed(TALK, "[\"REQ\",\"bad\"]", "bad", "invalid: ");
    talk_closed(TALK, "[\"COUNT\",\"bad\"]", "bad", "invalid: ");
    talk_is_quiet(TALK);
}

/* What replaces a subscription and is refused leaves nothing open under that name. */
static void test_refused_replacement(void **state)
{
    (void)state;
    talk_subscribe(TALK, "name", by(31, ""));
    talk_closed(TALK, "[\"REQ\",\"name\",{\"kinds\":[70000]}]", "name", "invalid: ");
    talk_subscribe(TALK, "fence", by(31, ""));
    const struct signer_event *event = SIGN(.person = 31, .kind = 1);
    talk_accept(TALK, event);
    talk_await_event(TALK, "fence", event);
    talk_is_quiet(TALK);
}

enum { SEAM_EVENTS = 400, SEAM_SUBS = 40 };

/* One message of the seam's subscriber: notes which event came for which subscription. */
static void note_seam(const json_t *message, const struct signer_event **events,
                      uint8_t seen[SEAM_SUBS][SEAM_EVENTS])
{
    const char *name = json_string_value(json_array_get(message, 1));
    const char *id = json_string_value(json_object_get(json_array_get(message, 2), "id"));
    if (id == NULL)
        return;
    assert_int_equal(strncmp(name, "seam", 4), 0);
    size_t sub = strtoul(name + 4, NULL, 10);
    assert_true(sub < SEAM_SUBS);
    int i = 0;
    while (i < SEAM_EVENTS && strcmp(events[i]->id, id) != 0)
        i++;
    assert_true(i < SEAM_EVENTS);
    assert_int_equal(seen[sub][i], 0); /* no double */
    seen[sub][i] = 1;
}

/* Subscriptions opened while events are published: each has every event once, none is missing. */
static void test_seam(void **state)
{
    static uint8_t seen[SEAM_SUBS][SEAM_EVENTS];
    const struct signer_event *events[SEAM_EVENTS];
    struct talk reader;
    const size_t each = SEAM_EVENTS + 1; /* every event, and an EOSE */
    (void)state;
    talk_open(&reader, &stage_relay);
    for (int i = 0; i < SEAM_EVENTS; i++)
        events[i] = SIGN(.person = 32, .kind = 1, .created_at = PAST + i);
    for (int i = 0; i < SEAM_EVENTS; i++) {
        talk_sayf(TALK, "[\"EVENT\",%s]", events[i]->json);
        if (i % (SEAM_EVENTS / SEAM_SUBS) == 0)
            talk_sayf(&reader, "[\"REQ\",\"seam%d\",%s]", i / (SEAM_EVENTS / SEAM_SUBS),
                      by(32, ""));
    }
    for (size_t i = 0; i < SEAM_SUBS * each; i++)
        note_seam(talk_hear(&reader), events, seen);
    for (int i = 0; i < SEAM_EVENTS; i++)
        talk_await_true(TALK);
    talk_is_quiet(&reader);
    talk_close(&reader);
}

/* A client may walk back through everything by until. */
static void test_paging_by_until(void **state)
{
    enum { COUNT = 1200, PAGE = 100 };
    const struct signer_event *event = NULL;
    int64_t until = PAST + COUNT;
    size_t found = 0;
    (void)state;
    for (int i = 0; i < COUNT; i++) {
        event = SIGN(.person = 33, .kind = 1, .created_at = PAST + i);
        talk_sayf(TALK, "[\"EVENT\",%s]", event->json);
    }
    for (int i = 0; i < COUNT; i++)
        talk_await_true(TALK);
    for (size_t page = PAGE; page == PAGE; found += page, until -= PAGE)
        page = talk_find(TALK, by(33, scratch_format(",\"until\":%lld,\"limit\":%d",
                                                     (long long)until - 1, PAGE)))
                   .count;
    assert_int_equal(found, COUNT);
    /* without a limit: the newest of limit_default */
    struct talk_found newest = talk_find(TALK, by(33, ""));
    assert_int_equal(newest.count, 500);
    assert_string_equal(newest.first_id, event->id);
    /* more than one page of the database in one answer */
    assert_int_equal(talk_find(TALK, by(33, ",\"limit\":5000")).count, COUNT);
}

/* test_seam reads only when all is written. */
static const char *const options[] = {"outbox_bytes_max=67108864", NULL};

/* CLOSE, or a REQ of the same name, in the middle of a large answer ends it. */
static void test_cut_short(void **state)
{
    const char *all = by(33, ",\"limit\":5000"); /* as test_paging_by_until has left them */
    const char *one = by(33, ",\"limit\":1");
    bool is_newest = false, is_over = false;
    (void)state;
    talk_sayf(TALK, "[\"REQ\",\"big\",%s]", all);
    talk_say(TALK, "[\"CLOSE\",\"big\"]");
    talk_is_alive(TALK); /* what had been sent by then is kept */
    json_array_clear(stage_talk.kept);
    talk_is_quiet(TALK);

    /* The first may be answered, cut, or not begun: the second's answer is the newest and its
     * end. */
    talk_sayf(TALK, "[\"REQ\",\"big\",%s]", all);
    talk_sayf(TALK, "[\"REQ\",\"big\",%s]", one);
    while (!is_over) {
        const json_t *heard = talk_hear(TALK);
        is_over = is_newest && strcmp(json_string_value(json_array_get(heard, 0)), "EOSE") == 0;
        const json_t *at = json_object_get(json_array_get(heard, 2), "created_at");
        is_newest = json_integer_value(at) == PAST + 1199;
    }
    assert_int_equal(talk_find(TALK, all).count, 1200);
}

STAGE_SUITE(options, STAGE_TEST(test_order_and_ties),
            STAGE_TEST(test_since_and_until_are_inclusive), STAGE_TEST(test_conditions),
            STAGE_TEST(test_several_filters), STAGE_TEST(test_empty_lists),
            STAGE_TEST(test_limit_zero_is_live), STAGE_TEST(test_live), STAGE_TEST(test_replace),
            STAGE_TEST(test_close), STAGE_TEST(test_names), STAGE_TEST(test_refused_filters),
            STAGE_TEST(test_refused_replacement), STAGE_TEST(test_seam),
            STAGE_TEST(test_paging_by_until), STAGE_TEST(test_cut_short))
