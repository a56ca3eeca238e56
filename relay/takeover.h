/* takeover.h - a supervisor that puts a new program in its own place, and what it hands on.
 *
 * By exec the process keeps its number, its children and the descriptors named here: PostgreSQL
 * goes on, and so do the workers until new ones are ready. All travels in one environment variable,
 * TAKEOVER_NAME: numbers, and the settings that cannot change while the relay runs.
 *
 *   threads  one
 *   errors   ERR_INVALID: such a setting has changed. ERR_INTERNAL: the program cannot be run
 */
#pragma once

#include <sys/types.h>

#include "relay/cluster.h"
#include "relay/metrics.h"
#include "shared/base.h"

struct config;
struct err;

#define TAKEOVER_NAME "SHOAL_TAKEOVER"

struct takeover {
    int reserved; /* socket that holds the port */
    struct cluster_hold cluster;
    uint32_t socket_count, worker_count;
    int sockets[METRICS_PROCESSES_MAX]; /* that workers listen on, by their number */
    pid_t workers[METRICS_PROCESSES_MAX];
};

/* Whether this program was put in the place of another. Takes it out of the environment. */
MUST_CHECK bool takeover_begin(struct takeover *takeover);

/* In a program asked for --check-config by one that would be replaced: whether it may be. True when
 * nobody asks. */
MUST_CHECK bool takeover_check(const struct config *config, struct err *err);

/* Asks program (a path) whether arguments are good to run with, then puts it in our place. Returns
 * only if that cannot be. config: ours. */
void takeover_end(const struct takeover *takeover, const struct config *config, const char *program,
                  char *const *arguments, struct err *err);
