/* The id of a keyset says all that its holders go by. */
#include "shared/keyset.h"

#include "shared/sig.h"
#include "tests/test.h"

static const struct keyset_key keys[] = {{1, {{2, 17, 1}}}, {2, {{3, 17, 2}}}, {4, {{2, 17, 4}}}};
static const struct keyset plain = {.keys = keys, .count = ARRAY_LEN(keys), .unit = {"ccr", 3}};

static void expect_id(const struct keyset *keyset, const char *text)
{
    struct bytes33 id = keyset_id(keyset);
    struct bytes32 hash = sig_sha256((struct span){text, strlen(text)});
    assert_int_equal(id.at[0], 1);
    assert_memory_equal(id.at + 1, hash.at, sizeof hash.at);
}

static void test_text(void **state)
{
#define ZEROES "000000000000000000000000000000000000000000000000000000000000"
#define KEYS "1:021101" ZEROES ",2:031102" ZEROES ",4:021104" ZEROES
    struct keyset keyset = plain;
    (void)state;
    expect_id(&keyset, KEYS "|unit:ccr");
    keyset.input_fee_ppk = 100;
    expect_id(&keyset, KEYS "|unit:ccr|input_fee_ppk:100");
    keyset.final_expiry = 1800000000;
    expect_id(&keyset, KEYS "|unit:ccr|input_fee_ppk:100|final_expiry:1800000000");
    keyset.input_fee_ppk = 0;
    expect_id(&keyset, KEYS "|unit:ccr|final_expiry:1800000000");
    keyset.count = 1;
    expect_id(&keyset, "1:021101" ZEROES "|unit:ccr|final_expiry:1800000000");
}

static void test_fee(void **state)
{
    struct keyset keyset = plain;
    (void)state;
    assert_int_equal(keyset_fee(&keyset, 1000), 0);
    keyset.input_fee_ppk = 100;
    assert_int_equal(keyset_fee(&keyset, 0), 0);
    assert_int_equal(keyset_fee(&keyset, 1), 1);
    assert_int_equal(keyset_fee(&keyset, 10), 1);
    assert_int_equal(keyset_fee(&keyset, 11), 2);
    keyset.input_fee_ppk = UINT32_MAX;
    assert_int_equal(keyset_fee(&keyset, UINT32_MAX), 18446744065119618); /* does not wrap */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_text), cmocka_unit_test(test_fee)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
