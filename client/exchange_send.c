/* What goes out: what was queued, and what the relay turned out to lack. */
#include <stdlib.h>
#include <time.h>

#include "client/basket.h"
#include "client/exchange_parts.h"
#include "client/link.h"
#include "client/retry.h"
#include "client/store.h"
#include "shared/event.h"
#include "shared/kind.h"

enum { ROWS_MAX = 200, MINUTE_MS = 60000, SIX_HOURS_MS = 21600000 };

static const struct retry patience = {.first_ms = MINUTE_MS, .most_ms = SIX_HOURS_MS};

static uint64_t wall_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static struct span url_of(const struct exchange *exchange)
{
    const char *url = exchange_url(exchange);
    return (struct span){url, strlen(url)};
}

/* Parses what the store gave, and publishes it. */
static bool publish(struct exchange *exchange, struct span json, bool is_queued)
{
    struct arena arena = {0};
    struct event event;
    bool ok = event_parse(&event, &arena, json, NULL);
    if (ok && !is_queued)
        ok = !event_is_protected(&event) && kind_class(event.kind) != KIND_EPHEMERAL;
    if (ok)
        link_publish(exchange->link, &event);
    arena_clear(&arena);
    return ok;
}

/* ---- what is queued ---- */

void exchange_push(struct exchange *exchange)
{
    const struct outbox_turn turn = {
        .relay = url_of(exchange), .now_ms = wall_ms(), .max = ROWS_MAX};
    struct err err;
    if (exchange->rows_settled < exchange->rows.count)
        return;
    arena_clear(&exchange->rows_arena);
    exchange->rows_settled = 0;
    if (!basket_flush(exchange->setup.basket, &err) ||
        !outbox_due(exchange->setup.store, &exchange->rows, &exchange->rows_arena, &turn, &err)) {
        exchange_fail_with(exchange, &err);
        return;
    }
    for (size_t i = 0; i < exchange->rows.count; i++)
        if (!publish(exchange, exchange->rows.at[i].event, true))
            exchange->rows_settled++;
    if (exchange->rows_settled < exchange->rows.count)
        return;
    exchange->stage = EXCHANGE_COMPARING;
    exchange_go_on(exchange);
}

static const struct outbox_row *row_of(const struct exchange *exchange, const struct bytes32 *id)
{
    for (size_t i = 0; i < exchange->rows.count; i++)
        if (memcmp(&exchange->rows.at[i].id, id, sizeof *id) == 0)
            return &exchange->rows.at[i];
    return NULL;
}

/* What became of it, in the outbox; of what is not in there nothing is noted. */
static bool note(struct exchange *exchange, const struct bytes32 *id, enum link_fate fate,
                 struct span why, struct err *err)
{
    const struct exchange_setup *setup = &exchange->setup;
    const struct outbox_row *row = row_of(exchange, id);
    uint64_t wait_ms =
        retry_wait_ms(&patience, row != NULL ? row->tries + 1 : 1, setup->random(setup->owner));
    if (!basket_open(setup->basket, err))
        return false;
    switch (fate) {
    case LINK_TAKEN:
    case LINK_KNOWN:
        return outbox_delivered(setup->store, id, url_of(exchange), err);
    case LINK_REFUSED:
        return outbox_refused(setup->store, id, url_of(exchange), why, err);
    case LINK_LATER:
        return outbox_failed(setup->store, id, url_of(exchange), wall_ms() + wait_ms, why, err);
    }
    return true;
}

void exchange_settled(struct exchange *exchange, const struct bytes32 *id, enum link_fate fate,
                      struct span why)
{
    struct exchange_counts *counts = &exchange->counts;
    uint64_t *const counted[] = {[LINK_TAKEN] = &counts->sent,
                                 [LINK_KNOWN] = &counts->known,
                                 [LINK_REFUSED] = &counts->refused,
                                 [LINK_LATER] = &counts->later};
    struct err err;
    ++*counted[fate];
    if (exchange->stage == EXCHANGE_PUSHING)
        exchange->rows_settled++;
    if (!note(exchange, id, fate, why, &err)) {
        basket_spoil(exchange->setup.basket, &err);
        exchange_fail_with(exchange, &err);
        return;
    }
    if (fate == LINK_REFUSED || fate == LINK_LATER)
        exchange->setup.refused(exchange->setup.owner, exchange, id, why);
    exchange_go_on(exchange);
}

/* ---- what the relay lacks ---- */

void exchange_send(struct exchange *exchange)
{
    struct arena arena = {0};
    struct span json;
    struct err err;
    while (exchange->lacking_next < exchange->lacking_count && !link_is_full(exchange->link)) {
        const struct bytes32 *id = &exchange->lacking[exchange->lacking_next++];
        if (!store_get(exchange->setup.store, &json, &arena, id, &err)) {
            arena_clear(&arena);
            exchange_fail_with(exchange, &err);
            return;
        }
        if (json.len > 0 && !publish(exchange, json, false))
            exchange->counts.kept_back++;
        arena_clear(&arena);
    }
    if (exchange->lacking_next < exchange->lacking_count || link_pending(exchange->link) > 0)
        return;
    exchange->counts.filters_done++;
    exchange->stage = EXCHANGE_COMPARING;
    exchange_go_on(exchange);
}
