/* cluster.h - the relay's own PostgreSQL: a private cluster in the data folder.
 *
 * Unix socket only, in a folder nobody else may enter; never as root. Made at first start,
 * started and stopped with the relay, recovered by PostgreSQL itself after a crash.
 *
 *   ownership  the postgres process is a child of the caller's process
 *   threads    blocking; the only thread. Waits end early when SIGTERM or SIGINT is pending, which
 *              the caller blocks and takes between calls
 *   errors     ERR_INTERNAL: no binaries, a folder of a newer version, in use by another relay
 */
#pragma once

#include <sys/types.h>

#include "shared/base.h"

struct cluster;
struct config;
struct err;

/* Makes the cluster if it is not there; starts postgres and waits until it answers. NULL: err. */
struct cluster *cluster_start(const struct config *config, struct err *err);

/* What makes a cluster ours: it passes to the program that takes our place by exec. */
struct cluster_hold {
    pid_t pid;        /* 0: postgres has died, and is to be restarted */
    int output, lock; /* descriptors; -1: none */
};
struct cluster_hold cluster_hold(const struct cluster *cluster);

/* In that program: goes on with it. NULL: err. */
struct cluster *cluster_adopt(const struct config *config, const struct cluster_hold *hold,
                              struct err *err);

/* libpq connection string; lives as long as the cluster. */
const char *cluster_conninfo(const struct cluster *cluster);

/* The child to watch. */
pid_t cluster_pid(const struct cluster *cluster);

/* What the child writes is logged by the caller's reading it: poll this for POLLIN, and call
 * cluster_log when there is something. -1 while there is nothing to read from. */
int cluster_log_fd(const struct cluster *cluster);
void cluster_log(struct cluster *cluster);

/* The caller has reaped the child. */
void cluster_ended(struct cluster *cluster);

/* After that: starts it again. False while it cannot be. */
MUST_CHECK bool cluster_restart(struct cluster *cluster, struct err *err);

/* Fast shutdown, immediate after a while; waits, frees. */
void cluster_stop(struct cluster *cluster);

/* The connection string of the cluster if a relay runs it now; for import and export. False when
 * none runs. */
MUST_CHECK bool cluster_find(char *conninfo, size_t size, const struct config *config);
