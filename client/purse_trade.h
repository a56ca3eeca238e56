/* purse_trade.h - what a mint is asked for: begun, carried by any transport, and ended. Part of
 * purse.
 *
 *     if (!purse_begin_send(purse, &request, &arena, &payment, err))
 *         return false;
 *     ... ask the mint, which answers with status 200 and body ...
 *     return purse_end(purse, request.trade, body, now_ms, err);
 *
 * A request is whole before it is sent, and may be sent again: the mint answers the same.
 *
 *   units, ownership, threads, errors  purse.h's
 *   spec  Cashu NUT-03, 04, 05, 08, 20
 */
#pragma once

#include "client/purse.h"

enum purse_kind { PURSE_MINT, PURSE_SEND, PURSE_RECEIVE, PURSE_MELT, PURSE_RESTORE };
enum purse_state {
    PURSE_ASKED, /* a quote was asked for, and perhaps got */
    PURSE_SENT,  /* the mint may have done it */
    PURSE_DONE,
    PURSE_FAILED, /* and nothing of ours is gone */
};

struct purse_trade {
    int64_t number, mint;
    enum purse_kind kind;
    enum purse_state state;
    uint64_t amount, fee; /* what was moved, and what that cost */
    uint64_t began_ms, ended_ms;
    struct span url, unit, method, quote;
    struct bytes32 key;     /* of the quote (NUT-20); zeroes: none */
    struct span path, body; /* the request; empty when it is over */
    struct span token;      /* handed out and not taken yet, or one that we could not take */
    struct span note;       /* a memo, why it failed, or of a melt what the mint gave as proof */
};
MUST_CHECK bool purse_trade(struct purse *purse, struct purse_trade *trade, struct arena *arena,
                            int64_t number, struct err *err);

/* The newest first. */
struct purse_view {
    int64_t mint; /* 0: of all */
    bool is_open; /* only those that are not over */
    size_t max;
};
struct purse_trades {
    struct purse_trade *at;
    size_t count;
};
MUST_CHECK bool purse_trades(struct purse *purse, struct purse_trades *trades, struct arena *arena,
                             const struct purse_view *view, struct err *err);

struct purse_request {
    int64_t trade;
    struct span path, body; /* POST; path empty: no mint need be asked, it is done */
};

struct purse_payment {
    int64_t mint;
    struct span unit;
    uint64_t amount;
    struct span memo;   /* of a token, or "" */
    struct span method; /* to mint or melt: "grant", "compute" */
    struct span quote;  /* to melt */
    struct span token;  /* to receive: the text of the token */
    struct bytes32 key; /* to mint: that alone may use the quote; zeroes: a fresh one */
    struct span more;   /* to melt: further members, each after a comma, or "" */
    bool is_fresh;      /* to send: coins that no other device of the owner has */
    uint64_t now_ms;
};

/* Credit: first a quote is wanted, for a key that alone may use it; then coins for it. */
MUST_CHECK bool purse_begin_quote(struct purse *purse, int64_t *trade, struct bytes33 *key,
                                  const struct purse_payment *payment, struct err *err);
MUST_CHECK bool purse_set_quote(struct purse *purse, int64_t trade, struct span quote,
                                uint64_t amount, struct err *err);
MUST_CHECK bool purse_begin_mint(struct purse *purse, struct purse_request *request,
                                 struct arena *arena, int64_t trade, uint64_t now_ms,
                                 struct err *err);

/* A token for somebody. Coins that make the sum go as they are. */
MUST_CHECK bool purse_begin_send(struct purse *purse, struct purse_request *request,
                                 struct arena *arena, const struct purse_payment *payment,
                                 struct err *err);

/* Coins of somebody's token, which were checked, are made ours. */
MUST_CHECK bool purse_begin_receive(struct purse *purse, struct purse_request *request,
                                    struct arena *arena, const struct token *token,
                                    const struct purse_payment *payment, struct err *err);

/* Pays a quote of at most amount, with blank outputs for what is left. */
MUST_CHECK bool purse_begin_melt(struct purse *purse, struct purse_request *request,
                                 struct arena *arena, const struct purse_payment *payment,
                                 struct err *err);

/* The mint did it, and this is its answer; of a melt also one that says that it is not over, which
 * changes nothing. */
MUST_CHECK bool purse_end(struct purse *purse, int64_t trade, struct span json, uint64_t now_ms,
                          struct err *err);

/* The mint did it once, as its answer to /v1/restore says; is_it: whether it does say so. */
MUST_CHECK bool purse_end_restored(struct purse *purse, bool *is_it, int64_t trade,
                                   struct span json, uint64_t now_ms, struct err *err);

/* It did not, and never will: our coins are free again. */
MUST_CHECK bool purse_fail(struct purse *purse, int64_t trade, struct span why, uint64_t now_ms,
                           struct err *err);

/* What was asked to be signed, for /v1/restore: "outputs":[...]; nothing of a trade without. */
MUST_CHECK bool purse_write_outputs(struct purse *purse, struct text *out, int64_t trade,
                                    struct err *err);

/* A token that was made is not handed out after all: its coins are free. */
MUST_CHECK bool purse_keep(struct purse *purse, int64_t trade, struct err *err);
