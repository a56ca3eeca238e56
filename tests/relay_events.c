/* EVENT: what is refused and in which words, and that what is accepted comes back as it was. */
#include "tests/stage.h"

#define TALK (&stage_talk)
#define ZEROES "0000000000000000000000000000000000000000000000000000000000000000"
#define ONES "1111111111111111111111111111111111111111111111111111111111111111"
#define ZEROES_UPPER "ABCDEF0000000000000000000000000000000000000000000000000000000000"

enum member { ID, PUBKEY, CREATED_AT, KIND, TAGS, CONTENT, SIG, MEMBERS };

/* A sound event of person 1, as JSON text by member. */
static void sound_members(const char *members[MEMBERS], const struct signer_event *event)
{
    members[ID] = scratch_format("\"%s\"", event->id);
    members[PUBKEY] = scratch_format("\"%s\"", event->pubkey);
    members[CREATED_AT] = scratch_format("%lld", (long long)event->created_at);
    members[KIND] = "1";
    members[TAGS] = "[]";
    members[CONTENT] = "\"sound\"";
    members[SIG] = scratch_format("\"%s\"", event->sig);
}

static const char *join_members(const char *const members[MEMBERS])
{
    static const char *const names[MEMBERS] = {"id",   "pubkey",  "created_at", "kind",
                                               "tags", "content", "sig"};
    const char *out = "";
    for (int i = 0; i < MEMBERS; i++)
        if (members[i] != NULL)
            out = scratch_format("%s%s\"%s\":%s", out, out[0] == '\0' ? "" : ",", names[i],
                                 members[i]);
    return scratch_format("{%s}", out);
}

/* One member at a time is wrong, or (NULL) missing. */
static const struct {
    enum member member;
    const char *value;
} wrong_members[] = {
    {ID, NULL},
    {ID, "null"},
    {ID, "7"},
    {ID, "\"\""},
    {ID, "\"" ZEROES "00\""},
    {ID, "\"00\""},
    {ID, "\"" ZEROES_UPPER "\""},
    {ID, "\"" ZEROES "\\u0000\""},
    {PUBKEY, NULL},
    {PUBKEY, "null"},
    {PUBKEY, "\"00\""},
    {PUBKEY, "\"" ZEROES "00\""},
    {PUBKEY, "\"" ZEROES_UPPER "\""},
    {PUBKEY, "\"" ZEROES "\""},
    {CREATED_AT, NULL},
    {CREATED_AT, "null"},
    {CREATED_AT, "\"1700000000\""},
    {CREATED_AT, "-1"},
    {CREATED_AT, "1700000000.5"},
    {CREATED_AT, "9223372036854775808"},
    {CREATED_AT, "99999999999999999999999999"},
    {CREATED_AT, "1e400"},
    {CREATED_AT, "NaN"},
    {CREATED_AT, "01"},
    {CREATED_AT, "true"},
    {KIND, NULL},
    {KIND, "null"},
    {KIND, "\"1\""},
    {KIND, "-1"},
    {KIND, "65536"},
    {KIND, "4294967297"},
    {KIND, "1.5"},
    {KIND, "[1]"},
    {TAGS, NULL},
    {TAGS, "null"},
    {TAGS, "{}"},
    {TAGS, "\"[]\""},
    {TAGS, "[1]"},
    {TAGS, "[\"e\"]"},
    {TAGS, "[null]"},
    {TAGS, "[[\"e\",1]]"},
    {TAGS, "[[\"e\",null]]"},
    {TAGS, "[[\"e\",[\"x\"]]]"},
    {TAGS, "[[\"e\"],]"},
    {TAGS, "[[\"e\",]]"},
    {CONTENT, NULL},
    {CONTENT, "null"},
    {CONTENT, "7"},
    {CONTENT, "[]"},
    {CONTENT, "\"\\ud800\""},
    {CONTENT, "\"\\udc00\\ud800\""},
    {CONTENT, "\"\\x\""},
    {CONTENT, "\"\\u12\""},
    {CONTENT, "\"a\nb\""},
    {SIG, NULL},
    {SIG, "null"},
    {SIG, "\"00\""},
    {SIG, "\"" ZEROES ZEROES "00\""},
    {SIG, "\"" ZEROES ZEROES_UPPER "\""},
    {SIG, "\"" ZEROES ZEROES "\""},
    /* sound types, but not what the id covers */
    {ID, "\"" ONES "\""},
    {PUBKEY, "\"79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798\""},
    {CREATED_AT, "1700000000"},
    {KIND, "2"},
    {TAGS, "[[]]"},
    {CONTENT, "\"Sound\""},
};

static void test_wrong_members(void **state)
{
    const struct signer_event *event = SIGN(.person = 1, .kind = 1, .content = "sound");
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong_members); i++) {
        const char *members[MEMBERS];
        sound_members(members, event);
        members[wrong_members[i].member] = wrong_members[i].value;
        /* an id that cannot be read is answered as "" */
        const char *json = join_members(members);
        const char *id = wrong_members[i].member != ID                 ? event->id
                         : strstr(json, "\"id\":\"" ONES "\"") != NULL ? ONES
                                                                       : "";
        talk_refuse_text(TALK, scratch_format("[\"EVENT\",%s]", json), id, "invalid: ");
    }
    talk_accept(TALK, event); /* which itself was sound */
}

/* Two parsers may see two events where a key stands twice. */
static void test_duplicate_keys(void **state)
{
    const struct signer_event *event = SIGN(.person = 1, .kind = 1, .content = "twice");
    static const char *const twice[] = {"\"content\":\"other\"", "\"kind\":1",
                                        "\"tags\":[]",           "\"created_at\":1",
                                        "\"sig\":\"00\"",        "\"\\u0069d\":\"\""};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(twice); i++) {
        talk_refuse_text(TALK, scratch_format("[\"EVENT\",{%s,%s]", twice[i], event->json + 1),
                         event->id, "invalid: ");
        size_t len = strlen(event->json) - 1;
        talk_refuse_text(TALK,
                         scratch_format("[\"EVENT\",%.*s,%s}]", (int)len, event->json, twice[i]),
                         event->id, "invalid: ");
    }
    talk_accept(TALK, event);
}

static void test_wrong_signature(void **state)
{
    const struct signer_event *event = SIGN(.person = 2, .kind = 1, .content = "mine");
    const struct signer_event *other = SIGN(.person = 3, .kind = 1, .content = "mine");
    (void)state;
    const char *members[MEMBERS];
    sound_members(members, event);
    members[CONTENT] = "\"mine\"";
    members[SIG] = scratch_format("\"%s\"", other->sig);
    talk_refuse_text(TALK, scratch_format("[\"EVENT\",%s]", join_members(members)), event->id,
                     "invalid: ");
    /* the id is right, but nobody can have signed: not on the curve */
    talk_refuse(TALK,
                SIGN(.person = 2, .kind = 1,
                     .pubkey = "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"),
                "invalid: ");
    /* right id, somebody else's key */
    talk_refuse(TALK, SIGN(.person = 2, .kind = 1, .pubkey = signer_pubkey(3)), "invalid: ");
}

/* What is hashed and what is sent differ in form and not in meaning. */
static void test_content_comes_back(void **state)
{
    const struct {
        const char *sent;
        struct span hashed; /* at NULL: as sent */
    } cases[] = {
        {"", {0}},
        {"plain", {0}},
        {"\\n\\\"\\\\\\r\\t\\b\\f", {0}},
        {"/", {0}},
        {"\\/", SPAN("/")},
        {"\\u000A\\u000d\\u0009\\u0008\\u000C\\u0022\\u005c", SPAN("\\n\\r\\t\\b\\f\\\"\\\\")},
        {"\\u00e9\\u0041", SPAN("\xc3\xa9"
                                "A")},
        {"\xc3\xa9\xe4\xb8\xad\xf0\x9f\x98\x80", {0}},
        {"\\ud83d\\ude00", SPAN("\xf0\x9f\x98\x80")},
        {"\\uD83D\\uDE00", SPAN("\xf0\x9f\x98\x80")},
        {"\xef\xb7\x91\xf4\x8f\xbf\xb2\xef\xbf\xbe", {0}}, /* U+FDD1 U+10FFF2 U+FFFE */
        {"\\ufdd1", SPAN("\xef\xb7\x91")},
        {"\xe2\x80\xa8\xe2\x80\xa9\xef\xbb\xbf", {0}}, /* line separators, a byte order mark */
        {"<script>&amp;'", {0}},
        /* the three forms of control bytes: JSON.stringify, strfry, verbatim */
        {"\\u0001\\u001f\x7f", {0}},
        {"\\u0001\\u001f\\u007f", {0}},
        {"\\u0001\\u001f\x7f", SPAN("\x01\x1f\x7f")},
        {"\\u001F", SPAN("\\u001f")},
        {"\\u0000", {0}},
        {"a\\u0000b", SPAN("a\0b")},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct signer_event *event =
            SIGN(.person = 4, .kind = 1, .created_at = 1700000000 + (int64_t)i,
                 .content = cases[i].sent, .hashed_content = cases[i].hashed);
        talk_accept(TALK, event);
        EXPECT(TALK, scratch_format("{\"ids\":[\"%s\"]}", event->id), event);
    }
}

static void test_tags_come_back(void **state)
{
    const struct {
        const char *sent;
        struct span hashed;
        const char *filter; /* that finds it; NULL: none does by tag */
    } cases[] = {
        {"[]", {0}, NULL},
        {"[[]]", {0}, NULL},
        {"[[],[]]", {0}, NULL},
        {"[[\"\"]]", {0}, NULL},
        {"[[\"t\",\"\"]]", {0}, "\"#t\":[\"\"]"},
        {"[[\"t\"],[\"t\",\"second\"]]", {0}, "\"#t\":[\"second\"]"},
        {"[[\"t\",\"\xf0\x9f\x98\x80\"]]", {0}, "\"#t\":[\"\\ud83d\\ude00\"]"},
        {"[[\"t\",\"\\ud83e\\udd80\"]]", SPAN("[[\"t\",\"\xf0\x9f\xa6\x80\"]]"),
         "\"#t\":[\"\xf0\x9f\xa6\x80\"]"},
        {"[[\"t\",\"a\\u0000b\"]]", {0}, "\"#t\":[\"a\\u0000b\"]"},
        {"[[\"t\",\"line\\nbreak\\\"\"]]", {0}, "\"#t\":[\"line\\nbreak\\\"\"]"},
        {" [ [ \"t\" , \"spaces\" ] ] ", SPAN("[[\"t\",\"spaces\"]]"), "\"#t\":[\"spaces\"]"},
        {"[[\"Z\",\"upper\"]]", {0}, "\"#Z\":[\"upper\"]"},
        {"[[\"e\",\"not hex\",\"\"]]", {0}, NULL},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct signer_event *event =
            SIGN(.person = 5, .kind = 1, .created_at = 1700000000 + (int64_t)i,
                 .tags = cases[i].sent, .hashed_tags = cases[i].hashed);
        talk_accept(TALK, event);
        EXPECT(TALK, scratch_format("{\"ids\":[\"%s\"]}", event->id), event);
        if (cases[i].filter != NULL)
            EXPECT(TALK,
                   scratch_format("{\"authors\":[\"%s\"],%s}", event->pubkey, cases[i].filter),
                   event);
    }
}

static void test_whitespace_and_order(void **state)
{
    const struct signer_event *event =
        SIGN(.person = 6, .kind = 1, .created_at = 1700000000, .content = "a b");
    (void)state;
    talk_sayf(TALK,
              " [ \"EVENT\" ,\r\n\t{ \"sig\" : \"%s\" , \"content\" : \"a b\" , \"tags\" : [ ] ,"
              "\"kind\" : 1 , \"created_at\" : 1700000000 , \"pubkey\" : \"%s\" , \"id\" : \"%s\" "
              "} ] ",
              event->sig, event->pubkey, event->id);
    talk_await_true(TALK);
    EXPECT(TALK, scratch_format("{\"ids\":[\"%s\"]}", event->id), event);
}

static void test_duplicate_is_not_sent_again(void **state)
{
    const struct signer_event *event = SIGN(.person = 7, .kind = 1, .content = "once");
    const struct signer_event *fence = SIGN(.person = 7, .kind = 1, .content = "fence");
    (void)state;
    talk_subscribe(TALK, "live", scratch_format("{\"authors\":[\"%s\"]}", event->pubkey));
    talk_accept(TALK, event);
    talk_repeat(TALK, event);
    talk_accept(TALK, fence);
    talk_await_event(TALK, "live", event);
    talk_await_event(TALK, "live", fence);
    talk_repeat(TALK, event);
    talk_repeat(TALK, fence);
    talk_is_quiet(TALK);
    EXPECT(TALK, scratch_format("{\"ids\":[\"%s\"]}", event->id), event);
}

/* NIP-01 leaves 45 to 999 and 40000 and up open: regular. */
static void test_kinds_at_the_edges(void **state)
{
    static const uint32_t regular[] = {1, 2, 4, 44, 45, 999, 1000, 9999, 40000, 65535};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(regular); i++) {
        const struct signer_event *one =
            SIGN(.person = 8, .kind = regular[i], .content = "1", .created_at = 1700000000);
        const struct signer_event *two =
            SIGN(.person = 8, .kind = regular[i], .content = "2", .created_at = 1700000001);
        if (regular[i] == 4)
            continue; /* gated */
        talk_accept(TALK, one);
        talk_accept(TALK, two);
        EXPECT(TALK,
               scratch_format("{\"authors\":[\"%s\"],\"kinds\":[%u]}", one->pubkey, regular[i]),
               two, one);
    }
}

static void test_authentication_is_not_published(void **state)
{
    (void)state;
    talk_refuse(TALK, SIGN(.person = 9, .kind = 22242, .tags = "[[\"relay\",\"ws://x\"]]"),
                "invalid: ");
}

static void test_not_an_event(void **state)
{
    static const char *const cases[] = {"[\"EVENT\"]",    "[\"EVENT\",1]",     "[\"EVENT\",null]",
                                        "[\"EVENT\",[]]", "[\"EVENT\",\"x\"]", "[\"EVENT\",{}]"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        talk_refuse_text(TALK, cases[i], "", "invalid: ");
    const struct signer_event *event = SIGN(.person = 9, .kind = 1);
    talk_refuse_text(TALK, scratch_format("[\"EVENT\",%s,1]", event->json), event->id, "invalid: ");
    talk_refuse_text(TALK, scratch_format("[\"EVENT\",%s] x", event->json), event->id, "invalid: ");
}

/* Every one of many at once is answered, whatever their verdicts. */
static void test_many_in_flight(void **state)
{
    enum { COUNT = 300 };
    const struct signer_event *events[COUNT];
    (void)state;
    for (int i = 0; i < COUNT; i++) {
        events[i] = SIGN(.person = 10, .kind = 1, .created_at = 1700000000 + i);
        talk_sayf(TALK, "[\"EVENT\",%s]", events[i]->json);
        if (i % 3 == 0)
            talk_sayf(TALK, "[\"EVENT\",%s]", events[i]->json);
    }
    for (int i = 0; i < COUNT + COUNT / 3; i++)
        talk_await_true(TALK);
    talk_is_quiet(TALK);
    struct talk_found found =
        talk_find(TALK, scratch_format("{\"authors\":[\"%s\"]}", events[0]->pubkey));
    assert_int_equal(found.count, COUNT);
    assert_string_equal(found.first_id, events[COUNT - 1]->id);
    assert_string_equal(found.last_id, events[0]->id);
}

STAGE_SUITE(NULL, STAGE_TEST(test_wrong_members), STAGE_TEST(test_duplicate_keys),
            STAGE_TEST(test_wrong_signature), STAGE_TEST(test_content_comes_back),
            STAGE_TEST(test_tags_come_back), STAGE_TEST(test_whitespace_and_order),
            STAGE_TEST(test_duplicate_is_not_sent_again), STAGE_TEST(test_kinds_at_the_edges),
            STAGE_TEST(test_authentication_is_not_published), STAGE_TEST(test_not_an_event),
            STAGE_TEST(test_many_in_flight))
