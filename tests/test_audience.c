/* The people whom an event names: the relays where they read, few and each once, and those of whom
 * no list is here. */
#include "client/audience.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "client/draft.h"
#include "client/keys.h"
#include "client/outbox.h"
#include "client/store.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/hex.h"
#include "tests/folder.h"
#include "tests/test.h"

enum { NOW_S = 1700000000, ME = 100, PEOPLE = 101 };

static char folder[64];
static struct arena arena;
static struct store *store;
static struct keys *people[PEOPLE];

static struct keys *person(size_t i)
{
    struct bytes32 secret = {{1, (uint8_t)i}};
    if (people[i] == NULL)
        people[i] = keys_new(&secret);
    assert_non_null(people[i]);
    return people[i];
}

static struct span hex_of(size_t i)
{
    char hex[64];
    hex_encode(hex, keys_pubkey(person(i))->at, 32);
    return arena_copy(&arena, SPAN_OF(hex));
}

/* Ends with draft. */
static struct event sign(struct draft *draft, size_t author)
{
    const struct bytes32 aux = {{1}};
    struct event event;
    draft->created_at = NOW_S;
    draft_finish(draft, &event, &arena);
    keys_sign(person(author), &event, &aux);
    draft_clear(draft);
    return event;
}

static void put(const struct event *event)
{
    enum store_verdict verdict;
    assert_true(store_put(store, &verdict, event, NULL, 0, NULL));
}

/* Somebody reads at these, with a space between them. */
static void put_list(size_t who, const char *urls)
{
    struct draft draft = {.kind = 10002};
    while (*urls != '\0') {
        size_t len = strcspn(urls, " ");
        draft_tag(&draft, (struct span[]){SPAN("r"), {urls, len}, SPAN("read")}, 3);
        urls += len + (urls[len] == ' ');
    }
    draft_tag(&draft, (struct span[]){SPAN("r"), SPAN("wss://written"), SPAN("write")}, 3);
    struct event event = sign(&draft, who);
    put(&event);
}

/* An event of ours that names the people from first to end - 1. */
static struct event name(uint16_t kind, size_t first, size_t end, bool is_protected)
{
    struct draft draft = {.kind = kind};
    for (size_t i = first; i < end; i++)
        draft_tag_pair(&draft, SPAN("p"), hex_of(i));
    if (is_protected)
        draft_tag(&draft, (struct span[]){SPAN("-")}, 1);
    return sign(&draft, ME);
}

static struct audience find(const struct event *event)
{
    struct audience audience;
    struct err err;
    if (!audience_find(store, &audience, &arena, event, &err))
        fail_msg("%s", err.text);
    return audience;
}

static int begin(void **state)
{
    struct err err;
    (void)state;
    folder_make(folder, sizeof folder);
    chmod(folder, 0700);
    store = store_open(folder, NOW_S * UINT64_C(1000), &err);
    return store == NULL;
}

static int end(void **state)
{
    (void)state;
    store_close(store);
    folder_remove(folder);
    arena_clear(&arena);
    for (size_t i = 0; i < PEOPLE; i++) {
        keys_free(people[i]);
        people[i] = NULL;
    }
    return 0;
}

static void test_read(void **state)
{
    (void)state;
    put_list(0, "wss://a wss://b");
    put_list(1, "wss://b no-url");
    put_list(ME, "wss://mine");
    struct event event = name(1, 0, 3, false);
    const struct audience audience = find(&event);
    assert_int_equal(audience.relay_count, 2);
    assert_true(span_eq(audience.relays[0], SPAN("wss://b"))); /* two read it */
    assert_true(span_eq(audience.relays[1], SPAN("wss://a")));
    assert_int_equal(audience.unknown_count, 1);
    assert_memory_equal(audience.unknown, keys_pubkey(person(2)), 32);
    event = name(1, ME, ME + 1, false); /* oneself */
    assert_int_equal(find(&event).relay_count + find(&event).unknown_count, 0);
}

static void test_kinds(void **state)
{
    static const struct {
        uint16_t kind;
        bool is_protected;
        size_t relays;
    } cases[] = {{1, false, 1},    {6, false, 1},    {7, false, 1},    {16, false, 1},
                 {1111, false, 1}, {3, false, 0},    {1059, false, 0}, {1, true, 0},
                 {7, true, 0},     {1570, false, 0}, {30023, false, 0}};
    (void)state;
    put_list(0, "wss://a");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct event event = name(cases[i].kind, 0, 2, cases[i].is_protected);
        const struct audience audience = find(&event);
        assert_int_equal(audience.relay_count, cases[i].relays);
        assert_int_equal(audience.unknown_count, cases[i].relays);
    }
}

/* However many somebody names, or reads. */
static void test_limits(void **state)
{
    (void)state;
    for (size_t i = 0; i < 20; i++) {
        char urls[100];
        snprintf(urls, sizeof urls, "wss://%zua wss://%zub wss://%zuc wss://%zud", i, i, i, i);
        put_list(i, urls);
    }
    struct event event = name(1, 0, 1, false);
    assert_int_equal(find(&event).relay_count, AUDIENCE_TIMES);
    event = name(1, 0, 20, false);
    assert_int_equal(find(&event).relay_count, AUDIENCE_RELAYS_MAX);
    event = name(1, 20, 20 + AUDIENCE_PEOPLE_MAX, false);
    assert_int_equal(find(&event).unknown_count, AUDIENCE_PEOPLE_MAX);
    event = name(1, 20, 20 + AUDIENCE_PEOPLE_MAX + 1, false);
    assert_int_equal(find(&event).unknown_count, AUDIENCE_PEOPLE_MAX);
}

/* What waits is queued once the list is here, and waits no more; ours is named as we name it. */
static void test_route(void **state)
{
    struct bytes32 *unknown;
    struct span *relays;
    struct outbox_rows rows;
    size_t count;
    (void)state;
    assert_true(store_add_relay(store, SPAN("wss://ours"), NULL));
    struct event one = name(1, 0, 2, false), two = name(7, 0, 1, false);
    put(&one);
    put(&two);
    assert_true(outbox_route_later(store, &one.id, NULL));
    assert_true(outbox_route_later(store, &one.id, NULL));
    assert_true(outbox_route_later(store, &two.id, NULL));
    assert_true(audience_unknown(store, &unknown, &count, &arena, NULL));
    assert_int_equal(count, 2);
    put_list(0, "wss://OURS/ wss://a");
    assert_true(audience_unknown(store, &unknown, &count, &arena, NULL));
    assert_int_equal(count, 1);
    assert_memory_equal(unknown, keys_pubkey(person(1)), sizeof *unknown);
    assert_true(audience_route(store, &relays, &count, &arena, NULL));
    assert_int_equal(count, 2);
    assert_true(span_eq(relays[0], SPAN("wss://ours")) || span_eq(relays[1], SPAN("wss://ours")));
    assert_true(outbox_list(store, &rows, &arena, 99, NULL));
    assert_int_equal(rows.count, 4);
    assert_true(audience_unknown(store, &unknown, &count, &arena, NULL));
    assert_int_equal(count, 0);
    assert_true(audience_route(store, &relays, &count, &arena, NULL));
    assert_int_equal(count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_read, begin, end),
                                       cmocka_unit_test_setup_teardown(test_kinds, begin, end),
                                       cmocka_unit_test_setup_teardown(test_limits, begin, end),
                                       cmocka_unit_test_setup_teardown(test_route, begin, end)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
