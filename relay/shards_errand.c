/* Puts that take more than one step: what has to reach every shard, and what was refused because
 * its author has moved. */
#include <stdlib.h>

#include "relay/shards_base.h"
#include "relay/store_route.h"
#include "shared/event.h"

/* Then a move that does not end is no better than a database that is down. */
enum { ERRAND_MS_MAX = 10000 };

struct errand {
    struct list_node listed;
    struct shards *shards;
    struct store_put put;
    uint64_t since_ms;
    int64_t version;  /* of the routes gone by */
    uint32_t copying; /* copies not settled yet */
    bool has_failed;
    bool is_waiting; /* for newer routes */
};

static void settle(struct errand *errand, enum store_verdict verdict)
{
    const struct store_put put = errand->put;
    if (verdict != STORE_NEW || put.announced == NULL) {
        list_remove(&errand->shards->errands, &errand->listed);
        free(errand);
    }
    put.settled(put.owner, verdict);
}

static void on_home(void *owner, enum store_verdict verdict)
{
    settle(owner, verdict);
}

static void on_announced(void *owner)
{
    struct errand *errand = owner;
    const struct store_put put = errand->put;
    list_remove(&errand->shards->errands, &errand->listed);
    free(errand);
    put.announced(put.owner);
}

static void put_home(struct errand *errand)
{
    const struct route *route = errand->shards->route;
    const struct store_put put = {.event = errand->put.event,
                                  .settled = on_home,
                                  .announced = errand->put.announced != NULL ? on_announced : NULL,
                                  .owner = errand};
    const struct store_way way = {.version = errand->version,
                                  .has_copies = route_is_everywhere(put.event)};
    store_put_by(errand->shards->stores[route_home(route, &put.event->pubkey)], &put, &way);
}

/* Whatever a shard made of it, other than that it failed, it is there or need not be. */
static void on_copied(void *owner, enum store_verdict verdict)
{
    struct errand *errand = owner;
    errand->has_failed |= verdict == STORE_FAILED;
    if (--errand->copying > 0)
        return;
    if (errand->has_failed || errand->shards->is_closing)
        settle(errand, STORE_FAILED);
    else
        put_home(errand);
}

static void go(struct errand *errand)
{
    const struct shards *shards = errand->shards;
    const struct route *route = shards->route;
    uint32_t home = route_home(route, &errand->put.event->pubkey);
    errand->is_waiting = false;
    errand->version = route->version;
    if (route->shard_count == 1 || !route_is_everywhere(errand->put.event)) {
        put_home(errand);
        return;
    }
    const struct store_put put = {
        .event = errand->put.event, .settled = on_copied, .owner = errand};
    const struct store_way way = {.version = route->version, .is_copy = true};
    errand->copying = route->shard_count - 1;
    for (uint32_t i = 0; i < route->shard_count; i++)
        if (i != home)
            store_put_by(shards->stores[i], &put, &way);
}

static bool may_go(const struct errand *errand)
{
    const struct route *route = errand->shards->route;
    return route != NULL && route->version > errand->version;
}

static void wait_or_go(struct errand *errand)
{
    errand->is_waiting = true;
    if (may_go(errand))
        go(errand);
    else if (!errand->shards->is_closing)
        (void)shards_ask(errand->shards);
}

static struct errand *errand_new(struct shards *shards, const struct store_put *put)
{
    struct errand *errand = calloc(1, sizeof *errand);
    if (errand == NULL)
        abort();
    errand->shards = shards;
    errand->put = *put;
    errand->since_ms = uv_now(shards->loop);
    list_append(&shards->errands, &errand->listed, errand);
    return errand;
}

void shards_errand_begin(struct shards *shards, const struct store_put *put)
{
    wait_or_go(errand_new(shards, put));
}

void shards_errand_moved(void *owner, const struct store_put *put, int64_t version)
{
    struct shards *shards = ((struct shards_ear *)owner)->shards;
    struct errand *errand = put->settled == on_home ? put->owner : errand_new(shards, put);
    errand->version = version;
    wait_or_go(errand);
}

void shards_errands_go_on(struct shards *shards)
{
    struct errand *next;
    for (struct errand *errand = list_first(&shards->errands); errand != NULL; errand = next) {
        next = list_next(&errand->listed);
        if (!errand->is_waiting)
            continue;
        if (may_go(errand))
            go(errand);
        else if (uv_now(shards->loop) - errand->since_ms > ERRAND_MS_MAX)
            settle(errand, STORE_FAILED);
    }
}

void shards_errands_end(struct shards *shards)
{
    struct errand *next;
    for (struct errand *errand = list_first(&shards->errands); errand != NULL; errand = next) {
        next = list_next(&errand->listed);
        if (errand->is_waiting)
            settle(errand, STORE_FAILED);
    }
}

void shards_errands_free(struct shards *shards)
{
    for (struct errand *errand; (errand = list_first(&shards->errands)) != NULL;) {
        list_remove(&shards->errands, &errand->listed);
        free(errand);
    }
}
