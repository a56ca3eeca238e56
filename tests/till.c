#include "tests/till.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "gpu/ledger_audit.h"
#include "shared/err.h"
#include "tests/test.h"

static struct ledger_keyset keyset(struct ledger *ledger, const char *unit)
{
    struct fault fault = {0};
    struct ledger_keyset made = {0};
    snprintf(made.unit, sizeof made.unit, "%s", unit);
    randombytes_buf(&made.id, sizeof made.id);
    if (!ledger_keyset_add(ledger, &made, &fault))
        fail_msg("%s", fault.text);
    return made;
}

static struct database *open_database(const char *conninfo, const char *schema,
                                      uint32_t connections)
{
    struct err err = {0};
    const struct database_setup setup = {
        .conninfo = conninfo, .schema = schema, .connections = connections};
    struct database *database = database_open(&setup, &err);
    if (database == NULL)
        fail_msg("%s", err.text);
    return database;
}

void till_open(struct till *till, uint32_t connections)
{
    char schema[DATABASE_SCHEMA_MAX + 1];
    snprintf(schema, sizeof schema, "test_till_%d", (int)getpid());
    till_open_at(till, getenv("TEST_DB"), schema, connections);
}

void till_open_at(struct till *till, const char *conninfo, const char *schema, uint32_t connections)
{
    *till = (struct till){.conninfo = conninfo};
    snprintf(till->schema, sizeof till->schema, "%s", schema);
    till->database = open_database(conninfo, schema, connections);
    till->ledger = ledger_open(till->database);
    till->promo = keyset(till->ledger, "ccr-promo");
    till->paid = keyset(till->ledger, "ccr");
}

struct ledger *till_join(const struct till *till, uint32_t connections)
{
    return ledger_open(open_database(till->conninfo, till->schema, connections));
}

void till_leave(struct ledger *ledger)
{
    struct database *database = ledger_database(ledger);
    ledger_close(ledger);
    database_close(database);
}

static PGresult *run(const struct till *till, const char *sql)
{
    struct err err = {0};
    PGconn *conn = database_connect(till->database, &err);
    if (conn == NULL)
        fail_msg("%s", err.text);
    PGresult *result = PQexec(conn, sql);
    if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
        fail_msg("%s", PQerrorMessage(conn));
    PQfinish(conn);
    return result;
}

void till_close(struct till *till)
{
    char sql[128];
    snprintf(sql, sizeof sql, "DROP SCHEMA %s CASCADE", till->schema);
    till_sql(till, sql);
    till_leave(till->ledger);
}

int64_t till_number(const struct till *till, const char *sql)
{
    PGresult *result = run(till, sql);
    assert_int_equal(PQntuples(result), 1);
    int64_t number = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    PQclear(result);
    return number;
}

void till_sql(const struct till *till, const char *sql)
{
    PQclear(run(till, sql));
}

struct ledger_proof till_proof(const struct ledger_keyset *keyset, uint64_t amount)
{
    struct ledger_proof proof = {.keyset = keyset->number, .amount = amount};
    randombytes_buf(&proof.y, sizeof proof.y);
    return proof;
}

struct ledger_promise till_promise(const struct ledger_keyset *keyset, uint64_t amount)
{
    struct ledger_promise promise = {.keyset = keyset->number, .amount = amount};
    randombytes_buf(&promise.message, sizeof promise.message);
    randombytes_buf(&promise.signature, sizeof promise.signature);
    randombytes_buf(&promise.dleq, sizeof promise.dleq);
    return promise;
}

struct bytes32 till_request(void)
{
    struct bytes32 request;
    randombytes_buf(&request, sizeof request);
    return request;
}

void till_issue(const struct till *till, const struct ledger_keyset *keyset, uint64_t amount)
{
    struct fault fault = {0};
    struct mint_quote quote = {.id = uuid_new(),
                               .method = "grant",
                               .amount = amount,
                               .request = SPAN(""),
                               .state = MINT_PAID};
    snprintf(quote.unit, sizeof quote.unit, "%s", keyset->unit);
    struct ledger_promise promise = till_promise(keyset, amount);
    const struct ledger_issue issue = {
        .quote = quote.id, .request = till_request(), .outputs = &promise, .output_count = 1};
    const struct ledger_budgets none = {0};
    if (!ledger_mint_quote_add(till->ledger, &quote, &none, &fault) ||
        !ledger_issue(till->ledger, &issue, &fault))
        fail_msg("%s", fault.text);
}

struct ledger_swap till_swap(const struct ledger_proof *input, const struct ledger_promise *output)
{
    return (struct ledger_swap){.request = till_request(),
                                .inputs = input,
                                .input_count = 1,
                                .outputs = output,
                                .output_count = 1};
}

/* ---- melt ---- */

struct step {
    const struct melt_quote *quote;
    const struct ledger_hold *hold;
    const struct ledger_settlement *settlement;
    const struct uuid *cancelled;
    struct fault *fault;
};

static bool work(struct transaction *transaction, void *argument)
{
    const struct step *step = argument;
    if (step->quote != NULL)
        return ledger_melt_quote_add(transaction, step->quote, step->fault);
    if (step->hold != NULL)
        return ledger_hold(transaction, step->hold, step->fault);
    if (step->settlement != NULL)
        return ledger_settle(transaction, step->settlement, step->fault);
    return ledger_cancel(transaction, step->cancelled, 0, step->fault);
}

static bool take(struct ledger *ledger, struct step *step)
{
    struct err err = {0};
    enum database_end end = database_transact(ledger_database(ledger), work, step, &err);
    if (end == DATABASE_FAILED)
        fault_fill(step->fault, FAULT_OURS, "%s", err.text);
    return end == DATABASE_DONE;
}

struct melt_quote till_melt_quote(const struct till *till, const char *unit, uint64_t amount,
                                  uint64_t fee_reserve)
{
    struct fault fault = {0};
    struct melt_quote quote = {.id = uuid_new(),
                               .method = "compute",
                               .request = SPAN("a job"),
                               .amount = amount,
                               .fee_reserve = fee_reserve,
                               .created_at = 1};
    snprintf(quote.unit, sizeof quote.unit, "%s", unit);
    if (!take(till->ledger, &(struct step){.quote = &quote, .fault = &fault}))
        fail_msg("%s", fault.text);
    return quote;
}

bool till_hold(struct ledger *ledger, const struct ledger_hold *hold, struct fault *fault)
{
    return take(ledger, &(struct step){.hold = hold, .fault = fault});
}

bool till_settle(struct ledger *ledger, const struct ledger_settlement *settlement,
                 struct fault *fault)
{
    return take(ledger, &(struct step){.settlement = settlement, .fault = fault});
}

bool till_cancel(struct ledger *ledger, const struct uuid *quote, struct fault *fault)
{
    return take(ledger, &(struct step){.cancelled = quote, .fault = fault});
}

void till_audit(const struct till *till, char differences[TILL_DIFFERENCES_SIZE])
{
    struct ledger_audit audit;
    struct fault fault;
    size_t len = 0;
    if (!ledger_audit(till->ledger, &audit, &fault))
        fail_msg("%s", fault.text);
    differences[0] = '\0';
    for (uint32_t i = 0; i < audit.difference_count && len < TILL_DIFFERENCES_SIZE - 301; i++)
        len += (size_t)snprintf(differences + len, TILL_DIFFERENCES_SIZE - len, "%.*s\n",
                                SPAN_ARG(audit.differences[i]));
    ledger_audit_clear(&audit);
}
