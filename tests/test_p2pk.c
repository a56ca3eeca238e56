/* What is locked opens for those it names, when it says, and for nobody if it is out of order. */
#include "shared/p2pk.h"

#include <stdio.h>

#include "shared/arena.h"
#include "shared/err.h"
#include "shared/hex.h"
#include "shared/sig.h"
#include "shared/text.h"
#include "tests/test.h"

enum { A, B, C, KEYS };

/* Their digits, as secrets name them. */
static char names[KEYS][67];
static const char preimage[] = "0000000000000000000000000000000000000000000000000000000000000001";
static char hash_name[65];

static struct bytes32 secret_of(int key)
{
    return (struct bytes32){{0, (uint8_t)(key + 1)}};
}

static int set_up(void **state)
{
    struct bytes32 number = {{[31] = 1}};
    struct bytes32 hash = sig_sha256(SPAN_OF(number));
    (void)state;
    hex_encode(hash_name, hash.at, sizeof hash.at);
    for (int i = 0; i < KEYS; i++) {
        struct bytes32 key, secret = secret_of(i);
        if (!sig_pubkey(&key, &secret))
            return -1;
        memcpy(names[i], i == B ? "03" : "02", 2);
        hex_encode(names[i] + 2, key.at, sizeof key.at);
    }
    return 0;
}

/* In a template, $A is the name of a key and $H that of the hash. */
static struct span fill(struct arena *arena, const char *from)
{
    struct text text = {0};
    for (const char *at = from; *at != '\0'; at++) {
        if (*at != '$')
            text_add(&text, (struct span){at, 1});
        else if (*++at == 'H')
            text_addf(&text, "%s", hash_name);
        else
            text_addf(&text, "%s", names[*at - 'A']);
    }
    struct span copy = arena_copy(arena, text_span(&text));
    text_clear(&text);
    return copy;
}

/* signers: "AB"; 'p' adds the preimage. */
static struct span sign(struct arena *arena, const struct bytes32 *hash, const char *signers)
{
    struct text text = {0};
    const char *comma = "";
    text_add(&text, SPAN("{\"other\":[1],\"signatures\":["));
    for (const char *at = signers; *at != '\0'; at++) {
        struct bytes64 sig;
        if (*at == 'p')
            continue;
        struct bytes32 secret = secret_of(*at - 'A');
        assert_true(sig_sign(&sig, hash, &secret, &(struct bytes32){{9}}));
        text_addf(&text, "%s\"", comma);
        text_add_hex(&text, sig.at, sizeof sig.at);
        text_addf(&text, "\"");
        comma = ",";
    }
    text_addf(&text, "]");
    if (strchr(signers, 'p') != NULL)
        text_addf(&text, ",\"preimage\":\"%s\"", preimage);
    text_addf(&text, "}");
    struct span copy = arena_copy(arena, text_span(&text));
    text_clear(&text);
    return copy;
}

struct trial {
    const char *secret, *signers; /* NULL: no witness */
    int64_t now;
    bool opens;
    const char *why; /* in the refusal */
};

static void try_one(const struct trial *trial)
{
    struct arena arena = {0};
    struct err err = {.text = ""};
    struct p2pk_input input = {.secret = fill(&arena, trial->secret)};
    const struct p2pk_spend spend = {.inputs = &input, .input_count = 1};
    struct bytes32 hash =
        strstr(trial->secret, "SIG_ALL") != NULL ? p2pk_hash(&spend) : sig_sha256(input.secret);
    if (trial->signers != NULL)
        input.witness = sign(&arena, &hash, trial->signers);
    bool opens = p2pk_check(&spend, &arena, trial->now, &err);
    if (opens != trial->opens || (!opens && strstr(err.text, trial->why) == NULL))
        fail_msg("%s by %s at %lld: %d, %s", trial->secret, trial->signers, (long long)trial->now,
                 opens, err.text);
    arena_clear(&arena);
}

#define KEY(tags) "[\"P2PK\",{\"nonce\":\"1\",\"data\":\"$A\",\"tags\":[" tags "]}]"
#define HASH(tags) "[\"HTLC\",{\"nonce\":\"1\",\"data\":\"$H\",\"tags\":[" tags "]}]"
#define NOT "not signed by those who may"

static void test_locks(void **state)
{
    static const struct trial trials[] = {
        {"407915bc212be61a77e3e6d2aeb4c727980bda51cd06a6afc29e2861768a7837", NULL, 0, true, ""},
        {"[\"OTHER\",{\"data\":1}]", NULL, 0, true, ""},
        {"[]", NULL, 0, true, ""},
        {"[1", NULL, 0, true, ""},
        {"[\"P2PK", NULL, 0, true, ""},
        {KEY(""), "A", 0, true, ""},
        {"[\"P2PK\",{\"data\":\"$A\",\"tags\":null}]", "A", 0, true, ""},
        {KEY(""), NULL, 0, false, NOT},
        {KEY(""), "B", 0, false, NOT},
        {KEY(""), "CBA", 0, true, ""},
        {KEY("[\"sigflag\",\"SIG_INPUTS\"],[\"mine\",\"x\",\"y\"]"), "A", 0, true, ""},
        {KEY("[\"pubkeys\",\"$B\",\"$C\"]"), "C", 0, true, ""},
        {KEY("[\"pubkeys\",\"$B\",\"$C\"],[\"n_sigs\",\"2\"]"), "AC", 0, true, ""},
        {KEY("[\"pubkeys\",\"$B\",\"$C\"],[\"n_sigs\",\"2\"]"), "AA", 0, false, NOT},
        {KEY("[\"pubkeys\",\"$B\",\"$C\"],[\"n_sigs\",\"3\"]"), "ABC", 0, true, ""},
        {KEY("[\"locktime\",\"100\"]"), NULL, 99, false, NOT},
        {KEY("[\"locktime\",\"100\"]"), NULL, 100, true, ""},
        {KEY("[\"locktime\",\"100\"],[\"refund\",\"$B\"]"), NULL, 100, false, NOT},
        {KEY("[\"locktime\",\"100\"],[\"refund\",\"$B\"]"), "B", 99, false, NOT},
        {KEY("[\"locktime\",\"100\"],[\"refund\",\"$B\"]"), "B", 100, true, ""},
        {KEY("[\"locktime\",\"100\"],[\"refund\",\"$B\"]"), "A", 100, true, ""},
        {KEY("[\"refund\",\"$B\"]"), "B", 100, false, NOT},
        {KEY("[\"locktime\",\"9\"],[\"refund\",\"$B\",\"$C\"],[\"n_sigs_refund\",\"2\"]"), "B", 10,
         false, NOT},
        {KEY("[\"locktime\",\"9\"],[\"refund\",\"$B\",\"$C\"],[\"n_sigs_refund\",\"2\"]"), "CB", 10,
         true, ""},
        {HASH(""), "p", 0, true, ""},
        {HASH(""), "A", 0, false, NOT},
        {HASH("[\"pubkeys\",\"$B\"]"), "p", 0, false, NOT},
        {HASH("[\"pubkeys\",\"$B\"]"), "B", 0, false, NOT},
        {HASH("[\"pubkeys\",\"$B\"]"), "pB", 0, true, ""},
        {HASH("[\"pubkeys\",\"$B\"],[\"locktime\",\"5\"],[\"refund\",\"$C\"]"), "C", 5, true, ""},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(trials); i++)
        try_one(trials + i);
}

static void test_out_of_order(void **state)
{
    static const struct trial trials[] = {
        {"[\"P2PK\"]", "A", 0, false, "expected"},
        {"[\"P2PK\",{\"data\":\"$A\"},1]", "A", 0, false, "more behind"},
        {"[\"P2PK\",{\"data\":\"$A\"}]x", "A", 0, false, "more behind"},
        {"[\"P2PK\",{\"data\":\"02\"}]", "A", 0, false, "no key"},
        {"[\"P2PK\",{\"data\":\"05$H\"}]", "A", 0, false, "no key"},
        {"[\"P2PK\",{\"data\":1}]", "A", 0, false, "expected"},
        {"[\"P2PK\",{}]", "A", 0, false, "no key"},
        {"[\"P2PK\",{\"data\":\"$A\",\"tags\":[[]]}]", "A", 0, false, "empty tag"},
        {KEY("\"locktime\""), "A", 0, false, "expected"},
        {KEY("[1]"), "A", 0, false, "expected"},
        {KEY("[\"pubkeys\",\"$A\"]"), "A", 0, false, "twice"},
        {KEY("[\"pubkeys\",\"$B\"],[\"pubkeys\",\"$C\"]"), "A", 0, false, "two tags pubkeys"},
        {KEY("[\"locktime\",\"soon\"]"), "A", 0, false, "for a number"},
        {KEY("[\"locktime\",\"0\"]"), "A", 0, false, "for a number"},
        {KEY("[\"n_sigs\",\"2\"]"), "A", 0, false, "more signatures"},
        {KEY("[\"n_sigs\",\"0\"]"), "A", 0, false, "for a number"},
        {KEY("[\"n_sigs_refund\",\"1\"]"), "A", 0, false, "more signatures"},
        {KEY("[\"sigflag\",\"SIG_SOME\"]"), "A", 0, false, "sigflag"},
        {"[\"HTLC\",{\"data\":\"00\"}]", "p", 0, false, "no hash"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(trials); i++)
        try_one(trials + i);
}

static void test_many_keys(void **state)
{
    struct arena arena = {0};
    struct err err;
    struct p2pk lock;
    struct text text = {0};
    (void)state;
    text_addf(&text, "[\"P2PK\",{\"data\":\"%s\",\"tags\":[[\"pubkeys\"", names[A]);
    for (int i = 0; i < P2PK_KEYS_MAX; i++) {
        text_addf(&text, ",\"02%064d\"", i + 1);
        struct text whole = {0};
        text_add(&whole, text_span(&text));
        text_addf(&whole, "]]}]");
        bool is_read = p2pk_read(&lock, &arena, text_span(&whole), &err);
        assert_int_equal(is_read, i + 2 <= P2PK_KEYS_MAX);
        text_clear(&whole);
    }
    assert_non_null(strstr(err.text, "more than 11 keys"));
    text_clear(&text);
    arena_clear(&arena);
}

static void expect_witness(const char *witness, const char *why)
{
    struct arena arena = {0};
    struct err err = {.text = ""};
    struct p2pk_input input = {fill(&arena, KEY("")), {witness, strlen(witness)}, {{2}}};
    const struct p2pk_spend spend = {.inputs = &input, .input_count = 1};
    assert_false(p2pk_check(&spend, &arena, 0, &err));
    if (strstr(err.text, why) == NULL)
        fail_msg("%s: %s", witness, err.text);
    arena_clear(&arena);
}

static void test_witness(void **state)
{
    struct text text = {0};
    (void)state;
    expect_witness("[]", "expected");
    expect_witness("{} {}", "expected the end");
    expect_witness("{\"signatures\":[\"00\"]}", "hex");
    expect_witness("{\"signatures\":\"none\"}", NOT);
    expect_witness("{\"signatures\":{}}", NOT);
    expect_witness("{\"preimage\":1}", NOT);
    expect_witness("{1:2}", "expected");
    text_addf(&text, "{\"signatures\":[");
    for (int i = 0; i <= P2PK_SIGNATURES_MAX; i++)
        text_addf(&text, "%s\"%0128d\"", i > 0 ? "," : "", 0);
    text_addf(&text, "]}%c", '\0');
    expect_witness(text.at, "more than 32 signatures");
    text_clear(&text);
}

#define ALL KEY("[\"sigflag\",\"SIG_ALL\"]")

/* Signed by A as a whole with its quote, then told with another: what is checked. */
static bool try_all(const char *first, const char *second, struct span signed_quote,
                    struct span quote, struct err *err)
{
    struct arena arena = {0};
    struct p2pk_input inputs[] = {{fill(&arena, first), {0}, {{2, 1}}},
                                  {fill(&arena, second), {0}, {{2, 2}}}};
    const struct p2pk_output outputs[] = {{0, {{2, 3}}}, {64, {{3, 4}}}};
    struct p2pk_spend spend = {inputs, ARRAY_LEN(inputs), outputs, ARRAY_LEN(outputs),
                               signed_quote};
    struct bytes32 hash = p2pk_hash(&spend);
    inputs[0].witness = sign(&arena, &hash, "A");
    spend.quote = quote;
    bool opens = p2pk_check(&spend, &arena, 0, err);
    arena_clear(&arena);
    return opens;
}

static void test_all(void **state)
{
    static const struct span none = {0};
    struct err err;
    (void)state;
    assert_true(try_all(ALL, ALL, none, none, &err));
    assert_true(try_all(ALL, ALL, SPAN("q"), SPAN("q"), &err));
    assert_false(try_all(ALL, ALL, SPAN("q"), SPAN("p"), &err));
    assert_non_null(strstr(err.text, NOT));
    const char *const others[] = {
        KEY(""), "plain", "[\"HTLC\",{\"data\":\"$H\",\"tags\":[[\"sigflag\",\"SIG_ALL\"]]}]",
        "[\"P2PK\",{\"data\":\"$B\",\"tags\":[[\"sigflag\",\"SIG_ALL\"]]}]",
        KEY("[\"sigflag\",\"SIG_ALL\"],[\"locktime\",\"5\"]")};
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        assert_false(try_all(ALL, others[i], none, none, &err));
        assert_non_null(strstr(err.text, "locked alike"));
        assert_false(try_all(others[i], ALL, none, none, &err));
        assert_non_null(strstr(err.text, "locked alike"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_locks),   cmocka_unit_test(test_out_of_order),
        cmocka_unit_test(test_witness), cmocka_unit_test(test_many_keys),
        cmocka_unit_test(test_all),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
