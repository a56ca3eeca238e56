/* dleq.h - the proof that a mint's signature was made with its public key, as everybody's was.
 *
 * Discrete logarithms are equal: of K to the base G, and of C_ to the base B_. A mint that signed
 * with a key of its own for somebody, to know that one's money again, cannot make it. The nonce is
 * derived, so a mint that restarts gives the same proof for the same signature.
 *
 *   threads  any
 *   errors   false: as blind.h, or the proof is wrong
 *   spec     Cashu NUT-12
 */
#pragma once

#include "shared/base.h"

struct dleq {
    struct bytes32 e, s;
};

/* message: B_, signature: C_ = key * B_ */
MUST_CHECK bool dleq_prove(struct dleq *dleq, const struct bytes32 *key,
                           const struct bytes33 *message, const struct bytes33 *signature);

MUST_CHECK bool dleq_verify(const struct dleq *dleq, const struct bytes33 *public_key,
                            const struct bytes33 *message, const struct bytes33 *signature);

/* By who was given a proof and the factor that its message was blinded with, which makes B_ and C_
 * again. */
MUST_CHECK bool dleq_verify_proof(const struct dleq *dleq, const struct bytes33 *public_key,
                                  struct span secret, const struct bytes33 *proof,
                                  const struct bytes32 *factor);
