/* Whom to ask, of those that offer what is wanted and are paid at a mint where there is credit. */
#include <inttypes.h>
#include <stdio.h>

#include "client/command_infer.h"
#include "client/command_infer_far.h"
#include "client/person.h"
#include "shared/bech32.h"
#include "shared/err.h"

enum { LINE_BYTES_MAX = 1 << 16 };

static struct span less_slashes(struct span url)
{
    while (url.len > 0 && url.at[url.len - 1] == '/')
        url.len--;
    return url;
}

static bool is_at(const struct offer *offer, struct span url)
{
    bool is_it = false;
    for (uint32_t i = 0; i < offer->mint_count; i++)
        is_it = is_it || span_eq(less_slashes(offer->mints[i]), url);
    return is_it;
}

bool infer_keep_named(struct infer *infer, struct err *err)
{
    const char *named = command_value(infer->call, "node");
    struct bytes32 node = {{0}};
    size_t kept = 0;
    if (named == NULL)
        return true;
    bool is_url = strstr(named, "://") != NULL;
    if (!is_url && !person_parse(&node, command_span(named), err))
        return false;
    for (size_t i = 0; i < infer->count; i++) {
        const struct market_entry *entry = &infer->candidates[i].entry;
        if (is_url ? is_at(&entry->offer, pocket_url(named))
                   : memcmp(&entry->node, &node, sizeof node) == 0)
            infer->candidates[kept++] = infer->candidates[i];
    }
    infer->count = kept;
    return kept > 0 || err_set(err, ERR_INVALID, "that node offers nothing at your relays");
}

void infer_explain(const struct infer *infer)
{
    struct text out = {0}, plain = {0};
    for (size_t i = 0; i < infer->count; i++) {
        market_explain(&out, &infer->candidates[i], &infer->wish);
        home_write_words(&plain, text_span(&out), LINE_BYTES_MAX);
        fprintf(stderr, "%zu. %.*s\n", i + 1, (int)plain.len, plain.at);
        out.len = plain.len = 0;
    }
    text_clear(&out);
    text_clear(&plain);
}

/* The most that it may cost by the offer, when every byte of the prompt is a token. */
static uint64_t most_of(const struct infer *infer, const struct offer *offer)
{
    const struct offer_usage most = {.in = (uint32_t)infer->prompt.len + INFER_FRAME_TOKENS,
                                     .out = infer->tokens_max};
    uint64_t cost = offer_cost(&offer->price, &most) + 1; /* each part of it is rounded up */
    return cost < infer->wish.cost_max ? cost : infer->wish.cost_max;
}

static bool read_place(struct bytes32 *key, struct arena *arena, struct span url)
{
    struct bech32 place;
    struct err ignored;
    bool ok = infer_is_far(url) && bech32_decode(&place, arena, url, &ignored);
    if (ok)
        *key = place.key;
    return ok;
}

/* A mint of ours at that address: where it is asked over relays, with that key, whatever relays it
 * was at when it was added. */
static bool find_known(struct infer *infer, struct purse_mint *mint, struct span url,
                       struct err *err)
{
    struct purse *purse = infer->pocket.trade.purse;
    struct purse_mint *mints;
    struct bytes32 key, other;
    size_t count;
    if (!purse_find_mint(purse, mint, &infer->arena, url, err))
        return false;
    if (mint->number != 0 || !read_place(&key, &infer->arena, url))
        return true;
    if (!purse_mints(purse, &mints, &count, &infer->arena, err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (read_place(&other, &infer->arena, mints[i].url) &&
            memcmp(&key, &other, sizeof key) == 0) {
            *mint = mints[i];
            mint->url = url;
        }
    return true;
}

/* Of the mints that an offer names the first of ours, or the first that could be. */
static bool find_mint(struct infer *infer, const struct offer *offer, struct span *url,
                      struct err *err)
{
    bool is_sealed = command_value(infer->call, "encrypt") != NULL;
    struct purse_mint *mint = &infer->job.trade.mint;
    *url = (struct span){"", 0};
    *mint = (struct purse_mint){0};
    for (uint32_t i = 0; i < offer->mint_count && mint->number == 0; i++) {
        struct span named = less_slashes(offer->mints[i]);
        if (!teller_takes(named) || (is_sealed && !infer_is_far(named)))
            continue;
        if (!find_known(infer, mint, named, err))
            return false;
        if (url->len == 0 || mint->number != 0)
            *url = named;
    }
    return url->len > 0 || err_set(err, ERR_INVALID, "it names no mint that may be asked %s",
                                   is_sealed ? "over relays" : "from here");
}

bool infer_afford(struct infer *infer, const struct market_candidate *candidate, struct err *err)
{
    struct infer_job *job = &infer->job;
    struct span url;
    uint64_t most;
    job->trade = infer->pocket.trade;
    if (!find_mint(infer, &candidate->entry.offer, &url, err))
        return false;
    int len = (int)(url.len < 60 ? url.len : 60);
    if (job->trade.mint.number == 0)
        return err_set(err, ERR_INVALID,
                       "no credit there: shoal wallet mint add %.*s, then shoal wallet grant", len,
                       url.at);
    job->offer = &candidate->entry.offer;
    job->node = candidate->entry.node;
    job->most = most_of(infer, job->offer);
    infer->about = candidate->cost < job->most ? candidate->cost : job->most;
    if (!infer_job_unit(job, infer->about, &most, err))
        return false;
    return job->unit[0] != '\0' || err_set(err, ERR_INVALID,
                                           "it may cost %" PRIu64 " units, and there are %" PRIu64
                                           " at %.*s: shoal wallet grant, or receive",
                                           infer->about, most, len, url.at);
}

bool infer_choose(struct infer *infer, struct err *err)
{
    struct text why = {0};
    for (size_t i = 0; i < infer->count; i++) {
        const struct market_candidate *candidate = &infer->candidates[i];
        struct err reason;
        if (candidate->verdict != MARKET_FIT)
            break;
        if (infer_afford(infer, candidate, &reason)) {
            infer->chosen = candidate;
            return true;
        }
        if (i == 0)
            *err = reason;
        else if (command_value(infer->call, "explain") != NULL)
            fprintf(stderr, "%zu. not asked: %s\n", i + 1, reason.text);
    }
    if (infer->count > 0 && infer->candidates[0].verdict == MARKET_FIT)
        return false;
    if (infer->count > 0) {
        struct text plain = {0};
        market_explain(&why, &infer->candidates[0], &infer->wish);
        home_write_words(&plain, text_span(&why), LINE_BYTES_MAX);
        err_fill(err, ERR_INVALID, "no node fits: %.*s", (int)(plain.len < 140 ? plain.len : 140),
                 plain.at);
        text_clear(&plain);
        text_clear(&why);
        return false;
    }
    return err_set(err, ERR_INVALID, "no node offers a model at your relays");
}
