/* worker.h - one relay process: wires the modules to a loop and runs it until SIGTERM.
 *
 *   errors  logged; the exit status says which
 */
#pragma once

#include <sys/types.h>

#include "shared/base.h"

struct config;
struct rules;
struct shard;

/* An exit status: it said why, and another try would fail the same way. */
enum { WORKER_CANNOT_SERVE = 3 };

struct worker_setup {
    const struct config *config;
    const struct shard *shard;
    struct rules *rules;     /* taken over */
    const char *trust_roots; /* keys in hex */
    uint32_t number;         /* 0 to processes - 1 */
    int socket;              /* to listen on; taken over */
    pid_t parent;            /* dies with it */
    int ready_fd; /* one byte is written here once the port listens and the database answers */
};

/* Returns the exit status. */
int worker_run(const struct worker_setup *setup);
