/* SIGHUP: new workers take over from the old ones, with new settings or not at all; nobody is
 * refused, nothing that was acknowledged is lost, and PostgreSQL does not notice. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "shared/text.h"
#include "tests/fetch.h"
#include "tests/sql.h"
#include "tests/stage.h"

enum { PAST = 1700000000, PERSON = 320 };

/* Until its stdout has said so once more. */
static void reload(struct relay *relay)
{
    relay->ready[0] = '\0';
    assert_int_equal(kill(relay->pid, SIGHUP), 0);
}

/* One who publishes one event after the other, and connects again whenever the relay parts. */
struct writer {
    const struct relay *relay;
    struct ws ws;
    int sent, answered;
    int connections;
};

static void connect_writer(struct writer *writer)
{
    const struct ws_options options = {
        .address = {"127.0.0.1", writer->relay->port, NULL, NULL, 0}};
    struct wire wire;
    /* whoever comes is let in, though perhaps by one who is about to leave */
    while (!ws_open(&writer->ws, &options)) {
        ws_close(&writer->ws);
        assert_true(wire_open(&wire, &options.address));
        wire_close(&wire);
    }
    writer->connections++;
}

/* One event: acknowledged, or the connection ends and nothing is known of it. */
static void write_one(struct writer *writer)
{
    const struct signer_event *event =
        SIGN(.person = PERSON, .kind = 1, .created_at = PAST + writer->sent++);
    struct text text = {0};
    text_addf(&text, "[\"EVENT\",%s]", event->json);
    bool is_open = ws_send_text(&writer->ws, text_span(&text));
    bool is_answered = false;
    while (is_open && !is_answered) {
        is_open = ws_receive(&writer->ws, wire_now_ms() + WIRE_WAIT_MS) == WS_MESSAGE;
        is_answered = is_open && writer->ws.message.len > 5 &&
                      strncmp(writer->ws.message.at, "[\"OK\"", 5) == 0;
    }
    text_clear(&text);
    if (is_answered) {
        assert_non_null(memmem(writer->ws.message.at, writer->ws.message.len, "true", 4));
        writer->answered++;
        return;
    }
    ws_close(&writer->ws);
    connect_writer(writer);
}

static void test_under_load(void **state)
{
    enum { RELOADS = 3 };
    struct relay relay;
    struct talk talk;
    pid_t postgres[8], after[8];
    const char *folder = relay_new_folder();
    (void)state;
    relay_start(&relay, &(struct relay_setup){
                            .database = "", .data_dir = folder, .options = OPTIONS("processes=2")});
    assert_int_equal(relay_children(&relay, "postgres", postgres, 8), 1);
    struct writer writer = {.relay = &relay};
    connect_writer(&writer);
    for (int i = 1; i <= RELOADS; i++) {
        reload(&relay);
        while (writer.connections <= i)
            write_one(&writer);
        relay_await_ready(&relay);
    }
    ws_close(&writer.ws);
    assert_true(writer.answered > 0);
    assert_int_equal(relay_children(&relay, "postgres", after, 8), 1);
    assert_int_equal(after[0], postgres[0]);
    talk_open(&talk, &relay);
    /* another worker than the one that took the last of them hears of it a moment later */
    const char *filter = scratch_format("{\"authors\":[\"%s\"]}", signer_pubkey(PERSON));
    int64_t deadline_ms = wire_now_ms() + WIRE_WAIT_MS;
    while (talk_count(&talk, filter) < writer.answered)
        assert_true(wire_now_ms() < deadline_ms);
    assert_true(talk_count(&talk, filter) <= writer.sent);
    talk_close(&talk);
    relay_stop(&relay);
    relay_remove_folder(folder);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static bool is_named(const struct relay *relay, const char *name)
{
    struct fetch_answer info =
        fetch(relay->port, "GET / HTTP/1.1\r\nAccept: application/nostr+json\r\n");
    return strstr(info.body, scratch_format("\"name\":\"%s\"", name)) != NULL;
}

/* New settings are used; bad ones, and those that cannot change, are refused, and all goes on. */
static void test_settings(void **state)
{
    struct relay relay;
    struct talk talk;
    char *path = scratch_format("/tmp/shoal-reload-XXXXXX");
    (void)state;
    close(mkstemp(path));
    write_file(path, "name = One\n");
    relay_start(&relay,
                &(struct relay_setup){.options = OPTIONS(scratch_format("config=%s", path))});
    assert_true(is_named(&relay, "One"));

    write_file(path, "name = Two\n");
    reload(&relay);
    relay_await_ready(&relay);
    relay_await_log(&relay, "earlier worker ended");
    assert_true(is_named(&relay, "Two"));

    talk_open(&talk, &relay);
    write_file(path, "name = Three\nnonsense = 1\n");
    reload(&relay);
    relay_await_log(&relay, "all stays as it was: the settings are not good to go on with");
    write_file(path, "name = Three\nlisten_address = 127.0.0.2\n");
    reload(&relay);
    relay_await_log(&relay, "listen_address cannot change while the relay runs");
    assert_true(is_named(&relay, "Two"));
    talk_is_quiet(&talk);

    write_file(path, "name = Three\nprocesses = 3\n");
    reload(&relay);
    relay_await_ready(&relay);
    talk_await_end(&talk, 1001);
    assert_true(is_named(&relay, "Three"));
    pid_t workers[8];
    assert_in_range(relay_children(&relay, "shoal-relay", workers, 8), 3, 4);
    talk_close(&talk);
    relay_stop(&relay);
    unlink(path);
}

static void run_sql(const struct relay *relay, const char *text)
{
    PGconn *conn = PQconnectdb(relay->database);
    sql_run(conn, text);
    PQfinish(conn);
}

/* A program that finds it cannot serve keeps the workers that can. */
static void test_cannot_take_over(void **state)
{
    struct relay relay;
    struct talk talk;
    (void)state;
    relay_start(&relay, &(struct relay_setup){0});
    talk_open(&talk, &relay);
    run_sql(&relay, scratch_format("INSERT INTO %s.migration VALUES (9999, 'of the future')",
                                   relay.schema));
    reload(&relay);
    relay_await_log(&relay, "the earlier workers go on: the schema is at 9999");
    talk_accept(&talk, SIGN(.person = 321, .kind = 1));

    run_sql(&relay, scratch_format("DELETE FROM %s.migration WHERE number = 9999", relay.schema));
    reload(&relay);
    relay_await_ready(&relay);
    talk_await_end(&talk, 1001);
    talk_close(&talk);
    relay_stop(&relay);
}

/* Asked to reload and to stop at once: it stops, and everybody with it. */
static void test_stop_in_between(void **state)
{
    struct relay relay;
    (void)state;
    for (int i = 0; i < 4; i++) {
        relay_start(&relay, &(struct relay_setup){.options = OPTIONS("processes=2")});
        reload(&relay);
        if (i % 2 == 1)
            relay_await_log(&relay, "reloading");
        relay_stop(&relay);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_under_load), cmocka_unit_test(test_settings),
        cmocka_unit_test(test_cannot_take_over), cmocka_unit_test(test_stop_in_between)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
