/* What is not even a message: an answer that can be told to whom it belongs, and the connection
 * goes on. */
#include "tests/stage.h"

#define TALK (&stage_talk)

static void test_not_messages(void **state)
{
    static const struct {
        const char *text, *notice;
    } cases[] = {
        {"", "invalid: "},
        {" ", "invalid: "},
        {"x", "invalid: "},
        {"{}", "invalid: "},
        {"null", "invalid: "},
        {"\"EVENT\"", "invalid: "},
        {"[]", "invalid: "},
        {"[", "invalid: "},
        {"[\"", "invalid: "},
        {"[7]", "invalid: "},
        {"[null,\"x\"]", "invalid: "},
        {"[[\"EVENT\"]]", "invalid: "},
        {"[\"\"]", "unsupported: "},
        {"[\"event\",{}]", "unsupported: "},
        {"[\"PING\"]", "unsupported: "},
        {"[\"OK\",\"x\",true,\"\"]", "unsupported: "},
        {"[\"NEG-ERR\",\"n\",\"closed: \"]", "unsupported: "},
        {"[\"REQ\"]", "invalid: "},
        {"[\"REQ\",null,{}]", "invalid: "},
        {"[\"REQ\",[\"x\"],{}]", "invalid: "},
        {"[\"CLOSE\"]", "invalid: "},
        {"[\"CLOSE\",7]", "invalid: "},
        {"[\"COUNT\"]", "invalid: "},
        {"\xef\xbb\xbf[\"CLOSE\",\"x\"]", "invalid: "},
        {"['CLOSE','x']", "invalid: "},
        {"[\"CLOSE\",\"\\ud800\"]", "invalid: "},
        {"[\"CLOSE\" \"x\"]", "invalid: "},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        talk_noticed(TALK, cases[i].text, cases[i].notice);
    talk_is_quiet(TALK);
}

/* What follows a well-formed name is refused under that name. */
static void test_trailing(void **state)
{
    static const char *const cases[] = {"[\"REQ\",\"s\",{}] x",
                                        "[\"REQ\",\"s\",{}]]",
                                        "[\"REQ\",\"s\",{}",
                                        "[\"REQ\",\"s\",{},]",
                                        "[\"REQ\",\"s\",{\"a\"}]",
                                        "[\"REQ\",\"s\" {}]",
                                        "[\"REQ\",\"s\",{\"kinds\":[1,]}]",
                                        "[\"REQ\",\"s\",{\"kinds\":[01]}]",
                                        "[\"REQ\",\"s\",{\"#t\":[\"\t\"]}]",
                                        "[\"REQ\",\"s\",{kinds:[1]}]",
                                        "[\"REQ\",\"s\",{\"#t\":[\"\\ud800x\"]}]",
                                        "[\"REQ\",\"s\",{/**/}]"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        talk_closed(TALK, cases[i], "s", "invalid: ");
    talk_is_quiet(TALK);
}

/* Not UTF-8, wherever it stands. */
static void test_not_utf8(void **state)
{
    static const char *const bad[] = {
        "\x80",             /* a continuation alone */
        "\xc3",             /* cut off */
        "\xc0\xaf",         /* too long a form */
        "\xe0\x80\xaf",     /* the same */
        "\xed\xa0\x80",     /* a surrogate */
        "\xf4\x90\x80\x80", /* past U+10FFFF */
        "\xf5\x80\x80\x80",
        "\xff",
        "\xfe",
    };
    const struct signer_event *event = SIGN(.person = 130, .kind = 1, .content = "sound");
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        talk_closed(TALK, scratch_format("[\"REQ\",\"s\",{\"#t\":[\"%s\"]}]", bad[i]), "s",
                    "invalid: ");
        const struct signer_event *bent =
            SIGN(.person = 130, .kind = 1, .content = scratch_format("a%sb", bad[i]));
        talk_refuse(TALK, bent, "invalid: ");
        talk_refuse(
            TALK,
            SIGN(.person = 130, .kind = 1, .tags = scratch_format("[[\"t\",\"%s\"]]", bad[i])),
            "invalid: ");
        talk_noticed(TALK, scratch_format("[\"%s\"]", bad[i]), "");
        talk_noticed(TALK, bad[i], "invalid: ");
    }
    talk_accept(TALK, event);
    talk_is_quiet(TALK);
}

/* Brackets without end cost nothing and break nothing. */
static void test_depth(void **state)
{
    (void)state;
    const char *deep = scratch_repeat("[", 100000, ""), *closed = scratch_repeat("]", 100000, "");
    talk_noticed(TALK, deep, "invalid: ");
    talk_noticed(TALK, scratch_format("%s%s", deep, closed), "invalid: ");
    talk_closed(TALK, scratch_format("[\"REQ\",\"s\",%s%s]", deep, closed), "s", "invalid: ");
    talk_closed(TALK, scratch_format("[\"REQ\",\"s\",{\"x\":%s%s}]", deep, closed), "s", "");
    talk_refuse_text(TALK, scratch_format("[\"EVENT\",{\"x\":%s%s}]", deep, closed), "",
                     "invalid: ");
    talk_refuse_text(TALK,
                     scratch_format("[\"EVENT\",{\"a\":%s}]", scratch_repeat("{\"a\":", 50000, "")),
                     "", "invalid: ");
    talk_is_quiet(TALK);
}

static void test_nul_bytes(void **state)
{
    (void)state;
    ws_send_text(&stage_talk.ws, SPAN("[\"CLOSE\",\"x\"]\0"));
    assert_string_equal(json_string_value(json_array_get(talk_hear(TALK), 0)), "NOTICE");
    ws_send_text(&stage_talk.ws, SPAN("\0[\"CLOSE\",\"x\"]"));
    assert_string_equal(json_string_value(json_array_get(talk_hear(TALK), 0)), "NOTICE");
    ws_send_text(&stage_talk.ws, SPAN("[\"REQ\",\"s\",{\"#t\":[\"a\0b\"]}]"));
    assert_string_equal(json_string_value(json_array_get(talk_hear(TALK), 0)), "CLOSED");
    talk_is_quiet(TALK);
}

/* Binary messages are none of ours. */
static void test_binary(void **state)
{
    (void)state;
    ws_send_frame(&stage_talk.ws,
                  &(struct ws_frame){.opcode = WS_BINARY, .payload = SPAN("[\"CLOSE\",\"x\"]")});
    const json_t *heard = talk_hear(TALK);
    assert_string_equal(json_string_value(json_array_get(heard, 0)), "NOTICE");
    assert_int_equal(strncmp(json_string_value(json_array_get(heard, 1)), "invalid: ", 9), 0);
    talk_is_quiet(TALK);
}

/* Each byte of a sound message bent in turn: always one answer or none, never the end. */
static void test_every_byte(void **state)
{
    static const char bytes[] = {'\0', '"', '\\', '[', ']', '{', '}', ',', ':', ' ', '9', '\xff'};
    const struct signer_event *event =
        SIGN(.person = 131, .kind = 20001, .tags = "[[\"t\",\"x\"]]", .content = "a\\nb");
    const char *sound = scratch_format("[\"EVENT\",%s]", event->json);
    size_t len = strlen(sound);
    (void)state;
    for (size_t i = 0; i < len; i++) {
        char *bent = scratch_format("%s", sound);
        bent[i] = bytes[i % sizeof bytes];
        ws_send_text(&stage_talk.ws, (struct span){bent, len});
        if (i % 64 == 63)
            talk_is_alive(TALK);
    }
    talk_is_alive(TALK);
}

STAGE_SUITE(NULL, STAGE_TEST(test_not_messages), STAGE_TEST(test_trailing),
            STAGE_TEST(test_not_utf8), STAGE_TEST(test_depth), STAGE_TEST(test_nul_bytes),
            STAGE_TEST(test_binary), STAGE_TEST(test_every_byte))
