/* A client that does not read: cut when its outbox is full, others unharmed; one that merely
 * reads late loses nothing. */
#include <stdlib.h>

#include "tests/fetch.h"
#include "tests/stage.h"

#define TALK (&stage_talk)

enum { CONTENT_CHARS = 30000, EVENTS = 500 };

static const char *const options[] = {"outbox_bytes_max=200000", "message_bytes_max=65536",
                                      "limit_max=5000", NULL};

static void open_lazy(struct talk *talk)
{
    talk_open_with(
        talk, &(struct ws_options){.address = {"127.0.0.1", stage_relay.port, NULL, NULL, 4096}});
}

static int64_t metric(const char *name)
{
    struct fetch_answer answer = fetch(stage_relay.port, "GET /metrics HTTP/1.1\r\n");
    const char *found = strstr(answer.body, scratch_format("\nshoal_relay_%s ", name));
    assert_non_null(found);
    return strtoll(strchr(found + 1, ' '), NULL, 10);
}

/* More is published than its outbox and all socket buffers between hold. */
static void test_cut(void **state)
{
    struct talk lazy, busy;
    const char *filter = scratch_format("{\"authors\":[\"%s\"]}", signer_pubkey(150));
    const char *content = scratch_repeat("x", CONTENT_CHARS, "");
    const struct signer_event *events[EVENTS];
    (void)state;
    open_lazy(&lazy);
    talk_open(&busy, &stage_relay);
    talk_subscribe(&lazy, "lazy", filter);
    talk_subscribe(&busy, "busy", filter);
    for (int i = 0; i < EVENTS; i++) {
        events[i] = SIGN(.person = 150, .kind = 20000, .content = content,
                         .tags = scratch_format("[[\"n\",\"%d\"]]", i));
        talk_accept(TALK, events[i]);
        talk_await_event(&busy, "busy", events[i]);
    }
    /* what it gets, once it looks, is a beginning without gaps, and then the end */
    int got = 0;
    enum ws_result result;
    while ((result = ws_receive(&lazy.ws, wire_now_ms() + WIRE_WAIT_MS)) == WS_MESSAGE) {
        assert_true(got < EVENTS);
        assert_non_null(memmem(lazy.ws.message.at, lazy.ws.message.len, events[got]->id, 64));
        got++;
    }
    assert_true(result == WS_GONE || (result == WS_CLOSED && lazy.ws.close_code == 1008));
    assert_true(got < EVENTS);
    assert_int_equal(metric("slow_readers_cut_total"), 1);
    talk_is_quiet(&busy);
    talk_close(&busy);
    talk_close(&lazy);
}

/* A large answer waits for its reader instead. */
static void test_patience(void **state)
{
    struct talk lazy;
    const char *content = scratch_repeat("y", CONTENT_CHARS, "");
    int64_t cut = metric("slow_readers_cut_total");
    (void)state;
    for (int i = 0; i < EVENTS; i++)
        talk_sayf(
            TALK, "[\"EVENT\",%s]",
            SIGN(.person = 151, .kind = 1, .content = content, .created_at = 1700000000 + i)->json);
    for (int i = 0; i < EVENTS; i++)
        talk_await_true(TALK);
    open_lazy(&lazy);
    talk_sayf(&lazy, "[\"REQ\",\"find\",{\"authors\":[\"%s\"],\"limit\":5000}]",
              signer_pubkey(151));
    for (int i = 0; i < 20; i++) /* the relay has time for others */
        assert_int_equal(
            talk_count(TALK, scratch_format("{\"authors\":[\"%s\"]}", signer_pubkey(151))), EVENTS);
    for (int i = 0; i < EVENTS; i++)
        talk_await(&lazy, "EVENT");
    assert_string_equal(json_string_value(json_array_get(talk_hear(&lazy), 0)), "EOSE");
    talk_close(&lazy);
    /* and who leaves in the middle of one harms nobody */
    open_lazy(&lazy);
    talk_sayf(&lazy, "[\"REQ\",\"find\",{\"authors\":[\"%s\"],\"limit\":5000}]",
              signer_pubkey(151));
    talk_await(&lazy, "EVENT");
    wire_reset(&lazy.ws.wire);
    talk_close(&lazy);
    talk_is_quiet(TALK);
    assert_int_equal(metric("slow_readers_cut_total"), cut);
}

STAGE_SUITE(options, STAGE_TEST(test_patience), STAGE_TEST(test_cut))
