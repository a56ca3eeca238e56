/* SIGTERM: who is connected is told, what was acknowledged is stored, and the end comes soon. */
#include <signal.h>

#include "tests/stage.h"

enum { PAST = 1700000000, COUNT = 400 };

static void test_everybody_is_told(void **state)
{
    struct relay relay;
    struct talk talk, idle;
    (void)state;
    relay_start(&relay, &(struct relay_setup){.options = OPTIONS("processes=2")});
    talk_open(&talk, &relay);
    talk_open(&idle, &relay);
    talk_subscribe(&talk, "one", "{\"kinds\":[1]}");
    talk_subscribe(&talk, "two", "{\"kinds\":[2]}");
    kill(relay.pid, SIGTERM);
    for (int i = 0; i < 2; i++) {
        const json_t *closed = talk_await(&talk, "CLOSED");
        assert_int_equal(strncmp(json_string_value(json_array_get(closed, 2)), "error: ", 7), 0);
    }
    talk_await_end(&talk, 1001);
    talk_await_end(&idle, 1001);
    talk_close(&talk);
    talk_close(&idle);
    relay_await_end(&relay);
    struct ws late;
    assert_false(
        ws_open(&late, &(struct ws_options){.address = {"127.0.0.1", relay.port, NULL, NULL, 0}}));
    ws_close(&late);
}

/* Reads what comes until the end; notes each OK true, and counts them. */
static int read_answers(struct talk *talk, const struct signer_event **events, bool *stored)
{
    int accepted = 0;
    while (ws_receive(&talk->ws, wire_now_ms() + WIRE_WAIT_MS) == WS_MESSAGE) {
        json_t *message = json_loadb(talk->ws.message.at, talk->ws.message.len, 0, NULL);
        const char *id = json_string_value(json_array_get(message, 1));
        for (int i = 0; json_is_true(json_array_get(message, 2)) && i < COUNT; i++)
            if (strcmp(events[i]->id, id) == 0) {
                stored[i] = true;
                accepted++;
            }
        json_decref(message);
    }
    return accepted;
}

static void test_acknowledged_is_stored(void **state)
{
    static const struct signer_event *events[COUNT];
    static bool stored[COUNT];
    struct relay relay;
    struct talk talk;
    (void)state;
    relay_start(&relay, &(struct relay_setup){0});
    talk_open(&talk, &relay);
    for (int i = 0; i < COUNT; i++) {
        events[i] = SIGN(.person = 200, .kind = 1, .created_at = PAST + i);
        talk_sayf(&talk, "[\"EVENT\",%s]", events[i]->json);
    }
    talk_await(&talk, "OK");
    stored[0] = true; /* of one session they are answered in the order they came */
    kill(relay.pid, SIGTERM);
    int accepted = read_answers(&talk, events, stored);
    talk_close(&talk);
    relay_await_end(&relay);
    print_message("%d of %d acknowledged\n", accepted + 1, COUNT);

    struct relay again;
    relay_start(&again, &(struct relay_setup){.schema = relay.schema});
    talk_open(&talk, &again);
    for (int i = 0; i < COUNT; i++)
        if (stored[i])
            talk_repeat(&talk, events[i]);
    talk_close(&talk);
    relay_stop(&again);
}

/* Who neither reads nor answers the close frame cannot hold it up. */
static void test_deaf_client(void **state)
{
    struct relay relay;
    struct talk talk, deaf;
    const char *content = scratch_repeat("z", 50000, "");
    (void)state;
    relay_start(&relay, &(struct relay_setup){.options = OPTIONS("drain_s_max=2")});
    talk_open(&talk, &relay);
    talk_open_with(&deaf,
                   &(struct ws_options){.address = {"127.0.0.1", relay.port, NULL, NULL, 4096}});
    for (int i = 0; i < 150; i++)
        talk_sayf(&talk, "[\"EVENT\",%s]",
                  SIGN(.person = 201, .kind = 1, .content = content, .created_at = PAST + i)->json);
    for (int i = 0; i < 150; i++)
        talk_await(&talk, "OK");
    talk_say(&deaf, "[\"REQ\",\"s\",{}]");
    talk_await(&deaf, "EVENT");
    int64_t begin_ms = wire_now_ms();
    relay_stop(&relay);
    assert_in_range(wire_now_ms() - begin_ms, 0, 10000);
    talk_close(&talk);
    talk_close(&deaf);
}

/* The second signal, or one in the middle of the start, ends it as well. */
static void test_twice(void **state)
{
    struct relay relay;
    (void)state;
    relay_start(&relay, &(struct relay_setup){0});
    kill(relay.pid, SIGTERM);
    kill(relay.pid, SIGTERM);
    relay_await_end(&relay);
    relay_start(&relay, &(struct relay_setup){0});
    kill(relay.pid, SIGINT);
    relay_await_end(&relay);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everybody_is_told), cmocka_unit_test(test_acknowledged_is_stored),
        cmocka_unit_test(test_deaf_client), cmocka_unit_test(test_twice)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
