/* cluster_setup.h - the command line of our postgres: everything that we rely on, said there.
 *
 * What is on the command line cannot be changed by a file in the data folder; the rest of
 * postgresql.conf is the operator's.
 *
 * Part of cluster.
 */
#pragma once

#include "relay/cluster_child.h"
#include "relay/cluster_place.h"
#include "shared/base.h"

struct cluster_setup {
    const char *argv[CLUSTER_ARGUMENTS_MAX]; /* into text */
    size_t count;
    char text[4 * CLUSTER_PATH_MAX];
    size_t len;
};

void cluster_setup_fill(struct cluster_setup *setup, const struct cluster_place *place,
                        const struct config *config);

/* Bytes of memory that we may think of as the machine's: a container's limit counts. */
int64_t cluster_setup_memory(void);
