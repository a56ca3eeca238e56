/* migrate NAME [STEP]: migrates schema NAME in the database of $TEST_DB, or runs only that step of
 * the migrations, in the schema that PGOPTIONS names. For tests in shell. */
#include <stdio.h>
#include <stdlib.h>

#include "relay/schema.h"
#include "relay/schema_steps.h"
#include "shared/err.h"

static bool run_step(const struct shard *shard, long step, struct err *err)
{
    if (step < 1 || step > schema_step_count)
        return err_set(err, ERR_INVALID, "steps are 1 to %d", schema_step_count);
    PGconn *conn = PQconnectdb(shard->conninfo);
    PGresult *result = PQexec(conn, schema_steps[step - 1].sql);
    bool is_ok = PQresultStatus(result) == PGRES_COMMAND_OK;
    if (!is_ok)
        err_fill(err, ERR_INTERNAL, "%s", PQerrorMessage(conn));
    PQclear(result);
    PQfinish(conn);
    return is_ok;
}

int main(int argc, char **argv)
{
    struct err err;
    const struct shard shard = {.conninfo = getenv("TEST_DB"), .schema = argv[1]};
    if (argc == 3 ? run_step(&shard, strtol(argv[2], NULL, 10), &err)
                  : argc == 2 && schema_migrate(&shard, &err))
        return 0;
    fprintf(stderr, "migrate: %s\n", err.text);
    return 1;
}
