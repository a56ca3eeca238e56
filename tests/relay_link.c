/* The client's links against a real relay: published once, heard without a gap, known when it must
 * be, whatever happens to the connection. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/info.h"
#include "tests/linked.h"
#include "tests/relay.h"
#include "tests/scratch.h"
#include "tests/signer.h"
#include "tests/talk.h"
#include "tests/test.h"

static struct relay relay;
static struct linked linked;
static struct linked_query query;

static const char *url(void)
{
    return scratch_format("ws://localhost:%u", relay.port);
}

static void begin(const char *const *options, uint32_t person)
{
    relay_start(&relay, &(struct relay_setup){.options = options});
    linked_open(&linked, &(struct linked_setup){.url = url(), .person = person});
}

static void end(void)
{
    linked_close(&linked);
    relay_stop(&relay);
    scratch_clear();
}

/* Kills it, and starts it again where it was; between, whatever happens. */
static void kill_relay(void)
{
    relay_kill(&relay);
}

static void revive_relay(void)
{
    char schema[64];
    snprintf(schema, sizeof schema, "%s", relay.schema);
    const char *port = scratch_format("listen_port=%u", relay.port);
    relay_start(&relay, &(struct relay_setup){.schema = schema, .options = OPTIONS(port)});
}

static int64_t stored(const char *filter)
{
    struct talk talk;
    talk_open(&talk, &relay);
    int64_t count = talk_count(&talk, filter);
    talk_close(&talk);
    return count;
}

static void test_words(void **state)
{
    (void)state;
    begin(NULL, 0);
    const struct signer_event *first = SIGN(.person = 1, .kind = 1, .content = "one");
    const struct signer_event *other = SIGN(.person = 2, .kind = 1, .content = "two");
    linked_publish(&linked, first);
    linked_publish(&linked, other);
    linked_publish(&linked, SIGN(.person = 1, .kind = 1, .created_at = 1, .content = "old"));
    LINKED_UNTIL(&linked, linked.fates[LINK_TAKEN] == 3);
    linked_publish(&linked, first);
    LINKED_UNTIL(&linked, linked.fates[LINK_KNOWN] == 1);
    struct signer_event wrong = *first;
    wrong.json = scratch_format("{\"id\":\"%s\",\"pubkey\":\"%s\",\"created_at\":1,\"kind\":1,"
                                "\"tags\":[],\"content\":\"other\",\"sig\":\"%s\"}",
                                first->id, first->pubkey, first->sig);
    linked_publish(&linked, &wrong);
    LINKED_UNTIL(&linked, linked.fates[LINK_REFUSED] == 1);
    assert_true(strncmp(linked.settled_why, "invalid: ", 9) == 0);

    linked_ask(&linked, &query, LINK_REQ, scratch_format("{\"authors\":[\"%s\"]}", first->pubkey));
    LINKED_UNTIL(&linked, query.stored == 1);
    assert_int_equal(query.count, 2);
    linked_publish(&linked, SIGN(.person = 1, .kind = 1, .content = "live"));
    LINKED_UNTIL(&linked, query.count == 3);
    linked_drop(&query);
    linked_ask(&linked, &query, LINK_COUNT, "{\"kinds\":[1]}");
    LINKED_UNTIL(&linked, query.counted == 4);
    linked_drop(&query);
    LINKED_UNTIL(&linked, link_info(linked.link) != NULL);
    assert_true(link_info(linked.link)->has_negentropy);
    assert_int_equal(link_unasked(linked.link), 0);
    end();
}

/* More at once than the relay allows. */
static void test_many_questions(void **state)
{
    static struct linked_query queries[12];
    (void)state;
    begin(OPTIONS("subscriptions_max=3"), 0);
    linked_publish(&linked, SIGN(.person = 1, .kind = 1));
    LINKED_UNTIL(&linked, linked.fates[LINK_TAKEN] == 1 && link_info(linked.link) != NULL);
    assert_int_equal(link_info(linked.link)->subs_max, 3);
    for (size_t i = 0; i < ARRAY_LEN(queries); i++)
        linked_ask(&linked, &queries[i], LINK_REQ, "{\"kinds\":[1]}");
    for (size_t i = 0; i < ARRAY_LEN(queries); i++) {
        LINKED_UNTIL(&linked, queries[i].stored == 1);
        assert_int_equal(queries[i].count, 1);
        assert_false(queries[i].is_closed);
        linked_drop(&queries[i]);
    }
    end();
}

/* Events on their way when the relay is killed: each is stored once, and each is answered. */
static void test_publish_until_ok(void **state)
{
    enum { EVENTS = 600 };
    int sent = 0;
    (void)state;
    begin(NULL, 0);
    for (; sent < EVENTS / 2; sent++)
        linked_publish(&linked,
                       SIGN(.person = 3, .kind = 1, .content = scratch_format("%d", sent)));
    LINKED_UNTIL(&linked, linked.fates[LINK_TAKEN] >= 50);
    kill_relay();
    LINKED_UNTIL(&linked, linked.closed >= 2); /* and an attempt in vain */
    for (; sent < EVENTS; sent++)
        linked_publish(&linked,
                       SIGN(.person = 3, .kind = 1, .content = scratch_format("%d", sent)));
    revive_relay();
    LINKED_UNTIL(&linked, linked.fates[LINK_TAKEN] + linked.fates[LINK_KNOWN] == EVENTS);
    assert_int_equal(linked.fates[LINK_REFUSED] + linked.fates[LINK_LATER], 0);
    assert_int_equal(link_pending(linked.link), 0);
    assert_true(linked.opened >= 2);
    assert_int_equal(stored(scratch_format("{\"authors\":[\"%s\"]}", signer_pubkey(3))), EVENTS);
    assert_true(linked.drained >= 1); /* over 512 were waiting */
    end();
}

/* What was published while we were away, new or dated back, by others. */
static void test_without_gap(void **state)
{
    static struct linked_query live;
    struct talk talk;
    (void)state;
    begin(NULL, 0);
    linked_ask(&linked, &query, LINK_REQ, "{\"kinds\":[1]}");
    linked_ask(&linked, &live, LINK_REQ, "{\"kinds\":[1],\"limit\":0}");
    LINKED_UNTIL(&linked, query.stored == 1 && live.stored == 1);
    linked_publish(&linked, SIGN(.person = 4, .kind = 1, .content = "before"));
    LINKED_UNTIL(&linked, query.count == 1 && live.count == 1);
    kill_relay();
    LINKED_UNTIL(&linked, linked.closed >= 1);
    revive_relay();
    const struct signer_event *fresh = SIGN(.person = 5, .kind = 1, .content = "meanwhile");
    const struct signer_event *old =
        SIGN(.person = 5, .kind = 1, .created_at = signer_now() - 10000000, .content = "old");
    talk_open(&talk, &relay);
    talk_accept(&talk, fresh);
    talk_accept(&talk, old);
    talk_close(&talk);
    LINKED_UNTIL(&linked, query.stored == 2 && live.stored == 2);
    assert_true(linked_has(&query, fresh) && linked_has(&query, old));
    assert_true(linked_has(&live, fresh));
    assert_false(linked_has(&live, old)); /* it was to be live, and not all there is */
    assert_int_equal(linked_different(&query), 3);
    linked_publish(&linked, SIGN(.person = 4, .kind = 1, .content = "after"));
    LINKED_UNTIL(&linked, linked_different(&query) == 4 && linked_different(&live) == 3);
    linked_drop(&query);
    linked_drop(&live);
    end();
}

static const char *mail_for(uint32_t person)
{
    return scratch_format("[[\"p\",\"%s\"]]", signer_pubkey(person));
}

/* Asked only when it must be: then what was refused is done. */
static void test_auth(void **state)
{
    static struct linked_query mine;
    (void)state;
    relay_start(&relay, &(struct relay_setup){0});
    linked_open(&linked, &(struct linked_setup){.url = url(), .person = 6});
    linked_publish(&linked, SIGN(.person = 7, .kind = 1059, .tags = mail_for(6)));
    LINKED_UNTIL(&linked, linked.fates[LINK_TAKEN] == 1);
    assert_int_equal(linked.challenged, 0);
    linked_ask(&linked, &mine, LINK_REQ,
               scratch_format("{\"kinds\":[1059],\"#p\":[\"%s\"]}", signer_pubkey(6)));
    LINKED_UNTIL(&linked, mine.stored == 1);
    assert_int_equal(mine.count, 1);
    assert_int_equal(linked.challenged, 1);
    linked_ask(&linked, &query, LINK_REQ,
               scratch_format("{\"kinds\":[1059],\"#p\":[\"%s\"]}", signer_pubkey(8)));
    LINKED_UNTIL(&linked, query.is_closed);
    assert_true(strncmp(query.closed, "restricted: ", 12) == 0);
    linked_drop(&query);
    /* its author alone may bring it */
    linked_publish(&linked, SIGN(.person = 6, .kind = 1, .tags = "[[\"-\"]]"));
    LINKED_UNTIL(&linked, linked.fates[LINK_TAKEN] == 2);
    linked_publish(&linked, SIGN(.person = 7, .kind = 1, .tags = "[[\"-\"]]"));
    LINKED_UNTIL(&linked, linked.fates[LINK_REFUSED] == 1);
    /* and again, on another connection */
    kill_relay();
    LINKED_UNTIL(&linked, linked.closed >= 1);
    revive_relay();
    LINKED_UNTIL(&linked, mine.stored == 2);
    assert_int_equal(linked.challenged, 2);
    linked_drop(&mine);
    end();
}

static void test_auth_declined(void **state)
{
    (void)state;
    begin(NULL, 0);
    linked_ask(&linked, &query, LINK_REQ, "{\"kinds\":[1059]}");
    LINKED_UNTIL(&linked, query.is_closed);
    assert_string_equal(query.closed, "auth-required: the key is locked");
    linked_drop(&query);
    linked_publish(&linked, SIGN(.person = 7, .kind = 1, .tags = "[[\"-\"]]"));
    LINKED_UNTIL(&linked, linked.fates[LINK_LATER] == 1);
    assert_string_equal(linked.settled_why, "auth-required: the key is locked");
    linked_publish(&linked, SIGN(.person = 7, .kind = 1));
    LINKED_UNTIL(&linked, linked.fates[LINK_TAKEN] == 1);
    end();
}

/* A relay that is busy is waited for; one that takes no such size is told nothing. */
static void test_limits(void **state)
{
    (void)state;
    begin(OPTIONS("events_per_s_max=50", "event_burst_max=50", "message_bytes_max=70000"), 0);
    for (int i = 0; i < 150; i++)
        linked_publish(&linked, SIGN(.person = 9, .kind = 1, .content = scratch_format("%d", i)));
    LINKED_UNTIL(&linked, linked.fates[LINK_TAKEN] == 150);
    linked_publish(&linked,
                   SIGN(.person = 9, .kind = 1, .content = scratch_repeat("long", 20000, "")));
    LINKED_UNTIL(&linked, linked.fates[LINK_REFUSED] == 1);
    assert_string_equal(linked.settled_why, "invalid: longer than the relay takes");
    assert_int_equal(linked.opened, 1);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_many_questions),
        cmocka_unit_test(test_publish_until_ok),
        cmocka_unit_test(test_without_gap),
        cmocka_unit_test(test_auth),
        cmocka_unit_test(test_auth_declined),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
