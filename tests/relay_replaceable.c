/* Replaceable, addressable, ephemeral: which version stands, and what is never kept. */
#include "tests/stage.h"

#define TALK (&stage_talk)

enum { PAST = 1700000000 };

static const char *found_by(const struct signer_event *event)
{
    return scratch_format("{\"authors\":[\"%s\"],\"kinds\":[%u]}", event->pubkey, event->kind);
}

/* Only the newest stands, in whichever order they come, under ids and count as well. */
static void test_newest_stands(void **state)
{
    static const uint32_t kinds[] = {0, 3, 10000, 10002, 10050, 19999};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        const struct signer_event *v[4];
        for (int64_t t = 0; t < 4; t++)
            v[t] = SIGN(.person = 40, .kind = kinds[i], .created_at = PAST + t,
                        .tags = scratch_format("[[\"t\",\"v%d\"],[\"d\",\"%d\"]]", (int)t, (int)t));
        talk_accept(TALK, v[1]);
        talk_accept(TALK, v[2]);
        talk_repeat(TALK, v[2]);
        talk_refuse(TALK, v[0], "duplicate: ");
        talk_refuse(TALK, v[1], "duplicate: ");
        talk_accept(TALK, v[3]);
        talk_refuse(TALK, v[2], "duplicate: ");
        EXPECT(TALK, found_by(v[3]), v[3]);
        talk_expect_none(
            TALK, scratch_format("{\"ids\":[\"%s\",\"%s\",\"%s\"]}", v[0]->id, v[1]->id, v[2]->id));
        talk_expect_none(TALK,
                         scratch_format("{\"authors\":[\"%s\"],\"kinds\":[%u],\"#t\":[\"v2\"]}",
                                        v[0]->pubkey, kinds[i]));
        assert_int_equal(talk_count(TALK, found_by(v[3])), 1);
    }
}

/* Of the same time the lowest id stands. */
static void test_ties_by_lowest_id(void **state)
{
    static const uint32_t kinds[] = {0, 10001, 30000};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        const struct signer_event *a =
            SIGN(.person = 41, .kind = kinds[i], .created_at = PAST, .content = "a");
        const struct signer_event *b =
            SIGN(.person = 41, .kind = kinds[i], .created_at = PAST, .content = "b");
        const struct signer_event *low = strcmp(a->id, b->id) < 0 ? a : b;
        const struct signer_event *high = low == a ? b : a;
        talk_accept(TALK, high);
        talk_accept(TALK, low);
        talk_refuse(TALK, high, "duplicate: ");
        EXPECT(TALK, found_by(low), low);
        talk_expect_none(TALK, scratch_format("{\"ids\":[\"%s\"]}", high->id));
    }
}

/* The key is author, kind and the first d; no d is "" and ["d"] is "". */
static void test_addressable(void **state)
{
    static const struct {
        const char *tags;
        int address;
    } cases[] = {
        {"[]", 0},
        {"[[\"d\",\"\"]]", 0},
        {"[[\"d\"]]", 0},
        {"[[\"d\",\"x\"]]", 1},
        {"[[\"d\",\"x\",\"more\"],[\"d\",\"y\"]]", 1},
        {"[[\"e\",\"z\"],[\"d\",\"y\"],[\"d\",\"x\"]]", 2},
        {"[[\"D\",\"x\"]]", 0},
        {"[[\"d\",\"X\"]]", 3},
        {"[[\"d\",\"\\u0000\"]]", 4},
        {"[[\"d\",\"a:b\"]]", 5},
    };
    const struct signer_event *standing[6] = {NULL};
    const struct signer_event *other_kind =
        SIGN(.person = 42, .kind = 39999, .created_at = PAST, .tags = "[[\"d\",\"x\"]]");
    const struct signer_event *other_person =
        SIGN(.person = 43, .kind = 30000, .created_at = PAST, .tags = "[[\"d\",\"x\"]]");
    (void)state;
    talk_accept(TALK, other_kind);
    talk_accept(TALK, other_person);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct signer_event *event =
            SIGN(.person = 42, .kind = 30000, .created_at = PAST + (int64_t)i,
                 .tags = cases[i].tags);
        const struct signer_event *before = standing[cases[i].address];
        talk_accept(TALK, event);
        if (before != NULL)
            talk_expect_none(TALK, scratch_format("{\"ids\":[\"%s\"]}", before->id));
        standing[cases[i].address] = event;
    }
    EXPECT(TALK, found_by(standing[0]), standing[5], standing[4], standing[3], standing[0],
           standing[2], standing[1]);
    talk_refuse(TALK, SIGN(.person = 42, .kind = 30000, .created_at = PAST - 1), "duplicate: ");
    EXPECT(TALK, found_by(other_kind), other_kind);
    EXPECT(TALK, found_by(other_person), other_person);
    EXPECT(TALK,
           scratch_format("{\"kinds\":[30000],\"authors\":[\"%s\"],\"#d\":[\"x\"]}",
                          signer_pubkey(42)),
           standing[2], standing[1]);
}

/* Many versions at once, over two connections: one stands, the newest. */
static void test_race(void **state)
{
    enum { COUNT = 200 };
    const struct signer_event *newest = NULL;
    struct talk other;
    (void)state;
    talk_open(&other, &stage_relay);
    for (int i = 0; i < COUNT; i++) {
        int64_t age = (i * 37) % COUNT;
        const struct signer_event *event =
            SIGN(.person = 44, .kind = 10002, .created_at = PAST + age);
        if (age == COUNT - 1)
            newest = event;
        talk_sayf(i % 2 == 0 ? TALK : &other, "[\"EVENT\",%s]", event->json);
    }
    for (int i = 0; i < COUNT; i++)
        talk_await(i % 2 == 0 ? TALK : &other, "OK");
    EXPECT(TALK, found_by(newest), newest);
    assert_int_equal(talk_count(TALK, found_by(newest)), 1);
    talk_close(&other);
}

/* Sent to who listens, acknowledged, and gone. */
static void test_ephemeral(void **state)
{
    static const uint32_t kinds[] = {20000, 24133, 29999};
    struct talk other;
    (void)state;
    talk_open(&other, &stage_relay);
    talk_subscribe(&other, "live", scratch_format("{\"authors\":[\"%s\"]}", signer_pubkey(45)));
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        const struct signer_event *event = SIGN(.person = 45, .kind = kinds[i], .content = "now");
        talk_accept(TALK, event);
        talk_await_event(&other, "live", event);
        talk_expect_none(TALK, scratch_format("{\"ids\":[\"%s\"]}", event->id));
        assert_int_equal(talk_count(TALK, found_by(event)), 0);
    }
    talk_refuse(
        TALK,
        SIGN(.person = 45, .kind = 20000, .content = "bent", .hashed_content = SPAN("straight")),
        "invalid: ");
    talk_is_quiet(&other);
    talk_close(&other);
}

/* NIP-65, NIP-02, NIP-17, NIP-51: lists are found by author, kind and tag. */
static void test_lists(void **state)
{
    const char *friend = signer_pubkey(47);
    const struct signer_event *relays =
        SIGN(.person = 46, .kind = 10002, .created_at = PAST + 3,
             .tags = "[[\"r\",\"wss://one.example\"],[\"r\",\"wss://two.example\",\"write\"]]");
    const struct signer_event *follows =
        SIGN(.person = 46, .kind = 3, .created_at = PAST + 2,
             .tags = scratch_format("[[\"p\",\"%s\",\"wss://one.example\",\"bob\"]]", friend));
    const struct signer_event *inbox = SIGN(.person = 46, .kind = 10050, .created_at = PAST + 1,
                                            .tags = "[[\"relay\",\"wss://one.example\"]]");
    const struct signer_event *set =
        SIGN(.person = 46, .kind = 30000, .created_at = PAST,
             .tags = scratch_format("[[\"d\",\"s\"],[\"p\",\"%s\"]]", friend));
    (void)state;
    talk_accept(TALK, set);
    talk_accept(TALK, relays);
    talk_accept(TALK, follows);
    talk_accept(TALK, inbox);
    EXPECT(TALK,
           scratch_format("{\"authors\":[\"%s\"],\"kinds\":[3,10002,10050,30000]}", relays->pubkey),
           relays, follows, inbox, set);
    EXPECT(TALK, scratch_format("{\"#p\":[\"%s\"],\"kinds\":[3]}", friend), follows);
    EXPECT(TALK, scratch_format("{\"#p\":[\"%s\"]}", friend), follows, set);
    EXPECT(TALK, "{\"#r\":[\"wss://two.example\"],\"kinds\":[10002]}", relays);
}

STAGE_SUITE(NULL, STAGE_TEST(test_newest_stands), STAGE_TEST(test_ties_by_lowest_id),
            STAGE_TEST(test_addressable), STAGE_TEST(test_race), STAGE_TEST(test_ephemeral),
            STAGE_TEST(test_lists))
