/* A copy of the whole server taken while events are written, and its log kept: it comes back as it
 * was at a moment between an acknowledgement and a mistake, and clients repeat what it lacks. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/pg.h"
#include "tests/sql.h"
#include "tests/stage.h"

enum { BEFORE = 200, DURING = 1000, SINCE = 200, AFTER = 50, PAST = 1700000000 };
enum { PATIENCE_MS = 30000, LOOK_MS = 20 };
enum person { EARLY = 310, MEANWHILE, LATE, MISTAKEN, GONE };

static const char *by(uint32_t person, const char *more)
{
    return scratch_format("{\"authors\":[\"%s\"]%s}", signer_pubkey(person), more);
}

static const struct signer_event *note(uint32_t person, int n)
{
    return SIGN(.person = person, .kind = 1, .created_at = PAST + n);
}

static void say(struct talk *talk, uint32_t person, int count)
{
    for (int i = 0; i < count; i++)
        talk_sayf(talk, "[\"EVENT\",%s]", note(person, i)->json);
}

static void await_all(struct talk *talk, int count)
{
    for (int i = 0; i < count; i++)
        talk_await_true(talk);
}

static const char *ask(PGconn *conn, const char *text)
{
    PGresult *result = sql(conn, text);
    const char *answer = scratch_format("%s", PQgetvalue(result, 0, 0));
    PQclear(result);
    return answer;
}

/* PostgreSQL tells nobody when it has. */
static void await_archived(PGconn *conn)
{
    const char *file = ask(conn, "SELECT pg_walfile_name(pg_switch_wal())");
    int64_t deadline_ms = wire_now_ms() + PATIENCE_MS;
    const char *question = scratch_format(
        "SELECT coalesce(last_archived_wal >= '%s', false) FROM pg_stat_archiver", file);
    while (strcmp(ask(conn, question), "t") != 0) {
        if (wire_now_ms() > deadline_ms)
            fail_msg("not kept: %s", file);
        poll(NULL, 0, LOOK_MS);
    }
}

/* Returns the moment to come back to. */
static const char *live_and_err(const struct pg *pg, const struct relay *relay)
{
    struct talk talk;
    talk_open(&talk, relay);
    say(&talk, EARLY, BEFORE);
    await_all(&talk, BEFORE);
    say(&talk, MEANWHILE, DURING); /* on their way, while */
    pg_back_up(pg);
    await_all(&talk, DURING);
    say(&talk, LATE, SINCE);
    say(&talk, MISTAKEN, 1);
    await_all(&talk, SINCE + 1);

    PGconn *conn = PQconnectdb(pg->conninfo);
    const char *moment = ask(conn, "SELECT clock_timestamp()");
    talk_accept(&talk, SIGN(.person = MISTAKEN, .kind = 5, .created_at = PAST + 1,
                            .tags = scratch_format("[[\"e\",\"%s\"]]", note(MISTAKEN, 0)->id)));
    say(&talk, GONE, AFTER);
    await_all(&talk, AFTER);
    assert_int_equal(talk_count(&talk, by(MISTAKEN, ",\"kinds\":[1]")), 0);
    await_archived(conn);
    PQfinish(conn);
    talk_close(&talk);
    return moment;
}

static void check_count(struct talk *talk, uint32_t person, int count)
{
    assert_int_equal(talk_count(talk, by(person, "")), count);
    assert_int_equal(talk_find(talk, by(person, ",\"limit\":5000")).count, count);
}

static void check_restored(const struct relay *relay)
{
    struct talk talk, listener;
    talk_open(&talk, relay);
    talk_open(&listener, relay);
    check_count(&talk, EARLY, BEFORE);
    check_count(&talk, MEANWHILE, DURING);
    check_count(&talk, LATE, SINCE);
    check_count(&talk, GONE, 0);
    EXPECT(&talk, by(MISTAKEN, ""), note(MISTAKEN, 0));

    talk_subscribe(&listener, "live", by(GONE, ""));
    for (int i = 0; i < AFTER; i++) {
        talk_accept(&talk, note(GONE, i));
        talk_await_event(&listener, "live", note(GONE, i));
    }
    talk_is_quiet(&listener);
    check_count(&talk, GONE, AFTER);
    talk_repeat(&talk, note(LATE, 0));
    talk_close(&listener);
    talk_close(&talk);
}

static void test_point_in_time(void **state)
{
    struct pg pg, restored;
    struct relay relay;
    (void)state;
    pg_start(&pg);
    pg_archive(&pg);
    struct relay_setup setup = {.database = pg.conninfo,
                                .options = OPTIONS("outbox_bytes_max=67108864")};
    relay_start(&relay, &setup);
    const char *moment = live_and_err(&pg, &relay);
    setup.schema = scratch_format("%s", relay.schema);
    relay_stop(&relay);
    pg_halt(&pg);

    pg_start_restored(&restored, &pg, moment);
    setup.database = restored.conninfo;
    relay_start(&relay, &setup);
    check_restored(&relay);
    relay_stop(&relay);
    pg_remove(&restored);
    pg_remove(&pg);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_point_in_time)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
