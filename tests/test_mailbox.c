#include "client/mailbox.h"

#include <stdio.h>

#include "shared/arena.h"
#include "shared/event.h"
#include "tests/test.h"

static struct arena arena;

/* owner: a letter. */
static struct mailbox read_list(char owner, const char *tags)
{
    struct event event = {.kind = 10002};
    struct mailbox mailbox;
    memset(&event.pubkey, owner, sizeof event.pubkey);
    assert_true(event_parse_tags(&event, &arena, (struct span){tags, strlen(tags)}, NULL));
    mailbox_read(&mailbox, &event);
    return mailbox;
}

static void check(const struct mailbox_relay *relay, const char *url, bool reads, bool writes)
{
    assert_true(span_eq(relay->url, (struct span){url, strlen(url)}));
    assert_int_equal(relay->reads, reads);
    assert_int_equal(relay->writes, writes);
}

static void test_list(void **state)
{
    (void)state;
    struct mailbox list = read_list(
        'a', "[[\"r\",\"wss://a\"],[\"r\",\"wss://b\",\"read\"],[\"r\",\"wss://c/\",\"write\"],"
             "[\"r\",\"http://d\"],[\"r\"],[\"e\",\"wss://e\"],[],[\"r\",\"wss://f\",\"other\"],"
             "[\"r\",\"WSS://C\",\"read\"],[\"r\",\"\"]]");
    assert_int_equal(list.count, 4);
    check(&list.relays[0], "wss://a", true, true);
    check(&list.relays[1], "wss://b", true, false);
    check(&list.relays[2], "wss://c/", true, true); /* named twice, in two forms */
    check(&list.relays[3], "wss://f", true, true);
    arena_clear(&arena);
}

static void test_bound(void **state)
{
    char tags[2000] = "[";
    (void)state;
    for (int i = 0; i <= MAILBOX_RELAYS_MAX; i++)
        snprintf(tags + strlen(tags), sizeof tags - strlen(tags), "%s[\"r\",\"wss://r%d\"]",
                 i > 0 ? "," : "", i);
    snprintf(tags + strlen(tags), sizeof tags - strlen(tags), "]");
    struct mailbox list = read_list('a', tags);
    assert_int_equal(list.count, MAILBOX_RELAYS_MAX);
    check(&list.relays[MAILBOX_RELAYS_MAX - 1], "wss://r9", true, true);
    arena_clear(&arena);
}

static void check_stop(const struct mailbox_stop *stop, const char *url, const char *owners)
{
    assert_true(span_eq(stop->url, (struct span){url, strlen(url)}));
    assert_int_equal(stop->count, strlen(owners));
    for (size_t i = 0; i < stop->count; i++)
        assert_int_equal(stop->authors[i].at[0], owners[i]);
}

static void test_route(void **state)
{
    const struct mailbox lists[] = {
        read_list('a', "[[\"r\",\"wss://one\"],[\"r\",\"wss://hub\"]]"),
        read_list('b', "[[\"r\",\"wss://hub/\"],[\"r\",\"wss://two\",\"write\"]]"),
        read_list('c', "[[\"r\",\"wss://two\"],[\"r\",\"wss://hub\",\"read\"]]"),
        read_list('d', "[]"),
    };
    size_t count;
    (void)state;
    struct mailbox_stop *stops = mailbox_route(&count, &arena, lists, ARRAY_LEN(lists), 1);
    assert_int_equal(count, 2);
    check_stop(&stops[0], "wss://hub", "ab");
    check_stop(&stops[1], "wss://two", "c");
    stops = mailbox_route(&count, &arena, lists, ARRAY_LEN(lists), 2);
    assert_int_equal(count, 3);
    check_stop(&stops[0], "wss://hub", "ab");
    check_stop(&stops[1], "wss://two", "bc");
    check_stop(&stops[2], "wss://one", "a");
    stops = mailbox_route(&count, &arena, NULL, 0, 2);
    assert_int_equal(count, 0);
    assert_null(stops);
    arena_clear(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_list), cmocka_unit_test(test_bound),
                                       cmocka_unit_test(test_route)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
