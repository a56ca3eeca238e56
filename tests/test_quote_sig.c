/* A quote is issued to who signs for it, in either form, and for those outputs alone. */
#include "shared/quote_sig.h"

#include "shared/sig.h"
#include "shared/text.h"
#include "tests/test.h"

static const struct span quote = {"9d745270-1405-46de-b5c5-e2762b4f5e00", 36};
static const struct bytes32 secret = {{0, 1}};
static const struct quote_sig_output outputs[] = {
    {0, {{2, 1}}}, {1, {{2, 2}}}, {256, {{3, 3}}}, {UINT64_MAX, {{3, 4}}}};
static const uint32_t count = ARRAY_LEN(outputs);

static struct bytes33 key_of(uint8_t sign)
{
    struct bytes33 key = {{sign}};
    struct bytes32 x;
    assert_true(sig_pubkey(&x, &secret));
    memcpy(key.at + 1, x.at, sizeof x.at);
    return key;
}

static struct bytes64 sign(enum quote_sig_form form)
{
    struct bytes64 sig;
    struct bytes32 hash = quote_sig_hash(form, quote, outputs, count);
    assert_true(sig_sign(&sig, &hash, &secret, &(struct bytes32){{7}}));
    return sig;
}

static void test_plain(void **state)
{
    struct text text = {0};
    (void)state;
    text_add(&text, quote);
    for (uint32_t i = 0; i < count; i++)
        text_add_hex(&text, outputs[i].message.at, sizeof outputs[i].message.at);
    struct bytes32 right = sig_sha256(text_span(&text));
    struct bytes32 hash = quote_sig_hash(QUOTE_SIG_PLAIN, quote, outputs, count);
    assert_memory_equal(&hash, &right, sizeof hash);
    text_clear(&text);
}

static void add_part(struct text *text, const char *bytes, uint8_t len)
{
    text_add(text, (struct span){"\0\0\0", 3});
    text_add(text, (struct span){(const char *)&len, 1});
    text_add(text, (struct span){bytes, len});
}

static void test_framed(void **state)
{
    static const struct span amounts[] = {
        {"", 0}, {"\1", 1}, {"\1\0", 2}, {"\377\377\377\377\377\377\377\377", 8}};
    struct text text = {0};
    (void)state;
    text_add(&text, SPAN("Cashu_MintQuoteSig_v1"));
    add_part(&text, quote.at, (uint8_t)quote.len);
    for (uint32_t i = 0; i < count; i++) {
        add_part(&text, amounts[i].at, (uint8_t)amounts[i].len);
        add_part(&text, (const char *)outputs[i].message.at, 33);
    }
    struct bytes32 right = sig_sha256(text_span(&text));
    struct bytes32 hash = quote_sig_hash(QUOTE_SIG_FRAMED, quote, outputs, count);
    assert_memory_equal(&hash, &right, sizeof hash);
    text_clear(&text);
}

static void test_signed(void **state)
{
    (void)state;
    for (enum quote_sig_form form = QUOTE_SIG_PLAIN; form <= QUOTE_SIG_FRAMED; form++) {
        struct bytes64 sig = sign(form);
        struct bytes33 key = key_of(2), odd = key_of(3), none = key_of(4);
        assert_true(quote_sig_verify(&sig, &key, quote, outputs, count));
        assert_true(quote_sig_verify(&sig, &odd, quote, outputs, count));
        assert_false(quote_sig_verify(&sig, &none, quote, outputs, count));
        assert_false(quote_sig_verify(&sig, &key, quote, outputs, count - 1));
        assert_false(quote_sig_verify(&sig, &key, SPAN("another"), outputs, count));
        sig.at[40] ^= 1;
        assert_false(quote_sig_verify(&sig, &key, quote, outputs, count));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_plain), cmocka_unit_test(test_framed),
                                       cmocka_unit_test(test_signed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
