#include "relay/tail.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "relay/db.h"
#include "relay/log.h"
#include "relay/param.h"
#include "relay/row.h"
#include "relay/schema.h"
#include "relay/table.h"
#include "relay/tail_live.h"
#include "relay/tail_purged.h"
#include "relay/tail_queue.h"
#include "relay/tail_sql.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/filter.h"

enum {
    TAIL_ANSWER_MS_MAX = 15000,
    TAIL_FETCH_MAX = 16, /* batches fetched at once: each may hold a megabyte */
    TAIL_LIST_MAX = 10000,
    /* A standby that is promoted gives out again the numbers of transactions that it had not heard
       of when its primary died: nobody has seen those, and they are about to be used. */
    TAIL_REUSED_MAX = 4096,
};

struct tail {
    struct tail_setup setup;
    uv_loop_t *loop;
    uv_timer_t *poll;
    struct db *db;
    struct tail_live *live;
    char channel[TAIL_CHANNEL_CHARS_MAX + 1], live_channel[TAIL_CHANNEL_CHARS_MAX + 1];
    bool has_begun;    /* from some place on, nothing is missed */
    bool is_caught_up; /* since it was connected; until then own batches do not wait */
    bool is_fetching, is_listing;
    uint32_t fetching;      /* entries at the head that are being fetched */
    uint64_t fetched_after; /* of the last of them */
    struct tail_queue queue;
    uint64_t begun, ended; /* own batches: the newest begun, the newest settled */
    struct table settled;  /* by batch: struct tail_entry, not in the queue */
    struct table known;    /* by xid: handed on or in the queue, from kept on */
    int64_t first;         /* safe at first: what is below was there before us */
    int64_t safe;          /* below it all was handed on; INT64_MAX: not known yet */
    int64_t kept;          /* safe, less what a standby may give out again */
    int64_t list_from;     /* safe; kept, on a new connection; or where a list was full */
    bool is_continued;     /* the list before was full */
    int64_t *listed;       /* xids of a list that waits for own batches to settle */
    uint32_t listed_count;
    uint64_t listed_until; /* the batch it waits for */
    int64_t listed_safe;
    int64_t listed_below;  /* what is below had ended when it was listed */
    int64_t settled_below; /* the same of the list before */
};

static char known_mark; /* the value of a key in known */

static void advance(struct tail *tail);
static void list(struct tail *tail);

static bool is_known(const struct tail *tail, int64_t xid)
{
    return table_get(&tail->known, (uint64_t)xid) != NULL;
}

static void push(struct tail *tail, int64_t xid, uint64_t batch)
{
    struct tail_entry *entry = tail_entry_new(xid, batch);
    entry->after = tail->begun;
    table_put(&tail->known, (uint64_t)xid, &known_mark);
    tail_queue_append(&tail->queue, entry);
}

static void say_fetch(const struct tail *tail, bool is_over)
{
    if (tail->setup.on_fetch != NULL)
        tail->setup.on_fetch(tail->setup.owner, is_over);
}

static void on_fetched(void *owner, const PGresult *result)
{
    struct tail *tail = owner;
    tail->is_fetching = false;
    if (PQresultStatus(result) != PGRES_TUPLES_OK) {
        say_fetch(tail, true);
        if (result != NULL) /* else the queue is given up by on_state */
            log_error("tail", "cannot fetch: %s", db_error(result));
        return; /* the next poll tries again */
    }
    struct arena arena = {0};
    uint32_t count;
    const struct event *events = tail_sql_events(&arena, result, &count);
    bool is_early = tail->fetched_after > tail->ended && tail_sql_deletes(events, count);
    /* What it took may be of an own batch: that is settled first, and it is fetched again. */
    for (uint32_t i = 0; !is_early && i < tail->fetching; i++)
        tail_queue_pop(&tail->queue);
    for (uint32_t i = 0; !is_early && i < count; i++)
        tail->setup.on_foreign(tail->setup.owner, &events[i]);
    say_fetch(tail, true);
    arena_clear(&arena);
    if (!is_early)
        advance(tail);
}

static bool is_foreign(const struct tail *tail, const struct tail_entry *entry)
{
    /* A batch that is over and not waiting was settled without an answer. */
    return entry->purged == NULL &&
           (entry->batch == 0 ||
            (entry->batch <= tail->ended && table_get(&tail->settled, entry->batch) == NULL));
}

static void fetch(struct tail *tail)
{
    struct param_list params = {0};
    struct db_call call = {.statement = TAIL_FETCH, .reply = on_fetched, .owner = tail};
    struct err err;
    int xids = param_begin(&params, PARAM_INT8);
    tail->fetching = 0;
    for (const struct tail_entry *entry = tail->queue.head;
         entry != NULL && is_foreign(tail, entry) && tail->fetching < TAIL_FETCH_MAX;
         entry = entry->next, tail->fetching++) {
        param_add_int8(&params, xids, entry->xid);
        tail->fetched_after = entry->after;
    }
    param_call(&params, &call);
    tail->is_fetching = db_query(tail->db, &call, &err);
    param_clear(&params);
    if (tail->is_fetching)
        say_fetch(tail, false);
}

static void set_caught_up(struct tail *tail, bool is_caught_up)
{
    if (tail->is_caught_up == is_caught_up)
        return;
    tail->is_caught_up = is_caught_up;
    if (tail->setup.on_caught_up != NULL)
        tail->setup.on_caught_up(tail->setup.owner, is_caught_up);
}

static void hand_purged(struct tail *tail, const struct tail_purged *purged)
{
    const struct filter filter = {.until = INT64_MAX,
                                  .limit = FILTER_NO_LIMIT,
                                  .ids = {.count = purged->count, .at = purged->ids}};
    tail->setup.on_purged(tail->setup.owner, &filter);
}

/* Hands on what can be handed on from the head of the queue. */
static void advance(struct tail *tail)
{
    while (tail->is_caught_up && !tail->is_fetching && tail->queue.head != NULL) {
        struct tail_entry *entry = tail->queue.head;
        if (is_foreign(tail, entry)) {
            fetch(tail);
            return;
        }
        uint64_t batch = entry->batch;
        if (entry->purged != NULL) {
            if (entry->after > tail->ended)
                return; /* it may have stored what was purged, and its answer is on its way */
            hand_purged(tail, entry->purged);
            tail_queue_pop(&tail->queue);
            continue;
        }
        struct tail_entry *settled = table_remove(&tail->settled, batch);
        if (settled == NULL)
            return; /* not settled yet */
        free(settled);
        tail_queue_pop(&tail->queue);
        tail->setup.on_own(tail->setup.owner, batch);
    }
}

/* Nothing below safe will appear any more; what is in the queue still has to be handed on. */
static void set_safe(struct tail *tail, int64_t safe)
{
    struct table kept = {0};
    for (const struct tail_entry *entry = tail->queue.head; entry != NULL; entry = entry->next)
        if (entry->xid < safe)
            safe = entry->xid;
    if (tail->safe == INT64_MAX)
        tail->first = safe;
    tail->safe = tail->list_from = safe;
    tail->kept = safe - tail->first > TAIL_REUSED_MAX ? safe - TAIL_REUSED_MAX : tail->first;
    for (size_t i = 0; tail->known.count > 0 && i < (size_t)1 << tail->known.bits; i++)
        if (tail->known.slots[i].value != NULL && (int64_t)tail->known.slots[i].key >= tail->kept)
            table_put(&kept, tail->known.slots[i].key, &known_mark);
    table_clear(&tail->known);
    tail->known = kept;
}

static uint64_t batch_of(const struct tail *tail, int64_t xid)
{
    size_t place = 0;
    for (const struct tail_entry *settled; (settled = table_next(&tail->settled, &place)) != NULL;)
        if (settled->xid == xid)
            return settled->batch;
    return 0;
}

/* Behind what is in the queue: transactions that nobody told us of. Those that may only just have
 * committed are left to their notifications, which alone know the order, until the next list. */
static void push_listed(struct tail *tail)
{
    for (uint32_t i = 0; i < tail->listed_count; i++) {
        int64_t xid = tail->listed[i];
        if (is_known(tail, xid))
            continue;
        if (!tail->is_caught_up || xid < tail->settled_below)
            push(tail, xid, batch_of(tail, xid));
        else if (xid < tail->listed_safe)
            tail->listed_safe = xid;
    }
    tail->settled_below = tail->listed_below;
}

/* When a connection has just begun, what is listed comes before what was notified since. */
static void use_list(struct tail *tail)
{
    if (tail->listed == NULL || tail->ended < tail->listed_until)
        return;
    struct tail_queue newer = {0};
    if (!tail->is_caught_up) {
        newer = tail->queue;
        tail->queue = (struct tail_queue){0};
    }
    push_listed(tail);
    tail_queue_join(&tail->queue, &newer);
    bool is_full = tail->listed_count == TAIL_LIST_MAX;
    tail->is_continued = is_full;
    if (is_full)
        tail->list_from = tail->listed[TAIL_LIST_MAX - 1] + 1;
    else
        set_safe(tail, tail->listed_safe);
    free(tail->listed);
    tail->listed = NULL;
    tail->has_begun = true;
    set_caught_up(tail, true);
    advance(tail);
    if (is_full)
        list(tail);
}

static void on_listed(void *owner, const PGresult *result)
{
    struct tail *tail = owner;
    tail->is_listing = false;
    if (PQresultStatus(result) != PGRES_TUPLES_OK) {
        if (result != NULL)
            log_error("tail", "cannot list: %s", db_error(result));
        return;
    }
    int rows = PQntuples(result);
    tail->listed = calloc((size_t)rows, sizeof *tail->listed);
    if (tail->listed == NULL)
        abort();
    tail->listed_count = (uint32_t)rows - 1;
    tail->listed_below = row_int8(result, 0, 0);
    if (!tail->is_continued)
        tail->listed_safe = tail->listed_below;
    for (int row = 1; row < rows; row++)
        tail->listed[row - 1] = row_int8(result, row, 0);
    /* One of these may be an own batch whose answer is still on its way. */
    tail->listed_until = tail->begun;
    use_list(tail);
}

static void list(struct tail *tail)
{
    struct param_list params = {0};
    struct db_call call = {.statement = TAIL_LIST, .reply = on_listed, .owner = tail};
    struct err err;
    if (tail->is_listing || tail->listed != NULL)
        return;
    param_int8(&params, tail->list_from);
    param_int8(&params, TAIL_LIST_MAX);
    param_call(&params, &call);
    tail->is_listing = db_query(tail->db, &call, &err);
    param_clear(&params);
}

static void on_poll(uv_timer_t *timer)
{
    struct tail *tail = timer->data;
    if (!db_is_ready(tail->db))
        return;
    list(tail);
    advance(tail);
}

static void push_purged(struct tail *tail, struct tail_purged *purged)
{
    struct tail_entry *entry = tail_entry_new(TAIL_NO_XID, 0);
    entry->after = tail->begun;
    entry->purged = purged;
    tail_queue_append(&tail->queue, entry);
    advance(tail);
}

/* "xid origin batch" */
static void on_committed(struct tail *tail, const char *payload)
{
    uint64_t xid, origin, batch;
    if (!tail_word(&payload, 10, &xid) || !tail_word(&payload, 16, &origin) ||
        !tail_word(&payload, 10, &batch))
        return; /* somebody else's */
    if ((int64_t)xid < tail->kept && tail->safe != INT64_MAX)
        return;
    if (is_known(tail, (int64_t)xid))
        return;
    push(tail, (int64_t)xid, origin == tail->setup.origin ? batch : 0);
    advance(tail);
}

static void on_notify(void *owner, const PGnotify *notify)
{
    struct tail *tail = owner;
    struct tail_purged *purged;
    if (strcmp(notify->relname, tail->channel) == 0 &&
        (purged = tail_purged_read(notify->extra)) != NULL)
        push_purged(tail, purged);
    else if (strcmp(notify->extra, TAIL_ROUTES) == 0 && tail->setup.on_routes != NULL)
        tail->setup.on_routes(tail->setup.owner);
    else if (strcmp(notify->relname, tail->channel) == 0)
        on_committed(tail, notify->extra);
    else if (strcmp(notify->relname, tail->live_channel) == 0)
        tail_live_receive(tail->live, notify->extra, tail->setup.on_foreign, tail->setup.owner);
}

/* Own batches need not wait for a tail that is down; what is in the queue will be listed again. */
static void give_up_queue(struct tail *tail)
{
    while (tail->queue.head != NULL) {
        table_remove(&tail->known, (uint64_t)tail->queue.head->xid);
        tail_queue_pop(&tail->queue);
    }
    free(tail->listed);
    tail->listed = NULL;
    tail->list_from = tail->safe == INT64_MAX ? INT64_MAX : tail->kept;
    tail->is_continued = false;

    size_t count;
    struct tail_entry **settled = tail_entries_take(&tail->settled, &count);
    for (size_t i = 0; i < count; i++) {
        table_put(&tail->known, (uint64_t)settled[i]->xid, &known_mark);
        tail->setup.on_own(tail->setup.owner, settled[i]->batch);
        free(settled[i]);
    }
    free(settled);
}

static void on_state(void *owner, bool is_ready)
{
    struct tail *tail = owner;
    set_caught_up(tail, false);
    if (is_ready)
        list(tail);
    else
        give_up_queue(tail);
}

struct tail *tail_new(uv_loop_t *loop, const struct tail_setup *setup)
{
    struct tail *tail = calloc(1, sizeof *tail);
    if (tail == NULL)
        abort();
    tail->setup = *setup;
    tail->safe = tail->list_from = setup->hears_all ? 1 : INT64_MAX;
    snprintf(tail->channel, sizeof tail->channel, "shoal_%.*s", SCHEMA_NAME_MAX,
             setup->shard->schema);
    snprintf(tail->live_channel, sizeof tail->live_channel, "shoal_%.*s_live", SCHEMA_NAME_MAX,
             setup->shard->schema);
    tail->live = tail_live_new(setup->origin, tail->live_channel);
    const struct db_setup db_setup = {.conninfo = setup->shard->conninfo,
                                      .prepare = tail_sql_prepare,
                                      .context = setup->shard,
                                      .on_state = on_state,
                                      .on_notify = on_notify,
                                      .owner = tail,
                                      .answer_ms_max = TAIL_ANSWER_MS_MAX};
    tail->db = db_new(loop, &db_setup);
    tail->poll = calloc(1, sizeof *tail->poll);
    if (tail->poll == NULL)
        abort();
    tail->poll->data = tail;
    uv_timer_init(loop, tail->poll);
    uv_timer_start(tail->poll, on_poll, setup->poll_ms, setup->poll_ms);
    return tail;
}

static void on_poll_closed(uv_handle_t *poll)
{
    free(poll);
}

void tail_free(struct tail *tail)
{
    uv_close((uv_handle_t *)tail->poll, on_poll_closed);
    db_free(tail->db);
    give_up_queue(tail);
    table_clear(&tail->known);
    tail_live_free(tail->live);
    free(tail);
}

bool tail_has_begun(const struct tail *tail)
{
    return tail->has_begun;
}

const char *tail_channel(const struct tail *tail)
{
    return tail->channel;
}

void tail_begun(struct tail *tail, uint64_t batch)
{
    tail->begun = batch;
}

void tail_settled(struct tail *tail, uint64_t batch, int64_t xid)
{
    tail->ended = batch;
    if (xid != 0 && tail->is_caught_up) {
        table_put(&tail->settled, batch, tail_entry_new(xid, batch));
    } else if (xid != 0) {
        tail_queue_remove(&tail->queue, batch);
        table_put(&tail->known, (uint64_t)xid, &known_mark);
        tail->setup.on_own(tail->setup.owner, batch);
    }
    use_list(tail);
    advance(tail);
}

void tail_forward(struct tail *tail, const struct event *event)
{
    if (db_is_ready(tail->db))
        tail_live_send(tail->live, tail->db, event);
}
