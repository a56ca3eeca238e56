/* box.h - text sealed between two people: NIP-44, version 2.
 *
 * Both sides compute one key from their own secret and the other's public key, and keep it for as
 * long as they talk. What is sealed is not signed: the event around it is.
 *
 *   units      plain text 1 to BOX_BYTES_MAX bytes
 *   ownership  the caller wipes a key
 *   threads    any
 *   errors     ERR_INVALID: no such payload, or not sealed with that key; ERR_UNSUPPORTED: another
 *              version of NIP-44
 *   spec       NIP-44
 */
#pragma once

#include "shared/base.h"

struct err;
struct keys;
struct text;

enum { BOX_BYTES_MAX = 65535, BOX_CHARS_MAX = 87472 };

/* False when peer is no point of the curve. */
MUST_CHECK bool box_key(struct bytes32 *key, const struct keys *keys, const struct bytes32 *peer);

/* The same of a secret that several share. */
void box_key_of(struct bytes32 *key, const struct bytes32 *shared);

/* nonce: 32 fresh random bytes, never used twice. */
MUST_CHECK bool box_seal(struct text *out, const struct bytes32 *key, struct span plain,
                         const struct bytes32 *nonce, struct err *err);

/* Appends the plain text, which may be any bytes. */
MUST_CHECK bool box_open(struct text *out, const struct bytes32 *key, struct span payload,
                         struct err *err);

/* What a plain text is padded to. */
size_t box_padded(size_t plain_len);
