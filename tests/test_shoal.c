/* libshoal, by its header alone: keys and their file, events, the store, entities whose hash does
 * not depend on the order that events came in, and a sync with nobody there. */
#include "client/shoal.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/libshoal.h"

static void test_keys(void **state)
{
    (void)state;
    assert_int_equal(strlen(shoal_keys_pubkey(keys)), 64);
    check(shoal_keys_save(keys, in_folder("key"), "secret", &error));
    expect_error(shoal_keys_save(keys, in_folder("key"), "secret", &error), SHOAL_ERROR_RESTRICTED);
    struct shoal_keys *again = shoal_keys_open(in_folder("key"), "secret", &error);
    check(again != NULL);
    assert_string_equal(shoal_keys_pubkey(again), shoal_keys_pubkey(keys));
    shoal_keys_free(again);
    expect_error(shoal_keys_open(in_folder("key"), "wrong", &error) != NULL,
                 SHOAL_ERROR_RESTRICTED);
    assert_null(shoal_keys_open(in_folder("none"), "secret", NULL));
    shoal_keys_free(NULL);
}

static char *make(int kind, const char *content)
{
    const struct shoal_draft draft = {
        .kind = kind, .created_at = 1700000000, .tags = "[[\"t\",\"sea\"]]", .content = content};
    char *event = shoal_event_sign(keys, &draft, NULL, &error);
    check(event != NULL);
    return event;
}

static void test_event(void **state)
{
    static const struct shoal_draft draft = {.kind = 1, .content = "a \"fish\"\n"};
    char id[SHOAL_HEX_SIZE] = "", read[SHOAL_HEX_SIZE] = "";
    char *event = shoal_event_sign(keys, &draft, id, &error);
    (void)state;
    check(event != NULL && shoal_event_verify(event, strlen(event), read, &error));
    assert_int_equal(strlen(id), 64);
    assert_string_equal(id, read);
    assert_non_null(strstr(event, "\"content\":\"a \\\"fish\\\"\\n\""));
    *strstr(event, "fish") = 'F';
    expect_error(shoal_event_verify(event, strlen(event), NULL, &error), SHOAL_ERROR_INVALID);
    assert_false(shoal_event_verify(event, strlen(event), NULL, NULL));
    expect_error(shoal_event_verify(event, strlen(event) - 1, NULL, &error), SHOAL_ERROR_INVALID);
    *strstr(event, "Fish") = 'f';
    char *sig = strstr(event, "\"sig\":\"") + 7;
    *sig = *sig == '0' ? '1' : '0';
    expect_error(shoal_event_verify(event, strlen(event), NULL, &error), SHOAL_ERROR_INVALID);
    shoal_text_free(event);
}

static void test_draft(void **state)
{
    static const struct shoal_draft wrong[] = {
        {.kind = 65536}, {.kind = -1}, {.created_at = -1}, {.tags = "[1]"}, {.content = "\xff"}};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        expect_error(shoal_event_sign(keys, &wrong[i], NULL, &error) != NULL, SHOAL_ERROR_INVALID);
    char *event = shoal_event_sign(keys, &(struct shoal_draft){.kind = 65535}, NULL, &error);
    check(event != NULL);
    assert_null(strstr(event, "\"created_at\":0")); /* but now */
    shoal_text_free(event);
}

static bool count_one(void *owner, const char *json, size_t size)
{
    assert_int_equal(json[0], '{');
    assert_int_equal(json[size - 1], '}');
    return ++*(int *)owner < 2;
}

static int count(struct shoal_store *store, const char *filter)
{
    int found = 0;
    check(shoal_store_query(store, filter, count_one, &found, &error));
    return found;
}

static void test_store(void **state)
{
    struct shoal_store *store = open_store("store");
    char *event = make(1, "one"), *passing = make(20000, "gone");
    enum shoal_verdict verdict;
    uint64_t queued, refused;
    (void)state;
    check(shoal_store_set_relay(store, "wss://relay.example.com", true, &error));
    expect_error(shoal_store_set_relay(store, "relay", true, &error), SHOAL_ERROR_INVALID);
    *strstr(passing, "gone") = 'G';
    expect_error(shoal_store_put(store, passing, strlen(passing), false, &verdict, &error),
                 SHOAL_ERROR_INVALID);
    *strstr(passing, "Gone") = 'g';
    check(shoal_store_put(store, event, strlen(event), false, &verdict, &error));
    assert_int_equal(verdict, SHOAL_NEW);
    check(shoal_store_put(store, event, strlen(event), true, &verdict, &error));
    assert_int_equal(verdict, SHOAL_DUPLICATE);
    check(shoal_store_put(store, passing, strlen(passing), false, &verdict, &error));
    assert_int_equal(verdict, SHOAL_EPHEMERAL);
    check(shoal_store_outbox(store, &queued, &refused, &error));
    assert_int_equal(queued, 1);
    assert_int_equal(refused, 0);
    check(shoal_store_set_relay(store, "wss://relay.example.com", false, &error));
    expect_error(shoal_store_set_relay(store, "wss://relay.example.com", false, &error),
                 SHOAL_ERROR_INVALID);
    check(shoal_store_outbox(store, &queued, &refused, &error));
    assert_int_equal(queued, 0);
    assert_int_equal(count(store, "{\"#t\":[\"sea\"]}"), 1);
    assert_int_equal(count(store, "{\"kinds\":[2]}"), 0);
    expect_error(shoal_store_query(store, "{", count_one, NULL, &error), SHOAL_ERROR_INVALID);
    shoal_text_free(event);
    event = make(1, "two");
    check(shoal_store_put(store, event, strlen(event), false, NULL, &error));
    shoal_text_free(event);
    event = make(1, "three");
    check(shoal_store_put(store, event, strlen(event), false, NULL, &error));
    assert_int_equal(count(store, "{}"), 2); /* the function had enough */
    shoal_text_free(event);
    shoal_text_free(passing);
    shoal_store_close(store);
    shoal_store_close(NULL);
}

static void expect_entity(struct shoal_store *store, const char *id, const char *part)
{
    char *json = shoal_entity_get(store, id, &error);
    check(json != NULL);
    if (strstr(json, part) == NULL)
        fail_msg("no %s in %s", part, json);
    shoal_text_free(json);
}

static void test_entity(void **state)
{
    static const struct shoal_change
        first[] = {{.kind = SHOAL_SET, .key = "title", .value = "\"Fish\""},
                   {.kind = SHOAL_SET, .key = "size", .value = "12"},
                   {.kind = SHOAL_ADD, .key = "tags", .value = "\"sea\""},
                   {.kind = SHOAL_ADD, .key = "tags", .value = "\"cod\""},
                   {.kind = SHOAL_COUNT, .key = "eaten", .amount = 3},
                   {0}},
        then[] = {{.kind = SHOAL_UNSET, .key = "size"},
                  {.kind = SHOAL_REMOVE, .key = "tags", .value = "\"sea\""},
                  {.kind = SHOAL_COUNT, .key = "eaten", .amount = -1},
                  {0}},
        gone[] = {{.kind = SHOAL_DELETE}, {0}}, back[] = {{.kind = SHOAL_RESTORE}, {0}},
        unknown[] = {{.kind = 99}, {0}};
    struct shoal_store *store = open_store("entities");
    struct shoal_keys *stranger = shoal_keys_new(&error);
    char id[SHOAL_HEX_SIZE];
    (void)state;
    check(shoal_entity_new(store, keys, &(struct shoal_entity){.type = "note", .changes = first},
                           id, &error));
    check(shoal_entity_change(store, keys, id, then, &error));
    expect_entity(store, id,
                  "\"state\":{\"counters\":{\"eaten\":2},\"fields\":{\"title\":\"Fish\"},"
                  "\"sets\":{\"tags\":[\"cod\"]},\"type\":\"note\"}}");
    check(shoal_entity_change(store, keys, id, gone, &error));
    expect_entity(store, id, "\"deleted\":true");
    check(shoal_entity_change(store, keys, id, back, &error));
    expect_entity(store, id, "\"deleted\":false");
    expect_error(shoal_entity_change(store, stranger, id, gone, &error), SHOAL_ERROR_RESTRICTED);
    expect_error(shoal_entity_change(store, keys, id, FIELD("title", "Fish"), &error),
                 SHOAL_ERROR_INVALID);
    expect_error(shoal_entity_change(store, keys, id, &then[1], &error), SHOAL_ERROR_INVALID);
    expect_error(shoal_entity_change(store, keys, id, unknown, &error), SHOAL_ERROR_INVALID);
    expect_error(shoal_entity_change(store, keys, id, NULL, &error), SHOAL_ERROR_INVALID);
    expect_error(shoal_entity_change(store, keys, "fish", gone, &error), SHOAL_ERROR_INVALID);
    id[0] = id[0] == '0' ? '1' : '0';
    expect_error(shoal_entity_get(store, id, &error) != NULL, SHOAL_ERROR_INVALID);
    shoal_keys_free(stranger);
    shoal_store_close(store);
}

static void test_list(void **state)
{
    static const struct shoal_change first[] = {
        {.kind = SHOAL_INSERT, .key = "todo", .value = "\"b\"", .to = SHOAL_LAST},
        {.kind = SHOAL_INSERT, .key = "todo", .value = "\"c\"", .to = SHOAL_LAST},
        {.kind = SHOAL_INSERT, .key = "todo", .value = "\"a\"", .to = 0},
        {0}};
    static const struct shoal_change then[] = {
        {.kind = SHOAL_MOVE, .key = "todo", .from = 0, .to = SHOAL_LAST},
        {.kind = SHOAL_TAKE, .key = "todo", .from = 0},
        {0}};
    static const struct shoal_change wrong[] = {
        {.kind = SHOAL_MOVE, .key = "todo", .from = 2, .to = 0},
        {.kind = SHOAL_TAKE, .key = "other", .from = 0},
        {.kind = SHOAL_MOVE, .key = "other", .from = 0, .to = SHOAL_LAST},
        {.kind = SHOAL_INSERT, .key = "todo", .value = "\"d\"", .to = 3},
        {.kind = SHOAL_INSERT, .key = "todo", .value = "fish", .to = 0}};
    struct shoal_store *store = open_store("lists");
    char id[SHOAL_HEX_SIZE];
    (void)state;
    check(shoal_entity_new(store, keys, &(struct shoal_entity){.type = "task", .changes = first},
                           id, &error));
    expect_entity(store, id, "\"lists\":{\"todo\":[\"a\",\"b\",\"c\"]}");
    check(shoal_entity_change(store, keys, id, then, &error));
    expect_entity(store, id, "\"lists\":{\"todo\":[\"c\",\"a\"]}");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const struct shoal_change one[] = {wrong[i], {0}};
        expect_error(shoal_entity_change(store, keys, id, one, &error), SHOAL_ERROR_INVALID);
    }
    shoal_store_close(store);
}

static void test_many(void **state)
{
    static struct shoal_change changes[1001];
    struct shoal_store *store = open_store("many");
    char id[SHOAL_HEX_SIZE];
    (void)state;
    for (size_t i = 0; i < 999; i++)
        changes[i] = (struct shoal_change){.kind = SHOAL_COUNT, .key = "n", .amount = 1};
    check(shoal_entity_new(store, keys, &(struct shoal_entity){.type = "tally", .changes = changes},
                           id, &error));
    expect_entity(store, id, "\"n\":999");
    changes[999] = changes[0];
    expect_error(shoal_entity_new(store, keys,
                                  &(struct shoal_entity){.type = "tally", .changes = changes}, id,
                                  &error),
                 SHOAL_ERROR_INVALID);
    shoal_store_close(store);
}

/* All that a store holds, the newest first. */
struct copies {
    char *at[64];
    size_t count;
};

static bool copy_one(void *owner, const char *json, size_t size)
{
    struct copies *copies = owner;
    copies->at[copies->count++] = strndup(json, size);
    return copies->count < 64;
}

static void test_order(void **state)
{
    struct shoal_store *one = open_store("one"), *other = open_store("other");
    struct copies copies = {0};
    char id[SHOAL_HEX_SIZE], value[16], here[SHOAL_HEX_SIZE], there[SHOAL_HEX_SIZE];
    (void)state;
    check(shoal_entity_new(
        one, keys, &(struct shoal_entity){.type = "note", .changes = FIELD("n", "0")}, id, &error));
    for (int i = 1; i < 20; i++) {
        snprintf(value, sizeof value, "%d", i);
        check(shoal_entity_change(one, keys, id, FIELD("n", value), &error));
    }
    check(shoal_store_query(one, "{}", copy_one, &copies, &error));
    assert_int_equal(copies.count, 20);
    for (size_t i = 0; i < copies.count; i++) { /* children before parents */
        check(shoal_store_put(other, copies.at[i], strlen(copies.at[i]), false, NULL, &error));
        free(copies.at[i]);
    }
    check(shoal_store_hash(one, here, &error));
    check(shoal_store_hash(other, there, &error));
    assert_string_equal(here, there);
    expect_entity(other, id, "\"n\":19");
    shoal_store_close(one);
    shoal_store_close(other);
}

static void test_sync(void **state)
{
    static const char *const nobody[] = {"ws://127.0.0.1:1"}, *const none[] = {"relay"};
    static const char *const limited[] = {"{\"limit\":1}"};
    struct shoal_store *store = open_store("sync");
    struct shoal_sync_setup setup = {0};
    (void)state;
    expect_error(shoal_sync_new(store, &setup, &error) != NULL, SHOAL_ERROR_INVALID);
    setup.relays = none;
    setup.relay_count = 1;
    expect_error(shoal_sync_new(store, &setup, &error) != NULL, SHOAL_ERROR_INVALID);
    setup.filters = limited;
    setup.filter_count = 1;
    expect_error(shoal_sync_new(store, &setup, &error) != NULL, SHOAL_ERROR_INVALID);
    setup.filter_count = 0;
    setup.relays = nobody;
    struct shoal_sync *sync = shoal_sync_new(store, &setup, &error);
    check(sync != NULL);
    expect_error(shoal_sync_new(store, &setup, &error) != NULL, SHOAL_ERROR_INVALID);
    struct shoal_progress now;
    while (shoal_sync_step(sync, &now) == SHOAL_SYNC_RUNS) {
        struct pollfd wait = {.fd = now.fd, .events = POLLIN};
        poll(&wait, 1, now.wait_ms);
    }
    assert_int_equal(now.state, SHOAL_SYNC_FAILED);
    assert_int_equal(shoal_sync_step(sync, NULL), SHOAL_SYNC_FAILED);
    assert_memory_equal(now.why, "ws://127.0.0.1:1", 16);
    assert_int_equal(now.fetched, 0);
    shoal_sync_free(sync);
    sync = shoal_sync_new(store, &setup, &error); /* and freed before anything happens */
    check(sync != NULL);
    shoal_sync_free(sync);
    shoal_sync_free(NULL);
    shoal_store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys),  cmocka_unit_test(test_event),  cmocka_unit_test(test_draft),
        cmocka_unit_test(test_store), cmocka_unit_test(test_entity), cmocka_unit_test(test_list),
        cmocka_unit_test(test_many),  cmocka_unit_test(test_order),  cmocka_unit_test(test_sync)};
    return cmocka_run_group_tests(tests, begin, end);
}
