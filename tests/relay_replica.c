/* Reads on a streaming standby: as from the primary, whatever becomes of the standby. */
#include <stdlib.h>

#include "tests/fetch.h"
#include "tests/pg.h"
#include "tests/sharded.h"
#include "tests/sql.h"
#include "tests/stage.h"

enum { PAST = 1700000000, ROUNDS = 24, WIDTH = 6 };

static struct pg primary, standby;
static struct relay relay;
static struct talk writer, reader;

static const char *ask(const struct pg *pg, const char *query)
{
    PGconn *conn = PQconnectdb(pg->conninfo);
    assert_int_equal(PQstatus(conn), CONNECTION_OK);
    PGresult *result = sql(conn, query);
    const char *answer =
        PQntuples(result) > 0 ? scratch_format("%s", PQgetvalue(result, 0, 0)) : "";
    PQclear(result);
    PQfinish(conn);
    return answer;
}

static long number(const struct pg *pg, const char *query)
{
    return strtol(ask(pg, query), NULL, 10);
}

static long metric(const char *name)
{
    struct fetch_answer answer = fetch(relay.port, "GET /metrics HTTP/1.1\r\n");
    const char *line = strstr(answer.body, scratch_format("\nshoal_relay_%s ", name));
    assert_non_null(line);
    return strtol(strchr(line, ' '), NULL, 10);
}

/* The primary acknowledges alone again. */
static void start_standby(struct pg *pg)
{
    pg_start_standby(pg, &primary);
    ask(&primary, "ALTER SYSTEM RESET synchronous_standby_names");
    ask(&primary, "SELECT pg_reload_conf()");
}

static void await_replica(void)
{
    long before = metric("pages_replica_total");
    while (metric("pages_replica_total") == before)
        talk_expect_none(&reader, "{\"kinds\":[9999]}");
}

static void start_relay(const char *database, const char *schema, const char *database_read)
{
    const char *read = scratch_format("database_read=%s", database_read);
    relay_start(&relay, &(struct relay_setup){.database = database,
                                              .schema = schema,
                                              .options = OPTIONS(read, "window_bytes_max=0",
                                                                 "limit_max=100000",
                                                                 "subscriptions_max=1000")});
    talk_open(&writer, &relay);
    talk_open(&reader, &relay);
    await_replica();
}

static void stop_relay(void)
{
    talk_close(&writer);
    talk_close(&reader);
    relay_stop(&relay);
}

static int open_all(void **state)
{
    (void)state;
    pg_start(&primary);
    start_standby(&standby);
    start_relay(primary.conninfo, NULL, standby.conninfo);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    pg_remove(&standby);
    pg_remove(&primary);
    return 0;
}

/* What a bad day does to the standby, step by step; all is well before and after. */
static void afflict(int round)
{
    if (round == 6)
        ask(&standby, "SELECT pg_wal_replay_pause()");
    else if (round == 12)
        ask(&standby, "SELECT pg_wal_replay_resume()");
    else if (round == 15)
        pg_halt(&standby);
    else if (round == 18)
        pg_resume(&standby);
    else if (round == 21)
        await_replica();
}

/* PostgreSQL itself says who did the work. */
static void test_primary_is_spared(void **state)
{
    static const char scans[] = "SELECT coalesce(sum(idx_scan), 0) FROM pg_stat_all_indexes"
                                " WHERE indexrelname = 'event_author'";
    enum { PAGES = 200, SCANS_MAX = 4 /* for a page */, SCANS_OTHER = 20 };
    (void)state;
    for (int i = 0; i < 20; i++)
        talk_accept(&writer, SIGN(.person = 760, .kind = 1, .created_at = PAST + i));
    await_replica();
    const char *filter = scratch_format("{\"authors\":[\"%s\"]}", signer_pubkey(760));
    long asked = metric("pages_database_total"), answered = metric("pages_replica_total");
    long here = number(&primary, scans), there = number(&standby, scans);
    while (metric("pages_replica_total") - answered < PAGES)
        assert_int_equal(talk_find(&reader, filter).count, 20);
    asked = metric("pages_database_total") - asked;
    answered = metric("pages_replica_total") - answered;
    while (number(&standby, scans) - there < answered) /* counted a while later */
        talk_is_alive(&reader);
    here = number(&primary, scans) - here;
    there = number(&standby, scans) - there;
    print_message("%ld pages, %ld of them by the standby: %ld scans of events there, %ld on the "
                  "primary\n",
                  asked, answered, there, here);
    assert_true(here <= SCANS_MAX * (asked - answered) + SCANS_OTHER);
}

static void test_own_writes(void **state)
{
    const char *all = scratch_format("{\"authors\":[\"%s\"]}", signer_pubkey(761));
    const struct signer_event *events[ROUNDS * WIDTH];
    size_t count = 0;
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        afflict(round);
        for (int i = 0; i < WIDTH; i++) {
            const struct signer_event *event =
                SIGN(.person = 761, .kind = 1, .created_at = PAST + round * WIDTH + i);
            memmove(&events[1], &events[0], count * sizeof(struct signer_event *));
            events[0] = event;
            count++;
            talk_accept(&writer, event);
            EXPECT(&reader, scratch_format("{\"ids\":[\"%s\"]}", event->id), event);
        }
        talk_expect(&reader, all, events, count);
        assert_int_equal(talk_count(&reader, all), (int64_t)count);
        talk_accept(&writer, SIGN(.person = 761, .kind = 5, .created_at = PAST - 1,
                                  .tags = scratch_format("[[\"e\",\"%s\"]]", events[0]->id)));
        talk_accept(&writer, SIGN(.person = 762, .kind = 0, .created_at = PAST + round));
        talk_expect_none(&reader, scratch_format("{\"ids\":[\"%s\"]}", events[0]->id));
        assert_int_equal(
            talk_find(&reader, scratch_format("{\"authors\":[\"%s\"]}", signer_pubkey(762))).count,
            1);
        memmove(&events[0], &events[1], --count * sizeof(struct signer_event *));
        all = scratch_format("{\"authors\":[\"%s\"],\"kinds\":[1]}", signer_pubkey(761));
    }
}

/* Of WIDTH events around a REQ each comes once, stored or live. */
static void expect_each_once(const struct signer_event *const *events)
{
    int seen[WIDTH] = {0};
    bool is_over = false;
    for (int found = 0; found < WIDTH || !is_over;) {
        const json_t *message = talk_hear(&reader);
        const char *type = json_string_value(json_array_get(message, 0));
        if (strcmp(type, "EOSE") == 0) {
            is_over = true;
            continue;
        }
        assert_string_equal(type, "EVENT");
        const char *id = json_string_value(json_object_get(json_array_get(message, 2), "id"));
        int i = 0;
        while (i < WIDTH && strcmp(events[i]->id, id) != 0)
            i++;
        assert_in_range(i, 0, WIDTH - 1);
        assert_int_equal(seen[i]++, 0);
        found++;
    }
    talk_is_quiet(&reader);
}

static void test_seam(void **state)
{
    (void)state;
    for (int round = 0; round < 4 * ROUNDS; round++) {
        const struct signer_event *events[WIDTH];
        const char *tags = scratch_format("[[\"t\",\"round %d\"]]", round);
        if (round % 4 == 0)
            afflict(round / 4);
        for (int i = 0; i < WIDTH; i++)
            events[i] =
                SIGN(.person = 763, .kind = 1, .tags = tags, .content = scratch_format("%d", i));
        for (int i = 0; i < WIDTH; i++) {
            talk_sayf(&writer, "[\"EVENT\",%s]", events[i]->json);
            if (i == round % WIDTH)
                talk_sayf(&reader, "[\"REQ\",\"seam\",{\"#t\":[\"round %d\"]}]", round);
        }
        for (int i = 0; i < WIDTH; i++)
            talk_await_true(&writer);
        expect_each_once(events);
        talk_say(&reader, "[\"CLOSE\",\"seam\"]");
    }
}

/* An answer of many pages, some of them from the standby and some not. */
static void test_many_pages(void **state)
{
    enum { EVENTS = 1300 };
    static const struct signer_event *events[EVENTS]; /* newest first */
    const char *filter =
        scratch_format("{\"authors\":[\"%s\"],\"limit\":5000}", signer_pubkey(764));
    (void)state;
    for (int i = 0; i < EVENTS; i++) {
        events[i] = SIGN(.person = 764, .kind = 1, .created_at = PAST + 2 * (EVENTS - i));
        talk_sayf(&writer, "[\"EVENT\",%s]", events[i]->json);
    }
    for (int i = 0; i < EVENTS; i++)
        talk_await_true(&writer);
    for (int round = 0; round < ROUNDS; round++) {
        afflict(round);
        talk_sayf(&writer, "[\"REQ\",\"busy\",%s]", filter);
        if (round < 6) /* as a conflict with the recovery does */
            ask(&standby, "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity"
                          " WHERE application_name = 'shoal-relay'");
        else if (round == 14)
            pg_halt(&standby); /* in the middle */
        talk_expect(&reader, filter, events, EVENTS);
        talk_accept(&reader, SIGN(.person = 765, .kind = 1, .created_at = PAST + round));
        for (int i = 0; i < EVENTS; i++)
            assert_ptr_not_equal(talk_await(&writer, "EVENT"), NULL);
        talk_await(&writer, "EOSE");
        talk_say(&writer, "[\"CLOSE\",\"busy\"]");
    }
}

/* A shard elsewhere has standbys of its own. */
static void test_shard(void **state)
{
    enum { EVENTS = 20 };
    struct pg first;
    struct program list;
    (void)state;
    stop_relay();
    pg_start(&first);
    sharded_do(first.conninfo, SHARDED("add", primary.conninfo, "shoal_b"));
    sharded_do(first.conninfo, SHARDED("move", "0-1023", "1"));
    sharded_do(first.conninfo, SHARDED("read", "1", standby.conninfo));
    sharded_run(&list, first.conninfo, SHARDED("list"));
    assert_non_null(strstr(list.out_text.at, "schema=shoal_b  read from: "));
    program_clear(&list);
    start_relay(first.conninfo, "shoal", "");
    for (int i = 0; i < EVENTS; i++)
        talk_accept(&writer, SIGN(.person = 768, .kind = 1, .created_at = PAST + i));
    const char *filter = scratch_format("{\"authors\":[\"%s\"]}", signer_pubkey(768));
    assert_int_equal(talk_find(&reader, filter).count, EVENTS);
    await_replica();
    long answered = metric("pages_replica_total");
    while (metric("pages_replica_total") == answered)
        assert_int_equal(talk_find(&reader, filter).count, EVENTS);
    stop_relay();
    pg_remove(&first);
    start_relay(primary.conninfo, NULL, standby.conninfo);
}

/* After a fail-over. */
static void await_reading(void)
{
    while (fetch(relay.port, "GET /health HTTP/1.1\r\n").status != 200)
        ;
    const char *type = "";
    while (strcmp(type, "EOSE") != 0) {
        talk_say(&reader, "[\"REQ\",\"again\",{\"kinds\":[9999]}]");
        type = json_string_value(json_array_get(talk_hear(&reader), 0));
    }
    talk_say(&reader, "[\"CLOSE\",\"again\"]");
}

/* The relay asks how far the log is, which it does now and then, and once the last time is over. */
static void await_probe(const struct pg *pg)
{
    const char *query = scratch_format("SELECT count(*) FROM pg_stat_activity WHERE pid <>"
                                       " pg_backend_pid() AND query LIKE '%%wal_flush_lsn%%'"
                                       " AND query_start > '%s'",
                                       ask(pg, "SELECT clock_timestamp()"));
    while (number(pg, query) == 0)
        talk_is_alive(&reader);
}

/* It has more of the log than the one that is promoted, and none of what comes after. */
static void test_left_behind(void **state)
{
    struct pg other;
    const struct signer_event *event;
    (void)state;
    stop_relay();
    start_standby(&other);
    start_relay(scratch_format("host=%s,%s user=postgres dbname=postgres "
                               "target_session_attrs=read-write",
                               primary.directory, other.directory),
                NULL, standby.conninfo);
    pg_halt(&other);
    const char *content = scratch_repeat("x", 20000, "");
    for (int i = 0; i < 100; i++)
        talk_accept(&writer,
                    SIGN(.person = 766, .kind = 1, .created_at = PAST + i, .content = content));
    await_replica(); /* it has them */
    pg_halt(&primary);
    pg_resume(&other);
    pg_promote(&other);
    await_reading();
    await_probe(&other);
    await_probe(&other);
    long answered = metric("pages_replica_total");
    for (int i = 0; i < 10; i++) {
        event = SIGN(.person = 767, .kind = 1, .created_at = PAST + i);
        talk_accept(&writer, event);
        EXPECT(&reader, scratch_format("{\"ids\":[\"%s\"]}", event->id), event);
    }
    assert_int_equal(metric("pages_replica_total"), answered);
    const char *place = ask(&other, "SELECT pg_current_wal_lsn()");
    assert_string_equal(
        ask(&standby, scratch_format("SELECT pg_last_wal_replay_lsn() > '%s'", place)), "t");
    stop_relay();
    pg_remove(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_primary_is_spared),
                                       cmocka_unit_test(test_own_writes),
                                       cmocka_unit_test(test_seam),
                                       cmocka_unit_test(test_many_pages),
                                       cmocka_unit_test(test_shard),
                                       cmocka_unit_test(test_left_behind)};
    return cmocka_run_group_tests(tests, open_all, close_all);
}
