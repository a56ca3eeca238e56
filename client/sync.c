#include "client/sync_parts.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/link_inside.h"
#include "shared/event.h"
#include "shared/sig.h"

enum { FAILURES_MAX = 5 }; /* of one batch, in a row */

static void on_later(uv_timer_t *timer)
{
    struct sync *sync = timer->data;
    if (!sync->is_freed)
        sync->setup.over(sync->setup.owner, sync->why[0] != '\0' ? sync->why : NULL);
}

void sync_end_by(struct sync *sync, struct span why)
{
    if (sync->is_over || sync->is_freed)
        return;
    sync->is_over = true;
    snprintf(sync->why, sizeof sync->why, "%.*s",
             (int)(why.len < sizeof sync->why ? why.len : sizeof sync->why - 1), why.at);
    uv_timer_start(&sync->later, on_later, 0, 0);
}

void sync_end(struct sync *sync, const char *why)
{
    sync_end_by(sync, (struct span){why, why != NULL ? strlen(why) : 0});
}

bool sync_is_lost(struct span why)
{
    return link_begins(why, "closed: the connection ended");
}

void sync_note(struct sync *sync, struct sync_ids *ids, const struct bytes32 *id)
{
    if (ids->count == SYNC_IDS_MAX) {
        sync_end(sync, "it differs in too many events; name a part of them by a filter");
        return;
    }
    if (ids->count == ids->capacity) {
        ids->capacity = ids->capacity == 0 ? 256 : ids->capacity * 2;
        ids->at = realloc(ids->at, ids->capacity * sizeof *ids->at);
        if (ids->at == NULL)
            abort();
    }
    ids->at[ids->count++] = *id;
}

bool sync_has(const struct sync *sync, const struct bytes32 *id)
{
    return sync->setup.has != NULL && sync->setup.has(sync->setup.owner, id);
}

void sync_take(struct sync *sync, const struct event *event)
{
    if (sync->keys == NULL)
        sync->keys = sig_keys_new();
    if (!event_check_id(event) ||
        !sig_verify_with(sync->keys, &event->sig, &event->id, &event->pubkey)) {
        sync->counts.wrong++;
        return;
    }
    sync->counts.fetched++;
    if (sync->setup.names_only)
        sync->setup.named(sync->setup.owner, &event->id);
    else if (!sync->setup.fetched(sync->setup.owner, event))
        sync_end(sync, "what came cannot be kept");
}

/* ---- what we lack ---- */

static int order(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct bytes32));
}

/* Each once: a full frame can bring a range back. */
static void sort(struct sync_ids *ids)
{
    size_t kept = 0;
    if (ids->count > 0)
        qsort(ids->at, ids->count, sizeof *ids->at, order);
    for (size_t i = 0; i < ids->count; i++)
        if (kept == 0 || memcmp(&ids->at[kept - 1], &ids->at[i], sizeof *ids->at) != 0)
            ids->at[kept++] = ids->at[i];
    ids->count = kept;
    ids->next = 0;
}

static void go_on(struct sync *sync);

static void end_batch(struct sync_batch *batch)
{
    struct sync *sync = batch->sync;
    for (uint32_t i = 0; i < batch->count; i++)
        sync->counts.missing += !batch->has_come[i];
    link_drop(batch->query);
    batch->query = NULL;
}

static void ask(struct sync_batch *batch);

static void take_of_batch(struct sync_batch *batch, const struct event *event)
{
    const struct bytes32 *id =
        bsearch(&event->id, batch->ids, batch->count, sizeof batch->ids[0], order);
    if (id == NULL || batch->has_come[id - batch->ids])
        return; /* it came again, after the connection ended */
    batch->has_come[id - batch->ids] = true;
    batch->failures = 0;
    sync_take(batch->sync, event);
}

static void on_batch(void *owner, struct link_query *query, const struct message *message,
                     struct arena *arena)
{
    struct sync_batch *batch = owner;
    struct sync *sync = batch->sync;
    (void)query;
    (void)arena;
    if (sync->is_over || sync->is_freed)
        return;
    if (message->type == MESSAGE_EVENT) {
        take_of_batch(batch, &message->event);
    } else if (message->type == MESSAGE_EOSE) {
        end_batch(batch);
        go_on(sync);
    } else if (++batch->failures < FAILURES_MAX) {
        link_drop(batch->query);
        ask(batch);
    } else {
        sync_end_by(sync, message->note);
    }
}

static void ask(struct sync_batch *batch)
{
    const struct filter filter = {.until = INT64_MAX,
                                  .limit = batch->count,
                                  .ids = {.count = batch->count, .at = batch->ids}};
    const struct link_query_setup setup = {
        .ask = LINK_REQ, .filters = &filter, .filter_count = 1, .heard = on_batch, .owner = batch};
    batch->query = link_ask(batch->sync->setup.link, &setup);
}

/* As many as the relay gives at once. */
static uint32_t batch_max(const struct sync *sync)
{
    const struct info *info = link_info(sync->setup.link);
    bool is_less = info != NULL && info->limit_max > 0 && info->limit_max < SYNC_BATCH_IDS;
    return is_less ? (uint32_t)info->limit_max : SYNC_BATCH_IDS;
}

static void go_on(struct sync *sync)
{
    struct sync_ids *ids = &sync->need;
    bool is_asking = false;
    for (size_t i = 0; i < SYNC_BATCHES; i++) {
        struct sync_batch *batch = &sync->batches[i];
        size_t left = ids->count - ids->next, max = batch_max(sync);
        if (batch->query == NULL && left > 0) {
            *batch = (struct sync_batch){.sync = sync};
            batch->count = (uint32_t)(left < max ? left : max);
            memcpy(batch->ids, ids->at + ids->next, batch->count * sizeof *ids->at);
            ids->next += batch->count;
            ask(batch);
        }
        is_asking |= batch->query != NULL;
    }
    if (!is_asking)
        sync_end(sync, NULL);
}

static void name_all(struct sync *sync)
{
    const struct sync_setup *setup = &sync->setup;
    for (size_t i = 0; i < sync->have.count && !sync->is_freed; i++)
        setup->lacks(setup->owner, &sync->have.at[i]);
    for (size_t i = 0; i < sync->need.count && setup->names_only && !sync->is_freed; i++)
        setup->named(setup->owner, &sync->need.at[i]);
}

void sync_move(struct sync *sync)
{
    if (sync->is_over || sync->is_freed)
        return;
    sort(&sync->need);
    sort(&sync->have);
    sync->counts.lacked = sync->have.count;
    if (sync->counts.stage == SYNC_RECONCILING)
        sync->counts.needed = sync->need.count;
    sync->counts.stage = SYNC_MOVING;
    name_all(sync);
    if (sync->setup.names_only)
        sync_end(sync, NULL);
    else if (!sync->is_freed)
        go_on(sync);
}

/* ---- */

struct sync *sync_new(const struct sync_setup *setup)
{
    struct sync *sync = calloc(1, sizeof *sync);
    if (sync == NULL)
        abort();
    assert(setup->filter->limit == FILTER_NO_LIMIT);
    sync->setup = *setup;
    filter_copy(&sync->filter, &sync->arena, setup->filter);
    sync->cursor = setup->cursor;
    uv_timer_init(setup->link->host->loop, &sync->later);
    sync->later.data = sync;
    if (setup->never_reconciles)
        sync_page(sync);
    else
        sync_reconcile(sync);
    return sync;
}

static void on_closed(uv_handle_t *handle)
{
    struct sync *sync = handle->data;
    arena_clear(&sync->arena);
    sig_keys_free(sync->keys);
    free(sync->need.at);
    free(sync->have.at);
    free(sync->is_theirs);
    free(sync);
}

void sync_free(struct sync *sync)
{
    if (sync->is_freed)
        return;
    sync->is_freed = true;
    if (sync->query != NULL)
        link_drop(sync->query);
    for (size_t i = 0; i < SYNC_BATCHES; i++)
        if (sync->batches[i].query != NULL)
            link_drop(sync->batches[i].query);
    uv_close((uv_handle_t *)&sync->later, on_closed);
}

const struct sync_counts *sync_counts(const struct sync *sync)
{
    return &sync->counts;
}
