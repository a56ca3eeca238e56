/* market_parts.h - what the files of market share. Part of market.
 *
 *   ownership, threads  market.h's
 */
#pragma once

#include "client/market_choice.h"
#include "shared/arena.h"

struct market_item {
    struct arena arena; /* what the offer points into */
    struct market_entry entry;
    struct span identifier;
    struct bytes32 id; /* of the event */
    int64_t beaten_at; /* the stamp of the last pulse */
    uint64_t since_ms, heard_ms;
};

struct market {
    struct market_item **items; /* by node and identifier */
    size_t count, capacity;
    struct market_deal *deals;
    size_t deal_count, deal_capacity;
    struct bytes32 *accused; /* MARKET_ACCUSED_MAX */
    size_t accused_count;
};

int market_compare_keys(const struct bytes32 *a, const struct bytes32 *b);

enum market_life market_life_of(const struct market_item *item, uint64_t now_ms);

bool market_is_accused(const struct market *market, const struct bytes32 *node);

/* Sets reputation and what it is made of, and what was measured. */
void market_judge(const struct market *market, struct market_candidate *candidate, int64_t now);
