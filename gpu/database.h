/* database.h - PostgreSQL for threads that may wait: connections, lent for a transaction each.
 *
 * A transaction is a function that PostgreSQL may make us run again: after a deadlock, a conflict,
 * a connection that broke. It has no effect but on the database and on what its argument says, and
 * begins that anew each time. A connection that breaks while the transaction is being committed
 * leaves it unknown whether it was: it is run again then, too, and must know its own traces.
 *
 *   units      milliseconds
 *   ownership  database_open to database_close, once no thread is in a call
 *   threads    any; a call waits for a connection, and for PostgreSQL
 *   errors     ERR_INTERNAL: PostgreSQL is not there, or says no
 */
#pragma once

#include <libpq-fe.h>

#include "shared/base.h"

struct database;
struct err;
struct transaction;

enum { DATABASE_CONNECTIONS_MAX = 64, DATABASE_SCHEMA_MAX = 48 };

struct database_setup {
    const char *conninfo;
    const char *schema;        /* NULL: shoal_node */
    uint32_t connections;      /* at most, each made when first wanted; 0: 8 */
    uint32_t statement_ms_max; /* 0: 30000 */
    bool only_reads;           /* refuses a schema that it would have to migrate */
};

/* Migrates the schema, too: its tables are there afterwards. NULL: err. */
struct database *database_open(const struct database_setup *setup, struct err *err);
void database_close(struct database *database);

/* False: it is to be undone. Of a query that failed there is nothing to say: false, at once. */
typedef bool database_work_fn(struct transaction *transaction, void *argument);

enum database_end {
    DATABASE_DONE,    /* committed */
    DATABASE_REFUSED, /* work has said no, by its argument why: nothing was done */
    DATABASE_FAILED   /* err says why. Of a commit that nobody answered, it may have been done */
};

/* Read committed: a statement sees what was committed before it, and what it waited for. */
MUST_CHECK enum database_end database_transact(struct database *database, database_work_fn *work,
                                               void *argument, struct err *err);

/* Reads only, all of one moment. */
MUST_CHECK enum database_end database_read(struct database *database, database_work_fn *work,
                                           void *argument, struct err *err);

/* A connection of the caller's own, for LISTEN and the like: PQfinish. NULL: err. */
PGconn *database_connect(const struct database *database, struct err *err);
