#include "client/exchange_parts.h"

#include <stdio.h>
#include <stdlib.h>

#include "client/link_inside.h"

void exchange_fail(struct exchange *exchange, const char *why)
{
    if (exchange->stage == EXCHANGE_OVER || exchange->is_freed)
        return;
    exchange->stage = EXCHANGE_OVER;
    snprintf(exchange->why, sizeof exchange->why, "%s", why);
    exchange->setup.over(exchange->setup.owner, exchange, exchange->why);
}

void exchange_fail_with(struct exchange *exchange, const struct err *err)
{
    exchange_fail(exchange, err->text);
}

void exchange_go_on(struct exchange *exchange)
{
    if (exchange->is_freed)
        return;
    switch (exchange->stage) {
    case EXCHANGE_PUSHING:
        exchange_push(exchange);
        return;
    case EXCHANGE_COMPARING:
        if (exchange->counts.filters_done < exchange->setup.filter_count) {
            exchange_compare(exchange);
            return;
        }
        exchange->stage = EXCHANGE_OVER;
        exchange->setup.over(exchange->setup.owner, exchange, NULL);
        return;
    case EXCHANGE_SENDING:
        exchange_send(exchange);
        return;
    case EXCHANGE_OVER:
        return;
    }
}

static void on_opened(void *owner, struct link *link)
{
    struct exchange *exchange = owner;
    (void)link;
    if (!exchange->was_open) {
        exchange->was_open = true;
        exchange_go_on(exchange);
    }
}

static void on_closed(void *owner, struct link *link, const char *why, uint64_t wait_ms)
{
    struct exchange *exchange = owner;
    (void)link;
    (void)wait_ms;
    if (!exchange->was_open)
        exchange_fail(exchange, why);
}

static void on_challenged(void *owner, struct link *link)
{
    struct exchange *exchange = owner;
    exchange->setup.challenged(exchange->setup.owner, link);
}

static void on_settled(void *owner, struct link *link, const struct bytes32 *id,
                       enum link_fate fate, struct span why)
{
    struct exchange *exchange = owner;
    (void)link;
    if (exchange->stage != EXCHANGE_OVER)
        exchange_settled(exchange, id, fate, why);
}

static void on_drained(void *owner, struct link *link)
{
    (void)link;
    exchange_go_on(owner);
}

struct exchange *exchange_new(const struct exchange_setup *setup, struct err *err)
{
    struct exchange *exchange = calloc(1, sizeof *exchange);
    if (exchange == NULL)
        abort();
    exchange->setup = *setup;
    exchange->stage = setup->pushes ? EXCHANGE_PUSHING : EXCHANGE_COMPARING;
    const struct link_setup link = {.url = setup->url,
                                    .opened = on_opened,
                                    .closed = on_closed,
                                    .challenged = setup->challenged != NULL ? on_challenged : NULL,
                                    .settled = on_settled,
                                    .drained = on_drained,
                                    .owner = exchange};
    exchange->link = link_new(setup->host, &link, err);
    if (exchange->link != NULL)
        return exchange;
    free(exchange);
    return NULL;
}

/* After the link, whose callbacks speak of it. */
static void on_link_gone(uv_handle_t *handle)
{
    struct exchange *exchange = handle->data;
    arena_clear(&exchange->rows_arena);
    text_clear(&exchange->key);
    free(exchange->records);
    free(exchange->lacking);
    free(exchange);
    free(handle);
}

void exchange_free(struct exchange *exchange)
{
    uv_idle_t *last = malloc(sizeof *last);
    if (last == NULL)
        abort();
    exchange->is_freed = true;
    exchange->stage = EXCHANGE_OVER;
    if (exchange->sync != NULL)
        sync_free(exchange->sync);
    uv_idle_init(exchange->setup.host->loop, last);
    last->data = exchange;
    link_free(exchange->link);
    uv_close((uv_handle_t *)last, on_link_gone);
}

const char *exchange_url(const struct exchange *exchange)
{
    return link_url(exchange->link);
}

static void add(struct sync_counts *sum, const struct sync_counts *counts)
{
    sum->stage = counts->stage;
    sum->rounds += counts->rounds;
    sum->needed += counts->needed;
    sum->fetched += counts->fetched;
    sum->lacked += counts->lacked;
    sum->missing += counts->missing;
    sum->wrong += counts->wrong;
    sum->crowded += counts->crowded;
}

struct exchange_counts exchange_counts(const struct exchange *exchange)
{
    struct exchange_counts counts = exchange->counts;
    if (exchange->sync != NULL)
        add(&counts.sync, sync_counts(exchange->sync));
    return counts;
}

uint64_t exchange_heard(const struct exchange *exchange)
{
    const struct exchange_counts counts = exchange_counts(exchange);
    return exchange->was_open + counts.sent + counts.known + counts.refused + counts.later +
           counts.sync.rounds + counts.sync.fetched + counts.sync.wrong + counts.filters_done;
}
