/* purse_stash.h - coins for other devices of the same owner, and from them. Part of purse.
 *
 *   units, ownership, threads, errors  purse.h's
 *   spec  NIP-60
 */
#pragma once

#include "client/purse.h"

/* All that is unspent, of a unit at a mint. */
MUST_CHECK bool purse_stash(struct purse *purse, struct token *token, struct arena *arena,
                            const struct purse_mint *mint, struct span unit, struct err *err);

/* Keeps those that are new here and that the mint signed, as its keys say; whether they are spent
 * is for the mint to say. count: of them. */
MUST_CHECK bool purse_unstash(struct purse *purse, uint64_t *count, int64_t mint,
                              const struct token *token, struct err *err);
