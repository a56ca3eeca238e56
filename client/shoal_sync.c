/* shoal_sync.c - the store and relays, on a loop of libuv's that the caller's loop drives. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "client/basket.h"
#include "client/exchange.h"
#include "client/holder.h"
#include "client/link.h"
#include "client/shoal_parts.h"
#include "client/store.h"
#include "shared/filter.h"

enum { TIMEOUT_MS = 15000, LOOK_MS = 200, WHY_MAX = 256 };

/* One relay. */
struct part {
    struct shoal_sync *sync;
    struct exchange *exchange; /* NULL once it is over */
    struct exchange_counts counts;
    uint64_t heard, heard_ms;
};

struct shoal_sync {
    struct shoal_store *store;
    struct holder *holder; /* the caller's; NULL: nobody */
    struct arena arena;
    uv_loop_t loop;
    uv_timer_t look;
    struct link_host *host;
    struct filter *filters;
    uint32_t filter_count;
    struct part *parts;
    size_t count, open; /* parts */
    uint64_t timeout_ms;
    char why[WHY_MAX];
};

static uint32_t any_number(void *owner)
{
    (void)owner;
    return randombytes_random();
}

/* ---- a relay ---- */

static void end_part(struct part *part, const char *why)
{
    struct shoal_sync *sync = part->sync;
    if (part->exchange == NULL)
        return;
    if (why != NULL)
        snprintf(sync->why, sizeof sync->why, "%s: %s", exchange_url(part->exchange), why);
    part->counts = exchange_counts(part->exchange);
    exchange_free(part->exchange);
    part->exchange = NULL;
    sync->open--;
}

static void on_over(void *owner, struct exchange *exchange, const char *why)
{
    (void)exchange;
    end_part(owner, why);
}

/* It stays in the outbox, with the relay's words. */
static void on_refused(void *owner, struct exchange *exchange, const struct bytes32 *id,
                       struct span why)
{
    (void)owner;
    (void)exchange;
    (void)id;
    (void)why;
}

static void on_challenged(void *owner, struct link *link)
{
    const struct part *part = owner;
    struct arena arena = {0};
    struct event event;
    struct bytes32 aux;
    struct err err;
    if (part->sync->holder == NULL) {
        link_decline(link, "auth-required: the relay wants to know who we are");
        return;
    }
    randombytes_buf(&aux, sizeof aux);
    link_auth_event(link, &event, &arena);
    if (holder_sign(part->sync->holder, &event, &aux, &err))
        link_authenticate(link, &event);
    else
        link_decline(link, err.text);
    arena_clear(&arena);
}

static void on_look(uv_timer_t *timer)
{
    struct shoal_sync *sync = timer->data;
    for (size_t i = 0; i < sync->count; i++) {
        struct part *part = &sync->parts[i];
        uint64_t heard = part->exchange != NULL ? exchange_heard(part->exchange) : 0;
        if (heard != part->heard)
            part->heard_ms = uv_now(timer->loop);
        part->heard = heard;
        if (uv_now(timer->loop) - part->heard_ms > sync->timeout_ms)
            end_part(part, "nothing was heard for too long");
    }
}

static bool open_part(struct part *part, struct span url, struct err *err)
{
    struct shoal_sync *sync = part->sync;
    const struct exchange_setup setup = {
        .host = sync->host,
        .store = sync->store->store,
        .basket = sync->store->basket,
        .url = url,
        .pushes = true,
        .filters = sync->filters,
        .filter_count = sync->filter_count,
        .down = true,
        .up = true,
        .random = any_number,
        .challenged = on_challenged,
        .refused = on_refused,
        .over = on_over,
        .owner = part,
    };
    part->heard_ms = uv_now(&sync->loop);
    part->exchange = exchange_new(&setup, err);
    sync->open += part->exchange != NULL;
    return part->exchange != NULL;
}

/* ---- the whole ---- */

static bool read_filters(struct shoal_sync *sync, const struct shoal_sync_setup *setup,
                         struct err *err)
{
    sync->filters = arena_array(&sync->arena, struct filter, setup->filter_count + 1);
    for (size_t i = 0; i < setup->filter_count; i++) {
        struct filter *filter = &sync->filters[sync->filter_count++];
        struct span json = arena_copy(&sync->arena, shoal_span(setup->filters[i]));
        if (!filter_parse(filter, &sync->arena, json, err))
            return false;
        if (filter->limit != FILTER_NO_LIMIT)
            return err_set(err, ERR_INVALID, "a filter with a limit says not what is to be equal");
    }
    return true;
}

static bool open_parts(struct shoal_sync *sync, const struct shoal_sync_setup *setup,
                       struct err *err)
{
    struct span *urls = NULL;
    size_t count = setup->relay_count;
    if (count == 0 && !store_relays(sync->store->store, &urls, &count, &sync->arena, err))
        return false;
    if (count == 0)
        return err_set(err, ERR_INVALID, "no relays: name some, or add them to the store");
    sync->parts = arena_array(&sync->arena, struct part, count);
    for (size_t i = 0; i < count; i++) {
        sync->parts[sync->count].sync = sync;
        if (!open_part(&sync->parts[sync->count++],
                       urls != NULL ? urls[i] : shoal_span(setup->relays[i]), err))
            return false;
    }
    return true;
}

static bool begin(struct shoal_sync *sync, const struct shoal_sync_setup *setup, struct err *err)
{
    const struct link_host_setup host = {
        .proxy = shoal_span(setup->proxy), .ca_file = setup->ca_file, .random = any_number};
    if (!shoal_store_ready(sync->store, err) || !read_filters(sync, setup, err))
        return false;
    sync->host = link_host_new(&sync->loop, &host, err);
    if (sync->host == NULL)
        return false;
    sync->store->basket = basket_new(&sync->loop, sync->store->store);
    return open_parts(sync, setup, err);
}

struct shoal_sync *shoal_sync_new(struct shoal_store *store, const struct shoal_sync_setup *setup,
                                  struct shoal_error *error)
{
    struct err err;
    if (store->basket != NULL) {
        err_fill(&err, ERR_INVALID, "the store has a sync already");
        shoal_fail(error, &err);
        return NULL;
    }
    struct shoal_sync *sync = shoal_alloc(sizeof *sync);
    sync->store = store;
    sync->holder = setup->keys != NULL ? setup->keys->holder : NULL;
    sync->timeout_ms = setup->timeout_ms > 0 ? (uint64_t)setup->timeout_ms : TIMEOUT_MS;
    uv_loop_init(&sync->loop);
    uv_timer_init(&sync->loop, &sync->look);
    sync->look.data = sync;
    if (!begin(sync, setup, &err)) {
        shoal_fail(error, &err);
        shoal_sync_free(sync);
        return NULL;
    }
    uv_timer_start(&sync->look, on_look, LOOK_MS, LOOK_MS);
    return sync;
}

static enum shoal_sync_state step(struct shoal_sync *sync)
{
    struct err err;
    if (sync->open > 0)
        uv_run(&sync->loop, UV_RUN_NOWAIT);
    if (sync->open > 0)
        return SHOAL_SYNC_RUNS;
    if (!basket_flush(sync->store->basket, &err))
        snprintf(sync->why, sizeof sync->why, "%s", err.text);
    return sync->why[0] == '\0' ? SHOAL_SYNC_DONE : SHOAL_SYNC_FAILED;
}

static struct shoal_progress progress_of(const struct shoal_sync *sync)
{
    struct shoal_progress progress = {.fd = uv_backend_fd(&sync->loop),
                                      .wait_ms =
                                          sync->open > 0 ? uv_backend_timeout(&sync->loop) : 0,
                                      .why = sync->why};
    for (size_t i = 0; i < sync->count; i++) {
        const struct part *part = &sync->parts[i];
        struct exchange_counts counts =
            part->exchange != NULL ? exchange_counts(part->exchange) : part->counts;
        progress.fetched += counts.fetched;
        progress.sent += counts.sent;
        progress.refused += counts.refused;
    }
    return progress;
}

enum shoal_sync_state shoal_sync_step(struct shoal_sync *sync, struct shoal_progress *progress)
{
    enum shoal_sync_state state = step(sync);
    if (progress != NULL) {
        *progress = progress_of(sync);
        progress->state = state;
    }
    return state;
}

void shoal_sync_free(struct shoal_sync *sync)
{
    struct err err;
    if (sync == NULL)
        return;
    for (size_t i = 0; i < sync->count; i++)
        if (sync->parts[i].exchange != NULL)
            exchange_free(sync->parts[i].exchange);
    if (sync->store->basket != NULL && !basket_free(sync->store->basket, &err))
        sync->why[0] = '\0'; /* what is lost is fetched again */
    sync->store->basket = NULL;
    if (sync->host != NULL)
        link_host_free(sync->host);
    uv_close((uv_handle_t *)&sync->look, NULL);
    uv_run(&sync->loop, UV_RUN_DEFAULT); /* until the last handle has closed */
    uv_loop_close(&sync->loop);
    arena_clear(&sync->arena);
    free(sync);
}
