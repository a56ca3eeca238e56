/* What an operator decides holds on every shard, in every relay: bans and what they purge, how long
 * events are kept, and the numbers that the console shows. Two databases, two relays. */
#include <stdlib.h>

#include "tests/manage.h"
#include "tests/sharded.h"
#include "tests/sql.h"
#include "tests/stage.h"

enum {
    SHARDS = 2,
    BANNED = 2 * SHARDS,
    RELAYS = 2,
    OPERATOR = 500,
    PEOPLE = 12,
    FIRST_PERSON = 520,
    NOTES = 3, /* of each */
};

static struct pg pg;
static const char *databases[SHARDS];
static struct relay relays[RELAYS];
static struct talk talks[RELAYS];

static void open_relays(const char *option)
{
    for (int i = 0; i < RELAYS; i++) {
        relay_start(&relays[i], &(struct relay_setup){
                                    .database = databases[0],
                                    .schema = "shoal",
                                    .options = OPTIONS(
                                        scratch_format("admin_pubkeys=%s", signer_pubkey(OPERATOR)),
                                        "processes=1", option)});
        talk_open(&talks[i], &relays[i]);
    }
}

static void close_relays(void)
{
    for (int i = 0; i < RELAYS; i++) {
        talk_close(&talks[i]);
        relay_stop(&relays[i]);
    }
}

static const char *of(uint32_t person)
{
    return scratch_format("{\"authors\":[\"%s\"]}", signer_pubkey(person));
}

static const char *stored_of(uint32_t person)
{
    return scratch_format("SELECT count(*) FROM event WHERE pubkey = '\\x%s'",
                          signer_pubkey(person));
}

/* By one relay; both have seen it. */
static const struct signer_event *accept(const struct signer_event *event)
{
    talk_accept(&talks[0], event);
    for (int64_t deadline_ms = wire_now_ms() + WIRE_WAIT_MS;
         talk_count(&talks[1], scratch_format("{\"ids\":[\"%s\"]}", event->id)) == 0;)
        assert_true(wire_now_ms() < deadline_ms);
    return event;
}

/* Somebody whose events are on that shard. */
static uint32_t resident(uint32_t shard)
{
    for (uint32_t i = 0; i < PEOPLE; i++)
        if (sharded_count(databases[shard], stored_of(FIRST_PERSON + i)) > 0)
            return FIRST_PERSON + i;
    fail_msg("nobody lives on shard %u", shard);
    return 0;
}

static void await_count(const char *filter, int64_t count)
{
    for (int i = 0; i < RELAYS; i++)
        for (int64_t deadline_ms = wire_now_ms() + WIRE_WAIT_MS;
             talk_count(&talks[i], filter) != count ||
             talk_find(&talks[i], filter).count != (size_t)count;)
            if (wire_now_ms() > deadline_ms)
                fail_msg("relay %d: %s is not %lld", i, filter, (long long)count);
}

/* What they send to the other relay is refused, from some moment on. */
static void await_refusal(uint32_t person, const char *why)
{
    const struct signer_event *event;
    struct talk_answer answer;
    int64_t deadline_ms = wire_now_ms() + WIRE_WAIT_MS;
    do {
        event = SIGN(.person = person, .kind = 20001,
                     .content = scratch_format("%lld", (long long)wire_now_ms()));
        answer = talk_publish(&talks[1], event);
        assert_true(wire_now_ms() < deadline_ms);
    } while (answer.accepted);
    if (strncmp(answer.note, why, strlen(why)) != 0)
        fail_msg("%s", answer.note);
}

static int64_t at(json_t *object, const char *key)
{
    json_t *number = json_object_get(object, key);
    if (!json_is_integer(number))
        fail_msg("no number %s", key);
    return json_integer_value(number);
}

static int64_t kind_count(json_t *stored, uint32_t kind)
{
    json_t *kinds = json_object_get(stored, "kinds");
    for (size_t i = 0; i < json_array_size(kinds); i++)
        if (at(json_array_get(kinds, i), "kind") == kind)
            return at(json_array_get(kinds, i), "count");
    return 0;
}

static void ask_stats(json_t **stored, json_t **all)
{
    json_t *result = manage_result(relays[0].port, OPERATOR, "showstats", "[]");
    *stored = json_object_get(result, "stored");
    *all = json_object_get(*stored, "databases");
    assert_int_equal(json_array_size(*all), SHARDS);
}

/* The numbers are of all shards; deletions, which are on each, count once. */
static void test_numbers(void **state)
{
    json_t *stored, *all;
    const struct signer_event *last = NULL;
    (void)state;
    open_relays("window_bytes_max=67108864");
    for (uint32_t i = 0; i < NOTES * PEOPLE; i++)
        last = accept(SIGN(.person = FIRST_PERSON + i % PEOPLE, .kind = 1,
                           .content = scratch_format("note %u", i)));
    for (uint32_t i = 0; i < 2; i++)
        accept(SIGN(.person = FIRST_PERSON + i, .kind = 5,
                    .tags = scratch_format("[[\"e\",\"%s\"]]", signer_pubkey(i))));
    ask_stats(&stored, &all);
    assert_int_equal(at(stored, "events"), NOTES * PEOPLE + 2);
    assert_int_equal(kind_count(stored, 1), NOTES * PEOPLE);
    assert_int_equal(kind_count(stored, 5), 2);
    assert_true(at(stored, "since") <= last->created_at);
    json_t *people = json_object_get(stored, "pubkeys");
    assert_int_equal(json_array_size(people), PEOPLE);
    assert_int_equal(at(json_array_get(people, 0), "count"), NOTES + 1);
    assert_int_equal(at(json_array_get(people, PEOPLE - 1), "count"), NOTES);
    for (size_t i = 0; i < SHARDS; i++) {
        json_t *database = json_array_get(all, i);
        const char *name = json_string_value(json_object_get(database, "name"));
        assert_string_equal(name, scratch_format("ruled_%zu.shoal", i));
        assert_true(at(database, "bytes") > 0 && at(database, "connections") > 0);
    }
    close_relays();
}

static void test_bans(void **state)
{
    (void)state;
    open_relays("window_bytes_max=67108864");
    for (uint32_t shard = 0; shard < SHARDS; shard++) {
        uint32_t bad = resident(shard);
        const char *named = scratch_format("[\"%s\"]", signer_pubkey(bad));
        const struct signer_event *one = accept(SIGN(.person = bad, .kind = 1, .content = "one"));
        await_count(of(bad), talk_count(&talks[0], of(bad)));
        manage_do(relays[0].port, OPERATOR, "banevent", scratch_format("[\"%s\"]", one->id));
        await_count(scratch_format("{\"ids\":[\"%s\"]}", one->id), 0);
        int64_t others = talk_count(&talks[0], "{}") - talk_count(&talks[0], of(bad));
        assert_true(talk_count(&talks[0], of(bad)) >= NOTES);
        manage_do(relays[0].port, OPERATOR, "banpubkey", named);
        await_count(of(bad), 0);
        await_count("{}", others);
        for (uint32_t i = 0; i < SHARDS; i++)
            assert_int_equal(sharded_count(databases[i], stored_of(bad)), 0);
        await_refusal(bad, "blocked: this key is banned");
        talk_refuse(&talks[1], one, "blocked: ");
        manage_do(relays[1].port, OPERATOR, "unbanpubkey", named);
    }
    close_relays();
    open_relays("window_bytes_max=0"); /* the databases say the same */
    await_count("{\"kinds\":[1]}", (int64_t)NOTES * (PEOPLE - SHARDS));
    close_relays();
}

static const char *planned(void)
{
    return "SELECT count(*) FROM control WHERE list = 'purge'";
}

/* Who ended before what is banned had gone: the next one does it, and then it is not planned on. */
static void test_bans_resumed(void **state)
{
    const char *bad[SHARDS];
    (void)state;
    for (uint32_t i = 0; i < SHARDS; i++) {
        bad[i] = signer_pubkey(resident(i));
        PGconn *conn = PQconnectdb(databases[0]);
        sql_run(conn, scratch_format("INSERT INTO shoal.control VALUES"
                                     " ('pubkey', '%s', false, '', '', 0),"
                                     " ('purge', 'pubkey %s', false, '', '', 0)",
                                     bad[i], bad[i]));
        PQfinish(conn);
    }
    assert_true(sharded_count(databases[0], planned()) >= SHARDS);
    open_relays("window_bytes_max=67108864");
    await_count("{\"kinds\":[1]}", (int64_t)NOTES * (PEOPLE - BANNED));
    for (int64_t deadline_ms = wire_now_ms() + WIRE_WAIT_MS;
         sharded_count(databases[0], planned()) > 0;)
        assert_true(wire_now_ms() < deadline_ms);
    for (uint32_t i = 0; i < SHARDS; i++)
        manage_do(relays[i].port, OPERATOR, "unbanpubkey", scratch_format("[\"%s\"]", bad[i]));
    close_relays();
}

/* What is past its age goes on each shard, and from each relay's memory. */
static void test_retention(void **state)
{
    static const char *const stored = "SELECT count(*) FROM event WHERE kind = 20";
    int64_t now = signer_now(), there = 0;
    (void)state;
    open_relays("retention_kinds=20=5s 1=0");
    for (uint32_t i = 0; i < 2 * PEOPLE; i++)
        accept(SIGN(.person = FIRST_PERSON + i % PEOPLE, .kind = 20,
                    .created_at = i < PEOPLE ? now + 600 : now + 10));
    await_count("{\"kinds\":[20]}", PEOPLE);
    await_count("{\"kinds\":[1]}", (int64_t)NOTES * (PEOPLE - BANNED));
    for (uint32_t i = 0; i < SHARDS; i++) {
        int64_t count = sharded_count(databases[i], stored);
        assert_true(count > 0 && count < PEOPLE);
        there += count;
    }
    assert_int_equal(there, PEOPLE);
    close_relays();
}

/* One that is away is said to be, and the numbers are of the others. */
static void test_shard_away(void **state)
{
    json_t *stored, *all;
    (void)state;
    open_relays("window_bytes_max=0");
    PGconn *conn = PQconnectdb(pg.conninfo);
    sql_run(conn, "ALTER DATABASE ruled_1 ALLOW_CONNECTIONS false");
    sql_run(conn, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                  " WHERE datname = 'ruled_1'");
    ask_stats(&stored, &all);
    assert_true(at(stored, "events") > 0);
    assert_null(json_object_get(json_array_get(all, 0), "error"));
    assert_string_equal(json_string_value(json_object_get(json_array_get(all, 1), "error")),
                        "does not answer");
    sql_run(conn, "ALTER DATABASE ruled_1 ALLOW_CONNECTIONS true");
    PQfinish(conn);
    close_relays();
}

static int stop(void **state)
{
    (void)state;
    manage_clear();
    pg_remove(&pg);
    scratch_clear();
    return 0;
}

static int start(void **state)
{
    (void)state;
    pg_start(&pg);
    for (int i = 0; i < SHARDS; i++)
        databases[i] = sharded_database(&pg, scratch_format("ruled_%d", i));
    sharded_do(databases[0], SHARDED("add", databases[1]));
    sharded_do(databases[0], SHARDED("balance"));
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_numbers), cmocka_unit_test(test_bans),
                                       cmocka_unit_test(test_bans_resumed),
                                       cmocka_unit_test(test_retention),
                                       cmocka_unit_test(test_shard_away)};
    return cmocka_run_group_tests(tests, start, stop);
}
