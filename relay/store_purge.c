#include "relay/store_purge.h"

#include <stdlib.h>
#include <time.h>

#include "relay/metrics.h"
#include "relay/param.h"
#include "relay/row.h"
#include "relay/schema.h"
#include "relay/store_sql.h"
#include "shared/err.h"

enum {
    PURGE_MS = 60000,
    PURGE_EVENTS_MAX = 200, /* in one statement, which others wait behind */
};

struct store_purge {
    uv_timer_t timer;
    struct db *db;
    const struct shard *shard;
    bool is_running, is_closing;
};

static void on_purged(void *owner, const PGresult *result)
{
    struct store_purge *purge = owner;
    purge->is_running = false;
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        return; /* the next time */
    int64_t count = row_int8(result, 0, 0);
    metrics_add(METRIC_EVENTS_PURGED, (uint64_t)count);
    if (count == PURGE_EVENTS_MAX)
        store_purge_run(purge);
}

void store_purge_run(struct store_purge *purge)
{
    struct param_list params = {0};
    struct db_call call = {.statement = STORE_SQL_PURGE, .reply = on_purged, .owner = purge};
    struct err err;
    const char *schema = purge->shard->schema;
    if (purge->is_running || purge->is_closing)
        return;
    param_int8(&params, time(NULL));
    param_bytes(&params, (struct span){schema, strlen(schema)});
    param_int8(&params, PURGE_EVENTS_MAX);
    param_call(&params, &call);
    purge->is_running = db_query(purge->db, &call, &err);
    param_clear(&params);
}

static void on_timer(uv_timer_t *timer)
{
    store_purge_run(timer->data);
}

struct store_purge *store_purge_new(uv_loop_t *loop, struct db *db, const struct shard *shard)
{
    struct store_purge *purge = calloc(1, sizeof *purge);
    if (purge == NULL)
        abort();
    purge->db = db;
    purge->shard = shard;
    purge->timer.data = purge;
    uv_timer_init(loop, &purge->timer);
    uv_timer_start(&purge->timer, on_timer, PURGE_MS, PURGE_MS);
    return purge;
}

static void on_closed(uv_handle_t *timer)
{
    free(timer->data);
}

void store_purge_free(struct store_purge *purge)
{
    purge->is_closing = true;
    uv_close((uv_handle_t *)&purge->timer, on_closed);
}
