#include "relay/shards_base.h"

#include <stdlib.h>

#include "relay/log.h"
#include "relay/store_route.h"
#include "shared/err.h"
#include "shared/event.h"

enum {
    ASK_MS = 1000,      /* for routes, when nobody has said that there are newer ones */
    ASK_SOON_MS = 50,   /* when somebody does */
    NEXT_MS_MAX = 5000, /* for new shards to be connected: then they are gone by all the same */
};

static void on_route(void *owner, struct route *route, bool is_good);

static void ask_now(struct shards *shards)
{
    shards->must_ask = false;
    shards->is_asking = store_ask_route(
        shards->stores[0], shards->next != NULL ? shards->next : shards->route, on_route, shards);
    if (shards->is_asking)
        shards->asks++;
}

uint64_t shards_ask(struct shards *shards)
{
    uint64_t answer = shards->asks + 1;
    if (shards->is_asking)
        shards->must_ask = true;
    else
        ask_now(shards);
    return answer;
}

static void on_foreign(void *owner, const struct event *event)
{
    const struct shards *shards = ((struct shards_ear *)owner)->shards;
    shards->setup.on_foreign(shards->setup.owner, event);
}

static void on_purged(void *owner, const struct filter *filter)
{
    const struct shards *shards = ((struct shards_ear *)owner)->shards;
    if (shards->setup.on_purged != NULL)
        shards->setup.on_purged(shards->setup.owner, filter);
}

/* Says so when that changes: all have caught up, or not all any more. */
static void say_caught_up(struct shards *shards)
{
    bool is_caught_up = true;
    for (uint32_t i = 0; i < shards->count; i++)
        is_caught_up = is_caught_up && shards->ears[i].is_caught_up;
    if (is_caught_up == shards->is_caught_up)
        return;
    shards->is_caught_up = is_caught_up;
    if (shards->setup.on_caught_up != NULL)
        shards->setup.on_caught_up(shards->setup.owner, is_caught_up);
}

static void on_caught_up(void *owner, bool is_caught_up)
{
    struct shards_ear *ear = owner;
    ear->is_caught_up = is_caught_up;
    say_caught_up(ear->shards);
}

/* From the first that begins to the last that is over. */
static void on_fetch(void *owner, bool is_over)
{
    struct shards_ear *ear = owner;
    struct shards *shards = ear->shards;
    bool is_fetching = false;
    ear->is_fetching = !is_over;
    for (uint32_t i = 0; i < shards->count; i++)
        is_fetching = is_fetching || shards->ears[i].is_fetching;
    if (is_fetching == shards->is_fetching)
        return;
    shards->is_fetching = is_fetching;
    if (shards->setup.on_fetch != NULL)
        shards->setup.on_fetch(shards->setup.owner, is_over);
}

/* A connection knows of no routes that an earlier one said we go by. */
static void on_first_up(void *owner)
{
    struct shards *shards = ((struct shards_ear *)owner)->shards;
    shards->is_held = shards->is_confirmed = false;
    (void)shards_ask(shards);
}

static void on_routes(void *owner)
{
    (void)shards_ask(((struct shards_ear *)owner)->shards);
}

static void open_store(struct shards *shards, const struct shard *shard)
{
    bool is_first = shards->count == 0;
    struct shards_ear *ear = &shards->ears[shards->count];
    ear->shards = shards;
    const struct store_setup setup = {
        .shard = shard,
        .readers = shards->setup.readers,
        .on_foreign = on_foreign,
        .on_purged = on_purged,
        .on_caught_up = on_caught_up,
        .on_fetch = on_fetch,
        .hears_all = shards->route != NULL, /* it was added since: all it stored is new */
        .on_moved = shards_errand_moved,
        .on_up = is_first ? on_first_up : NULL,
        .on_routes = is_first ? on_routes : NULL,
        .owner = ear,
        .retention = shards->setup.retention,
    };
    shards->stores[shards->count++] = store_new(shards->loop, &setup);
    say_caught_up(shards);
}

static bool are_ready(const struct shards *shards)
{
    for (uint32_t i = 0; i < shards->count; i++)
        if (!store_is_ready(shards->stores[i]))
            return false;
    return true;
}

/* Goes by the newer routes as soon as their shards can be written to, or have kept us waiting for
 * too long. */
static void follow(struct shards *shards)
{
    bool is_late = uv_now(shards->loop) - shards->next_ms > NEXT_MS_MAX;
    if (shards->next == NULL || (shards->route != NULL && !are_ready(shards) && !is_late))
        return;
    store_hold_route(shards->stores[0], shards->next, shards->is_held ? shards->route : NULL);
    route_drop(shards->route);
    shards->route = shards->next;
    shards->next = NULL;
    shards->is_held = true;
    shards->is_confirmed = false;
    (void)shards_ask(shards);
    if (shards->route->shard_count > 1)
        log_debug("shards", "routes version=%lld shards=%u%s", (long long)shards->route->version,
                  shards->route->shard_count, shards->route->is_moving ? " moving" : "");
}

static void set_next(struct shards *shards, struct route *route)
{
    route_drop(shards->next);
    shards->next = route;
    shards->next_ms = uv_now(shards->loop);
    while (shards->count < route->shard_count)
        open_store(shards, route->shards[shards->count]);
}

/* Nothing is newer: but that counts only once the database knows what we go by. */
static void confirm(struct shards *shards)
{
    if (!shards->is_held) {
        store_hold_route(shards->stores[0], shards->route, NULL);
        shards->is_held = true;
        (void)shards_ask(shards);
    } else {
        shards->is_confirmed = true;
    }
}

static void on_route(void *owner, struct route *route, bool is_good)
{
    struct shards *shards = owner;
    shards->is_asking = false;
    if (shards->is_closing) {
        route_drop(route);
        return;
    }
    if (route != NULL)
        set_next(shards, route);
    else if (is_good && shards->next == NULL && shards->route != NULL)
        confirm(shards);
    follow(shards);
    if (!is_good || (shards->is_confirmed && shards->next == NULL))
        shards_pages_go_on(shards, shards->asks, is_good);
    shards_errands_go_on(shards);
    if (shards->must_ask && !shards->is_asking)
        ask_now(shards);
}

static void on_timer(uv_timer_t *timer)
{
    struct shards *shards = timer->data;
    bool is_waited_for = shards->errands.head != NULL || shards->pages.head != NULL;
    follow(shards);
    shards_errands_go_on(shards);
    if (!shards->is_asking)
        ask_now(shards);
    if (!shards->is_asking) /* nor can it be asked */
        shards_pages_go_on(shards, UINT64_MAX, false);
    uv_timer_start(timer, on_timer, is_waited_for || shards->next != NULL ? ASK_SOON_MS : ASK_MS,
                   0);
}

struct shards *shards_new(uv_loop_t *loop, const struct shards_setup *setup)
{
    struct shards *shards = calloc(1, sizeof *shards);
    if (shards == NULL)
        abort();
    shards->setup = *setup;
    shards->loop = loop;
    shards->timer = calloc(1, sizeof *shards->timer);
    if (shards->timer == NULL)
        abort();
    shards->timer->data = shards;
    uv_timer_init(loop, shards->timer);
    uv_timer_start(shards->timer, on_timer, ASK_SOON_MS, 0);
    open_store(shards, setup->first);
    return shards;
}

static void on_closed(uv_handle_t *timer)
{
    free(timer);
}

void shards_free(struct shards *shards)
{
    shards->is_closing = true;
    shards_errands_end(shards);
    shards_pages_go_on(shards, UINT64_MAX, false);
    for (uint32_t i = 0; i < shards->count; i++)
        store_free(shards->stores[i]);
    shards_errands_end(shards);
    shards_errands_free(shards);
    route_drop(shards->route);
    route_drop(shards->next);
    uv_close((uv_handle_t *)shards->timer, on_closed);
    free(shards);
}

bool shards_knows(const struct shards *shards)
{
    return shards->route != NULL && shards->is_confirmed && !shards->route->is_moving &&
           shards->next == NULL;
}

bool shards_is_ready(const struct shards *shards)
{
    return shards->is_confirmed && are_ready(shards);
}

void shards_put(struct shards *shards, const struct store_put *put)
{
    const struct route *route = shards->route;
    if (route == NULL || (route->shard_count > 1 && route_is_everywhere(put->event))) {
        shards_errand_begin(shards, put);
        return;
    }
    const struct store_way way = {.version = route->version};
    store_put_by(shards->stores[route_home(route, &put->event->pubkey)], put, &way);
}

void shards_forward(struct shards *shards, const struct event *event)
{
    store_forward(shards->stores[shards_home(shards, &event->pubkey)], event);
}

static bool is_alone(const struct shards *shards)
{
    return shards_knows(shards) && shards->route->shard_count == 1;
}

bool shards_read(struct shards *shards, const struct store_read *read, struct err *err)
{
    if (is_alone(shards))
        return store_read(shards->stores[0], read, err);
    if (shards->route == NULL)
        return err_set(err, ERR_INTERNAL, "the database is unavailable");
    return shards_page_begin(shards, read, err);
}

void shards_forget(struct shards *shards, const void *owner)
{
    for (uint32_t i = 0; i < shards->count; i++)
        store_forget(shards->stores[i], owner);
    shards_pages_forget(shards, owner);
    shards_clearings_forget(shards, owner);
}
