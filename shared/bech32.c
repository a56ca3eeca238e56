#include "shared/bech32.h"

#include "shared/arena.h"
#include "shared/err.h"
#include "shared/text.h"

enum {
    CHECKSUM_CHARS = 6,
    VALUE_MAX = UINT8_MAX, /* bytes in a TLV: its length is one byte */
};

/* NIP-19's types of TLV. Others are to be passed over. */
enum { TLV_SPECIAL, TLV_RELAY, TLV_AUTHOR, TLV_KIND };
enum { SPECIAL = 1 << TLV_SPECIAL, AUTHOR = 1 << TLV_AUTHOR, KIND = 1 << TLV_KIND };

static const struct {
    struct span prefix;
    bool is_bare;    /* 32 bytes and no TLV */
    uint32_t needed; /* TLVs that must be there */
    uint32_t known;  /* TLVs with a meaning, besides relays */
} types[] = {
    [BECH32_NPUB] = {{"npub", 4}, true, 0, 0},
    [BECH32_NSEC] = {{"nsec", 4}, true, 0, 0},
    [BECH32_NOTE] = {{"note", 4}, true, 0, 0},
    [BECH32_NPROFILE] = {{"nprofile", 8}, false, SPECIAL, SPECIAL},
    [BECH32_NEVENT] = {{"nevent", 6}, false, SPECIAL, SPECIAL | AUTHOR | KIND},
    [BECH32_NADDR] = {{"naddr", 5}, false, SPECIAL | AUTHOR | KIND, SPECIAL | AUTHOR | KIND},
};

/* BIP-173: the characters of the values 0 to 31. */
static const char alphabet[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

static uint32_t checksum_step(uint32_t sum, uint32_t value)
{
    static const uint32_t generator[] = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd,
                                         0x2a1462b3};
    uint32_t top = sum >> 25;
    sum = (sum & 0x1ffffff) << 5 ^ value;
    for (uint32_t i = 0; i < ARRAY_LEN(generator); i++)
        sum ^= (top >> i & 1) != 0 ? generator[i] : 0;
    return sum;
}

static char lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

/* The checksum of a prefix, to go on with the values. */
static uint32_t checksum_start(struct span prefix)
{
    uint32_t sum = 1;
    for (size_t i = 0; i < prefix.len; i++)
        sum = checksum_step(sum, (uint8_t)lower(prefix.at[i]) >> 5);
    sum = checksum_step(sum, 0);
    for (size_t i = 0; i < prefix.len; i++)
        sum = checksum_step(sum, (uint8_t)lower(prefix.at[i]) & 31);
    return sum;
}

static bool starts_with(struct span word, struct span prefix)
{
    if (word.len < prefix.len)
        return false;
    for (size_t i = 0; i < prefix.len; i++)
        if (lower(word.at[i]) != prefix.at[i])
            return false;
    return true;
}

static struct span skip(struct span word, size_t count)
{
    return (struct span){word.at + count, word.len - count};
}

/* NIP-21: nostr: and the word. A scheme is of either case, whatever the word's. */
static struct span strip_scheme(struct span word)
{
    struct span scheme = SPAN("nostr:");
    return starts_with(word, scheme) ? skip(word, scheme.len) : word;
}

static bool is_mixed(struct span word)
{
    bool has_lower = false, has_upper = false;
    for (size_t i = 0; i < word.len; i++) {
        has_lower |= word.at[i] >= 'a' && word.at[i] <= 'z';
        has_upper |= word.at[i] >= 'A' && word.at[i] <= 'Z';
    }
    return has_lower && has_upper;
}

/* Takes prefix and the "1" from word; false when it begins otherwise. */
static bool take(struct span *word, struct span prefix)
{
    if (!starts_with(*word, prefix) || word->len == prefix.len || word->at[prefix.len] != '1')
        return false;
    *word = skip(*word, prefix.len + 1);
    return true;
}

/* Sets type and takes its prefix and the "1" from word. */
static bool take_prefix(enum bech32_type *type, struct span *word, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (take(word, types[i].prefix)) {
            *type = (enum bech32_type)i;
            return true;
        }
    }
    return err_set(err, ERR_INVALID, "not a word of NIP-19: its prefix is unknown");
}

/* Reads the characters after the "1". data has room for BECH32_BYTES_MAX bytes. */
static bool read_data(uint8_t *data, size_t *len, struct span prefix, struct span chars,
                      struct err *err)
{
    uint32_t sum = checksum_start(prefix), bits = 0, bit_count = 0;
    *len = 0;
    for (size_t i = 0; i < chars.len; i++) {
        const char *found = memchr(alphabet, lower(chars.at[i]), sizeof alphabet - 1);
        if (found == NULL)
            return err_set(err, ERR_INVALID, "character %zu after the prefix is not bech32", i + 1);
        uint32_t value = (uint32_t)(found - alphabet);
        sum = checksum_step(sum, value);
        if (i + CHECKSUM_CHARS >= chars.len)
            continue;
        bits = (bits & 0xff) << 5 | value; /* at most 7 bits wait from before */
        bit_count += 5;
        if (bit_count >= 8) {
            bit_count -= 8;
            data[(*len)++] = (uint8_t)(bits >> bit_count);
        }
    }
    if (sum != 1 || chars.len < CHECKSUM_CHARS)
        return err_set(err, ERR_INVALID, "the checksum is wrong");
    if (bit_count >= 5 || (bits & ((1U << bit_count) - 1)) != 0)
        return err_set(err, ERR_INVALID, "the padding is not zero");
    return true;
}

static bool read_key(struct bytes32 *key, struct span value, struct err *err)
{
    if (value.len != sizeof key->at)
        return err_set(err, ERR_INVALID, "a key or id of %zu bytes, not 32", value.len);
    memcpy(key->at, value.at, sizeof key->at);
    return true;
}

static bool read_kind(struct bech32 *out, struct span value, struct err *err)
{
    if (value.len != sizeof out->kind)
        return err_set(err, ERR_INVALID, "a kind of %zu bytes, not 4", value.len);
    out->has_kind = true;
    for (size_t i = 0; i < value.len; i++)
        out->kind = out->kind << 8 | (uint8_t)value.at[i];
    return true;
}

/* A TLV that means something to out->type, for the first time. */
static bool read_value(struct bech32 *out, struct arena *arena, uint8_t tlv, struct span value,
                       struct err *err)
{
    bool is_address = out->type == BECH32_NADDR;
    if (tlv == TLV_KIND)
        return read_kind(out, value, err);
    if (tlv == TLV_AUTHOR && !is_address) {
        out->has_author = true;
        return read_key(&out->author, value, err);
    }
    if (tlv == TLV_SPECIAL && is_address) {
        out->identifier = arena_copy(arena, value);
        return true;
    }
    return read_key(&out->key, value, err);
}

static bool read_tlvs(struct bech32 *out, struct arena *arena, struct span data, struct err *err)
{
    uint32_t seen = 0;
    while (data.len > 0) {
        if (data.len < 2 || data.len - 2 < (uint8_t)data.at[1])
            return err_set(err, ERR_INVALID, "a TLV is cut short");
        uint8_t tlv = (uint8_t)data.at[0];
        struct span value = {data.at + 2, (uint8_t)data.at[1]};
        data = skip(data, 2 + value.len);

        if (tlv == TLV_RELAY && out->relay_count < BECH32_RELAYS_MAX)
            out->relays[out->relay_count++] = arena_copy(arena, value);
        if (tlv > TLV_KIND || (types[out->type].known >> tlv & 1) == 0)
            continue;
        if ((seen >> tlv & 1) != 0)
            return err_set(err, ERR_INVALID, "TLV %u is there twice", tlv);
        seen |= 1U << tlv;
        if (!read_value(out, arena, tlv, value, err))
            return false;
    }
    if ((seen & types[out->type].needed) != types[out->type].needed)
        return err_set(err, ERR_INVALID, "a TLV is missing that %s needs",
                       types[out->type].prefix.at);
    return true;
}

static bool check_shape(struct span word, struct err *err)
{
    if (word.len > BECH32_CHARS_MAX)
        return err_set(err, ERR_INVALID, "longer than %d characters", BECH32_CHARS_MAX);
    if (is_mixed(word))
        return err_set(err, ERR_INVALID, "upper and lower case are mixed");
    return true;
}

bool bech32_read_bytes(uint8_t *data, size_t *len, struct span prefix, struct span word,
                       struct err *err)
{
    word = strip_scheme(word);
    if (!check_shape(word, err))
        return false;
    if (!take(&word, prefix))
        return err_set(err, ERR_INVALID, "a word that does not begin with %.*s1", SPAN_ARG(prefix));
    return read_data(data, len, prefix, word, err);
}

bool bech32_read_values(uint8_t *values, size_t *count, struct span *prefix, struct span word,
                        struct err *err)
{
    if (!check_shape(word, err))
        return false;
    const char *one = word.len > 0 ? memrchr(word.at, '1', word.len) : NULL;
    if (one == NULL || one == word.at)
        return err_set(err, ERR_INVALID, "a word without a prefix");
    *prefix = (struct span){word.at, (size_t)(one - word.at)};
    word = skip(word, prefix->len + 1);
    uint32_t sum = checksum_start(*prefix);
    for (size_t i = 0; i < word.len; i++) {
        const char *found = memchr(alphabet, lower(word.at[i]), sizeof alphabet - 1);
        if (found == NULL)
            return err_set(err, ERR_INVALID, "character %zu after the prefix is not bech32", i + 1);
        values[i] = (uint8_t)(found - alphabet);
        sum = checksum_step(sum, values[i]);
    }
    if (sum != 1 || word.len < CHECKSUM_CHARS)
        return err_set(err, ERR_INVALID, "the checksum is wrong");
    *count = word.len - CHECKSUM_CHARS;
    return true;
}

bool bech32_decode(struct bech32 *out, struct arena *arena, struct span word, struct err *err)
{
    uint8_t data[BECH32_BYTES_MAX];
    size_t len;
    *out = (struct bech32){0};
    word = strip_scheme(word);
    if (!check_shape(word, err))
        return false;
    if (!take_prefix(&out->type, &word, err))
        return false;

    bool ok = read_data(data, &len, types[out->type].prefix, word, err);
    if (ok) {
        struct span bytes = {(const char *)data, len};
        ok = types[out->type].is_bare ? read_key(&out->key, bytes, err)
                                      : read_tlvs(out, arena, bytes, err);
    }
    explicit_bzero(data, sizeof data); /* of an nsec */
    return ok;
}

static size_t word_chars(struct span prefix, size_t data_len)
{
    return prefix.len + 1 + (data_len * 8 + 4) / 5 + CHECKSUM_CHARS;
}

static size_t add_tlv(uint8_t *data, size_t len, uint8_t tlv, struct span value)
{
    data[len] = tlv;
    data[len + 1] = (uint8_t)value.len;
    if (value.len > 0)
        memcpy(data + len + 2, value.at, value.len);
    return len + 2 + value.len;
}

/* Relays last: they are what can be left out. Their order stays. */
static size_t write_tlvs(uint8_t *data, const struct bech32 *in)
{
    bool is_address = in->type == BECH32_NADDR;
    uint8_t kind[] = {(uint8_t)(in->kind >> 24), (uint8_t)(in->kind >> 16),
                      (uint8_t)(in->kind >> 8), (uint8_t)in->kind};
    size_t len = add_tlv(data, 0, TLV_SPECIAL, is_address ? in->identifier : SPAN_OF(in->key));
    if (is_address)
        len = add_tlv(data, len, TLV_AUTHOR, SPAN_OF(in->key));
    else if (in->type == BECH32_NEVENT && in->has_author)
        len = add_tlv(data, len, TLV_AUTHOR, SPAN_OF(in->author));
    if (is_address || (in->type == BECH32_NEVENT && in->has_kind))
        len = add_tlv(data, len, TLV_KIND, SPAN_OF(kind));

    struct span prefix = types[in->type].prefix;
    for (uint32_t i = 0; i < in->relay_count; i++) {
        struct span relay = in->relays[i];
        if (relay.len <= VALUE_MAX && word_chars(prefix, len + 2 + relay.len) <= BECH32_CHARS_MAX)
            len = add_tlv(data, len, TLV_RELAY, relay);
    }
    return len;
}

void bech32_write_bytes(struct text *out, struct span prefix, const uint8_t *data, size_t len)
{
    text_reserve(out, word_chars(prefix, len)); /* at once: growing would leave copies of an nsec */
    text_add(out, prefix);
    text_add(out, SPAN("1"));

    uint32_t sum = checksum_start(prefix), bits = 0;
    size_t value_count = (len * 8 + 4) / 5, bit_count = 0, next = 0;
    for (size_t i = 0; i < value_count; i++) {
        if (bit_count < 5) { /* past the end of data, zeroes pad the last value */
            bits = (bits & 0xff) << 8 | (next < len ? data[next] : 0);
            next++;
            bit_count += 8;
        }
        bit_count -= 5;
        uint32_t value = bits >> bit_count & 31;
        sum = checksum_step(sum, value);
        text_add(out, (struct span){&alphabet[value], 1});
    }
    for (uint32_t i = 0; i < CHECKSUM_CHARS; i++)
        sum = checksum_step(sum, 0);
    sum ^= 1;
    for (uint32_t i = 0; i < CHECKSUM_CHARS; i++)
        text_add(out, (struct span){&alphabet[sum >> 5 * (CHECKSUM_CHARS - 1 - i) & 31], 1});
}

bool bech32_encode(struct text *out, const struct bech32 *in)
{
    uint8_t data[BECH32_BYTES_MAX];
    size_t len = sizeof in->key.at;
    if (in->identifier.len > VALUE_MAX)
        return false;
    if (types[in->type].is_bare)
        memcpy(data, in->key.at, len);
    else
        len = write_tlvs(data, in);
    bech32_write_bytes(out, types[in->type].prefix, data, len);
    explicit_bzero(data, sizeof data);
    return true;
}
