/* NIP-50: what is found by its words, in which order, and what is not. */
#include <stdio.h>

#include "tests/stage.h"

#define TALK (&stage_talk)

enum { PAST = 1700000000 };

static const char *searching(const char *words, const char *more)
{
    return scratch_format("{\"search\":\"%s\"%s}", words, more);
}

/* Everything that was acknowledged can be searched, once this has been found: it is newer. */
static void await_index(void)
{
    static int count;
    int64_t deadline_ms = wire_now_ms() + WIRE_WAIT_MS;
    const char *word = scratch_format("indexedyet%d", ++count);
    talk_accept(TALK, SIGN(.person = 300, .kind = 1, .content = word));
    while (talk_find(TALK, searching(word, "")).count == 0)
        assert_true(wire_now_ms() < deadline_ms);
}

static const struct signer_event *note(uint32_t person, int64_t at, const char *content)
{
    const struct signer_event *event =
        SIGN(.person = person, .kind = 1, .created_at = PAST + at, .content = content);
    talk_accept(TALK, event);
    return event;
}

static void test_words(void **state)
{
    const struct signer_event *apples = note(301, 1, "Green apples and a pear");
    const struct signer_event *pear = note(301, 2, "a PEAR, peeled");
    const struct signer_event *plum = note(302, 3, "plum jam (caf\xc3\xa9 style)");
    (void)state;
    await_index();
    EXPECT(TALK, searching("apples", ""), apples);
    EXPECT(TALK, searching("pear apples", ""), apples);
    EXPECT(TALK, searching("pear -apples", ""), pear);
    EXPECT(TALK, searching("caf\xc3\xa9", ""), plum);
    EXPECT(TALK, searching("\\\"green apples\\\"", ""), apples);
    talk_expect_none(TALK, searching("\\\"apples green\\\"", ""));
    talk_expect_none(TALK, searching("apple", "")); /* no stems in simple */
    talk_expect_none(TALK, searching("nothingofthekind", ""));
    EXPECT(TALK, searching("pear include:spam domain:example.com", ",\"limit\":1"), pear);
    assert_int_equal(talk_count(TALK, searching("pear", "")), 2);
    assert_int_equal(talk_count(TALK, searching("nothingofthekind", "")), 0);
}

/* Letters of any script, in any case, whatever the database's locale; what stands between words is
 * none of them. */
static void test_scripts(void **state)
{
    const struct signer_event *rain = note(395, 30,
                                           "\xc3\x9c"
                                           "BER den Fl\xc3\xbcssen");
    const struct signer_event *sea =
        note(395, 31, "\xc2\xab\xd0\x9c\xd0\x9e\xd0\xa0\xd0\x95\xc2\xbb");
    const struct signer_event *tide = note(
        395, 32,
        "\xe2\x80\x9cTide\xe2\x80\x9d\xe2\x80\x94 it\xe2\x80\x99s low\xe2\x80\xa6\xf0\x9f\x8c\x8a");
    (void)state;
    await_index();
    EXPECT(TALK,
           searching("\xc3\xbc"
                     "ber",
                     ""),
           rain);
    EXPECT(TALK, searching("FL\xc3\x9cSSEN", ""), rain);
    EXPECT(TALK, searching("\xd0\xbc\xd0\xbe\xd1\x80\xd0\xb5", ""), sea);
    EXPECT(TALK, searching("tide", ""), tide);
    EXPECT(TALK, searching("low", ""), tide);
    EXPECT(TALK, searching("\xe2\x80\x9cs low\xe2\x80\x9d", ""), tide);
    talk_expect_none(TALK, searching("\xe2\x80\x9clow s\xe2\x80\x9d", ""));
}

/* The other conditions hold as well. */
static void test_conditions(void **state)
{
    const struct signer_event *one =
        SIGN(.person = 303, .kind = 1, .created_at = PAST + 10, .content = "harbour lights",
             .tags = "[[\"t\",\"sea\"],[\"t\",\"night\"]]");
    const struct signer_event *two = SIGN(.person = 304, .kind = 1111, .created_at = PAST + 20,
                                          .content = "harbour", .tags = "[[\"t\",\"sea\"]]");
    (void)state;
    talk_accept(TALK, one);
    talk_accept(TALK, two);
    await_index();
    EXPECT(TALK, searching("harbour", ",\"kinds\":[1]"), one);
    EXPECT(TALK, searching("harbour", ",\"kinds\":[1111,7]"), two);
    talk_expect_none(TALK, searching("harbour", ",\"kinds\":[7]"));
    EXPECT(TALK, searching("harbour", scratch_format(",\"authors\":[\"%s\"]", signer_pubkey(303))),
           one);
    EXPECT(TALK, searching("harbour", scratch_format(",\"ids\":[\"%s\"]", two->id)), two);
    EXPECT(TALK, searching("harbour", ",\"#t\":[\"night\"]"), one);
    EXPECT(TALK, searching("harbour", ",\"&t\":[\"sea\",\"night\"]"), one);
    EXPECT(TALK, searching("harbour", ",\"since\":1700000011,\"until\":1700000020"), two);
    talk_expect_none(TALK, searching("harbour", ",\"until\":1700000009"));
    talk_expect_none(TALK, searching("harbour", ",\"kinds\":[]"));
    talk_expect_none(TALK, searching("harbour", ",\"limit\":0"));
}

/* What says it more, and in its title, comes first, and the limit is of the best. */
static void test_ranking(void **state)
{
    const struct signer_event *often = note(305, 1, "zebra zebra zebra zebra");
    const struct signer_event *once =
        note(305, 2, "many a word was said, of which one was zebra, and the others were not");
    const struct signer_event *title =
        SIGN(.person = 305, .kind = 30023, .created_at = PAST,
             .tags = "[[\"d\",\"z\"],[\"title\",\"Zebra\"]]", .content = "of stripes");
    (void)state;
    talk_accept(TALK, title);
    await_index();
    EXPECT(TALK, searching("zebra", ""), title, often, once);
    EXPECT(TALK, searching("zebra", ",\"limit\":1"), title);
    EXPECT(TALK, searching("zebra", ",\"kinds\":[1]"), often, once);
    /* each filter that searches in its order, then the others, newest first; none twice */
    EXPECT(TALK,
           scratch_format("{\"authors\":[\"%s\"]},%s,%s", signer_pubkey(305),
                          searching("stripes", ""), searching("zebra", ",\"limit\":2")),
           title, often, once);
}

/* As it stands in a JSON string. */
#define PROFILE(name, key, value)                               \
    "{\\\"name\\\":\\\"" name "\\\",\\\"" key "\\\":\\\"" value \
    "\\\",\\\"banner\\\":\\\"waspish\\\"}"

static void test_profiles(void **state)
{
    const struct signer_event *profile =
        SIGN(.person = 306, .kind = 0, .created_at = PAST,
             .content = PROFILE("ferdinand", "about", "bee keeper"));
    const struct signer_event *newer =
        SIGN(.person = 306, .kind = 0, .created_at = PAST + 1,
             .content = PROFILE("leopold", "nip05", "leo@apiary.example"));
    const struct signer_event *broken = SIGN(.person = 307, .kind = 0, .created_at = PAST,
                                             .content = "{\\\"name\\\":\\\"gundula\\\"");
    (void)state;
    talk_accept(TALK, profile);
    talk_accept(TALK, broken);
    await_index();
    EXPECT(TALK, searching("ferdinand", ",\"kinds\":[0]"), profile);
    EXPECT(TALK, searching("keeper", ""), profile);
    EXPECT(TALK, searching("gundula", ""), broken);
    talk_expect_none(TALK, searching("waspish", ""));
    talk_accept(TALK, newer);
    talk_expect_none(TALK, searching("ferdinand", "")); /* at once */
    await_index();
    EXPECT(TALK, searching("leopold", ""), newer);
    EXPECT(TALK, searching("leo@apiary.example", ""), newer);
}

static void test_gone_at_once(void **state)
{
    const struct signer_event *event = note(308, 1, "ephemerope");
    const struct signer_event *vanished = note(309, 1, "ephemerope too");
    (void)state;
    await_index();
    assert_int_equal(talk_find(TALK, searching("ephemerope", "")).count, 2);
    talk_accept(TALK, SIGN(.person = 308, .kind = 5,
                           .tags = scratch_format("[[\"e\",\"%s\"]]", event->id)));
    EXPECT(TALK, searching("ephemerope", ""), vanished);
    talk_accept(TALK, SIGN(.person = 309, .kind = 62, .tags = "[[\"relay\",\"ALL_RELAYS\"]]"));
    talk_expect_none(TALK, searching("ephemerope", ""));
}

/* Kinds that are not indexed, private ones among them, are not found. */
static void test_kinds(void **state)
{
    (void)state;
    talk_accept(TALK, SIGN(.person = 310, .kind = 7, .content = "unsought"));
    talk_accept(
        TALK, SIGN(.person = 310, .kind = 30078, .content = "unsought", .tags = "[[\"d\",\"x\"]]"));
    await_index();
    talk_expect_none(TALK, searching("unsought", ""));
    talk_expect_none(TALK, searching("unsought", ",\"kinds\":[7]"));
    talk_closed(TALK, "[\"REQ\",\"s\",{\"search\":\"x\",\"kinds\":[4]}]", "s", "auth-required: ");
}

static void test_languages(void **state)
{
    const struct signer_event *german =
        SIGN(.person = 311, .kind = 1, .created_at = PAST,
             .content = "viele H\xc3\xa4user am Fluss",
             .tags = "[[\"L\",\"ISO-639-1\"],[\"l\",\"de\",\"ISO-639-1\"]]");
    const struct signer_event *unsaid = note(311, 1, "Fluss ohne Sprache");
    (void)state;
    talk_accept(TALK, german);
    await_index();
    EXPECT(TALK, searching("Haus language:de", ""), german);
    EXPECT(TALK, searching("Haus", ""), german); /* the stem of what the event says */
    talk_expect_none(TALK, searching("Fluss language:fr -ohne", ""));
    EXPECT(TALK, searching("Fluss language:fr", ""), unsaid);
    EXPECT(TALK, searching("Fluss language:xx", ""), unsaid);
    assert_int_equal(talk_find(TALK, searching("Fluss language:de", "")).count, 2);
}

/* Nothing live comes of a search; of another filter beside it, it does. */
static void test_live(void **state)
{
    (void)state;
    talk_subscribe(TALK, "s", searching("livewire", ""));
    talk_subscribe(
        TALK, "both",
        scratch_format("%s,{\"authors\":[\"%s\"]}", searching("livewire", ""), signer_pubkey(312)));
    talk_accept(TALK, SIGN(.person = 313, .kind = 1, .content = "livewire"));
    const struct signer_event *event = SIGN(.person = 312, .kind = 1, .content = "livewire");
    talk_accept(TALK, event);
    talk_await_event(TALK, "both", event);
    talk_is_quiet(TALK);
    talk_say(TALK, "[\"CLOSE\",\"s\"]");
    talk_say(TALK, "[\"CLOSE\",\"both\"]");
}

/* Whatever is asked is answered, and nothing is found by what means nothing. */
static void test_hostile(void **state)
{
    static const char *const words[] = {"'",
                                        "\\\\",
                                        "\\\"",
                                        "!",
                                        "& | ! ( ) <->",
                                        "-x",
                                        "-x -y",
                                        "or",
                                        "or or or",
                                        "a:*B",
                                        "'; DROP TABLE event; --",
                                        "%s%n",
                                        "\\u0000",
                                        "x\\u0000y",
                                        "\\ud83d\\ude00",
                                        "<2>",
                                        "((((((((((",
                                        "\\\"\\\"\\\"",
                                        "$1",
                                        "\xef\xb7\x91",
                                        "\\u202e",
                                        "a\\nb"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        print_message("%s\n", words[i]);
        talk_expect_none(
            TALK,
            searching(words[i], ",\"authors\":[\""
                                "00000000000000000000000000000000000000000000000000000000000000aa"
                                "\"]"));
        (void)talk_find(TALK, searching(words[i], ""));
    }
    talk_expect_none(TALK, searching("-nothingofthekind", ""));
    (void)talk_find(TALK, searching(scratch_repeat("a ", 512, ""), ""));
    (void)talk_find(TALK, searching(scratch_repeat("-\\\"", 300, ""), ""));
    talk_closed(TALK,
                scratch_format("[\"REQ\",\"s\",%s]", searching(scratch_repeat("a", 1025, ""), "")),
                "s", "invalid: ");
    /* in what is indexed */
    talk_accept(TALK, SIGN(.person = 314, .kind = 1, .content = "nul \\u0000 between oddities"));
    talk_accept(TALK,
                SIGN(.person = 314, .kind = 1,
                     .content = scratch_format("oddities %s", scratch_repeat("x", 60000, ""))));
    talk_accept(TALK, SIGN(.person = 314, .kind = 1,
                           .content = scratch_format(
                               "oddities %s", scratch_repeat("\xf0\x9f\x98\x80", 20000, ""))));
    talk_accept(TALK,
                SIGN(.person = 314, .kind = 1,
                     .content = scratch_format("oddities %s", scratch_repeat("\\\\ ", 20000, ""))));
    await_index();
    assert_int_equal(talk_find(TALK, searching("oddities", "")).count, 4);
}

/* As many at once as a connection can ask, some closed before they are answered. */
static void test_many_at_once(void **state)
{
    enum { SEARCHES = 60 };
    int eoses = 0, closed = 0;
    (void)state;
    for (int i = 0; i < SEARCHES; i++) {
        const char *name = i % 3 == 0 ? "x" : "m";
        talk_sayf(TALK, "[\"REQ\",\"%s%d\",%s,%s]", name, i, searching("pear", ""),
                  searching("plum", ""));
        if (i % 3 == 0) {
            talk_sayf(TALK, "[\"CLOSE\",\"x%d\"]", i);
            closed++;
        }
    }
    while (eoses < SEARCHES - closed) {
        const json_t *heard = talk_hear(TALK);
        const char *type = json_string_value(json_array_get(heard, 0));
        assert_string_not_equal(type, "CLOSED");
        eoses += strcmp(type, "EOSE") == 0 && json_string_value(json_array_get(heard, 1))[0] == 'm';
    }
}

/* Asked by the client's program. */
static void test_shoal(void **state)
{
    const struct signer_event *whale = note(396, 40, "a whale, sung of");
    char line[4096] = "";
    (void)state;
    await_index();
    const char *command =
        scratch_format("exec %s req ws://127.0.0.1:%u '%s' </dev/null", SHOAL_BINARY,
                       stage_relay.port, searching("whale sung", ""));
    FILE *pipe = popen(command, "re"); // NOLINT(cert-env33-c): our own program
    assert_non_null(pipe);
    assert_non_null(fgets(line, sizeof line, pipe));
    assert_non_null(strstr(line, whale->id));
    assert_null(fgets(line, sizeof line, pipe));
    assert_int_equal(pclose(pipe), 0);
}

static void test_off(void **state)
{
    struct relay relay;
    struct talk talk;
    const struct relay_setup setup = {.options = OPTIONS("search=no")};
    (void)state;
    relay_start(&relay, &setup);
    talk_open(&talk, &relay);
    talk_closed(&talk, "[\"REQ\",\"s\",{\"search\":\"x\"}]", "s", "unsupported: ");
    talk_closed(&talk, "[\"COUNT\",\"s\",{\"search\":\"x\"}]", "s", "unsupported: ");
    talk_expect_none(&talk, "{\"search\":\"\"}");
    talk_close(&talk);
    relay_stop(&relay);
}

static const char *const options[] = {"limit_default=100", "search=yes", NULL};

STAGE_SUITE(options, STAGE_TEST(test_words), STAGE_TEST(test_scripts), STAGE_TEST(test_conditions),
            STAGE_TEST(test_ranking), STAGE_TEST(test_profiles), STAGE_TEST(test_gone_at_once),
            STAGE_TEST(test_kinds), STAGE_TEST(test_languages), STAGE_TEST(test_live),
            STAGE_TEST(test_hostile), STAGE_TEST(test_many_at_once), STAGE_TEST(test_shoal),
            STAGE_TEST(test_off))
