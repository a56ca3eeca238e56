#include "shared/curve.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <secp256k1_ecdh.h>

bool curve_read(secp256k1_pubkey *out, const struct bytes33 *point)
{
    secp256k1_selftest();
    return secp256k1_ec_pubkey_parse(secp256k1_context_static, out, point->at, sizeof point->at);
}

struct bytes33 curve_write(const secp256k1_pubkey *point)
{
    struct bytes33 bytes;
    size_t len = sizeof bytes.at;
    secp256k1_ec_pubkey_serialize(secp256k1_context_static, bytes.at, &len, point,
                                  SECP256K1_EC_COMPRESSED);
    return bytes;
}

void curve_write_whole(uint8_t out[CURVE_WHOLE_BYTES], const secp256k1_pubkey *point)
{
    size_t len = CURVE_WHOLE_BYTES;
    secp256k1_ec_pubkey_serialize(secp256k1_context_static, out, &len, point,
                                  SECP256K1_EC_UNCOMPRESSED);
}

bool curve_of(secp256k1_pubkey *out, const struct bytes32 *secret)
{
    secp256k1_context *context = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
    bool is_ok = secp256k1_ec_pubkey_create(context, out, secret->at);
    secp256k1_context_destroy(context);
    return is_ok;
}

/* What is hashed in a key exchange is the product itself: here it is kept as it is. */
static int keep_product(unsigned char *out, const unsigned char *x, const unsigned char *y,
                        void *unused)
{
    (void)unused;
    out[0] = 4;
    memcpy(out + 1, x, 32);
    memcpy(out + 33, y, 32);
    return 1;
}

bool curve_multiply(secp256k1_pubkey *out, const secp256k1_pubkey *point,
                    const struct bytes32 *secret)
{
    uint8_t product[CURVE_WHOLE_BYTES];
    bool is_ok =
        secp256k1_ecdh(secp256k1_context_static, product, point, secret->at, keep_product, NULL) &&
        secp256k1_ec_pubkey_parse(secp256k1_context_static, out, product, sizeof product);
    OPENSSL_cleanse(product, sizeof product);
    return is_ok;
}

bool curve_multiply_public(secp256k1_pubkey *out, const secp256k1_pubkey *point,
                           const struct bytes32 *number)
{
    *out = *point;
    return secp256k1_ec_pubkey_tweak_mul(secp256k1_context_static, out, number->at);
}

bool curve_add(secp256k1_pubkey *out, const secp256k1_pubkey *a, const secp256k1_pubkey *b)
{
    const secp256k1_pubkey *const both[] = {a, b};
    return secp256k1_ec_pubkey_combine(secp256k1_context_static, out, both, 2);
}

bool curve_subtract(secp256k1_pubkey *out, const secp256k1_pubkey *a, const secp256k1_pubkey *b)
{
    secp256k1_pubkey negative = *b;
    int is_ok = secp256k1_ec_pubkey_negate(secp256k1_context_static, &negative);
    assert(is_ok);
    return curve_add(out, a, &negative);
}
