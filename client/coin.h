/* coin.h - the secrets of a wallet's coins, all from one seed and a counter for each keyset.
 *
 * Whoever has the seed can ask a mint again for what it signed: nothing else need be kept.
 *
 *   units      the counter begins at 0 and is never used twice
 *   ownership  the caller's buffers, which it wipes
 *   threads    any
 *   spec       Cashu NUT-13, version 2; the seed is BIP-39's
 */
#pragma once

#include "shared/base.h"

enum { COIN_SECRET_CHARS = 64 };

struct coin {
    char secret[COIN_SECRET_CHARS]; /* hex digits; it is the text that is signed */
    struct bytes32 factor;          /* that blinds it */
};

void coin_derive(struct coin *coin, const struct bytes64 *seed, const struct bytes33 *keyset,
                 uint64_t counter);
