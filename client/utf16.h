/* utf16.h - text in the units that Yjs counts in.
 *
 * A surrogate without its other half, which only a split makes, becomes U+FFFD.
 *
 *   units  counts are of 16-bit units
 *   spec   Unicode 3.9 D91
 */
#pragma once

#include "shared/base.h"

struct text;

/* How many units well-formed UTF-8 takes. */
size_t utf16_count(struct span utf8);

/* out: room for utf16_count(utf8). */
void utf16_from(uint16_t *out, struct span utf8);

void utf16_add_utf8(struct text *out, const uint16_t *units, size_t count);

static inline bool utf16_is_high(uint16_t unit)
{
    return unit >= 0xd800 && unit < 0xdc00;
}

static inline bool utf16_is_low(uint16_t unit)
{
    return unit >= 0xdc00 && unit < 0xe000;
}
