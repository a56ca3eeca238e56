/* A wallet takes no coin that its mint did not sign with the key that all know, pays what is asked
 * with as little too much as its coins allow, and knows locks. */
#include "client/wallet_lock.h"

#include "shared/arena.h"
#include "shared/err.h"
#include "tests/random.h"
#include "tests/stamp.h"
#include "tests/test.h"

enum { ROUNDS = 300, COINS_MAX = 40 };

static const struct bytes64 seed = {{1, 2, 3}};

/* ---- choosing ---- */

static uint64_t fee_of(const uint32_t *fees, const bool *taken, size_t count)
{
    uint64_t parts = 0;
    for (size_t i = 0; i < count; i++)
        parts += taken[i] ? fees[i] : 0;
    return (parts + 999) / 1000;
}

static uint64_t sum_of(const struct token_proof *proofs, const bool *taken, size_t count)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += taken[i] ? proofs[i].amount : 0;
    return sum;
}

/* It is enough, and no coin of it is idle. */
static void check_choice(const struct wallet_choice *choice, bool *taken,
                         const struct token_proof *proofs, const uint32_t *fees, size_t count,
                         uint64_t amount)
{
    uint64_t sum = sum_of(proofs, taken, count), fee = fee_of(fees, taken, count);
    assert_int_equal(choice->sum, sum);
    assert_int_equal(choice->fee, fee);
    assert_true(sum >= fee && sum - fee >= amount);
    for (size_t i = 0; i < count; i++) {
        if (!taken[i])
            continue;
        taken[i] = false;
        uint64_t less = sum - proofs[i].amount, less_fee = fee_of(fees, taken, count);
        assert_false(less >= less_fee && less - less_fee >= amount);
        taken[i] = true;
    }
}

static void test_choose(void **state)
{
    uint32_t done = 0, refused = 0;
    (void)state;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        struct token_proof proofs[COINS_MAX] = {0};
        uint32_t fees[COINS_MAX];
        bool taken[COINS_MAX], all[COINS_MAX];
        struct wallet_choice choice;
        struct err err;
        size_t count = random_below(COINS_MAX);
        const struct wallet_coins coins = {proofs, fees, count};
        uint32_t fee = random_below(3) == 0 ? random_below(2000) : 0;
        for (size_t i = 0; i < count; i++) {
            proofs[i].amount = UINT64_C(1) << random_below(10);
            fees[i] = fee;
            all[i] = proofs[i].amount > (fee + 999) / 1000;
        }
        uint64_t most = sum_of(proofs, all, count), cost = fee_of(fees, all, count);
        uint64_t amount = random_below((uint32_t)most + 5);
        if (wallet_choose(&choice, taken, &coins, amount, &err)) {
            check_choice(&choice, taken, proofs, fees, count, amount);
            done++;
        } else {
            assert_true(most < cost || most - cost < amount); /* all that is useful is too little */
            refused++;
        }
    }
    assert_true(done > ROUNDS / 2 && refused > 0);
}

/* Coins of powers of two pay each sum to the last unit where they can. */
static void test_choose_exactly(void **state)
{
    struct token_proof proofs[10] = {0};
    uint32_t fees[10] = {0};
    const struct wallet_coins coins = {proofs, fees, 10};
    bool taken[10];
    struct wallet_choice choice;
    (void)state;
    for (size_t i = 0; i < 10; i++)
        proofs[i].amount = UINT64_C(1) << i;
    for (uint64_t amount = 0; amount < 1024; amount++) {
        assert_true(wallet_choose(&choice, taken, &coins, amount, NULL));
        assert_int_equal(choice.sum, amount);
    }
    proofs[0].amount = proofs[1].amount = INT64_MAX; /* whose sum is none */
    assert_false(wallet_choose(&choice, taken, &coins, 1, NULL));
}

static void test_split(void **state)
{
    struct stamp stamp;
    uint64_t amounts[WALLET_SPLIT_MAX];
    size_t count;
    (void)state;
    stamp_fill(&stamp, 1, SPAN("ccr"), 0);
    for (uint64_t sum = 0; sum < 70000; sum += 1 + random_below(50)) {
        uint64_t back = 0;
        assert_true(wallet_split(amounts, &count, &stamp.keyset.keys, sum, NULL));
        for (size_t i = 0; i < count; i++) {
            assert_true(i == 0 || amounts[i - 1] <= amounts[i]);
            back += amounts[i];
        }
        assert_int_equal(back, sum);
        if (sum < UINT64_C(1) << STAMP_KEYS)
            assert_true(count <= wallet_blanks(sum)); /* so blanks take any change */
    }
    assert_false(wallet_split(amounts, &count, &stamp.keyset.keys, INT64_MAX, NULL));
    stamp.keyset.keys.keys = stamp.keys + 1; /* without 1 */
    stamp.keyset.keys.count = STAMP_KEYS - 1;
    assert_true(wallet_split(amounts, &count, &stamp.keyset.keys, 6, NULL));
    assert_false(wallet_split(amounts, &count, &stamp.keyset.keys, 7, NULL));
    assert_int_equal(wallet_blanks(0), 0);
    assert_int_equal(wallet_blanks(1), 1);
    assert_int_equal(wallet_blanks(1000), 10);
}

/* ---- what comes ---- */

static void expect(bool ok, const struct err *err, const char *why)
{
    assert_false(ok);
    assert_string_equal(err->text, why);
}

static void test_unblind(void **state)
{
    static const uint64_t amounts[] = {1, 8, 0};
    struct arena arena = {0};
    struct stamp stamp, other;
    struct wallet_signature signature;
    struct token_proof proof;
    struct err err;
    (void)state;
    stamp_fill(&stamp, 1, SPAN("ccr"), 0);
    stamp_fill(&other, 2, SPAN("ccr"), 0);
    struct wallet_output *outputs =
        wallet_outputs(&arena, &seed, &stamp.keyset.id, 7, amounts, ARRAY_LEN(amounts));
    stamp_sign(&signature, &stamp, 3, &outputs[1].message);
    assert_true(wallet_unblind(&proof, &outputs[1], &stamp.keyset, &signature, &err));
    assert_int_equal(proof.amount, 8);
    assert_true(wallet_check(&proof, &stamp.keyset, &err));
    stamp_sign(&signature, &stamp, 5, &outputs[2].message); /* a blank one: what the mint says */
    assert_true(wallet_unblind(&proof, &outputs[2], &stamp.keyset, &signature, &err));
    assert_int_equal(proof.amount, 32);

    stamp_sign(&signature, &stamp, 4, &outputs[1].message);
    expect(wallet_unblind(&proof, &outputs[1], &stamp.keyset, &signature, &err), &err,
           "the mint signed 16 instead of 8");
    stamp_sign(&signature, &other, 3, &outputs[1].message);
    expect(wallet_unblind(&proof, &outputs[1], &stamp.keyset, &signature, &err), &err,
           "the mint signed with another keyset");
    signature.keyset = stamp.keyset.id; /* a key for this one customer */
    expect(wallet_unblind(&proof, &outputs[1], &stamp.keyset, &signature, &err), &err,
           "the mint signed with a key that is not its own");
    stamp_sign(&signature, &stamp, 3, &outputs[1].message);
    signature.has_dleq = false;
    expect(wallet_unblind(&proof, &outputs[1], &stamp.keyset, &signature, &err), &err,
           "the mint does not prove with which key it signed");
    arena_clear(&arena);
}

static void test_check(void **state)
{
    static const uint64_t amount = 4;
    struct arena arena = {0};
    struct stamp stamp, other;
    struct wallet_signature signature;
    struct token_proof proof;
    struct err err;
    (void)state;
    stamp_fill(&stamp, 1, SPAN("ccr"), 0);
    stamp_fill(&other, 2, SPAN("ccr"), 0);
    struct wallet_output *output = wallet_outputs(&arena, &seed, &stamp.keyset.id, 0, &amount, 1);
    stamp_sign(&signature, &stamp, 2, &output->message);
    assert_true(wallet_unblind(&proof, output, &stamp.keyset, &signature, &err));
    assert_false(wallet_check(&proof, &other.keyset, &err));
    proof.amount = 8; /* worth more than it was signed for */
    assert_false(wallet_check(&proof, &stamp.keyset, &err));
    proof.amount = 3;
    expect(wallet_check(&proof, &stamp.keyset, &err), &err, "the mint has no key for 3");
    proof.amount = 4;
    proof.has_dleq = false;
    assert_false(wallet_check(&proof, &stamp.keyset, &err));
    proof.has_dleq = true;
    assert_true(wallet_check(&proof, &stamp.keyset, &err));
    proof.factor.at[0] ^= 1;
    assert_false(wallet_check(&proof, &stamp.keyset, &err));
    arena_clear(&arena);
}

/* The same seed and counters make the same outputs, and no other does. */
static void test_outputs(void **state)
{
    struct arena arena = {0};
    const struct bytes33 keyset = {{1}};
    static const uint64_t amounts[] = {1, 2};
    (void)state;
    struct wallet_output *first = wallet_outputs(&arena, &seed, &keyset, 5, amounts, 2);
    struct wallet_output *again = wallet_outputs(&arena, &seed, &keyset, 6, NULL, 1);
    assert_memory_equal(&first[1].message, &again->message, sizeof again->message);
    assert_true(span_eq(first[1].secret, again->secret));
    assert_int_equal(again->amount, 0);
    assert_memory_not_equal(&first[0].message, &again->message, sizeof again->message);
    struct wallet_output refused;
    static const struct bytes32 zero;
    assert_false(wallet_output_of(&refused, SPAN("x"), &zero, 1, NULL));
    arena_clear(&arena);
}

static void test_find(void **state)
{
    struct stamp stamps[2];
    struct wallet_keyset keysets[2];
    struct token_proof proof = {.keyset_len = KEYSET_SHORT_ID_BYTES};
    (void)state;
    for (uint8_t i = 0; i < 2; i++) {
        stamp_fill(&stamps[i], i + 1, SPAN("ccr"), 0);
        keysets[i] = stamps[i].keyset;
    }
    memcpy(proof.keyset, keysets[1].id.at, sizeof keysets[1].id);
    assert_ptr_equal(wallet_find(keysets, 2, &proof), &keysets[1]);
    proof.keyset_len = sizeof proof.keyset;
    assert_ptr_equal(wallet_find(keysets, 2, &proof), &keysets[1]);
    proof.keyset[32] ^= 1;
    assert_null(wallet_find(keysets, 2, &proof));
    proof.keyset_len = 1;
    assert_null(wallet_find(keysets, 2, &proof));
    proof.keyset_len = KEYSET_SHORT_ID_BYTES;
    memcpy(keysets[0].id.at, keysets[1].id.at, KEYSET_SHORT_ID_BYTES); /* either */
    assert_null(wallet_find(keysets, 2, &proof));
}

/* ---- locks ---- */

static void test_lock(void **state)
{
    struct arena arena = {0};
    struct bytes32 secret, nonce = {{9}}, aux = {{7}};
    struct bytes33 key, read;
    struct token_proof proof = {0};
    (void)state;
    wallet_lock_key(&secret, &key, &seed);
    proof.secret = wallet_lock_secret(&arena, &key, &nonce);
    assert_int_equal(wallet_lock(&read, &arena, proof.secret), WALLET_KEY);
    assert_memory_equal(&read, &key, sizeof key);
    assert_true(wallet_unlock(&proof, &arena, &secret, &aux, NULL));
    assert_int_equal(proof.witness.len, strlen("{\"signatures\":[\"\"]}") + 128);
    static const struct bytes32 zero;
    assert_false(wallet_unlock(&proof, &arena, &zero, &aux, NULL));
    arena_clear(&arena);
}

static void test_other_locks(void **state)
{
#define KEY "02abababababababababababababababababababababababababababababababab"
    static const struct {
        enum wallet_lock lock;
        const char *secret;
    } cases[] = {
        {WALLET_OPEN, "407915bc212be61a77e3e6d2aeb4c727980bda51cd06a6afc29e2861768a7837"},
        {WALLET_OPEN, "[]"},
        {WALLET_OPEN, "[\"alone\"]"},
        {WALLET_OPEN, ""},
        {WALLET_KEY, "[\"P2PK\",{\"nonce\":\"a\",\"data\":\"" KEY "\",\"tags\":[]}]"},
        {WALLET_KEY, "[\"P2PK\",{\"nonce\":\"a\",\"data\":\"" KEY "\"}]"},
        {WALLET_OTHERS,
         "[\"P2PK\",{\"data\":\"" KEY "\",\"tags\":[[\"locktime\",\"1\"]],\"nonce\":\"a\"}]"},
        {WALLET_OTHERS, "[\"P2PK\",{\"data\":\"ab\"}]"},
        {WALLET_OTHERS, "[\"P2PK\",{}]"},
        {WALLET_OTHERS, "[\"P2PK\",7]"},
        {WALLET_OTHERS, "[\"P2PK\",{\"data\":\"" KEY "\"},1]"},
        {WALLET_OTHERS, "[\"P2PK\",{\"data\":\"" KEY "\"}"},
        {WALLET_OTHERS, "[\"P2PK\",{1}]"},
        {WALLET_OTHERS, "[\"HTLC\",{\"nonce\":\"a\",\"data\":\"" KEY "\"}]"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena arena = {0};
        struct bytes33 key;
        print_message("%s\n", cases[i].secret);
        assert_int_equal(
            wallet_lock(&key, &arena, (struct span){cases[i].secret, strlen(cases[i].secret)}),
            cases[i].lock);
        arena_clear(&arena);
    }
#undef KEY
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_choose),      cmocka_unit_test(test_choose_exactly),
        cmocka_unit_test(test_split),       cmocka_unit_test(test_unblind),
        cmocka_unit_test(test_check),       cmocka_unit_test(test_outputs),
        cmocka_unit_test(test_find),        cmocka_unit_test(test_lock),
        cmocka_unit_test(test_other_locks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
