/* bench_mint DATA SPENT SECONDS ROUNDS: swaps and issues a second of the ledger, on a PostgreSQL of
 * its own in DATA with SPENT spent proofs, beside the floor: the same rows by bare SQL, in turn.
 *
 * The floor is one prepared statement for each swap, which inserts two proofs, two promises and a
 * row of the journal, and commits: no look at keysets, sums, copies or order. Prints a line for
 * each measurement: round, what, whose, connections, a second. */
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "gpu/cluster.h"
#include "gpu/ledger_melt.h"
#include "gpu/transaction.h"
#include "ops/bench/fatal.h"
#include "shared/err.h"

enum { CONNECTIONS_MAX = 16, IN = 2, OUT = 2, AMOUNT = 8 };

struct bench {
    struct database *database;
    struct ledger *ledger;
    struct ledger_keyset keyset;
    double seconds;
};

struct worker {
    const struct bench *bench;
    bool (*step)(const struct bench *bench);
    uint64_t done;
    double end;
};

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void fill_rows(const struct bench *bench, struct ledger_proof *proofs,
                      struct ledger_promise *promises)
{
    for (int i = 0; i < IN; i++) {
        proofs[i] = (struct ledger_proof){.keyset = bench->keyset.number, .amount = AMOUNT};
        randombytes_buf(&proofs[i].y, sizeof proofs[i].y);
    }
    for (int i = 0; i < OUT; i++) {
        randombytes_buf(&promises[i], sizeof promises[i]);
        promises[i].keyset = bench->keyset.number;
        promises[i].amount = AMOUNT;
    }
}

static bool step_swap(const struct bench *bench)
{
    struct ledger_proof inputs[IN];
    struct ledger_promise outputs[OUT];
    struct fault fault;
    struct ledger_swap swap = {
        .inputs = inputs, .input_count = IN, .outputs = outputs, .output_count = OUT};
    fill_rows(bench, inputs, outputs);
    randombytes_buf(&swap.request, sizeof swap.request);
    return ledger_swap(bench->ledger, &swap, &fault);
}

/* ---- the floor ---- */

static bool floor_swap(struct transaction *transaction, void *argument)
{
    struct ledger_proof inputs[IN];
    struct ledger_promise outputs[OUT];
    uint8_t request[32];
    struct query query = query_of(
        "WITH p AS (INSERT INTO proof (y, amount, keyset, spent) SELECT y, 8, $3::int8::int2, true"
        " FROM unnest($1::bytea[]) y), o AS (INSERT INTO promise (b, amount, keyset, c, e, s)"
        " SELECT b, 8, $3::int8::int2, c, e, s FROM unnest($2::bytea[], $4::bytea[], $5::bytea[],"
        " $6::bytea[]) AS u (b, c, e, s)) INSERT INTO entry"
        " VALUES ($7::bytea, $3::int8::int2, 2, 16, 16, 0, 0)");
    const struct bench *bench = argument;
    fill_rows(bench, inputs, outputs);
    randombytes_buf(request, sizeof request);
    query_pieces(&query, &inputs->y, 33, sizeof *inputs, IN);
    query_pieces(&query, &outputs->message, 33, sizeof *outputs, OUT);
    query_number(&query, bench->keyset.number);
    query_pieces(&query, &outputs->signature, 33, sizeof *outputs, OUT);
    query_pieces(&query, &outputs->dleq.e, 32, sizeof *outputs, OUT);
    query_pieces(&query, &outputs->dleq.s, 32, sizeof *outputs, OUT);
    query_bytes(&query, SPAN_OF(request));
    return transaction_ask(transaction, &query) != NULL;
}

static bool step_floor(const struct bench *bench)
{
    struct err err;
    struct bench same = *bench;
    return database_transact(bench->database, floor_swap, &same, &err) == DATABASE_DONE;
}

/* ---- issuing, with a budget and without ---- */

static bool issue(const struct bench *bench, const struct ledger_budgets *budgets)
{
    struct ledger_promise output;
    struct fault fault;
    struct mint_quote quote = {.id = uuid_new(),
                               .method = "grant",
                               .amount = AMOUNT,
                               .request = SPAN(""),
                               .state = MINT_PAID};
    snprintf(quote.unit, sizeof quote.unit, "%s", bench->keyset.unit);
    randombytes_buf(&output, sizeof output);
    output.keyset = bench->keyset.number;
    output.amount = AMOUNT;
    struct ledger_issue call = {
        .quote = quote.id, .outputs = &output, .output_count = 1, .budgets = *budgets};
    randombytes_buf(&call.request, sizeof call.request);
    return ledger_mint_quote_add(bench->ledger, &quote, &(struct ledger_budgets){0}, &fault) &&
           ledger_issue(bench->ledger, &call, &fault);
}

static bool step_issue_free(const struct bench *bench)
{
    return issue(bench, &(struct ledger_budgets){0});
}

static bool step_issue(const struct bench *bench)
{
    const struct ledger_budget budget = {"bench/cap", (uint64_t)1 << 50};
    return issue(bench, &(struct ledger_budgets){&budget, 1});
}

/* ---- */

static void *work(void *argument)
{
    struct worker *worker = argument;
    while (now() < worker->end) {
        if (!worker->step(worker->bench))
            fatal("a transaction was refused");
        worker->done++;
    }
    return NULL;
}

static double measure(const struct bench *bench, bool (*step)(const struct bench *bench),
                      int connections)
{
    pthread_t threads[CONNECTIONS_MAX];
    struct worker workers[CONNECTIONS_MAX];
    uint64_t done = 0;
    double begin = now();
    for (int i = 0; i < connections; i++) {
        workers[i] = (struct worker){bench, step, 0, begin + bench->seconds};
        if (pthread_create(&threads[i], NULL, work, &workers[i]) != 0)
            fatal("no thread");
    }
    for (int i = 0; i < connections; i++) {
        pthread_join(threads[i], NULL);
        done += workers[i].done;
    }
    return (double)done / (now() - begin);
}

/* As many as a ledger of that age has: spent proofs, the promises that took their place, and the
 * journal of swaps of two. Keys are made without their index, and then indexed: in minutes, not
 * hours. */
static bool fill(struct transaction *transaction, void *argument)
{
    static const char *const statements[] = {
        "ALTER TABLE proof DROP CONSTRAINT proof_pkey",
        "ALTER TABLE promise DROP CONSTRAINT promise_pkey",
        "ALTER TABLE entry DROP CONSTRAINT entry_pkey",
        "INSERT INTO proof (y, amount, keyset, spent)"
        " SELECT '\\x02' || sha256(int8send(i)), 8, 1, true FROM generate_series(1, $1::int8) i",
        "INSERT INTO promise (b, amount, keyset, c, e, s)"
        " SELECT '\\x03' || h, 8, 1, '\\x02' || h, h, h FROM generate_series(1, $1::int8) i,"
        " LATERAL (SELECT sha256(int8send(-i)) AS h) x",
        "INSERT INTO entry SELECT sha256(int8send(i)), 1, 2, 16, 16, 0, 0"
        " FROM generate_series(1, $1::int8 / 2) i",
        "ALTER TABLE proof ADD PRIMARY KEY (y)",
        "ALTER TABLE promise ADD PRIMARY KEY (b)",
        "ALTER TABLE entry ADD PRIMARY KEY (request, keyset)",
        "INSERT INTO mint_quote SELECT gen_random_uuid(), 'grant', 'ccr', 8 * $1::int8, '', NULL, "
        "2,"
        " 0, 0",
        "INSERT INTO promise (b, amount, keyset, c, e, s)"
        " SELECT '\\x04' || h, 8 * $1::int8, 1, '\\x02' || h, h, h FROM sha256('issued') h",
        "INSERT INTO entry SELECT sha256('issued'), 1, 1, 8 * $1::int8, 0, 0, 0"};
    const int64_t *spent = argument;
    for (size_t i = 0; i < ARRAY_LEN(statements); i++) {
        struct query query = query_of(statements[i]);
        if (strstr(statements[i], "$1") != NULL)
            query_number(&query, *spent);
        fprintf(stderr, "  %.60s\n", statements[i]);
        if (transaction_ask(transaction, &query) == NULL)
            return false;
    }
    return true;
}

static void prepare(struct bench *bench, const char *conninfo, int64_t spent)
{
    struct err err;
    struct fault fault;
    const struct database_setup setup = {
        .conninfo = conninfo, .connections = CONNECTIONS_MAX, .statement_ms_max = 24 * 3600 * 1000};
    bench->database = database_open(&setup, &err);
    if (bench->database == NULL)
        fatal("%s", err.text);
    bench->ledger = ledger_open(bench->database);
    snprintf(bench->keyset.unit, sizeof bench->keyset.unit, "ccr");
    if (!ledger_keyset_add(bench->ledger, &bench->keyset, &fault))
        fatal("%s", fault.text);
    PGconn *conn = database_connect(bench->database, &err);
    PGresult *rows = PQexec(conn, "SELECT count(*) FROM (SELECT FROM proof LIMIT 1) x");
    bool is_empty = PQntuples(rows) == 1 && strcmp(PQgetvalue(rows, 0, 0), "0") == 0;
    PQclear(rows);
    if (is_empty && database_transact(bench->database, fill, &spent, &err) != DATABASE_DONE)
        fatal("%s", err.text);
    PQclear(PQexec(conn, "VACUUM ANALYZE"));
    PQclear(PQexec(conn, "CHECKPOINT"));
    PQfinish(conn);
}

int main(int argc, char **argv)
{
    static const int connections[] = {1, 8};
    struct bench bench = {0};
    struct err err;
    if (argc != 5)
        fatal("usage: bench_mint DATA SPENT SECONDS ROUNDS");
    struct cluster *cluster = cluster_open(argv[1], &err);
    if (cluster == NULL)
        fatal("%s", err.text);
    prepare(&bench, cluster_conninfo(cluster), strtoll(argv[2], NULL, 10));
    bench.seconds = strtod(argv[3], NULL);
    long rounds = strtol(argv[4], NULL, 10);
    for (long round = 1; round <= rounds; round++)
        for (size_t i = 0; i < ARRAY_LEN(connections); i++) {
            int count = connections[i];
            printf("%ld swap floor %d %.0f\n", round, count, measure(&bench, step_floor, count));
            printf("%ld swap ours %d %.0f\n", round, count, measure(&bench, step_swap, count));
            printf("%ld issue unbounded %d %.0f\n", round, count,
                   measure(&bench, step_issue_free, count));
            printf("%ld issue ours %d %.0f\n", round, count, measure(&bench, step_issue, count));
            fflush(stdout);
        }
    ledger_close(bench.ledger);
    database_close(bench.database);
    cluster_close(cluster);
    return 0;
}
