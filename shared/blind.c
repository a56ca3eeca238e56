#include "shared/blind.h"

#include <openssl/crypto.h>

#include "shared/curve.h"
#include "shared/sig.h"
#include "shared/text.h"

enum { COUNTER_BYTES = 4 };

bool blind_key(struct bytes33 *public_key, const struct bytes32 *key)
{
    secp256k1_pubkey point;
    if (!curve_of(&point, key))
        return false;
    *public_key = curve_write(&point);
    return true;
}

/* Every second hash is the first half of a point. */
static void hash_to_curve(secp256k1_pubkey *out, struct span secret)
{
    struct text text = {0};
    struct {
        struct bytes32 hash;
        uint8_t counter[COUNTER_BYTES];
    } input;
    struct bytes33 point;
    text_add(&text, SPAN("Secp256k1_HashToCurve_Cashu_"));
    text_add(&text, secret);
    input.hash = sig_sha256(text_span(&text));
    OPENSSL_cleanse(text.at, text.len);
    text_clear(&text);
    point.at[0] = 2;
    for (uint32_t counter = 0;; counter++) {
        for (int i = 0; i < COUNTER_BYTES; i++)
            input.counter[i] = (uint8_t)(counter >> (8 * i));
        struct bytes32 half = sig_sha256(SPAN_OF(input));
        memcpy(point.at + 1, half.at, sizeof half.at);
        if (curve_read(out, &point))
            return;
    }
}

struct bytes33 blind_hash_to_curve(struct span secret)
{
    secp256k1_pubkey point;
    hash_to_curve(&point, secret);
    return curve_write(&point);
}

bool blind_message(struct bytes33 *message, struct span secret, const struct bytes32 *factor)
{
    secp256k1_pubkey hashed, veil, sum;
    hash_to_curve(&hashed, secret);
    if (!curve_of(&veil, factor) || !curve_add(&sum, &hashed, &veil))
        return false;
    *message = curve_write(&sum);
    return true;
}

bool blind_sign(struct bytes33 *signature, const struct bytes33 *message, const struct bytes32 *key)
{
    secp256k1_pubkey point, product;
    if (!curve_read(&point, message) || !curve_multiply(&product, &point, key))
        return false;
    *signature = curve_write(&product);
    return true;
}

bool blind_unblind(struct bytes33 *proof, const struct bytes33 *signature,
                   const struct bytes32 *factor, const struct bytes33 *public_key)
{
    secp256k1_pubkey from, mint, veil, difference;
    if (!curve_read(&from, signature) || !curve_read(&mint, public_key) ||
        !curve_multiply(&veil, &mint, factor) || !curve_subtract(&difference, &from, &veil))
        return false;
    *proof = curve_write(&difference);
    return true;
}

bool blind_verify(const struct bytes33 *proof, struct span secret, const struct bytes32 *key)
{
    secp256k1_pubkey hashed, product;
    hash_to_curve(&hashed, secret);
    if (!curve_multiply(&product, &hashed, key))
        return false;
    struct bytes33 right = curve_write(&product);
    return CRYPTO_memcmp(right.at, proof->at, sizeof right.at) == 0;
}
