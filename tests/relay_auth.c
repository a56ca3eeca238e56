/* NIP-42 authentication and what stands on it: NIP-17 and NIP-59 read gates, NIP-70. */
#include "tests/stage.h"

#define TALK (&stage_talk)
#define URL "wss://relay.example/"
#define OTHER_URL "ws://relay.example:8080"

enum { PAST = 1700000000 };

static const char *tags_for(const char *url, const char *challenge)
{
    return scratch_format("[[\"relay\",\"%s\"],[\"challenge\",\"%s\"]]", url, challenge);
}

static const char *sound(void)
{
    return tags_for(URL, stage_talk.challenge);
}

/* Sends text; an AUTH with the same challenge comes first, then CLOSED of sub. */
static void challenged(const char *text, const char *sub)
{
    char before[sizeof stage_talk.challenge];
    snprintf(before, sizeof before, "%s", stage_talk.challenge);
    stage_talk.challenge[0] = '\0';
    talk_closed(TALK, text, sub, "auth-required: ");
    assert_string_equal(stage_talk.challenge, before);
}

static void test_challenges(void **state)
{
    struct talk other;
    (void)state;
    assert_true(strlen(stage_talk.challenge) >= 22); /* 16 bytes in some text form */
    talk_open(&other, &stage_relay);
    assert_string_not_equal(other.challenge, stage_talk.challenge);
    talk_auth(&other, SIGN(.person = 80, .kind = 22242, .tags = sound()), "invalid: ");
    talk_close(&other);
}

static void test_refusals(void **state)
{
    const char *challenge = stage_talk.challenge;
    const struct signer_event *wrong[] = {
        SIGN(.person = 80, .kind = 22241, .tags = sound()),
        SIGN(.person = 80, .kind = 1, .tags = sound()),
        SIGN(.person = 80, .kind = 22242),
        SIGN(.person = 80, .kind = 22242, .tags = "[[\"relay\",\"" URL "\"]]"),
        SIGN(.person = 80, .kind = 22242,
             .tags = scratch_format("[[\"challenge\",\"%s\"]]", challenge)),
        SIGN(.person = 80, .kind = 22242, .tags = tags_for(URL, "")),
        SIGN(.person = 80, .kind = 22242,
             .tags = tags_for(URL, "0123456789abcdef0123456789abcdef")),
        SIGN(.person = 80, .kind = 22242, .tags = tags_for(URL, scratch_format("%s0", challenge))),
        SIGN(.person = 80, .kind = 22242, .tags = tags_for("wss://evil.example/", challenge)),
        SIGN(.person = 80, .kind = 22242, .tags = tags_for("wss://relay.example.evil/", challenge)),
        SIGN(.person = 80, .kind = 22242, .tags = tags_for("", challenge)),
        SIGN(.person = 80, .kind = 22242, .tags = tags_for("relay.example", challenge)),
        SIGN(.person = 80, .kind = 22242, .tags = sound(), .created_at = signer_now() - 630),
        SIGN(.person = 80, .kind = 22242, .tags = sound(), .created_at = signer_now() - 1800),
        SIGN(.person = 80, .kind = 22242, .tags = sound(), .created_at = signer_now() + 630),
        SIGN(.person = 80, .kind = 22242, .tags = sound(), .pubkey = signer_pubkey(81)),
        SIGN(.person = 80, .kind = 22242, .tags = sound(), .content = "bent",
             .hashed_content = SPAN("straight")),
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof(void *); i++)
        talk_auth(TALK, wrong[i], "");
    /* none of them counted */
    challenged(
        scratch_format("[\"REQ\",\"gated\",{\"kinds\":[1059],\"#p\":[\"%s\"]}]", signer_pubkey(80)),
        "gated");
    talk_refuse_text(TALK, "[\"AUTH\"]", "", "invalid: ");
    talk_refuse_text(TALK, "[\"AUTH\",\"x\"]", "", "invalid: ");
    talk_refuse_text(TALK, "[\"AUTH\",{}]", "", "invalid: ");
}

static void test_accepted(void **state)
{
    (void)state;
    talk_auth(TALK, SIGN(.person = 80, .kind = 22242, .tags = sound()), NULL);
    talk_auth(TALK,
              SIGN(.person = 80, .kind = 22242, .tags = sound(), .created_at = signer_now() - 570),
              NULL);
    talk_auth(TALK,
              SIGN(.person = 80, .kind = 22242, .tags = sound(), .created_at = signer_now() + 590),
              NULL);
    talk_login(TALK, 81, "wss://relay.example");
    talk_login(TALK, 82, "WSS://RELAY.EXAMPLE:443/");
    talk_login(TALK, 83, OTHER_URL "/");
    /* it is not published */
    talk_expect_none(TALK, "{\"kinds\":[22242]}");
}

/* As many keys as a connection may hold, and one more; none of the first is forgotten for it. */
static void test_too_many_keys(void **state)
{
    enum { KEYS_MAX = 16, FIRST = 8000 };
    (void)state;
    for (uint32_t i = 0; i < KEYS_MAX; i++)
        talk_login(TALK, FIRST + i, URL);
    talk_login(TALK, FIRST, URL); /* again is no more */
    talk_auth(TALK, SIGN(.person = FIRST + KEYS_MAX, .kind = 22242, .tags = sound()), "");
    talk_accept(TALK, SIGN(.person = FIRST, .kind = 1, .tags = "[[\"-\"]]"));
    talk_accept(TALK, SIGN(.person = FIRST + KEYS_MAX - 1, .kind = 1, .tags = "[[\"-\"]]"));
    talk_refuse(TALK, SIGN(.person = FIRST + KEYS_MAX, .kind = 1, .tags = "[[\"-\"]]"),
                "restricted: ");
}

static const struct signer_event *wrap_for(uint32_t kind, uint32_t person, int64_t created_at)
{
    return SIGN(.person = 84, .kind = kind, .created_at = created_at,
                .tags = scratch_format("[[\"p\",\"%s\"]]", signer_pubkey(person)));
}

/* Of everybody that authenticated on the connection each sees his own. */
static void test_several_keys(void **state)
{
    const struct signer_event *to85 = wrap_for(1059, 85, PAST + 1);
    const struct signer_event *to86 = wrap_for(1059, 86, PAST);
    const char *both = scratch_format("{\"kinds\":[1059],\"#p\":[\"%s\",\"%s\"]}",
                                      signer_pubkey(85), signer_pubkey(86));
    (void)state;
    talk_accept(TALK, to85);
    talk_accept(TALK, to86);
    talk_login(TALK, 86, URL);
    EXPECT(TALK, both, to86);
    assert_int_equal(talk_count(TALK, both), 1);
    talk_login(TALK, 85, URL);
    EXPECT(TALK, both, to85, to86);
    assert_int_equal(talk_count(TALK, both), 2);
}

/* Asked for by kind: not without authentication, and then not somebody else's. */
static void test_gate_by_kind(void **state)
{
    static const uint32_t kinds[] = {4, 1059, 21059};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        const char *filter =
            scratch_format("{\"kinds\":[%u],\"#p\":[\"%s\"]}", kinds[i], signer_pubkey(87));
        challenged(scratch_format("[\"REQ\",\"s\",%s]", filter), "s");
        challenged(scratch_format("[\"COUNT\",\"s\",%s]", filter), "s");
        challenged(scratch_format("[\"REQ\",\"s\",{\"kinds\":[1]},%s]", filter), "s");
    }
    talk_login(TALK, 88, URL);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        const char *theirs =
            scratch_format("{\"kinds\":[%u],\"#p\":[\"%s\"]}", kinds[i], signer_pubkey(87));
        const char *unnamed = scratch_format("{\"kinds\":[%u]}", kinds[i]);
        talk_closed(TALK, scratch_format("[\"REQ\",\"s\",%s]", theirs), "s", "restricted: ");
        talk_closed(TALK, scratch_format("[\"REQ\",\"s\",%s]", unnamed), "s", "restricted: ");
        talk_closed(TALK, scratch_format("[\"COUNT\",\"s\",%s]", unnamed), "s", "restricted: ");
    }
}

/* Not asked for by kind: left out, of stored, counted and live alike. */
static void test_gate_of_broad_filters(void **state)
{
    const struct signer_event *wrap = wrap_for(1059, 89, PAST);
    const struct signer_event *note =
        SIGN(.person = 84, .kind = 1, .created_at = PAST + 1,
             .tags = scratch_format("[[\"p\",\"%s\"]]", signer_pubkey(89)));
    const char *broad = scratch_format("{\"#p\":[\"%s\"]}", signer_pubkey(89));
    struct talk owner;
    (void)state;
    talk_open(&owner, &stage_relay);
    talk_login(&owner, 89, URL);
    talk_accept(TALK, wrap);
    talk_accept(TALK, note);
    EXPECT(TALK, broad, note);
    EXPECT(&owner, broad, note, wrap);
    talk_expect_none(TALK, scratch_format("{\"ids\":[\"%s\"]}", wrap->id));
    EXPECT(&owner, scratch_format("{\"ids\":[\"%s\"]}", wrap->id), wrap);
    assert_int_equal(talk_count(TALK, broad), 1);
    assert_int_equal(talk_count(&owner, broad), 2);
    assert_int_equal(talk_count(TALK, scratch_format("{\"ids\":[\"%s\"]}", wrap->id)), 0);

    talk_subscribe(TALK, "live", broad);
    talk_subscribe(&owner, "live", broad);
    const struct signer_event *live[] = {wrap_for(1059, 89, PAST + 2), wrap_for(21059, 89, 0),
                                         wrap_for(4, 89, PAST + 3)};
    for (size_t i = 0; i < sizeof live / sizeof(void *); i++) {
        talk_accept(TALK, live[i]);
        talk_await_event(&owner, "live", live[i]);
    }
    const struct signer_event *fence =
        SIGN(.person = 84, .kind = 1,
             .tags = scratch_format("[[\"p\",\"%s\"]]", signer_pubkey(89)));
    talk_accept(TALK, fence);
    talk_await_event(TALK, "live", fence);
    talk_await_event(&owner, "live", fence);
    talk_is_quiet(TALK);
    talk_is_quiet(&owner);
    talk_close(&owner);
}

/* A kind 4 is its author's as well, a gift wrap is not. */
static void test_authors_of_gated_kinds(void **state)
{
    const struct signer_event *message =
        SIGN(.person = 90, .kind = 4, .created_at = PAST,
             .tags = scratch_format("[[\"p\",\"%s\"]]", signer_pubkey(91)));
    const struct signer_event *wrap =
        SIGN(.person = 90, .kind = 1059, .created_at = PAST,
             .tags = scratch_format("[[\"p\",\"%s\"]]", signer_pubkey(91)));
    const char *of_author = scratch_format("{\"authors\":[\"%s\"]}", signer_pubkey(90));
    (void)state;
    talk_accept(TALK, message);
    talk_accept(TALK, wrap);
    talk_expect_none(TALK, of_author);
    talk_login(TALK, 90, URL);
    EXPECT(TALK, scratch_format("{\"kinds\":[4],\"authors\":[\"%s\"]}", signer_pubkey(90)),
           message);
    EXPECT(TALK, of_author, message);
    talk_closed(TALK,
                scratch_format("[\"REQ\",\"s\",{\"kinds\":[1059],\"authors\":[\"%s\"]}]",
                               signer_pubkey(90)),
                "s", "restricted: ");
}

/* JSON inside a JSON string. */
static const char *quoted(const char *json)
{
    char *out = scratch_alloc(2 * strlen(json) + 1), *end = out;
    for (; *json != '\0'; *end++ = *json++)
        if (*json == '"' || *json == '\\')
            *end++ = '\\';
    return out;
}

/* NIP-70 */
static void test_protected(void **state)
{
    const struct signer_event *protected = SIGN(.person = 92, .kind = 1, .tags = "[[\"-\"]]");
    const struct signer_event *again =
        SIGN(.person = 92, .kind = 20001, .tags = "[[\"t\",\"x\"],[\"-\"]]");
    const struct signer_event *open = SIGN(.person = 92, .kind = 1, .tags = "[[\"t\",\"-\"]]");
    const char *inner = quoted(protected->json);
    (void)state;
    stage_talk.challenge[0] = '\0';
    talk_refuse(TALK, protected, "auth-required: ");
    assert_true(stage_talk.challenge[0] != '\0'); /* which came before the OK */
    talk_refuse(TALK, again, "auth-required: ");
    talk_login(TALK, 93, URL);
    talk_refuse(TALK, protected, "restricted: ");
    talk_expect_none(TALK, scratch_format("{\"ids\":[\"%s\"]}", protected->id));
    talk_login(TALK, 92, URL);
    talk_accept(TALK, protected);
    talk_accept(TALK, again);
    EXPECT(TALK, scratch_format("{\"ids\":[\"%s\"]}", protected->id), protected);
    /* not that tag */
    talk_accept(TALK,
                SIGN(.person = 94, .kind = 1, .tags = "[[\"-\",\"x\"],[\"--\"],[\"t\",\"-\"]]"));
    /* a repost that carries a protected event away */
    talk_refuse(TALK, SIGN(.person = 94, .kind = 6, .content = inner), "blocked: ");
    talk_refuse(TALK, SIGN(.person = 94, .kind = 16, .content = inner), "blocked: ");
    talk_accept(TALK, SIGN(.person = 94, .kind = 6, .content = quoted(open->json)));
    talk_accept(TALK, SIGN(.person = 94, .kind = 6, .content = "not json"));
}

static const char *const options[] = {"public_url=" URL " " OTHER_URL, NULL};

/* A relay for the authenticated only. */
static void test_auth_required(void **state)
{
    struct relay relay;
    struct talk talk;
    const struct signer_event *event = SIGN(.person = 95, .kind = 1);
    (void)state;
    relay_start(&relay,
                &(struct relay_setup){.options = OPTIONS("auth_required=true", "public_url=" URL)});
    talk_open(&talk, &relay);
    talk_refuse(&talk, event, "auth-required: ");
    talk_refuse(&talk, SIGN(.person = 95, .kind = 20000), "auth-required: ");
    talk_closed(&talk, "[\"REQ\",\"s\",{}]", "s", "auth-required: ");
    talk_closed(&talk, "[\"COUNT\",\"s\",{}]", "s", "auth-required: ");
    talk_login(&talk, 96, URL);
    talk_accept(&talk, event);
    EXPECT(&talk, "{}", event);
    assert_int_equal(talk_count(&talk, "{}"), 1);
    talk_close(&talk);
    relay_stop(&relay);
}

/* Without public_url: localhost and the address that was connected to. */
static void test_without_public_url(void **state)
{
    struct relay relay;
    struct talk talk;
    (void)state;
    relay_start(&relay, &(struct relay_setup){0});
    talk_open(&talk, &relay);
    talk_login(&talk, 97, scratch_format("ws://127.0.0.1:%u", relay.port));
    talk_login(&talk, 98, scratch_format("ws://localhost:%u/", relay.port));
    talk_auth(
        &talk,
        SIGN(.person = 99, .kind = 22242, .tags = tags_for("wss://evil.example", talk.challenge)),
        "invalid: ");
    talk_close(&talk);
    relay_stop(&relay);
}

STAGE_SUITE(options, STAGE_TEST(test_challenges), STAGE_TEST(test_refusals),
            STAGE_TEST(test_accepted), STAGE_TEST(test_too_many_keys),
            STAGE_TEST(test_several_keys), STAGE_TEST(test_gate_by_kind),
            STAGE_TEST(test_gate_of_broad_filters), STAGE_TEST(test_authors_of_gated_kinds),
            STAGE_TEST(test_protected), cmocka_unit_test(test_auth_required),
            cmocka_unit_test(test_without_public_url))
