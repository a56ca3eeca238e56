/* Databases are added and authors move among them while others write and read: each event reaches
 * every subscriber of two relays once, however often who moves them is killed.
 *
 *     relay_reshard [KILLS]
 */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/audience.h"
#include "tests/random.h"
#include "tests/sharded.h"
#include "tests/sql.h"
#include "tests/stage.h"

enum {
    KILLS = 2,
    RELAYS = 2,
    DATABASES = 3,
    READERS = 4,
    WRITERS = 2,
    EVENTS_MAX = 6000,
    BETWEEN_MAX = 60, /* events from the beginning of a move to its end by a signal */
    TRIES_MAX = 100,
    LOCK = 20261121, /* an advisory lock of this test */
    WRITER = 380,
    MOVED = 390,
};

static uint32_t kills = KILLS;
static struct pg pg;
static const char *databases[DATABASES];
static struct relay relays[RELAYS];

static int start(void **state)
{
    (void)state;
    random_start();
    pg_start(&pg);
    for (int i = 0; i < DATABASES; i++)
        databases[i] = sharded_database(&pg, scratch_format("reshard_%d", i));
    for (int i = 0; i < RELAYS; i++)
        relay_start(
            &relays[i],
            &(struct relay_setup){.database = databases[0],
                                  .schema = "shoal",
                                  .options = OPTIONS("limit_max=100000",
                                                     "outbox_bytes_max=67108864", "processes=2")});
    return 0;
}

static int stop(void **state)
{
    (void)state;
    for (int i = 0; i < RELAYS; i++)
        relay_stop(&relays[i]);
    pg_remove(&pg);
    scratch_clear();
    return 0;
}

/* PostgreSQL may still be busy with what the one that was killed had sent. */
static void run_again(const char *const *words)
{
    for (int i = 0; i < TRIES_MAX; i++) {
        struct program program;
        sharded_run(&program, databases[0], words);
        bool is_busy = strstr(program.err_text.at, "shards are being changed already") != NULL;
        if (program.status != 0 && !is_busy)
            fail_msg("shard %s: %s", words[0], program.err_text.at);
        program_clear(&program);
        if (!is_busy)
            return;
    }
    fail_msg("shard %s: shards are being changed for ever", words[0]);
}

/* True when it was killed before it had ended. */
static bool cut_short(const struct audience *audience, const char *const *words)
{
    struct program program;
    sharded_start(&program, databases[0], words);
    audience_await(audience, 1 + random_below(BETWEEN_MAX));
    kill(program.pid, SIGKILL);
    program_end(&program);
    bool is_cut = program.status == 128 + SIGKILL;
    program_clear(&program);
    return is_cut;
}

/* With it or without, in the middle of anything. */
static uint32_t change(const struct audience *audience, const char *const *words)
{
    uint32_t cuts = 0;
    for (uint32_t i = 0; i < kills; i++)
        cuts += cut_short(audience, words);
    run_again(words);
    return cuts;
}

static void test_under_load(void **state)
{
    (void)state;
    struct audience_setup setup = {.place_count = RELAYS,
                                   .readers = READERS,
                                   .writers = WRITERS,
                                   .events_max = EVENTS_MAX,
                                   .first_person = WRITER};
    uint32_t cuts = 0;
    for (int i = 0; i < RELAYS; i++)
        setup.places[i] = (struct audience_place){"127.0.0.1", relays[i].port};
    struct audience *audience = audience_new(&setup);
    audience_await(audience, BETWEEN_MAX);
    sharded_do(databases[0], SHARDED("add", databases[1]));
    cuts += change(audience, SHARDED("balance"));
    sharded_do(databases[0], SHARDED("add", databases[2]));
    cuts += change(audience, SHARDED("move", "0-1023", "2"));
    cuts += change(audience, SHARDED("balance"));
    cuts += change(audience, SHARDED("move", "0-1023", "0"));
    audience_await(audience, BETWEEN_MAX);
    struct audience_verdict verdict = audience_judge(audience);
    audience_free(audience);
    print_message("%u events acknowledged, %u moves killed, %d subscribers of %d processes, %u"
                  " connections: missed %u, doubled %u\n",
                  verdict.acknowledged, cuts, READERS, 2 * RELAYS, verdict.connections,
                  verdict.missed, verdict.doubled);
    assert_int_equal(verdict.missed, 0);
    assert_int_equal(verdict.doubled, 0);
    assert_true(cuts > 0);
    assert_int_equal(verdict.connections, READERS); /* nobody was turned away meanwhile */
    for (int i = 1; i < DATABASES; i++)
        assert_int_equal(sharded_count(databases[i],
                                       "SELECT count(*) FROM event WHERE created_at >= 0 AND"
                                       " kind NOT IN (5, 62)"),
                         0);
}

static void await_lock(PGconn *conn)
{
    for (bool is_there = false; !is_there;) {
        PGresult *result = sql(conn, scratch_format("SELECT count(*) FROM pg_locks WHERE locktype ="
                                                    " 'advisory' AND objid = %d AND NOT granted",
                                                    LOCK));
        is_there = strcmp(PQgetvalue(result, 0, 0), "1") == 0;
        PQclear(result);
    }
}

/* At the one place where authors are left waiting: their old home refuses them, and nobody is told
 * of the new one. What they publish is acknowledged once the move is run again. */
static void test_between(void **state)
{
    (void)state;
    struct talk talk;
    struct program program;
    const struct signer_event *before = SIGN(.person = MOVED, .kind = 1, .content = "before");
    const struct signer_event *after = SIGN(.person = MOVED, .kind = 1, .content = "after");
    const char *const *words = SHARDED("move", "0-1023", "1");
    PGconn *conn = PQconnectdb(databases[0]);
    talk_open(&talk, &relays[0]);
    talk_accept(&talk, before);
    sql_run(conn, "SET search_path TO shoal");
    sql_run(conn, scratch_format("SELECT pg_advisory_lock(%d)", LOCK));
    sql_run(conn,
            scratch_format("CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                           " IF EXISTS (SELECT FROM fence WHERE version > OLD.version) THEN"
                           "  PERFORM pg_advisory_lock(%d);"
                           " END IF; RETURN NEW; END $$;"
                           "CREATE TRIGGER wait BEFORE UPDATE ON route FOR EACH ROW EXECUTE"
                           " FUNCTION wait()",
                           LOCK));
    sharded_start(&program, databases[0], words);
    await_lock(conn);
    kill(program.pid, SIGKILL);
    program_end(&program);
    assert_int_equal(program.status, 128 + SIGKILL);
    program_clear(&program);
    sql_run(conn, scratch_format("SELECT pg_terminate_backend(pid, 10000) FROM pg_locks WHERE"
                                 " locktype = 'advisory' AND objid = %d AND NOT granted",
                                 LOCK));
    sql_run(conn, "DROP TRIGGER wait ON route; DROP FUNCTION wait");
    PQfinish(conn);

    talk_sayf(&talk, "[\"EVENT\",%s]", after->json);
    sharded_run(&program, databases[0], SHARDED("list"));
    assert_non_null(strstr(program.out_text.at, "a move was cut short: run it again"));
    program_clear(&program);
    run_again(words);
    const json_t *verdict = json_array_get(talk_await(&talk, "OK"), 2);
    if (!json_is_true(verdict))
        talk_accept(&talk, after); /* it took so long that it was told to try again */
    EXPECT(&talk, scratch_format("{\"ids\":[\"%s\"]}", after->id), after);
    EXPECT(&talk, scratch_format("{\"ids\":[\"%s\"]}", before->id), before);
    talk_close(&talk);
    assert_int_equal(
        sharded_count(databases[1],
                      "SELECT count(*) FROM event WHERE content IN ('before', 'after')"),
        2);
    assert_int_equal(
        sharded_count(databases[0],
                      "SELECT count(*) FROM event WHERE content IN ('before', 'after')"),
        0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_under_load),
                                       cmocka_unit_test(test_between)};
    if (argc == 2)
        kills = (uint32_t)strtoul(argv[1], NULL, 10);
    return cmocka_run_group_tests(tests, start, stop);
}
