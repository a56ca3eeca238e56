#include "relay/db.h"

#include <stdlib.h>

#include "relay/log.h"
#include "relay/metrics.h"
#include "shared/err.h"

enum { DB_WATCH_MS = 500, DB_ERROR_CHARS = 200 };

/* Each state keeps exactly one thing going on the loop:
 *
 *     DOWN --timer--> CONNECTING --pool thread--> READY --poll--> DOWN ...
 *                          \--------- refused ----------------->/
 *
 * In READY the timer is the watch that ends a connection which does not answer; it is also how a
 * loss noticed within a call of ours becomes one noticed on the loop. */
enum state { DB_DOWN, DB_CONNECTING, DB_READY };

enum awaited {
    DB_STATEMENT, /* of a transaction */
    DB_LONE,      /* its result is kept until the sync has said that it is committed */
    DB_SYNC,
};

struct pending {
    enum awaited awaited;
    db_reply_fn *reply;
    void *owner;
};

struct db {
    struct db_setup setup;
    uv_loop_t *loop;
    enum state state;
    bool closing, broken, is_loss_logged;
    uv_timer_t timer;
    uv_work_t connect; /* runs in DB_CONNECTING; conn and error are then the pool thread's */
    uv_poll_t *poll;   /* runs in DB_READY; one per connection, as libuv wants */
    int watched;       /* what it waits for: a change costs two system calls */
    PGconn *conn;      /* NULL in DB_DOWN */
    char error[DB_ERROR_CHARS];
    uint32_t silent_ms; /* since the last answer, in turns of the watch: it does not count the time
                           in which this process did not run */
    PGresult *failed, *kept; /* of the transaction being answered */
    uint32_t head, tail;     /* of pending: sent and unanswered, in PostgreSQL's order */
    struct pending pending[DB_PENDING_MAX];
};

static void enter(struct db *db, enum state state);
static void on_poll(uv_poll_t *poll, int status, int events);

static PGconn *connect_to(const char *conninfo, const char *session_attrs)
{
    /* What stands before dbname is overridden by what the connection string in it says. */
    static const char *const keywords[] = {"connect_timeout",      "keepalives_idle",
                                           "keepalives_interval",  "keepalives_count",
                                           "tcp_user_timeout",     "fallback_application_name",
                                           "target_session_attrs", "dbname",
                                           "client_encoding",      NULL};
    const char *values[] = {"5",           "10",          "5",      "3",    "20000",
                            "shoal-relay", session_attrs, conninfo, "UTF8", NULL};
    return PQconnectdbParams(keywords, values, 1);
}

PGconn *db_connect(const char *conninfo)
{
    return connect_to(conninfo, NULL);
}

const char *db_error(const PGresult *result)
{
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    return text != NULL ? text : "no reason given";
}

static void ignore_notice(void *arg, const PGresult *result)
{
    (void)arg;
    (void)result;
}

static void connect_blocking(uv_work_t *work)
{
    struct db *db = work->data;
    PGconn *conn = connect_to(db->setup.conninfo, db->setup.session_attrs);
    PQsetNoticeReceiver(conn, ignore_notice, NULL);
    if (PQstatus(conn) == CONNECTION_OK &&
        (db->setup.prepare == NULL || db->setup.prepare(conn, db->setup.context)) &&
        PQsetnonblocking(conn, 1) == 0 && PQenterPipelineMode(conn) == 1) {
        db->conn = conn;
        return;
    }
    const char *error = PQerrorMessage(conn);
    size_t len = strcspn(error, "\n");
    if (len >= sizeof db->error)
        len = sizeof db->error - 1;
    memcpy(db->error, error, len);
    db->error[len] = '\0';
    PQfinish(conn);
}

static void shut(struct db *db);

static void on_connected(uv_work_t *work, int status)
{
    struct db *db = work->data;
    (void)status; /* of a cancelled one conn is NULL */
    if (db->closing) {
        shut(db);
        return;
    }
    if (db->conn == NULL && !db->is_loss_logged) {
        log_warning("db", "cannot connect: %s", db->error);
        metrics_add(METRIC_DATABASE_ERRORS, 1);
        db->is_loss_logged = true;
    }
    enter(db, db->conn != NULL ? DB_READY : DB_DOWN);
}

static void on_timer(uv_timer_t *timer)
{
    struct db *db = timer->data;
    if (db->head != db->tail)
        db->silent_ms += DB_WATCH_MS;
    bool is_late = db->setup.answer_ms_max > 0 && db->silent_ms > db->setup.answer_ms_max;
    if (db->state == DB_DOWN) {
        enter(db, DB_CONNECTING);
    } else if (db->state == DB_READY && (db->broken || is_late)) {
        if (is_late)
            log_warning("db", "no answer in %u ms: connection given up", db->setup.answer_ms_max);
        enter(db, DB_DOWN);
    } else if (db->state == DB_READY) {
        on_poll(db->poll, 0, 0); /* what libpq may have read while it wrote */
    }
}

static void answer(struct db *db, const PGresult *result)
{
    struct pending pending = db->pending[db->head++ % DB_PENDING_MAX];
    db->silent_ms = 0;
    if (pending.reply != NULL)
        pending.reply(pending.owner, result);
}

static void clear_transaction(struct db *db)
{
    PQclear(db->failed);
    PQclear(db->kept);
    db->failed = db->kept = NULL;
}

static void answer_lost(struct db *db)
{
    clear_transaction(db);
    while (db->head != db->tail)
        answer(db, NULL);
}

static bool is_error(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    return status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK;
}

/* The reply may free db, and with it what is of the transaction in it. */
static void on_sync(struct db *db, const PGresult *sync)
{
    PGresult *failed = db->failed, *kept = db->kept;
    db->failed = db->kept = NULL;
    answer(db, failed != NULL ? failed : kept != NULL ? kept : sync);
    PQclear(failed);
    PQclear(kept);
}

/* Takes the result over. False when the connection makes no sense any more. */
static bool on_result(struct db *db, PGresult *result)
{
    enum awaited awaited = db->pending[db->head % DB_PENDING_MAX].awaited;
    bool is_sync = PQresultStatus(result) == PGRES_PIPELINE_SYNC;
    bool is_first_failure = !is_sync && is_error(result) && db->failed == NULL;
    if (is_sync != (awaited == DB_SYNC) && !is_first_failure) {
        PQclear(result);
        return false;
    }
    if (is_sync) {
        on_sync(db, result);
        PQclear(result);
        return true;
    }
    if (is_first_failure)
        db->failed = result;
    if (awaited == DB_LONE) {
        db->head++; /* answered by the sync */
        if (!is_first_failure)
            db->kept = result;
    } else if (awaited == DB_STATEMENT) {
        answer(db, result);
        if (!is_first_failure)
            PQclear(result);
    } /* else the commit itself failed; the sync is still to come */
    return true;
}

static bool read_results(struct db *db)
{
    bool was_null = false;
    while (db->conn != NULL && db->head != db->tail && !PQisBusy(db->conn)) {
        PGresult *result = PQgetResult(db->conn);
        if (PQstatus(db->conn) == CONNECTION_BAD || (result == NULL && was_null)) {
            PQclear(result);
            return false;
        }
        was_null = result == NULL; /* one ends each statement */
        if (result != NULL && !on_result(db, result))
            return false;
    }
    return true;
}

static void read_notifies(struct db *db)
{
    PGnotify *notify;
    while (db->conn != NULL && (notify = PQnotifies(db->conn)) != NULL) {
        if (db->setup.on_notify != NULL && notify->be_pid != PQbackendPID(db->conn))
            db->setup.on_notify(db->setup.owner, notify);
        PQfreemem(notify);
    }
}

static void watch(struct db *db, int events)
{
    if (db->watched != events)
        uv_poll_start(db->poll, events, on_poll);
    db->watched = events;
}

/* A reply may free db: then conn is NULL, and the memory stays until its handles have closed. */
static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct db *db = poll->data;
    (void)events;
    bool is_alive =
        status == 0 && PQflush(db->conn) >= 0 && PQconsumeInput(db->conn) == 1 && read_results(db);
    if (is_alive)
        read_notifies(db);
    if (db->conn == NULL)
        return;
    int unsent = is_alive && !db->broken ? PQflush(db->conn) : -1;
    if (unsent < 0)
        enter(db, DB_DOWN);
    else
        watch(db, unsent == 1 ? UV_READABLE | UV_WRITABLE : UV_READABLE);
}

static void on_poll_closed(uv_handle_t *poll)
{
    free(poll);
}

static void leave_ready(struct db *db)
{
    metrics_move(METRIC_DATABASE_UP, -1);
    uv_close((uv_handle_t *)db->poll, on_poll_closed);
    PQfinish(db->conn);
    db->poll = NULL;
    db->watched = 0;
    db->conn = NULL;
}

static void enter_down(struct db *db, bool was_ready)
{
    uv_timer_start(&db->timer, on_timer, DB_RETRY_MS, 0);
    answer_lost(db);
    if (!was_ready || db->closing)
        return;
    log_warning("db", "connection lost");
    metrics_add(METRIC_DATABASE_ERRORS, 1);
    db->is_loss_logged = true;
    if (db->setup.on_state != NULL)
        db->setup.on_state(db->setup.owner, false);
}

static void enter_ready(struct db *db)
{
    if (db->is_loss_logged)
        log_info("db", "connected");
    db->is_loss_logged = db->broken = false;
    db->silent_ms = 0;
    metrics_move(METRIC_DATABASE_UP, 1);
    db->poll = calloc(1, sizeof *db->poll);
    if (db->poll == NULL)
        abort();
    db->poll->data = db;
    uv_poll_init(db->loop, db->poll, PQsocket(db->conn));
    watch(db, UV_READABLE);
    uv_timer_start(&db->timer, on_timer, DB_WATCH_MS, DB_WATCH_MS);
    if (db->setup.on_state != NULL)
        db->setup.on_state(db->setup.owner, true);
}

/* The one place the state changes: stop what the old state ran, start what the new one runs. */
static void enter(struct db *db, enum state state)
{
    bool was_ready = db->state == DB_READY;
    uv_timer_stop(&db->timer);
    if (was_ready)
        leave_ready(db);
    db->state = state;
    switch (state) {
    case DB_DOWN:
        enter_down(db, was_ready);
        break;
    case DB_CONNECTING:
        uv_queue_work(db->loop, &db->connect, connect_blocking, on_connected);
        break;
    case DB_READY:
        enter_ready(db);
        break;
    }
}

struct db *db_new(uv_loop_t *loop, const struct db_setup *setup)
{
    struct db *db = calloc(1, sizeof *db);
    if (db == NULL)
        abort();
    db->loop = loop;
    db->setup = *setup;
    db->connect.data = db;
    uv_timer_init(loop, &db->timer);
    db->timer.data = db;
    uv_timer_start(&db->timer, on_timer, 0, 0); /* the caller may yet change who we are */
    return db;
}

static void on_timer_closed(uv_handle_t *timer)
{
    free(timer->data);
}

static void shut(struct db *db)
{
    if (db->state == DB_READY)
        enter(db, DB_DOWN);
    PQfinish(db->conn); /* connected while closing */
    db->conn = NULL;
    answer_lost(db);
    uv_close((uv_handle_t *)&db->timer, on_timer_closed);
}

void db_free(struct db *db)
{
    db->closing = true;
    if (db->state != DB_CONNECTING)
        shut(db);
    else
        uv_cancel((uv_req_t *)&db->connect); /* on_connected shuts; the pool thread may have conn */
}

bool db_is_ready(const struct db *db)
{
    return db->state == DB_READY && !db->broken;
}

uint32_t db_pending(const struct db *db)
{
    return db->tail - db->head;
}

/* The next turn of the loop notices that the connection is lost. */
static void give_up(struct db *db)
{
    db->broken = true;
    uv_poll_stop(db->poll);
    uv_timer_start(&db->timer, on_timer, 0, 0);
}

void db_reconnect(struct db *db)
{
    if (db->state == DB_READY)
        give_up(db);
}

/* Nothing is read or answered here: that would be from within the caller's call. libpq may have
 * read, where it could not write at once: an answer that is there is taken in the next turn. */
static bool finish_send(struct db *db, bool is_sent, struct err *err)
{
    if (is_sent && PQstatus(db->conn) != CONNECTION_BAD) {
        if (PQflush(db->conn) != 0 || PQisBusy(db->conn) == 0)
            watch(db, UV_READABLE | UV_WRITABLE);
        return true;
    }
    give_up(db); /* half a transaction may be on its way: without a sync it comes to nothing */
    return err_set(err, ERR_INTERNAL, "the database is unavailable");
}

static void await(struct db *db, enum awaited awaited, db_reply_fn *reply, void *owner)
{
    db->pending[db->tail++ % DB_PENDING_MAX] = (struct pending){awaited, reply, owner};
}

static bool can_send(const struct db *db, uint32_t count, struct err *err)
{
    if (!db_is_ready(db))
        return err_set(err, ERR_INTERNAL, "the database is unavailable");
    if (DB_PENDING_MAX - db_pending(db) < count)
        return err_set(err, ERR_INTERNAL, "the database is busy");
    return true;
}

static bool send_call(struct db *db, const struct db_call *call)
{
    return PQsendQueryPrepared(db->conn, call->statement, call->count, call->values, call->lengths,
                               call->formats, 1) == 1;
}

bool db_query(struct db *db, const struct db_call *call, struct err *err)
{
    if (!can_send(db, 2, err) ||
        !finish_send(db, send_call(db, call) && PQpipelineSync(db->conn) == 1, err))
        return false;
    await(db, DB_LONE, NULL, NULL);
    await(db, DB_SYNC, call->reply, call->owner);
    return true;
}

bool db_transaction(struct db *db, const struct db_call *calls, uint32_t count, db_reply_fn *done,
                    void *owner, struct err *err)
{
    const struct db_call *apart = calls[count - 1].is_apart ? &calls[count - 1] : NULL;
    if (!can_send(db, count + 2, err))
        return false;
    bool is_sent = true;
    for (uint32_t i = 0; i < count && is_sent; i++)
        is_sent = (&calls[i] != apart || PQpipelineSync(db->conn) == 1) && send_call(db, &calls[i]);
    if (!finish_send(db, is_sent && PQpipelineSync(db->conn) == 1, err))
        return false;
    for (uint32_t i = 0; i < count - (apart != NULL); i++)
        await(db, DB_STATEMENT, calls[i].reply, calls[i].owner);
    await(db, DB_SYNC, done, owner);
    if (apart != NULL) {
        await(db, DB_LONE, NULL, NULL);
        await(db, DB_SYNC, apart->reply, apart->owner);
    }
    return true;
}
