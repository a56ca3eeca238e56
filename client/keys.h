/* keys.h - one identity: a secret key, and all that is done with it.
 *
 * The secret stays inside, in locked memory; keys_secret is for what writes it away sealed, or
 * shows it to its owner.
 *
 *   ownership  keys_new to keys_free
 *   threads    any, once made
 *   spec       BIP-340; NIP-01 "Events and signatures"; NIP-44 "Calculate a conversation key"
 */
#pragma once

#include "shared/base.h"

struct event;
struct keys;

/* secret: 32 bytes, random where the identity is new. NULL when it is 0 or not below the group
 * order, which random bytes never are. The caller wipes its copy. */
MUST_CHECK struct keys *keys_new(const struct bytes32 *secret);

/* keys may be NULL. */
void keys_free(struct keys *keys);

const struct bytes32 *keys_pubkey(const struct keys *keys);
const struct bytes32 *keys_secret(const struct keys *keys);

/* Makes event ours: sets pubkey, id and sig. aux: 32 fresh random bytes. */
void keys_sign(const struct keys *keys, struct event *event, const struct bytes32 *aux);

/* The x coordinate of the point that the secret and a peer's key share, unhashed; to be wiped.
 * False when peer is no point of the curve. */
MUST_CHECK bool keys_share(const struct keys *keys, struct bytes32 *shared,
                           const struct bytes32 *peer);
