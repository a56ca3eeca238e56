/* curve.h - points of secp256k1 and their multiples, for blind signatures and proofs about them.
 *
 * Multiplying by a secret takes the same time whatever the secret is; the multiple of a public
 * number may not.
 *
 *   threads  any
 *   errors   false: no point on the curve, a number that is 0 or not below the group order, or a
 *            sum that is the point at infinity; out is then unspecified
 *   spec     SEC 2
 */
#pragma once

#include <secp256k1.h>

#include "shared/base.h"

MUST_CHECK bool curve_read(secp256k1_pubkey *out, const struct bytes33 *point);
struct bytes33 curve_write(const secp256k1_pubkey *point);

enum { CURVE_WHOLE_BYTES = 65 };

/* Not compressed. */
void curve_write_whole(uint8_t out[CURVE_WHOLE_BYTES], const secp256k1_pubkey *point);

/* The multiple of the generator. */
MUST_CHECK bool curve_of(secp256k1_pubkey *out, const struct bytes32 *secret);
MUST_CHECK bool curve_multiply(secp256k1_pubkey *out, const secp256k1_pubkey *point,
                               const struct bytes32 *secret);
MUST_CHECK bool curve_multiply_public(secp256k1_pubkey *out, const secp256k1_pubkey *point,
                                      const struct bytes32 *number);

MUST_CHECK bool curve_add(secp256k1_pubkey *out, const secp256k1_pubkey *a,
                          const secp256k1_pubkey *b);
MUST_CHECK bool curve_subtract(secp256k1_pubkey *out, const secp256k1_pubkey *a,
                               const secp256k1_pubkey *b);
