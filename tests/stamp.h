/* stamp.h - a keyset of which a test has the secret keys, to sign what a wallet asks for.
 *
 *   threads  one
 */
#pragma once

#include "client/wallet.h"

enum { STAMP_KEYS = 16 };

struct stamp {
    struct bytes32 secrets[STAMP_KEYS];
    struct keyset_key keys[STAMP_KEYS]; /* 2^0 and so on */
    struct wallet_keyset keyset;
};

/* The keys are made of salt. */
void stamp_fill(struct stamp *stamp, uint8_t salt, struct span unit, uint32_t fee_ppk);

/* The key for an amount is that of 2^at. */
void stamp_sign(struct wallet_signature *signature, const struct stamp *stamp, size_t at,
                const struct bytes33 *message);

struct text;

/* What a mint answers that signed them; begin: {"signatures": and the like. */
void stamp_write(struct text *out, const struct stamp *stamp, const char *begin,
                 const struct wallet_output *outputs, const uint64_t *amounts, size_t count);

/* Of a restore: {"outputs":[...],"signatures":[...]} */
void stamp_write_restored(struct text *out, const struct stamp *stamp,
                          const struct wallet_output *outputs, const uint64_t *amounts,
                          size_t count);
