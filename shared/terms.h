/* terms.h - what a NIP-50 search string asks for: its words, and the extensions among them.
 *
 * "key:value" outside of quotes is an extension, and unknown ones are ignored. A word that only
 * looks alike, as an address does ("https://..."), is none.
 *
 *   ownership  words lie in the arena
 *   threads    immutable
 *   spec       NIP-50
 */
#pragma once

#include "shared/base.h"

struct arena;

enum { TERMS_BYTES_MAX = 1024 };

struct terms {
    struct span
        words;        /* without the extensions, as websearch_to_tsquery takes them; may be empty */
    char language[3]; /* of "language:", two lower-case letters; "" when there is none */
};

struct terms terms_read(struct arena *arena, struct span text);
