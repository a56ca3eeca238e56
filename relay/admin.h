/* admin.h - management requests: may who asks, and then it is done.
 *
 * An operator (admin_pubkeys) may call every method, others those that were assigned to them.
 * Whom a ban concerns loses what is stored, too, before the answer where that does not take long.
 *
 *   ownership  a wait is a part of its owner; its body is freed by admin_forget
 *   threads    loop thread only
 *   spec       NIP-86, NIP-98
 */
#pragma once

#include <uv.h>

#include "shared/base.h"
#include "shared/text.h"

struct admin;
struct admin_job;
struct config;
struct control;
struct control_db;
struct shards;

enum { ADMIN_BODY_BYTES_MAX = 16384 };

struct admin_setup {
    const struct config *config;
    struct control *control;
    struct control_db *control_db;
    struct shards *store;
};

struct admin *admin_new(uv_loop_t *loop, const struct admin_setup *setup);

/* After control_db and store, which have answered by then. Memory goes when its handle has
 * closed. */
void admin_free(struct admin *admin);

/* No answer comes any more to those who wait. */
void admin_forget_all(struct admin *admin);

/* Whether there is anybody who may ask. */
bool admin_is_on(const struct admin *admin);

struct admin_request {
    struct span authorization; /* of the header; at NULL when absent */
    struct span body;
    struct span local_ip; /* of the connection, 4 or 16 bytes */
};

/* One who waits: all zero when nothing is asked. */
struct admin_wait {
    struct admin_job *job; /* NULL: answered */
    void (*answer)(void *owner);
    void *owner;
    int status;       /* of HTTP */
    struct text body; /* JSON */
};

/* The request is borrowed for the call. Either answers within the call, or calls answer later: in
 * both cases wait->job is NULL then, and wait has the answer. */
void admin_ask(struct admin *admin, const struct admin_request *request, struct admin_wait *wait,
               void (*answer)(void *owner), void *owner);

/* Whether it waits or not: nothing is left of it. */
void admin_forget(struct admin_wait *wait);
