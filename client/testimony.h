/* testimony.h - a buyer's word on a node: a counter-receipt, which carries the receipt that it is
 * about, so that it has been signed by both.
 *
 * Whoever buys has another key for each node, each unit and each four weeks, made of the wallet's
 * seed: nobody else can tell which of them are of one buyer, and the buyer finds them again. What a
 * counter-receipt counts grows as long as its key lasts. A job that came to no good has none to
 * carry: it is counted, and told to nobody until one did; others do not believe it.
 *
 *   units      unix seconds; amounts in the unit; milliseconds; millitokens a second
 *   ownership  testimony_keys: keys_free; what is read points into the event or the arena
 *   threads    pure
 *   errors     ERR_INVALID: not to be believed, or not to be read
 *   spec       own kind 8431
 */
#pragma once

#include "client/market.h"
#include "shared/receipt.h"

struct keys;

enum { TESTIMONY_SESSION_S = 28 * 86400 };

/* Whom a word is about, and in which unit; at: a time of its session. */
struct testimony_about {
    struct bytes32 node;
    struct span unit;
    int64_t at;
};

/* The buyer's key, and the name of the session. */
struct keys *testimony_keys(struct bytes32 *session, const struct bytes64 *seed,
                            const struct testimony_about *about);

/* How a job went. */
struct testimony_job {
    const struct receipt *receipt; /* NULL: it came to no good */
    uint32_t first_ms;             /* measured here */
    uint32_t rate;
};
void testimony_add(struct receipt_counter *counter, const struct testimony_job *job);

/* The whole of an event but its signature. receipt: the event as JSON; empty: none. */
void testimony_write(struct event *event, struct arena *arena,
                     const struct receipt_counter *counter, struct span receipt);

/* All is checked, signatures, too. The deal is good where a receipt is carried. */
MUST_CHECK bool testimony_read(struct market_deal *deal, struct receipt_counter *counter,
                               struct arena *arena, const struct event *event, struct err *err);
