/* purse_parts.h - what the files of the purse share. Part of purse.
 *
 *   ownership, threads, errors  purse.h's
 */
#pragma once

#include "client/purse_trade.h"
#include "client/sql.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/text.h"

enum coin_state { COIN_UNSPENT, COIN_PENDING, COIN_GIVEN, COIN_SPENT };

struct purse {
    struct store *store;
    struct sql *sql;
    struct bytes64 *seed; /* locked memory; NULL: not unlocked */
};

enum { PURSE_AMOUNTS_MAX = 2 * WALLET_SPLIT_MAX }; /* of what one trade asks to be signed */

/* What a trade asked to be signed. */
struct purse_outputs {
    struct wallet_keyset keyset;
    struct wallet_output *at;
    size_t count;
    size_t given; /* the first so many are for somebody else */
};
MUST_CHECK bool purse_outputs(struct purse *purse, struct purse_outputs *outputs,
                              struct arena *arena, int64_t trade, struct err *err);

/* Of what secrets are made. Those that are for somebody else come of the salt, too: no other device
 * of the owner, and none that finds the coins again, takes them for its own. */
struct purse_secrets {
    struct bytes33 keyset;
    uint64_t counter;        /* of the first that is ours */
    const uint64_t *amounts; /* NULL: blanks */
    size_t count, given;
    struct bytes32 salt; /* of a trade that gives */
};
struct wallet_output *purse_derive(const struct purse *purse, struct arena *arena,
                                   const struct purse_secrets *secrets);

/* Puts down one coin of ours; one that is known stays as it is. */
MUST_CHECK bool purse_put_coin(struct purse *purse, const struct token_proof *proof,
                               enum coin_state state, int64_t trade, struct err *err);

/* The coins of a unit at a mint that are unspent, or those of a trade. */
MUST_CHECK bool purse_unspent(struct purse *purse, struct wallet_coins *coins, struct arena *arena,
                              int64_t mint, struct span unit, struct err *err);
MUST_CHECK bool purse_coins_of(struct purse *purse, struct wallet_coins *coins, struct arena *arena,
                               int64_t trade, enum coin_state state, struct err *err);

/* The keyset that the mint signs with now. */
MUST_CHECK bool purse_active(struct purse *purse, struct wallet_keyset *keyset, struct arena *arena,
                             const struct purse_payment *payment, struct err *err);

/* cashuB of coins of one mint and unit. */
void purse_write_token(struct text *out, const struct wallet_coins *coins, struct span url,
                       struct span unit, struct span memo);

/* A row of keyset: id, unit, fee, expiry, active, keys. */
#define PURSE_KEYSET_COLUMNS "keyset.id, keyset.unit, fee_ppk, final_expiry, is_active, keys"
void purse_read_keyset(void *item, struct arena *arena, struct sqlite3_stmt *row);

MUST_CHECK bool purse_mint_of(struct purse *purse, struct purse_mint *mint, struct arena *arena,
                              int64_t number, struct err *err);

/* ,"signature":"..." of the key that the trade's quote is locked to (NUT-20). */
MUST_CHECK bool purse_sign_quote(struct purse *purse, struct text *out, int64_t trade,
                                 const struct wallet_output *outputs, size_t count,
                                 struct err *err);
