/* cluster_child.h - one of PostgreSQL's programs, run as an ordinary user, its words read by us.
 *
 * The child dies with its parent, has a process group of its own (Ctrl-C is for the relay, which
 * then stops it in order), no variable of libpq in its environment and no descriptor of ours.
 * What it writes is logged, and the last complaint kept for the error that follows.
 *
 * Part of cluster.
 *
 *   threads  blocking; the only thread
 *   errors   ERR_INTERNAL
 */
#pragma once

#include <sys/types.h>

#include "relay/drop.h"
#include "relay/log.h"
#include "shared/base.h"

struct err;

enum { CLUSTER_LINE_MAX = 1024, CLUSTER_ARGUMENTS_MAX = 96 };

struct cluster_child {
    pid_t pid;  /* 0: none */
    int output; /* our end of its stdout and stderr; -1: none */
    size_t len; /* of line */
    char line[CLUSTER_LINE_MAX];
    char complaint[CLUSTER_LINE_MAX]; /* its last error; "" while it had none */
};

/* argv[0] is a path; NULL ends it. death_signal: what it gets when we die. */
MUST_CHECK bool cluster_child_start(struct cluster_child *child, const struct drop *drop,
                                    const char *const argv[], int death_signal, struct err *err);

/* Reads and logs what there is; waits up to timeout_ms for something. */
void cluster_child_read(struct cluster_child *child, int timeout_ms);

/* True once it has exited and was reaped (pid is then 0); status as of waitpid. */
bool cluster_child_ended(struct cluster_child *child, int *status);

/* Closes our end; what was written last is read first. */
void cluster_child_close(struct cluster_child *child);
