#include "relay/reconcile.h"

#include <assert.h>
#include <stdlib.h>

#include "relay/list.h"
#include "relay/metrics.h"
#include "relay/policy.h"
#include "relay/records.h"
#include "relay/reply.h"
#include "relay/session.h"
#include "relay/shards.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/negentropy.h"
#include "shared/text.h"

enum {
    READS_MAX = 4,             /* pages asked for and not here yet, of all */
    OF_SESSION_MAX = 16,       /* reconciliations */
    ALL_RECORDS_TIMES = 4,     /* records_max: what all may keep together, */
    ALL_RECORDS_LEAST = 65536, /* and that */
    COLLECT_MS_MAX = 120000,
    SILENT_MS_MAX = 60000,
    LIFE_MS_MAX = 3600000,
    ENVELOPE_BYTES_MAX = 512, /* of NEG-MSG around its hex: the name can be 64 escaped characters */
    FRAME_BYTES_MAX = 65024,  /* 128 KiB in hex: what the most deployed relay takes at most */
};

enum stage {
    COLLECTING, /* pages of the store */
    ANSWERING,  /* waits for the pool, or is there */
    LISTENING,  /* the client's turn */
};

struct reconcile {
    struct reconcile_desk *desk;
    struct session *session; /* NULL: it has ended */
    struct list_node listed; /* in session->reconciles, or in desk->ended */
    struct list_node queued; /* in desk->readers or desk->workers */
    struct arena arena;
    struct span name;
    enum stage stage;
    bool is_away; /* a page is on its way to it, or the pool has it */
    uint64_t opened_ms, heard_ms;

    uv_work_t work;
    struct records records; /* this and what follows is the pool's while it is there */
    bool is_sealed;
    struct text message, answer;
    bool is_answered;
    struct err why; /* it is not */
};

struct reconcile_desk {
    struct reconcile_setup setup;
    uv_loop_t *loop;
    struct list readers; /* want a page */
    struct list workers; /* want an answer */
    struct list ended;   /* of no session any more, and still away */
    uint32_t reads;
    bool is_working;
    struct records_budget budget;
    const char *draining;
};

struct reconcile_desk *reconcile_desk_new(uv_loop_t *loop, const struct reconcile_setup *setup)
{
    struct reconcile_desk *desk = calloc(1, sizeof *desk);
    if (desk == NULL)
        abort();
    desk->setup = *setup;
    desk->loop = loop;
    desk->budget = (struct records_budget){.each_max = setup->records_max,
                                           .all_max = ALL_RECORDS_TIMES * setup->records_max +
                                                      ALL_RECORDS_LEAST};
    return desk;
}

static void release(struct reconcile *reconcile)
{
    records_clear(&reconcile->records);
    text_clear(&reconcile->message);
    text_clear(&reconcile->answer);
    arena_clear(&reconcile->arena);
    free(reconcile);
}

void reconcile_desk_free(struct reconcile_desk *desk)
{
    assert(desk->readers.head == NULL && desk->workers.head == NULL && !desk->is_working);
    for (struct reconcile *reconcile; (reconcile = list_first(&desk->ended)) != NULL;) {
        shards_forget(desk->setup.store, reconcile);
        list_remove(&desk->ended, &reconcile->listed);
        release(reconcile);
    }
    free(desk);
}

bool reconcile_is_pending(const struct reconcile_desk *desk)
{
    return desk->is_working;
}

/* What is away comes back first, and is counted until then. */
static void end(struct reconcile *reconcile)
{
    struct reconcile_desk *desk = reconcile->desk;
    struct session *session = reconcile->session;
    list_remove(&desk->readers, &reconcile->queued);
    list_remove(&desk->workers, &reconcile->queued);
    list_remove(&session->reconciles, &reconcile->listed);
    session->reconcile_count--;
    reconcile->session = NULL;
    if (reconcile->is_away)
        list_append(&desk->ended, &reconcile->listed, reconcile);
    else
        release(reconcile);
}

static void fail(struct reconcile *reconcile, const struct err *why, int64_t records_max)
{
    reply_neg_err(reconcile->session, reconcile->name, why, records_max);
    end(reconcile);
}

/* True when nobody waits for it any more: then it is gone. */
static bool is_buried(struct reconcile *reconcile)
{
    reconcile->is_away = false;
    if (reconcile->session != NULL)
        return false;
    list_remove(&reconcile->desk->ended, &reconcile->listed);
    release(reconcile);
    return true;
}

/* ---- answering ---- */

static size_t frame_bytes_max(const struct reconcile_desk *desk)
{
    int64_t bytes = (desk->setup.message_bytes_max - ENVELOPE_BYTES_MAX) / 2;
    if (bytes < NEGENTROPY_FRAME_BYTES_MIN)
        return NEGENTROPY_FRAME_BYTES_MIN;
    return bytes < FRAME_BYTES_MAX ? (size_t)bytes : FRAME_BYTES_MAX;
}

/* On the pool. */
static void work(uv_work_t *work)
{
    struct reconcile *reconcile = work->data;
    struct records *records = &reconcile->records;
    if (!reconcile->is_sealed)
        records->count = negentropy_seal(records->at, records->count);
    reconcile->is_sealed = true;
    const struct negentropy side = {
        .records = records->at,
        .count = records->count,
        .frame_bytes_max = frame_bytes_max(reconcile->desk),
    };
    reconcile->answer.len = 0;
    reconcile->is_answered = negentropy_reconcile(&side, &reconcile->answer,
                                                  text_span(&reconcile->message), &reconcile->why);
}

static void pump(struct reconcile_desk *desk);

static void on_worked(uv_work_t *work, int status)
{
    struct reconcile *reconcile = work->data;
    struct reconcile_desk *desk = reconcile->desk;
    (void)status;
    desk->is_working = false;
    if (is_buried(reconcile)) {
        pump(desk);
        return;
    }
    if (reconcile->is_answered) {
        reply_neg_msg(reconcile->session, reconcile->name, text_span(&reconcile->answer));
        reconcile->stage = LISTENING;
        reconcile->heard_ms = uv_now(desk->loop);
    } else {
        fail(reconcile, &reconcile->why, 0);
    }
    pump(desk);
}

static void want_answer(struct reconcile *reconcile)
{
    reconcile->stage = ANSWERING;
    list_append(&reconcile->desk->workers, &reconcile->queued, reconcile);
}

/* ---- collecting ---- */

static void on_page(void *owner, const struct store_page *page)
{
    struct reconcile *reconcile = owner;
    struct reconcile_desk *desk = reconcile->desk;
    struct err why;
    desk->reads--;
    if (is_buried(reconcile)) {
        pump(desk);
        return;
    }
    if (page == NULL) {
        err_fill(&why, ERR_INTERNAL, "the database is unavailable; try again");
        fail(reconcile, &why, 0);
    } else if (!records_take(&reconcile->records, page, reconcile->session, &why)) {
        fail(reconcile, &why, why.code == ERR_BLOCKED ? desk->setup.records_max : 0);
    } else if (reconcile->records.is_whole) {
        want_answer(reconcile);
    } else {
        list_append(&desk->readers, &reconcile->queued, reconcile);
    }
    pump(desk);
}

static void read_page(struct reconcile *reconcile)
{
    struct reconcile_desk *desk = reconcile->desk;
    struct err why;
    const struct store_read read = records_read(&reconcile->records, on_page, reconcile);
    if (!shards_read(desk->setup.store, &read, &why)) {
        fail(reconcile, &why, 0);
        return;
    }
    reconcile->is_away = true;
    desk->reads++;
}

/* Sends off what waits, each in its turn. Called last by whatever may have queued something. */
static void pump(struct reconcile_desk *desk)
{
    struct reconcile *reconcile;
    while (desk->reads < READS_MAX && (reconcile = list_first(&desk->readers)) != NULL) {
        list_remove(&desk->readers, &reconcile->queued);
        read_page(reconcile);
    }
    if (desk->is_working || (reconcile = list_first(&desk->workers)) == NULL)
        return;
    list_remove(&desk->workers, &reconcile->queued);
    reconcile->is_away = desk->is_working = true;
    reconcile->work.data = reconcile;
    if (uv_queue_work(desk->loop, &reconcile->work, work, on_worked) != 0)
        abort();
}

/* ---- messages ---- */

static struct reconcile *find(const struct session *session, struct span name)
{
    struct reconcile *reconcile = list_first(&session->reconciles);
    while (reconcile != NULL && !span_eq(reconcile->name, name))
        reconcile = list_next(&reconcile->listed);
    return reconcile;
}

static bool may_open(const struct reconcile_desk *desk, const struct session *session,
                     const struct filter *filter, struct err *err)
{
    if (desk->setup.records_max == 0)
        return err_set(err, ERR_BLOCKED, "nothing is reconciled here; ask by REQ");
    if (desk->draining != NULL)
        return err_set(err, ERR_CLOSED, "%s", desk->draining);
    if (filter->search.len > 0)
        return err_set(err, ERR_UNSUPPORTED, "what is searched for has no order to reconcile");
    if (!policy_filters(desk->setup.policy, filter, 1, session, err))
        return false;
    if (session->reconcile_count == OF_SESSION_MAX)
        return err_set(err, ERR_INTERNAL, "more than %d reconciliations", OF_SESSION_MAX);
    if (!shards_is_ready(desk->setup.store))
        return err_set(err, ERR_INTERNAL, "the database is unavailable; try again");
    return true;
}

void reconcile_open(struct reconcile_desk *desk, struct session *session, struct arena *arena,
                    struct span name, const struct filter *filter, struct span message)
{
    struct err why;
    metrics_add(METRIC_RECONCILES_OPENED, 1);
    reconcile_close(session, name);
    if (!may_open(desk, session, filter, &why)) {
        reply_neg_err(session, name, &why, 0);
        arena_clear(arena);
        return;
    }
    struct reconcile *reconcile = calloc(1, sizeof *reconcile);
    if (reconcile == NULL)
        abort();
    *reconcile = (struct reconcile){
        .desk = desk,
        .session = session,
        .arena = *arena,
        .name = name,
        .opened_ms = uv_now(desk->loop),
    };
    *arena = (struct arena){0};
    records_begin(&reconcile->records, &desk->budget, filter);
    text_add(&reconcile->message, message);
    list_append(&session->reconciles, &reconcile->listed, reconcile);
    session->reconcile_count++;
    if (reconcile->records.is_whole)
        want_answer(reconcile);
    else
        list_append(&desk->readers, &reconcile->queued, reconcile);
    pump(desk);
}

void reconcile_message(struct reconcile_desk *desk, struct session *session, struct span name,
                       struct span message)
{
    struct reconcile *reconcile = find(session, name);
    struct err why;
    if (reconcile == NULL) {
        err_fill(&why, ERR_CLOSED, "no reconciliation of this name is open");
        reply_neg_err(session, name, &why, 0);
        return;
    }
    if (reconcile->stage != LISTENING) {
        err_fill(&why, ERR_INVALID, "await the answer to your last message");
        fail(reconcile, &why, 0);
        return;
    }
    reconcile->message.len = 0;
    text_add(&reconcile->message, message);
    want_answer(reconcile);
    pump(desk);
}

void reconcile_close(struct session *session, struct span name)
{
    struct reconcile *reconcile = find(session, name);
    if (reconcile != NULL)
        end(reconcile);
}

void reconcile_refuse(struct session *session, struct span name, const struct err *why)
{
    reconcile_close(session, name);
    reply_neg_err(session, name, why, 0);
}

void reconcile_session_ended(struct session *session)
{
    for (struct reconcile *reconcile; (reconcile = list_first(&session->reconciles)) != NULL;)
        end(reconcile);
}

/* ---- time ---- */

/* Whether its time is up. */
static bool is_over(const struct reconcile *reconcile, uint64_t now_ms, struct err *why)
{
    uint64_t age_ms = now_ms - reconcile->opened_ms;
    bool is_slow = reconcile->stage == COLLECTING && age_ms > COLLECT_MS_MAX;
    bool is_silent = reconcile->stage == LISTENING && now_ms - reconcile->heard_ms > SILENT_MS_MAX;
    if (is_slow)
        err_fill(why, ERR_BLOCKED, "this query takes too long");
    else if (is_silent || age_ms > LIFE_MS_MAX)
        err_fill(why, ERR_CLOSED, "you took too long to respond!");
    return is_slow || is_silent || age_ms > LIFE_MS_MAX;
}

static bool tidy_session(void *owner, struct session *session)
{
    struct reconcile_desk *desk = owner;
    struct err why;
    struct reconcile *next;
    for (struct reconcile *reconcile = list_first(&session->reconciles); reconcile != NULL;
         reconcile = next) {
        next = list_next(&reconcile->listed);
        if (is_over(reconcile, uv_now(desk->loop), &why))
            fail(reconcile, &why, 0);
    }
    return true;
}

void reconcile_tidy(struct reconcile_desk *desk)
{
    session_each(desk->setup.sessions, tidy_session, desk);
}

static bool drain_session(void *owner, struct session *session)
{
    struct reconcile_desk *desk = owner;
    struct err why;
    err_fill(&why, ERR_CLOSED, "%s", desk->draining);
    for (struct reconcile *reconcile; (reconcile = list_first(&session->reconciles)) != NULL;)
        fail(reconcile, &why, 0);
    return true;
}

void reconcile_drain(struct reconcile_desk *desk, const char *reason)
{
    desk->draining = reason;
    session_each(desk->setup.sessions, drain_session, desk);
}
