/* utf8.h - UTF-8, read strictly: no overlongs, no surrogates, nothing past U+10FFFF.
 *
 *   spec  RFC 3629
 */
#pragma once

#include "shared/base.h"

/* Bytes of the character at at; 0 when none that is well formed begins there before end. */
size_t utf8_size(const char *at, const char *end);

/* Writes a character that is not a surrogate; returns its bytes, 1 to 4. */
size_t utf8_put(char *out, uint32_t character);

/* Whether all of text is well formed. */
bool utf8_is(struct span text);

/* Characters in well-formed text. */
size_t utf8_count(struct span text);
