/* The keys of a mint: the same from the same seed, and no two alike. */
#include "gpu/mint_keyset.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "shared/blind.h"
#include "tests/test.h"

static const struct bytes32 seed = {{5, 4, 3}};

static struct mint_keyset *make(const char *unit, uint32_t index, uint32_t fee)
{
    struct ledger_keyset row = {.number = 3, .index = index, .input_fee_ppk = fee};
    memcpy(row.unit, unit, strlen(unit));
    return mint_keyset_new(&seed, &row);
}

static void test_derivation(void **state)
{
    static const unsigned char said[] = "Shoal_Mint_Key_v1ccr\0\0\0\2\0\0\0\0\0\0\1";
    struct mint_keyset *keyset = make("ccr", 2, 0);
    struct bytes32 right;
    (void)state;
    assert_non_null(HMAC(EVP_sha256(), seed.at, sizeof seed.at, said, 32, right.at, NULL));
    const struct bytes32 *key = mint_keyset_key(keyset, 256);
    assert_non_null(key);
    assert_memory_equal(key, &right, sizeof right);
    struct bytes33 public_key;
    assert_true(blind_key(&public_key, key));
    assert_memory_equal(&public_key, &keyset->public_keys[8].public_key, sizeof public_key);
    mint_keyset_free(keyset);
    mint_keyset_free(NULL);
}

static void test_amounts(void **state)
{
    struct mint_keyset *keyset = make("ccr", 0, 0);
    (void)state;
    assert_int_equal(keyset->number, 3);
    assert_ptr_equal(mint_keyset_key(keyset, 1), keyset->keys);
    assert_ptr_equal(mint_keyset_key(keyset, 1ULL << 31), keyset->keys + 31);
    static const uint64_t none[] = {0, 3, 1ULL << 32, 1ULL << 63, UINT64_MAX};
    for (size_t i = 0; i < ARRAY_LEN(none); i++)
        assert_null(mint_keyset_key(keyset, none[i]));
    mint_keyset_free(keyset);
}

static void test_differ(void **state)
{
    enum { COUNT = 4 };
    struct mint_keyset *keysets[COUNT] = {make("ccr", 0, 0), make("ccr", 1, 0),
                                          make("ccr-promo", 0, 0), make("ccr", 0, 100)};
    (void)state;
    for (size_t i = 0; i < COUNT; i++)
        for (size_t other = 0; other < i; other++)
            assert_memory_not_equal(&keysets[i]->id, &keysets[other]->id, sizeof(struct bytes33));
    assert_memory_not_equal(keysets[0]->keys, keysets[1]->keys, sizeof(struct bytes32));
    assert_memory_not_equal(keysets[0]->keys, keysets[2]->keys, sizeof(struct bytes32));
    struct mint_keyset *again = make("ccr", 1, 0);
    assert_string_equal(again->name, keysets[1]->name);
    mint_keyset_free(again);
    for (size_t i = 0; i < COUNT; i++)
        mint_keyset_free(keysets[i]);
    struct bytes33 pubkey = mint_keyset_pubkey(&seed);
    assert_true(pubkey.at[0] == 2 || pubkey.at[0] == 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_derivation),
                                       cmocka_unit_test(test_amounts),
                                       cmocka_unit_test(test_differ)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
