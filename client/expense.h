/* expense.h - what answers cost: written down before they are asked for, as much as they may cost,
 * and again when it is known.
 *
 * One that was cut off in between counts as much as it might have cost, so that no budget is
 * exceeded by starting again.
 *
 *   units      amounts in units of 0.01 credits; *_ms: unix milliseconds; tokens
 *   ownership  results live in the arena given
 *   threads    the store's
 *   errors     the store's
 */
#pragma once

#include "shared/base.h"

struct arena;
struct err;
struct store;

#define EXPENSE_SWARM "" /* the provider of what nodes of the swarm are paid for */

enum { EXPENSE_DAY_MS = 86400000 };

struct expense {
    struct span provider, model;
    uint64_t most; /* that it may cost */
    uint64_t cost;
    uint32_t prompt_tokens, output_tokens;
};

/* number: for expense_end. */
MUST_CHECK bool expense_begin(struct store *store, int64_t *number, const struct expense *expense,
                              uint64_t now_ms, struct err *err);
MUST_CHECK bool expense_end(struct store *store, int64_t number, const struct expense *expense,
                            struct err *err);

/* There was no answer: it counts for nothing. */
MUST_CHECK bool expense_drop(struct store *store, int64_t number, struct err *err);

/* All since then, promised or spent: of a provider, of a model; at NULL: of any. */
struct expense_view {
    uint64_t since_ms;
    struct span provider, model; /* at NULL: any */
};
MUST_CHECK bool expense_sum(struct store *store, uint64_t *sum, const struct expense_view *view,
                            struct err *err);

/* By provider and model. */
struct expense_row {
    struct span provider, model;
    uint64_t cost;        /* known */
    uint64_t open_most;   /* of those whose cost is not known */
    uint64_t count, open; /* answers */
    uint64_t prompt_tokens, output_tokens;
};
MUST_CHECK bool expense_rows(struct store *store, struct expense_row **rows, size_t *count,
                             struct arena *arena, uint64_t since_ms, struct err *err);

/* The beginning of the day that it is, in UTC. */
static inline uint64_t expense_day(uint64_t now_ms)
{
    return now_ms - now_ms % EXPENSE_DAY_MS;
}
