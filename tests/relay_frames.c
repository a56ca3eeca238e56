/* The websocket protocol itself, after the chapters of the Autobahn test suite. */
#include "tests/fetch.h"
#include "tests/stage.h"

#define TALK (&stage_talk)
#define WS (&stage_talk.ws)

static struct ws_options here(bool deflate)
{
    return (struct ws_options){.address = {"127.0.0.1", stage_relay.port, NULL, NULL, 0},
                               .deflate = deflate};
}

static struct span span_of(const char *text)
{
    return (struct span){text, strlen(text)};
}

/* A message of so many bytes whose answer is EOSE of that name. */
static const char *request(const char *name, size_t bytes)
{
    const char *text = scratch_format("[\"REQ\",\"%s\",{\"ids\":[]}]", name);
    return scratch_format("%s%s", text, scratch_repeat(" ", bytes - strlen(text), ""));
}

static void expect_eose(struct talk *talk, const char *name)
{
    const json_t *heard = talk_hear(talk);
    assert_string_equal(json_string_value(json_array_get(heard, 0)), "EOSE");
    assert_string_equal(json_string_value(json_array_get(heard, 1)), name);
}

/* Sends frames on a connection of their own, after which it must be closed with that code. */
static void violate(const struct ws_frame *frames, size_t count, uint16_t code)
{
    struct talk talk;
    talk_open(&talk, &stage_relay);
    for (size_t i = 0; i < count; i++)
        ws_send_frame(&talk.ws, &frames[i]);
    talk_await_end(&talk, code);
    talk_close(&talk);
}

#define VIOLATE(code, ...)                          \
    violate((const struct ws_frame[]){__VA_ARGS__}, \
            ARRAY_LEN(((const struct ws_frame[]){__VA_ARGS__})), code)

static void test_masks(void **state)
{
    (void)state;
    VIOLATE(1002, {.opcode = WS_TEXT, .unmasked = true, .payload = SPAN("[\"CLOSE\",\"x\"]")});
    VIOLATE(1002, {.opcode = WS_PING, .unmasked = true});
}

static void test_reserved_bits(void **state)
{
    static const uint8_t bits[] = {WS_RSV1, WS_RSV2, WS_RSV3, WS_RSV1 | WS_RSV2 | WS_RSV3};
    (void)state;
    for (size_t i = 0; i < sizeof bits; i++) {
        VIOLATE(1002, {.opcode = WS_TEXT, .rsv = bits[i], .payload = SPAN("x")});
        VIOLATE(1002, {.opcode = WS_PING, .rsv = bits[i]});
        VIOLATE(1002, {.opcode = WS_TEXT, .unfinished = true, .payload = SPAN("x")},
                {.opcode = WS_CONTINUATION, .rsv = bits[i], .payload = SPAN("x")});
    }
}

static void test_reserved_opcodes(void **state)
{
    static const uint8_t opcodes[] = {3, 4, 5, 6, 7, 11, 12, 13, 14, 15};
    (void)state;
    for (size_t i = 0; i < sizeof opcodes; i++) {
        VIOLATE(1002, {.opcode = opcodes[i]});
        VIOLATE(1002, {.opcode = opcodes[i], .payload = SPAN("payload")});
    }
}

static void test_control_frames(void **state)
{
    const struct span long_payload = span_of(scratch_repeat("x", 126, ""));
    (void)state;
    VIOLATE(1002, {.opcode = WS_PING, .payload = long_payload});
    VIOLATE(1002, {.opcode = WS_PONG, .payload = long_payload});
    VIOLATE(1002, {.opcode = WS_CLOSE, .payload = long_payload});
    VIOLATE(1002, {.opcode = WS_PING, .unfinished = true, .payload = SPAN("x")});
    VIOLATE(1002, {.opcode = WS_CLOSE, .unfinished = true});
}

static void test_fragments_out_of_order(void **state)
{
    (void)state;
    VIOLATE(1002, {.opcode = WS_CONTINUATION, .payload = SPAN("x")});
    VIOLATE(1002, {.opcode = WS_CONTINUATION, .unfinished = true, .payload = SPAN("x")});
    VIOLATE(1002, {.opcode = WS_TEXT, .unfinished = true, .payload = SPAN("x")},
            {.opcode = WS_TEXT, .payload = SPAN("y")});
    VIOLATE(1002, {.opcode = WS_TEXT, .unfinished = true, .payload = SPAN("x")},
            {.opcode = WS_BINARY, .payload = SPAN("y")});
}

/* Pings of every length, answered in turn with what they carried; a pong of nothing is ignored. */
static void test_pings(void **state)
{
    const char *payload = scratch_repeat("\xff\x80\x01p", 32, "");
    (void)state;
    ws_send_frame(WS, &(struct ws_frame){.opcode = WS_PONG, .payload = SPAN("unasked")});
    for (size_t len = 0; len <= 125; len++) {
        struct ws_received frame;
        ws_send_frame(WS, &(struct ws_frame){.opcode = WS_PING, .payload = {payload, len}});
        assert_int_equal(ws_receive_frame(WS, &frame, wire_now_ms() + WIRE_WAIT_MS), WS_MESSAGE);
        assert_int_equal(frame.opcode, WS_PONG);
        assert_int_equal(frame.payload.len, len);
        assert_memory_equal(frame.payload.at, payload, len);
    }
    talk_is_quiet(TALK);
}

/* Each encoding of the length at its edges. */
static void test_lengths(void **state)
{
    static const size_t lengths[] = {40,    124,   125,   126,   127,   128,
                                     65534, 65535, 65536, 65537, 262144};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        const char *name = scratch_format("len%zu", lengths[i]);
        ws_send_text(WS, span_of(request(name, lengths[i])));
        expect_eose(TALK, name);
        talk_sayf(TALK, "[\"CLOSE\",\"%s\"]", name);
    }
    talk_is_quiet(TALK);
}

/* A length of 2^63 and more cannot be. */
static void test_absurd_length(void **state)
{
    struct talk talk;
    (void)state;
    talk_open(&talk, &stage_relay);
    ws_send_raw(&talk.ws, SPAN("\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff"
                               "mask"
                               "x"));
    enum ws_result result;
    do
        result = ws_receive(&talk.ws, wire_now_ms() + WIRE_WAIT_MS);
    while (result == WS_MESSAGE);
    assert_true(result == WS_GONE || talk.ws.close_code == 1002 || talk.ws.close_code == 1009);
    talk_close(&talk);
}

/* text in frames of size bytes, a ping after each. */
static void send_fragments(struct talk *talk, struct span text, size_t size, bool with_pings)
{
    uint8_t opcode = WS_TEXT;
    while (text.len > 0) {
        size_t len = text.len < size ? text.len : size;
        ws_send_frame(&talk->ws, &(struct ws_frame){.opcode = opcode,
                                                    .unfinished = len < text.len,
                                                    .payload = {text.at, len}});
        if (with_pings && len < text.len)
            ws_send_frame(&talk->ws, &(struct ws_frame){.opcode = WS_PING, .payload = SPAN("p")});
        text = (struct span){text.at + len, text.len - len};
        opcode = WS_CONTINUATION;
    }
}

static void test_fragments(void **state)
{
    static const size_t sizes[] = {1, 2, 7, 64, 1000};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        const char *name = scratch_format("fragments%zu", sizes[i]);
        send_fragments(TALK, span_of(request(name, 300)), sizes[i], i % 2 == 0);
        expect_eose(TALK, name);
    }
    /* empty ones at the beginning, in the middle and at the end */
    const struct ws_frame frames[] = {{.opcode = WS_TEXT, .unfinished = true},
                                      {.unfinished = true, .payload = SPAN("[\"REQ\",\"emp")},
                                      {.unfinished = true},
                                      {.unfinished = true, .payload = SPAN("ty\",{\"ids\":[]}]")},
                                      {.opcode = WS_CONTINUATION}};
    for (size_t i = 0; i < ARRAY_LEN(frames); i++)
        ws_send_frame(WS, &frames[i]);
    expect_eose(TALK, "empty");
    /* a character cut in two by a frame's end is whole */
    send_fragments(TALK, SPAN("[\"REQ\",\"\xf0\x9f\x98\x80\",{\"ids\":[]}]"), 1, true);
    expect_eose(TALK, "\xf0\x9f\x98\x80");
    talk_is_quiet(TALK);
}

/* Our rule: what is not UTF-8 is refused, and the connection stays. */
static void test_invalid_utf8(void **state)
{
    (void)state;
    ws_send_text(WS, SPAN("[\"REQ\",\"s\",{\"#t\":[\"\xce\xba\xed\xa0\x80\"]}]"));
    assert_string_equal(json_string_value(json_array_get(talk_hear(TALK), 0)), "CLOSED");
    send_fragments(TALK, SPAN("[\"REQ\",\"s\",{\"#t\":[\"\xf4\x90\x80\x80\"]}]"), 1, true);
    assert_string_equal(json_string_value(json_array_get(talk_hear(TALK), 0)), "CLOSED");
    ws_send_text(WS, SPAN("\xff\xfe"));
    assert_string_equal(json_string_value(json_array_get(talk_hear(TALK), 0)), "NOTICE");
    talk_is_quiet(TALK);
}

static void test_bytewise(void **state)
{
    struct text bytes = {0};
    (void)state;
    ws_encode(&bytes, WS, &(struct ws_frame){.opcode = WS_PING, .payload = SPAN("before")});
    ws_encode(&bytes, WS,
              &(struct ws_frame){.opcode = WS_TEXT, .payload = span_of(request("bytes", 200))});
    for (size_t i = 0; i < bytes.len; i++)
        ws_send_raw(WS, (struct span){bytes.at + i, 1});
    text_clear(&bytes);
    expect_eose(TALK, "bytes");
}

static void test_many_in_one_segment(void **state)
{
    struct text bytes = {0};
    (void)state;
    for (int i = 0; i < 100; i++)
        ws_encode(&bytes, WS,
                  &(struct ws_frame){.opcode = WS_TEXT,
                                     .payload = span_of(request(scratch_format("n%d", i), 60))});
    ws_send_raw(WS, text_span(&bytes));
    text_clear(&bytes);
    for (int i = 0; i < 100; i++)
        expect_eose(TALK, scratch_format("n%d", i));
}

/* Who goes in the middle of anything harms nobody. */
static void test_half_frames(void **state)
{
    static const struct span beginnings[] = {
        {"\x81", 1},           {"\x81\xfe", 2},         {"\x81\xfe\x01", 3}, {"\x81\x85mask[\"", 8},
        {"\x01\x82maskxx", 8}, {"\x88\x82mask\x03", 7},
    };
    (void)state;
    for (size_t i = 0; i < 2 * ARRAY_LEN(beginnings); i++) {
        struct talk talk;
        talk_open(&talk, &stage_relay);
        ws_send_raw(&talk.ws, beginnings[i / 2]);
        if (i % 2 == 0)
            wire_reset(&talk.ws.wire);
        talk_close(&talk);
    }
    struct wire wire;
    assert_true(
        wire_open(&wire, &(struct wire_address){"127.0.0.1", stage_relay.port, NULL, NULL, 0}));
    wire_send(&wire, SPAN("GET / HTTP/1.1\r\nUpgra"), wire_now_ms() + WIRE_WAIT_MS);
    wire_reset(&wire);
    talk_is_quiet(TALK);
}

/* The close frame comes back with the code that was sent. */
static void test_valid_close_codes(void **state)
{
    static const uint16_t codes[] = {1000, 1001, 1002, 1003, 1007, 1008, 1009,
                                     1010, 1011, 3000, 3999, 4000, 4999};
    const char *reasons[] = {"", "bye", "\xf0\x9f\x98\x80", scratch_repeat("r", 123, "")};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        struct talk talk;
        talk_open(&talk, &stage_relay);
        ws_send_close(&talk.ws, codes[i], reasons[i % 4]);
        talk_await_end(&talk, codes[i]);
        talk_close(&talk);
    }
    struct talk talk;
    talk_open(&talk, &stage_relay);
    ws_send_close(&talk.ws, 0, "");
    enum ws_result result = ws_receive(&talk.ws, wire_now_ms() + WIRE_WAIT_MS);
    assert_int_equal(result, WS_CLOSED);
    assert_true(talk.ws.close_code == WS_NO_STATUS || talk.ws.close_code == 1000);
    talk_close(&talk);
}

static void test_invalid_close_codes(void **state)
{
    static const uint16_t codes[] = {1, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65535};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        struct talk talk;
        talk_open(&talk, &stage_relay);
        ws_send_close(&talk.ws, codes[i], "");
        talk_await_end(&talk, 1002);
        talk_close(&talk);
    }
    VIOLATE(1002, {.opcode = WS_CLOSE, .payload = SPAN("\x03")});
    VIOLATE(1007, {.opcode = WS_CLOSE, .payload = SPAN("\x03\xe8\xce\xba\xed\xa0\x80")});
}

/* Nothing is heard after a close. */
static void test_after_close(void **state)
{
    struct talk talk;
    (void)state;
    talk_open(&talk, &stage_relay);
    ws_send_close(&talk.ws, 1000, "");
    ws_send_text(&talk.ws, span_of(request("late", 60)));
    ws_send_frame(&talk.ws, &(struct ws_frame){.opcode = WS_PING});
    assert_int_equal(ws_receive(&talk.ws, wire_now_ms() + WIRE_WAIT_MS), WS_CLOSED);
    talk_close(&talk);
}

static void test_handshakes(void **state)
{
    static const char *const wrong[] = {
        /* no key; another version; no upgrade; no connection */
        "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nConnection: Upgrade\r\n",
        "Upgrade: websocket\r\nSec-WebSocket-Version: 7\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
        "Upgrade: else\r\nSec-WebSocket-Version: 13\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        assert_int_not_equal(
            fetch(stage_relay.port, scratch_format("GET / HTTP/1.1\r\n%s", wrong[i])).status, 101);
    talk_is_quiet(TALK);
}

/* text, compressed, in frames of size bytes. */
static void send_deflated(struct talk *talk, struct span text, size_t size)
{
    struct text packed = {0};
    ws_deflate(&packed, &talk->ws, text);
    for (size_t at = 0; at < packed.len || at == 0; at += size) {
        size_t len = packed.len - at < size ? packed.len - at : size;
        ws_send_frame(&talk->ws, &(struct ws_frame){.opcode = at == 0 ? WS_TEXT : WS_CONTINUATION,
                                                    .rsv = at == 0 ? WS_RSV1 : 0,
                                                    .unfinished = at + len < packed.len,
                                                    .payload = {packed.at + at, len}});
        if (at + len < packed.len)
            ws_send_frame(&talk->ws, &(struct ws_frame){.opcode = WS_PING, .payload = SPAN("p")});
    }
    text_clear(&packed);
}

static void open_deflated(struct talk *talk)
{
    struct ws_options options = here(true);
    talk_open_with(talk, &options);
    assert_non_null(talk->ws.inflater); /* the relay offers it */
}

static void test_deflate(void **state)
{
    static const size_t sizes[] = {1 << 20, 1, 13, 500};
    struct talk talk;
    const struct signer_event *event =
        SIGN(.person = 140, .kind = 1,
             .content = scratch_repeat("squeeze me \xf0\x9f\x98\x80", 3000, ""));
    (void)state;
    open_deflated(&talk);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        const char *name = scratch_format("packed%zu", sizes[i]);
        send_deflated(&talk, span_of(request(name, 500)), sizes[i]);
        expect_eose(&talk, name);
    }
    ws_send_text(&talk.ws, span_of(request("plain", 80))); /* not every message must be packed */
    expect_eose(&talk, "plain");
    send_deflated(&talk, span_of(scratch_format("[\"EVENT\",%s]", event->json)), 100);
    talk_await_true(&talk);
    EXPECT(&talk, scratch_format("{\"ids\":[\"%s\"]}", event->id), event);
    EXPECT(TALK, scratch_format("{\"ids\":[\"%s\"]}", event->id), event);
    talk_is_quiet(&talk);
    talk_close(&talk);
}

/* Small on the wire and too long for a message: the message's bound holds. */
static void test_deflate_bomb(void **state)
{
    struct talk talk;
    size_t over = 300000, absurd = (size_t)64 << 20;
    (void)state;
    open_deflated(&talk);
    send_deflated(&talk, span_of(request("over", over)), 1 << 20);
    const json_t *heard = talk_hear(&talk);
    assert_string_equal(json_string_value(json_array_get(heard, 0)), "CLOSED");
    assert_string_equal(json_string_value(json_array_get(heard, 1)), "over");
    talk_is_quiet(&talk);
    send_deflated(&talk, span_of(scratch_repeat(" ", absurd, "")), 1 << 20);
    talk_await_end(&talk, 1009);
    talk_close(&talk);
    talk_is_quiet(TALK);
}

static void test_deflate_violations(void **state)
{
    const struct ws_frame wrong[][2] = {
        {{.opcode = WS_PING, .rsv = WS_RSV1}, {.opcode = WS_PING}},
        {{.opcode = WS_TEXT, .rsv = WS_RSV2, .payload = SPAN("x")}, {.opcode = WS_PING}},
        {{.opcode = WS_TEXT, .unfinished = true, .payload = SPAN("x")},
         {.opcode = WS_CONTINUATION, .rsv = WS_RSV1, .payload = SPAN("x")}},
        {{.opcode = WS_TEXT, .rsv = WS_RSV1, .payload = SPAN("\xff\xff\xff\xff\xff\xff")},
         {.opcode = WS_PING}},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct talk talk;
        open_deflated(&talk);
        ws_send_frame(&talk.ws, &wrong[i][0]);
        ws_send_frame(&talk.ws, &wrong[i][1]);
        enum ws_result result;
        do
            result = ws_receive(&talk.ws, wire_now_ms() + WIRE_WAIT_MS);
        while (result == WS_MESSAGE);
        if (result != WS_CLOSED && result != WS_GONE)
            fail_msg("violation %zu was not ended", i);
        if (result == WS_CLOSED && talk.ws.close_code != 1002 && talk.ws.close_code != 1007)
            fail_msg("violation %zu was closed with %u", i, talk.ws.close_code);
        talk_close(&talk);
    }
    talk_is_quiet(TALK);
}

STAGE_SUITE(NULL, STAGE_TEST(test_masks), STAGE_TEST(test_reserved_bits),
            STAGE_TEST(test_reserved_opcodes), STAGE_TEST(test_control_frames),
            STAGE_TEST(test_fragments_out_of_order), STAGE_TEST(test_pings),
            STAGE_TEST(test_lengths), STAGE_TEST(test_absurd_length), STAGE_TEST(test_fragments),
            STAGE_TEST(test_invalid_utf8), STAGE_TEST(test_bytewise),
            STAGE_TEST(test_many_in_one_segment), STAGE_TEST(test_half_frames),
            STAGE_TEST(test_valid_close_codes), STAGE_TEST(test_invalid_close_codes),
            STAGE_TEST(test_after_close), STAGE_TEST(test_handshakes), STAGE_TEST(test_deflate),
            STAGE_TEST(test_deflate_bomb), STAGE_TEST(test_deflate_violations))
