/* market_reputation.c - who has done well: deals, and what follows from them. */
#include <math.h>
#include <stdlib.h>

#include "client/market_parts.h"
#include "shared/err.h"
#include "shared/fraud.h"

/* ---- what is told ---- */

static struct market_deal *find(const struct market *market, const struct bytes32 *receipt)
{
    static const struct bytes32 none = {{0}};
    if (market->deals == NULL || market_compare_keys(receipt, &none) == 0)
        return NULL;
    for (size_t i = 0; i < market->deal_count; i++)
        if (market_compare_keys(&market->deals[i].receipt, receipt) == 0)
            return &market->deals[i];
    return NULL;
}

/* Which of two about one receipt stays, whichever came first. */
static bool is_before(const struct market_deal *a, const struct market_deal *b)
{
    if (a->is_own != b->is_own)
        return a->is_own;
    int order = market_compare_keys(&a->buyer, &b->buyer);
    if (order == 0)
        order = market_compare_keys(&a->node, &b->node);
    if (order == 0)
        order = (a->at > b->at) - (a->at < b->at);
    return order != 0 ? order < 0 : a->is_good < b->is_good;
}

void market_deal(struct market *market, const struct market_deal *deal)
{
    struct market_deal *same = find(market, &deal->receipt);
    if (same != NULL && is_before(deal, same))
        *same = *deal;
    if (same != NULL || market->deal_count == MARKET_DEALS_MAX)
        return;
    if (market->deal_count == market->deal_capacity) {
        market->deal_capacity = market->deal_capacity == 0 ? 64 : 2 * market->deal_capacity;
        market->deals = realloc(market->deals, market->deal_capacity * sizeof *market->deals);
        if (market->deals == NULL)
            abort();
    }
    market->deals[market->deal_count++] = *deal;
}

bool market_is_accused(const struct market *market, const struct bytes32 *node)
{
    for (size_t i = 0; i < market->accused_count; i++)
        if (market_compare_keys(&market->accused[i], node) == 0)
            return true;
    return false;
}

bool market_accuse(struct market *market, const struct event *event, struct err *err)
{
    struct arena arena = {0};
    struct bytes32 node;
    bool ok = fraud_read(&node, &arena, event, err);
    arena_clear(&arena);
    if (!ok)
        return false;
    if (market_is_accused(market, &node))
        return err_set(err, ERR_DUPLICATE, "it is known");
    if (market->accused_count == MARKET_ACCUSED_MAX)
        return err_set(err, ERR_RATE_LIMITED, "too many proofs");
    if (market->accused == NULL)
        market->accused = calloc(MARKET_ACCUSED_MAX, sizeof *market->accused);
    if (market->accused == NULL)
        abort();
    market->accused[market->accused_count++] = node;
    return true;
}

/* ---- reputation ---- */

enum { DAY = 86400, LIFE_DAYS = 14, ONE = 65536, REPUTATION_MIN = 10 };

/* ONE, halved after 14 days: within these, by the day. */
static double weight_at(int64_t at, int64_t now)
{
    static const uint32_t days[LIFE_DAYS] = {65536, 62371, 59358, 56490, 53761, 51164, 48693,
                                             46341, 44102, 41972, 39944, 38015, 36178, 34431};
    int64_t age = at < now ? (now - at) / DAY : 0;
    if (age >= (int64_t)LIFE_DAYS * 16)
        return 0;
    return (double)(days[age % LIFE_DAYS] >> (age / LIFE_DAYS)) / ONE;
}

/* Wilson's lower bound for a share of which good of all were seen, at 95 %. */
static double lower_bound(double good, double all)
{
    const double z = 1.96;
    double share = good / all;
    double centre = share + z * z / (2 * all);
    double width = z * sqrt((share * (1 - share) + z * z / (4 * all)) / all);
    return (centre - width) / (1 + z * z / all);
}

static int compare_deals(const void *a, const void *b)
{
    const struct market_deal *left = *(const struct market_deal *const *)a;
    const struct market_deal *right = *(const struct market_deal *const *)b;
    int order = market_compare_keys(&left->buyer, &right->buyer);
    if (order == 0)
        order = (left->at < right->at) - (left->at > right->at); /* the newest first */
    return order != 0 ? order : left->is_good - right->is_good;
}

struct tally {
    double all, good;
};

static void add(struct tally *tally, const struct market_deal *deal, double weight)
{
    weight *= deal->is_audit ? MARKET_AUDIT_WEIGHT : 1;
    tally->all += weight;
    tally->good += deal->is_good ? weight : 0;
}

/* The deals of others, in their order: of one buyer the newest ones count. */
static void tally_others(struct tally *tally, struct market_candidate *candidate,
                         const struct market_deal **deals, size_t count, int64_t now)
{
    double of_buyer = 0;
    if (count > 0)
        qsort(deals, count, sizeof *deals, compare_deals); // NOLINT(bugprone-sizeof-expression)
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && market_compare_keys(&deals[i]->buyer, &deals[i - 1]->buyer) != 0)
            of_buyer = 0;
        double weight = weight_at(deals[i]->at, now);
        if (of_buyer + weight > MARKET_BUYER_WEIGHT)
            continue;
        of_buyer += weight;
        add(tally, deals[i], weight);
        candidate->all++;
        candidate->good += deals[i]->is_good;
    }
}

/* The latest measurement is the one that counts. */
static void take_own(struct market_candidate *candidate, const struct market_deal *deal,
                     int64_t *measured_at)
{
    candidate->own_all++;
    candidate->own_good += deal->is_good;
    if (deal->ttft_ms > 0 && (!candidate->is_measured || deal->at >= *measured_at)) {
        candidate->ttft_ms = deal->ttft_ms;
        candidate->is_measured = true;
        *measured_at = deal->at;
    }
}

void market_judge(const struct market *market, struct market_candidate *candidate, int64_t now)
{
    const struct market_deal **others =
        calloc(market->deal_count + 1, sizeof *others); // NOLINT(bugprone-sizeof-expression)
    struct tally tally = {0};
    int64_t measured_at = 0;
    size_t count = 0;
    if (others == NULL)
        abort();
    candidate->ttft_ms = candidate->entry.ttft_ms;
    for (size_t i = 0; i < market->deal_count; i++) {
        const struct market_deal *deal = &market->deals[i];
        if (market_compare_keys(&deal->node, &candidate->entry.node) != 0)
            continue;
        if (!deal->is_own) {
            others[count++] = deal;
            continue;
        }
        take_own(candidate, deal, &measured_at);
        add(&tally, deal, MARKET_OWN_WEIGHT * weight_at(deal->at, now));
    }
    tally_others(&tally, candidate, others, count, now);
    free(others);
    candidate->reputation = MARKET_UNKNOWN;
    if (tally.all > 0) {
        double bound = lower_bound(tally.good, tally.all) * 1000;
        candidate->reputation = bound < REPUTATION_MIN ? REPUTATION_MIN : (uint32_t)bound;
    }
}
