/* NIP-59: a gift is opened by whom it is for and nobody else; what is forged inside is refused. */
#include "client/wrap.h"

#include "client/box.h"
#include "client/draft.h"
#include "client/holder.h"
#include "client/keys.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/kind.h"
#include "shared/sig.h"
#include "tests/test.h"

static struct arena arena;
static struct keys *eve_keys;
static struct holder *alice, *bob, *eve; /* eve has eve_keys */

static const struct wrap_seed seed = {.seal_nonce = {.at = {1}},
                                      .seal_aux = {.at = {2}},
                                      .secret = {.at = {3}},
                                      .wrap_nonce = {.at = {4}},
                                      .wrap_aux = {.at = {5}},
                                      .seal_at = 1000,
                                      .wrap_at = 2000};

static int setup(void **state)
{
    const struct bytes32 secrets[] = {{.at[31] = 7}, {.at[31] = 8}, {.at[31] = 9}};
    (void)state;
    alice = holder_of_keys(keys_new(&secrets[0]));
    bob = holder_of_keys(keys_new(&secrets[1]));
    eve_keys = keys_new(&secrets[2]);
    eve = holder_of_keys(eve_keys);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    holder_free(alice);
    holder_free(bob);
    holder_free(eve);
    arena_clear(&arena);
    return 0;
}

static struct event make_rumor(const struct holder *author)
{
    struct event rumor;
    struct draft draft = {.kind = KIND_CHAT, .created_at = 5000};
    text_add(&draft.content, SPAN("hello \"bob\""));
    draft_finish(&draft, &rumor, &arena);
    rumor.pubkey = *holder_pubkey(author);
    rumor.id = event_hash(&rumor, EVENT_FORM_JSON);
    draft_clear(&draft);
    return rumor;
}

/* The gift wrap that text holds, its signature checked. */
static struct event read_wrap(struct text *text)
{
    struct event wrap;
    struct span json = arena_copy(&arena, text_span(text));
    text_clear(text);
    assert_true(event_parse(&wrap, &arena, json, NULL));
    assert_true(event_check_id(&wrap) && sig_verify(&wrap.sig, &wrap.id, &wrap.pubkey));
    return wrap;
}

static void test_open(void **state)
{
    struct text text = {0};
    struct event rumor = make_rumor(alice), read;
    struct err err;
    (void)state;
    assert_true(wrap_seal(&text, alice, &rumor, holder_pubkey(bob), &seed, NULL));
    struct event wrap = read_wrap(&text);
    assert_int_equal(wrap.kind, KIND_GIFT_WRAP);
    assert_int_equal(wrap.created_at, 2000);
    assert_int_equal(wrap.tag_count, 1);
    assert_true(event_names_pubkey(&wrap, 'p', holder_pubkey(bob)));
    assert_memory_not_equal(wrap.pubkey.at, holder_pubkey(alice)->at, 32);
    assert_true(wrap_open(&read, &arena, bob, &wrap, NULL));
    assert_memory_equal(read.id.at, rumor.id.at, 32);
    assert_memory_equal(read.pubkey.at, holder_pubkey(alice)->at, 32);
    assert_true(span_eq(read.content_json, SPAN("hello \\\"bob\\\"")));
    assert_false(wrap_open(&read, &arena, eve, &wrap, &err));
    assert_string_equal(err.text, "not sealed for this key, or altered on the way");
    wrap.kind = 1;
    assert_false(wrap_open(&read, &arena, bob, &wrap, &err));
    assert_string_equal(err.text, "kind 1 is no gift wrap");
}

/* Eve seals what Alice is said to have written. */
static void test_forged_author(void **state)
{
    struct text text = {0};
    struct event rumor = make_rumor(alice), read;
    struct err err;
    (void)state;
    assert_true(wrap_seal(&text, eve, &rumor, holder_pubkey(bob), &seed, NULL));
    struct event wrap = read_wrap(&text);
    assert_false(wrap_open(&read, &arena, bob, &wrap, &err));
    assert_string_equal(err.text, "sealed by another than it says wrote it");
}

static void test_forged_id(void **state)
{
    struct text text = {0};
    struct event rumor = make_rumor(alice), read;
    struct err err;
    (void)state;
    rumor.id.at[0] ^= 1;
    assert_true(wrap_seal(&text, alice, &rumor, holder_pubkey(bob), &seed, NULL));
    struct event wrap = read_wrap(&text);
    assert_false(wrap_open(&read, &arena, bob, &wrap, &err));
    assert_string_equal(err.text, "a sealed event whose id is wrong");
}

/* Seals json from eve's key, and puts a wrap around it. */
static struct event wrap_around(struct span json)
{
    struct draft draft = {.kind = KIND_GIFT_WRAP, .created_at = 1};
    struct bytes32 key, nonce = {.at = {1}};
    struct event event;
    assert_true(box_key(&key, eve_keys, holder_pubkey(bob)));
    assert_true(box_seal(&draft.content, &key, json, &nonce, NULL));
    draft_finish(&draft, &event, &arena);
    keys_sign(eve_keys, &event, &nonce);
    draft_clear(&draft);
    return event;
}

static void test_no_seal(void **state)
{
    struct event rumor = make_rumor(alice), read;
    struct text text = {0};
    struct err err;
    (void)state;
    struct event wrap = wrap_around(SPAN("not JSON"));
    assert_false(wrap_open(&read, &arena, bob, &wrap, &err));
    event_write(&text, &rumor);
    wrap = wrap_around(text_span(&text));
    assert_false(wrap_open(&read, &arena, bob, &wrap, &err));
    assert_string_equal(err.text, "a gift wrap around kind 14, which is no seal");
    rumor.kind = KIND_SEAL;
    text.len = 0;
    event_write(&text, &rumor);
    wrap = wrap_around(text_span(&text));
    assert_false(wrap_open(&read, &arena, bob, &wrap, &err));
    assert_string_equal(err.text, "a seal whose signature is wrong");
    text_clear(&text);
}

static void test_time(void **state)
{
    (void)state;
    assert_int_equal(wrap_time(1000000, 0), 1000000);
    assert_int_equal(wrap_time(1000000, WRAP_PAST_SECONDS - 1), 1000000 - WRAP_PAST_SECONDS + 1);
    assert_int_equal(wrap_time(1000000, WRAP_PAST_SECONDS), 1000000);
    assert_int_equal(wrap_time(5, 100), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_open),
                                       cmocka_unit_test(test_forged_author),
                                       cmocka_unit_test(test_forged_id),
                                       cmocka_unit_test(test_no_seal), cmocka_unit_test(test_time)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
