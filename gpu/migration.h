/* migration.h - the node's tables: makes them, and brings older ones up to date.
 *
 *   threads  blocking
 *   errors   ERR_INVALID a name; ERR_INTERNAL: what PostgreSQL said; a schema newer than this
 *            program
 */
#pragma once

#include <libpq-fe.h>

#include "shared/base.h"

struct err;

/* Runs the steps of sql/node/ that are missing, each in a transaction, all under one advisory lock:
 * any number of processes may call it at once. */
MUST_CHECK bool migration_run(PGconn *conn, const char *schema, struct err *err);

/* Whether they have been run, and no others: nothing is changed. */
MUST_CHECK bool migration_check(PGconn *conn, const char *schema, struct err *err);

/* Fills err with what PostgreSQL said, and is false. */
#define migration_refused(...) (migration_say(__VA_ARGS__), false)
void migration_say(const PGconn *conn, const char *doing, struct err *err);
