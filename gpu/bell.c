#include "gpu/bell.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "gpu/database.h"
#include "gpu/journal.h"
#include "shared/err.h"

enum { AGAIN_MS = 500, CHANNEL_BYTES_MAX = 128 };

struct bell {
    uv_loop_t *loop;
    const struct database *database;
    struct bell_listener listeners[BELL_LISTENERS_MAX];
    size_t count;
    PGconn *conn; /* NULL: it is being made */
    uv_poll_t *poll;
    uv_timer_t timer;
    uv_work_t work;
    struct err err;
    bool is_working, is_closing, is_closed;
};

static void free_if_done(struct bell *bell)
{
    if (!bell->is_closed || bell->is_working)
        return;
    PQfinish(bell->conn);
    free(bell);
}

/* Asks to be told of every channel. */
static bool subscribe(struct bell *bell, struct err *err)
{
    PGresult *result = PQexec(bell->conn, "SELECT current_schema()");
    bool ok = PQresultStatus(result) == PGRES_TUPLES_OK && !PQgetisnull(result, 0, 0);
    for (size_t i = 0; ok && i < bell->count; i++) {
        char channel[CHANNEL_BYTES_MAX], sql[CHANNEL_BYTES_MAX + 16];
        snprintf(channel, sizeof channel, "%s_%s", PQgetvalue(result, 0, 0),
                 bell->listeners[i].channel);
        snprintf(sql, sizeof sql, "LISTEN \"%s\"", channel);
        PGresult *done = PQexec(bell->conn, sql);
        ok = PQresultStatus(done) == PGRES_COMMAND_OK;
        PQclear(done);
    }
    PQclear(result);
    return ok || err_set(err, ERR_INTERNAL, "the database lets nobody listen");
}

static bool connect_bell(struct bell *bell)
{
    bell->conn = database_connect(bell->database, &bell->err);
    if (bell->conn == NULL)
        return false;
    if (subscribe(bell, &bell->err))
        return true;
    PQfinish(bell->conn);
    bell->conn = NULL;
    return false;
}

/* ---- what is heard ---- */

static bool is_channel(const char *told, const char *channel)
{
    size_t told_len = strlen(told), len = strlen(channel);
    return told_len > len && told[told_len - len - 1] == '_' &&
           strcmp(told + told_len - len, channel) == 0;
}

static void ring(struct bell *bell, const PGnotify *notify)
{
    for (size_t i = 0; i < bell->count && !bell->is_closing; i++)
        if (notify == NULL || is_channel(notify->relname, bell->listeners[i].channel))
            bell->listeners[i].rung(bell->listeners[i].owner,
                                    notify != NULL ? notify->extra : NULL);
}

static void on_poll_closed(uv_handle_t *handle)
{
    free(handle);
}

static void drop(struct bell *bell)
{
    if (bell->poll != NULL)
        uv_close((uv_handle_t *)bell->poll, on_poll_closed);
    bell->poll = NULL;
    PQfinish(bell->conn);
    bell->conn = NULL;
}

static void on_again(uv_timer_t *timer);

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct bell *bell = poll->data;
    (void)events;
    if (status != 0 || PQconsumeInput(bell->conn) == 0) {
        journal_line(JOURNAL_WARNING, "database: lost, nothing is heard of it");
        drop(bell);
        uv_timer_start(&bell->timer, on_again, 0, 0);
        return;
    }
    PGnotify *notify;
    while (!bell->is_closing && (notify = PQnotifies(bell->conn)) != NULL) {
        ring(bell, notify);
        PQfreemem(notify);
    }
}

static void watch(struct bell *bell)
{
    bell->poll = calloc(1, sizeof *bell->poll);
    if (bell->poll == NULL || uv_poll_init(bell->loop, bell->poll, PQsocket(bell->conn)) != 0)
        abort();
    bell->poll->data = bell;
    uv_poll_start(bell->poll, UV_READABLE, on_readable);
}

/* ---- again ---- */

static void on_work(uv_work_t *work)
{
    (void)connect_bell(work->data);
}

static void on_worked(uv_work_t *work, int status)
{
    struct bell *bell = work->data;
    (void)status;
    bell->is_working = false;
    if (bell->is_closing) {
        free_if_done(bell);
        return;
    }
    if (bell->conn == NULL) {
        uv_timer_start(&bell->timer, on_again, AGAIN_MS, 0);
        return;
    }
    journal_line(JOURNAL_INFO, "database: heard again");
    watch(bell);
    ring(bell, NULL);
}

static void on_again(uv_timer_t *timer)
{
    struct bell *bell = timer->data;
    bell->is_working = true;
    bell->work.data = bell;
    uv_queue_work(bell->loop, &bell->work, on_work, on_worked);
}

struct bell *bell_open(uv_loop_t *loop, const struct database *database,
                       const struct bell_listener *listeners, size_t count, struct err *err)
{
    struct bell *bell = calloc(1, sizeof *bell);
    if (bell == NULL)
        abort();
    assert(count <= BELL_LISTENERS_MAX);
    bell->loop = loop;
    bell->database = database;
    bell->count = count;
    memcpy(bell->listeners, listeners, count * sizeof *listeners);
    if (!connect_bell(bell)) {
        *err = bell->err;
        free(bell);
        return NULL;
    }
    uv_timer_init(loop, &bell->timer);
    bell->timer.data = bell;
    watch(bell);
    return bell;
}

static void on_closed(uv_handle_t *handle)
{
    struct bell *bell = handle->data;
    bell->is_closed = true;
    free_if_done(bell);
}

void bell_close(struct bell *bell)
{
    bell->is_closing = true;
    if (bell->poll != NULL)
        drop(bell);
    uv_close((uv_handle_t *)&bell->timer, on_closed);
}
