/* libshoal and a real relay: two stores, driven by this program's own poll, have the same state
 * after each has met the relay, also one that wants to know who asks. */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "client/shoal.h"
#include "tests/folder.h"
#include "tests/relay.h"
#include "tests/scratch.h"
#include "tests/test.h"

static struct relay relay;
static char folder[64];
static struct shoal_error error;
static struct shoal_keys *keys;

static void check(bool ok)
{
    if (!ok)
        fail_msg("%s", error.text);
}

static struct shoal_store *open_store(const char *name)
{
    struct shoal_store *store = shoal_store_open(scratch_format("%s/%s", folder, name), &error);
    check(store != NULL);
    return store;
}

/* Makes store and relay equal; while that lasts the store is asked, too. */
static struct shoal_progress run_sync(struct shoal_store *store, enum shoal_sync_state wanted,
                                      const struct shoal_keys *as)
{
    const char *url = scratch_format("ws://127.0.0.1:%u", relay.port);
    const char *filter = scratch_format("{\"authors\":[\"%s\"]}", shoal_keys_pubkey(keys));
    const struct shoal_sync_setup setup = {
        .relays = &url, .relay_count = 1, .filters = &filter, .filter_count = 1, .keys = as};
    struct shoal_sync *sync = shoal_sync_new(store, &setup, &error);
    uint64_t queued, refused;
    struct shoal_progress now;
    check(sync != NULL);
    while (shoal_sync_step(sync, &now) == SHOAL_SYNC_RUNS) {
        struct pollfd wait = {.fd = now.fd, .events = POLLIN};
        check(shoal_store_outbox(store, &queued, &refused, &error));
        poll(&wait, 1, now.wait_ms);
    }
    if (now.state != wanted)
        fail_msg("ended with %d: %s", now.state, now.why);
    now.why = NULL; /* it ends with the sync */
    shoal_sync_free(sync);
    return now;
}

static void write_notes(struct shoal_store *store, int count)
{
    char id[SHOAL_HEX_SIZE];
    for (int i = 0; i < count; i++) {
        const struct shoal_change changes[] = {
            {.kind = SHOAL_SET, .key = "n", .value = scratch_format("%d", i)}, {0}};
        check(shoal_entity_new(
            store, keys, &(struct shoal_entity){.type = "note", .changes = changes}, id, &error));
    }
}

static void expect_equal(struct shoal_store *one, struct shoal_store *other)
{
    char here[SHOAL_HEX_SIZE], there[SHOAL_HEX_SIZE];
    check(shoal_store_hash(one, here, &error) && shoal_store_hash(other, there, &error));
    assert_string_equal(here, there);
}

static void begin(const char *const *options)
{
    folder_make(folder, sizeof folder);
    relay_start(&relay, &(struct relay_setup){.options = options});
}

static void end(void)
{
    relay_stop(&relay);
    folder_remove(folder);
    scratch_clear();
}

static void test_equal(void **state)
{
    (void)state;
    begin(NULL);
    struct shoal_store *one = open_store("one"), *other = open_store("other");
    check(
        shoal_store_set_relay(one, scratch_format("ws://127.0.0.1:%u", relay.port), true, &error));
    write_notes(one, 20); /* queued */
    write_notes(other, 10);
    assert_int_equal(run_sync(one, SHOAL_SYNC_DONE, NULL).sent, 20);
    struct shoal_progress counts = run_sync(other, SHOAL_SYNC_DONE, NULL);
    assert_int_equal(counts.fetched, 20);
    assert_int_equal(counts.sent, 10);
    assert_int_equal(run_sync(one, SHOAL_SYNC_DONE, NULL).fetched, 10);
    expect_equal(one, other);
    shoal_store_close(one);
    shoal_store_close(other);
    end();
}

static void test_auth(void **state)
{
    static const char *const options[] = {"auth-required=yes", NULL};
    (void)state;
    begin(options);
    struct shoal_store *one = open_store("one");
    write_notes(one, 3);
    assert_int_equal(run_sync(one, SHOAL_SYNC_FAILED, NULL).sent, 0);
    assert_int_equal(run_sync(one, SHOAL_SYNC_DONE, keys).sent, 3);
    shoal_store_close(one);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_equal), cmocka_unit_test(test_auth)};
    keys = shoal_keys_new(&error);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    shoal_keys_free(keys);
    return failed;
}
