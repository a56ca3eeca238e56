/* PostgreSQL goes away and comes back: what is said meanwhile, and that the relay heals itself. */
#include <signal.h>

#include "tests/fetch.h"
#include "tests/pg.h"
#include "tests/stage.h"

enum { PAST = 1700000000 };

static struct pg pg;

static int health(const struct relay *relay)
{
    return fetch(relay->port, "GET /health HTTP/1.1\r\n").status;
}

static void await_health(const struct relay *relay, int status)
{
    int64_t deadline_ms = wire_now_ms() + (int64_t)2 * WIRE_WAIT_MS;
    while (health(relay) != status)
        if (wire_now_ms() > deadline_ms)
            fail_msg("/health is not %d", status);
}

static const struct signer_event *note(uint32_t person, const char *content)
{
    return SIGN(.person = person, .kind = 1, .content = content, .created_at = PAST);
}

static void test_outage(void **state)
{
    struct relay relay;
    struct talk talk, listener;
    const char *mine = scratch_format("{\"authors\":[\"%s\"]}", signer_pubkey(190));
    const struct signer_event *before = note(190, "before"), *during = note(190, "during");
    (void)state;
    relay_start(&relay, &(struct relay_setup){.database = pg.conninfo});
    talk_open(&talk, &relay);
    talk_open(&listener, &relay);
    talk_subscribe(&listener, "live", mine);
    talk_accept(&talk, before);
    talk_await_event(&listener, "live", before);
    assert_int_equal(health(&relay), 200);

    pg_halt(&pg);
    talk_refuse(&talk, during, "error: ");
    talk_closed(&talk, scratch_format("[\"REQ\",\"s\",%s]", mine), "s", "error: ");
    talk_closed(&talk, scratch_format("[\"COUNT\",\"s\",%s]", mine), "s", "error: ");
    const struct signer_event *now = SIGN(.person = 190, .kind = 20000, .content = "ephemeral");
    talk_accept(&talk, now);
    talk_await_event(&listener, "live", now);
    talk_refuse(
        &talk,
        SIGN(.person = 190, .kind = 1, .content = "bent", .hashed_content = SPAN("straight")),
        "invalid: ");
    await_health(&relay, 503);
    struct talk newcomer;
    talk_open(&newcomer, &relay); /* the door is open */
    talk_close(&newcomer);

    pg_resume(&pg);
    await_health(&relay, 200);
    talk_accept(&talk, during);
    talk_await_event(&listener, "live", during); /* that subscription was there all the time */
    assert_int_equal(talk_count(&talk, mine), 2);
    talk_repeat(&talk, before);
    talk_is_quiet(&listener);
    talk_close(&listener);
    talk_close(&talk);
    relay_stop(&relay);
}

/* Events on their way when the database dies: OK true only for what is there afterwards. */
static void test_in_flight(void **state)
{
    enum { COUNT = 600 };
    static const struct signer_event *events[COUNT];
    static bool stored[COUNT];
    struct relay relay;
    struct talk talk;
    size_t accepted = 0;
    (void)state;
    relay_start(&relay, &(struct relay_setup){.database = pg.conninfo});
    talk_open(&talk, &relay);
    for (int i = 0; i < COUNT; i++) {
        events[i] = SIGN(.person = 191, .kind = 1, .created_at = PAST + i);
        talk_sayf(&talk, "[\"EVENT\",%s]", events[i]->json);
        if (i == COUNT / 2)
            pg_halt(&pg);
    }
    for (int i = 0; i < COUNT; i++) {
        const json_t *ok = talk_await(&talk, "OK");
        const char *id = json_string_value(json_array_get(ok, 1));
        int which = 0;
        while (strcmp(events[which]->id, id) != 0)
            which++;
        stored[which] = json_is_true(json_array_get(ok, 2));
        accepted += stored[which];
        if (!stored[which])
            assert_int_equal(strncmp(json_string_value(json_array_get(ok, 3)), "error: ", 7), 0);
    }
    assert_true(accepted < COUNT);
    pg_resume(&pg);
    await_health(&relay, 200);
    for (int i = 0; i < COUNT; i++)
        if (stored[i])
            talk_repeat(&talk, events[i]);
        else
            assert_true(talk_publish(&talk, events[i]).accepted);
    talk_close(&talk);
    relay_stop(&relay);
}

/* What is published until it is accepted; whatever else is said meanwhile is error: */
static void publish_until_accepted(struct talk *talk, const struct signer_event *event)
{
    int64_t deadline_ms = wire_now_ms() + WIRE_WAIT_MS;
    struct talk_answer answer = talk_publish(talk, event);
    while (!answer.accepted) {
        assert_int_equal(strncmp(answer.note, "error: ", 7), 0);
        assert_true(wire_now_ms() < deadline_ms);
        answer = talk_publish(talk, event);
    }
}

/* Reading has connections of its own, which may be back later than that for writing. */
static void await_reading(struct talk *talk)
{
    int64_t deadline_ms = wire_now_ms() + WIRE_WAIT_MS;
    const char *type = "";
    while (strcmp(type, "COUNT") != 0) {
        assert_true(wire_now_ms() < deadline_ms);
        talk_say(talk, "[\"COUNT\",\"c\",{\"kinds\":[999]}]");
        type = json_string_value(json_array_get(talk_hear(talk), 0));
    }
}

static void test_again_and_again(void **state)
{
    struct relay relay;
    struct talk talk;
    (void)state;
    relay_start(&relay, &(struct relay_setup){.database = pg.conninfo});
    talk_open(&talk, &relay);
    for (int round = 0; round < 3; round++) {
        pg_halt(&pg);
        pg_resume(&pg);
        const struct signer_event *event = note(192, scratch_format("round %d", round));
        publish_until_accepted(&talk, event);
        await_reading(&talk);
        EXPECT(&talk, scratch_format("{\"ids\":[\"%s\"]}", event->id), event);
    }
    talk_close(&talk);
    relay_stop(&relay);
}

/* A relay that starts before its database waits for it, and can be told to stop waiting. */
static void test_start_without_database(void **state)
{
    struct relay relay, impatient;
    struct talk talk;
    (void)state;
    pg_halt(&pg);
    relay_begin(&impatient, &(struct relay_setup){.database = pg.conninfo});
    relay_begin(&relay, &(struct relay_setup){.database = pg.conninfo});
    relay_await_log(&impatient, "the database cannot be reached");
    relay_stop(&impatient);
    pg_resume(&pg);
    relay_await_ready(&relay);
    talk_open(&talk, &relay);
    publish_until_accepted(&talk, note(194, "at last"));
    talk_close(&talk);
    relay_stop(&relay);
}

/* What one relay stored while the other was not yet listening again reaches it all the same. */
static void test_two_relays(void **state)
{
    enum { ROUNDS = 3, EACH = 20 };
    struct relay here, there;
    struct talk listener, talk;
    (void)state;
    relay_start(&here, &(struct relay_setup){.database = pg.conninfo});
    relay_start(&there, &(struct relay_setup){.database = pg.conninfo, .schema = here.schema});
    talk_open(&listener, &here);
    talk_open(&talk, &there);
    talk_subscribe(&listener, "live", scratch_format("{\"authors\":[\"%s\"]}", signer_pubkey(195)));
    for (int round = 0; round < ROUNDS; round++) {
        pg_halt(&pg);
        pg_resume(&pg);
        for (int i = 0; i < EACH; i++) {
            const struct signer_event *event = note(195, scratch_format("%d.%d", round, i));
            publish_until_accepted(&talk, event);
            talk_await_event(&listener, "live", event);
        }
    }
    await_reading(&listener);
    talk_is_quiet(&listener);
    talk_close(&listener);
    talk_close(&talk);
    relay_stop(&there);
    relay_stop(&here);
}

/* Its own cluster, killed: started again by the relay. */
static void test_own_cluster(void **state)
{
    struct relay relay;
    struct talk talk;
    pid_t postgres;
    const char *folder = relay_new_folder();
    const struct signer_event *before = note(193, "before"), *after = note(193, "after");
    (void)state;
    relay_start(&relay, &(struct relay_setup){.database = "", .data_dir = folder});
    talk_open(&talk, &relay);
    talk_accept(&talk, before);
    assert_int_equal(relay_children(&relay, "postgres", &postgres, 1), 1);
    kill(postgres, SIGKILL);
    await_health(&relay, 503);
    await_health(&relay, 200);
    EXPECT(&talk, scratch_format("{\"ids\":[\"%s\"]}", before->id), before);
    talk_accept(&talk, after);
    talk_close(&talk);
    relay_stop(&relay);

    relay_start(&relay, &(struct relay_setup){.database = "", .data_dir = folder});
    talk_open(&talk, &relay);
    talk_repeat(&talk, before);
    talk_repeat(&talk, after);
    talk_close(&talk);
    relay_stop(&relay);
    relay_remove_folder(folder);
}

static int start_database(void **state)
{
    (void)state;
    pg_start(&pg);
    return 0;
}

static int remove_database(void **state)
{
    (void)state;
    pg_remove(&pg);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_outage),          cmocka_unit_test(test_in_flight),
        cmocka_unit_test(test_again_and_again), cmocka_unit_test(test_two_relays),
        cmocka_unit_test(test_own_cluster),     cmocka_unit_test(test_start_without_database)};
    return cmocka_run_group_tests(tests, start_database, remove_database);
}
