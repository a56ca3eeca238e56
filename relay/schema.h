/* schema.h - the tables: creates and migrates them.
 *
 *   threads  blocking; called before the loop runs, from a process of its own or a tool
 *   errors   ERR_INTERNAL: what PostgreSQL said; a schema newer than this program
 */
#pragma once

#include <libpq-fe.h>

#include "shared/base.h"

struct err;

/* Where events live: one database and one schema in it. */
struct shard {
    const char *conninfo;
    const char *schema;   /* letters, digits and _ */
    const char *standbys; /* connection string of streaming standbys to read from; NULL: none */
};

enum { SCHEMA_NAME_MAX = 48 }; /* characters: names made from it must fit in PostgreSQL's 63 */

/* Runs the migrations in sql/ that are missing, each in a transaction, all under one advisory
 * lock: any number of processes may call it at once. */
MUST_CHECK bool schema_migrate(const struct shard *shard, struct err *err);

/* The session of a connection that reads or writes the tables: where they are, and the settings
 * without which a statement's plan would be chance. False: conn says why. */
MUST_CHECK bool schema_enter(PGconn *conn, const struct shard *shard, uint32_t statement_ms_max);

/* Prepares a statement: false when conn is broken or the statement is. */
MUST_CHECK bool schema_prepare(PGconn *conn, const char *name, const char *sql);
