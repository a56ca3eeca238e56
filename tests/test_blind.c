/* Blind signatures: what was hidden, signed and uncovered is what the mint would have made itself,
 * the proof that it used its key holds, and nothing bent does. */
#include "shared/blind.h"

#include "shared/curve.h"
#include "shared/dleq.h"
#include "shared/hex.h"
#include "tests/random.h"
#include "tests/test.h"

enum { ROUNDS = 20 };

/* One amount's key, and a secret that it signs. */
struct coin {
    struct bytes32 key, factor;
    struct bytes33 public_key, message, signature, proof;
    char secret[64];
};

static const struct bytes32 zero;
static const struct bytes32 order = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe,
                                      0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b,
                                      0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41}};
static const struct bytes33 none = {{2,    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                     0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

static struct bytes32 random_number(void)
{
    struct bytes32 bytes;
    for (size_t i = 0; i < sizeof bytes.at; i++)
        bytes.at[i] = (uint8_t)random_below(256);
    bytes.at[0] &= 0x7f; /* below the order */
    return bytes;
}

static struct span secret_of(const struct coin *coin)
{
    return (struct span){coin->secret, sizeof coin->secret};
}

static struct coin make(void)
{
    struct coin coin = {.key = random_number(), .factor = random_number()};
    struct bytes32 secret = random_number();
    hex_encode(coin.secret, secret.at, sizeof secret.at);
    assert_true(blind_key(&coin.public_key, &coin.key));
    assert_true(blind_message(&coin.message, secret_of(&coin), &coin.factor));
    assert_true(blind_sign(&coin.signature, &coin.message, &coin.key));
    assert_true(blind_unblind(&coin.proof, &coin.signature, &coin.factor, &coin.public_key));
    return coin;
}

static void expect_point(const struct bytes33 *got, const char *hex)
{
    struct bytes33 want;
    assert_true(hex_decode(want.at, sizeof want.at, (struct span){hex, strlen(hex)}));
    assert_memory_equal(got->at, want.at, sizeof want.at);
}

/* As another implementation of the curve has them, after 1 hashes and after 6. */
static void test_hash_to_curve(void **state)
{
    struct bytes33 a = blind_hash_to_curve(SPAN("shoal"));
    struct bytes33 b = blind_hash_to_curve(SPAN("shoal"));
    struct bytes33 c = blind_hash_to_curve(SPAN("shoal 3"));
    (void)state;
    assert_memory_equal(&a, &b, sizeof a);
    assert_memory_not_equal(&a, &c, sizeof a);
    assert_int_equal(a.at[0], 2);
    expect_point(&a, "0219aa32561a9d38421cea4354a77e4435b6f99a4d9e9de3e853a810d38c955131");
    expect_point(&c, "02e193d330e36e134b02eef77140e47c9fc3aa4088cba58a973f40d9121c6c3362");
}

static void test_round(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        struct coin coin = make(), other = make();
        struct bytes33 y = blind_hash_to_curve(secret_of(&coin)), direct;
        assert_true(blind_sign(&direct, &y, &coin.key)); /* k * Y, with nothing hidden */
        assert_memory_equal(&direct, &coin.proof, sizeof direct);
        assert_memory_not_equal(&coin.message, &y, sizeof y);
        assert_true(blind_verify(&coin.proof, secret_of(&coin), &coin.key));
        assert_false(blind_verify(&coin.proof, secret_of(&other), &coin.key));
        assert_false(blind_verify(&coin.proof, secret_of(&coin), &other.key));
        coin.proof.at[1 + random_below(32)] ^= (uint8_t)(1U << random_below(8));
        assert_false(blind_verify(&coin.proof, secret_of(&coin), &coin.key));
    }
}

static void test_refused(void **state)
{
    struct coin coin = make();
    struct bytes33 out;
    (void)state;
    assert_false(blind_key(&out, &zero));
    assert_false(blind_key(&out, &order));
    assert_false(blind_message(&out, secret_of(&coin), &zero));
    assert_false(blind_message(&out, secret_of(&coin), &order));
    assert_false(blind_sign(&out, &none, &coin.key));
    assert_false(blind_sign(&out, &coin.message, &order));
    assert_false(blind_unblind(&out, &none, &coin.factor, &coin.public_key));
    assert_false(blind_unblind(&out, &coin.signature, &coin.factor, &none));
    assert_false(blind_unblind(&out, &coin.signature, &zero, &coin.public_key));
    assert_false(blind_verify(&coin.proof, secret_of(&coin), &zero));
}

static void test_infinity(void **state)
{
    struct coin coin = make();
    secp256k1_pubkey point, sum;
    (void)state;
    assert_true(curve_read(&point, &coin.proof));
    assert_false(curve_subtract(&sum, &point, &point));
    assert_true(curve_add(&sum, &point, &point));
}

static void test_proof_of_key(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        struct coin coin = make(), other = make();
        struct dleq dleq, again;
        assert_true(dleq_prove(&dleq, &coin.key, &coin.message, &coin.signature));
        assert_true(dleq_prove(&again, &coin.key, &coin.message, &coin.signature));
        assert_memory_equal(&dleq, &again, sizeof dleq);
        assert_true(dleq_verify(&dleq, &coin.public_key, &coin.message, &coin.signature));
        assert_true(dleq_verify_proof(&dleq, &coin.public_key, secret_of(&coin), &coin.proof,
                                      &coin.factor));
        assert_false(dleq_verify(&dleq, &other.public_key, &coin.message, &coin.signature));
        assert_false(dleq_verify(&dleq, &coin.public_key, &other.message, &coin.signature));
        assert_false(dleq_verify(&dleq, &coin.public_key, &coin.message, &other.signature));
        assert_false(dleq_verify_proof(&dleq, &coin.public_key, secret_of(&coin), &coin.proof,
                                       &other.factor));
        ((uint8_t *)&dleq)[random_below(sizeof dleq)] ^= (uint8_t)(1U << random_below(8));
        assert_false(dleq_verify(&dleq, &coin.public_key, &coin.message, &coin.signature));
    }
}

/* A mint with a key of its own for one customer. */
static void test_tagged(void **state)
{
    struct coin coin = make(), tag = make();
    struct bytes33 tagged;
    struct dleq dleq;
    (void)state;
    assert_true(blind_sign(&tagged, &coin.message, &tag.key));
    assert_true(dleq_prove(&dleq, &tag.key, &coin.message, &tagged));
    assert_true(dleq_verify(&dleq, &tag.public_key, &coin.message, &tagged));
    assert_false(dleq_verify(&dleq, &coin.public_key, &coin.message, &tagged));
    assert_true(dleq_prove(&dleq, &coin.key, &coin.message, &tagged));
    assert_false(dleq_verify(&dleq, &coin.public_key, &coin.message, &tagged));
}

static void test_proof_refused(void **state)
{
    struct coin coin = make();
    struct dleq dleq, zeroes = {0};
    (void)state;
    assert_true(dleq_prove(&dleq, &coin.key, &coin.message, &coin.signature));
    assert_false(dleq_prove(&zeroes, &zero, &coin.message, &coin.signature));
    assert_false(dleq_prove(&zeroes, &coin.key, &none, &coin.signature));
    assert_false(dleq_prove(&zeroes, &coin.key, &coin.message, &none));
    assert_false(dleq_verify(&zeroes, &coin.public_key, &coin.message, &coin.signature));
    assert_false(dleq_verify(&dleq, &none, &coin.message, &coin.signature));
    assert_false(dleq_verify_proof(&dleq, &none, secret_of(&coin), &coin.proof, &coin.factor));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hash_to_curve), cmocka_unit_test(test_round),
        cmocka_unit_test(test_refused),       cmocka_unit_test(test_infinity),
        cmocka_unit_test(test_proof_of_key),  cmocka_unit_test(test_tagged),
        cmocka_unit_test(test_proof_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
