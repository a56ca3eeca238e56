/* trade.h - a purse and a mint at work: whole steps of what a user asks for, from the first
 * question to the coins in the store.
 *
 * Whatever ends in the middle is taken up by trade_settle, which every step begins with: the same
 * request is sent again, or the mint is asked what it signed (NUT-09) and what is spent (NUT-07).
 *
 *   units      amounts in the unit named
 *   ownership  borrows purse and teller
 *   threads    one; a step runs the teller's loop until it is over
 *   errors     ERR_INTERNAL: the mint does not answer, and what was asked stays open;
 *              ERR_INVALID: it refuses, or says what cannot be; ERR_RATE_LIMITED: over what is kept
 *   spec       Cashu NUT-01 to 05, 07, 09, 13, 20, 24
 */
#pragma once

#include "client/purse_trade.h"

struct teller;

struct trade {
    struct purse *purse;
    struct teller *teller;
    struct purse_mint mint;
    bool is_forced; /* over the most that is to be kept at one mint */
};

/* Gets the mint's keysets, and the keys of those that are new. */
MUST_CHECK bool trade_refresh(const struct trade *trade, struct err *err);

/* Ends what was left open, as far as the mint says how. open: what still is. */
MUST_CHECK bool trade_settle(const struct trade *trade, size_t *open, struct err *err);

/* Sends a request that was begun, and takes its answer. code: why the mint refuses, as NUTs number
 * it; 0: it did not. */
MUST_CHECK bool trade_carry(const struct trade *trade, const struct purse_request *request,
                            int64_t *code, struct err *err);

/* A free grant; stage: 1 to 4, those after the first want a job that was paid for. */
MUST_CHECK bool trade_grant(const struct trade *trade, uint64_t *amount, uint32_t stage,
                            struct err *err);

/* A quote for credit: request is what is to be paid, in the arena. Once that is paid, trade_settle
 * takes the coins. */
MUST_CHECK bool trade_buy(const struct trade *trade, struct span *request, struct arena *arena,
                          const struct purse_payment *payment, struct err *err);

/* Pays a Lightning invoice with ccr, for at most max with all fees; max 0: whatever it costs. Where
 * it is not over yet, trade_settle ends it; proof, the preimage, lives in the arena. */
struct trade_paid {
    bool is_over;
    uint64_t amount, fee;
    struct span proof;
};
MUST_CHECK bool trade_pay(const struct trade *trade, struct trade_paid *paid, struct arena *arena,
                          struct span invoice, uint64_t max, struct err *err);

/* The memo of a token that pays for a job of our own: its change, which is made of its secrets, is
 * taken by trade_check when no answer brought it. */
#define TRADE_JOB "shoal infer"

/* A token of the amount. It is handed out once the caller has shown it. */
MUST_CHECK bool trade_send(const struct trade *trade, struct text *token,
                           const struct purse_payment *payment, struct err *err);

/* Takes a token of the mint's: checked, and made ours. */
MUST_CHECK bool trade_receive(const struct trade *trade, uint64_t *amount, struct span text,
                              struct err *err);

/* Finds all coins of the seed again, from a counter of 0 on. count: those that are new here. */
MUST_CHECK bool trade_restore(const struct trade *trade, uint64_t *count, struct err *err);

/* Which of our coins are spent, those in tokens that were handed out, too. */
MUST_CHECK bool trade_check(const struct trade *trade, struct err *err);

/* Takes back a token of ours that nobody has spent, nor is about to. is_back: it was so. */
MUST_CHECK bool trade_take_back(const struct trade *trade, bool *is_back, struct span token,
                                struct err *err);
