/* What differs, by one filter after the other. */
#include <stdlib.h>
#include <time.h>

#include "client/basket.h"
#include "client/catalog.h"
#include "client/exchange_parts.h"
#include "client/store.h"
#include "shared/filter.h"

#define TOP SPAN("#top") /* of the key under which the beginning of a run is kept */

static struct span url_of(const struct exchange *exchange)
{
    const char *url = exchange_url(exchange);
    return (struct span){url, strlen(url)};
}

/* ---- how far the relay was paged through ---- */

static bool load_cursor(struct exchange *exchange, struct sync_cursor *cursor, struct err *err)
{
    struct store *store = exchange->setup.store;
    struct store_cursor kept, top;
    struct span key = text_span(&exchange->key);
    *cursor = (struct sync_cursor){0};
    if (exchange->setup.begins_anew)
        return true;
    if (!store_cursor(store, &kept, url_of(exchange), key, err))
        return false;
    text_add(&exchange->key, TOP);
    bool ok = store_cursor(store, &top, url_of(exchange), text_span(&exchange->key), err);
    exchange->key.len = key.len;
    *cursor = (struct sync_cursor){.since = kept.since, .until = kept.until, .top = top.since};
    return ok;
}

static bool save_cursor(struct exchange *exchange, const struct sync_cursor *cursor,
                        struct err *err)
{
    struct store *store = exchange->setup.store;
    const struct store_cursor kept = {.since = cursor->since, .until = cursor->until};
    const struct store_cursor top = {.since = cursor->top};
    size_t len = exchange->key.len;
    if (!basket_open(exchange->setup.basket, err) ||
        !store_set_cursor(store, &kept, url_of(exchange), text_span(&exchange->key), err))
        return false;
    text_add(&exchange->key, TOP);
    bool ok = store_set_cursor(store, &top, url_of(exchange), text_span(&exchange->key), err);
    exchange->key.len = len;
    return ok;
}

static void on_paged(void *owner, const struct sync_cursor *cursor)
{
    struct exchange *exchange = owner;
    struct err err;
    if (exchange->setup.is_trial || !exchange->setup.down)
        return; /* what was seen was not kept */
    if (!save_cursor(exchange, cursor, &err)) {
        basket_spoil(exchange->setup.basket, &err);
        exchange_fail_with(exchange, &err);
    }
}

/* ---- what is here ---- */

static bool add_record(void *owner, const struct catalog_event *event)
{
    struct exchange *exchange = owner;
    if (event->is_withheld)
        return true;
    if (exchange->record_count == exchange->record_capacity) {
        exchange->record_capacity =
            exchange->record_capacity == 0 ? 1024 : 2 * exchange->record_capacity;
        exchange->records =
            realloc(exchange->records, exchange->record_capacity * sizeof *exchange->records);
        if (exchange->records == NULL)
            abort();
    }
    exchange->records[exchange->record_count++] =
        (struct negentropy_record){.created_at = event->created_at, .id = event->id};
    return true;
}

static bool has(void *owner, const struct bytes32 *id)
{
    struct exchange *exchange = owner;
    bool is_here = false;
    return store_has(exchange->setup.store, &is_here, id, NULL) && is_here;
}

/* ---- what comes of it ---- */

static bool on_fetched(void *owner, const struct event *event)
{
    struct exchange *exchange = owner;
    enum store_verdict verdict;
    struct err err;
    if (!basket_open(exchange->setup.basket, &err) ||
        !store_put(exchange->setup.store, &verdict, event, NULL, 0, &err)) {
        basket_spoil(exchange->setup.basket, &err);
        return false;
    }
    exchange->counts.fetched += verdict == STORE_NEW || verdict == STORE_QUARANTINED;
    return true;
}

static void on_named(void *owner, const struct bytes32 *id)
{
    (void)owner; /* it is counted */
    (void)id;
}

static void on_lacks(void *owner, const struct bytes32 *id)
{
    struct exchange *exchange = owner;
    if (exchange->setup.is_trial)
        return;
    if (exchange->lacking_count == exchange->lacking_capacity) {
        exchange->lacking_capacity =
            exchange->lacking_capacity == 0 ? 256 : 2 * exchange->lacking_capacity;
        exchange->lacking =
            realloc(exchange->lacking, exchange->lacking_capacity * sizeof *exchange->lacking);
        if (exchange->lacking == NULL)
            abort();
    }
    exchange->lacking[exchange->lacking_count++] = *id;
}

static void on_over(void *owner, const char *why)
{
    struct exchange *exchange = owner;
    struct err err;
    exchange->counts = exchange_counts(exchange);
    sync_free(exchange->sync);
    exchange->sync = NULL;
    if (!basket_flush(exchange->setup.basket, &err)) {
        exchange_fail_with(exchange, &err);
    } else if (why != NULL) {
        exchange_fail(exchange, why);
    } else {
        exchange->stage = EXCHANGE_SENDING;
        exchange_go_on(exchange);
    }
}

static void begin(struct exchange *exchange, const struct sync_cursor *cursor)
{
    const struct exchange_setup *setup = &exchange->setup;
    const struct sync_setup sync = {.link = exchange->link,
                                    .filter = &setup->filters[exchange->counts.filters_done],
                                    .down = setup->down,
                                    .up = setup->up,
                                    .names_only = setup->is_trial,
                                    .never_reconciles = setup->never_reconciles,
                                    .records = exchange->records,
                                    .record_count = exchange->record_count,
                                    .cursor = *cursor,
                                    .now = (int64_t)time(NULL),
                                    .has = has,
                                    .fetched = on_fetched,
                                    .named = on_named,
                                    .lacks = on_lacks,
                                    .paged = on_paged,
                                    .over = on_over,
                                    .owner = exchange};
    exchange->sync = sync_new(&sync);
}

void exchange_compare(struct exchange *exchange)
{
    const struct filter *filter = &exchange->setup.filters[exchange->counts.filters_done];
    struct sync_cursor cursor;
    struct err err;
    if (exchange->sync != NULL)
        return;
    exchange->record_count = 0;
    exchange->lacking_count = exchange->lacking_next = 0;
    exchange->key.len = 0;
    filter_write(&exchange->key, filter);
    if (!basket_flush(exchange->setup.basket, &err) ||
        !catalog_each(exchange->setup.store, filter, add_record, exchange, &err) ||
        !load_cursor(exchange, &cursor, &err)) {
        exchange_fail_with(exchange, &err);
        return;
    }
    exchange->record_count = negentropy_seal(exchange->records, exchange->record_count);
    begin(exchange, &cursor);
}
