/* chain.h - which stages of other nodes a lead goes on with: offers in, a chain out, and for each
 * offer that is not in it, why not.
 *
 * A chain covers, without gap or overlap, the layers that the lead does not have. Of all that there
 * are it is the one whose stages, taken together, in this order
 *
 *     are the most surely there   heard of late before too new to say; those that answer before
 *                                 those that do not
 *     take the least time         as they say, in steps of CHAIN_STEP_MS, a stranger's being
 *                                 CHAIN_STRANGER_MS
 *     ask the least               for a million tokens in and out
 *     have failed the least here
 *     are the fewest
 *
 * and what is equal in all goes by the nodes' keys. The same offers, in any order, give the same
 * chain. A stage is paid its part of what a job costs, by its layers; one that asks for more is not
 * taken. Spares have the same layers as a stage of the chain, and stand in for it.
 *
 *   units      prices as offer.h's; milliseconds; layers
 *   ownership  candidates are the caller's, and are marked
 *   threads    pure
 */
#pragma once

#include "shared/offer.h"

struct text;

enum {
    CHAIN_STAGES_MAX = 12,
    CHAIN_SPARES_MAX = 2, /* of each stage */
    CHAIN_CANDIDATES_MAX = 256,
    CHAIN_STEP_MS = 10,
    CHAIN_STRANGER_MS = 50,
    CHAIN_KEEP_MS = 30
};

struct chain_wish {
    struct bytes32 root;
    uint32_t begin, layers;   /* from where on, of how many the model has */
    struct span dtype;        /* how weights are kept; len 0: any way */
    uint32_t context;         /* positions of a session */
    struct offer_price price; /* the lead's own: zero, it sells nothing */
    int64_t now;              /* unix seconds */
};

enum chain_verdict {
    CHAIN_FIT,
    CHAIN_OTHER_WEIGHTS,
    CHAIN_NO_STAGE, /* nobody is let in there */
    CHAIN_OWN,      /* it has layers that the lead has itself */
    CHAIN_SHORT,    /* its context */
    CHAIN_DEAR,     /* more than its part */
    CHAIN_EXPIRED,
    CHAIN_GONE
};

enum chain_place { CHAIN_LEFT, CHAIN_STAGE, CHAIN_SPARE };

struct chain_candidate {
    struct bytes32 node;
    struct offer offer;
    bool is_heard, is_gone; /* neither: too short a time to say */
    bool is_mute;           /* it was called, and does not answer */
    bool is_ours;      /* it is the lead\'s now, and stays unless another gains CHAIN_KEEP_MS */
    uint32_t ttft_ms;  /* of a row there; 0: not known */
    uint32_t failures; /* of late, here */
    enum chain_verdict verdict; /* out */
    enum chain_place place;     /* out */
};

struct chain {
    uint32_t count;                    /* 0: there is none */
    uint32_t stages[CHAIN_STAGES_MAX]; /* candidates, by layer */
};

/* Of the candidates past CHAIN_CANDIDATES_MAX none is looked at. */
void chain_choose(struct chain *chain, struct chain_candidate *candidates, uint32_t count,
                  const struct chain_wish *wish);

/* One line that says why a candidate is where it is, without its end. */
void chain_explain(struct text *out, const struct chain_candidate *candidate,
                   const struct chain_wish *wish);
