/* control_db.h - the operators' decisions, kept in the database and the same in all processes.
 *
 * A change is one statement that also notifies; each process asks for the item it was told of, and
 * for everything after it has connected. Both come over one connection, so what is asked for later
 * is as new or newer.
 *
 *   units     at, expires, now: unix seconds
 *   threads   loop thread only
 *   order     replies come in the order of the calls, never from within one
 */
#pragma once

#include <uv.h>

#include "relay/control.h"

struct control_db;
struct db;
struct shard;

struct control_db_setup {
    const struct shard *shard; /* kept, not copied */
    struct control *control;   /* what is kept up to date */
    /* An item of the list, or several, are new, other or gone. */
    void (*on_changed)(void *owner, enum control_list list);
    void *owner;
};

struct control_db *control_db_new(uv_loop_t *loop, const struct control_db_setup *setup);

/* Everything unanswered is answered as failed first. */
void control_db_free(struct control_db *control_db);

/* Whether the lists were read at least once. */
bool control_db_is_loaded(const struct control_db *control_db);

enum control_result { CONTROL_DONE, CONTROL_REFUSED, CONTROL_FAILED };

typedef void control_done_fn(void *owner, enum control_result result);

/* Done once the change is committed and made here; the others are told with the commit. False, and
 * never done, when the database is not there. item is borrowed for the call. */
MUST_CHECK bool control_db_put(struct control_db *control_db, const struct control_item *item,
                               control_done_fn *done, void *owner, struct err *err);

/* Only if it is allowed, or banned, as the item says. */
MUST_CHECK bool control_db_drop(struct control_db *control_db, const struct control_item *item,
                                control_done_fn *done, void *owner, struct err *err);

/* The connection, for the statements of control_sql.h about tickets. */
struct db *control_db_link(struct control_db *control_db);
