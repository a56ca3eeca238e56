/* base58.h - bytes in the alphabet of Bitcoin, as multibase's "z" writes them.
 *
 *   ownership  the caller's buffers
 *   spec       Multibase "base58btc"
 */
#pragma once

#include "shared/base.h"

struct text;

enum { BASE58_BYTES_MAX = 64, BASE58_CHARS_MAX = 88 };

/* count: at most BASE58_BYTES_MAX. */
void base58_encode(struct text *out, const uint8_t *bytes, size_t count);

/* True when chars stand for exactly size bytes, at most BASE58_BYTES_MAX. */
MUST_CHECK bool base58_decode(uint8_t *out, size_t size, struct span chars);
