/* Keys: BIP-340's vector 0 as an identity, the range of secrets, signing, the shared point; secret
 * memory and the normal forms of what is typed. */
#include "client/keys.h"

#include "client/draft.h"
#include "client/secret.h"
#include "shared/arena.h"
#include "shared/event.h"
#include "shared/hex.h"
#include "shared/sig.h"
#include "tests/test.h"

static struct bytes32 from_hex(const char *hex)
{
    struct bytes32 out;
    assert_true(hex_decode(out.at, sizeof out.at, (struct span){hex, strlen(hex)}));
    return out;
}

static void test_pubkey(void **state)
{
    (void)state;
    struct bytes32 secret = {.at[31] = 3};
    struct bytes32 pubkey =
        from_hex("f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9");
    struct keys *keys = keys_new(&secret);
    assert_non_null(keys);
    assert_memory_equal(keys_pubkey(keys)->at, pubkey.at, 32);
    assert_memory_equal(keys_secret(keys)->at, secret.at, 32);
    keys_free(keys);
    keys_free(NULL);
}

static void test_range(void **state)
{
    static const struct {
        const char *secret;
        bool ok;
    } cases[] = {
        {"0000000000000000000000000000000000000000000000000000000000000000", false},
        {"0000000000000000000000000000000000000000000000000000000000000001", true},
        {"fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140", true},
        {"fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", false},
        {"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct bytes32 secret = from_hex(cases[i].secret);
        struct keys *keys = keys_new(&secret);
        assert_int_equal(keys != NULL, cases[i].ok);
        keys_free(keys);
    }
}

static void test_sign(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct event event;
    struct bytes32 secret = {.at[31] = 3}, aux = {.at = {7}};
    struct keys *keys = keys_new(&secret);
    struct draft draft = {.kind = 1573, .created_at = 1700000000};
    draft_tag_pair(&draft, SPAN("h"), SPAN("room1"));
    draft_tag_pair(&draft, SPAN("d"), SPAN("doc1"));
    text_add(&draft.content, SPAN("h\xc3\xa9llo \"w\"\n"));
    draft_finish(&draft, &event, &arena);
    keys_sign(keys, &event, &aux);
    struct bytes32 id =
        from_hex("0e5c2ef41a60c09c30d4656cbcf4435f1f4f37199bf10ac886cec99dfab3c581");
    assert_memory_equal(event.id.at, id.at, 32);
    assert_true(event_check_id(&event));
    assert_true(sig_verify(&event.sig, &event.id, &event.pubkey));
    draft_clear(&draft);
    keys_free(keys);
    arena_clear(&arena);
}

/* Both sides get the same point; a peer off the curve has none. */
static void test_share(void **state)
{
    (void)state;
    struct bytes32 one = {.at[31] = 1}, two = {.at[31] = 2}, a, b, off = {.at = {0xff, 0xff}};
    struct keys *ours = keys_new(&one), *theirs = keys_new(&two);
    memset(off.at, 0xff, sizeof off.at);
    assert_true(keys_share(ours, &a, keys_pubkey(theirs)));
    assert_true(keys_share(theirs, &b, keys_pubkey(ours)));
    assert_memory_equal(a.at, b.at, 32);
    assert_memory_equal(a.at, keys_pubkey(theirs)->at, 32); /* once the point itself */
    assert_false(keys_share(ours, &a, &off));
    keys_free(ours);
    keys_free(theirs);
}

static void test_forms(void **state)
{
    static const struct {
        const char *typed, *composed, *decomposed;
    } cases[] = {
        {"", "", ""},
        {"plain", "plain", "plain"},
        {"\xe2\x84\xab", "\xc3\x85", "A\xcc\x8a"},                /* the Angstrom sign */
        {"\xef\xac\x81", "fi", "fi"},                             /* a ligature */
        {"\xe2\x84\xa6\xcc\x81", "\xce\x8f", "\xce\xa9\xcc\x81"}, /* Ohm and an accent */
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct span typed = {cases[i].typed, strlen(cases[i].typed)};
        char *composed = secret_normal(typed, SECRET_NFKC);
        char *decomposed = secret_normal(typed, SECRET_NFKD);
        assert_string_equal(composed, cases[i].composed);
        assert_string_equal(decomposed, cases[i].decomposed);
        secret_free(composed);
        secret_free(decomposed);
    }
}

static void test_form_limits(void **state)
{
    (void)state;
    char text[SECRET_TEXT_MAX + 1];
    memset(text, 'a', sizeof text);
    char *longest = secret_normal((struct span){text, SECRET_TEXT_MAX}, SECRET_NFKC);
    assert_int_equal(strlen(longest), SECRET_TEXT_MAX);
    secret_free(longest);
    assert_null(secret_normal((struct span){text, sizeof text}, SECRET_NFKC));
    assert_null(secret_normal(SPAN("a\0b"), SECRET_NFKC));
    assert_null(secret_normal(SPAN("\xff"), SECRET_NFKD));
    /* one character that the form makes 18 of */
    for (size_t i = 0; i < SECRET_TEXT_MAX; i++)
        text[i] = "\xef\xb7\xba"[i % 3];
    assert_null(secret_normal((struct span){text, SECRET_TEXT_MAX}, SECRET_NFKC));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pubkey), cmocka_unit_test(test_range),
        cmocka_unit_test(test_sign),   cmocka_unit_test(test_share),
        cmocka_unit_test(test_forms),  cmocka_unit_test(test_form_limits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
