#include "client/market.h"

#include <stdlib.h>

#include "client/market_parts.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/kind.h"
#include "shared/sig.h"
#include "shared/text.h"

struct market *market_new(void)
{
    struct market *market = calloc(1, sizeof *market);
    if (market == NULL)
        abort();
    return market;
}

static void free_item(struct market_item *item)
{
    arena_clear(&item->arena);
    free(item);
}

void market_free(struct market *market)
{
    if (market == NULL)
        return;
    for (size_t i = 0; i < market->count; i++)
        free_item(market->items[i]);
    free(market->items);
    free(market->deals);
    free(market->accused);
    free(market);
}

int market_compare_keys(const struct bytes32 *a, const struct bytes32 *b)
{
    return memcmp(a->at, b->at, sizeof a->at);
}

/* ---- where things are ---- */

static int compare_spans(struct span a, struct span b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len == 0 ? 0 : memcmp(a.at, b.at, len);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* Where it is, or belongs. */
static size_t find(const struct market *market, const struct bytes32 *node, struct span identifier,
                   bool *is_there)
{
    size_t low = 0, high = market->count;
    *is_there = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct market_item *item = market->items[middle];
        int order = market_compare_keys(&item->entry.node, node);
        if (order == 0)
            order = compare_spans(item->identifier, identifier);
        *is_there = *is_there || order == 0;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static size_t count_of(const struct market *market, const struct bytes32 *node)
{
    bool is_there;
    size_t count = 0, at = find(market, node, SPAN(""), &is_there);
    while (at + count < market->count &&
           market_compare_keys(&market->items[at + count]->entry.node, node) == 0)
        count++;
    return count;
}

static void remove_at(struct market *market, size_t index)
{
    free_item(market->items[index]);
    market->count--;
    memmove(market->items + index, market->items + index + 1,
            (market->count - index) * sizeof(struct market_item *));
}

static void insert_at(struct market *market, size_t index, struct market_item *item)
{
    if (market->count == market->capacity) {
        market->capacity = market->capacity == 0 ? 64 : 2 * market->capacity;
        market->items =
            realloc(market->items, market->capacity * sizeof(struct market_item *)); // NOLINT
        if (market->items == NULL)
            abort();
    }
    memmove(market->items + index + 1, market->items + index,
            (market->count - index) * sizeof(struct market_item *));
    market->items[index] = item;
    market->count++;
}

static void drop_expired(struct market *market, int64_t now)
{
    for (size_t i = market->count; i-- > 0;)
        if (market->items[i]->entry.offer.expires_at <= now)
            remove_at(market, i);
}

/* ---- what is heard ---- */

static bool is_signed(const struct event *event, struct err *err)
{
    return (event_check_id(event) && sig_verify(&event->sig, &event->id, &event->pubkey)) ||
           err_set(err, ERR_INVALID, "its signature is wrong");
}

static struct market_item *make_item(const struct event *event)
{
    struct market_item *item = calloc(1, sizeof *item);
    struct text json = {0};
    struct event copy;
    if (item == NULL)
        abort();
    event_write(&json, event);
    struct span text = arena_copy(&item->arena, text_span(&json));
    text_clear(&json);
    bool ok = event_parse(&copy, &item->arena, text, NULL) &&
              offer_parse(&item->entry.offer, &copy, NULL);
    if (!ok) /* it was read before */
        abort();
    item->entry.node = event->pubkey;
    item->entry.id = event->id;
    item->entry.offered_at = event->created_at;
    item->identifier = event_identifier(&copy);
    item->id = event->id;
    return item;
}

/* Of two of the same the later one; of two of the same second that with the lower id (NIP-01). */
static bool is_newer(const struct event *event, const struct market_item *than)
{
    if (event->created_at != than->entry.offered_at)
        return event->created_at > than->entry.offered_at;
    return market_compare_keys(&event->id, &than->id) < 0;
}

static void keep_pulse(struct market_item *item, const struct market_item *old)
{
    item->since_ms = old->since_ms;
    item->heard_ms = old->heard_ms;
    item->beaten_at = old->beaten_at;
    item->entry.has_pulse = old->entry.has_pulse;
    item->entry.free = old->entry.free;
    item->entry.queue = old->entry.queue;
    item->entry.ttft_ms = old->entry.ttft_ms;
    item->entry.speed = old->entry.speed;
}

static bool put(struct market *market, const struct event *event, uint64_t now_ms, struct err *err)
{
    bool is_there;
    size_t at = find(market, &event->pubkey, event_identifier(event), &is_there);
    if (is_there && !is_newer(event, market->items[at]))
        return err_set(err, ERR_DUPLICATE, "one as new is known");
    if (!is_there && (market->count == MARKET_OFFERS_MAX ||
                      count_of(market, &event->pubkey) == MARKET_NODE_OFFERS_MAX))
        return err_set(err, ERR_RATE_LIMITED, "too many offers");
    struct market_item *item = make_item(event);
    item->since_ms = now_ms;
    if (is_there) {
        keep_pulse(item, market->items[at]);
        free_item(market->items[at]);
        market->items[at] = item;
    } else {
        insert_at(market, at, item);
    }
    return true;
}

bool market_offer(struct market *market, const struct event *event, int64_t now, uint64_t now_ms,
                  struct err *err)
{
    struct offer offer;
    if (!offer_parse(&offer, event, err))
        return false;
    if (offer.expires_at <= now)
        return err_set(err, ERR_INVALID, "it has expired");
    if (event->created_at > now + MARKET_SKEW_S)
        return err_set(err, ERR_INVALID, "it is of the future");
    if (!is_signed(event, err))
        return false;
    drop_expired(market, now);
    return put(market, event, now_ms, err);
}

/* Stamps of one node only grow: what was heard once is no sign of life when it is heard again. */
bool market_pulse(struct market *market, const struct event *event, int64_t now, uint64_t now_ms,
                  struct err *err)
{
    struct offer_pulse pulse;
    bool is_there;
    if (!offer_pulse_parse(&pulse, event, err))
        return false;
    size_t at = find(market, &pulse.node, pulse.identifier, &is_there);
    if (!is_there)
        return err_set(err, ERR_INVALID, "its offer is not known");
    struct market_item *item = market->items[at];
    if (event->created_at > now + MARKET_SKEW_S || event->created_at < now - MARKET_SKEW_S)
        return err_set(err, ERR_INVALID, "it is of another time");
    if (event->created_at <= item->beaten_at)
        return err_set(err, ERR_DUPLICATE, "one as new was heard");
    if (!is_signed(event, err))
        return false;
    item->beaten_at = event->created_at;
    item->heard_ms = now_ms;
    item->entry.has_pulse = true;
    item->entry.free = pulse.free;
    item->entry.queue = pulse.queue;
    item->entry.ttft_ms = pulse.ttft_ms;
    item->entry.speed = pulse.speed;
    return true;
}

static bool names(const struct event *event, struct span address)
{
    for (uint32_t i = 0; i < event->tag_count; i++) {
        const struct tag *tag = &event->tags[i];
        if (tag->count >= 2 && span_eq(tag->items[0], SPAN("a")) && span_eq(tag->items[1], address))
            return true;
    }
    return false;
}

bool market_withdraw(struct market *market, const struct event *event, struct err *err)
{
    if (event->kind != KIND_DELETION)
        return err_set(err, ERR_INVALID, "no deletion");
    if (!is_signed(event, err))
        return false;
    struct text address = {0};
    for (size_t i = market->count; i-- > 0;) {
        const struct market_item *item = market->items[i];
        if (market_compare_keys(&item->entry.node, &event->pubkey) != 0 ||
            item->entry.offered_at > event->created_at)
            continue;
        address.len = 0;
        offer_write_address(&address, &item->entry.offer, &item->entry.node);
        if (names(event, text_span(&address)))
            remove_at(market, i);
    }
    text_clear(&address);
    return true;
}

/* ---- what there is ---- */

enum market_life market_life_of(const struct market_item *item, uint64_t now_ms)
{
    uint64_t last = item->entry.has_pulse ? item->heard_ms : item->since_ms;
    if (now_ms - last > MARKET_SILENCE_MS)
        return MARKET_GONE;
    return item->entry.has_pulse ? MARKET_HEARD : MARKET_UNHEARD;
}

struct market_entry *market_entries(const struct market *market, struct arena *arena, int64_t now,
                                    uint64_t now_ms, size_t *count)
{
    struct market_entry *entries = arena_array(arena, struct market_entry, market->count + 1);
    *count = 0;
    for (size_t i = 0; i < market->count; i++) {
        const struct market_item *item = market->items[i];
        if (item->entry.offer.expires_at <= now)
            continue;
        entries[*count] = item->entry;
        entries[(*count)++].life = market_life_of(item, now_ms);
    }
    return entries;
}

bool market_is_heard(const struct market *market)
{
    for (size_t i = 0; i < market->count; i++)
        if (!market->items[i]->entry.has_pulse)
            return false;
    return true;
}

uint32_t *market_replicas(struct arena *arena, const struct market_entry *entries, size_t count,
                          const struct offer *model)
{
    uint32_t *replicas = arena_array(arena, uint32_t, model->layers);
    for (size_t i = 0; i < count; i++) {
        const struct offer *offer = &entries[i].offer;
        if (entries[i].life != MARKET_HEARD || offer->layers != model->layers ||
            market_compare_keys(&offer->root, &model->root) != 0)
            continue;
        for (uint32_t layer = offer->first; layer < offer->end; layer++)
            replicas[layer]++;
    }
    return replicas;
}
