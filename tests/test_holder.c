/* Whoever holds the key: what it does is what the key would do, and what it signed is looked at. */
#include "client/holder.h"

#include "client/draft.h"
#include "client/keys.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/sig.h"
#include "shared/text.h"
#include "tests/test.h"

static const struct bytes32 secret = {.at[31] = 7}, other = {.at[31] = 8}, random32 = {.at = {1}};

static struct event make_event(struct arena *arena)
{
    struct event event;
    struct draft draft = {.kind = 1, .created_at = 5000};
    text_add(&draft.content, SPAN("hello"));
    draft_finish(&draft, &event, arena);
    draft_clear(&draft);
    return event;
}

static void test_keys(void **state)
{
    struct arena arena = {0};
    struct text sealed = {0}, plain = {0};
    struct err err;
    (void)state;
    struct keys *keys = keys_new(&secret);
    struct holder *alice = holder_of_keys(keys), *bob = holder_of_keys(keys_new(&other));
    struct event event = make_event(&arena);
    assert_memory_equal(holder_pubkey(alice), keys_pubkey(keys), 32);
    assert_true(holder_sign(alice, &event, &random32, NULL));
    assert_memory_equal(event.pubkey.at, keys_pubkey(keys)->at, 32);
    assert_true(event_check_id(&event) && sig_verify(&event.sig, &event.id, &event.pubkey));

    assert_true(holder_seal(alice, &sealed, holder_pubkey(bob), SPAN("fish"), &random32, NULL));
    assert_true(holder_open(bob, &plain, holder_pubkey(alice), text_span(&sealed), NULL));
    assert_true(span_eq(text_span(&plain), SPAN("fish")));
    assert_false(holder_open(bob, &plain, holder_pubkey(bob), text_span(&sealed), &err));
    assert_int_equal(err.code, ERR_INVALID);

    struct bytes32 nobody;
    memset(&nobody, 0xff, sizeof nobody);
    assert_false(holder_seal(alice, &sealed, &nobody, SPAN("fish"), &random32, &err));
    assert_string_equal(err.text, "the other's key is not a point of the curve");
    assert_false(holder_open(alice, &plain, &nobody, text_span(&sealed), &err));
    assert_string_equal(err.text, "the other's key is not a point of the curve");
    text_clear(&sealed);
    text_clear(&plain);
    holder_free(alice);
    holder_free(bob);
    holder_free(NULL);
    arena_clear(&arena);
}

/* A source that signs with another key than it says. */
static bool sign_wrong(void *source, struct event *event, const struct bytes32 *aux,
                       struct err *err)
{
    (void)err;
    return sig_sign(&event->sig, &event->id, source, aux);
}

static void free_nothing(void *source)
{
    (void)source;
}

static void test_wrong_signature(void **state)
{
    static const struct holder_ways ways = {.sign = sign_wrong, .free = free_nothing};
    struct arena arena = {0};
    struct bytes32 pubkey, wrong = other;
    struct err err;
    (void)state;
    assert_true(sig_pubkey(&pubkey, &secret));
    struct holder *liar = holder_new(&ways, &wrong, &pubkey);
    struct event event = make_event(&arena);
    assert_false(holder_sign(liar, &event, &random32, &err));
    assert_int_equal(err.code, ERR_RESTRICTED);
    assert_string_equal(err.text, "what was to be signed came back with a wrong signature");
    holder_free(liar);
    arena_clear(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_keys),
                                       cmocka_unit_test(test_wrong_signature)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
