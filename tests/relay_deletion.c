/* NIP-09 deletions and NIP-62 vanishing: what goes, what stays, what may not come back. */
#include "tests/stage.h"

#define TALK (&stage_talk)
#define URL "wss://relay.example/"

enum { PAST = 1700000000 };

static const char *all_of(uint32_t person)
{
    return scratch_format("{\"authors\":[\"%s\"]}", signer_pubkey(person));
}

static const char *e_tag(const struct signer_event *event)
{
    return scratch_format("[\"e\",\"%s\"]", event->id);
}

static const char *a_tag(uint32_t kind, uint32_t person, const char *d)
{
    return scratch_format("[\"a\",\"%u:%s:%s\"]", kind, signer_pubkey(person), d);
}

static void test_by_id(void **state)
{
    const struct signer_event *goes =
        SIGN(.person = 50, .kind = 1, .created_at = PAST, .tags = "[[\"t\",\"deleted\"]]");
    const struct signer_event *too = SIGN(.person = 50, .kind = 7, .created_at = PAST + 50);
    const struct signer_event *stays = SIGN(.person = 50, .kind = 1, .created_at = PAST + 1);
    const struct signer_event *deletion =
        SIGN(.person = 50, .kind = 5, .created_at = PAST + 9,
             .tags = scratch_format("[%s,%s,[\"k\",\"1\"]]", e_tag(goes), e_tag(too)));
    (void)state;
    talk_accept(TALK, goes);
    talk_accept(TALK, too);
    talk_accept(TALK, stays);
    talk_accept(TALK, deletion);
    EXPECT(TALK, all_of(50), deletion, stays);
    talk_expect_none(TALK, "{\"#t\":[\"deleted\"]}");
    assert_int_equal(talk_count(TALK, all_of(50)), 2);
    talk_refuse(TALK, goes, "blocked: ");
    talk_refuse(TALK, too, "blocked: "); /* although newer than its deletion: the id is named */
    talk_repeat(TALK, deletion);
    EXPECT(TALK, scratch_format("{\"#e\":[\"%s\"],\"kinds\":[5]}", goes->id), deletion);
}

static void test_before_its_target(void **state)
{
    const struct signer_event *target = SIGN(.person = 51, .kind = 1, .created_at = PAST);
    const struct signer_event *version =
        SIGN(.person = 51, .kind = 30023, .created_at = PAST, .tags = "[[\"d\",\"x\"]]");
    const struct signer_event *deletion =
        SIGN(.person = 51, .kind = 5, .created_at = PAST + 1,
             .tags = scratch_format("[%s,%s]", e_tag(target), a_tag(30023, 51, "x")));
    (void)state;
    talk_accept(TALK, deletion);
    talk_refuse(TALK, target, "blocked: ");
    talk_refuse(TALK, version, "blocked: ");
    EXPECT(TALK, all_of(51), deletion);
}

/* Nobody deletes what is somebody else's, now or later. */
static void test_foreign_targets(void **state)
{
    const struct signer_event *stored = SIGN(.person = 52, .kind = 1, .created_at = PAST);
    const struct signer_event *later = SIGN(.person = 52, .kind = 1, .created_at = PAST + 1);
    const struct signer_event *version =
        SIGN(.person = 52, .kind = 30023, .created_at = PAST + 2, .tags = "[[\"d\",\"x\"]]");
    (void)state;
    talk_accept(TALK, stored);
    talk_accept(TALK, version);
    talk_accept(TALK, SIGN(.person = 53, .kind = 5, .created_at = PAST + 9,
                           .tags = scratch_format("[%s,%s,%s,%s]", e_tag(stored), e_tag(later),
                                                  a_tag(30023, 52, "x"), a_tag(0, 52, ""))));
    talk_accept(TALK, later);
    const struct signer_event *profile = SIGN(.person = 52, .kind = 0, .created_at = PAST - 5);
    talk_accept(TALK, profile);
    EXPECT(TALK, all_of(52), version, later, stored, profile);
}

/* An address: every version up to the deletion's time, of that kind and d only. */
static void test_by_address(void **state)
{
    const struct signer_event *old =
        SIGN(.person = 54, .kind = 30023, .created_at = PAST, .tags = "[[\"d\",\"x\"]]");
    const struct signer_event *other_d =
        SIGN(.person = 54, .kind = 30023, .created_at = PAST, .tags = "[[\"d\",\"y\"]]");
    const struct signer_event *other_kind =
        SIGN(.person = 54, .kind = 30024, .created_at = PAST - 1, .tags = "[[\"d\",\"x\"]]");
    const struct signer_event *deletion =
        SIGN(.person = 54, .kind = 5, .created_at = PAST + 10,
             .tags = scratch_format("[%s]", a_tag(30023, 54, "x")));
    const struct signer_event *same_time =
        SIGN(.person = 54, .kind = 30023, .created_at = PAST + 10, .tags = "[[\"d\",\"x\"]]");
    const struct signer_event *newer =
        SIGN(.person = 54, .kind = 30023, .created_at = PAST + 11, .tags = "[[\"d\",\"x\"]]");
    (void)state;
    talk_accept(TALK, old);
    talk_accept(TALK, other_d);
    talk_accept(TALK, other_kind);
    talk_accept(TALK, deletion);
    EXPECT(TALK, all_of(54), deletion, other_d, other_kind);
    talk_refuse(TALK, old, "blocked: ");
    talk_refuse(TALK, same_time, "blocked: ");
    talk_accept(TALK, newer);
    EXPECT(TALK, all_of(54), newer, deletion, other_d, other_kind);
    /* an older deletion of the same address takes nothing back */
    talk_accept(TALK, SIGN(.person = 54, .kind = 5, .created_at = PAST + 5,
                           .tags = scratch_format("[%s]", a_tag(30023, 54, "x"))));
    talk_refuse(TALK, same_time, "blocked: ");
    EXPECT(TALK, scratch_format("{\"ids\":[\"%s\"]}", newer->id), newer);
}

/* An `a` of a replaceable kind: its d is "", written with its colon. */
static void test_replaceable_by_address(void **state)
{
    static const uint32_t kinds[] = {0, 3, 10002};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        const struct signer_event *old = SIGN(.person = 55, .kind = kinds[i], .created_at = PAST,
                                              .tags = "[[\"d\",\"ignored\"]]");
        const struct signer_event *newer =
            SIGN(.person = 55, .kind = kinds[i], .created_at = PAST + 20);
        talk_accept(TALK, old);
        talk_accept(TALK, SIGN(.person = 55, .kind = 5, .created_at = PAST + 10,
                               .tags = scratch_format("[%s]", a_tag(kinds[i], 55, ""))));
        talk_expect_none(TALK, scratch_format("{\"ids\":[\"%s\"]}", old->id));
        talk_refuse(TALK, old, "blocked: ");
        talk_accept(TALK, newer);
    }
}

/* A deletion with addresses or nonsense only, or with nothing, deletes nothing else. */
static void test_harmless_deletions(void **state)
{
    static const char *const tags[] = {
        "[]",
        "[[\"e\"]]",
        "[[\"e\",\"\"]]",
        "[[\"e\",\"not an id\"]]",
        "[[\"a\"]]",
        "[[\"a\",\"\"]]",
        "[[\"a\",\"30023\"]]",
        "[[\"a\",\"1:\"]]",
        "[[\"a\",\"99999999999999999999:x:y\"]]",
        "[[\"p\",\"x\"],[]]",
    };
    const struct signer_event *stays = SIGN(.person = 56, .kind = 1, .created_at = PAST);
    (void)state;
    talk_accept(TALK, stays);
    for (size_t i = 0; i < ARRAY_LEN(tags); i++)
        talk_accept(TALK, SIGN(.person = 56, .kind = 5, .created_at = PAST + 1 + (int64_t)i,
                               .tags = tags[i]));
    /* regular events have no address */
    talk_accept(TALK, SIGN(.person = 56, .kind = 5, .created_at = PAST + 99,
                           .tags = scratch_format("[%s]", a_tag(1, 56, ""))));
    EXPECT(TALK, scratch_format("{\"ids\":[\"%s\"]}", stays->id), stays);
}

/* Deletions are not deleted. */
static void test_deletion_of_a_deletion(void **state)
{
    const struct signer_event *target = SIGN(.person = 57, .kind = 1, .created_at = PAST);
    const struct signer_event *deletion = SIGN(.person = 57, .kind = 5, .created_at = PAST + 1,
                                               .tags = scratch_format("[%s]", e_tag(target)));
    const struct signer_event *again = SIGN(.person = 57, .kind = 5, .created_at = PAST + 2,
                                            .tags = scratch_format("[%s]", e_tag(deletion)));
    (void)state;
    talk_accept(TALK, target);
    talk_accept(TALK, deletion);
    talk_accept(TALK, again);
    EXPECT(TALK, all_of(57), again, deletion);
    talk_refuse(TALK, target, "blocked: ");
    talk_repeat(TALK, deletion);
}

/* NIP-59: a gift wrap, whose author is nobody, is its recipient's to delete. */
static void test_gift_wrap(void **state)
{
    const struct signer_event *wrap =
        SIGN(.person = 58, .kind = 1059, .created_at = PAST,
             .tags = scratch_format("[[\"p\",\"%s\"]]", signer_pubkey(59)));
    const struct signer_event *later =
        SIGN(.person = 58, .kind = 1059, .created_at = PAST + 1,
             .tags = scratch_format("[[\"p\",\"%s\"]]", signer_pubkey(59)));
    const char *mine = scratch_format("{\"kinds\":[1059],\"#p\":[\"%s\"]}", signer_pubkey(59));
    (void)state;
    talk_login(TALK, 59, URL);
    talk_accept(TALK, wrap);
    EXPECT(TALK, mine, wrap);
    talk_accept(TALK, SIGN(.person = 60, .kind = 5, .created_at = PAST + 2,
                           .tags = scratch_format("[%s]", e_tag(wrap)))); /* a stranger */
    EXPECT(TALK, mine, wrap);
    talk_accept(TALK, SIGN(.person = 59, .kind = 5, .created_at = PAST + 2,
                           .tags = scratch_format("[%s,%s]", e_tag(wrap), e_tag(later))));
    talk_expect_none(TALK, mine);
    talk_refuse(TALK, wrap, "blocked: ");
    talk_refuse(TALK, later, "blocked: ");
}

/* One kind 5 and its target, over two connections at once, many times: in the end the target is
 * never there. */
static void test_race(void **state)
{
    enum { COUNT = 100 };
    struct talk other;
    (void)state;
    talk_open(&other, &stage_relay);
    for (int i = 0; i < COUNT; i++) {
        const struct signer_event *target = SIGN(.person = 61, .kind = 1, .created_at = PAST + i);
        const struct signer_event *deletion =
            SIGN(.person = 61, .kind = 5, .created_at = PAST + 1000 + i,
                 .tags = scratch_format("[%s]", e_tag(target)));
        talk_sayf(TALK, "[\"EVENT\",%s]", target->json);
        talk_sayf(&other, "[\"EVENT\",%s]", deletion->json);
    }
    for (int i = 0; i < COUNT; i++) {
        talk_await(TALK, "OK");
        talk_await_true(&other);
    }
    talk_expect_none(TALK,
                     scratch_format("{\"authors\":[\"%s\"],\"kinds\":[1]}", signer_pubkey(61)));
    talk_close(&other);
}

#define VANISH_HERE "[[\"relay\",\"" URL "\"]]"

static void test_vanish(void **state)
{
    const struct signer_event *note = SIGN(.person = 62, .kind = 1, .created_at = PAST);
    const struct signer_event *profile = SIGN(.person = 62, .kind = 0, .created_at = PAST + 5);
    const struct signer_event *deletion = SIGN(.person = 62, .kind = 5, .created_at = PAST + 4);
    const struct signer_event *after = SIGN(.person = 62, .kind = 1, .created_at = PAST + 11);
    const struct signer_event *late = SIGN(.person = 62, .kind = 1, .created_at = PAST + 9);
    const struct signer_event *newer = SIGN(.person = 62, .kind = 1, .created_at = PAST + 12);
    const struct signer_event *wrap =
        SIGN(.person = 63, .kind = 1059, .created_at = PAST,
             .tags = scratch_format("[[\"p\",\"%s\"]]", signer_pubkey(62)));
    const struct signer_event *vanish =
        SIGN(.person = 62, .kind = 62, .created_at = PAST + 10, .tags = VANISH_HERE);
    const char *wraps = scratch_format("{\"kinds\":[1059],\"#p\":[\"%s\"]}", signer_pubkey(62));
    (void)state;
    talk_login(TALK, 62, URL);
    talk_accept(TALK, note);
    talk_accept(TALK, profile);
    talk_accept(TALK, deletion);
    talk_accept(TALK, after);
    talk_accept(TALK, wrap);
    EXPECT(TALK, wraps, wrap);
    talk_accept(TALK, vanish);
    EXPECT(TALK, all_of(62), after, vanish);
    talk_expect_none(TALK, wraps);
    talk_refuse(TALK, note, "blocked: ");
    talk_refuse(TALK, late, "blocked: ");
    talk_refuse(TALK, deletion, "blocked: ");
    talk_refuse(TALK, wrap, "blocked: ");
    talk_accept(TALK, newer); /* life goes on */
    talk_accept(TALK, SIGN(.person = 62, .kind = 5, .created_at = PAST + 13,
                           .tags = scratch_format("[%s]", e_tag(vanish)))); /* of no effect */
    EXPECT(TALK, scratch_format("{\"ids\":[\"%s\"]}", vanish->id), vanish);
    talk_refuse(TALK, note, "blocked: ");
    /* one older than what is stored is of no use; a newer one takes what came since */
    talk_refuse(TALK, SIGN(.person = 62, .kind = 62, .created_at = PAST + 8, .tags = VANISH_HERE),
                "");
    const struct signer_event *again =
        SIGN(.person = 62, .kind = 62, .created_at = PAST + 20, .tags = VANISH_HERE);
    talk_accept(TALK, again);
    talk_expect_none(TALK, scratch_format("{\"ids\":[\"%s\",\"%s\"]}", newer->id, after->id));
    EXPECT(TALK, scratch_format("{\"ids\":[\"%s\"]}", again->id), again);
}

static void test_vanish_whom(void **state)
{
    static const struct {
        bool ours;
        const char *tags;
    } cases[] = {
        {true, "[[\"relay\",\"ALL_RELAYS\"]]"},
        {true, "[[\"relay\",\"wss://relay.example\"]]"},
        {true, "[[\"relay\",\"WSS://Relay.Example:443/\"]]"},
        {true, "[[\"relay\",\"wss://other.example\"],[\"relay\",\"" URL "\"]]"},
        {false, "[]"},
        {false, "[[\"relay\"]]"},
        {false, "[[\"relay\",\"wss://other.example\"]]"},
        {false, "[[\"relay\",\"wss://relay.example.org/\"]]"},
        {false, "[[\"relay\",\"wss://relay.example:8443/\"]]"},
        {false, "[[\"relay\",\"all_relays\"]]"},
        {false, "[[\"r\",\"ALL_RELAYS\"]]"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint32_t person = 6400 + (uint32_t)i;
        const struct signer_event *note = SIGN(.person = person, .kind = 1, .created_at = PAST);
        const struct signer_event *vanish =
            SIGN(.person = person, .kind = 62, .created_at = PAST + 1, .tags = cases[i].tags);
        talk_accept(TALK, note);
        if (cases[i].ours) {
            talk_accept(TALK, vanish);
            EXPECT(TALK, all_of(person), vanish);
        } else {
            talk_refuse(TALK, vanish, "");
            EXPECT(TALK, all_of(person), note);
        }
    }
}

static const char *const options[] = {"public_url=" URL, NULL};

STAGE_SUITE(options, STAGE_TEST(test_by_id), STAGE_TEST(test_before_its_target),
            STAGE_TEST(test_foreign_targets), STAGE_TEST(test_by_address),
            STAGE_TEST(test_replaceable_by_address), STAGE_TEST(test_harmless_deletions),
            STAGE_TEST(test_deletion_of_a_deletion), STAGE_TEST(test_gift_wrap),
            STAGE_TEST(test_race), STAGE_TEST(test_vanish), STAGE_TEST(test_vanish_whom))
