#include "client/box.h"

#include <sodium.h>

#include "client/keys.h"
#include "client/secret.h"
#include "shared/err.h"
#include "shared/text.h"

enum {
    VERSION = 2,
    LENGTH_BYTES = 2,
    MAC_BYTES = 32,
    HEAD_BYTES = 1 + sizeof(struct bytes32), /* version and nonce */
    PADDED_MIN = 32,
    RAW_MIN = HEAD_BYTES + LENGTH_BYTES + PADDED_MIN + MAC_BYTES,
    RAW_MAX = HEAD_BYTES + LENGTH_BYTES + BOX_BYTES_MAX + 1 + MAC_BYTES,
    CHARS_MIN = 132,
};

/* What HKDF makes for one message. */
struct message_keys {
    uint8_t cipher[32], cipher_nonce[12], mac[32];
};
_Static_assert(sizeof(struct message_keys) == 76, "one run of bytes");

struct part {
    const void *at;
    size_t len;
};

static void hmac(uint8_t out[32], const void *key, size_t key_len, const struct part *parts,
                 size_t count)
{
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, key, key_len);
    for (size_t i = 0; i < count; i++)
        crypto_auth_hmacsha256_update(&state, parts[i].at, parts[i].len);
    crypto_auth_hmacsha256_final(&state, out);
    secret_wipe(&state, sizeof state);
}

void box_key_of(struct bytes32 *key, const struct bytes32 *shared)
{
    hmac(key->at, "nip44-v2", 8, &(struct part){shared->at, sizeof shared->at},
         1); /* HKDF-extract */
}

bool box_key(struct bytes32 *key, const struct keys *keys, const struct bytes32 *peer)
{
    struct bytes32 shared;
    bool ok = keys_share(keys, &shared, peer);
    if (ok)
        box_key_of(key, &shared);
    secret_wipe(&shared, sizeof shared);
    return ok;
}

/* HKDF-expand: each block is the HMAC of the one before it, the nonce and a number from 1. */
static void expand(struct message_keys *out, const struct bytes32 *key, const uint8_t *nonce)
{
    uint8_t block[32], blocks[96];
    for (uint8_t number = 1; number <= 3; number++) {
        const struct part parts[] = {
            {block, number > 1 ? sizeof block : 0}, {nonce, sizeof(struct bytes32)}, {&number, 1}};
        hmac(block, key->at, sizeof key->at, parts, ARRAY_LEN(parts));
        memcpy(blocks + sizeof block * (number - 1), block, sizeof block);
    }
    memcpy(out, blocks, sizeof *out);
    secret_wipe(block, sizeof block);
    secret_wipe(blocks, sizeof blocks);
}

/* Of nonce and ciphertext, which lie behind the version and in front of the MAC. */
static void authenticate(uint8_t out[MAC_BYTES], const struct message_keys *keys,
                         const uint8_t *raw, size_t raw_len)
{
    hmac(out, keys->mac, sizeof keys->mac, &(struct part){raw + 1, raw_len - 1 - MAC_BYTES}, 1);
}

size_t box_padded(size_t plain_len)
{
    size_t power = PADDED_MIN;
    while (power < plain_len)
        power *= 2;
    size_t chunk = power <= 256 ? PADDED_MIN : power / 8;
    return plain_len <= PADDED_MIN ? PADDED_MIN : (plain_len + chunk - 1) / chunk * chunk;
}

bool box_seal(struct text *out, const struct bytes32 *key, struct span plain,
              const struct bytes32 *nonce, struct err *err)
{
    static const uint8_t zeroes[BOX_BYTES_MAX / 8 + 1];
    if (plain.len < 1 || plain.len > BOX_BYTES_MAX)
        return err_set(err, ERR_INVALID, "%zu bytes; 1 to %d can be sealed", plain.len,
                       BOX_BYTES_MAX);
    struct text raw = {0};
    size_t padded_len = box_padded(plain.len);
    size_t raw_len = HEAD_BYTES + LENGTH_BYTES + padded_len + MAC_BYTES;
    text_reserve(&raw, raw_len); /* at once: growing would leave copies */
    text_add(&raw, (struct span){(char[]){VERSION}, 1});
    text_add(&raw, SPAN_OF(*nonce));
    text_add(&raw, (struct span){(char[]){(char)(plain.len >> 8), (char)plain.len}, LENGTH_BYTES});
    text_add(&raw, plain);
    text_add(&raw, (struct span){(const char *)zeroes, padded_len - plain.len});

    struct message_keys keys;
    uint8_t *at = (uint8_t *)raw.at;
    expand(&keys, key, nonce->at);
    crypto_stream_chacha20_ietf_xor(at + HEAD_BYTES, at + HEAD_BYTES, LENGTH_BYTES + padded_len,
                                    keys.cipher_nonce, keys.cipher);
    authenticate(at + raw_len - MAC_BYTES, &keys, at, raw_len);
    secret_wipe(&keys, sizeof keys);

    size_t chars = sodium_base64_encoded_len(raw_len, sodium_base64_VARIANT_ORIGINAL);
    sodium_bin2base64(text_reserve(out, chars), chars, at, raw_len, sodium_base64_VARIANT_ORIGINAL);
    out->len += chars - 1; /* less the NUL */
    text_clear(&raw);
    return true;
}

/* Appends what is sealed in raw, whose size has been checked. */
static bool open_raw(struct text *out, const struct bytes32 *key, const uint8_t *raw,
                     size_t raw_len, struct err *err)
{
    struct message_keys keys;
    uint8_t mac[MAC_BYTES];
    expand(&keys, key, raw + 1);
    authenticate(mac, &keys, raw, raw_len);
    bool ok = sodium_memcmp(mac, raw + raw_len - MAC_BYTES, MAC_BYTES) == 0;
    size_t len = raw_len - HEAD_BYTES - MAC_BYTES;
    uint8_t *plain = (uint8_t *)text_reserve(out, len);
    if (ok)
        crypto_stream_chacha20_ietf_xor(plain, raw + HEAD_BYTES, len, keys.cipher_nonce,
                                        keys.cipher);
    secret_wipe(&keys, sizeof keys);
    if (!ok)
        return err_set(err, ERR_INVALID, "not sealed for this key, or altered on the way");

    size_t plain_len = (size_t)plain[0] << 8 | plain[1];
    if (plain_len == 0 || box_padded(plain_len) != len - LENGTH_BYTES)
        return err_set(err, ERR_INVALID, "sealed with a wrong padding");
    memmove(plain, plain + LENGTH_BYTES, plain_len);
    out->len += plain_len;
    return true;
}

bool box_open(struct text *out, const struct bytes32 *key, struct span payload, struct err *err)
{
    if (payload.len > 0 && payload.at[0] == '#')
        return err_set(err, ERR_UNSUPPORTED, "sealed with a version of NIP-44 that is not ours");
    if (payload.len < CHARS_MIN || payload.len > BOX_CHARS_MAX)
        return err_set(err, ERR_INVALID, "%zu characters; a sealed text has %d to %d", payload.len,
                       CHARS_MIN, BOX_CHARS_MAX);
    struct text raw = {0};
    size_t raw_len;
    uint8_t *at = (uint8_t *)text_reserve(&raw, RAW_MAX + 1);
    bool ok = sodium_base642bin(at, RAW_MAX + 1, payload.at, payload.len, NULL, &raw_len, NULL,
                                sodium_base64_VARIANT_ORIGINAL) == 0;
    if (!ok)
        err_fill(err, ERR_INVALID, "sealed text that is not base64");
    else if (at[0] != VERSION)
        ok = err_set(err, ERR_UNSUPPORTED, "sealed with version %u of NIP-44, not %d", at[0],
                     VERSION);
    else if (raw_len < RAW_MIN || raw_len > RAW_MAX)
        ok = err_set(err, ERR_INVALID, "sealed text of %zu bytes", raw_len);
    else
        ok = open_raw(out, key, at, raw_len, err);
    text_clear(&raw);
    return ok;
}
