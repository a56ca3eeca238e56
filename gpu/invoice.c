#include "gpu/invoice.h"

#include "shared/bech32.h"
#include "shared/err.h"
#include "shared/hex.h"
#include "shared/sig.h"

enum {
    STAMP_VALUES = 7,
    SIGNATURE_VALUES = 104,
    HASH_VALUES = 52,
    FIELD_HASH = 1,   /* p */
    FIELD_EXPIRY = 6, /* x */
    EXPIRY_VALUES_MAX = 8
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Of a whole one of the multiplier, tenths of a millisatoshi. 0: there is no such. */
static uint64_t weight_of(struct span multiplier)
{
    static const struct {
        char name;
        uint64_t weight;
    } weights[] = {{'m', 1000000000}, {'u', 1000000}, {'n', 1000}, {'p', 1}};
    if (multiplier.len == 0)
        return 1000000000000;
    for (size_t i = 0; i < ARRAY_LEN(weights) && multiplier.len == 1; i++)
        if ((multiplier.at[0] | 0x20) == weights[i].name)
            return weights[i].weight;
    return 0;
}

/* "lnbc2500u" */
static bool read_amount(struct invoice *invoice, struct span prefix, struct err *err)
{
    size_t at = 2;
    uint64_t number = 0;
    if (prefix.len < 4 || (prefix.at[0] | 0x20) != 'l' || (prefix.at[1] | 0x20) != 'n')
        return err_set(err, ERR_INVALID, "that is no Lightning invoice");
    while (at < prefix.len && !is_digit(prefix.at[at]))
        at++;
    if (at == prefix.len)
        return err_set(err, ERR_INVALID, "an invoice that does not say how much");
    for (; at < prefix.len && is_digit(prefix.at[at]); at++)
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, (uint64_t)(prefix.at[at] - '0'), &number))
            return err_set(err, ERR_INVALID, "an invoice of too much");
    uint64_t weight = weight_of((struct span){prefix.at + at, prefix.len - at});
    if (weight == 0 || __builtin_mul_overflow(number, weight, &number) || number % 10 != 0 ||
        number == 0 || number / 10 > INVOICE_MSAT_MAX)
        return err_set(err, ERR_INVALID, "an invoice of an amount that cannot be paid");
    invoice->msat = number / 10;
    return true;
}

static int64_t read_number(const uint8_t *values, size_t count)
{
    int64_t number = 0;
    for (size_t i = 0; i < count; i++)
        number = number << 5 | values[i];
    return number;
}

static void read_hash(struct bytes32 *hash, const uint8_t *values)
{
    uint32_t bits = 0, bit_count = 0;
    size_t len = 0;
    for (size_t i = 0; i < HASH_VALUES && len < sizeof hash->at; i++) {
        bits = (bits & 0xff) << 5 | values[i];
        bit_count += 5;
        if (bit_count >= 8) {
            bit_count -= 8;
            hash->at[len++] = (uint8_t)(bits >> bit_count);
        }
    }
}

/* Fields of another length than theirs are passed over, as BOLT 11 wants it. */
static bool read_fields(struct invoice *invoice, const uint8_t *values, size_t count,
                        struct err *err)
{
    int64_t made_at = read_number(values, STAMP_VALUES);
    int64_t life = INVOICE_LIFE_S;
    bool has_hash = false;
    for (size_t at = STAMP_VALUES; at < count;) {
        size_t len = count - at >= 3 ? (size_t)read_number(values + at + 1, 2) : count;
        if (len > count - at - 3 || count - at < 3)
            return err_set(err, ERR_INVALID, "an invoice that is cut off");
        const uint8_t *field = values + at + 3;
        if (values[at] == FIELD_HASH && len == HASH_VALUES && !has_hash) {
            read_hash(&invoice->hash, field);
            has_hash = true;
        }
        if (values[at] == FIELD_EXPIRY && len <= EXPIRY_VALUES_MAX)
            life = read_number(field, len);
        at += 3 + len;
    }
    invoice->expires_at = made_at + life;
    return has_hash || err_set(err, ERR_INVALID, "an invoice without a hash");
}

bool invoice_read(struct invoice *invoice, struct span text, struct err *err)
{
    uint8_t values[BECH32_CHARS_MAX];
    struct span prefix;
    size_t count;
    if (text.len > INVOICE_CHARS_MAX)
        return err_set(err, ERR_INVALID, "an invoice of more than %d characters",
                       INVOICE_CHARS_MAX);
    if (!bech32_read_values(values, &count, &prefix, text, err) ||
        !read_amount(invoice, prefix, err))
        return false;
    if (count < STAMP_VALUES + SIGNATURE_VALUES)
        return err_set(err, ERR_INVALID, "an invoice that is cut off");
    return read_fields(invoice, values, count - SIGNATURE_VALUES, err);
}

bool invoice_is_shown(const struct bytes32 *hash, struct span preimage)
{
    struct bytes32 bytes;
    if (!hex_decode(bytes.at, sizeof bytes.at, preimage))
        return false;
    struct bytes32 found = sig_sha256(SPAN_OF(bytes));
    return memcmp(&found, hash, sizeof found) == 0;
}
