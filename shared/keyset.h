/* keyset.h - a mint's public keys, one for each amount, and the id that is made of them.
 *
 * Whoever has the keys can make the id: a mint cannot say other keys under the same one.
 *
 *   units      amounts in the keyset's unit; fee in thousandths of it for each input; unix seconds
 *   ownership  all is borrowed
 *   threads    any
 *   spec       Cashu NUT-01, NUT-02 (version 01)
 */
#pragma once

#include "shared/base.h"

enum { KEYSET_KEYS_MAX = 64, KEYSET_SHORT_ID_BYTES = 8 };

struct keyset_key {
    uint64_t amount;
    struct bytes33 public_key;
};

struct keyset {
    const struct keyset_key *keys; /* by amount, ascending */
    uint32_t count;
    struct span unit;
    uint32_t input_fee_ppk;
    int64_t final_expiry; /* 0: none */
};

/* Its first byte is the version. Tokens name a keyset by the first KEYSET_SHORT_ID_BYTES. */
struct bytes33 keyset_id(const struct keyset *keyset);

/* What spending so many inputs of one keyset costs, rounded up. */
uint64_t keyset_fee(const struct keyset *keyset, uint32_t inputs);
