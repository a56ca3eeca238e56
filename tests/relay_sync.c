/* shoal-relay sync: two real relays, made equal; whatever one of them does not speak or is too busy
 * for. */
#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/text.h"
#include "tests/program.h"
#include "tests/relay.h"
#include "tests/scratch.h"
#include "tests/signer.h"
#include "tests/talk.h"
#include "tests/test.h"

enum { PAST = 1700000000 };

#define ARGUMENTS(...) ((const char *const[]){__VA_ARGS__, NULL})

static struct relay here, there;

static const char *database_flag(void)
{
    return scratch_format("--database=%s", getenv("TEST_DB")); // NOLINT(concurrency-mt-unsafe)
}

static const char *schema_flag(const struct relay *relay)
{
    return scratch_format("--schema=%s", relay->schema);
}

static const char *url_of(const struct relay *relay)
{
    return scratch_format("ws://127.0.0.1:%u", relay->port);
}

/* What a relay has, a line each. */
static const char *all_of(const struct relay *relay)
{
    struct program program;
    program_run(&program, SPAN(""),
                ARGUMENTS("export", "--config=/dev/null", database_flag(), schema_flag(relay)));
    assert_int_equal(program.status, 0);
    const char *lines = scratch_format("%s", program.out_text.at);
    program_clear(&program);
    return lines;
}

static size_t count_of(const struct relay *relay)
{
    size_t count = 0;
    for (const char *at = all_of(relay); (at = strchr(at, '\n')) != NULL; at++)
        count++;
    return count;
}

/* Runs it here, against the other. */
static void sync_with(const char *direction, const char *filter, int status, const char *words)
{
    struct program program;
    program_run(&program, SPAN(""),
                ARGUMENTS("sync", "--config=/dev/null", database_flag(), schema_flag(&here),
                          direction, url_of(&there), filter));
    if (program.status != status || strstr(program.err_text.at, words) == NULL)
        fail_msg("status %d: %s", program.status, program.err_text.at);
    program_clear(&program);
}

/* Events first to end - 1 of a person, three a second. */
static void publish(const struct relay *relay, uint32_t person, int first, int end)
{
    struct talk talk;
    talk_open(&talk, relay);
    for (int i = first; i < end; i++)
        talk_sayf(&talk, "[\"EVENT\",%s]",
                  SIGN(.person = person, .kind = 1, .created_at = PAST + i / 3,
                       .content = scratch_format("%d", i))
                      ->json);
    for (int i = first; i < end; i++)
        talk_await_true(&talk);
    talk_close(&talk);
}

static void begin(const char *const *options)
{
    const struct relay_setup setup = {.options = options};
    relay_start(&here, &(struct relay_setup){0});
    relay_start(&there, &setup);
}

static void end(void)
{
    relay_stop(&here);
    relay_stop(&there);
    scratch_clear();
}

static void test_directions(void **state)
{
    (void)state;
    begin(NULL);
    publish(&here, 1, 0, 250);
    publish(&there, 1, 150, 400);
    sync_with("--down", NULL, 0, "received 150 new, 0 known, 0 older, 0 deleted, 0 left out");
    assert_int_equal(count_of(&here), 400);
    assert_int_equal(count_of(&there), 250);
    sync_with("--up", NULL, 0, "sent 150 new, 0 known, 0 refused, 0 kept back");
    assert_string_equal(all_of(&here), all_of(&there));

    publish(&here, 2, 0, 40);
    publish(&there, 2, 20, 60);
    publish(&there, 3, 0, 10);
    const char *filter = scratch_format("{\"authors\":[\"%s\"]}", signer_pubkey(2));
    sync_with("--both", filter, 0, "sent 20 new");
    assert_int_equal(count_of(&here), 460);
    assert_int_equal(count_of(&there), 470);
    sync_with("--both", NULL, 0, "received 10 new");
    assert_string_equal(all_of(&here), all_of(&there));
    sync_with("--both", NULL, 0, "received 0 new");
    end();
}

/* One that reconciles nothing, or not so much, is paged through; pages overlap and are short. */
static void test_without_nip77(void **state)
{
    (void)state;
    begin(OPTIONS("negentropy_records_max=0", "limit_max=20", "limit_default=20"));
    publish(&here, 1, 0, 150);
    publish(&there, 1, 90, 260);
    sync_with("--both", NULL, 0, "sent 90 new, 0 known, 0 refused, 0 kept back");
    assert_int_equal(count_of(&here), 260);
    assert_string_equal(all_of(&here), all_of(&there));
    end();

    begin(OPTIONS("negentropy_records_max=50"));
    publish(&there, 1, 0, 60);
    sync_with("--both", NULL, 0, "received 60 new");
    assert_string_equal(all_of(&here), all_of(&there));
    end();
}

/* One that takes few events and answers few questions at a time is waited for. */
static void test_busy(void **state)
{
    (void)state;
    begin(OPTIONS("events_per_s_max=100", "event_burst_max=100", "reqs_per_s_max=5",
                  "req_burst_max=5"));
    publish(&here, 1, 0, 300);
    publish(&there, 2, 0, 90);
    sync_with("--both", NULL, 0, "sent 300 new, 0 known, 0 refused");
    assert_string_equal(all_of(&here), all_of(&there));
    end();
}

/* What is protected or private stays where it is; what was deleted or replaced does not come
 * back. */
static void test_kept_back(void **state)
{
    struct talk talk;
    (void)state;
    begin(NULL);
    talk_open(&talk, &here);
    talk_login(&talk, 5, scratch_format("ws://localhost:%u", here.port));
    talk_accept(&talk, SIGN(.person = 5, .kind = 1, .tags = "[[\"-\"]]"));
    talk_accept(&talk, SIGN(.person = 5, .kind = 1059,
                            .tags = scratch_format("[[\"p\",\"%s\"]]", signer_pubkey(6))));
    const struct signer_event *note = SIGN(.person = 5, .kind = 1, .created_at = PAST);
    talk_accept(&talk, note);
    talk_accept(&talk, SIGN(.person = 5, .kind = 5, .created_at = PAST + 1,
                            .tags = scratch_format("[[\"e\",\"%s\"]]", note->id)));
    const struct signer_event *profile = SIGN(.person = 5, .kind = 0, .created_at = PAST + 2);
    talk_accept(&talk, profile);
    talk_close(&talk);
    talk_open(&talk, &there);
    talk_accept(&talk, note);
    talk_accept(&talk, SIGN(.person = 5, .kind = 0, .created_at = PAST + 1));
    talk_close(&talk);
    sync_with("--both", NULL, 0, "sent 2 new, 0 known, 0 refused, 2 kept back");
    assert_int_equal(count_of(&here), 4);
    assert_int_equal(count_of(&there), 2);
    end();
}

/* What the operators have banned here does not come in. */
static void test_banned(void **state)
{
    (void)state;
    begin(NULL);
    publish(&there, 1, 0, 10);
    publish(&there, 2, 0, 10);
    PGconn *conn = PQconnectdb(getenv("TEST_DB")); // NOLINT(concurrency-mt-unsafe)
    PGresult *result = PQexec(conn, scratch_format("INSERT INTO %s.control VALUES"
                                                   " ('pubkey', '%s', false, '', '', 1)",
                                                   here.schema, signer_pubkey(2)));
    assert_int_equal(PQresultStatus(result), PGRES_COMMAND_OK);
    PQclear(result);
    PQfinish(conn);
    sync_with("--down", NULL, 0, "received 10 new, 0 known, 0 older, 0 deleted, 10 left out");
    end();
}

static void test_refusals(void **state)
{
    struct program program;
    (void)state;
    begin(NULL);
    sync_with("--down", "{\"kinds\":7}", 2, "filter: kinds: ");
    sync_with("--sideways=1", NULL, 2, "");
    relay_stop(&there);
    sync_with("--down", NULL, 1, "ws://127.0.0.1");
    program_run(&program, SPAN(""), ARGUMENTS("sync", "--config=/dev/null"));
    assert_int_equal(program.status, 2);
    program_clear(&program);
    program_run(&program, SPAN(""), ARGUMENTS("sync", "--config=/dev/null", "http://x"));
    assert_int_equal(program.status, 2);
    program_clear(&program);
    relay_stop(&here);
    scratch_clear();
}

/* The summary for programs. */
static void test_json(void **state)
{
    struct program program;
    json_error_t error;
    (void)state;
    begin(NULL);
    publish(&there, 1, 0, 7);
    publish(&here, 1, 5, 10);
    program_run(&program, SPAN(""),
                ARGUMENTS("sync", "--config=/dev/null", database_flag(), schema_flag(&here),
                          "--json", url_of(&there)));
    json_t *json = json_loads(program.out_text.at, 0, &error);
    assert_int_equal(program.status, 0);
    assert_non_null(json);
    assert_true(json_is_true(json_object_get(json, "complete")));
    assert_true(json_is_true(json_object_get(json, "negentropy")));
    assert_int_equal(json_integer_value(json_object_get(json, "here")), 5);
    assert_int_equal(json_integer_value(json_object_get(json, "new")), 5);
    assert_int_equal(json_integer_value(json_object_get(json, "sent")), 3);
    json_decref(json);
    program_clear(&program);
    end();
}

/* Waits until so many more events have come to the relay. */
static void await_events(const struct relay *relay, int count)
{
    struct talk talk;
    talk_open(&talk, relay);
    talk_subscribe(&talk, "live", "{\"limit\":0}");
    for (int i = 0; i < count; i++)
        talk_await(&talk, "EVENT");
    talk_close(&talk);
}

/* The other relay is killed in the middle and comes back: the run goes on. Then ours is stopped,
 * and what it has not done is done by the next. */
static void test_interrupted(void **state)
{
    struct program program;
    char schema[64];
    (void)state;
    begin(OPTIONS("events_per_s_max=100", "event_burst_max=100"));
    publish(&here, 1, 0, 350);
    snprintf(schema, sizeof schema, "%s", there.schema);
    const char *const port = scratch_format("listen_port=%u", there.port);
    program_start(&program, ARGUMENTS("sync", "--config=/dev/null", database_flag(),
                                      schema_flag(&here), "--up", url_of(&there)));
    await_events(&there, 20);
    relay_kill(&there);
    const struct relay_setup again = {
        .schema = schema, .options = OPTIONS(port, "events_per_s_max=100", "event_burst_max=100")};
    relay_start(&there, &again);
    await_events(&there, 20);
    kill(program.pid, SIGINT);
    program_end(&program);
    if (program.status != 130 || strstr(program.err_text.at, "found again by the next") == NULL)
        fail_msg("status %d: %s", program.status, program.err_text.at);
    program_clear(&program);
    sync_with("--up", NULL, 0, "sent ");
    assert_string_equal(all_of(&here), all_of(&there));
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_directions), cmocka_unit_test(test_without_nip77),
        cmocka_unit_test(test_busy),       cmocka_unit_test(test_kept_back),
        cmocka_unit_test(test_banned),     cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_json),       cmocka_unit_test(test_interrupted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
