/* Signatures and hashes: what is made verifies, what is bent in any bit does not. */
#include "shared/sig.h"

#include "shared/hex.h"
#include "tests/random.h"
#include "tests/test.h"

static struct bytes32 bytes32_of(const char *hex)
{
    struct bytes32 bytes;
    assert_true(hex_decode(bytes.at, sizeof bytes.at, (struct span){hex, strlen(hex)}));
    return bytes;
}

static struct bytes32 random_bytes32(void)
{
    struct bytes32 bytes;
    for (size_t i = 0; i < sizeof bytes.at; i++)
        bytes.at[i] = (uint8_t)random_below(256);
    return bytes;
}

/* FIPS 180-4's examples, and the edges of a block (55 and 56 bytes: the length still fits). */
static void test_sha256(void **state)
{
    static const char zeroes[64];
    const struct {
        struct span bytes;
        const char *hash;
    } cases[] = {
        {{NULL, 0}, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {SPAN("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {SPAN("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {{zeroes, 55}, "02779466cdec163811d078815c633f21901413081449002f24aa3e80f0b88ef7"},
        {{zeroes, 56}, "d4817aa5497628e7c77e6b606107042bbba3130888c5f47a375e6179be789fbb"},
        {{zeroes, 64}, "f5a5fd42d16a20302798ef6ed309979b43003d2320d9f0e8ea9831a92759fb4b"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct bytes32 hash = sig_sha256(cases[i].bytes), want = bytes32_of(cases[i].hash);
        assert_memory_equal(hash.at, want.at, sizeof hash.at);
    }
}

static void test_every_flipped_bit(void **state)
{
    struct bytes32 secret = random_bytes32(), id = random_bytes32(), aux = random_bytes32();
    struct bytes32 pubkey;
    struct bytes64 sig;
    (void)state;
    assert_true(sig_pubkey(&pubkey, &secret));
    assert_true(sig_sign(&sig, &id, &secret, &aux));
    assert_true(sig_verify(&sig, &id, &pubkey));

    for (size_t bit = 0; bit < 8 * sizeof sig.at; bit++) {
        struct bytes64 bent = sig;
        bent.at[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(sig_verify(&bent, &id, &pubkey));
    }
    for (size_t bit = 0; bit < 8 * sizeof id.at; bit++) {
        struct bytes32 bent_id = id, bent_pubkey = pubkey;
        bent_id.at[bit / 8] ^= (uint8_t)(1 << bit % 8);
        bent_pubkey.at[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(sig_verify(&sig, &bent_id, &pubkey));
        assert_false(sig_verify(&sig, &id, &bent_pubkey));
    }
}

/* The randomness given changes the signature and nothing else. */
static void test_aux(void **state)
{
    struct bytes32 secret = random_bytes32(), id = random_bytes32(), pubkey;
    struct bytes32 aux = {{0}}, other = {{1}};
    struct bytes64 sig, again, differing;
    (void)state;
    assert_true(sig_pubkey(&pubkey, &secret));
    assert_true(sig_sign(&sig, &id, &secret, &aux));
    assert_true(sig_sign(&again, &id, &secret, &aux));
    assert_true(sig_sign(&differing, &id, &secret, &other));
    assert_memory_equal(sig.at, again.at, sizeof sig.at);
    assert_memory_not_equal(sig.at, differing.at, sizeof sig.at);
    assert_true(sig_verify(&differing, &id, &pubkey));
}

/* The first signature of a key, which is parsed; the next, for which it was; and again after
 * another key had its place, which is that of the first four bytes. */
static void test_known_keys(void **state)
{
    struct sig_keys *keys = sig_keys_new();
    struct bytes32 id = random_bytes32(), aux = random_bytes32(), pubkeys[2];
    struct bytes64 sigs[2];
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct bytes32 secret = random_bytes32();
        assert_true(sig_pubkey(&pubkeys[i], &secret));
        assert_true(sig_sign(&sigs[i], &id, &secret, &aux));
    }
    struct bytes32 beside = pubkeys[0]; /* another key in the same place, on the curve or not */
    for (int round = 0; round < 256; round++) {
        for (int i = 0; i < 2; i++) {
            assert_true(sig_verify_with(keys, &sigs[i], &id, &pubkeys[i]));
            assert_false(sig_verify_with(keys, &sigs[i], &id, &pubkeys[!i]));
            assert_false(sig_verify_with(keys, &sigs[i], &aux, &pubkeys[i]));
        }
        beside.at[31] = (uint8_t)(pubkeys[0].at[31] + 1 + round % 255);
        assert_false(sig_verify_with(keys, &sigs[0], &id, &beside));
        assert_false(sig_verify_with(keys, &sigs[0], &id, &beside));
    }
    sig_keys_free(keys);
}

static void test_secret_range(void **state)
{
    static const struct {
        bool ok;
        const char *secret;
    } cases[] = {
        {false, "0000000000000000000000000000000000000000000000000000000000000000"},
        {true, "0000000000000000000000000000000000000000000000000000000000000001"},
        {true, "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140"},
        {false, "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"}, /* the order */
        {false, "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct bytes32 secret = bytes32_of(cases[i].secret), id = {{7}}, pubkey;
        struct bytes64 sig;
        assert_int_equal(sig_pubkey(&pubkey, &secret), cases[i].ok);
        assert_int_equal(sig_sign(&sig, &id, &secret, &id), cases[i].ok);
    }
}

int main(void)
{
    random_start();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sha256), cmocka_unit_test(test_every_flipped_bit),
        cmocka_unit_test(test_aux), cmocka_unit_test(test_known_keys),
        cmocka_unit_test(test_secret_range)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
