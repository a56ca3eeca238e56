/* NIP-49: its own example, one of another implementation's, what is refused, and back again. */
#include "client/ncryptsec.h"

#include "client/keys.h"
#include "client/secret.h"
#include "shared/bech32.h"
#include "shared/err.h"
#include "shared/hex.h"
#include "shared/text.h"
#include "tests/test.h"

#define SPEC_WORD                                                                             \
    "ncryptsec1qgg9947rlpvqu76pj5ecreduf9jxhselq2nae2kghhvd5g7dgjtcxfqtd67p9m0w57lspw8gsq6yp" \
    "hnm8623nsl8xn9j4jdzz84zm3frztj3z7s35vpzmqf6ksu8r89qk5z2zxfmu5gv8th8wclt0h4p"
/* nostr-tools 2.25, log_n 4: a password that NFKC changes */
#define TOOLS_WORD                                                                          \
    "ncryptsec1qgzwvjpc6v7w9f7mkjkdlkg5grsskmamta8y3mrfalgaw4ymalmrdasn7rqgyhp23pkqyv85ue6" \
    "a32aqx3qw7mffa4p8rf3ftr20nuj432wmgnzd578l4n0tvlwwx4u0m2zyr238xk7ffeqefy2vz5gd"

static struct span span_of(const char *text)
{
    return (struct span){text, strlen(text)};
}

static void test_vectors(void **state)
{
    static const struct {
        const char *word, *password, *secret;
    } cases[] = {
        {SPEC_WORD, "nostr", "3501454135014541350145413501453fefb02227e449e57cf4d3a3ce05378683"},
        {TOOLS_WORD, "\xc3\x85\xcf\x93 nostr",
         "14c226dbdd865d5e1645e72c7470fd0a17feb42cc87b750bab6538171b3a3f8a"},
        {TOOLS_WORD, "\xe2\x84\xab\xce\x8e nostr", /* not yet in the form */
         "14c226dbdd865d5e1645e72c7470fd0a17feb42cc87b750bab6538171b3a3f8a"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err err;
        struct bytes32 secret;
        struct keys *keys =
            ncryptsec_open(span_of(cases[i].word), span_of(cases[i].password), &err);
        assert_non_null(keys);
        assert_true(hex_decode(secret.at, sizeof secret.at, span_of(cases[i].secret)));
        assert_memory_equal(keys_secret(keys)->at, secret.at, 32);
        keys_free(keys);
    }
}

static void test_again(void **state)
{
    (void)state;
    struct text word = {0};
    struct err err;
    const struct bytes32 secret = {.at = {1, 2, 3}};
    struct ncryptsec_terms terms = {1, NCRYPTSEC_SAFE, {.salt = {4}, .nonce = {5}}};
    struct keys *keys = keys_new(&secret);
    assert_true(ncryptsec_seal(&word, keys, SPAN("pass"), &terms, NULL));
    struct keys *again = ncryptsec_open(text_span(&word), SPAN("pass"), &err);
    assert_non_null(again);
    assert_memory_equal(keys_pubkey(again)->at, keys_pubkey(keys)->at, 32);
    keys_free(again);
    assert_null(ncryptsec_open(text_span(&word), SPAN("Pass"), &err));
    assert_int_equal(err.code, ERR_RESTRICTED);
    assert_null(ncryptsec_open(text_span(&word), SPAN("\xff"), &err));
    assert_string_equal(err.text, "a password must be UTF-8 of at most 1023 bytes");
    terms.log_n = 0;
    assert_false(ncryptsec_seal(&word, keys, SPAN("pass"), &terms, &err));
    terms.log_n = 23;
    assert_false(ncryptsec_seal(&word, keys, SPAN("pass"), &terms, &err));
    assert_string_equal(err.text, "a scrypt cost of 2^23; 2^1 to 2^22 are read");
    keys_free(keys);
    text_clear(&word);
}

static void test_malformed(void **state)
{
    static const struct {
        const char *prefix, *start;
        size_t len;
        const char *refusal;
    } cases[] = {
        {"nsec", "0204", 91, "a word that does not begin with ncryptsec1"},
        {"ncryptsec", "0104", 91, "an ncryptsec of version 1, not 2"},
        {"ncryptsec", "0204", 90, "an ncryptsec of 90 bytes, not 91"},
        {"ncryptsec", "0204", 92, "an ncryptsec of 92 bytes, not 91"},
        {"ncryptsec", "", 0, "an ncryptsec of 0 bytes, not 91"},
        {"ncryptsec", "0200", 91, "a scrypt cost of 2^0; 2^1 to 2^22 are read"},
        {"ncryptsec", "0217", 91, "a scrypt cost of 2^23; 2^1 to 2^22 are read"},
        {"ncryptsec", "0204", 91, "the password is wrong, or the word was altered"},
    };
    struct err err;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct text word = {0};
        uint8_t bytes[92] = {0};
        size_t start = strlen(cases[i].start) / 2;
        print_message("%s\n", cases[i].refusal);
        assert_true(hex_decode(bytes, start, span_of(cases[i].start)));
        bech32_write_bytes(&word, span_of(cases[i].prefix), bytes, cases[i].len);
        assert_null(ncryptsec_open(text_span(&word), SPAN("x"), &err));
        assert_string_equal(err.text, cases[i].refusal);
        text_clear(&word);
    }
    assert_null(ncryptsec_open(SPAN("Ncryptsec1qq"), SPAN("x"), &err));
    assert_string_equal(err.text, "upper and lower case are mixed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_vectors), cmocka_unit_test(test_again),
                                       cmocka_unit_test(test_malformed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
