#include "gpu/chain.h"

#include "shared/text.h"

/* What is compared, in this order: sums of a chain's stages. */
struct score {
    uint64_t doubts, steps, price, failures, stages;
};

/* The best way from a layer to the end. */
struct way {
    bool is_there;
    struct score score;
    uint32_t first; /* the candidate that it begins with */
    uint32_t length;
};

/* ---- who may be taken ---- */

/* Whether a stage asks for more than its part of a price, by its layers. */
static bool is_dear(const struct chain_candidate *candidate, const struct chain_wish *wish)
{
    const struct offer *offer = &candidate->offer;
    const struct offer_price *ask = &offer->price, *own = &wish->price;
    uint64_t part = offer->end - offer->first;
    return ask->in * wish->layers > own->in * part || ask->out * wish->layers > own->out * part ||
           ask->cached * wish->layers > own->cached * part ||
           ask->request * wish->layers > own->request * part;
}

static enum chain_verdict judge(const struct chain_candidate *candidate,
                                const struct chain_wish *wish)
{
    const struct offer *offer = &candidate->offer;
    if (memcmp(&offer->root, &wish->root, sizeof offer->root) != 0 ||
        offer->layers != wish->layers ||
        (wish->dtype.len > 0 && !span_eq(offer->dtype, wish->dtype)))
        return CHAIN_OTHER_WEIGHTS;
    if (offer->stage_count == 0)
        return CHAIN_NO_STAGE;
    if (offer->expires_at <= wish->now)
        return CHAIN_EXPIRED;
    if (candidate->is_gone)
        return CHAIN_GONE;
    if (offer->first < wish->begin)
        return CHAIN_OWN;
    if (offer->context < wish->context)
        return CHAIN_SHORT;
    return is_dear(candidate, wish) ? CHAIN_DEAR : CHAIN_FIT;
}

/* ---- which is better ---- */

static struct score score_of(const struct chain_candidate *candidate)
{
    uint32_t ms = candidate->ttft_ms > 0 ? candidate->ttft_ms : CHAIN_STRANGER_MS;
    uint32_t kept = candidate->is_ours ? CHAIN_KEEP_MS : 0;
    ms -= kept < ms ? kept : ms;
    return (struct score){.doubts = (candidate->is_mute ? 2U : 0U) + !candidate->is_heard,
                          .steps = ((uint64_t)ms + CHAIN_STEP_MS - 1) / CHAIN_STEP_MS,
                          .price = candidate->offer.price.in + candidate->offer.price.out,
                          .failures = candidate->failures,
                          .stages = 1};
}

static struct score add(const struct score *a, const struct score *b)
{
    return (struct score){a->doubts + b->doubts, a->steps + b->steps, a->price + b->price,
                          a->failures + b->failures, a->stages + b->stages};
}

static int compare_scores(const struct score *a, const struct score *b)
{
    const uint64_t left[] = {a->doubts, a->steps, a->price, a->failures, a->stages};
    const uint64_t right[] = {b->doubts, b->steps, b->price, b->failures, b->stages};
    for (size_t i = 0; i < ARRAY_LEN(left); i++)
        if (left[i] != right[i])
            return left[i] < right[i] ? -1 : 1;
    return 0;
}

static int compare_keys(const struct chain_candidate *a, const struct chain_candidate *b)
{
    int order = memcmp(&a->node, &b->node, sizeof a->node);
    if (order == 0) /* one node may have the same layers in two ways */
        order = span_eq(a->offer.dtype, b->offer.dtype) ? 0
                : memcmp(a->offer.dtype.at, b->offer.dtype.at,
                         a->offer.dtype.len < b->offer.dtype.len ? a->offer.dtype.len
                                                                 : b->offer.dtype.len) < 0
                    ? -1
                    : 1;
    if (order == 0 && a->offer.end != b->offer.end)
        order = a->offer.end > b->offer.end ? -1 : 1;
    return order;
}

/* ---- the chain ---- */

/* Ways from each layer, from the last to the first. */
static void find_ways(struct way ways[OFFER_LAYERS_MAX + 1],
                      const struct chain_candidate *candidates, uint32_t count,
                      const struct chain_wish *wish)
{
    ways[wish->layers] = (struct way){.is_there = true};
    for (uint32_t layer = wish->layers; layer-- > wish->begin;) {
        struct way *best = &ways[layer];
        *best = (struct way){0};
        for (uint32_t i = 0; i < count; i++) {
            const struct chain_candidate *candidate = &candidates[i];
            if (candidate->verdict != CHAIN_FIT || candidate->offer.first != layer)
                continue;
            const struct way *rest = &ways[candidate->offer.end];
            struct score own = score_of(candidate), score = add(&own, &rest->score);
            if (!rest->is_there || rest->length == CHAIN_STAGES_MAX)
                continue;
            int order = best->is_there ? compare_scores(&score, &best->score) : -1;
            if (order == 0)
                order = compare_keys(candidate, &candidates[best->first]);
            if (order < 0)
                *best = (struct way){true, score, i, rest->length + 1};
        }
    }
}

static bool stands_in(const struct chain_candidate *candidate, const struct chain_candidate *stage)
{
    return candidate->verdict == CHAIN_FIT && candidate->place == CHAIN_LEFT &&
           candidate->offer.first == stage->offer.first &&
           candidate->offer.end == stage->offer.end &&
           memcmp(&candidate->node, &stage->node, sizeof stage->node) != 0;
}

static void take_spares(struct chain_candidate *candidates, uint32_t count, uint32_t stage)
{
    for (uint32_t taken = 0; taken < CHAIN_SPARES_MAX; taken++) {
        struct chain_candidate *best = NULL;
        for (uint32_t i = 0; i < count; i++) {
            struct chain_candidate *other = &candidates[i];
            if (!stands_in(other, &candidates[stage]))
                continue;
            struct score a = score_of(other), b = best != NULL ? score_of(best) : a;
            int order = best != NULL ? compare_scores(&a, &b) : -1;
            if (order < 0 || (order == 0 && compare_keys(other, best) < 0))
                best = other;
        }
        if (best == NULL)
            return;
        best->place = CHAIN_SPARE;
    }
}

void chain_choose(struct chain *chain, struct chain_candidate *candidates, uint32_t count,
                  const struct chain_wish *wish)
{
    static _Thread_local struct way ways[OFFER_LAYERS_MAX + 1];
    *chain = (struct chain){0};
    if (count > CHAIN_CANDIDATES_MAX)
        count = CHAIN_CANDIDATES_MAX;
    for (uint32_t i = 0; i < count; i++) {
        candidates[i].verdict = judge(&candidates[i], wish);
        candidates[i].place = CHAIN_LEFT;
    }
    if (wish->begin >= wish->layers || wish->layers > OFFER_LAYERS_MAX)
        return;
    find_ways(ways, candidates, count, wish);
    if (!ways[wish->begin].is_there)
        return;
    for (uint32_t layer = wish->begin; layer < wish->layers;) {
        uint32_t stage = ways[layer].first;
        chain->stages[chain->count++] = stage;
        candidates[stage].place = CHAIN_STAGE;
        layer = candidates[stage].offer.end;
    }
    for (uint32_t i = 0; i < chain->count; i++)
        take_spares(candidates, count, chain->stages[i]);
}

void chain_explain(struct text *out, const struct chain_candidate *candidate,
                   const struct chain_wish *wish)
{
    static const char *const places[] = {[CHAIN_LEFT] = "fits, and others are better",
                                         [CHAIN_STAGE] = "taken",
                                         [CHAIN_SPARE] = "stands in"};
    static const char *const verdicts[] = {
        [CHAIN_FIT] = "",
        [CHAIN_OTHER_WEIGHTS] = "has other weights",
        [CHAIN_NO_STAGE] = "lets no lead in",
        [CHAIN_OWN] = "begins with layers that are here",
        [CHAIN_SHORT] = "has too short a context",
        [CHAIN_DEAR] = "asks for more than its part",
        [CHAIN_EXPIRED] = "has expired",
        [CHAIN_GONE] = "is gone",
    };
    const struct offer *offer = &candidate->offer;
    text_add_hex(out, candidate->node.at, 8);
    text_addf(out, " layers=%u-%u: %s", offer->first, offer->end - 1,
              candidate->verdict == CHAIN_FIT ? places[candidate->place]
                                              : verdicts[candidate->verdict]);
    if (candidate->verdict == CHAIN_DEAR)
        text_addf(out, ", %llu/%llu of %llu/%llu", (unsigned long long)offer->price.in,
                  (unsigned long long)offer->price.out, (unsigned long long)wish->price.in,
                  (unsigned long long)wish->price.out);
    if (candidate->verdict != CHAIN_FIT)
        return;
    text_addf(out, ", %s%s, ", candidate->is_heard ? "heard" : "not heard yet",
              candidate->is_mute ? ", does not answer" : "");
    if (candidate->ttft_ms > 0)
        text_addf(out, "%u ms", candidate->ttft_ms);
    else
        text_add(out, SPAN("no time known"));
    text_addf(out, ", %llu/%llu", (unsigned long long)offer->price.in,
              (unsigned long long)offer->price.out);
    if (candidate->failures > 0)
        text_addf(out, ", failed %u times", candidate->failures);
}
