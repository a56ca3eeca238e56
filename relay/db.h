/* db.h - one PostgreSQL connection on the loop: pipelined, binary, self-healing.
 *
 * Statements are sent as transactions: what is queued between db_begin and db_end runs in one
 * implicit transaction (one pipeline sync), and fails or commits as a whole.
 *
 *   lifetime   db_new at start, db_free at exit; every handle is on the loop given
 *   ownership  a PGresult is the callee's only during the call; db clears it
 *   threads    loop thread only (connecting, which blocks, happens on a pool thread)
 *   errors     ERR_INTERNAL: the database is down, or its queue is full
 *   order      replies arrive in the order of the queries, each exactly once, never from
 *              within db_query
 */
#pragma once

#include <libpq-fe.h>
#include <uv.h>

#include "shared/base.h"

struct db;
struct err;

enum { DB_PENDING_MAX = 1024, DB_RETRY_MS = 200 };

/* Blocks. With time-outs and keep-alives where conninfo names none. Never NULL; may be broken. */
PGconn *db_connect(const char *conninfo);

/* Values in results are binary. result is NULL when the connection was lost before the answer came.
 * The reply to a transaction's statement does not mean that it committed: the sync's reply does
 * (result non-NULL, status PGRES_PIPELINE_SYNC, after all statements answered without error). */
typedef void db_reply_fn(void *owner, const PGresult *result);

/* What PostgreSQL said, fit for a log: without the values in question. */
const char *db_error(const PGresult *result);

typedef void db_notify_fn(void *owner, const PGnotify *notify);
typedef void db_state_fn(void *owner, bool is_ready);

struct db_setup {
    const char *conninfo; /* kept, not copied */
    /* libpq's target_session_attrs, unless conninfo has its own. NULL: any server will do. */
    const char *session_attrs;
    /* After each (re)connect, on a pool thread. May be NULL. */
    bool (*prepare)(PGconn *conn, const void *context);
    const void *context;     /* for prepare; must live as long as the loop runs */
    db_state_fn *on_state;   /* may be NULL */
    db_notify_fn *on_notify; /* may be NULL */
    void *owner;
    uint32_t answer_ms_max; /* a connection silent for longer is lost; 0: it may take for ever */
};

/* Connects once the loop runs. */
struct db *db_new(uv_loop_t *loop, const struct db_setup *setup);

/* At any moment, from within a reply too. Unanswered queries are answered with NULL first; on_state
 * is not called any more. Memory goes when the last handle has closed. */
void db_free(struct db *db);

bool db_is_ready(const struct db *db);

/* Gives the connection up, if there is one, and connects anew; what is unanswered is answered with
 * NULL, never from within the call. */
void db_reconnect(struct db *db);

/* Answers awaited, one a statement and one a transaction. */
uint32_t db_pending(const struct db *db);

struct db_call {
    const char *statement;     /* a name that prepare prepared */
    const char *const *values; /* parameters; read during the call only */
    const int *lengths;        /* NULL: all are text */
    const int *formats;        /* NULL: all are text */
    int count;
    db_reply_fn *reply; /* may be NULL: nobody asks */
    void *owner;
    bool is_apart; /* the last of db_transaction: a transaction of its own, run even if that failed;
                      its reply is as of db_query */
};

/* One statement, one transaction: its reply comes after the commit, with the statement's result or
 * an error result. False, and no reply, if the call cannot be queued. */
MUST_CHECK bool db_query(struct db *db, const struct db_call *call, struct err *err);

/* Several statements, one transaction, and perhaps one apart sent along behind it. done is called
 * once, after the commit or the rollback: result is of the first statement that failed, else of the
 * sync; NULL when the connection was lost. */
MUST_CHECK bool db_transaction(struct db *db, const struct db_call *calls, uint32_t count,
                               db_reply_fn *done, void *owner, struct err *err);
