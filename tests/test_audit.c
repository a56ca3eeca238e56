/* The audit finds what was changed behind the ledger's back; and the command that runs it. */
#include "gpu/ledger_audit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gpu/cluster.h"
#include "shared/err.h"
#include "tests/folder.h"
#include "tests/test.h"
#include "tests/till.h"

static struct till till;
static const char *program;
static char database[80];
static char conninfo[400];

/* Rows of each kind: issued, swapped, held, kept with change, a budget. */
static void fill(void)
{
    struct fault fault = {0};
    const struct ledger_budget budget = {"ccr/cap", 1000};
    const struct ledger_budgets budgets = {&budget, 1};
    const struct mint_quote bought = {.id = uuid_new(),
                                      .method = "grant",
                                      .unit = "ccr",
                                      .amount = 64,
                                      .request = SPAN(""),
                                      .state = MINT_PAID};
    till_issue(&till, &till.promo, 128);
    till_issue(&till, &till.paid, 256);
    assert_true(ledger_mint_quote_add(till.ledger, &bought, &budgets, &fault));
    struct ledger_proof proofs[] = {till_proof(&till.promo, 32), till_proof(&till.paid, 16),
                                    till_proof(&till.paid, 32)};
    struct ledger_promise output = till_promise(&till.promo, 32);
    struct ledger_swap swap = till_swap(proofs, &output);
    assert_true(ledger_swap(till.ledger, &swap, &fault));
    struct melt_quote quotes[] = {till_melt_quote(&till, "ccr", 10, 6),
                                  till_melt_quote(&till, "ccr", 20, 12)};
    struct ledger_blank blank = {till_promise(&till.paid, 1).message, till.paid.number};
    for (int i = 0; i < 2; i++) {
        const struct ledger_hold hold = {.quote = quotes[i].id,
                                         .request = till_request(),
                                         .inputs = &proofs[1 + i],
                                         .input_count = 1,
                                         .blanks = &blank,
                                         .blank_count = i == 0};
        assert_true(till_hold(till.ledger, &hold, &fault));
    }
    struct ledger_promise change = till_promise(&till.paid, 4);
    change.message = blank.message;
    const struct ledger_settlement settlement = {
        .quote = quotes[0].id, .cost = 12, .change = &change, .change_count = 1};
    assert_true(till_settle(till.ledger, &settlement, &fault));
}

static void sql_at(const char *where, const char *sql)
{
    PGconn *conn = PQconnectdb(where);
    PGresult *result = PQexec(conn, sql);
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        fail_msg("%s", PQerrorMessage(conn));
    PQclear(result);
    PQfinish(conn);
}

static int open_till(void **state)
{
    char sql[128];
    (void)state;
    snprintf(database, sizeof database, "audit_%d", (int)getpid());
    snprintf(sql, sizeof sql, "CREATE DATABASE %s", database);
    sql_at(getenv("TEST_DB"), sql);
    snprintf(conninfo, sizeof conninfo, "%s dbname=%s", getenv("TEST_DB"), database);
    till_open_at(&till, conninfo, "shoal_node", 2);
    fill();
    return 0;
}

static int close_till(void **state)
{
    char sql[128];
    (void)state;
    till_close(&till);
    snprintf(sql, sizeof sql, "DROP DATABASE %s", database);
    sql_at(getenv("TEST_DB"), sql);
    return 0;
}

static void sound(void)
{
    char difference[TILL_DIFFERENCES_SIZE];
    till_audit(&till, difference);
    assert_string_equal(difference, "");
}

/* A row changed, what the audit says of it, and the row as it was. */
static const struct {
    const char *change, *says, *back;
} tampered[] = {
    {"UPDATE proof SET amount = amount + 1 WHERE spent AND keyset = 1", "33 spent by its rows, 32",
     "UPDATE proof SET amount = amount - 1 WHERE spent AND keyset = 1"},
    {"CREATE TABLE gone AS SELECT * FROM proof WHERE spent AND keyset = 2;"
     " DELETE FROM proof WHERE spent AND keyset = 2",
     "0 spent by its rows, 16", "INSERT INTO proof SELECT * FROM gone; DROP TABLE gone"},
    {"UPDATE promise SET amount = 1000 WHERE amount = 128", "issued by its rows",
     "UPDATE promise SET amount = 128 WHERE amount = 1000"},
    {"UPDATE entry SET issued = issued + 7 WHERE kind = 2", "by the journal",
     "UPDATE entry SET issued = issued - 7 WHERE kind = 2"},
    {"UPDATE entry SET issued = issued + 7 WHERE kind = 2;" /* the rows and the journal agree */
     " UPDATE promise SET amount = 39 WHERE keyset = 1 AND amount = 32",
     "swap: 39 issued, 32 spent",
     "UPDATE entry SET issued = issued - 7 WHERE kind = 2;"
     " UPDATE promise SET amount = 32 WHERE keyset = 1 AND amount = 39"},
    {"UPDATE entry SET issued = 129 WHERE kind = 1 AND issued = 128;"
     " UPDATE promise SET amount = 129 WHERE amount = 128",
     "ccr-promo: quotes of 128 are issued, the journal says 129",
     "UPDATE entry SET issued = 128 WHERE issued = 129;"
     " UPDATE promise SET amount = 128 WHERE amount = 129"},
    {"UPDATE mint_quote SET state = 2 WHERE state = 1", "quotes of 320 are issued",
     "UPDATE mint_quote SET state = 1 WHERE amount = 64"},
    {"UPDATE proof SET keyset = 99 WHERE keyset = 1", "keyset 99: has rows and is not there",
     "UPDATE proof SET keyset = 1 WHERE keyset = 99"},
    {"UPDATE proof SET spent = true WHERE NOT spent", "pending",
     "UPDATE proof SET spent = false WHERE amount = 32 AND keyset = 2"},
    {"UPDATE melt_quote SET state = 0 WHERE state = 1", "which is not pending",
     "UPDATE melt_quote SET state = 1 WHERE state = 0"},
    {"UPDATE melt_quote SET held = 33 WHERE state = 1", "holds 33, and its proofs are worth 32",
     "UPDATE melt_quote SET held = 32 WHERE state = 1"},
    {"UPDATE melt_quote SET cost = 13 WHERE state = 2", "16 held, 13 kept, 4 given back",
     "UPDATE melt_quote SET cost = 12 WHERE state = 2"},
    {"UPDATE budget SET share = share + 1 WHERE slot = 1", "budget ccr/cap",
     "UPDATE budget SET share = share - 1 WHERE slot = 1"},
    {"INSERT INTO promise (b, amount, keyset, position, quote) VALUES"
     " (decode(repeat('02', 33), 'hex'), 0, 1, 1, gen_random_uuid())",
     "a blank output waits", "DELETE FROM promise WHERE c IS NULL"},
};

static void test_tampered(void **state)
{
    char difference[TILL_DIFFERENCES_SIZE];
    (void)state;
    sound();
    for (size_t i = 0; i < ARRAY_LEN(tampered); i++) {
        till_sql(&till, tampered[i].change);
        till_audit(&till, difference);
        if (strstr(difference, tampered[i].says) == NULL)
            fail_msg("%s: '%s' does not say '%s'", tampered[i].change, difference,
                     tampered[i].says);
        till_sql(&till, tampered[i].back);
        sound();
    }
}

/* The roots name the rows: other keys of the same amounts are other roots. */
static void test_roots(void **state)
{
    struct ledger_audit one, other;
    struct fault fault;
    (void)state;
    assert_true(ledger_audit(till.ledger, &one, &fault));
    till_sql(&till, "UPDATE promise SET b = set_byte(b, 32, get_byte(b, 32) # 1)"
                    " WHERE keyset = 1 AND amount = 32");
    assert_true(ledger_audit(till.ledger, &other, &fault));
    assert_int_equal(one.sums[0].issued.sum, 160);
    assert_int_equal(other.sums[0].issued.sum, 160);
    assert_memory_not_equal(&one.sums[0].issued.hash, &other.sums[0].issued.hash, 32);
    assert_memory_equal(&one.sums[0].spent, &other.sums[0].spent, sizeof one.sums->spent);
    assert_memory_equal(&one.sums[1].issued, &other.sums[1].issued, sizeof one.sums->issued);
    assert_int_equal(one.sums[1].outstanding, 256 + 4 - 16);
    assert_int_equal(one.sums[1].pending, 32);
    ledger_audit_clear(&one);
    ledger_audit_clear(&other);
}

static void run(const char *arguments, int expected, char out[8192])
{
    char command[1000];
    snprintf(command, sizeof command, "%s audit %s 2>&1", program, arguments);
    FILE *pipe = popen(command, "r"); // NOLINT(cert-env33-c): our own words
    assert_non_null(pipe);
    size_t len = fread(out, 1, 8191, pipe);
    out[len] = '\0';
    int status = pclose(pipe);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) != expected)
        fail_msg("%d: %s", WEXITSTATUS(status), out);
}

static void says(const char *out, const char *part)
{
    if (strstr(out, part) == NULL)
        fail_msg("'%s' does not say '%s'", out, part);
}

static void test_command(void **state)
{
    char arguments[600];
    char out[8192];
    (void)state;
    snprintf(arguments, sizeof arguments, "--database '%s'", conninfo);
    run(arguments, 0, out);
    says(out, " ccr-promo, active\n");
    says(out, "  issued                       160  2 promises, root ");
    says(out, "  outstanding                  244\n");
    says(out, "no difference\n");
    snprintf(arguments, sizeof arguments, "--json --database '%s'", conninfo);
    run(arguments, 0, out);
    says(out, "\"issued\":260,\"spent\":16,\"pending\":32,\"outstanding\":244,");
    says(out, "\"differences\":[]}\n");
    till_sql(&till, "UPDATE proof SET amount = amount + 1 WHERE spent AND keyset = 1");
    run(arguments, 1, out);
    says(out, "\"differences\":[\"keyset 1: 33 spent by its rows, 32 by the journal\"]}");
    till_sql(&till, "UPDATE proof SET amount = amount - 1 WHERE spent AND keyset = 1");
}

static void test_command_refused(void **state)
{
    char arguments[600];
    char out[8192];
    (void)state;
    run("", 2, out);
    says(out, "--database or --data");
    run("--data /nowhere --database x", 2, out);
    run("--data /nowhere a-model", 2, out);
    run("--data /nowhere", 1, out);
    says(out, "no node keeps its data in /nowhere");
    snprintf(arguments, sizeof arguments, "--database '%s'", getenv("TEST_DB"));
    run(arguments, 1, out);
    says(out, "does not exist"); /* and was not made */
    run(arguments, 1, out);
    till_sql(&till, "INSERT INTO migration VALUES (999, 'of tomorrow')");
    snprintf(arguments, sizeof arguments, "--database '%s'", conninfo);
    run(arguments, 1, out);
    says(out, "the schema is at 999");
    till_sql(&till, "DELETE FROM migration WHERE number = 999");
}

static void test_command_data(void **state)
{
    char folder[64];
    char data[100];
    char arguments[200];
    char out[8192];
    struct err err = {.text = ""};
    struct till own;
    (void)state;
    folder_make(folder, sizeof folder);
    snprintf(data, sizeof data, "%s/data", folder);
    snprintf(arguments, sizeof arguments, "--data %s", data);
    struct cluster *cluster = cluster_open(data, &err);
    if (cluster == NULL)
        fail_msg("%s", err.text);
    till_open_at(&own, cluster_conninfo(cluster), "shoal_node", 1);
    till_issue(&own, &own.paid, 7);
    run(arguments, 0, out); /* beside the node */
    till_leave(own.ledger);
    cluster_close(cluster);
    run(arguments, 0, out); /* and while it is not running */
    says(out, "outstanding                    7\n");
    folder_remove(folder);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tampered),     cmocka_unit_test(test_roots),
        cmocka_unit_test(test_command),      cmocka_unit_test(test_command_refused),
        cmocka_unit_test(test_command_data),
    };
    program = argc == 2 ? argv[1] : "shoal-gpu";
    return cmocka_run_group_tests(tests, open_till, close_till);
}
