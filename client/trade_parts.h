/* trade_parts.h - what the files of trade share. Part of trade.
 *
 *   ownership, threads, errors  trade.h's
 */
#pragma once

#include "client/trade.h"
#include "client/wallet_wire.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/text.h"

enum { TRADE_OK = 200, TRADE_SIGNED = 11003 }; /* that another device with the seed had signed */

/* Asks; the answer is in the arena, NUL-terminated. */
struct trade_answer {
    uint32_t status;
    struct span body;
};
MUST_CHECK bool trade_ask(const struct trade *trade, struct trade_answer *answer,
                          struct arena *arena, const char *path, struct span body, struct err *err);

/* The same, and refuses as the mint does. body.len 0: GET. */
MUST_CHECK bool trade_get(const struct trade *trade, struct span *answer, struct arena *arena,
                          const char *path, struct span body, struct err *err);

/* Why, in printable ASCII. */
void trade_refuse(struct err *err, struct arena *arena, struct span body);

/* Another device with the same seed was here: what it had signed is ours, too. */
MUST_CHECK bool trade_catch_up(const struct trade *trade, struct err *err);

/* ERR_RATE_LIMITED: it would be more than is kept at one mint. */
MUST_CHECK bool trade_check_room(const struct trade *trade, struct span unit, uint64_t amount,
                                 struct err *err);

/* A token of the mint's is made ours. code: as trade_carry's. */
MUST_CHECK bool trade_take(const struct trade *trade, uint64_t *amount, struct arena *arena,
                           struct span text, int64_t *code, struct err *err);

/* The change of jobs whose answers never arrived. Asked before a token is forgotten. */
MUST_CHECK bool trade_take_change(const struct trade *trade, struct err *err);

uint64_t trade_now(void); /* unix milliseconds */
