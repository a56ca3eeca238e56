#include "relay/store.h"

#include <stdlib.h>

#include "relay/log.h"
#include "relay/metrics.h"
#include "relay/reader.h"
#include "relay/schema.h"
#include "relay/store_batch.h"
#include "relay/store_expiry.h"
#include "relay/store_probe.h"
#include "relay/store_purge.h"
#include "relay/store_retention.h"
#include "relay/store_route.h"
#include "relay/store_sql.h"
#include "relay/store_vanish.h"
#include "relay/tail.h"
#include "shared/err.h"

enum {
    STORE_IN_FLIGHT_MAX = 2,
    STORE_QUEUE_MAX = 100000, /* puts; above, they fail */
    /* A statement's 30 s, and a commit behind a slow disk's checkpoint: given up sooner, what is
     * stored is said to have failed. A primary that stands still, connections open, costs this. */
    STORE_ANSWER_MS_MAX = 45000,
    STORE_RACED = 200, /* batches after one that lost a race */
};

struct store {
    struct store_setup setup;
    struct db *writer;
    struct reader *reader;
    struct tail *tail;
    uint64_t origin;
    struct hash_key key;
    bool has_key;                      /* the writer's connection has been asked */
    struct store_queue queue, refused; /* refused: to be failed by the next flush */
    uint32_t pending;                  /* puts in the queue and in flight */
    int64_t shown;                     /* of the queue, in the metrics */
    uint64_t numbered;                 /* batches */
    uint32_t in_flight;                /* batches */
    uint32_t raced;                    /* batches to be sent with a race in mind */
    struct table unannounced;          /* batches that are committed, by number */
    struct store_probes *probes;
    uv_check_t *check; /* runs while something is to be flushed; idle keeps the loop from waiting */
    uv_idle_t *idle;
    struct store_expiry *expiry;
    struct store_purge *purge;
    struct store_vanish *vanish;
    struct store_retention *retention;
};

static void flush(struct store *store);

static void on_check(uv_check_t *check)
{
    flush(check->data);
}

static void on_idle(uv_idle_t *idle)
{
    (void)idle;
}

/* At the end of this turn of the loop, so that what comes in one turn goes in one batch. */
static void flush_soon(void *owner)
{
    struct store *store = owner;
    uv_check_start(store->check, on_check);
    uv_idle_start(store->idle, on_idle);
}

static void settle_item(struct store *store, struct store_item *item, enum store_verdict verdict)
{
    store->pending--;
    if (item->has_moved && store->setup.on_moved != NULL) {
        store->setup.on_moved(store->setup.owner, &item->put, item->way.version);
        return;
    }
    if (verdict == STORE_NEW)
        metrics_add(METRIC_EVENTS_STORED, 1);
    else if (verdict == STORE_DUPLICATE)
        metrics_add(METRIC_EVENTS_DUPLICATE, 1);
    item->put.settled(item->put.owner, verdict);
}

/* Its twins, too: what they carry is stored by then, if it was new. */
static void settle(struct store *store, struct store_item *item, enum store_verdict verdict)
{
    struct store_item *twin = item->twins;
    item->twins = NULL;
    settle_item(store, item, verdict);
    while (twin != NULL) {
        struct store_item *next = twin->next;
        twin->has_moved = item->has_moved;
        settle_item(store, twin, verdict == STORE_NEW ? STORE_DUPLICATE : verdict);
        free(twin);
        twin = next;
    }
}

static void fail_queue(struct store *store, struct store_queue *queue)
{
    struct store_item *item;
    while ((item = store_queue_pop(queue)) != NULL) {
        settle(store, item, STORE_FAILED);
        free(item);
    }
}

static void announce(void *owner, uint64_t number)
{
    struct store *store = owner;
    struct store_batch *batch = table_remove(&store->unannounced, number);
    if (batch == NULL)
        return;
    for (uint32_t i = 0; i < batch->count; i++) {
        struct store_item *item = batch->items[i];
        if (item != NULL)
            item->put.announced(item->put.owner);
        free(item);
    }
    metrics_observe(METRIC_FANOUT_SECONDS, (double)(uv_hrtime() - batch->ended_at) / 1e9);
    store_batch_free(batch);
}

/* Committed. Items that nobody wants to hear of again go; the rest waits for its turn. */
static void settle_batch(struct store *store, struct store_batch *batch)
{
    uint64_t number = batch->number;
    int64_t xid = batch->xid;
    batch->ended_at = uv_hrtime();
    metrics_observe(METRIC_BATCH_EVENTS, batch->count);
    for (uint32_t i = 0; i < batch->count; i++) {
        struct store_item *item = batch->items[i];
        enum store_verdict verdict = item->has_moved ? STORE_FAILED : item->verdict;
        settle(store, item, verdict);
        if (verdict == STORE_NEW && item->put.announced != NULL)
            continue;
        free(item);
        batch->items[i] = NULL;
    }
    table_put(&store->unannounced, number, batch);
    tail_settled(store->tail, number, xid);
    if (xid == 0)
        announce(store, number); /* nobody, as nothing was new */
}

static void retry(struct store *store, struct store_batch *batch, bool one_by_one)
{
    for (uint32_t i = batch->count; i-- > 0;) {
        struct store_item *item = batch->items[i];
        item->is_alone = item->is_alone || one_by_one;
        store_queue_add_first(&store->queue, item);
    }
}

static void on_batch(void *owner, const PGresult *result)
{
    struct store_batch *batch = owner;
    struct store *store = batch->store;
    enum store_remedy remedy = STORE_GIVE_UP;
    store->in_flight--;
    flush_soon(store);
    if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
        settle_batch(store, batch);
        return;
    }
    if (result != NULL) {
        remedy = store_batch_remedy(batch, result);
        if (store_batch_lost_race(result))
            store->raced = STORE_RACED;
        if (!store_batch_lost_race(result) || batch->is_raced) {
            metrics_add(METRIC_DATABASE_ERRORS, 1);
            log_warning("store", "batch of %u: %s", batch->count, db_error(result));
        }
    }
    if (remedy != STORE_GIVE_UP)
        retry(store, batch, remedy == STORE_ONE_BY_ONE);
    for (uint32_t i = 0; remedy == STORE_GIVE_UP && i < batch->count; i++) {
        settle(store, batch->items[i], STORE_FAILED);
        free(batch->items[i]);
    }
    tail_settled(store->tail, batch->number, 0);
    store_batch_free(batch);
}

static bool send_batch(struct store *store)
{
    struct err err;
    struct store_batch *batch = store_batch_new(store->numbered + 1);
    const struct store_batch_call call = {.db = store->writer,
                                          .key = &store->key,
                                          .shard = store->setup.shard,
                                          .channel = tail_channel(store->tail),
                                          .origin = store->origin,
                                          .is_raced = store->raced > 0,
                                          .done = on_batch,
                                          .owner = batch};
    batch->store = store;
    if (store_batch_fill(batch, &store->queue, &store->key) &&
        store_batch_send(batch, &call, &err)) {
        tail_begun(store->tail, ++store->numbered);
        store->raced -= store->raced > 0;
        store->in_flight++;
        return true;
    }
    retry(store, batch, false);
    store_batch_free(batch);
    return false;
}

static void flush(struct store *store)
{
    uv_check_stop(store->check);
    uv_idle_stop(store->idle);
    store_vanish_flush(store->vanish);
    while (store->has_key && store->in_flight < STORE_IN_FLIGHT_MAX && store->queue.count > 0)
        if (!send_batch(store))
            break;
    if (!store->has_key || !db_is_ready(store->writer))
        fail_queue(store, &store->queue);
    fail_queue(store, &store->refused);
    store_probes_flush(store->probes);
    store_purge_flush(store->purge);
    metrics_move(METRIC_STORE_QUEUE, (int64_t)store->queue.count - store->shown);
    store->shown = store->queue.count;
}

static void on_key(void *owner, const PGresult *result)
{
    struct store *store = owner;
    if (result == NULL)
        return; /* asked again by the next connection */
    store->has_key = tag_hash_key_read(&store->key, result);
    if (!store->has_key)
        log_error("store", "the schema has no hash_key");
    store_expiry_run(store->expiry);
    store_retention_run(store->retention);
    if (store->has_key && store->setup.on_up != NULL)
        store->setup.on_up(store->setup.owner);
}

static void on_writer(void *owner, bool is_ready)
{
    struct store *store = owner;
    const struct db_call call = {.statement = STORE_SQL_KEY, .reply = on_key, .owner = store};
    struct err err;
    store->has_key = false;
    if (is_ready && !db_query(store->writer, &call, &err))
        log_error("store", "%s", err.text); /* a new connection takes a query: never seen */
    if (!is_ready)
        flush_soon(store);
}

static void on_foreign(void *owner, const struct event *event)
{
    struct store *store = owner;
    store->setup.on_foreign(store->setup.owner, event);
}

static void on_purged(void *owner, const struct filter *filter)
{
    struct store *store = owner;
    if (store->setup.on_purged != NULL)
        store->setup.on_purged(store->setup.owner, filter);
}

static void on_caught_up(void *owner, bool is_caught_up)
{
    struct store *store = owner;
    if (store->setup.on_caught_up != NULL)
        store->setup.on_caught_up(store->setup.owner, is_caught_up);
}

static void on_fetch(void *owner, bool is_over)
{
    struct store *store = owner;
    if (store->setup.on_fetch != NULL)
        store->setup.on_fetch(store->setup.owner, is_over);
}

static void on_routes(void *owner)
{
    struct store *store = owner;
    if (store->setup.on_routes != NULL)
        store->setup.on_routes(store->setup.owner);
}

static void on_released(void *owner, struct store_item *item)
{
    struct store *store = owner;
    store_queue_add(&store->queue, item);
    flush_soon(store);
}

static void *handle_new(size_t size, struct store *store)
{
    uv_handle_t *handle = calloc(1, size);
    if (handle == NULL)
        abort();
    handle->data = store;
    return handle;
}

struct store *store_new(uv_loop_t *loop, const struct store_setup *setup)
{
    struct store *store = calloc(1, sizeof *store);
    if (store == NULL)
        abort();
    store->setup = *setup;
    store->origin = hash_key_random().low;
    store->check = handle_new(sizeof *store->check, store);
    store->idle = handle_new(sizeof *store->idle, store);
    uv_check_init(loop, store->check);
    uv_idle_init(loop, store->idle);
    const struct tail_setup tail = {.shard = setup->shard,
                                    .origin = store->origin,
                                    .on_own = announce,
                                    .on_foreign = on_foreign,
                                    .on_purged = on_purged,
                                    .on_caught_up = on_caught_up,
                                    .on_fetch = on_fetch,
                                    .on_routes = on_routes,
                                    .hears_all = setup->hears_all,
                                    .poll_ms = setup->poll_ms != 0 ? setup->poll_ms : TAIL_POLL_MS,
                                    .owner = store};
    const struct db_setup writer = {.conninfo = setup->shard->conninfo,
                                    .prepare = store_sql_prepare,
                                    .context = setup->shard,
                                    .on_state = on_writer,
                                    .owner = store,
                                    .answer_ms_max = STORE_ANSWER_MS_MAX};
    store->tail = tail_new(loop, &tail);
    store->writer = db_new(loop, &writer);
    store->expiry = store_expiry_new(loop, store->writer, setup->shard);
    store->reader = reader_new(loop, setup->shard, setup->readers);
    const struct store_purge_setup purge = {.writer = store->writer,
                                            .reader = store->reader,
                                            .channel = tail_channel(store->tail),
                                            .wake = flush_soon,
                                            .owner = store,
                                            .rows = setup->purge_rows};
    store->purge = store_purge_new(&purge);
    store->vanish = store_vanish_new(&purge, on_released);
    const struct store_retention_setup retention = {.rules = setup->retention,
                                                    .shard = setup->shard,
                                                    .writer = store->writer,
                                                    .reader = store->reader,
                                                    .purge = store->purge};
    store->retention = store_retention_new(loop, &retention);
    store->probes = store_probes_new(store->writer, flush_soon, store);
    return store;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle);
}

void store_free(struct store *store)
{
    store_purge_stop(store->purge);
    store_vanish_stop(store->vanish, &store->refused);
    db_free(store->writer);
    fail_queue(store, &store->queue);
    fail_queue(store, &store->refused);
    store_probes_free(store->probes);
    store_expiry_free(store->expiry);
    tail_free(store->tail);
    store_retention_free(store->retention);
    reader_free(store->reader);
    store_purge_free(store->purge);
    store_vanish_free(store->vanish);
    table_clear(&store->unannounced);
    uv_close((uv_handle_t *)store->check, on_closed);
    uv_close((uv_handle_t *)store->idle, on_closed);
    free(store);
}

bool store_is_ready(const struct store *store)
{
    return store->has_key && db_is_ready(store->writer) && reader_is_ready(store->reader) &&
           tail_has_begun(store->tail);
}

void store_put(struct store *store, const struct store_put *put)
{
    store_put_by(store, put, &(struct store_way){0});
}

void store_put_by(struct store *store, const struct store_put *put, const struct store_way *way)
{
    struct store_item *item = calloc(1, sizeof *item);
    if (item == NULL)
        abort();
    item->put = *put;
    item->way = *way;
    store->pending++;
    if (store->queue.count + store_vanish_count(store->vanish) >= STORE_QUEUE_MAX)
        store_queue_add(&store->refused, item);
    else if (!store_vanish_hold(store->vanish, item))
        store_queue_add(&store->queue, item);
    flush_soon(store);
}

uint32_t store_pending(const struct store *store)
{
    return store->pending;
}

void store_forward(struct store *store, const struct event *event)
{
    tail_forward(store->tail, event);
}

bool store_read(struct store *store, const struct store_read *read, struct err *err)
{
    return reader_read(store->reader, read, err);
}

void store_forget(struct store *store, const void *owner)
{
    reader_forget(store->reader, owner);
    store_purge_forget(store->purge, owner);
    store_probes_forget(store->probes, owner);
}

void store_purge(struct store *store, const struct filter *filter, store_purged_fn *done,
                 void *owner)
{
    store_purge_add(store->purge, filter, done, owner);
}

bool store_ask_route(struct store *store, const struct route *known, store_route_fn *reply,
                     void *owner)
{
    return store_route_ask(store->writer, store->setup.shard, known, reply, owner);
}

void store_hold_route(struct store *store, const struct route *route, const struct route *old)
{
    store_route_hold(store->writer, route, old);
}

void store_probe(struct store *store, store_settled_fn *reply, void *owner)
{
    store_probes_add(store->probes, reply, owner);
}
