/* purse.h - the user's credit in the store: mints and their keys, coins, and what is under way.
 *
 * Whatever a mint is asked for is written down whole before it is asked, in the transaction that
 * takes the coins for it and the counters of what it is to sign: purse_begin_... gives a request,
 * any transport may carry it, and purse_end takes the answer. A crash anywhere between leaves a
 * trade that is open: the same request is sent again, or the mint is asked what became of it
 * (trade.h does both). Coins of two units are never in one trade.
 *
 *   units      amounts in the unit named; *_ms: unix milliseconds
 *   ownership  purse_open to purse_close, within the store's; results live in the arena given
 *   threads    the store's; any number of processes may have the same purse open
 *   errors     the store's; ERR_INVALID: what a mint said is wrong, or there is not enough;
 *              ERR_RESTRICTED: the store's purse is of another key
 *   spec       Cashu NUT-03, 04, 05, 08, 13
 */
#pragma once

#include "client/wallet.h"

struct holder;
struct keys;
struct purse;
struct store;
struct text;
struct token;

enum {
    PURSE_JOBS_MAX = 20,  /* typical jobs of credit that are kept at one mint unless it is said */
    PURSE_TYPICAL = 500,  /* units of one, where nobody says otherwise */
    PURSE_MEMO_MAX = 200, /* bytes */
};

struct purse *purse_open(struct store *store);
void purse_close(struct purse *purse); /* may be NULL */

/* ---- the seed ---- */

/* Whether the store has the seed, sealed by a key for itself. */
MUST_CHECK bool purse_is_made(struct purse *purse, bool *is_made, struct err *err);

/* Opens the seed; makes it where there is none: of keys, so that whoever has the key has the seed,
 * or random where the key is out of reach (keys NULL). What makes coins wants it. */
MUST_CHECK bool purse_unlock(struct purse *purse, const struct holder *holder,
                             const struct keys *keys, struct err *err);

/* The same of a seed that came from elsewhere, which is kept. */
MUST_CHECK bool purse_adopt(struct purse *purse, const struct holder *holder,
                            const struct bytes64 *seed, struct err *err);
const struct bytes64 *purse_seed(const struct purse *purse); /* NULL: not unlocked */

/* HMAC-SHA-512 of a key's secret: the seed of who has nothing else. */
void purse_derive_seed(struct bytes64 *seed, const struct bytes32 *secret);

/* ---- mints ---- */

struct purse_mint {
    int64_t number; /* 0: none */
    struct span url;
    uint64_t typical; /* units of a typical job */
};

/* typical: 0 leaves it as it is. */
MUST_CHECK bool purse_add_mint(struct purse *purse, int64_t *number, struct span url,
                               uint64_t typical, struct err *err);

/* Only one that never told its keysets. */
MUST_CHECK bool purse_drop_mint(struct purse *purse, int64_t number, struct err *err);
MUST_CHECK bool purse_mints(struct purse *purse, struct purse_mint **mints, size_t *count,
                            struct arena *arena, struct err *err);

/* By its address, or of the keyset; number 0 when there is none. */
MUST_CHECK bool purse_find_mint(struct purse *purse, struct purse_mint *mint, struct arena *arena,
                                struct span url, struct err *err);
MUST_CHECK bool purse_find_keyset(struct purse *purse, struct purse_mint *mint, struct arena *arena,
                                  const struct token_proof *proof, struct err *err);

/* All that a mint lists, with their keys. ERR_INVALID: another mint has one of them. */
MUST_CHECK bool purse_put_keysets(struct purse *purse, int64_t mint,
                                  const struct wallet_keyset *keysets, size_t count,
                                  struct err *err);
MUST_CHECK bool purse_keysets(struct purse *purse, struct wallet_keyset **keysets, size_t *count,
                              struct arena *arena, int64_t mint, struct err *err);

/* The next coin's of the seed under a keyset. */
MUST_CHECK bool purse_counter(struct purse *purse, uint64_t *counter, const struct bytes33 *keyset,
                              struct err *err);

/* ---- what there is ---- */

struct purse_balance {
    int64_t mint;
    struct span url, unit;
    uint64_t unspent;
    uint64_t pending; /* taken for a trade that is open */
    uint64_t given;   /* in tokens that nobody has taken yet */
    uint64_t coins;   /* unspent */
};
MUST_CHECK bool purse_balances(struct purse *purse, struct purse_balance **balances, size_t *count,
                               struct arena *arena, struct err *err);

/* How many more units of it may be kept at the mint. */
MUST_CHECK bool purse_room(struct purse *purse, uint64_t *room, int64_t mint, struct span unit,
                           struct err *err);

/* ---- what a mint says of our coins ---- */

/* Those of a mint that are not known to be spent; trade: only that one's, 0: all. */
struct purse_points {
    struct bytes33 *at;
    size_t count;
};
MUST_CHECK bool purse_points(struct purse *purse, struct purse_points *points, struct arena *arena,
                             int64_t mint, int64_t trade, struct err *err);

/* Those that the mint says are spent are spent. */
MUST_CHECK bool purse_mark_spent(struct purse *purse, const struct bytes33 *points,
                                 const enum wallet_state *states, size_t count, struct err *err);
