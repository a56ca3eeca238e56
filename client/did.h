/* did.h - a Nostr key as a decentralised identifier, and back.
 *
 * did:nostr:<64 hex>, and did:key:z... of multicodec 0xe7 (secp256k1-pub). Such a did:key names a
 * point; a Nostr key is its x alone. The odd one of the two is read as the same person.
 *
 *   errors  ERR_INVALID: what the DID is not; ERR_UNSUPPORTED: a DID of another kind
 *   spec    W3C "The did:key Method"; W3C CG "did:nostr"
 */
#pragma once

#include "shared/base.h"

struct err;
struct text;

void did_write_nostr(struct text *out, const struct bytes32 *pubkey);
void did_write_key(struct text *out, const struct bytes32 *pubkey);

/* Whether the word is to be read as a DID at all. */
bool did_is(struct span word);

/* is_odd: may be NULL; a did:key of the odd point. */
MUST_CHECK bool did_parse(struct bytes32 *pubkey, bool *is_odd, struct span word, struct err *err);
