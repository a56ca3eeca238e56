#include "client/market_choice.h"

#include <stdlib.h>

#include "client/market_parts.h"
#include "shared/hex.h"
#include "shared/text.h"

/* ---- whom to ask ---- */

static bool is_model(const struct offer *offer, struct span wanted)
{
    char root[2 * sizeof offer->root.at];
    hex_encode(root, offer->root.at, sizeof offer->root.at);
    return wanted.len == 0 || span_eq(wanted, offer->model) || span_eq(wanted, SPAN_OF(root));
}

static bool has_unit(const struct offer *offer, struct span unit)
{
    for (uint32_t i = 0; i < offer->unit_count; i++)
        if (span_eq(offer->units[i], unit))
            return true;
    return unit.len == 0;
}

static enum market_verdict judge(const struct market *market,
                                 const struct market_candidate *candidate,
                                 const struct market_wish *wish)
{
    const struct offer *offer = &candidate->entry.offer;
    if (!is_model(offer, wish->model))
        return MARKET_OTHER_MODEL;
    if (!offer_is_whole(offer))
        return MARKET_PARTIAL;
    if ((uint64_t)wish->usage.in + wish->usage.out > offer->context)
        return MARKET_SHORT;
    if (wish->needs_payment && offer->mint_count == 0)
        return MARKET_NO_MINT;
    if (!has_unit(offer, wish->unit))
        return MARKET_OTHER_UNIT;
    if (candidate->cost > wish->cost_max)
        return MARKET_DEAR;
    if (market_is_accused(market, &candidate->entry.node))
        return MARKET_FRAUD;
    return candidate->entry.life == MARKET_GONE ? MARKET_LOST : MARKET_FIT;
}

/* What a good answer costs in the end, were one to ask until there is one: thousandths. A request
 * that is free counts as one unit, so that reputation decides among those. */
static uint64_t worth(const struct market_candidate *candidate)
{
    uint64_t cost =
        candidate->cost < INT64_MAX / 2000000 ? candidate->cost + 1 : INT64_MAX / 2000000;
    return cost * 1000000 / candidate->reputation;
}

static int compare_numbers(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

/* One that may begin at once before one where others wait; a latency that is not known last. */
static int compare_waits(const struct market_candidate *a, const struct market_candidate *b)
{
    bool a_waits = a->entry.has_pulse && a->entry.free == 0;
    bool b_waits = b->entry.has_pulse && b->entry.free == 0;
    if (a_waits != b_waits)
        return a_waits - b_waits;
    return compare_numbers(a->ttft_ms - 1U, b->ttft_ms - 1U);
}

static int compare_candidates(const void *left, const void *right)
{
    const struct market_candidate *a = left, *b = right;
    int order = compare_numbers(a->verdict, b->verdict);
    if (order == 0 && a->verdict == MARKET_FIT) {
        order = compare_numbers(worth(a), worth(b));
        if (order == 0)
            order = compare_waits(a, b);
    }
    if (order == 0)
        order = market_compare_keys(&a->entry.node, &b->entry.node);
    if (order == 0)
        order = market_compare_keys(&a->entry.offer.root, &b->entry.offer.root);
    if (order == 0)
        order = compare_numbers(a->entry.offer.first, b->entry.offer.first);
    if (order == 0)
        order = compare_numbers(a->entry.offer.end, b->entry.offer.end);
    if (order != 0)
        return order;
    struct span x = a->entry.offer.dtype, y = b->entry.offer.dtype;
    order = memcmp(x.at, y.at, x.len < y.len ? x.len : y.len);
    return order != 0 ? order : compare_numbers(x.len, y.len);
}

struct market_candidate *market_candidates(const struct market *market, struct arena *arena,
                                           const struct market_wish *wish, size_t *count)
{
    struct market_entry *entries = market_entries(market, arena, wish->now, wish->now_ms, count);
    struct market_candidate *candidates = arena_array(arena, struct market_candidate, *count + 1);
    for (size_t i = 0; i < *count; i++) {
        struct market_candidate *candidate = &candidates[i];
        candidate->entry = entries[i];
        candidate->cost = offer_cost(&entries[i].offer.price, &wish->usage);
        market_judge(market, candidate, wish->now);
        candidate->verdict = judge(market, candidate, wish);
    }
    if (*count > 0)
        qsort(candidates, *count, sizeof *candidates, compare_candidates);
    return candidates;
}

/* ---- in words ---- */

static void write_reason(struct text *out, const struct market_candidate *candidate,
                         const struct market_wish *wish)
{
    const struct offer *offer = &candidate->entry.offer;
    switch (candidate->verdict) {
    case MARKET_FIT:
        break;
    case MARKET_OTHER_MODEL:
        text_add(out, SPAN("another model"));
        break;
    case MARKET_PARTIAL:
        text_addf(out, "only layers %u-%u of %u", offer->first, offer->end - 1, offer->layers);
        break;
    case MARKET_SHORT:
        text_addf(out, "its context of %u is too short for %u and %u tokens", offer->context,
                  wish->usage.in, wish->usage.out);
        break;
    case MARKET_NO_MINT:
        text_add(out, SPAN("it names no mint to pay it with"));
        break;
    case MARKET_OTHER_UNIT:
        text_addf(out, "it takes no %.*s", SPAN_ARG(wish->unit));
        break;
    case MARKET_DEAR:
        text_addf(out, "too dear: %llu, and at most %llu", (unsigned long long)candidate->cost,
                  (unsigned long long)wish->cost_max);
        break;
    case MARKET_LOST:
        text_add(out, SPAN("gone: three heartbeats missed"));
        break;
    case MARKET_FRAUD:
        text_add(out, SPAN("it has signed two things that cannot both be true"));
        break;
    }
}

static void write_facts(struct text *out, const struct market_candidate *candidate)
{
    text_addf(out, "costs %llu, reputation 0.%03u", (unsigned long long)candidate->cost,
              candidate->reputation);
    if (candidate->own_all + candidate->all == 0)
        text_add(out, SPAN(" (a stranger)"));
    else
        text_addf(out, " (here %u of %u went well, elsewhere %u of %u)", candidate->own_good,
                  candidate->own_all, candidate->good, candidate->all);
    if (candidate->ttft_ms > 0)
        text_addf(out, ", first token after %u ms (%s)", candidate->ttft_ms,
                  candidate->is_measured ? "measured" : "it says");
    if (candidate->entry.has_pulse)
        text_addf(out, ", %u free, %u waiting", candidate->entry.free, candidate->entry.queue);
    else
        text_add(out, SPAN(", no heartbeat yet"));
}

void market_explain(struct text *out, const struct market_candidate *candidate,
                    const struct market_wish *wish)
{
    text_add_hex(out, candidate->entry.node.at, 4);
    text_addf(out, " %.*s: ", SPAN_ARG(candidate->entry.offer.model));
    if (candidate->verdict == MARKET_FIT)
        write_facts(out, candidate);
    else
        write_reason(out, candidate, wish);
}
