/* Relays that are lost, and a client that is killed: two relays with different subsets, one of
 * which is wiped in the middle; a thousand operations made offline, whose sending is killed again
 * and again. All that was written arrives, once, and everybody comes to one state. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/shoal.h"
#include "tests/cli.h"
#include "tests/folder.h"
#include "tests/relay.h"
#include "tests/scratch.h"
#include "tests/signer.h"
#include "tests/talk.h"
#include "tests/test.h"

enum { NOTES = 60, CHANGES = 5, OFFLINE_NOTES = 100, OFFLINE_CHANGES = 9, KILLS = 4 };
enum { OFFLINE_OPS = OFFLINE_NOTES * (1 + OFFLINE_CHANGES) };

static const char *const slow[] = {"events_per_s_max=300", "event_burst_max=300", NULL};
static const char *const quick[] = {"events_per_s_max=0", "reqs_per_s_max=0", NULL};
static struct relay here, there;
static char folder[64];
static struct shoal_error error;
static struct shoal_keys *keys;

static void check(bool ok)
{
    if (!ok)
        fail_msg("%s", error.text);
}

static const char *url_of(const struct relay *relay)
{
    return scratch_format("ws://127.0.0.1:%u", relay->port);
}

static struct shoal_store *open_store(const char *name)
{
    struct shoal_store *store = shoal_store_open(scratch_format("%s/%s", folder, name), &error);
    check(store != NULL);
    return store;
}

/* Notes, each changed a few times, queued for that relay; their ids. */
static char (*write_notes(const char *device, const char *relay, int notes,
                          int changes))[SHOAL_HEX_SIZE]
{
    char(*ids)[SHOAL_HEX_SIZE] = scratch_alloc((size_t)notes * sizeof *ids);
    struct shoal_store *store = open_store(device);
    check(shoal_store_set_relay(store, relay, true, &error));
    for (int i = 0; i < notes; i++)
        check(
            shoal_entity_new(store, keys, &(struct shoal_entity){.type = "note"}, ids[i], &error));
    for (int i = 0; i < notes * changes; i++) {
        const struct shoal_change change[] = {
            {.kind = SHOAL_SET, .key = "n", .value = scratch_format("%d", i)},
            {.kind = SHOAL_COUNT, .key = "changes", .amount = 1},
            {0}};
        check(shoal_entity_change(store, keys, ids[i % notes], change, &error));
    }
    shoal_store_close(store);
    return ids;
}

static const char *hash_of(const char *device)
{
    char *hash = scratch_alloc(SHOAL_HEX_SIZE);
    struct shoal_store *store = open_store(device);
    check(shoal_store_hash(store, hash, &error));
    shoal_store_close(store);
    return hash;
}

/* Both ways; what fails is tried again by whoever calls. */
static const char *sync_words(const char *device, const char *relay)
{
    return scratch_format("sync --all --timeout 60 --home %s/%s %s", folder, device, relay);
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
    folder_make(folder, sizeof folder);
    relay_start(&here, &(struct relay_setup){.options = options});
    relay_start(&there, &(struct relay_setup){.options = options});
}

static void end(void)
{
    relay_stop(&here);
    relay_stop(&there);
    folder_remove(folder);
    scratch_clear();
}

/* What one device wrote is on one relay, what another did on the other. While a third makes them
 * equal, one relay is killed, and comes back with nothing. */
static void test_wiped_midway(void **state)
{
    enum { EVENTS = 2 * NOTES * (1 + CHANGES) };
    struct talk talk;
    (void)state;
    begin(quick);
    write_notes("phone", url_of(&here), NOTES, CHANGES);
    write_notes("laptop", url_of(&there), NOTES, CHANGES);
    cli_run(0, sync_words("phone", url_of(&here)));
    cli_run(0, sync_words("laptop", url_of(&there)));
    assert_int_equal(count_of(&here), EVENTS / 2);
    assert_int_equal(count_of(&there), EVENTS / 2);

    cli_run(0, sync_words("third", url_of(&here)));
    talk_open(&talk, &there);
    talk_subscribe(&talk, "live", "{\"limit\":0}");
    FILE *pipe = cli_start(sync_words("third", url_of(&there)));
    for (int i = 0; i < 20; i++)
        talk_await(&talk, "EVENT"); /* it is in the middle of what the relay lacks */
    talk_close(&talk);
    const char *port = scratch_format("listen_port=%u", there.port);
    relay_kill(&there);
    relay_start(&there, &(struct relay_setup){.options = OPTIONS(port, "events_per_s_max=0")});
    char line[512];
    while (fgets(line, sizeof line, pipe) != NULL)
        continue;
    pclose(pipe); /* it may have gone on with the empty one, or given up: both are right */

    cli_run(0, sync_words("laptop", url_of(&there))); /* refilled, by whoever meets it */
    cli_run(0, sync_words("third", url_of(&there)));
    cli_run(0, sync_words("third", url_of(&here)));
    assert_int_equal(count_of(&there), EVENTS);
    assert_int_equal(count_of(&here), EVENTS);
    cli_run(0, sync_words("phone", url_of(&here)));
    cli_run(0, sync_words("laptop", url_of(&there)));
    cli_run(0, sync_words("late", url_of(&there)));
    const char *hash = hash_of("third");
    assert_string_equal(hash_of("phone"), hash);
    assert_string_equal(hash_of("laptop"), hash);
    assert_string_equal(hash_of("late"), hash);
    end();
}

/* Ids heard live, each of which must come once. */
static struct heard {
    char ids[OFFLINE_OPS][SHOAL_HEX_SIZE];
    int count;
} heard;

static void hear_one(struct talk *talk)
{
    json_t *message = talk_await(talk, "EVENT");
    const char *id = json_string_value(json_object_get(json_array_get(message, 2), "id"));
    assert_true(heard.count < OFFLINE_OPS);
    for (int i = 0; i < heard.count; i++)
        assert_string_not_equal(heard.ids[i], id);
    memcpy(heard.ids[heard.count++], id, SHOAL_HEX_SIZE);
}

/* Begins to push, and kills that once so many more were heard. */
static void push_and_kill(struct talk *talk, int events)
{
    char line[512];
    FILE *pipe =
        cli_start(scratch_format("push --timeout 60 --home %s/phone & echo $!; wait", folder));
    assert_non_null(fgets(line, sizeof line, pipe));
    pid_t pid = (pid_t)strtol(line, NULL, 10);
    assert_true(pid > 1);
    for (int i = 0; i < events; i++)
        hear_one(talk);
    assert_int_equal(kill(pid, SIGKILL), 0);
    while (fgets(line, sizeof line, pipe) != NULL)
        continue;
    pclose(pipe);
}

static void test_killed(void **state)
{
    struct talk talk;
    uint64_t queued, refused;
    (void)state;
    begin(slow);
    write_notes("phone", url_of(&here), OFFLINE_NOTES, OFFLINE_CHANGES);
    talk_open(&talk, &here);
    talk_subscribe(&talk, "live", "{\"limit\":0}");
    for (int i = 0; i < KILLS; i++)
        push_and_kill(&talk, 100 + i);
    const char *out = cli_run(0, scratch_format("push --timeout 100 --home %s/phone", folder));
    assert_non_null(strstr(out, "\"refused\":0,\"failed\":0"));
    while (heard.count < OFFLINE_OPS)
        hear_one(&talk);
    talk_is_quiet(&talk);
    talk_close(&talk);
    assert_int_equal(count_of(&here), OFFLINE_OPS);
    struct shoal_store *store = open_store("phone");
    check(shoal_store_outbox(store, &queued, &refused, &error));
    assert_int_equal(queued + refused, 0);
    shoal_store_close(store);
    cli_run(0, sync_words("late", url_of(&here)));
    assert_string_equal(hash_of("late"), hash_of("phone"));
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_wiped_midway),
                                       cmocka_unit_test(test_killed)};
    keys = shoal_keys_new(&error);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    shoal_keys_free(keys);
    return failed;
}
