/* market_choice.h - which of the nodes that offer something to ask, and why that one.
 *
 * Who is asked is decided in three steps. What a node can do is a filter, with one reason for each
 * that does not pass. Then what the job would cost, which --max-price bounds, divided by what the
 * node's reputation says of a job with it coming to a good end: the lower bound (95 %) of the share
 * of jobs that did, of those that were paid for and confirmed by who paid; each half as heavy after
 * 14 days, all those of one buyer no heavier than MARKET_BUYER_WEIGHT of them, and what was
 * experienced here MARKET_OWN_WEIGHT times as heavy. Then how long the first token takes. What is
 * equal in all goes by the key of the node: the same facts give the same order everywhere.
 *
 *   units      costs as offer.h's; reputation: thousandths
 *   ownership  as market.h's
 *   threads    one at a time
 *   spec       Shoal's market
 */
#pragma once

#include "client/market.h"

enum {
    MARKET_BUYER_WEIGHT = 4,
    MARKET_OWN_WEIGHT = 10,
    MARKET_AUDIT_WEIGHT = 4, /* of a job that was done again, times what it weighs */
    MARKET_UNKNOWN = 100,    /* the reputation that a stranger is taken to have */
};

struct market_wish {
    struct span model; /* its name, or the root of its weights in hex; len 0: any */
    struct span unit;  /* that is paid in; len 0: any */
    struct offer_usage usage;
    uint64_t cost_max;  /* UINT64_MAX: whatever it costs */
    bool needs_payment; /* a mint that is paid, and relays or HTTP that it is reached by */
    int64_t now;
    uint64_t now_ms;
};

enum market_verdict {
    MARKET_FIT,
    MARKET_OTHER_MODEL,
    MARKET_PARTIAL, /* not all layers: of no use alone */
    MARKET_SHORT,   /* its context */
    MARKET_NO_MINT,
    MARKET_OTHER_UNIT,
    MARKET_DEAR,
    MARKET_LOST,  /* gone */
    MARKET_FRAUD, /* proven to have lied */
};

struct market_candidate {
    struct market_entry entry;
    enum market_verdict verdict;
    uint64_t cost;
    uint32_t reputation;        /* the lower bound; MARKET_UNKNOWN where nothing is known */
    uint32_t own_all, own_good; /* jobs experienced here */
    uint32_t all, good;         /* jobs that others confirmed */
    uint32_t ttft_ms;           /* as measured here, or else as the node says; 0: not known */
    bool is_measured;
};

/* Those that fit, the best first; behind them the others, by reason and node. In the arena. */
struct market_candidate *market_candidates(const struct market *market, struct arena *arena,
                                           const struct market_wish *wish, size_t *count);

/* One line that says why it is where it is, without its end. */
void market_explain(struct text *out, const struct market_candidate *candidate,
                    const struct market_wish *wish);
