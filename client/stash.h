/* stash.h - a wallet as other devices of its owner find it at relays: what is sealed in its events.
 *
 * Kind 17375 says at which mints there is credit, and the key that others may lock coins for; 7375
 * has coins of one mint and unit, and which events of coins it takes the place of; 7376 says what
 * was moved. What comes of it is checked by whoever takes it: coins may be spent long ago.
 *
 *   units      amounts in the unit
 *   ownership  what is read is in the arena; what is written is borrowed, and secret
 *   threads    any
 *   errors     ERR_INVALID: no such content
 *   spec       NIP-60
 */
#pragma once

#include "client/token.h"
#include "shared/base.h"

struct arena;
struct err;
struct text;

enum { STASH_MINTS_MAX = 256, STASH_GONE_MAX = 256, STASH_URL_MAX = 2048 };

struct stash_wallet {
    bool has_key;
    struct bytes32 key;
    const struct span *mints;
    uint32_t mint_count;
};
void stash_write_wallet(struct text *out, const struct stash_wallet *wallet);
MUST_CHECK bool stash_read_wallet(struct stash_wallet *wallet, struct arena *arena,
                                  struct span json, struct err *err);

struct stash_coins {
    struct token token;
    const struct bytes32 *gone; /* ids of the events that it takes the place of */
    uint32_t gone_count;
};
void stash_write_coins(struct text *out, const struct stash_coins *coins);
MUST_CHECK bool stash_read_coins(struct stash_coins *coins, struct arena *arena, struct span json,
                                 struct err *err);

struct stash_move {
    bool is_in;
    uint64_t amount;
    struct span unit;
    const struct bytes32 *made; /* the event of coins that it made; NULL: none */
    const struct bytes32 *gone;
    uint32_t gone_count;
};
void stash_write_move(struct text *out, const struct stash_move *move);
