/* blind.h - blind signatures: a mint signs what it cannot see, and knows its signature again.
 *
 * The holder hides a secret x behind a blinding factor r, B_ = hash_to_curve(x) + r*G; the mint
 * signs, C_ = k*B_; the holder takes r away, C = C_ - r*K. Whoever has x and C has what was signed:
 * the mint checks that C = k*hash_to_curve(x), and keeps hash_to_curve(x) so that it is so once.
 *
 *   units     points are compressed; a secret is the text of a proof, as it is, not its digits read
 *   threads   any
 *   errors    false: a point that is none, a number that is 0 or not below the group order; out is
 *             then unspecified
 *   spec      Cashu NUT-00
 */
#pragma once

#include "shared/base.h"

/* K of k: a mint's public key for one amount. */
MUST_CHECK bool blind_key(struct bytes33 *public_key, const struct bytes32 *key);

/* Y: the same point for the same secret. */
struct bytes33 blind_hash_to_curve(struct span secret);

/* B_ */
MUST_CHECK bool blind_message(struct bytes33 *message, struct span secret,
                              const struct bytes32 *factor);

/* C_ */
MUST_CHECK bool blind_sign(struct bytes33 *signature, const struct bytes33 *message,
                           const struct bytes32 *key);

/* C */
MUST_CHECK bool blind_unblind(struct bytes33 *proof, const struct bytes33 *signature,
                              const struct bytes32 *factor, const struct bytes33 *public_key);

/* Whether the key has signed the secret. */
MUST_CHECK bool blind_verify(const struct bytes33 *proof, struct span secret,
                             const struct bytes32 *key);
