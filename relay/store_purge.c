#include "relay/store_purge.h"

#include <stdlib.h>

#include "relay/log.h"
#include "relay/metrics.h"
#include "relay/param.h"
#include "relay/reader.h"
#include "relay/row.h"
#include "relay/store_sql.h"
#include "relay/tag_hash.h"
#include "relay/tail_purged.h"
#include "shared/arena.h"
#include "shared/event.h"
#include "shared/filter.h"

enum { PURGE_TRIES_MAX = 5 };

struct place {
    int64_t created_at, tie;
};

/* One purge on its way, or waiting for those before it. */
struct job {
    struct job *next;
    struct store_purge *purge;
    struct arena arena; /* of the filter */
    struct filter filter;
    store_purged_fn *done; /* NULL: forgotten */
    void *owner;
    uint64_t deleted;
    bool is_running;
    bool has_deleted; /* in this pass */
    bool is_last;     /* the pass ends with this page */
    bool has_after;
    struct store_cursor after;
    uint32_t count, sent, sending, tries; /* places of this page */
    struct place places[STORE_PAGE_ROWS_MAX];
};

struct store_purge {
    struct store_purge_setup setup;
    struct job *jobs; /* in the order of their coming */
    uint32_t running;
    bool is_stopped;
};

struct store_purge *store_purge_new(const struct store_purge_setup *setup)
{
    struct store_purge *purge = calloc(1, sizeof *purge);
    if (purge == NULL)
        abort();
    purge->setup = *setup;
    if (purge->setup.rows == 0)
        purge->setup.rows = STORE_PAGE_ROWS_MAX;
    if (purge->setup.at_once == 0)
        purge->setup.at_once = 1;
    return purge;
}

static void finish(struct job *job, bool is_done)
{
    struct store_purge *purge = job->purge;
    struct job **at = &purge->jobs;
    while (*at != job)
        at = &(*at)->next;
    *at = job->next;
    purge->running -= job->is_running;
    if (purge->jobs != NULL && !purge->is_stopped)
        purge->setup.wake(purge->setup.owner);
    if (job->done != NULL)
        job->done(job->owner, is_done, job->deleted);
    arena_clear(&job->arena);
    free(job);
}

static void on_page(void *owner, const struct store_page *page);

static void read_page(struct job *job)
{
    struct err err;
    const struct store_read read = {.filter = &job->filter,
                                    .after = job->has_after ? &job->after : NULL,
                                    .rows = job->purge->setup.rows,
                                    .brief = true,
                                    .reply = on_page,
                                    .owner = job};
    if (job->purge->is_stopped || !reader_read(job->purge->setup.reader, &read, &err))
        finish(job, false);
}

static void step(struct job *job);

static void on_deleted(void *owner, const PGresult *result)
{
    struct job *job = owner;
    if (PQresultStatus(result) == PGRES_TUPLES_OK) {
        int64_t count = row_int8(result, 0, 0);
        job->deleted += (uint64_t)count;
        job->has_deleted |= count > 0;
        job->sent += job->sending;
        job->tries = 0;
        metrics_add(METRIC_EVENTS_PURGED, (uint64_t)count);
    } else if (result == NULL || ++job->tries == PURGE_TRIES_MAX) {
        finish(job, false);
        return;
    } else { /* a deadlock with a batch, perhaps */
        log_warning("store", "purge: %s", db_error(result));
    }
    step(job);
}

static void delete_some(struct job *job)
{
    struct param_list params = {0};
    struct db_call call = {.statement = STORE_SQL_PURGE, .reply = on_deleted, .owner = job};
    struct err err;
    const char *channel = job->purge->setup.channel;
    param_begin(&params, PARAM_INT8);
    param_begin(&params, PARAM_INT8);
    job->sending = job->count - job->sent;
    if (job->sending > TAIL_PURGED_MAX)
        job->sending = TAIL_PURGED_MAX;
    for (uint32_t i = job->sent; i < job->sent + job->sending; i++) {
        param_add_int8(&params, 0, job->places[i].created_at);
        param_add_int8(&params, 1, job->places[i].tie);
    }
    param_bytes(&params, (struct span){channel, strlen(channel)});
    param_call(&params, &call);
    bool is_sent = !job->purge->is_stopped && db_query(job->purge->setup.writer, &call, &err);
    param_clear(&params);
    if (!is_sent)
        finish(job, false);
}

static void step(struct job *job)
{
    if (job->sent < job->count) {
        delete_some(job);
        return;
    }
    if (job->is_last && (!job->has_deleted || job->purge->setup.is_brief)) {
        finish(job, true);
        return;
    }
    if (job->is_last)
        job->is_last = job->has_deleted = job->has_after = false;
    read_page(job);
}

static void on_page(void *owner, const struct store_page *page)
{
    struct job *job = owner;
    if (page == NULL) {
        finish(job, false);
        return;
    }
    bool (*spares)(const struct event *event) = job->purge->setup.spares;
    job->count = job->sent = 0;
    for (uint32_t i = 0; i < page->count; i++) {
        const struct event *event = &page->events[i];
        if (spares == NULL || !spares(event))
            job->places[job->count++] = (struct place){event->created_at, tag_hash_tie(&event->id)};
    }
    job->is_last = page->finished;
    job->has_after = true;
    job->after = page->next;
    step(job);
}

void store_purge_stop(struct store_purge *purge)
{
    purge->is_stopped = true;
}

void store_purge_free(struct store_purge *purge)
{
    while (purge->jobs != NULL)
        finish(purge->jobs, false);
    free(purge);
}

void store_purge_add(struct store_purge *purge, const struct filter *filter, store_purged_fn *done,
                     void *owner)
{
    struct job **at = &purge->jobs;
    struct job *job = calloc(1, sizeof *job);
    if (job == NULL)
        abort();
    job->purge = purge;
    job->done = done;
    job->owner = owner;
    filter_copy(&job->filter, &job->arena, filter);
    while (*at != NULL)
        at = &(*at)->next;
    *at = job;
    purge->setup.wake(purge->setup.owner);
}

void store_purge_flush(struct store_purge *purge)
{
    struct job *next;
    for (struct job *job = purge->jobs; job != NULL; job = next) {
        next = job->next;
        if (purge->running == purge->setup.at_once)
            return;
        if (job->is_running)
            continue;
        job->is_running = true;
        purge->running++;
        read_page(job);
    }
}

void store_purge_forget(struct store_purge *purge, const void *owner)
{
    for (struct job *job = purge->jobs; job != NULL; job = job->next)
        if (job->owner == owner)
            job->done = NULL;
}
