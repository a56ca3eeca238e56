#include "tests/sharded.h"

#include <stdlib.h>

#include "tests/scratch.h"
#include "tests/sql.h"

enum { ARGUMENTS_MAX = 12 };

const char *sharded_database(const struct pg *pg, const char *name)
{
    PGconn *conn = PQconnectdb(pg->conninfo);
    sql_run(conn, scratch_format("CREATE DATABASE %s", name));
    PQfinish(conn);
    return scratch_format("host=%s user=postgres dbname=%s", pg->directory, name);
}

int64_t sharded_count(const char *database, const char *query)
{
    PGconn *conn = PQconnectdb(database);
    sql_run(conn, "SET search_path TO shoal");
    PGresult *result = sql(conn, query);
    int64_t number = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    PQclear(result);
    PQfinish(conn);
    return number;
}

void sharded_start(struct program *program, const char *first, const char *const *words)
{
    const char *arguments[ARGUMENTS_MAX] = {"shard", "--config=/dev/null",
                                            scratch_format("--database=%s", first), "--grace=0"};
    size_t count = 4;
    while (*words != NULL) {
        assert_true(count < ARGUMENTS_MAX - 1);
        arguments[count++] = *words++;
    }
    program_start(program, arguments);
}

void sharded_run(struct program *program, const char *first, const char *const *words)
{
    sharded_start(program, first, words);
    program_end(program);
}

void sharded_do(const char *first, const char *const *words)
{
    struct program program;
    sharded_run(&program, first, words);
    if (program.status != 0)
        fail_msg("shard %s: status %d: %s", words[0], program.status, program.err_text.at);
    program_clear(&program);
}
