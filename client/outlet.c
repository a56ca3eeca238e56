#include "client/outlet.h"

static uint32_t tokens_of(size_t count)
{
    return count < OFFER_TOKENS_MAX ? (uint32_t)count : OFFER_TOKENS_MAX;
}

void outlet_reckon(struct outlet *outlet, const struct offer_price *price, size_t prompt_bytes,
                   uint32_t tokens_max)
{
    const struct offer_usage about = {
        .in = tokens_of(prompt_bytes / OUTLET_TOKEN_BYTES + OUTLET_FRAME_TOKENS),
        .out = tokens_of(tokens_max)};
    const struct offer_usage most = {.in = tokens_of(prompt_bytes + OUTLET_FRAME_TOKENS),
                                     .out = tokens_of(tokens_max)};
    bool is_free = price->in == 0 && price->out == 0 && price->request == 0;
    outlet->tokens_max = tokens_max;
    outlet->cost = offer_cost(price, &about);
    outlet->most = is_free ? 0 : offer_cost(price, &most) + 1; /* parts are rounded up */
}

static int compare(const struct outlet *a, const struct outlet *b)
{
    int order = (a->cost > b->cost) - (a->cost < b->cost);
    if (order == 0)
        order = (a->failures > b->failures) - (a->failures < b->failures);
    if (order == 0) /* the node first */
        order = (a->provider != NULL) - (b->provider != NULL);
    return order;
}

void outlet_sort(struct outlet *outlets, size_t count)
{
    uint64_t least = 0;
    for (size_t i = 0; i < count; i++)
        if (outlets[i].provider == NULL) {
            least = outlets[i].cost > least ? outlets[i].cost : least;
            outlets[i].cost = least;
        }
    /* Few, and in an order that must not change among equals: by insertion. */
    for (size_t i = 1; i < count; i++)
        for (size_t k = i; k > 0 && compare(&outlets[k - 1], &outlets[k]) > 0; k--) {
            struct outlet other = outlets[k];
            outlets[k] = outlets[k - 1];
            outlets[k - 1] = other;
        }
}
