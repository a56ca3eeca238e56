/* Sessions: what is sent comes out in order; who does not read is cut; who waits is called. */
#include "relay/session.h"

#include <stdio.h>

#include "relay/frame.h"
#include "shared/text.h"
#include "tests/test.h"

struct peer {
    struct session_table *table;
    struct session *session;
    struct text message;
    int woken, drained;
};

static void on_wake(void *owner)
{
    struct peer *peer = owner;
    peer->woken++;
}

static struct peer open_peer(size_t outbox_bytes_max)
{
    struct peer peer = {.table = session_table_new(outbox_bytes_max)};
    peer.session = session_open(peer.table, on_wake, NULL);
    return peer;
}

static void close_peer(struct peer *peer)
{
    session_close(peer->session);
    session_table_free(peer->table);
    text_clear(&peer->message);
}

static void expect(struct peer *peer, const char *message)
{
    assert_true(session_pop(peer->session, &peer->message));
    assert_int_equal(peer->message.len, strlen(message));
    assert_memory_equal(peer->message.at, message, peer->message.len);
}

static void test_order(void **state)
{
    struct peer peer = open_peer(1 << 20);
    peer.session->owner = &peer;
    struct frame *frame = frame_new(SPAN("{}"));
    (void)state;
    assert_false(session_pop(peer.session, &peer.message));
    session_send(peer.session, SPAN("[1]"), NULL);
    session_send(peer.session, SPAN("[2,"), frame);
    session_send(peer.session, SPAN("[3,"), frame);
    assert_int_equal(peer.woken, 1); /* only into an empty outbox */
    assert_int_equal(frame->refs, 3);
    frame_drop(frame);
    expect(&peer, "[1]");
    expect(&peer, "[2,{}]");
    expect(&peer, "[3,{}]");
    assert_false(session_pop(peer.session, &peer.message));
    assert_int_equal(peer.session->outbox_bytes, 0);
    session_send(peer.session, SPAN("[4]"), NULL);
    assert_int_equal(peer.woken, 2);
    close_peer(&peer); /* with something left in it */
}

/* Bytes one message without a frame costs beyond its own. */
static size_t overhead(void)
{
    struct peer peer = open_peer(1 << 20);
    peer.session->owner = &peer;
    session_send(peer.session, SPAN("x"), NULL);
    size_t bytes = peer.session->outbox_bytes - 1;
    close_peer(&peer);
    return bytes;
}

static void test_bound(void **state)
{
    char text[100];
    memset(text, 'x', sizeof text);
    size_t cost = overhead() + sizeof text;
    struct peer peer = open_peer(4 * cost);
    peer.session->owner = &peer;
    (void)state;
    for (int i = 0; i < 4; i++)
        session_send(peer.session, SPAN_OF(text), NULL);
    assert_false(peer.session->doomed);
    assert_int_equal(peer.session->outbox_bytes, 4 * cost);
    session_send(peer.session, SPAN(""), NULL);
    assert_true(peer.session->doomed);
    assert_int_equal(peer.session->close_code, 1008);
    assert_int_equal(peer.session->outbox_bytes, 0);
    assert_int_equal(peer.woken, 2);
    session_send(peer.session, SPAN("more"), NULL);
    assert_false(session_pop(peer.session, &peer.message));
    close_peer(&peer);
}

static void test_held(void **state)
{
    struct peer peer = open_peer(1000);
    peer.session->owner = &peer;
    (void)state;
    session_hold(peer.session, 1000);
    assert_false(peer.session->doomed);
    assert_false(session_is_full(peer.session)); /* what is held does not stop what comes first */
    session_unhold(peer.session, 1000);
    session_hold(peer.session, 1001);
    assert_true(peer.session->doomed);
    session_unhold(peer.session, 1001);
    close_peer(&peer);
}

static void on_drained(void *owner)
{
    struct peer *peer = owner;
    peer->drained++;
}

static void test_drained(void **state)
{
    size_t cost = overhead() + 100;
    struct peer peer = open_peer(10 * cost);
    char text[100] = {0};
    peer.session->owner = &peer;
    (void)state;
    for (int i = 0; i < 4; i++)
        session_send(peer.session, SPAN_OF(text), NULL);
    assert_false(session_is_full(peer.session));
    session_send(peer.session, SPAN_OF(text), NULL);
    assert_true(session_is_full(peer.session));
    session_on_drained(peer.session, on_drained, &peer);
    assert_int_equal(peer.drained, 0);
    while (session_pop(peer.session, &peer.message))
        assert_int_equal(peer.drained, peer.session->outbox_bytes * 4 < 10 * cost);
    assert_int_equal(peer.drained, 1); /* once */

    session_send(peer.session, SPAN_OF(text), NULL);
    session_on_drained(peer.session, on_drained, &peer);
    session_on_drained(peer.session, NULL, NULL);
    assert_true(session_pop(peer.session, &peer.message));
    assert_int_equal(peer.drained, 1);
    close_peer(&peer);
}

static void test_doom(void **state)
{
    struct peer peer = open_peer(1000);
    peer.session->owner = &peer;
    (void)state;
    session_send(peer.session, SPAN("[1]"), NULL);
    session_doom(peer.session, 1001);
    session_doom(peer.session, 1002);
    session_send(peer.session, SPAN("[2]"), NULL);
    assert_int_equal(peer.session->close_code, 1001);
    assert_int_equal(peer.woken, 2);
    expect(&peer, "[1]"); /* what was there is still sent */
    assert_false(session_pop(peer.session, &peer.message));
    close_peer(&peer);
}

static void test_keys(void **state)
{
    struct peer peer = open_peer(1000);
    struct bytes32 key = {{0}};
    (void)state;
    for (int i = 0; i < SESSION_KEYS_MAX; i++) {
        key.at[31] = (uint8_t)i;
        assert_false(session_has_key(peer.session, &key));
        assert_true(session_add_key(peer.session, &key));
        assert_true(session_has_key(peer.session, &key));
    }
    assert_true(session_add_key(peer.session, &key));
    key.at[31] = SESSION_KEYS_MAX;
    assert_false(session_add_key(peer.session, &key));
    assert_int_equal(peer.session->key_count, SESSION_KEYS_MAX);
    close_peer(&peer);
}

static bool on_visit(void *owner, struct session *session)
{
    uint64_t *sum = owner;
    *sum += session->id;
    return *sum < 3;
}

static void test_table(void **state)
{
    struct session_table *table = session_table_new(1000);
    uint64_t sum = 0;
    (void)state;
    struct session *a = session_open(table, on_wake, NULL);
    struct session *b = session_open(table, on_wake, NULL);
    uint64_t id = a->id;
    assert_ptr_equal(session_find(table, id), a);
    assert_ptr_equal(session_find(table, b->id), b);
    assert_int_equal(session_count(table), 2);
    session_each(table, on_visit, &sum);
    assert_int_equal(sum, a->id + b->id);
    session_close(a);
    assert_null(session_find(table, id));
    struct session *c = session_open(table, on_wake, NULL);
    assert_int_not_equal(c->id, id); /* never used again */
    sum = 3;
    session_each(table, on_visit, &sum); /* stops at the first */
    assert_true(sum == 3 + b->id || sum == 3 + c->id);
    session_close(b);
    session_close(c);
    session_table_free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_order), cmocka_unit_test(test_bound),
                                       cmocka_unit_test(test_held),  cmocka_unit_test(test_drained),
                                       cmocka_unit_test(test_doom),  cmocka_unit_test(test_keys),
                                       cmocka_unit_test(test_table)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
