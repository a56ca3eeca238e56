/* Messages: both directions, what a refusal still knows, and the exact bytes written. */
#include "shared/message.h"

#include <stdio.h>

#include "shared/arena.h"
#include "shared/hll.h"
#include "shared/text.h"
#include "tests/quoted.h"
#include "tests/test.h"

#define HEX16 "0123456789abcdef"
#define HEX64 HEX16 HEX16 HEX16 HEX16
#define EVENT                                                                                     \
    "{'id':'" HEX64 "','pubkey':'" HEX64 "','created_at':1700000000,'kind':1,'tags':[['t','a']]," \
    "'content':'hi','sig':'" HEX64 HEX64 "'}"
#define ACCENT "\xc3\xa9"
#define ACCENT16                                                                               \
    ACCENT ACCENT ACCENT ACCENT ACCENT ACCENT ACCENT ACCENT ACCENT ACCENT ACCENT ACCENT ACCENT \
        ACCENT ACCENT ACCENT
#define ACCENT64 ACCENT16 ACCENT16 ACCENT16 ACCENT16

static bool parse_client(struct message *message, struct arena *arena, const char *text,
                         struct err *err)
{
    const uint32_t filters_max = 2;
    return message_parse_client(message, arena, quoted(arena, text), filters_max, err);
}

static bool parse_relay(struct message *message, struct arena *arena, const char *text,
                        struct err *err)
{
    return message_parse_relay(message, arena, quoted(arena, text), err);
}

/* sub "" stands for one that is not known: an id that is empty is refused all the same. */
static void assert_attributed(const struct message *message, enum message_type type,
                              const char *sub, bool has_id)
{
    assert_int_equal(message->type, type);
    assert_int_equal(message->sub.len, strlen(sub));
    if (message->sub.len > 0)
        assert_memory_equal(message->sub.at, sub, message->sub.len);
    assert_int_equal(message->event.id.at[1], has_id ? 0x23 : 0);
}

static void test_client(void **state)
{
    static const struct {
        const char *text, *sub;
        enum message_type type;
        uint32_t filter_count;
    } cases[] = {
        {"['EVENT'," EVENT "]", "", MESSAGE_EVENT, 0},
        {" [ 'EVENT' , " EVENT " ] ", "", MESSAGE_EVENT, 0},
        {"['\\u0045VENT'," EVENT "]", "", MESSAGE_EVENT, 0},
        {"['AUTH'," EVENT "]", "", MESSAGE_AUTH, 0},
        {"['REQ','s',{}]", "s", MESSAGE_REQ, 1},
        {"['NEG-OPEN','s',{'kinds':[1]},'6100']", "s", MESSAGE_NEG_OPEN, 1},
        {"['NEG-MSG','s','']", "s", MESSAGE_NEG_MSG, 0},
        {"['NEG-CLOSE','s']", "s", MESSAGE_NEG_CLOSE, 0},
        {"['REQ','s',{},{'kinds':[]}]", "s", MESSAGE_REQ, 2},
        {"['REQ','\\u0061\\n',{}]", "a\n", MESSAGE_REQ, 1},
        {"['REQ','" HEX64 "',{}]", HEX64, MESSAGE_REQ, 1},
        {"['REQ','" ACCENT64 "',{}]", ACCENT64, MESSAGE_REQ, 1},
        {"['COUNT','q',{'kinds':[1]}]", "q", MESSAGE_COUNT, 1},
        {"['CLOSE','s']", "s", MESSAGE_CLOSE, 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena arena = {0};
        struct message message;
        struct err err;
        print_message("%s\n", cases[i].text);
        if (!parse_client(&message, &arena, cases[i].text, &err))
            fail_msg("%s", err.text);
        bool has_event = message.type == MESSAGE_EVENT || message.type == MESSAGE_AUTH;
        assert_attributed(&message, cases[i].type, cases[i].sub, has_event);
        assert_int_equal(message.filter_count, cases[i].filter_count);
        assert_int_equal(message.event.tag_count, has_event);
        arena_clear(&arena);
    }
}

static const struct {
    const char *text, *reason, *sub;
    enum message_type type;
    bool has_id;
} client_refused[] = {
    {"", "invalid: expected '[' at byte 0", "", MESSAGE_UNKNOWN, false},
    {"{}", "invalid: expected '[' at byte 0", "", MESSAGE_UNKNOWN, false},
    {"[]", "invalid: expected a string at byte 2", "", MESSAGE_UNKNOWN, false},
    {"[1]", "invalid: expected a string at byte 1", "", MESSAGE_UNKNOWN, false},
    {"['NEG-ERR','s','']", "unsupported: unknown message type 'NEG-ERR'", "", MESSAGE_UNKNOWN,
     false},
    {"['NEG-OPEN','s','6100']", "invalid: expected '{' at byte 16", "s", MESSAGE_NEG_OPEN, false},
    {"['NEG-OPEN','s',{}]", "invalid: expected a message in hex at byte 19", "s", MESSAGE_NEG_OPEN,
     false},
    {"['NEG-OPEN','s',{},'6']", "invalid: expected the message in lowercase hex", "s",
     MESSAGE_NEG_OPEN, false},
    {"['NEG-OPEN','s',{},'61AB']", "invalid: expected the message in lowercase hex", "s",
     MESSAGE_NEG_OPEN, false},
    {"['NEG-OPEN','s',{},'61',1]", "invalid: expected no further element at byte 24", "s",
     MESSAGE_NEG_OPEN, false},
    {"['NEG-MSG','s',7]", "invalid: expected a string at byte 15", "s", MESSAGE_NEG_MSG, false},
    {"['NEG-CLOSE']", "invalid: expected a subscription id at byte 13", "", MESSAGE_NEG_CLOSE,
     false},
    {"['OK','s']", "unsupported: unknown message type 'OK'", "", MESSAGE_UNKNOWN, false},
    {"['REQ' 's']", "invalid: expected ',' or ']' at byte 7", "", MESSAGE_REQ, false},
    {"['REQ']", "invalid: expected a subscription id at byte 7", "", MESSAGE_REQ, false},
    {"['REQ',1,{}]", "invalid: expected a string at byte 7", "", MESSAGE_REQ, false},
    {"['REQ','',{}]", "invalid: a subscription id has 1 to 64 characters", "", MESSAGE_REQ, false},
    {"['REQ','" HEX64 "+',{}]", "invalid: a subscription id has 1 to 64 characters", HEX64 "+",
     MESSAGE_REQ, false},
    {"['REQ','" ACCENT64 "+',{}]", "invalid: a subscription id has 1 to 64 characters",
     ACCENT64 "+", MESSAGE_REQ, false},
    {"['REQ','\xff',{}]", "invalid: invalid UTF-8 at byte 8", "", MESSAGE_REQ, false},
    {"['REQ','s']", "invalid: expected a filter at byte 11", "s", MESSAGE_REQ, false},
    {"['REQ','s' {}]", "invalid: expected ',' or ']' at byte 11", "s", MESSAGE_REQ, false},
    {"['REQ','s',[]]", "invalid: expected '{' at byte 11", "s", MESSAGE_REQ, false},
    {"['REQ','s',{},]", "invalid: expected '{' at byte 14", "s", MESSAGE_REQ, false},
    {"['REQ','s',{},{},{}]", "invalid: more than 2 filters", "s", MESSAGE_REQ, false},
    {"['REQ','s',{'search':1}]", "invalid: search: expected a string at byte 21", "s", MESSAGE_REQ,
     false},
    {"['COUNT','q',{'kinds':[70000]}]",
     "invalid: kinds: expected an integer from 0 to 65535 at byte 23", "q", MESSAGE_COUNT, false},
    {"['REQ','s',{}] x", "invalid: expected the end at byte 15", "s", MESSAGE_REQ, false},
    {"['CLOSE']", "invalid: expected a subscription id at byte 9", "", MESSAGE_CLOSE, false},
    {"['CLOSE','s','t']", "invalid: expected no further element at byte 13", "s", MESSAGE_CLOSE,
     false},
    {"['EVENT']", "invalid: expected an event at byte 9", "", MESSAGE_EVENT, false},
    {"['EVENT','s'," EVENT "]", "invalid: expected '{' at byte 9", "", MESSAGE_EVENT, true},
    {"['EVENT',{'id':'" HEX64 "',bad json", "invalid: expected a string at byte 82", "",
     MESSAGE_EVENT, true},
    {"['EVENT',{'kind':-1,'id':'" HEX64 "'}]",
     "invalid: kind: expected an integer from 0 to 65535 at byte 17", "", MESSAGE_EVENT, true},
    {"['EVENT'," EVENT ",1]", "invalid: expected no further element at byte 363", "", MESSAGE_EVENT,
     true},
    {"['EVENT'," EVENT, "invalid: expected ',' or ']' at byte 362", "", MESSAGE_EVENT, true},
    {"['EVENT'," EVENT "]]", "invalid: expected the end at byte 363", "", MESSAGE_EVENT, true},
    {"['AUTH','challenge']", "invalid: expected '{' at byte 8", "", MESSAGE_AUTH, false},
};

static void test_client_refuse(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(client_refused); i++) {
        struct arena arena = {0};
        struct message message;
        struct err err;
        char reason[200];
        print_message("%s\n", client_refused[i].text);
        assert_false(parse_client(&message, &arena, client_refused[i].text, &err));
        snprintf(reason, sizeof reason, "%s: %s", err_prefix(err.code), err.text);
        assert_string_equal(reason, client_refused[i].reason);
        assert_attributed(&message, client_refused[i].type, client_refused[i].sub,
                          client_refused[i].has_id);
        arena_clear(&arena);
    }
}

/* Known or not: an empty subscription id is named in its refusal, one of a wrong type is not. */
static void test_sub_known(void **state)
{
    struct arena arena = {0};
    struct message message;
    (void)state;
    assert_false(parse_client(&message, &arena, "['REQ','',{}]", NULL));
    assert_non_null(message.sub.at);
    assert_false(parse_client(&message, &arena, "['REQ',7,{}]", NULL));
    assert_null(message.sub.at);
    arena_clear(&arena);
}

static void test_filters_max(void **state)
{
    enum { COUNT = 100 };
    struct arena arena = {0};
    struct text text = {0};
    struct message message;
    struct err err;
    (void)state;
    text_add(&text, SPAN("[\"REQ\",\"s\""));
    for (int i = 0; i < COUNT; i++)
        text_addf(&text, ",{\"kinds\":[%d]}", i);
    text_add(&text, SPAN("]"));
    assert_true(message_parse_client(&message, &arena, text_span(&text), 0, NULL));
    assert_true(message_parse_client(&message, &arena, text_span(&text), COUNT, NULL));
    assert_int_equal(message.filter_count, COUNT);
    for (uint32_t i = 0; i < COUNT; i++)
        assert_true(filter_names_kind(&message.filters[i], (uint16_t)i));
    assert_false(message_parse_client(&message, &arena, text_span(&text), COUNT - 1, &err));
    assert_string_equal(err.text, "more than 99 filters");
    assert_false(message_parse_client(&message, &arena, text_span(&text), 1, &err));
    assert_string_equal(err.text, "more than 1 filters");
    text_clear(&text);
    arena_clear(&arena);
}

static void test_peek(void **state)
{
    static const struct {
        const char *text, *sub;
        enum message_type type;
        bool has_id;
    } cases[] = {
        {"", "", MESSAGE_UNKNOWN, false},
        {"['EVEN", "", MESSAGE_UNKNOWN, false},
        {"['NOTICE','x'", "", MESSAGE_UNKNOWN, false},
        {"['EVENT'", "", MESSAGE_EVENT, false},
        {"['EVENT',{'content':'\\'id\\':\\'" HEX64 "\\''", "", MESSAGE_EVENT, false},
        {"['EVENT',{'content':'..','id':'" HEX64 "','tags':[[", "", MESSAGE_EVENT, true},
        {"['EVENT',{'content':'..','id':'" HEX16 HEX16 HEX16, "", MESSAGE_EVENT, false},
        {"['AUTH',{'id':'" HEX64 "','tags':[[", "", MESSAGE_AUTH, true},
        {"['REQ','s',{'ids':['0", "s", MESSAGE_REQ, false},
        {"['REQ','s", "", MESSAGE_REQ, false},
        {"['REQ',7", "", MESSAGE_REQ, false},
        {"['REQ','" HEX64 "+',{'id", HEX64 "+", MESSAGE_REQ, false},
        {"['COUNT','s',", "s", MESSAGE_COUNT, false},
        {"['CLOSE','s',", "s", MESSAGE_CLOSE, false},
        {"['NEG-MSG','s','61", "s", MESSAGE_NEG_MSG, false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena arena = {0};
        struct message message;
        print_message("%s\n", cases[i].text);
        message_peek(&message, &arena, quoted(&arena, cases[i].text));
        assert_attributed(&message, cases[i].type, cases[i].sub, cases[i].has_id);
        arena_clear(&arena);
    }
}

static void assert_note(const struct message *message, const char *note)
{
    assert_int_equal(message->note.len, strlen(note));
    if (message->note.len > 0)
        assert_memory_equal(message->note.at, note, message->note.len);
}

static void test_relay(void **state)
{
    static const struct {
        const char *text, *sub, *note;
        int64_t count;
        enum message_type type;
        enum message_finish finish;
        bool accepted, approximate;
    } cases[] = {
        {"['EVENT','s'," EVENT "]", .type = MESSAGE_EVENT, .sub = "s", .note = ""},
        {"['OK','" HEX64 "',true,'']", .type = MESSAGE_OK, .sub = "", .note = "", .accepted = true},
        {"['OK','" HEX64 "',true]", .type = MESSAGE_OK, .sub = "", .note = "", .accepted = true},
        {"['OK','" HEX64 "',false,'pow: \\u0061']", .type = MESSAGE_OK, .sub = "",
         .note = "pow: a"},
        {"['OK','',false,'x: y','later','NIP']", .type = MESSAGE_OK, .sub = "", .note = "x: y"},
        {"['EOSE','s']", .type = MESSAGE_EOSE, .sub = "s", .note = ""},
        {"['EOSE','s',['finish']]", .type = MESSAGE_EOSE, .sub = "s", .note = "",
         .finish = MESSAGE_FINISH},
        {"['EOSE','s',['more'],{}]", .type = MESSAGE_EOSE, .sub = "s", .note = "",
         .finish = MESSAGE_MORE},
        {"['EOSE','s',['soon']]", .type = MESSAGE_EOSE, .sub = "s", .note = ""},
        {"['EOSE','s',[]]", .type = MESSAGE_EOSE, .sub = "s", .note = ""},
        {"['CLOSED','s','error: no']", .type = MESSAGE_CLOSED, .sub = "s", .note = "error: no"},
        {"['CLOSED','s']", .type = MESSAGE_CLOSED, .sub = "s", .note = ""},
        {"['NOTICE','hello']", .type = MESSAGE_NOTICE, .sub = "", .note = "hello"},
        {"['AUTH','challenge']", .type = MESSAGE_AUTH, .sub = "", .note = "challenge"},
        {"['NEG-MSG','s','61']", .type = MESSAGE_NEG_MSG, .sub = "s", .note = ""},
        {"['NEG-ERR','s','blocked: too big',1000]", .type = MESSAGE_NEG_ERR, .sub = "s",
         .note = "blocked: too big"},
        {"['COUNT','q',{'count':7}]", .type = MESSAGE_COUNT, .sub = "q", .note = "", .count = 7},
        {"['COUNT','q',{'hll':'00','approximate':true,'count':0}]", .type = MESSAGE_COUNT,
         .sub = "q", .note = "", .approximate = true},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena arena = {0};
        struct message message;
        struct err err;
        print_message("%s\n", cases[i].text);
        if (!parse_relay(&message, &arena, cases[i].text, &err))
            fail_msg("%s", err.text);
        assert_attributed(&message, cases[i].type, cases[i].sub, message.type == MESSAGE_EVENT);
        assert_note(&message, cases[i].note);
        assert_int_equal(message.finish, cases[i].finish);
        assert_int_equal(message.count, cases[i].count);
        assert_int_equal(message.accepted, cases[i].accepted);
        assert_int_equal(message.approximate, cases[i].approximate);
        arena_clear(&arena);
    }
}

static void test_relay_refuse(void **state)
{
    static const char *const cases[][2] = {
        {"['REQ','s',{}]", "unknown message type 'REQ'"},
        {"['CLOSE','s']", "unknown message type 'CLOSE'"},
        {"['EVENT'," EVENT "]", "expected a string at byte 9"},
        {"['EVENT','s']", "expected an event at byte 13"},
        {"['OK']", "expected an event id at byte 6"},
        {"['OK',1,true,'']", "expected a string at byte 6"},
        {"['OK','ab',true,'']", "expected 64 lowercase hex digits at byte 6"},
        {"['OK','" HEX64 "']", "expected true or false at byte 73"},
        {"['OK','" HEX64 "',1,'']", "expected true or false at byte 73"},
        {"['OK','" HEX64 "',true,1]", "expected a string at byte 78"},
        {"['EOSE']", "expected a subscription id at byte 8"},
        {"['EOSE','s','finish']", "expected '[' at byte 12"},
        {"['EOSE','s',[1]]", "expected a string at byte 13"},
        {"['CLOSED','s',null]", "expected a string at byte 14"},
        {"['NOTICE']", "expected a string at byte 10"},
        {"['AUTH']", "expected a string at byte 8"},
        {"['COUNT','q']", "expected an object at byte 13"},
        {"['COUNT','q',7]", "expected '{' at byte 13"},
        {"['COUNT','q',{}]", "missing key 'count'"},
        {"['COUNT','q',{1}]", "expected a string at byte 14"},
        {"['COUNT','q',{'count':-1}]",
         "expected an integer from 0 to 9223372036854775807 at byte 22"},
        {"['COUNT','q',{'count':1,'approximate':0}]", "expected true or false at byte 38"},
        {"['COUNT','q',{'count':1 'hll':0}]", "expected ',' or '}' at byte 24"},
        {"['NOTICE','x',]", "expected a value at byte 14"},
        {"['NOTICE','x',1 2]", "expected ',' or ']' at byte 16"},
        {"['NOTICE','x'] y", "expected the end at byte 15"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena arena = {0};
        struct message message;
        struct err err;
        print_message("%s\n", cases[i][0]);
        assert_false(parse_relay(&message, &arena, cases[i][0], &err));
        assert_string_equal(err.text, cases[i][1]);
        arena_clear(&arena);
    }
}

/* Compares what was written, and empties it. */
static void assert_written(struct text *text, const char *expected)
{
    struct arena arena = {0};
    if (!span_eq(text_span(text), quoted(&arena, expected)))
        fail_msg("%.*s\nis not\n%s", (int)text->len, text->at, expected);
    text->len = 0;
    arena_clear(&arena);
}

static void test_write_client(void **state)
{
    struct arena arena = {0};
    struct text text = {0};
    struct message message;
    (void)state;
    assert_true(parse_client(&message, &arena, "['EVENT'," EVENT "]", NULL));
    message_write_event(&text, &message.event);
    assert_written(&text, "['EVENT'," EVENT "]");
    message_write_auth_answer(&text, &message.event);
    assert_written(&text, "['AUTH'," EVENT "]");
    assert_true(parse_client(&message, &arena, "['REQ','s',{'kinds':[1]},{}]", NULL));
    message_write_req(&text, SPAN("a\n"), message.filters, message.filter_count);
    assert_written(&text, "['REQ','a\\n',{'kinds':[1]},{}]");
    message_write_count_request(&text, SPAN("q"), message.filters, 1);
    assert_written(&text, "['COUNT','q',{'kinds':[1]}]");
    message_write_close(&text, SPAN("q"));
    assert_written(&text, "['CLOSE','q']");
    message_write_neg_open(&text, SPAN("q"), message.filters, SPAN("\x61\xfe"));
    assert_written(&text, "['NEG-OPEN','q',{'kinds':[1]},'61fe']");
    message_write_neg_msg(&text, SPAN("q"), SPAN(""));
    assert_written(&text, "['NEG-MSG','q','']");
    message_write_neg_close(&text, SPAN("q"));
    assert_written(&text, "['NEG-CLOSE','q']");
    text_clear(&text);
    arena_clear(&arena);
}

static void test_write_relay(void **state)
{
    const struct err why = {ERR_RATE_LIMITED, "not \"now\""};
    const bool accepted = true;
    const bool approximate = true;
    const struct hll hll = {.offset = 8};
    struct bytes32 id = {{0}};
    struct text text = {0};
    struct arena arena = {0};
    struct message counted;
    (void)state;
    message_write_event_head(&text, SPAN("s\\"));
    assert_written(&text, "['EVENT','s\\\\',");
    message_write_ok(&text, &id, !accepted, &why);
    assert_written(&text, "['OK','',false,'rate-limited: not \\'now\\'']");
    for (size_t i = 0; i < sizeof id.at; i++)
        id.at[i] = (uint8_t)((i % 8 * 2) << 4 | (i % 8 * 2 + 1));
    message_write_ok(&text, &id, accepted, NULL);
    assert_written(&text, "['OK','" HEX64 "',true,'']");
    message_write_eose(&text, SPAN("s"), MESSAGE_FINISH_UNKNOWN);
    assert_written(&text, "['EOSE','s']");
    message_write_eose(&text, SPAN("s"), MESSAGE_FINISH);
    assert_written(&text, "['EOSE','s',['finish']]");
    message_write_eose(&text, SPAN("s"), MESSAGE_MORE);
    assert_written(&text, "['EOSE','s',['more']]");
    message_write_closed(&text, SPAN("s"), &why);
    assert_written(&text, "['CLOSED','s','rate-limited: not \\'now\\'']");
    message_write_closed(&text, SPAN("s"), NULL);
    assert_written(&text, "['CLOSED','s','']");
    message_write_neg_err(&text, SPAN("s"), &why, 0);
    assert_written(&text, "['NEG-ERR','s','rate-limited: not \\'now\\'']");
    message_write_neg_err(&text, SPAN("s"), &why, 7);
    assert_written(&text, "['NEG-ERR','s','rate-limited: not \\'now\\'',7]");
    message_write_notice(&text, &why);
    assert_written(&text, "['NOTICE','rate-limited: not \\'now\\'']");
    message_write_count(&text, SPAN("q"), INT64_MAX, !approximate, NULL);
    assert_written(&text, "['COUNT','q',{'count':9223372036854775807}]");
    message_write_count(&text, SPAN("q"), 0, approximate, NULL);
    assert_written(&text, "['COUNT','q',{'count':0,'approximate':true}]");
    message_write_count(&text, SPAN("q"), 1, approximate, &hll);
    assert_int_equal(text.len,
                     strlen("['COUNT','q',{'count':1,'approximate':true,'hll':''}]") + 512);
    assert_true(message_parse_relay(&counted, &arena, text_span(&text), NULL));
    assert_int_equal(counted.count, 1);
    text.len = 0;
    message_write_auth(&text, SPAN("c\x01"));
    assert_written(&text, "['AUTH','c\\u0001']");
    arena_clear(&arena);
    text_clear(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_client),       cmocka_unit_test(test_client_refuse),
        cmocka_unit_test(test_sub_known),    cmocka_unit_test(test_filters_max),
        cmocka_unit_test(test_peek),         cmocka_unit_test(test_relay),
        cmocka_unit_test(test_relay_refuse), cmocka_unit_test(test_write_client),
        cmocka_unit_test(test_write_relay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
