/* sharded.h - databases of a test's own PostgreSQL, and the command that makes shards of them.
 *
 *   ownership  scratch owns the strings
 *   errors     a failed assertion of the running test
 */
#pragma once

#include "tests/pg.h"
#include "tests/program.h"

/* A new database. Returns how to connect to it. */
const char *sharded_database(const struct pg *pg, const char *name);

/* The number that a query answers there, in the schema shoal. */
int64_t sharded_count(const char *database, const char *query);

/* shoal-relay shard of the shards that begin with first; words: up to NULL. It is left running, or
 * run to its end. */
void sharded_start(struct program *program, const char *first, const char *const *words);
void sharded_run(struct program *program, const char *first, const char *const *words);

/* The same; it ends well. */
void sharded_do(const char *first, const char *const *words);

/* SHARDED("move", "0-99", "1") */
#define SHARDED(...) ((const char *const[]){__VA_ARGS__, NULL})
