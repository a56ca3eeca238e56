/* NIP-17: what is written is read again, by everybody it is for; a conversation has one name. */
#include "client/direct.h"

#include "client/holder.h"
#include "client/keys.h"
#include "client/wrap.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/kind.h"
#include "shared/text.h"
#include "tests/quoted.h"
#include "tests/test.h"

static struct arena arena;

static int teardown(void **state)
{
    (void)state;
    arena_clear(&arena);
    return 0;
}

static void test_several(void **state)
{
    enum { PEOPLE = 4 };
    struct holder *holders[PEOPLE];
    struct bytes32 pubkeys[PEOPLE];
    (void)state;
    for (int i = 0; i < PEOPLE; i++) {
        struct bytes32 secret = {.at[0] = (uint8_t)(i + 1)};
        holders[i] = holder_of_keys(keys_new(&secret));
        pubkeys[i] = *holder_pubkey(holders[i]);
    }
    const struct direct sent = {.author = pubkeys[0],
                                .created_at = 77,
                                .people = pubkeys + 1,
                                .people_count = PEOPLE - 1,
                                .has_reply = true,
                                .reply_to = {.at = {9}},
                                .subject = SPAN("plans"),
                                .text = SPAN("see\nyou \xf0\x9f\x98\x80")};
    struct event rumor;
    direct_rumor(&sent, &rumor, &arena);
    for (int i = 0; i < PEOPLE; i++) { /* the author, too */
        const struct wrap_seed seed = {.secret = {.at = {(uint8_t)(i + 50)}},
                                       .wrap_nonce = {.at = {(uint8_t)i}}};
        struct text text = {0};
        struct event wrap, read;
        struct direct got;
        assert_true(wrap_seal(&text, holders[0], &rumor, &pubkeys[i], &seed, NULL));
        assert_true(event_parse(&wrap, &arena, text_span(&text), NULL));
        assert_true(wrap_open(&read, &arena, holders[i], &wrap, NULL));
        assert_true(direct_parse(&got, &arena, &read, NULL));
        assert_int_equal(got.people_count, PEOPLE - 1);
        assert_memory_equal(got.people, pubkeys + 1, sizeof *pubkeys * (PEOPLE - 1));
        assert_int_equal(got.created_at, 77);
        assert_true(got.has_reply && got.reply_to.at[0] == 9);
        assert_true(span_eq(got.subject, sent.subject) && span_eq(got.text, sent.text));
        text_clear(&text);
    }
    for (size_t i = 0; i < PEOPLE; i++)
        holder_free(holders[i]);
}

static void test_conversation(void **state)
{
    struct bytes32 people[] = {{.at = {1}}, {.at = {2}}, {.at = {3}}};
    struct direct a = {.author = people[0], .people = people + 1, .people_count = 2};
    struct bytes32 others[] = {people[2], people[0]};
    struct direct b = {.author = people[1], .people = others, .people_count = 2};
    struct direct c = {.author = people[1], .people = others, .people_count = 1};
    struct bytes32 name_a = direct_conversation(&a), name_b = direct_conversation(&b),
                   name_c = direct_conversation(&c);
    (void)state;
    assert_memory_equal(name_a.at, name_b.at, 32);
    assert_memory_not_equal(name_a.at, name_c.at, 32);
}

#define K(digit) digit "000000000000000000000000000000000000000000000000000000000000000"

static void test_parse(void **state)
{
    static const struct {
        const char *tags, *refusal;
        uint32_t people;
    } cases[] = {
        {"[]", NULL, 0},
        {"[['p','" K("a") "'],['p','" K("a") "','wss://x'],['p']]", NULL, 1},
        {"[['p','" K("0") "']]", NULL, 0}, /* the author */
        {"[['p','bob']]", "a message to somebody who has no key", 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct event rumor = {.kind = KIND_CHAT};
        struct direct direct;
        struct err err;
        assert_true(event_parse_tags(&rumor, &arena, quoted(&arena, cases[i].tags), NULL));
        bool ok = direct_parse(&direct, &arena, &rumor, &err);
        assert_int_equal(ok, cases[i].refusal == NULL);
        if (ok)
            assert_int_equal(direct.people_count, cases[i].people);
        else
            assert_string_equal(err.text, cases[i].refusal);
    }
}

static void test_limits(void **state)
{
    struct event rumor = {.kind = KIND_CHAT};
    struct direct direct;
    struct text tags = {0};
    struct err err;
    (void)state;
    text_add(&tags, SPAN("["));
    for (int i = 1; i <= DIRECT_PEOPLE_MAX; i++)
        text_addf(&tags, "%s[\"p\",\"%064x\"]", i > 1 ? "," : "", i);
    size_t len = tags.len;
    text_add(&tags, SPAN("]"));
    assert_true(event_parse_tags(&rumor, &arena, text_span(&tags), NULL));
    assert_true(direct_parse(&direct, &arena, &rumor, NULL));
    assert_int_equal(direct.people_count, DIRECT_PEOPLE_MAX);
    tags.len = len;
    text_addf(&tags, ",[\"p\",\"%064x\"]]", DIRECT_PEOPLE_MAX + 1);
    assert_true(event_parse_tags(&rumor, &arena, text_span(&tags), NULL));
    assert_false(direct_parse(&direct, &arena, &rumor, &err));
    assert_string_equal(err.text, "a message to more than 100 people");
    rumor.kind = 1;
    assert_false(direct_parse(&direct, &arena, &rumor, &err));
    assert_int_equal(err.code, ERR_UNSUPPORTED);
    text_clear(&tags);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_several),
                                       cmocka_unit_test(test_conversation),
                                       cmocka_unit_test(test_parse), cmocka_unit_test(test_limits)};
    return cmocka_run_group_tests(tests, NULL, teardown);
}
