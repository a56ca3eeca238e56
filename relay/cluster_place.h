/* cluster_place.h - where the cluster and its programs lie: folders, lock, socket, binaries.
 *
 *     data_dir/            0700, the user's
 *       lock               locked while a relay or a tool uses the folder
 *       postgres/          the cluster; postgres.new/ while it is being made
 *       run/               the socket; elsewhere when that path is too long for a socket
 *
 * Part of cluster.
 *
 *   threads  blocking; the only thread
 *   errors   ERR_INTERNAL
 */
#pragma once

#include "relay/config.h"
#include "relay/drop.h"
#include "shared/base.h"

enum { CLUSTER_PATH_MAX = CONFIG_TEXT_MAX + 64 };

struct cluster_place {
    struct drop drop;
    int lock;                        /* -1: not locked */
    char data_dir[CONFIG_TEXT_MAX];  /* as configured */
    char postgres[CLUSTER_PATH_MAX]; /* the cluster */
    char unfinished[CLUSTER_PATH_MAX];
    char run[CLUSTER_PATH_MAX]; /* folder of the socket */
    char bin[CLUSTER_PATH_MAX]; /* folder of initdb and postgres */
};

/* Only says where all is. */
MUST_CHECK bool cluster_place_find(struct cluster_place *place, const struct config *config,
                                   struct err *err);

/* Makes the folders, with their owner and mode, and takes the lock. */
MUST_CHECK bool cluster_place_take(struct cluster_place *place, struct err *err);
void cluster_place_release(struct cluster_place *place);

/* Who holds the lock: a process id, 0 when nobody. */
pid_t cluster_place_holder(const struct cluster_place *place);

/* The major version of the cluster that is there; 0 when none is. */
int cluster_place_version(const struct cluster_place *place);

/* Finds the binaries: postgres_bin, else those of the cluster's version, else PATH, else the
 * newest that the system has. */
MUST_CHECK bool cluster_place_find_binaries(struct cluster_place *place,
                                            const struct config *config, struct err *err);

/* A process that works in the cluster's folder, of whoever started it; 0 when there is none. */
pid_t cluster_place_occupant(const struct cluster_place *place);

/* Removes a folder and what is in it. */
MUST_CHECK bool cluster_place_remove(const struct cluster_place *place, const char *path,
                                     struct err *err);
