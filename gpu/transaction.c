#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "gpu/migration.h"
#include "gpu/transaction_parts.h"

enum { NAME_SIZE = 16 };

void transaction_forget(struct transaction *transaction)
{
    for (uint32_t i = 0; i < transaction->answer_count; i++)
        PQclear(transaction->answers[i]);
    transaction->answer_count = 0;
}

void transaction_begin(struct transaction *transaction, const char *begin)
{
    transaction_forget(transaction);
    transaction->begin = begin;
    transaction->has_failed = transaction->may_retry = false;
}

void transaction_drop(struct transaction *transaction)
{
    transaction_forget(transaction);
    free(transaction->answers);
    PQfinish(transaction->conn);
    *transaction = (struct transaction){.is_lent = transaction->is_lent};
}

/* A conflict with another transaction, a server that stops or starts, a connection that broke. */
static bool is_passing(const PGconn *conn, const PGresult *result)
{
    static const char *const states[] = {"40001", "40P01", "55P03", "57P01",
                                         "57P02", "57P03", "57P05", "25P03"};
    const char *state = result != NULL ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    if (PQstatus(conn) != CONNECTION_OK)
        return true;
    for (size_t i = 0; state != NULL && i < ARRAY_LEN(states); i++)
        if (strcmp(state, states[i]) == 0)
            return true;
    return state != NULL && strncmp(state, "08", 2) == 0;
}

static bool fail(struct transaction *transaction, const PGresult *result)
{
    const char *words = result != NULL ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    if (!transaction->has_failed) {
        transaction->may_retry = is_passing(transaction->conn, result);
        if (words != NULL)
            err_fill(&transaction->err, ERR_INTERNAL, "the database: %s", words);
        else
            migration_say(transaction->conn, "the database", &transaction->err);
    }
    transaction->has_failed = true;
    return false;
}

static bool is_good(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

static bool execute(struct transaction *transaction, const char *sql)
{
    PGresult *result = PQexec(transaction->conn, sql);
    bool is_done = is_good(result) || fail(transaction, result);
    PQclear(result);
    return is_done;
}

/* Its name is its place in the list of those that are prepared. */
static void prepare(struct transaction *transaction, char name[NAME_SIZE], const char *sql)
{
    uint32_t place = 0;
    while (place < transaction->statement_count && transaction->statements[place] != sql)
        place++;
    snprintf(name, NAME_SIZE, "s%u", place);
    if (place < transaction->statement_count)
        return;
    if (place == TRANSACTION_STATEMENTS_MAX)
        abort(); /* statements are literals of this program */
    PGresult *result = PQprepare(transaction->conn, name, sql, 0, NULL);
    bool is_done = is_good(result) || fail(transaction, result);
    PQclear(result);
    if (is_done)
        transaction->statements[transaction->statement_count++] = sql;
}

static bool send(struct transaction *transaction, const char *name, struct query *query)
{
    const char *values[QUERY_PARAMETERS_MAX];
    int lengths[QUERY_PARAMETERS_MAX];
    int formats[QUERY_PARAMETERS_MAX];
    for (int i = 0; i < query->count; i++) {
        values[i] = query->is_null[i] ? NULL : query->at[i].at;
        lengths[i] = (int)query->at[i].len;
        formats[i] = 1;
    }
    return PQsendQueryPrepared(transaction->conn, name, query->count, values, lengths, formats,
                               1) == 1;
}

/* The answer to one statement that was sent. */
static PGresult *take(PGconn *conn)
{
    PGresult *result = PQgetResult(conn);
    PGresult *more = result != NULL ? PQgetResult(conn) : NULL; /* NULL ends it */
    while (more != NULL) {
        PQclear(more);
        more = PQgetResult(conn);
    }
    return result;
}

static void keep(struct transaction *transaction, PGresult *result)
{
    if (transaction->answer_count == transaction->answer_capacity) {
        transaction->answer_capacity = transaction->answer_capacity * 2 + 8;
        transaction->answers =
            realloc(transaction->answers, transaction->answer_capacity * sizeof(PGresult *));
        if (transaction->answers == NULL)
            abort();
    }
    transaction->answers[transaction->answer_count++] = result;
}

/* Keeps the answer of one, good or bad. */
static const PGresult *receive(struct transaction *transaction)
{
    PGresult *result = take(transaction->conn);
    if (!is_good(result))
        fail(transaction, result);
    if (result != NULL)
        keep(transaction, result);
    return result;
}

static bool send_all(struct transaction *transaction, char names[][NAME_SIZE],
                     struct query *queries, uint32_t count)
{
    PGconn *conn = transaction->conn;
    bool is_sent = transaction->begin == NULL ||
                   PQsendQueryParams(conn, transaction->begin, 0, NULL, NULL, NULL, NULL, 1) == 1;
    for (uint32_t i = 0; i < count && is_sent; i++)
        is_sent = send(transaction, names[i], &queries[i]);
    return is_sent && PQpipelineSync(conn) == 1;
}

/* The beginning of the transaction travels with its first statements. */
static void converse(struct transaction *transaction, char names[][NAME_SIZE],
                     struct query *queries, uint32_t count, const PGresult *answers[])
{
    PGconn *conn = transaction->conn;
    if (PQenterPipelineMode(conn) != 1 || !send_all(transaction, names, queries, count)) {
        fail(transaction, NULL);
        return;
    }
    if (transaction->begin != NULL)
        receive(transaction);
    transaction->begin = NULL;
    for (uint32_t i = 0; i < count; i++)
        answers[i] = receive(transaction);
    PQclear(PQgetResult(conn)); /* the sync */
    if (PQexitPipelineMode(conn) != 1)
        fail(transaction, NULL);
}

bool transaction_ask_all(struct transaction *transaction, struct query *queries, uint32_t count,
                         const PGresult *answers[])
{
    char names[QUERIES_MAX][NAME_SIZE];
    assert(count <= QUERIES_MAX);
    for (uint32_t i = 0; i < count && !transaction->has_failed; i++)
        prepare(transaction, names[i], queries[i].sql);
    if (!transaction->has_failed)
        converse(transaction, names, queries, count, answers);
    for (uint32_t i = 0; i < count; i++)
        for (int k = 0; k < queries[i].count; k++)
            text_clear(&queries[i].at[k]);
    return !transaction->has_failed;
}

const PGresult *transaction_ask(struct transaction *transaction, struct query *query)
{
    const PGresult *answer;
    return transaction_ask_all(transaction, query, 1, &answer) ? answer : NULL;
}

/* Of a transaction that was aborted meanwhile, COMMIT is a ROLLBACK, and no error. */
static bool commit(struct transaction *transaction)
{
    PGresult *result = PQexec(transaction->conn, "COMMIT");
    bool is_done = is_good(result) && strcmp(PQcmdStatus(result), "COMMIT") == 0;
    if (!is_done)
        fail(transaction, result);
    PQclear(result);
    return is_done;
}

bool transaction_end(struct transaction *transaction, bool commits)
{
    bool has_begun = transaction->begin == NULL;
    if (!has_begun && !transaction->has_failed)
        return true; /* it did nothing */
    if (commits && !transaction->has_failed)
        return commit(transaction);
    bool had_failed = transaction->has_failed;
    bool is_undone =
        PQtransactionStatus(transaction->conn) == PQTRANS_IDLE || execute(transaction, "ROLLBACK");
    return is_undone && !had_failed;
}
