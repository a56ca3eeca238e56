/* sig.h - BIP-340 Schnorr signatures and SHA-256.
 *
 *   threads    any; the verification context is static and immutable. Of a struct sig_keys, one at
 *              a time
 *   ownership  sig_keys_new is paired with sig_keys_free
 *   spec       BIP-340; NIP-01 "Events and signatures"
 */
#pragma once

#include "shared/base.h"

struct bytes32 sig_sha256(struct span bytes);

/* True when sig is pubkey's signature of the 32 bytes of id. False for a key not on the curve. */
MUST_CHECK bool sig_verify(const struct bytes64 *sig, const struct bytes32 *id,
                           const struct bytes32 *pubkey);

/* Public keys that were parsed before, which is a tenth of verifying: a cache of fixed size. */
struct sig_keys;

struct sig_keys *sig_keys_new(void);
void sig_keys_free(struct sig_keys *keys);

/* As sig_verify. */
MUST_CHECK bool sig_verify_with(struct sig_keys *keys, const struct bytes64 *sig,
                                const struct bytes32 *id, const struct bytes32 *pubkey);

/* A secret's public key. False when secret is 0 or not below the group order. */
MUST_CHECK bool sig_pubkey(struct bytes32 *pubkey, const struct bytes32 *secret);

/* aux is 32 fresh random bytes (BIP-340 "auxiliary random data"). False as for sig_pubkey.
 * The copies of secret made on the way are wiped. */
MUST_CHECK bool sig_sign(struct bytes64 *sig, const struct bytes32 *id,
                         const struct bytes32 *secret, const struct bytes32 *aux);
