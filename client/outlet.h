/* outlet.h - where a chat can be answered, and who is asked first: by cost, then by failures.
 *
 * Nodes of the swarm come in the market's order, which knows of reputation: one behind another is
 * never asked before it for being cheaper.
 *
 *   units      amounts in units of 0.01 credits; tokens
 *   ownership  borrowed: providers, and what the market gave
 *   threads    any
 */
#pragma once

#include "client/market_choice.h"

struct provider;
struct provider_model;

struct outlet {
    const struct provider *provider; /* NULL: node */
    const struct provider_model *model;
    const struct market_candidate *node;
    uint64_t cost; /* about */
    uint64_t most;
    uint32_t tokens_max; /* of the answer */
    uint32_t failures;
};

enum { OUTLET_TOKEN_BYTES = 4, OUTLET_FRAME_TOKENS = 64 }; /* of a prompt, as a rule; around it */

/* What a prompt of so many bytes costs: as a rule, and when each byte of it is a token. */
void outlet_reckon(struct outlet *outlet, const struct offer_price *price, size_t prompt_bytes,
                   uint32_t tokens_max);

/* The first is asked first. */
void outlet_sort(struct outlet *outlets, size_t count);
