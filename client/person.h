/* person.h - a public key in whatever form people paste it.
 *
 * npub1..., nprofile1..., with or without nostr:, did:nostr:..., did:key:zQ3s..., 64 hex digits.
 *
 *   errors  ERR_INVALID, ERR_UNSUPPORTED; an nsec is refused by its own words and never repeated
 *   spec    NIP-19, NIP-21; did.h
 */
#pragma once

#include "shared/base.h"

struct err;

/* True only for a key that is on the curve. */
MUST_CHECK bool person_parse(struct bytes32 *pubkey, struct span word, struct err *err);
