/* Invoices as BOLT 11 has them, by its own examples and by what is wrong with others. */
#include "gpu/invoice.h"

#include "shared/err.h"
#include "shared/hex.h"
#include "tests/test.h"

/* BOLT 11, "Examples": $3 for a cup of coffee, within one minute; and a donation of any amount. */
#define COFFEE                                                                            \
    "lnbc2500u1pvjluezpp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdq5xysxxats" \
    "yp3k7enxv4jsxqzpuaztrnwngzn3kdzw5hydlzf03qdgm2hdq27cqv3agm2awhz5se903vruatfhq77w3ls" \
    "4evs3ch9zw97j25emudupq63nyw24cg27h2rspfj9srp"
#define DONATION                                                                          \
    "lnbc1pvjluezpp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdpl2pkx2ctnv5sxx" \
    "mmwwd5kgetjypeh2ursdae8g6twvus8g6rfwvs8qun0dfjkxaq8rkx3yf5tcsyz3d73gafnh3cax9rn449d" \
    "9p5uxz9ezhhypd0elx87sjle52x86fux2ypatgddc6k63n7erqz25le42c4u4ecky03ylcqca784w"

static bool read(struct invoice *invoice, const char *text, struct err *err)
{
    return invoice_read(invoice, (struct span){text, strlen(text)}, err);
}

static void test_examples(void **state)
{
    struct invoice invoice;
    struct err err;
    uint8_t hash[32];
    (void)state;
    assert_true(read(&invoice, COFFEE, &err));
    assert_int_equal(invoice.msat, 250000000);
    assert_int_equal(invoice.expires_at, 1496314658 + 60);
    assert_true(hex_decode(hash, sizeof hash,
                           SPAN("000102030405060708090001020304050607080900010203040506070809010"
                                "2")));
    assert_memory_equal(&invoice.hash, hash, sizeof hash);
    assert_false(read(&invoice, DONATION, &err));
    assert_string_equal(err.text, "an invoice that does not say how much");
}

static void test_case(void **state)
{
    struct invoice invoice;
    char text[sizeof COFFEE];
    (void)state;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)(COFFEE[i] >= 'a' ? COFFEE[i] - ('a' - 'A') : COFFEE[i]);
    assert_true(read(&invoice, text, NULL));
    assert_int_equal(invoice.msat, 250000000);
    text[0] = 'l';
    assert_false(read(&invoice, text, NULL));
}

static void test_wrong(void **state)
{
    struct invoice invoice;
    struct err err;
    char text[sizeof COFFEE];
    (void)state;
    for (size_t i = 0; i + 1 < sizeof text; i++) { /* any one character */
        memcpy(text, COFFEE, sizeof text);
        text[i] = text[i] == 'q' ? 'p' : 'q';
        err.text[0] = '\0';
        assert_false(read(&invoice, text, &err));
        assert_true(err.text[0] != '\0');
    }
    static const char *const wrong[] = {
        "", "1", "lnbc", "lnbc1", "npub1", "lnbc2500u1qqqqqq", "https://example.com"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        assert_false(read(&invoice, wrong[i], &err));
}

/* What shows that it was paid: sha256 of 32 zero bytes. */
static void test_preimage(void **state)
{
    struct bytes32 hash;
    char zeroes[64];
    (void)state;
    memset(zeroes, '0', sizeof zeroes);
    assert_true(hex_decode(hash.at, sizeof hash.at,
                           SPAN("66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f29"
                                "25")));
    assert_true(invoice_is_shown(&hash, (struct span){zeroes, 64}));
    assert_false(invoice_is_shown(&hash, (struct span){zeroes, 62}));
    zeroes[63] = '1';
    assert_false(invoice_is_shown(&hash, (struct span){zeroes, 64}));
    assert_false(invoice_is_shown(&hash, SPAN("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_examples), cmocka_unit_test(test_case),
                                       cmocka_unit_test(test_wrong),
                                       cmocka_unit_test(test_preimage)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
