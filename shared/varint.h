/* varint.h - whole numbers in as few bytes as they need.
 *
 * Base-128 digits, the most significant first; the high bit is set on all but the last. A number
 * has one encoding: leading zeroes are refused.
 *
 *   spec  NIP-77 "Varint"
 */
#pragma once

#include "shared/base.h"

struct text;

enum { VARINT_BYTES_MAX = 10 }; /* of UINT64_MAX */

void varint_add(struct text *out, uint64_t value);

/* Takes one from the front of bytes. False, and bytes unchanged, when it is cut short, past
 * UINT64_MAX or longer than need be. */
MUST_CHECK bool varint_take(uint64_t *value, struct span *bytes);
