#include "client/coin.h"

#include <assert.h>
#include <secp256k1.h>
#include <sodium.h>

#include "shared/hex.h"

enum { SECRET, FACTOR };

static struct bytes32 derive(const struct bytes64 *seed, const struct bytes33 *keyset,
                             uint64_t counter, uint8_t what)
{
    static const char name[] = "Cashu_KDF_HMAC_SHA256";
    crypto_auth_hmacsha256_state state;
    uint8_t tail[sizeof counter + 1];
    struct bytes32 out;
    for (size_t i = 0; i < sizeof counter; i++)
        tail[i] = (uint8_t)(counter >> (8 * (sizeof counter - 1 - i)));
    tail[sizeof counter] = what;
    crypto_auth_hmacsha256_init(&state, seed->at, sizeof seed->at);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)name, sizeof name - 1);
    crypto_auth_hmacsha256_update(&state, keyset->at, sizeof keyset->at);
    crypto_auth_hmacsha256_update(&state, tail, sizeof tail);
    crypto_auth_hmacsha256_final(&state, out.at);
    sodium_memzero(&state, sizeof state);
    return out;
}

void coin_derive(struct coin *coin, const struct bytes64 *seed, const struct bytes33 *keyset,
                 uint64_t counter)
{
    struct bytes32 secret = derive(seed, keyset, counter, SECRET);
    hex_encode(coin->secret, secret.at, sizeof secret.at);
    sodium_memzero(&secret, sizeof secret);
    coin->factor = derive(seed, keyset, counter, FACTOR);
    /* It is to be taken modulo the group order: one in 2^128 is not below it, and 0 never comes. */
    bool is_number = secp256k1_ec_seckey_verify(secp256k1_context_static, coin->factor.at);
    assert(is_number);
}
