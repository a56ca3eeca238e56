/* Whom to ask, and what keeps us from it. */
#include <stdio.h>

#include "client/command_survey.h"
#include "client/expense.h"
#include "client/proxy_errand.h"

void errand_note(struct errand *errand, enum errand_reason reason, uint32_t status, const char *why)
{
    if (errand->refusal.status != 0 && reason < errand->refusal.reason)
        return;
    errand->refusal.reason = reason;
    errand->refusal.status = status;
    snprintf(errand->refusal.why, sizeof errand->refusal.why, "%s", why);
}

/* ---- who has it ---- */

/* "MODEL", or "PROVIDER/MODEL"; empty: any. */
static bool is_wanted(struct span wanted, struct span owner, struct span model)
{
    if (wanted.len == 0 || span_eq(wanted, model))
        return true;
    return wanted.len == owner.len + 1 + model.len && memcmp(wanted.at, owner.at, owner.len) == 0 &&
           wanted.at[owner.len] == '/' &&
           memcmp(wanted.at + owner.len + 1, model.at, model.len) == 0;
}

static void add(struct errand *errand, const struct outlet *outlet, const struct offer_price *price,
                uint32_t tokens_max)
{
    struct outlet *added = &errand->outlets[errand->count];
    if (errand->count == ERRAND_OUTLETS_MAX)
        return;
    *added = *outlet;
    outlet_reckon(added, price, errand->plea.messages.len, tokens_max);
    added->failures = proxy_rest(errand->proxy, added)->failures;
    errand->count++;
}

static uint32_t tokens_of(const struct errand *errand)
{
    return errand->plea.tokens_max > 0 ? errand->plea.tokens_max : errand->proxy->setup.tokens_max;
}

static void add_providers(struct errand *errand)
{
    struct proxy *proxy = errand->proxy;
    for (size_t i = 0; i < proxy->provider_count; i++) {
        const struct provider *provider = proxy->providers[i].provider;
        for (size_t k = 0; k < provider->model_count; k++) {
            const struct provider_model *model = &provider->models[k];
            if (is_wanted(errand->plea.model, provider->name, model->name))
                add(errand, &(struct outlet){.provider = provider, .model = model}, &model->price,
                    tokens_of(errand));
        }
    }
}

/* What there is room for, where nobody says how much. */
static uint32_t room_of(const struct errand *errand, const struct offer *offer, uint32_t prompt)
{
    uint32_t wanted = tokens_of(errand), left = offer->context - prompt;
    return errand->plea.tokens_max > 0 || wanted < left ? wanted : left;
}

static void add_nodes(struct errand *errand)
{
    const struct proxy_setup *setup = &errand->proxy->setup;
    struct span model = errand->plea.model;
    size_t prompt = errand->plea.messages.len / OUTLET_TOKEN_BYTES + OUTLET_FRAME_TOKENS, count;
    if (model.len > strlen("shoal/") && memcmp(model.at, "shoal/", strlen("shoal/")) == 0)
        model = (struct span){model.at + strlen("shoal/"), model.len - strlen("shoal/")};
    const struct market_wish wish = {
        .model = model,
        .usage = {.in = (uint32_t)prompt,
                  .out = errand->plea.tokens_max > 0 ? errand->plea.tokens_max : 1},
        .cost_max = UINT64_MAX,
        .needs_payment = true,
        .now = (int64_t)(setup->now_ms() / 1000),
        .now_ms = uv_now(setup->loop)};
    struct market_candidate *nodes =
        market_candidates(setup->survey->market, &errand->arena, &wish, &count);
    for (size_t i = 0; i < count && nodes[i].verdict == MARKET_FIT; i++) {
        nodes[i] = node_candidate(&nodes[i], &errand->arena);
        add(errand, &(struct outlet){.node = &nodes[i]}, &nodes[i].entry.offer.price,
            room_of(errand, &nodes[i].entry.offer, wish.usage.in));
    }
}

void errand_choose(struct errand *errand)
{
    errand->outlets = arena_array(&errand->arena, struct outlet, ERRAND_OUTLETS_MAX + 1);
    if (errand->proxy->setup.survey != NULL)
        add_nodes(errand);
    add_providers(errand);
    outlet_sort(errand->outlets, errand->count);
}

/* ---- what it may cost ---- */

static const struct span any = {NULL, 0};

static struct span owner_of(const struct outlet *outlet)
{
    return outlet->provider != NULL ? outlet->provider->name : SPAN(EXPENSE_SWARM);
}

static struct span model_of(const struct outlet *outlet)
{
    return outlet->provider != NULL ? outlet->model->name : outlet->node->entry.offer.model;
}

/* A node says what it wants before it is paid, and is held to what is left of the budget; what a
 * provider takes is known afterwards. */
static bool judge(struct errand *errand, struct outlet *outlet, const struct ration *ration,
                  uint64_t today)
{
    bool is_node = outlet->provider == NULL;
    uint64_t amount = is_node ? outlet->cost : outlet->most;
    switch (ration_judge(ration, today, amount)) {
    case RATION_FITS:
        break;
    case RATION_DEAR:
        errand_note(errand, ERRAND_BUDGET, 402, "it may cost more than one request may");
        return false;
    case RATION_SPENT:
        errand_note(errand, ERRAND_BUDGET, 402, "it may cost more than is left of today's budget");
        return false;
    }
    if (is_node && ration->request != RATION_NO_LIMIT && outlet->most > ration->request)
        outlet->most = ration->request;
    if (is_node && ration->day != RATION_NO_LIMIT && outlet->most > ration->day - today)
        outlet->most = ration->day - today;
    return true;
}

static bool check(struct errand *errand, struct outlet *outlet, const struct ration *ration,
                  const struct expense_view *view)
{
    uint64_t today;
    struct err err;
    if (!expense_sum(errand->proxy->setup.store, &today, view, &err)) {
        errand_note(errand, ERRAND_FAILED, 500, err.text);
        return false;
    }
    return judge(errand, outlet, ration, today);
}

static bool fits(struct errand *errand, struct outlet *outlet)
{
    const struct proxy_setup *setup = &errand->proxy->setup;
    uint64_t since_ms = expense_day(setup->now_ms());
    if (!check(errand, outlet, &setup->ration, &(struct expense_view){since_ms, any, any}))
        return false;
    for (size_t i = 0; i < setup->limit_count; i++) {
        const struct ration ration = {setup->limits[i].day, RATION_NO_LIMIT};
        if (span_eq(setup->limits[i].model, model_of(outlet)) &&
            !check(errand, outlet, &ration,
                   &(struct expense_view){since_ms, any, setup->limits[i].model}))
            return false;
    }
    return outlet->provider == NULL ||
           check(errand, outlet, &outlet->provider->ration,
                 &(struct expense_view){since_ms, outlet->provider->name, any});
}

static bool put_down(struct errand *errand, const struct outlet *outlet)
{
    const struct proxy_setup *setup = &errand->proxy->setup;
    const struct expense expense = {
        .provider = owner_of(outlet), .model = model_of(outlet), .most = outlet->most};
    struct err err;
    if (expense_begin(setup->store, &errand->expense, &expense, setup->now_ms(), &err))
        return true;
    errand_note(errand, ERRAND_FAILED, 500, err.text);
    return false;
}

bool errand_may_ask(struct errand *errand, struct outlet *outlet)
{
    struct proxy *proxy = errand->proxy;
    const struct ration_rest *rest = proxy_rest(proxy, outlet);
    uint64_t now_ms = uv_now(proxy->setup.loop), wait_ms;
    if (ration_rests(rest, now_ms)) {
        errand->refusal.wait_ms = rest->until_ms - now_ms;
        errand_note(errand, ERRAND_RESTING, 503, "whoever has the model failed just now");
        return false;
    }
    if (!fits(errand, outlet))
        return false;
    if (outlet->provider != NULL &&
        !ration_take(&proxy_provider_of(proxy, outlet->provider)->rate, now_ms, &wait_ms)) {
        errand->refusal.wait_ms = wait_ms;
        errand_note(errand, ERRAND_RATE, 429, "too many requests a minute");
        return false;
    }
    return put_down(errand, outlet);
}
