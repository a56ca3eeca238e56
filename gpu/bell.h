/* bell.h - to be told what others have written into the database: LISTEN, on a loop.
 *
 * A connection that breaks is made again; what was said meanwhile is lost, so that every listener
 * is told then that it may have missed something.
 *
 *   ownership  bell_close, and all is freed once the loop has run on
 *   threads    loop thread only
 *   errors     those of database_connect
 */
#pragma once

#include <uv.h>

#include "shared/base.h"

struct bell;
struct database;
struct err;

enum { BELL_LISTENERS_MAX = 8 };

/* payload: NULL when something may have been missed. */
typedef void bell_fn(void *owner, const char *payload);

struct bell_listener {
    const char *channel; /* a literal, without the schema: "job" */
    bell_fn *rung;
    void *owner;
};

/* Waits for the database, once. NULL: err. */
struct bell *bell_open(uv_loop_t *loop, const struct database *database,
                       const struct bell_listener *listeners, size_t count, struct err *err);
void bell_close(struct bell *bell);
