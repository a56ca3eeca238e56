/* demand.h - a request for payment as text (creqA): how much, of which unit, from which mint.
 *
 * With no way of transport in it, what is paid goes back by the same way that it was asked by.
 *
 *   units      the amount in the unit that it names
 *   ownership  what is written is borrowed; what was read is in the arena
 *   threads    any
 *   errors     ERR_INVALID: no such request
 *   spec       Cashu NUT-18, NUT-24
 */
#pragma once

#include "shared/base.h"

struct arena;
struct err;
struct text;

enum { DEMAND_BYTES_MAX = 8192, DEMAND_MINTS_MAX = 64 };

struct demand {
    struct span id; /* empty: none */
    uint64_t amount;
    bool has_amount, is_once; /* once: it is to be paid once only */
    struct span unit;         /* empty: none */
    const struct span *mints; /* any of them; */
    uint32_t mint_count;      /* 0: any at all */
    struct span description;  /* empty: none */
};

void demand_write(struct text *out, const struct demand *demand);

/* Whatever else is in it (ways of transport, locks) is passed over. */
MUST_CHECK bool demand_read(struct demand *demand, struct arena *arena, struct span text,
                            struct err *err);
