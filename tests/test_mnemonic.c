/* Words to keys: NIP-06's examples, BIP-39's and BIP-32's; the list itself; what is refused. */
#include "client/mnemonic.h"

#include "client/derive.h"
#include "shared/err.h"
#include "shared/hex.h"
#include "shared/sig.h"
#include "shared/text.h"
#include "tests/random.h"
#include "tests/test.h"

#define LEADER "leader monkey parrot ring guide accident before fence cannon height naive bean"
#define WHAT                                                                                    \
    "what bleak badge arrange retreat wolf trade produce cricket blur garlic valid proud rude " \
    "strong choose busy staff weather area salt hollow arm fade"

static struct span span_of(const char *text)
{
    return (struct span){text, strlen(text)};
}

static void test_accounts(void **state)
{
    static const struct {
        const char *words, *passphrase;
        uint32_t account;
        const char *secret;
    } cases[] = {
        {LEADER, "", 0, "7f7ff03d123792d6ac594bfa67bf6d0c0ab55b6b1fdb6249303fe861f1ccba9a"},
        {WHAT, "", 0, "c15d739894c81a2fcfd3a2df85a0d2c0dbc47a280d092799f144d73d7ae78add"},
        /* nostr-tools 2.25 */
        {LEADER, "", 1, "3790c23940f62b23754115ef70f16e63cca8e9015a532b8a891171ccdadcf910"},
        {LEADER, "", 25, "c309ba6dd483f81a3477c0009c23666ef2e3a9d7704d38335946955da195b26f"},
        {LEADER, "\xc3\x85 pass", 0,
         "257e5e4a20c264dff04c79a0671027d30a94c7042e6accb595c7e5d3ee2d4c0e"},
        {"  LEADER\tmonkey parrot\nring guide accident before fence cannon height naive bean ", "",
         0, "7f7ff03d123792d6ac594bfa67bf6d0c0ab55b6b1fdb6249303fe861f1ccba9a"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct bytes64 seed;
        struct bytes32 secret, wanted;
        assert_true(
            mnemonic_seed(&seed, span_of(cases[i].words), span_of(cases[i].passphrase), NULL));
        assert_true(derive_account(&secret, &seed, cases[i].account));
        assert_true(hex_decode(wanted.at, sizeof wanted.at, span_of(cases[i].secret)));
        assert_memory_equal(secret.at, wanted.at, sizeof wanted.at);
    }
}

/* BIP-39's first test vector. */
static void test_seed(void **state)
{
    struct bytes64 seed, wanted;
    (void)state;
    assert_true(
        mnemonic_seed(&seed,
                      SPAN("abandon abandon abandon abandon abandon abandon abandon abandon "
                           "abandon abandon abandon about"),
                      SPAN("TREZOR"), NULL));
    assert_true(hex_decode(
        wanted.at, sizeof wanted.at,
        SPAN("c55257c360c07c72029aebc1b53c05ed0362ada38ead3e3e9efa3708e53495531f09a6987599d18264c1"
             "e1c92f2cf141630c7a3c4ab7c81b2f001698e7463b04")));
    assert_memory_equal(seed.at, wanted.at, sizeof wanted.at);
}

/* The list of BIP-39, a word a line, by its hash. */
static void test_list(void **state)
{
    struct text list = {0};
    struct bytes32 wanted;
    (void)state;
    for (size_t i = 0; i < MNEMONIC_LIST; i++) {
        text_addf(&list, "%s\n", mnemonic_words[i]);
        assert_true(i == 0 || strcmp(mnemonic_words[i - 1], mnemonic_words[i]) < 0);
    }
    struct bytes32 hash = sig_sha256(text_span(&list));
    assert_true(
        hex_decode(wanted.at, sizeof wanted.at,
                   SPAN("2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda")));
    assert_memory_equal(hash.at, wanted.at, sizeof wanted.at);
    text_clear(&list);
}

static void test_refusals(void **state)
{
    static const struct {
        const char *words, *refusal;
    } cases[] = {
        {"", "0 words; 12, 15, 18, 21 or 24 make a key"},
        {"abandon", "1 words; 12, 15, 18, 21 or 24 make a key"},
        {"abandon abandon about", "3 words; 12, 15, 18, 21 or 24 make a key"},
        {LEADER " bean", "13 words; 12, 15, 18, 21 or 24 make a key"},
        {WHAT " fade", "more than 24 words"},
        {"leader monke", "word 2 is not in the English list of BIP-39"},
        {"abandoned", "word 1 is not in the English list of BIP-39"},
        {"monkey leader parrot ring guide accident before fence cannon height naive bean",
         "the checksum is wrong: a word is another, or elsewhere"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct bytes64 seed;
        struct err err;
        print_message("%s\n", cases[i].refusal);
        assert_false(mnemonic_seed(&seed, span_of(cases[i].words), SPAN(""), &err));
        assert_string_equal(err.text, cases[i].refusal);
    }
    struct err err;
    struct bytes64 seed;
    assert_false(mnemonic_seed(&seed, SPAN(LEADER), SPAN("\xff"), &err));
    assert_string_equal(err.text, "a passphrase must be UTF-8 of at most 1023 bytes");
}

/* What is written is accepted, whatever the entropy. */
static void test_written(void **state)
{
    (void)state;
    for (size_t size = 16; size <= MNEMONIC_ENTROPY_MAX; size += 4) {
        char words[MNEMONIC_WORDS_MAX * (MNEMONIC_CHARS_MAX + 1)];
        uint8_t entropy[MNEMONIC_ENTROPY_MAX];
        struct bytes64 seed;
        for (size_t i = 0; i < size; i++)
            entropy[i] = (uint8_t)random_below(256);
        mnemonic_write(words, entropy, size);
        assert_true(mnemonic_seed(&seed, span_of(words), SPAN(""), NULL));
    }
}

/* BIP-39's vectors of all ones. */
static void test_ones(void **state)
{
    char words[MNEMONIC_WORDS_MAX * (MNEMONIC_CHARS_MAX + 1)];
    uint8_t entropy[MNEMONIC_ENTROPY_MAX];
    (void)state;
    memset(entropy, 0xff, sizeof entropy);
    mnemonic_write(words, entropy, 16);
    assert_string_equal(words, "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo wrong");
    mnemonic_write(words, entropy, 32);
    assert_string_equal(strrchr(words, ' '), " vote");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accounts), cmocka_unit_test(test_seed),
        cmocka_unit_test(test_list),     cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_written),  cmocka_unit_test(test_ones)};
    random_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
