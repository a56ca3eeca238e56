#include "relay/store_retention.h"

#include <stdlib.h>
#include <time.h>

#include "relay/log.h"
#include "relay/param.h"
#include "relay/reader.h"
#include "relay/retention.h"
#include "relay/row.h"
#include "relay/schema.h"
#include "relay/store_purge.h"
#include "relay/store_sql.h"
#include "shared/err.h"
#include "shared/filter.h"

/* MS_MAX: between two runs; less if so little is kept that a tenth of it is less.
 * KINDS_MAX: in one purge, so that its pages are cheap. */
enum { RETENTION_MS_MAX = 60000, RETENTION_MS_MIN = 1000, RETENTION_KINDS_MAX = 256 };

struct store_retention {
    uv_timer_t timer;
    struct store_retention_setup setup;
    bool is_running, is_stopped;
    int64_t now_s;
    uint16_t *kinds; /* stored and not done yet, of the run */
    uint32_t count;
    uint64_t deleted;
};

static void finish(struct store_retention *retention)
{
    free(retention->kinds);
    retention->kinds = NULL;
    retention->count = 0;
    retention->is_running = false;
}

static bool ask(struct store_retention *retention, const char *statement, db_reply_fn *reply)
{
    struct param_list params = {0};
    struct db_call call = {.statement = statement, .reply = reply, .owner = retention};
    struct err err;
    const char *schema = retention->setup.shard->schema;
    param_bytes(&params, (struct span){schema, strlen(schema)});
    param_call(&params, &call);
    bool is_sent = !retention->is_stopped && db_query(retention->setup.writer, &call, &err);
    param_clear(&params);
    return is_sent;
}

static void on_released(void *owner, const PGresult *result)
{
    (void)result; /* a connection that is lost has let go as well */
    finish(owner);
}

static void release(struct store_retention *retention)
{
    if (retention->deleted > 0)
        log_info("store", "retention: %llu events deleted", (unsigned long long)retention->deleted);
    if (!ask(retention, STORE_SQL_RELEASE, on_released))
        finish(retention);
}

/* Those of the first kind's age; the others stay in the list. */
static uint32_t take_kinds(struct store_retention *retention, uint16_t *taken, int64_t *age_s)
{
    const struct retention *rules = retention->setup.rules;
    uint32_t count = 0, left = 0;
    *age_s = retention_age(rules, retention->kinds[0]);
    for (uint32_t i = 0; i < retention->count; i++)
        if (count < RETENTION_KINDS_MAX && retention_age(rules, retention->kinds[i]) == *age_s)
            taken[count++] = retention->kinds[i];
        else
            retention->kinds[left++] = retention->kinds[i];
    retention->count = left;
    return count;
}

static void purge_next(struct store_retention *retention);

static void on_purged(void *owner, bool is_done, uint64_t count)
{
    struct store_retention *retention = owner;
    retention->deleted += count;
    if (is_done && !retention->is_stopped)
        purge_next(retention);
    else
        release(retention);
}

static void purge_next(struct store_retention *retention)
{
    uint16_t kinds[RETENTION_KINDS_MAX];
    int64_t age_s;
    if (retention->count == 0) {
        release(retention);
        return;
    }
    uint32_t count = take_kinds(retention, kinds, &age_s);
    const struct filter filter = {.until = retention->now_s - age_s,
                                  .limit = FILTER_NO_LIMIT,
                                  .kinds = {.count = count, .at = kinds}};
    store_purge_add(retention->setup.purge, &filter, on_purged, retention);
}

static void on_kinds(void *owner, const PGresult *result)
{
    struct store_retention *retention = owner;
    if (PQresultStatus(result) != PGRES_TUPLES_OK) {
        release(retention); /* an error does not let go of the lock; the next time */
        return;
    }
    int rows = PQntuples(result);
    if (rows == 0) {
        finish(retention); /* somebody else is at it */
        return;
    }
    retention->kinds = calloc((size_t)rows, sizeof *retention->kinds);
    if (retention->kinds == NULL)
        abort();
    for (int i = 0; i + 1 < rows; i++) { /* the last row is NULL */
        uint16_t kind = (uint16_t)row_int4(result, i, 0);
        if (retention_age(retention->setup.rules, kind) > 0)
            retention->kinds[retention->count++] = kind;
    }
    purge_next(retention);
}

static uint64_t period_ms(const struct retention *rules)
{
    int64_t age_s = rules != NULL ? retention_age_min(rules) : 0;
    if (age_s == 0 || age_s > RETENTION_MS_MAX / 100)
        return RETENTION_MS_MAX;
    return age_s * 100 > RETENTION_MS_MIN ? (uint64_t)age_s * 100 : RETENTION_MS_MIN;
}

static void on_timer(uv_timer_t *timer)
{
    store_retention_run(timer->data);
}

void store_retention_run(struct store_retention *retention)
{
    if (retention->is_running || retention->is_stopped || retention->setup.rules == NULL ||
        retention_age_min(retention->setup.rules) == 0)
        return;
    if (!reader_is_ready(retention->setup.reader)) { /* by which a purge finds what it deletes */
        uv_timer_start(&retention->timer, on_timer, DB_RETRY_MS, period_ms(retention->setup.rules));
        return;
    }
    retention->now_s = time(NULL);
    retention->deleted = 0;
    retention->is_running = ask(retention, STORE_SQL_KINDS, on_kinds);
}

struct store_retention *store_retention_new(uv_loop_t *loop,
                                            const struct store_retention_setup *setup)
{
    struct store_retention *retention = calloc(1, sizeof *retention);
    if (retention == NULL)
        abort();
    uint64_t period = period_ms(setup->rules);
    retention->setup = *setup;
    retention->timer.data = retention;
    uv_timer_init(loop, &retention->timer);
    uv_timer_start(&retention->timer, on_timer, period, period);
    return retention;
}

static void on_closed(uv_handle_t *timer)
{
    free(timer->data);
}

void store_retention_free(struct store_retention *retention)
{
    retention->is_stopped = true;
    store_purge_forget(retention->setup.purge, retention);
    finish(retention);
    uv_close((uv_handle_t *)&retention->timer, on_closed);
}
