#include "gpu/database.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "gpu/migration.h"
#include "gpu/transaction_parts.h"

enum {
    CONNECTIONS_DEFAULT = 8,
    STATEMENT_MS_DEFAULT = 30000,
    RETRY_MS_MAX = 15000, /* as long as PostgreSQL may take to be there again */
    PAUSE_MS_MIN = 2,
    PAUSE_MS_MAX = 250,
    CHANCES = 3 /* to connect to what does not say that it is starting */
};

struct database {
    pthread_mutex_t mutex;
    pthread_cond_t is_free;
    char *conninfo;
    char schema[DATABASE_SCHEMA_MAX + 1];
    uint32_t statement_ms_max;
    uint32_t count;
    struct transaction connections[DATABASE_CONNECTIONS_MAX];
};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* What fails says so itself; the rest is chatter. */
static void ignore(void *owner, const PGresult *result)
{
    (void)owner;
    (void)result;
}

static void pause_ms(int64_t ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* It waits for a PostgreSQL that is starting, or recovers from a crash. */
static PGconn *connect_raw(const struct database *database, struct err *err)
{
    /* Given before the conninfo's own words, which may say otherwise. */
    const char *const words[] = {"connect_timeout", "tcp_user_timeout", "application_name",
                                 "dbname", NULL};
    const char *const values[] = {"10", "30000", "shoal-gpu", database->conninfo, NULL};
    int64_t deadline = now_ms() + RETRY_MS_MAX;
    PGconn *conn = PQconnectdbParams(words, values, 1);
    for (int chances = CHANCES; PQstatus(conn) != CONNECTION_OK && chances > 0;) {
        bool is_starting = PQpingParams(words, values, 1) == PQPING_REJECT;
        chances -= !is_starting || now_ms() > deadline; /* it may have begun, or ended, just now */
        pause_ms(PAUSE_MS_MAX);
        PQfinish(conn);
        conn = PQconnectdbParams(words, values, 1);
    }
    if (PQstatus(conn) == CONNECTION_OK) {
        PQsetNoticeReceiver(conn, ignore, NULL);
        return conn;
    }
    migration_say(conn, "cannot connect", err);
    PQfinish(conn);
    return NULL;
}

PGconn *database_connect(const struct database *database, struct err *err)
{
    char sql[512];
    PGconn *conn = connect_raw(database, err);
    if (conn == NULL)
        return NULL;
    snprintf(sql, sizeof sql,
             "SET search_path TO %s; SET statement_timeout TO %u; SET client_min_messages TO error;"
             "SET default_transaction_isolation TO 'read committed'; SET synchronous_commit TO on;"
             "SET idle_in_transaction_session_timeout TO 60000; SET jit TO off;"
             "SET max_parallel_workers_per_gather TO 0; SET plan_cache_mode TO force_generic_plan",
             database->schema, database->statement_ms_max);
    PGresult *result = PQexec(conn, sql);
    bool is_ready = PQresultStatus(result) == PGRES_COMMAND_OK;
    PQclear(result);
    if (is_ready)
        return conn;
    migration_say(conn, "cannot connect", err);
    PQfinish(conn);
    return NULL;
}

struct database *database_open(const struct database_setup *setup, struct err *err)
{
    struct database *database = calloc(1, sizeof *database);
    if (database == NULL)
        abort();
    pthread_mutex_init(&database->mutex, NULL);
    pthread_cond_init(&database->is_free, NULL);
    database->conninfo = strdup(setup->conninfo);
    if (database->conninfo == NULL)
        abort();
    snprintf(database->schema, sizeof database->schema, "%s",
             setup->schema != NULL ? setup->schema : "shoal_node");
    database->statement_ms_max =
        setup->statement_ms_max > 0 ? setup->statement_ms_max : STATEMENT_MS_DEFAULT;
    database->count = setup->connections > 0 ? setup->connections : CONNECTIONS_DEFAULT;
    if (database->count > DATABASE_CONNECTIONS_MAX)
        database->count = DATABASE_CONNECTIONS_MAX;

    bool is_ready = false;
    int64_t deadline = now_ms() + RETRY_MS_MAX;
    for (bool is_lost = true; !is_ready && is_lost && now_ms() < deadline;) {
        PGconn *conn = connect_raw(database, err);
        is_ready = conn != NULL && (setup->only_reads ? migration_check
                                                      : migration_run)(conn, database->schema, err);
        is_lost = conn != NULL && PQstatus(conn) != CONNECTION_OK; /* meanwhile */
        PQfinish(conn);
    }
    if (is_ready)
        return database;
    database_close(database);
    return NULL;
}

void database_close(struct database *database)
{
    if (database == NULL)
        return;
    for (uint32_t i = 0; i < database->count; i++)
        transaction_drop(&database->connections[i]);
    pthread_mutex_destroy(&database->mutex);
    pthread_cond_destroy(&database->is_free);
    free(database->conninfo);
    free(database);
}

/* The one used last, whose statements are prepared: a node that rests keeps few. */
static struct transaction *lend(struct database *database)
{
    struct transaction *found = NULL;
    pthread_mutex_lock(&database->mutex);
    while (found == NULL) {
        for (uint32_t i = 0; i < database->count && found == NULL; i++)
            if (!database->connections[i].is_lent)
                found = &database->connections[i];
        if (found == NULL)
            pthread_cond_wait(&database->is_free, &database->mutex);
    }
    found->is_lent = true;
    pthread_mutex_unlock(&database->mutex);
    return found;
}

static void give_back(struct database *database, struct transaction *transaction)
{
    pthread_mutex_lock(&database->mutex);
    transaction->is_lent = false;
    pthread_cond_signal(&database->is_free);
    pthread_mutex_unlock(&database->mutex);
}

/* What a transaction is, and how. */
struct run {
    const char *begin;
    database_work_fn *work;
    void *argument;
};

/* Once. False: transaction says why. */
static bool attempt(struct database *database, struct transaction *transaction,
                    const struct run *run, enum database_end *end)
{
    if (transaction->conn == NULL)
        transaction->conn = database_connect(database, &transaction->err);
    if (transaction->conn == NULL) {
        transaction->may_retry = true;
        return false;
    }
    transaction_begin(transaction, run->begin);
    bool commits = run->work(transaction, run->argument);
    bool is_done = transaction_end(transaction, commits);
    if (is_done)
        *end = commits ? DATABASE_DONE : DATABASE_REFUSED;
    return is_done;
}

/* Good for another transaction. */
static bool is_at_rest(const PGconn *conn)
{
    return PQstatus(conn) == CONNECTION_OK && PQtransactionStatus(conn) == PQTRANS_IDLE &&
           PQpipelineStatus(conn) == PQ_PIPELINE_OFF;
}

/* Longer each time, and never as long as somebody else who met us. */
static void pause_before(uint32_t again)
{
    int64_t most = (int64_t)PAUSE_MS_MIN << (again < 7 ? again : 7);
    if (most > PAUSE_MS_MAX)
        most = PAUSE_MS_MAX;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t ms = most / 2 + (now.tv_nsec / 1000) % (most / 2 + 1);
    pause_ms(ms);
}

static enum database_end run_it(struct database *database, const struct run *run, struct err *err)
{
    int64_t deadline = now_ms() + RETRY_MS_MAX;
    enum database_end end = DATABASE_FAILED;
    struct transaction *transaction = lend(database);
    for (uint32_t i = 0; !attempt(database, transaction, run, &end); i++) {
        bool may_retry = transaction->may_retry && now_ms() < deadline;
        *err = transaction->err;
        if (!is_at_rest(transaction->conn))
            transaction_drop(transaction);
        if (!may_retry)
            break;
        pause_before(i);
    }
    give_back(database, transaction);
    return end;
}

enum database_end database_transact(struct database *database, database_work_fn *work,
                                    void *argument, struct err *err)
{
    return run_it(database, &(struct run){"BEGIN", work, argument}, err);
}

enum database_end database_read(struct database *database, database_work_fn *work, void *argument,
                                struct err *err)
{
    static const char begin[] = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
    return run_it(database, &(struct run){begin, work, argument}, err);
}
