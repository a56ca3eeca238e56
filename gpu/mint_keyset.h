/* mint_keyset.h - the keys of a mint: derived from its seed, and the keysets made of them.
 *
 *     k = HMAC-SHA256(seed, "Shoal_Mint_Key_v1" | unit | BE32 index | BE64 amount)
 *
 * with one more byte, 1, 2, ..., behind it while that is no scalar. The seed is all that has to be
 * kept: who has it can sign again whatever this mint has signed, and anything else.
 *
 *   units      amounts 2^0 to 2^31; unix seconds
 *   ownership  mint_keyset_new to mint_keyset_free; its keys are in locked memory
 *   threads    any: nothing changes once it is made
 *   spec       Cashu NUT-01, NUT-02; the derivation is Shoal's
 */
#pragma once

#include "gpu/ledger.h"
#include "shared/keyset.h"

enum { MINT_KEYSET_AMOUNTS = 32, MINT_KEYSET_ID_CHARS = 66 };

struct mint_keyset {
    int16_t number;
    struct bytes33 id;
    char name[MINT_KEYSET_ID_CHARS + 1]; /* the id in digits */
    char unit[LEDGER_UNIT_MAX + 1];
    uint32_t input_fee_ppk;
    int64_t final_expiry; /* 0: none */
    struct keyset_key public_keys[MINT_KEYSET_AMOUNTS];
    struct bytes32 *keys; /* (MINT_KEYSET_AMOUNTS) */
};

/* Of the row's unit, index, fee and expiry; its id and number are as made here and given there. */
struct mint_keyset *mint_keyset_new(const struct bytes32 *seed, const struct ledger_keyset *row);
void mint_keyset_free(struct mint_keyset *keyset); /* may be NULL */

/* The key of an amount; NULL when it has none. */
const struct bytes32 *mint_keyset_key(const struct mint_keyset *keyset, uint64_t amount);

/* Of no keyset: the key that the mint itself is known by, as /v1/info says. */
struct bytes33 mint_keyset_pubkey(const struct bytes32 *seed);
