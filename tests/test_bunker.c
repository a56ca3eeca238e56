/* What is said to a bunker: addresses, requests and replies, written and read. */
#include "client/bunker_wire.h"

#include <stdio.h>

#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/text.h"
#include "tests/test.h"

#define KEY "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"

static struct arena arena;

static int teardown(void **state)
{
    (void)state;
    arena_clear(&arena);
    return 0;
}

static void test_address(void **state)
{
    struct bunker_place place, again;
    struct text text = {0};
    (void)state;
    assert_true(bunker_parse(&place, &arena,
                             SPAN("bunker://" KEY "?relay=wss%3A%2F%2Fa.example%2fx%3Fy%3dz&other=1"
                                  "&relay=ws://b.example:81&relay=http://no&secret=a%26b&&=&x"),
                             NULL));
    assert_int_equal(place.signer.at[0], 0x79);
    assert_int_equal(place.relay_count, 2);
    assert_true(span_eq(place.relays[0], SPAN("wss://a.example/x?y=z")));
    assert_true(span_eq(place.relays[1], SPAN("ws://b.example:81")));
    assert_true(span_eq(place.secret, SPAN("a&b")));
    assert_false(place.has_user);
    place.has_user = true;
    place.user = place.signer;
    bunker_write(&text, &place);
    assert_true(bunker_parse(&again, &arena, text_span(&text), NULL));
    assert_true(again.has_user && again.secret.len == 0 && again.relay_count == 2);
    assert_true(span_eq(again.relays[0], place.relays[0]));
    text.len = 0;
    bunker_write_offer(&text, &place.signer, &place);
    assert_true(span_eq(text_span(&text),
                        SPAN("nostrconnect://" KEY "?relay=wss%3A%2F%2Fa.example%2Fx%3Fy%3Dz"
                             "&relay=ws%3A%2F%2Fb.example%3A81&secret=a%26b"
                             "&perms=sign_event%2Cnip44_encrypt%2Cnip44_decrypt&name=shoal")));
    text_clear(&text);
}

static void test_bad_address(void **state)
{
    const struct {
        struct span word;
        const char *why;
    } bad[] = {
        {SPAN("nostr:" KEY), "expected bunker://KEY?relay=URL"},
        {SPAN("bunker://"), "the address of a bunker: its key is 64 hex digits"},
        {SPAN("bunker://79BE?relay=ws://a"), "the address of a bunker: its key is 64 hex digits"},
        {SPAN("bunker://" KEY), "the address of a bunker names no relay"},
        {SPAN("bunker://" KEY "/?relay=http://a"), "the address of a bunker names no relay"},
        {SPAN("bunker://" KEY "?relay=%"), "the address of a bunker: a value that is no text"},
        {SPAN("bunker://" KEY "?relay=%4"), "the address of a bunker: a value that is no text"},
        {SPAN("bunker://" KEY "?x=%0g"), "the address of a bunker: a value that is no text"},
        {SPAN("bunker://" KEY "?x=%00"), "the address of a bunker: a value that is no text"},
        {SPAN("bunker://" KEY "?x=%ff"), "the address of a bunker: a value that is no text"},
    };
    struct bunker_place place;
    struct text text = {0};
    struct err err;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_false(bunker_parse(&place, &arena, bad[i].word, &err));
        assert_string_equal(err.text, bad[i].why);
    }
    text_add(&text, SPAN("bunker://" KEY));
    for (int i = 0; i <= BUNKER_RELAYS_MAX; i++)
        text_addf(&text, "%crelay=ws://%d.example", i == 0 ? '?' : '&', i);
    assert_true(bunker_parse(&place, &arena, text_span(&text), NULL));
    assert_int_equal(place.relay_count, BUNKER_RELAYS_MAX);
    text_add(&text, SPAN("&x="));
    while (text.len < BUNKER_WORD_MAX)
        text_add(&text, SPAN("x"));
    assert_true(bunker_parse(&place, &arena, text_span(&text), NULL));
    text_add(&text, SPAN("x"));
    assert_false(bunker_parse(&place, &arena, text_span(&text), &err));
    text_clear(&text);
}

static void test_request(void **state)
{
    const struct span params[] = {SPAN("a\"b"), SPAN("")};
    const struct event event = {.created_at = 5,
                                .kind = 7,
                                .tags_json = SPAN("[[\"t\",\"x\"]]"),
                                .content_json = SPAN("say \\\"hi\\\"")};
    struct text text = {0};
    (void)state;
    bunker_write_request(&text, SPAN("id"), "connect", params, ARRAY_LEN(params));
    assert_true(
        span_eq(text_span(&text),
                SPAN("{\"id\":\"id\",\"method\":\"connect\",\"params\":[\"a\\\"b\",\"\"]}")));
    text.len = 0;
    bunker_write_request(&text, SPAN("id"), "ping", NULL, 0);
    assert_true(
        span_eq(text_span(&text), SPAN("{\"id\":\"id\",\"method\":\"ping\",\"params\":[]}")));
    text.len = 0;
    bunker_write_unsigned(&text, &event);
    assert_true(span_eq(
        text_span(&text),
        SPAN("{\"pubkey\":\"0000000000000000000000000000000000000000000000000000000000000000\","
             "\"created_at\":5,\"kind\":7,\"tags\":[[\"t\",\"x\"]],"
             "\"content\":\"say \\\"hi\\\"\"}")));
    text_clear(&text);
}

static void test_reply(void **state)
{
    const struct span bad[] = {SPAN(""),          SPAN("[]"),          SPAN("{\"id\"}"),
                               SPAN("{} more"),   SPAN("{\"id\":\"x"), SPAN("{\"id\":nul}"),
                               SPAN("{\"a\":1,}")};
    struct bunker_reply reply;
    struct err err;
    (void)state;
    assert_true(bunker_parse_reply(
        &reply, &arena, SPAN("{\"more\":[1,{}],\"result\":\"a\\nb\",\"error\":null,\"id\":\"7\"}"),
        NULL));
    assert_true(span_eq(reply.id, SPAN("7")) && span_eq(reply.result, SPAN("a\nb")));
    assert_int_equal(reply.error.len, 0);
    assert_true(bunker_parse_reply(&reply, &arena, SPAN("{\"id\":7,\"result\":{}}"), NULL));
    assert_true(reply.id.len == 0 && reply.result.len == 0);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_false(bunker_parse_reply(&reply, &arena, bad[i], &err));
        assert_int_equal(err.code, ERR_INVALID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_address), cmocka_unit_test(test_bad_address),
        cmocka_unit_test(test_request), cmocka_unit_test(test_reply)};
    return cmocka_run_group_tests(tests, NULL, teardown);
}
