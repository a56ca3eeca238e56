#include "relay/store_expiry.h"

#include <stdlib.h>
#include <time.h>

#include "relay/metrics.h"
#include "relay/param.h"
#include "relay/row.h"
#include "relay/schema.h"
#include "relay/store_sql.h"
#include "shared/err.h"

enum {
    EXPIRY_MS = 60000,
    EXPIRY_EVENTS_MAX = 200, /* in one statement, which others wait behind */
};

struct store_expiry {
    uv_timer_t timer;
    struct db *db;
    const struct shard *shard;
    bool is_running, is_closing;
};

static void on_deleted(void *owner, const PGresult *result)
{
    struct store_expiry *expiry = owner;
    expiry->is_running = false;
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        return; /* the next time */
    int64_t count = row_int8(result, 0, 0);
    metrics_add(METRIC_EVENTS_PURGED, (uint64_t)count);
    if (count == EXPIRY_EVENTS_MAX)
        store_expiry_run(expiry);
}

void store_expiry_run(struct store_expiry *expiry)
{
    struct param_list params = {0};
    struct db_call call = {.statement = STORE_SQL_EXPIRE, .reply = on_deleted, .owner = expiry};
    struct err err;
    const char *schema = expiry->shard->schema;
    if (expiry->is_running || expiry->is_closing)
        return;
    param_int8(&params, time(NULL));
    param_bytes(&params, (struct span){schema, strlen(schema)});
    param_int8(&params, EXPIRY_EVENTS_MAX);
    param_call(&params, &call);
    expiry->is_running = db_query(expiry->db, &call, &err);
    param_clear(&params);
}

static void on_timer(uv_timer_t *timer)
{
    store_expiry_run(timer->data);
}

struct store_expiry *store_expiry_new(uv_loop_t *loop, struct db *db, const struct shard *shard)
{
    struct store_expiry *expiry = calloc(1, sizeof *expiry);
    if (expiry == NULL)
        abort();
    expiry->db = db;
    expiry->shard = shard;
    expiry->timer.data = expiry;
    uv_timer_init(loop, &expiry->timer);
    uv_timer_start(&expiry->timer, on_timer, EXPIRY_MS, EXPIRY_MS);
    return expiry;
}

static void on_closed(uv_handle_t *timer)
{
    free(timer->data);
}

void store_expiry_free(struct store_expiry *expiry)
{
    expiry->is_closing = true;
    uv_close((uv_handle_t *)&expiry->timer, on_closed);
}
