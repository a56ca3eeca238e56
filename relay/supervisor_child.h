/* supervisor_child.h - a worker as its parent knows it. Part of supervisor.
 *
 *   threads  one
 */
#pragma once

#include <sys/types.h>

#include "relay/revival.h"
#include "shared/base.h"

struct worker_setup;

struct child {
    pid_t pid;    /* 0: none */
    int socket;   /* that it listens on; ours as well, so that it outlasts the worker. -1: none */
    int ready_fd; /* -1: nothing more comes from it */
    bool is_ready;
    struct revival revival;
};

/* Forks one that runs setup, whose ready_fd and parent are set here; it closes the descriptors in
 * private, count of them, and every signal is its own. False when it cannot be. */
MUST_CHECK bool child_start(struct child *child, const struct worker_setup *setup,
                            const int *private, size_t count);

/* Reads whether it is ready. */
void child_take_ready(struct child *child);

/* Nothing of it is left, but when it is to be started again. */
void child_ended(struct child *child);

/* "signal=KILL" or "status=1" */
void child_describe(char *out, size_t size, int status);
