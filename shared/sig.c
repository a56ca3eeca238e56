#include "shared/sig.h"

#include <assert.h>
#include <openssl/sha.h>
#include <secp256k1.h>
#include <secp256k1_extrakeys.h>
#include <secp256k1_schnorrsig.h>
#include <stdlib.h>

enum { KEYS_BITS = 13 }; /* some 800 kB when all are taken; untouched memory is not there */

struct known_key {
    struct bytes32 pubkey;
    secp256k1_xonly_pubkey parsed;
    bool is_there;
};

struct sig_keys {
    struct known_key at[1 << KEYS_BITS];
};

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

struct sig_keys *sig_keys_new(void)
{
    struct sig_keys *keys = calloc(1, sizeof *keys);
    assert(keys != NULL); /* out of memory */
    secp256k1_selftest();
    return keys;
}

void sig_keys_free(struct sig_keys *keys)
{
    free(keys);
}

/* A key has one place, and the newest key has it: whose keys share a place parse them each time. */
bool sig_verify_with(struct sig_keys *keys, const struct bytes64 *sig, const struct bytes32 *id,
                     const struct bytes32 *pubkey)
{
    uint32_t first;
    memcpy(&first, pubkey->at, sizeof first);
    struct known_key *known = &keys->at[first % ARRAY_LEN(keys->at)];
    if (!known->is_there || memcmp(&known->pubkey, pubkey, sizeof *pubkey) != 0) {
        known->is_there =
            secp256k1_xonly_pubkey_parse(secp256k1_context_static, &known->parsed, pubkey->at);
        known->pubkey = *pubkey;
    }
    return known->is_there && secp256k1_schnorrsig_verify(secp256k1_context_static, sig->at, id->at,
                                                          sizeof id->at, &known->parsed);
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
