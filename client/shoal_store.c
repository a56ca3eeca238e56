/* shoal_store.c - the store, and what is written in it. */
#include <stdlib.h>

#include "client/basket.h"
#include "client/catalog.h"
#include "client/outbox.h"
#include "client/pen.h"
#include "client/shoal_parts.h"
#include "client/store.h"
#include "shared/filter.h"
#include "shared/url.h"

struct shoal_store *shoal_store_open(const char *folder, struct shoal_error *error)
{
    char path[STORE_PATH_MAX];
    struct err err;
    struct store *store = NULL;
    if (store_folder(path, folder, &err))
        store = store_open(path, shoal_now_ms(), &err);
    if (store == NULL) {
        shoal_fail(error, &err);
        return NULL;
    }
    struct shoal_store *opened = shoal_alloc(sizeof *opened);
    opened->store = store;
    return opened;
}

void shoal_store_close(struct shoal_store *store)
{
    if (store != NULL)
        store_close(store->store);
    free(store);
}

bool shoal_store_ready(struct shoal_store *store, struct err *err)
{
    return (store->basket == NULL || basket_flush(store->basket, err)) &&
           store_advance(store->store, shoal_now_ms(), err);
}

static bool set_relay(struct store *store, struct span url, bool is_on, struct err *err)
{
    struct url parsed;
    bool was_there;
    if (is_on)
        return url_parse(&parsed, url, err) && store_add_relay(store, url, err);
    return store_remove_relay(store, &was_there, url, err) &&
           (was_there || err_set(err, ERR_INVALID, "it is no relay of the store's"));
}

bool shoal_store_set_relay(struct shoal_store *store, const char *url, bool is_on,
                           struct shoal_error *error)
{
    struct err err;
    return (shoal_store_ready(store, &err) &&
            set_relay(store->store, shoal_span(url), is_on, &err)) ||
           shoal_fail(error, &err);
}

bool shoal_store_put(struct shoal_store *store, const char *json, size_t size, bool is_sent,
                     enum shoal_verdict *verdict, struct shoal_error *error)
{
    static const enum shoal_verdict verdicts[] = {[STORE_NEW] = SHOAL_NEW,
                                                  [STORE_DUPLICATE] = SHOAL_DUPLICATE,
                                                  [STORE_QUARANTINED] = SHOAL_QUARANTINED,
                                                  [STORE_EPHEMERAL] = SHOAL_EPHEMERAL};
    struct arena arena = {0};
    struct span *relays = NULL;
    enum store_verdict got = STORE_NEW;
    struct event event;
    size_t count = 0;
    struct err err;
    bool ok = shoal_event_read(&event, &arena, (struct span){json, size}, &err) &&
              shoal_store_ready(store, &err) &&
              (!is_sent || store_relays(store->store, &relays, &count, &arena, &err)) &&
              store_put(store->store, &got, &event, relays, count, &err);
    arena_clear(&arena);
    if (ok && verdict != NULL)
        *verdict = verdicts[got];
    return ok || shoal_fail(error, &err);
}

struct query {
    shoal_query_fn *fn;
    void *owner;
};

static bool on_match(void *owner, const struct catalog_event *event)
{
    const struct query *query = owner;
    return query->fn(query->owner, event->json.at, event->json.len);
}

bool shoal_store_query(struct shoal_store *store, const char *filter, shoal_query_fn *fn,
                       void *owner, struct shoal_error *error)
{
    struct query query = {fn, owner};
    struct arena arena = {0};
    struct filter parsed;
    struct err err;
    bool ok = shoal_store_ready(store, &err) &&
              filter_parse(&parsed, &arena, shoal_span(filter), &err) &&
              catalog_each(store->store, &parsed, on_match, &query, &err);
    arena_clear(&arena);
    return ok || shoal_fail(error, &err);
}

bool shoal_store_outbox(struct shoal_store *store, uint64_t *queued, uint64_t *refused,
                        struct shoal_error *error)
{
    struct err err;
    return (shoal_store_ready(store, &err) && outbox_count(store->store, queued, refused, &err)) ||
           shoal_fail(error, &err);
}

bool shoal_store_hash(struct shoal_store *store, char hash[SHOAL_HEX_SIZE],
                      struct shoal_error *error)
{
    struct bytes32 value;
    struct err err;
    if (!shoal_store_ready(store, &err) || !catalog_hash(store->store, &value, &err))
        return shoal_fail(error, &err);
    shoal_hex(hash, &value);
    return true;
}

bool shoal_write(struct shoal_store *store, const struct shoal_keys *keys, shoal_write_fn *fn,
                 void *owner, struct shoal_error *error)
{
    struct pen pen = {.store = store->store, .holder = keys->holder, .now_ms = shoal_now_ms()};
    struct span *relays = NULL;
    struct err err;
    if (!shoal_store_ready(store, &err) || !store_begin(store->store, &err))
        return shoal_fail(error, &err);
    bool ok = store_relays(store->store, &relays, &pen.relay_count, &pen.arena, &err);
    pen.relays = relays;
    ok = ok && fn(owner, &pen, &err) && store_commit(store->store, &err);
    if (!ok)
        store_rollback(store->store);
    arena_clear(&pen.arena);
    return ok || shoal_fail(error, &err);
}
