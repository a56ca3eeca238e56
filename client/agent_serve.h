/* agent_serve.h - the agent's socket: who may come, one question after the other. Part of agent.
 *
 *   ownership  keep outlives the call; lock is closed when the place is free for another
 *   threads    one
 *   errors     ERR_INTERNAL: the system says no
 */
#pragma once

#include "shared/base.h"

struct agent_keep;
struct err;

struct agent_serve_call {
    struct agent_keep *keep;
    int lock;                   /* of agent_claim, */
    const char *path;           /* for this socket */
    void (*ready)(void *owner); /* it listens */
    void *owner;
};

/* Until a signal or somebody says stop; the socket is gone then. */
MUST_CHECK bool agent_serve(const struct agent_serve_call *call, struct err *err);
