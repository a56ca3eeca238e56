#include "shared/sig.h"

#include <assert.h>
#include <openssl/sha.h>
#include <secp256k1.h>
#include <secp256k1_extrakeys.h>
#include <secp256k1_schnorrsig.h>

struct bytes32 sig_sha256(struct span bytes)
{
    struct bytes32 hash;
    const unsigned char *done = SHA256((const unsigned char *)bytes.at, bytes.len, hash.at);
    assert(done != NULL); /* out of memory, or a libcrypto without SHA-256 */
    return hash;
}

bool sig_verify(const struct bytes64 *sig, const struct bytes32 *id, const struct bytes32 *pubkey)
{
    secp256k1_xonly_pubkey key;
    /* The static context has not tested itself. A test is one short hash, which spares a flag
     * that all threads would share. */
    secp256k1_selftest();
    return secp256k1_xonly_pubkey_parse(secp256k1_context_static, &key, pubkey->at) &&
           secp256k1_schnorrsig_verify(secp256k1_context_static, sig->at, id->at, sizeof id->at,
                                       &key);
}

static secp256k1_context *new_context(void)
{
    return secp256k1_context_create(SECP256K1_CONTEXT_NONE); /* aborts when out of memory */
}

bool sig_pubkey(struct bytes32 *pubkey, const struct bytes32 *secret)
{
    secp256k1_context *context = new_context();
    secp256k1_keypair pair;
    secp256k1_xonly_pubkey key;
    bool ok = secp256k1_keypair_create(context, &pair, secret->at) &&
              secp256k1_keypair_xonly_pub(context, &key, NULL, &pair) &&
              secp256k1_xonly_pubkey_serialize(context, pubkey->at, &key);
    explicit_bzero(&pair, sizeof pair);
    secp256k1_context_destroy(context);
    return ok;
}

bool sig_sign(struct bytes64 *sig, const struct bytes32 *id, const struct bytes32 *secret,
              const struct bytes32 *aux)
{
    secp256k1_context *context = new_context();
    secp256k1_keypair pair;
    bool ok = secp256k1_context_randomize(context, aux->at) &&
              secp256k1_keypair_create(context, &pair, secret->at) &&
              secp256k1_schnorrsig_sign32(context, sig->at, id->at, &pair, aux->at);
    explicit_bzero(&pair, sizeof pair);
    secp256k1_context_destroy(context);
    return ok;
}
