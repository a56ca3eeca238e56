/* The database connection against a real PostgreSQL: order, transactions, loss, recovery. */
#include "relay/db.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/err.h"
#include "tests/test.h"

static uv_loop_t loop;
static int answers, losses, failures, commits, notifies, last, ready_calls, down_calls;
static char last_payload[64];
static char last_state[6]; /* SQLSTATE */

static bool prepare(PGconn *conn, const void *context)
{
    static const struct {
        const char *name, *sql;
    } statements[] = {
        {"echo", "SELECT $1::int4"},
        {"pid", "SELECT pg_backend_pid()"},
        {"die", "SELECT pg_terminate_backend(pg_backend_pid())"},
        {"sleep", "SELECT pg_sleep($1::int4)"},
        {"put", "INSERT INTO pg_temp.number VALUES ($1::int4)"},
        {"sum", "SELECT coalesce(sum(n), 0)::int4 FROM pg_temp.number"},
        {"divide", "SELECT 1 / $1::int4"},
        {"notify", "SELECT length(pg_notify('test_db', $1)::text)"},
    };
    assert_string_equal(context, "context");
    PGresult *made = PQexec(conn, "CREATE TEMP TABLE number (n int4); LISTEN test_db");
    bool ok = PQresultStatus(made) == PGRES_COMMAND_OK;
    PQclear(made);
    for (size_t i = 0; i < ARRAY_LEN(statements) && ok; i++) {
        PGresult *result = PQprepare(conn, statements[i].name, statements[i].sql, 0, NULL);
        ok = PQresultStatus(result) == PGRES_COMMAND_OK;
        PQclear(result);
    }
    return ok;
}

static int int_of(const PGresult *result)
{
    uint32_t value;
    assert_int_equal(PQgetlength(result, 0, 0), 4);
    memcpy(&value, PQgetvalue(result, 0, 0), 4);
    return (int)ntohl(value);
}

static void on_reply(void *owner, const PGresult *result)
{
    (void)owner;
    if (result == NULL) {
        losses++;
    } else if (PQresultStatus(result) == PGRES_TUPLES_OK) {
        last = int_of(result);
        answers++;
    } else if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
        commits++;
    } else if (PQresultStatus(result) != PGRES_COMMAND_OK) {
        const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
        snprintf(last_state, sizeof last_state, "%s", state == NULL ? "" : state);
        failures++;
    }
}

static void on_notify(void *owner, const PGnotify *notify)
{
    (void)owner;
    notifies++;
    snprintf(last_payload, sizeof last_payload, "%s", notify->extra);
}

static void on_state(void *owner, bool is_ready)
{
    (void)owner;
    *(is_ready ? &ready_calls : &down_calls) += 1;
}

static struct db *db_start(uint32_t answer_ms_max)
{
    answers = losses = failures = commits = notifies = last = ready_calls = down_calls = 0;
    const struct db_setup setup = {.conninfo = getenv("TEST_DB"),
                                   .prepare = prepare,
                                   .context = "context",
                                   .on_state = on_state,
                                   .on_notify = on_notify,
                                   .answer_ms_max = answer_ms_max};
    return db_new(&loop, &setup);
}

static void until_ready(struct db *db)
{
    while (!db_is_ready(db))
        uv_run(&loop, UV_RUN_ONCE);
}

static void until(const int *counter, int value)
{
    while (*counter < value)
        uv_run(&loop, UV_RUN_ONCE);
}

static struct db_call call(const char *statement, const char *const *value)
{
    return (struct db_call){
        .statement = statement, .values = value, .count = value != NULL, .reply = on_reply};
}

static bool ask(struct db *db, const char *statement, const char *value)
{
    const char *values[] = {value};
    struct db_call one = call(statement, value != NULL ? values : NULL);
    struct err err;
    return db_query(db, &one, &err);
}

static void end(struct db *db)
{
    db_free(db);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0); /* no handle left behind */
}

static int begin(void **state)
{
    (void)state;
    return uv_loop_init(&loop);
}

static void test_order(void **state)
{
    (void)state;
    struct db *db = db_start(0);
    struct err err;
    assert_false(db_query(db, &(struct db_call){.statement = "pid", .reply = on_reply}, &err));
    assert_string_equal(err.text, "the database is unavailable");
    until_ready(db);
    assert_int_equal(ready_calls, 1);
    int sent = 0;
    while (sent < 3 * DB_PENDING_MAX) {
        char text[12];
        snprintf(text, sizeof text, "%d", sent + 1);
        if (ask(db, "echo", text)) {
            sent++;
            assert_int_not_equal(answers, sent); /* never from within the call */
        } else {
            /* A question takes two places; one is free again once its result came, before its
             * end. */
            assert_in_range(db_pending(db), DB_PENDING_MAX - 1, DB_PENDING_MAX);
            int before = answers;
            until(&answers, before + 1);
        }
        assert_true(answers == 0 || last == answers); /* in order, each once */
    }
    until(&answers, sent);
    assert_int_equal(last, sent);
    assert_int_equal(db_pending(db), 0);
    end(db);
}

static void test_transaction(void **state)
{
    (void)state;
    struct db *db = db_start(0);
    struct err err;
    until_ready(db);
    const char *one[] = {"1"}, *zero[] = {"0"};
    struct db_call good[] = {call("put", one), call("put", one), call("sum", NULL)};
    assert_true(db_transaction(db, good, 3, on_reply, NULL, &err));
    until(&commits, 1);
    assert_int_equal(last, 2);

    /* A failure undoes all of it, what comes after it is not run, and others are not touched. */
    struct db_call bad[] = {call("put", one), call("divide", zero), call("put", one)};
    assert_true(db_transaction(db, bad, 3, on_reply, NULL, &err));
    assert_true(ask(db, "sum", NULL));
    until(&answers, 2);
    assert_int_equal(commits, 1);
    assert_int_equal(failures, 3); /* the statement, the one after it, the transaction */
    assert_string_equal(last_state, "22012");
    assert_int_equal(last, 2);

    assert_true(ask(db, "divide", "0"));
    assert_true(ask(db, "divide", "1"));
    until(&answers, 3);
    assert_int_equal(failures, 4);
    assert_int_equal(last, 1);
    end(db);
}

/* One apart is committed on its own, behind the transaction, whether that failed or not. */
static void test_apart(void **state)
{
    (void)state;
    struct db *db = db_start(0);
    struct err err;
    until_ready(db);
    const char *one[] = {"1"}, *zero[] = {"0"};
    struct db_call good[] = {call("put", one), call("sum", NULL), call("put", one)};
    good[2].is_apart = true;
    assert_true(db_transaction(db, good, 3, on_reply, NULL, &err));
    until(&answers, 1);
    assert_int_equal(last, 1);
    assert_true(ask(db, "sum", NULL));
    until(&answers, 2);
    assert_int_equal(commits, 1);
    assert_int_equal(last, 2);
    struct db_call bad[] = {call("divide", zero), call("put", one)};
    bad[1].is_apart = true;
    assert_true(db_transaction(db, bad, 2, on_reply, NULL, &err));
    assert_true(ask(db, "sum", NULL));
    until(&answers, 3);
    assert_int_equal(commits, 1);
    assert_int_equal(failures, 2); /* the statement, the transaction */
    assert_int_equal(last, 3);
    bad[1] = call("divide", zero);
    bad[1].is_apart = true;
    bad[0] = call("put", one);
    assert_true(db_transaction(db, bad, 2, on_reply, NULL, &err));
    until(&failures, 3);
    assert_int_equal(commits, 2);
    assert_int_equal(db_pending(db), 0);
    end(db);
}

static void test_loss(void **state)
{
    (void)state;
    struct db *db = db_start(0);
    until_ready(db);
    assert_true(ask(db, "die", NULL));
    assert_true(ask(db, "echo", "1"));
    until(&down_calls, 1);
    assert_int_equal(losses, 2); /* each once, even if it had begun to answer */
    assert_false(ask(db, "echo", "1"));
    until_ready(db);
    assert_int_equal(ready_calls, 2);
    assert_true(ask(db, "echo", "42"));
    until(&answers, 1);
    assert_int_equal(last, 42);
    end(db);
}

/* Killed from outside while idle: noticed without a query. */
static void test_loss_idle(void **state)
{
    (void)state;
    char sql[64];
    struct db *db = db_start(0);
    until_ready(db);
    assert_true(ask(db, "pid", NULL));
    until(&answers, 1);
    PGconn *other = db_connect(getenv("TEST_DB"));
    snprintf(sql, sizeof sql, "SELECT pg_terminate_backend(%d)", last);
    PQclear(PQexec(other, sql));
    PQfinish(other);
    until(&down_calls, 1);
    until_ready(db);
    end(db);
}

static void test_silence(void **state)
{
    (void)state;
    struct db *db = db_start(300);
    until_ready(db);
    assert_true(ask(db, "sleep", "30"));
    until(&losses, 1);
    until_ready(db);
    end(db);
}

static void test_notify(void **state)
{
    (void)state;
    struct db *db = db_start(0);
    until_ready(db);
    assert_true(ask(db, "notify", "own")); /* left out */
    PGconn *other = db_connect(getenv("TEST_DB"));
    for (int i = 1; i <= 100; i++) {
        char sql[64];
        snprintf(sql, sizeof sql, "NOTIFY test_db, '%d'", i);
        PQclear(PQexec(other, sql));
    }
    PQfinish(other);
    until(&notifies, 100);
    assert_string_equal(last_payload, "100");
    end(db);
}

static void test_refused(void **state)
{
    (void)state;
    const struct db_setup setup = {.conninfo = "host=/nowhere", .on_state = on_state};
    ready_calls = down_calls = 0;
    struct db *db = db_new(&loop, &setup);
    uint64_t start = uv_now(&loop);
    while (uv_now(&loop) < start + 3 * (uint64_t)DB_RETRY_MS)
        uv_run(&loop, UV_RUN_ONCE); /* keeps trying */
    assert_int_equal(ready_calls + down_calls, 0);
    end(db);
}

static struct db *freed_in_reply;

static void on_reply_free(void *owner, const PGresult *result)
{
    on_reply(owner, result);
    if (freed_in_reply != NULL) {
        struct db *db = freed_in_reply;
        freed_in_reply = NULL;
        db_free(db);
        assert_int_equal(losses, 2); /* all is answered before db_free returns */
    }
}

static void test_free_in_reply(void **state)
{
    (void)state;
    struct err err;
    struct db *db = db_start(0);
    until_ready(db);
    freed_in_reply = db;
    struct db_call calls[] = {call("pid", NULL), call("pid", NULL)};
    calls[0].reply = on_reply_free;
    assert_true(db_transaction(db, calls, 2, on_reply, NULL, &err));
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
}

/* Freed at any moment of connecting and working, nothing leaks and no handle stays. */
static void test_free_anytime(void **state)
{
    (void)state;
    for (int round = 0; round < 60; round++) {
        if (round > 0)
            assert_int_equal(uv_loop_init(&loop), 0);
        struct db *db = db_start(0);
        uint64_t until_us = uv_hrtime() + (uint64_t)round * 300000;
        bool is_asked = false;
        while (uv_hrtime() < until_us) {
            uv_run(&loop, UV_RUN_NOWAIT);
            is_asked = is_asked || ask(db, "pid", NULL);
        }
        end(db);
        assert_int_equal(is_asked, answers + losses);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_order, begin),
        cmocka_unit_test_setup(test_transaction, begin),
        cmocka_unit_test_setup(test_apart, begin),
        cmocka_unit_test_setup(test_loss, begin),
        cmocka_unit_test_setup(test_loss_idle, begin),
        cmocka_unit_test_setup(test_silence, begin),
        cmocka_unit_test_setup(test_notify, begin),
        cmocka_unit_test_setup(test_refused, begin),
        cmocka_unit_test_setup(test_free_in_reply, begin),
        cmocka_unit_test_setup(test_free_anytime, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
