/* Every limit at its edge and one past it, and what it advertises: the same number. */
#include "tests/fetch.h"
#include "tests/stage.h"

#define TALK (&stage_talk)

enum {
    PAST = 1700000000,
    SUBSCRIPTIONS_MAX = 5,
    FILTERS_MAX = 3,
    VALUES_MAX = 30,
    LIMIT_MAX = 40,
    LIMIT_DEFAULT = 20,
    TAGS_MAX = 12,
    CONTENT_MAX = 500,
    CONNECTIONS_MAX = 8,
};

static const size_t MESSAGE_BYTES_MAX = 70000;

static const char *const options[] = {"message_bytes_max=70000",
                                      "subscriptions_max=5",
                                      "filters_max=3",
                                      "filter_values_max=30",
                                      "limit_max=40",
                                      "limit_default=20",
                                      "tags_max=12",
                                      "content_chars_max=500",
                                      "connections_per_address_max=8",
                                      NULL};

static const char *by(uint32_t person, const char *more)
{
    return scratch_format("{\"authors\":[\"%s\"]%s}", signer_pubkey(person), more);
}

static void test_advertised(void **state)
{
    static const struct {
        const char *key;
        size_t value;
    } limits[] = {
        {"max_message_length", MESSAGE_BYTES_MAX},
        {"max_subscriptions", SUBSCRIPTIONS_MAX},
        {"max_limit", LIMIT_MAX},
        {"default_limit", LIMIT_DEFAULT},
        {"max_event_tags", TAGS_MAX},
        {"max_content_length", CONTENT_MAX},
        {"max_subid_length", 64},
    };
    struct fetch_answer answer =
        fetch(stage_relay.port, "GET / HTTP/1.1\r\nAccept: application/nostr+json\r\n");
    json_t *json = json_loads(answer.body, 0, NULL);
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(limits); i++)
        assert_int_equal(
            json_integer_value(json_object_get(json_object_get(json, "limitation"), limits[i].key)),
            limits[i].value);
    json_decref(json);
}

/* text with whitespace after it, up to so many bytes. */
static const char *padded(const char *text, size_t bytes)
{
    return scratch_format("%s%s", text, scratch_repeat(" ", bytes - strlen(text), ""));
}

static void test_message_bytes(void **state)
{
    const struct signer_event *event = SIGN(.person = 120, .kind = 1, .created_at = PAST);
    const struct signer_event *next = SIGN(.person = 120, .kind = 1, .created_at = PAST + 1);
    const char *text = scratch_format("[\"EVENT\",%s]", event->json);
    (void)state;
    talk_say(TALK, padded(text, MESSAGE_BYTES_MAX));
    talk_await_true(TALK);
    text = scratch_format("[\"EVENT\",%s]", next->json);
    talk_refuse_text(TALK, padded(text, MESSAGE_BYTES_MAX + 1), next->id, "invalid: ");
    talk_refuse_text(TALK, padded(text, 10 * MESSAGE_BYTES_MAX), next->id, "invalid: ");
    talk_closed(TALK, padded("[\"REQ\",\"long\",{}]", MESSAGE_BYTES_MAX + 1), "long", "invalid: ");
    talk_closed(TALK, padded("[\"COUNT\",\"long\",{}]", MESSAGE_BYTES_MAX + 1), "long",
                "invalid: ");
    talk_noticed(TALK, padded("[\"WHAT\",\"long\",{}]", MESSAGE_BYTES_MAX + 1), "");
    talk_noticed(TALK, scratch_repeat("[", MESSAGE_BYTES_MAX + 1, ""), "");
    talk_accept(TALK, next); /* the connection lives */
}

/* More than 16 times too long is not even skipped. */
static void test_absurd_message(void **state)
{
    (void)state;
    struct span huge = {scratch_repeat(" ", 17 * MESSAGE_BYTES_MAX, ""), 17 * MESSAGE_BYTES_MAX};
    ws_send_text(&stage_talk.ws, huge);
    talk_await_end(TALK, 1009);
}

static void test_subscriptions(void **state)
{
    const struct signer_event *event = SIGN(.person = 121, .kind = 1);
    (void)state;
    for (int i = 0; i < SUBSCRIPTIONS_MAX; i++)
        talk_subscribe(TALK, scratch_format("s%d", i), by(121, ""));
    talk_closed(TALK, "[\"REQ\",\"over\",{}]", "over", "error: ");
    talk_subscribe(TALK, "s0", by(121, "")); /* replaces: no more than before */
    talk_say(TALK, "[\"CLOSE\",\"s0\"]");
    talk_subscribe(TALK, "instead", by(121, ""));
    talk_closed(TALK, "[\"REQ\",\"over\",{}]", "over", "error: ");
    assert_int_equal(talk_count(TALK, by(121, "")), 0); /* counts are none */
    talk_accept(TALK, event);
    for (int i = 0; i < SUBSCRIPTIONS_MAX; i++)
        talk_await(TALK, "EVENT");
    talk_is_quiet(TALK);
    /* a refused REQ and a closed one take no place */
    talk_say(TALK, "[\"CLOSE\",\"instead\"]");
    for (int i = 0; i < 3 * SUBSCRIPTIONS_MAX; i++)
        talk_closed(TALK, "[\"REQ\",\"bad\",{\"kinds\":[\"x\"]}]", "bad", "invalid: ");
    talk_expect_none(TALK, by(122, ""));
}

static void test_filters(void **state)
{
    (void)state;
    talk_expect_none(TALK, scratch_repeat(by(123, ""), FILTERS_MAX, ","));
    const char *over = scratch_repeat("{}", FILTERS_MAX + 1, ",");
    talk_closed(TALK, scratch_format("[\"REQ\",\"s\",%s]", over), "s", "");
    talk_closed(TALK, scratch_format("[\"COUNT\",\"s\",%s]", over), "s", "");
    talk_is_alive(TALK);
}

/* "1","2", ... */
static const char *numbers(int from, int count)
{
    const char *out = "";
    for (int i = 0; i < count; i++)
        out = scratch_format("%s%s\"%d\"", out, i == 0 ? "" : ",", from + i);
    return out;
}

static void test_filter_values(void **state)
{
    (void)state;
    talk_expect_none(TALK, scratch_format("{\"#t\":[%s]}", numbers(0, VALUES_MAX)));
    talk_expect_none(TALK, scratch_format("{\"#t\":[%s],\"#r\":[%s]}", numbers(0, VALUES_MAX - 1),
                                          numbers(0, 1)));
    talk_closed(TALK, scratch_format("[\"REQ\",\"s\",{\"#t\":[%s]}]", numbers(0, VALUES_MAX + 1)),
                "s", "invalid: ");
    talk_closed(
        TALK,
        scratch_format("[\"REQ\",\"s\",{\"#t\":[%s],\"#r\":[\"x\"]}]", numbers(0, VALUES_MAX)), "s",
        "invalid: ");
    talk_closed(TALK, scratch_format("[\"COUNT\",\"s\",{\"#t\":[%s]}]", numbers(0, VALUES_MAX + 1)),
                "s", "invalid: ");
}

static void test_limit(void **state)
{
    (void)state;
    for (int i = 0; i < LIMIT_MAX + 3; i++)
        talk_accept(TALK, SIGN(.person = 124, .kind = 1, .created_at = PAST + i));
    assert_int_equal(talk_find(TALK, by(124, "")).count, LIMIT_DEFAULT);
    assert_int_equal(talk_find(TALK, by(124, ",\"limit\":39")).count, LIMIT_MAX - 1);
    assert_int_equal(talk_find(TALK, by(124, ",\"limit\":40")).count, LIMIT_MAX);
    assert_int_equal(talk_find(TALK, by(124, ",\"limit\":41")).count, LIMIT_MAX);
    assert_int_equal(talk_find(TALK, by(124, ",\"limit\":9223372036854775807")).count, LIMIT_MAX);
}

static void test_tags(void **state)
{
    (void)state;
    talk_accept(
        TALK, SIGN(.person = 125, .kind = 1,
                   .tags = scratch_format("[%s]", scratch_repeat("[\"t\",\"x\"]", TAGS_MAX, ","))));
    talk_refuse(
        TALK,
        SIGN(.person = 125, .kind = 1,
             .tags = scratch_format("[%s]", scratch_repeat("[\"t\",\"x\"]", TAGS_MAX + 1, ","))),
        "invalid: ");
    talk_refuse(TALK,
                SIGN(.person = 125, .kind = 20000,
                     .tags = scratch_format("[%s]", scratch_repeat("[]", TAGS_MAX + 1, ","))),
                "invalid: ");
}

/* In characters, not bytes, nor the letters of an escape. */
static void test_content(void **state)
{
    static const char *const characters[] = {"x", "\xc3\xa9", "\xf0\x9f\x98\x80", "\\n", "\\\""};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(characters); i++) {
        talk_accept(TALK, SIGN(.person = 126, .kind = 1,
                               .content = scratch_repeat(characters[i], CONTENT_MAX, "")));
        talk_refuse(TALK,
                    SIGN(.person = 126, .kind = 1,
                         .content = scratch_repeat(characters[i], CONTENT_MAX + 1, "")),
                    "invalid: ");
    }
}

/* stage_talk is one of them. */
static void test_connections_per_address(void **state)
{
    struct talk talks[CONNECTIONS_MAX];
    struct ws over;
    const struct ws_options options_here = {
        .address = {"127.0.0.1", stage_relay.port, NULL, NULL, 0}};
    const struct ws_options options_there = {
        .address = {"127.0.0.1", stage_relay.port, NULL, "127.0.0.9", 0}};
    (void)state;
    for (int i = 1; i < CONNECTIONS_MAX; i++)
        talk_open(&talks[i], &stage_relay);
    bool ok = ws_open(&over, &options_here);
    assert_true(!ok || ws_receive(&over, wire_now_ms() + WIRE_WAIT_MS) != WS_MESSAGE);
    ws_close(&over);
    /* others are not concerned */
    talk_open_with(&talks[0], &options_there);
    talk_is_alive(&talks[0]);
    talk_close(&talks[0]);
    for (int i = 1; i < CONNECTIONS_MAX; i++) {
        talk_is_alive(&talks[i]);
        talk_close(&talks[i]);
    }
    /* who left makes room; the relay needs a moment to see it */
    int64_t deadline_ms = wire_now_ms() + WIRE_WAIT_MS;
    do {
        assert_true(wire_now_ms() < deadline_ms);
        ok = ws_open(&over, &options_here);
        ok = ok && ws_receive(&over, deadline_ms) == WS_MESSAGE;
        ws_close(&over);
    } while (!ok);
}

/* Whoever comes when all places are taken, from wherever. */
static void test_connections(void **state)
{
    struct relay relay;
    struct talk talks[3];
    struct ws over;
    (void)state;
    relay_start(&relay, &(struct relay_setup){.options = OPTIONS("connections_max=3",
                                                                 "connections_per_address_max=3")});
    for (int i = 0; i < 3; i++)
        talk_open(&talks[i], &relay);
    bool ok = ws_open(
        &over, &(struct ws_options){.address = {"127.0.0.1", relay.port, NULL, "127.0.0.8", 0}});
    assert_true(!ok || ws_receive(&over, wire_now_ms() + WIRE_WAIT_MS) != WS_MESSAGE);
    ws_close(&over);
    for (int i = 0; i < 3; i++) {
        talk_is_alive(&talks[i]);
        talk_close(&talks[i]);
    }
    relay_stop(&relay);
}

/* Of so many sent at once, the burst passes and the rest is refused, each by its own answer. */
static void test_event_rate(void **state)
{
    enum { BURST = 20, SENT = 60 };
    struct relay relay;
    struct talk talk, other;
    int accepted = 0;
    (void)state;
    relay_start(&relay, &(struct relay_setup){
                            .options = OPTIONS("events_per_s_max=1", "event_burst_max=20")});
    talk_open(&talk, &relay);
    int64_t begin_ms = wire_now_ms();
    for (int i = 0; i < SENT; i++)
        talk_sayf(&talk, "[\"EVENT\",%s]",
                  SIGN(.person = 127, .kind = 1, .created_at = PAST + i)->json);
    for (int i = 0; i < SENT; i++) {
        const json_t *ok = talk_await(&talk, "OK");
        const char *note = json_string_value(json_array_get(ok, 3));
        if (json_is_true(json_array_get(ok, 2)))
            accepted++;
        else
            assert_int_equal(strncmp(note, "rate-limited: ", 14), 0);
    }
    assert_in_range(accepted, BURST, BURST + 1 + (wire_now_ms() - begin_ms) / 1000);
    talk_expect_none(&talk, by(128, "")); /* reading is another bucket */
    /* a second connection from there shares the bucket; one from elsewhere does not */
    talk_open_with(
        &other, &(struct ws_options){.address = {"127.0.0.1", relay.port, NULL, "127.0.0.7", 0}});
    talk_accept(&other, SIGN(.person = 127, .kind = 1));
    talk_close(&other);
    talk_close(&talk);
    relay_stop(&relay);
}

static void test_req_rate(void **state)
{
    enum { BURST = 10, SENT = 40 };
    struct relay relay;
    struct talk talk;
    int answered = 0;
    (void)state;
    relay_start(&relay,
                &(struct relay_setup){.options = OPTIONS("reqs_per_s_max=1", "req_burst_max=10")});
    talk_open(&talk, &relay);
    int64_t begin_ms = wire_now_ms();
    for (int i = 0; i < SENT; i++)
        talk_sayf(&talk, "[\"%s\",\"s\",{\"ids\":[]}]", i % 2 == 0 ? "REQ" : "COUNT");
    for (int i = 0; i < SENT; i++) {
        const json_t *heard = talk_hear(&talk);
        const char *type = json_string_value(json_array_get(heard, 0));
        if (strcmp(type, "CLOSED") != 0) {
            answered++;
            continue;
        }
        assert_string_equal(json_string_value(json_array_get(heard, 1)), "s");
        assert_int_equal(strncmp(json_string_value(json_array_get(heard, 2)), "rate-limited: ", 14),
                         0);
    }
    assert_in_range(answered, BURST, BURST + 1 + (wire_now_ms() - begin_ms) / 1000);
    talk_accept(&talk, SIGN(.person = 127, .kind = 1, .content = "writing is another bucket"));
    talk_close(&talk);
    relay_stop(&relay);
}

STAGE_SUITE(options, STAGE_TEST(test_advertised), STAGE_TEST(test_message_bytes),
            STAGE_TEST(test_absurd_message), STAGE_TEST(test_subscriptions),
            STAGE_TEST(test_filters), STAGE_TEST(test_filter_values), STAGE_TEST(test_limit),
            STAGE_TEST(test_tags), STAGE_TEST(test_content),
            STAGE_TEST(test_connections_per_address), cmocka_unit_test(test_connections),
            cmocka_unit_test(test_event_rate), cmocka_unit_test(test_req_rate))
