/* sql.h - statements of a test's own on its database.
 *
 *   errors  a failed assertion of the running test
 */
#pragma once

#include <libpq-fe.h>

#include "tests/test.h"

/* The caller clears what is answered. */
static inline PGresult *sql(PGconn *conn, const char *text)
{
    PGresult *result = PQexec(conn, text);
    if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
        fail_msg("%s", PQerrorMessage(conn));
    return result;
}

static inline void sql_run(PGconn *conn, const char *text)
{
    PQclear(sql(conn, text));
}
