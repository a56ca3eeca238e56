/* Several processes, several relays, one database: what one accepts, the subscribers of all get,
 * once, in the order of its author. */
#include <signal.h>
#include <stdlib.h>

#include "tests/stage.h"

enum { READERS = 12, WRITERS = 4, EACH = 60, PAST = 1700000000 };

struct crowd {
    struct talk readers[READERS], writers[WRITERS];
    const struct signer_event *events[WRITERS][EACH];
};

static void join(struct crowd *crowd, const struct relay *a, const struct relay *b,
                 const char *filter)
{
    for (int i = 0; i < READERS; i++) {
        talk_open(&crowd->readers[i], i % 2 == 0 ? a : b);
        talk_subscribe(&crowd->readers[i], "all", filter);
    }
    for (int i = 0; i < WRITERS; i++)
        talk_open(&crowd->writers[i], i % 2 == 0 ? b : a);
}

static void leave(struct crowd *crowd)
{
    for (int i = 0; i < READERS; i++)
        talk_close(&crowd->readers[i]);
    for (int i = 0; i < WRITERS; i++)
        talk_close(&crowd->writers[i]);
}

/* Every writer publishes events of its own person, all at once. */
static void publish(struct crowd *crowd, uint32_t first_person, uint32_t kind, const char *content)
{
    for (int n = 0; n < EACH; n++)
        for (int w = 0; w < WRITERS; w++) {
            crowd->events[w][n] = SIGN(.person = first_person + (uint32_t)w, .kind = kind,
                                       .content = content, .created_at = PAST + n);
            talk_sayf(&crowd->writers[w], "[\"EVENT\",%s]", crowd->events[w][n]->json);
        }
    for (int n = 0; n < EACH; n++)
        for (int w = 0; w < WRITERS; w++) {
            const json_t *ok = talk_await(&crowd->writers[w], "OK");
            assert_true(json_is_true(json_array_get(ok, 2)));
        }
}

/* Whose next event it is. */
static int writer_of(const struct crowd *crowd, const int *next, const char *id)
{
    for (int w = 0; w < WRITERS; w++)
        if (next[w] < EACH && strcmp(crowd->events[w][next[w]]->id, id) == 0)
            return w;
    fail_msg("%s came out of its turn, or twice", id);
    return 0;
}

/* Each reader: all events, once, those of one author in their order. */
static void check(struct crowd *crowd)
{
    for (int r = 0; r < READERS; r++) {
        int next[WRITERS] = {0};
        for (int i = 0; i < WRITERS * EACH; i++) {
            const json_t *event = json_array_get(talk_await(&crowd->readers[r], "EVENT"), 2);
            const char *id = json_string_value(json_object_get(event, "id"));
            next[writer_of(crowd, next, id)]++;
        }
        talk_is_quiet(&crowd->readers[r]);
    }
}

static const char *of_writers(uint32_t first_person)
{
    const char *list = "";
    for (uint32_t w = 0; w < WRITERS; w++)
        list =
            scratch_format("%s%s\"%s\"", list, w > 0 ? "," : "", signer_pubkey(first_person + w));
    return scratch_format("{\"authors\":[%s]}", list);
}

static void test_processes(void **state)
{
    static struct crowd crowd;
    struct relay relay;
    pid_t pids[8];
    (void)state;
    relay_start(&relay, &(struct relay_setup){.options = OPTIONS("processes=3")});
    assert_int_equal(relay_children(&relay, "shoal-relay", pids, 8), 3);
    join(&crowd, &relay, &relay, of_writers(160));
    publish(&crowd, 160, 1, "stored");
    check(&crowd);
    publish(&crowd, 160, 20001, "ephemeral");
    check(&crowd);
    publish(&crowd, 160, 20001, scratch_repeat("e", 12000, "")); /* more than one notification */
    check(&crowd);
    leave(&crowd);
    relay_stop(&relay);
}

static void test_relays(void **state)
{
    static struct crowd crowd;
    struct relay a, b;
    (void)state;
    relay_start(&a, &(struct relay_setup){.options = OPTIONS("processes=2")});
    relay_start(&b, &(struct relay_setup){.schema = a.schema});
    assert_true(a.port != b.port);
    join(&crowd, &a, &b, of_writers(170));
    publish(&crowd, 170, 1, "stored");
    check(&crowd);
    publish(&crowd, 170, 20001, "ephemeral");
    check(&crowd);
    /* what is stored twice, here and there, is new once */
    talk_repeat(&crowd.writers[0],
                crowd.events[0][0]->kind == 1
                    ? crowd.events[0][0]
                    : SIGN(.person = 170, .kind = 1, .content = "stored", .created_at = PAST));
    const struct signer_event *once = SIGN(.person = 170, .kind = 1, .content = "once");
    talk_sayf(&crowd.writers[0], "[\"EVENT\",%s]", once->json);
    talk_sayf(&crowd.writers[1], "[\"EVENT\",%s]", once->json);
    int new = 0;
    for (int w = 0; w < 2; w++) {
        const json_t *ok = talk_await(&crowd.writers[w], "OK");
        assert_true(json_is_true(json_array_get(ok, 2)));
        new += strcmp(json_string_value(json_array_get(ok, 3)), "") == 0;
    }
    assert_int_equal(new, 1);
    for (int r = 0; r < READERS; r++) {
        talk_await_event(&crowd.readers[r], "all", once);
        talk_is_quiet(&crowd.readers[r]);
    }
    /* a deletion there counts here, as soon as it is heard of here */
    const struct signer_event *deletion =
        SIGN(.person = 170, .kind = 5, .tags = scratch_format("[[\"e\",\"%s\"]]", once->id));
    talk_accept(&crowd.writers[0], deletion);
    for (int r = 0; r < READERS; r++)
        talk_await_event(&crowd.readers[r], "all", deletion);
    talk_refuse(&crowd.writers[1], once, "blocked: ");
    leave(&crowd);
    relay_stop(&b);
    relay_stop(&a);
}

/* Both begin on an empty schema at the same time. */
static void test_migration_race(void **state)
{
    struct relay relays[3];
    (void)state;
    relay_start(&relays[0], &(struct relay_setup){.options = OPTIONS("processes=2")});
    for (int i = 1; i < 3; i++)
        relay_start(&relays[i], &(struct relay_setup){.schema = relays[0].schema});
    for (int i = 0; i < 3; i++)
        relay_stop(&relays[i]);
}

/* Until so many newcomers in a row, who meet one process or another, have a COUNT answered. */
static void await_answers(const struct relay *relay)
{
    int64_t deadline_ms = wire_now_ms() + WIRE_WAIT_MS;
    for (int answered = 0; answered < 12;) {
        struct talk talk;
        talk_open(&talk, relay);
        talk_say(&talk, "[\"COUNT\",\"c\",{\"kinds\":[999]}]");
        const char *type = json_string_value(json_array_get(talk_hear(&talk), 0));
        answered = strcmp(type, "COUNT") == 0 ? answered + 1 : 0;
        talk_close(&talk);
        assert_true(wire_now_ms() < deadline_ms);
    }
}

/* A process that dies takes its connections with it, and nobody else's; another takes its place. */
static void test_worker_dies(void **state)
{
    struct relay relay;
    struct talk talks[8];
    pid_t before[4], after[4];
    int alive = 0;
    (void)state;
    relay_start(&relay, &(struct relay_setup){.options = OPTIONS("processes=2")});
    for (int i = 0; i < 8; i++)
        talk_open(&talks[i], &relay);
    assert_int_equal(relay_children(&relay, "shoal-relay", before, 4), 2);
    kill(before[0], SIGKILL);
    for (int i = 0; i < 8; i++) {
        ws_send_frame(&talks[i].ws, &(struct ws_frame){.opcode = WS_PING});
        struct ws_received frame;
        alive += ws_receive_frame(&talks[i].ws, &frame, wire_now_ms() + WIRE_WAIT_MS) == WS_MESSAGE;
        talk_close(&talks[i]);
    }
    assert_true(alive < 8);
    /* until there are two again */
    int64_t deadline_ms = wire_now_ms() + WIRE_WAIT_MS;
    while (relay_children(&relay, "shoal-relay", after, 4) < 2)
        assert_true(wire_now_ms() < deadline_ms);
    await_answers(&relay);
    static struct crowd crowd;
    join(&crowd, &relay, &relay, of_writers(180));
    publish(&crowd, 180, 1, "after");
    check(&crowd);
    leave(&crowd);
    relay_stop(&relay);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_processes), cmocka_unit_test(test_relays),
        cmocka_unit_test(test_migration_race), cmocka_unit_test(test_worker_dies)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
