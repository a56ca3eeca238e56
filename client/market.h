/* market.h - what strangers' machines offer, and which of them are there.
 *
 * Offers and heartbeats are put in as they come. One that is forged, expired or of the future is
 * refused; of the same thing by the same node the newest counts. Who is there follows from when
 * heartbeats were heard here, not from what stamps say: a node that has missed three is gone.
 *
 *   units      now: unix seconds; now_ms: milliseconds of any clock that never goes back
 *   ownership  market_new to market_free; what is put in is copied, and what is returned is valid
 *              until the next offer is put in
 *   threads    one at a time
 *   errors     ERR_INVALID: not to be believed, or not to be read; ERR_DUPLICATE: not news;
 *              ERR_RATE_LIMITED: past what is kept
 *   spec       Shoal's market
 */
#pragma once

#include "shared/base.h"
#include "shared/offer.h"

struct arena;
struct err;
struct event;
struct market;
struct text;

enum {
    MARKET_OFFERS_MAX = 4096,
    MARKET_NODE_OFFERS_MAX = 16, /* of one node */
    MARKET_DEALS_MAX = 65536,
    MARKET_ACCUSED_MAX = 1024,
    MARKET_SKEW_S = 900, /* that a stamp may be wrong by */
    MARKET_BEAT_MS = 10000,
    MARKET_SILENCE_MS = 3 * MARKET_BEAT_MS,
};

struct market *market_new(void);
void market_free(struct market *market); /* may be NULL */

/* ---- what is heard ---- */

MUST_CHECK bool market_offer(struct market *market, const struct event *event, int64_t now,
                             uint64_t now_ms, struct err *err);
MUST_CHECK bool market_pulse(struct market *market, const struct event *event, int64_t now,
                             uint64_t now_ms, struct err *err);

/* A deletion by the node itself: what it withdraws is offered no more. */
MUST_CHECK bool market_withdraw(struct market *market, const struct event *event, struct err *err);

/* A job that was paid for, by somebody's word: whoever puts it in has checked signatures. Of those
 * about one receipt one counts: our own, or that of the buyer whose key is least. */
struct market_deal {
    struct bytes32 node, buyer;
    struct bytes32 receipt; /* its id; zeroes: there is none */
    int64_t at;
    bool is_own; /* experienced here; buyer is not looked at */
    bool is_good;
    bool is_audit;    /* it was done again elsewhere, which says more */
    uint32_t ttft_ms; /* 0: not measured */
};
void market_deal(struct market *market, const struct market_deal *deal);

/* A proof that a node has signed what cannot be true: it is asked no more. */
MUST_CHECK bool market_accuse(struct market *market, const struct event *event, struct err *err);

/* ---- what there is ---- */

enum market_life {
    MARKET_HEARD,   /* of late */
    MARKET_UNHEARD, /* too short a time here to say */
    MARKET_GONE,
};

struct market_entry {
    struct bytes32 node;
    struct offer offer;
    struct bytes32 id; /* of the event that offers it */
    int64_t offered_at;
    enum market_life life;
    bool has_pulse;
    uint32_t free, queue, ttft_ms, speed; /* as the node says */
};

/* All that have not expired, by node and identifier; in the arena. */
struct market_entry *market_entries(const struct market *market, struct arena *arena, int64_t now,
                                    uint64_t now_ms, size_t *count);

/* Whether each of them has a heartbeat. */
bool market_is_heard(const struct market *market);

/* How many nodes that were heard of late have each of the layers of a model with that root: in the
 * arena, as many as layers says. */
uint32_t *market_replicas(struct arena *arena, const struct market_entry *entries, size_t count,
                          const struct offer *model);
