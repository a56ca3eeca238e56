#include "relay/ticket.h"

#include <stdio.h>

#include "relay/rpc.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "tests/test.h"

static struct span span(const char *text)
{
    return (struct span){text, strlen(text)};
}

/* Base64 in all the ways it is written; the JSON behind it is no event, so it is refused later. */
static void test_forms(void **state)
{
    static const struct {
        const char *header, *why;
    } cases[] = {
        {"", "an Authorization header"},
        {"Basic YTpi", "expected Authorization: Nostr"},
        {"Nostr", "the Authorization header is not base64"},
        {"Nostr =", "the Authorization header is not base64"},
        {"Nostr e", "the Authorization header is not base64"},
        {"Nostr e30*", "the Authorization header is not base64"},
        {"Nostr e30= x", "expected Authorization: Nostr"},
        {"Nostr e30=", "the event in Authorization: "},
        {"nostr e30", "the event in Authorization: "},
        {"NOSTR   e30", "expected Authorization: Nostr"},
        {"Nostr -_-_", "the event in Authorization: "},
        {"Nostr +/+/", "the event in Authorization: "},
        {"Bearer abc", "the token is not one of ours"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena arena = {0};
        struct ticket ticket;
        struct err err;
        print_message("%s\n", cases[i].header);
        assert_false(ticket_read(&ticket, &arena, span(cases[i].header), &err));
        assert_memory_equal(err.text, cases[i].why, strlen(cases[i].why));
        arena_clear(&arena);
    }
}

static void test_token(void **state)
{
    static const char word[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    struct arena arena = {0};
    struct ticket ticket;
    struct err err;
    (void)state;
    assert_true(ticket_read(&ticket, &arena,
                            SPAN("Bearer "
                                 "00112233445566778899aabbccddeeff"
                                 "00112233445566778899aabbccddeeff"),
                            &err));
    struct bytes32 hash = ticket_token_hash(word);
    assert_true(ticket.is_token);
    assert_memory_equal(&ticket.hash, &hash, sizeof hash);
    arena_clear(&arena);
}

static void test_rpc(void **state)
{
    static const struct {
        const char *body, *method, *params; /* params joined by | */
    } cases[] = {
        {"{\"method\":\"a\"}", "a", ""},
        {" { \"params\" : [ \"x\" , 7 , null , 1.0 ] , \"id\" : {} , \"method\" : \"b\" } ", "b",
         "x|7||1"},
        {"{\"method\":\"c\",\"params\":[\"\\u00e9\\n\"]}", "c", "\xc3\xa9\n"},
        {"{\"method\":\"d\",\"params\":[\"1\",\"2\",\"3\",\"4\",\"5\"]}", "d", "1|2|3|4|5"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena arena = {0};
        struct rpc rpc;
        struct err err;
        char joined[100] = "";
        size_t len = 0;
        assert_true(rpc_parse(&rpc, &arena, span(cases[i].body), &err));
        assert_true(span_eq(rpc.method, span(cases[i].method)));
        for (uint32_t j = 0; j < rpc.count; j++)
            len += (size_t)snprintf(joined + len, sizeof joined - len, "%s%.*s", j > 0 ? "|" : "",
                                    SPAN_ARG(rpc.params[j]));
        assert_string_equal(joined, cases[i].params);
        arena_clear(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_forms), cmocka_unit_test(test_token),
                                       cmocka_unit_test(test_rpc)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
