/* schema.h - the tables: creates and migrates them.
 *
 *   threads  blocking; called before the loop runs, from a process of its own or a tool
 *   errors   ERR_INTERNAL: what PostgreSQL said; a schema newer than this program
 */
#pragma once

#include "shared/base.h"

struct err;

/* Where events live: one database and one schema in it. */
struct shard {
    const char *conninfo;
    const char *schema; /* letters, digits and _ */
};

/* Runs the migrations in sql/ that are missing, each in a transaction, all under one advisory
 * lock: any number of processes may call it at once. */
MUST_CHECK bool schema_migrate(const struct shard *shard, struct err *err);
