/* shoal fetch, push and sync between the store and real relays: whatever one of them lacks, does
 * not speak, or goes through. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "client/outbox.h"
#include "client/store.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "tests/cli.h"
#include "tests/folder.h"
#include "tests/relay.h"
#include "tests/scratch.h"
#include "tests/signer.h"
#include "tests/talk.h"
#include "tests/test.h"

enum { PAST = 1700000000 };

static struct relay here, there;
static char home[64];

static const char *url_of(const struct relay *relay)
{
    return scratch_format("ws://127.0.0.1:%u", relay->port);
}

static struct store *open_store(void)
{
    struct err err;
    struct store *store = store_open(home, (uint64_t)time(NULL) * 1000, &err);
    if (store == NULL)
        fail_msg("%s", err.text);
    return store;
}

/* Puts an event, queued for the relay; NULL: for none. */
static void put(struct store *store, const struct signer_event *event, const char *relay)
{
    struct arena arena = {0};
    struct event parsed;
    struct err err;
    enum store_verdict verdict;
    const struct span url = {relay, relay != NULL ? strlen(relay) : 0};
    assert_true(
        event_parse(&parsed, &arena, (struct span){event->json, strlen(event->json)}, NULL));
    if (!store_put(store, &verdict, &parsed, &url, relay != NULL, &err))
        fail_msg("%s", err.text);
    arena_clear(&arena);
}

/* Events first to end - 1 of a person, three a second. */
static const struct signer_event *note(uint32_t person, int i)
{
    return SIGN(.person = person, .kind = 1, .created_at = PAST + i / 3,
                .content = scratch_format("%d", i));
}

static void publish(const struct relay *relay, uint32_t person, int first, int end)
{
    struct talk talk;
    talk_open(&talk, relay);
    for (int i = first; i < end; i++)
        talk_sayf(&talk, "[\"EVENT\",%s]", note(person, i)->json);
    for (int i = first; i < end; i++)
        talk_await_true(&talk);
    talk_close(&talk);
}

static void keep(uint32_t person, int first, int end, const char *relay)
{
    struct store *store = open_store();
    struct err err;
    assert_true(store_begin(store, &err));
    for (int i = first; i < end; i++)
        put(store, note(person, i), relay);
    assert_true(store_commit(store, &err));
    store_close(store);
}

static int64_t count_of(const struct relay *relay)
{
    struct talk talk;
    talk_open(&talk, relay);
    int64_t count = talk_count(&talk, "{}");
    talk_close(&talk);
    return count;
}

static void begin(const char *const *options)
{
    folder_make(home, sizeof home);
    chmod(home, 0700);
    setenv("SHOAL_HOME", home, 1); // NOLINT(concurrency-mt-unsafe)
    relay_start(&here, &(struct relay_setup){.options = options});
    relay_start(&there, &(struct relay_setup){.options = options});
}

static void end(void)
{
    relay_stop(&here);
    relay_stop(&there);
    folder_remove(home);
    scratch_clear();
}

/* Three subsets: after one run and another all have all; then nothing is to be done. */
static void test_equal(void **state)
{
    (void)state;
    begin(NULL);
    publish(&here, 1, 0, 250);
    publish(&there, 1, 150, 400);
    keep(1, 380, 450, NULL);
    cli_run(0, scratch_format("remote add %s", url_of(&here)));
    cli_run(0, scratch_format("remote add %s", url_of(&there)));
    cli_expect(scratch_format("sync --dry-run --all %s", url_of(&here)),
               "\"to_fetch\":250,\"to_send\":70,\"fetched\":0,\"sent\":0");
    cli_expect(scratch_format("sync --all %s", url_of(&here)), "\"fetched\":250,\"sent\":70");
    cli_expect(scratch_format("sync --all %s", url_of(&there)), "\"fetched\":130,\"sent\":200");
    cli_run(0, "sync --all");
    assert_int_equal(count_of(&here), 450);
    assert_int_equal(count_of(&there), 450);
    cli_expect("sync --all", "\"fetched\":0,\"sent\":0,\"known\":0");
    /* a part of it */
    publish(&here, 2, 0, 10);
    publish(&here, 3, 0, 10);
    cli_expect(scratch_format("fetch --author %s %s", signer_pubkey(2), url_of(&here)),
               "\"fetched\":10");
    end();
}

/* One that was wiped is filled again, though all was delivered to it before. */
static void test_wiped(void **state)
{
    (void)state;
    begin(NULL);
    keep(1, 0, 300, url_of(&here));
    cli_expect(scratch_format("push %s", url_of(&here)), "\"sent\":300");
    cli_expect(scratch_format("push %s", url_of(&here)), "\"sent\":0");
    const char *port = scratch_format("listen_port=%u", here.port);
    relay_stop(&here);
    relay_start(&here, &(struct relay_setup){.options = OPTIONS(port)});
    assert_int_equal(count_of(&here), 0);
    cli_expect(scratch_format("sync --all %s", url_of(&here)), "\"fetched\":0,\"sent\":300");
    assert_int_equal(count_of(&here), 300);
    end();
}

/* One that reconciles nothing is paged through; pages overlap, and are short. */
static void test_without_nip77(void **state)
{
    (void)state;
    begin(OPTIONS("negentropy_records_max=0", "limit_max=20", "limit_default=20"));
    publish(&here, 1, 90, 260);
    keep(1, 0, 150, NULL);
    cli_expect(scratch_format("sync --all %s", url_of(&here)), "\"fetched\":110,\"sent\":90");
    assert_int_equal(count_of(&here), 260);
    cli_expect(scratch_format("sync --all --anew %s", url_of(&here)), "\"fetched\":0,\"sent\":0");
    /* from then on only what is new is looked at */
    struct talk talk;
    talk_open(&talk, &here);
    for (int i = 0; i < 30; i++)
        talk_accept(&talk, SIGN(.person = 4, .kind = 1, .content = scratch_format("%d", i)));
    talk_close(&talk);
    cli_expect(scratch_format("fetch --all %s", url_of(&here)), "\"fetched\":30");
    end();
}

/* A thousand events made without any network: each is delivered once, though the relay is killed in
 * the middle, and shoal after that. */
static void test_offline(void **state)
{
    enum { EVENTS = 1000 };
    (void)state;
    begin(OPTIONS("events_per_s_max=400", "event_burst_max=400"));
    keep(1, 0, EVENTS, url_of(&here));
    char schema[64];
    const char *port = scratch_format("listen_port=%u", here.port);
    snprintf(schema, sizeof schema, "%s", here.schema);
    cli_run(1, "push ws://127.0.0.1:1");
    relay_kill(&here);
    cli_run(4, scratch_format("push %s", url_of(&here))); /* nobody is there: nothing is lost */
    cli_expect(scratch_format("push %s", url_of(&there)), "\"sent\":0"); /* not its own */
    const struct relay_setup again = {
        .schema = schema, .options = OPTIONS(port, "events_per_s_max=400", "event_burst_max=400")};
    relay_start(&here, &again);
    struct talk talk;
    talk_open(&talk, &here);
    talk_subscribe(&talk, "live", "{\"limit\":0}");
    FILE *pipe = cli_start(scratch_format("push --timeout 60 %s", url_of(&here)));
    for (int i = 0; i < 100; i++)
        talk_await(&talk, "EVENT");
    talk_close(&talk);
    relay_kill(&here);
    relay_start(&here, &again);
    char line[512] = "";
    assert_non_null(fgets(line, sizeof line, pipe));
    if (pclose(pipe) != 0 || strstr(line, "\"refused\":0,\"failed\":0") == NULL)
        fail_msg("%s", line);
    assert_int_equal(count_of(&here), EVENTS);
    cli_expect(scratch_format("push %s", url_of(&here)), "\"sent\":0,\"known\":0");
    end();
}

/* What is refused is told, and not sent again; what is protected is not passed on. */
static void test_refused(void **state)
{
    struct store *store;
    (void)state;
    begin(OPTIONS("created_at_future_s_max=100"));
    store = open_store();
    put(store, SIGN(.person = 1, .kind = 1, .created_at = signer_now() + 5000), url_of(&here));
    put(store, SIGN(.person = 1, .kind = 1, .tags = "[[\"-\"]]"), NULL);
    put(store, SIGN(.person = 1, .kind = 1), url_of(&here));
    store_close(store);
    const char *out = cli_run(3, scratch_format("push %s", url_of(&here)));
    assert_non_null(strstr(out, "\"sent\":1,\"known\":0,\"refused\":1"));
    assert_non_null(strstr(out, ": invalid: "));
    cli_expect(scratch_format("push %s", url_of(&here)), "\"sent\":0,\"known\":0,\"refused\":0");
    cli_expect(scratch_format("sync --all %s", url_of(&here)), "\"kept_back\":1");
    end();
}

/* Asked for by name, an author is looked for where his list of relays says that he writes. */
static void test_outbox(void **state)
{
    struct talk talk;
    (void)state;
    begin(NULL);
    const char *tags = scratch_format(
        "[[\"r\",\"%s\",\"write\"],[\"r\",\"ws://127.0.0.1:1\",\"read\"]]", url_of(&there));
    talk_open(&talk, &here);
    talk_accept(&talk, SIGN(.person = 7, .kind = 10002, .tags = tags));
    talk_close(&talk);
    publish(&there, 7, 0, 20);
    publish(&there, 8, 0, 20);
    cli_run(0, scratch_format("remote add %s", url_of(&here)));
    const char *fetch = scratch_format("fetch --author %s", signer_pubkey(7));
    cli_expect(fetch, "\"fetched\":1,"); /* his list */
    cli_expect(fetch, "\"fetched\":20,");
    cli_expect(fetch, url_of(&there));
    assert_int_equal(count_of(&here), 1); /* nothing was sent */
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal),         cmocka_unit_test(test_wiped),
        cmocka_unit_test(test_without_nip77), cmocka_unit_test(test_offline),
        cmocka_unit_test(test_refused),       cmocka_unit_test(test_outbox)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
