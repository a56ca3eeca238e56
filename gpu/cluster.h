/* cluster.h - a node's own PostgreSQL: a private cluster in its data folder.
 *
 *     data/postgres/     the cluster; postgres.new/ while it is being made
 *     data/run/          its socket: nobody else may enter, and there is no port
 *     data/users, data/turn    locks
 *
 * Made when first wanted, started by who comes first, shared by all processes on the same folder,
 * stopped by who leaves last. Who is killed leaves it running: the next one finds it. PostgreSQL
 * refuses to be root's: started by root it belongs to the folder's owner, or to a user postgres.
 *
 *   ownership  cluster_open to cluster_close
 *   threads    blocking; any, one at a time for each folder
 *   errors     ERR_INTERNAL: no binaries, no user to become, a folder of another's, a path that is
 *              too long for a socket, what PostgreSQL said
 */
#pragma once

#include "shared/base.h"

struct cluster;
struct err;

/* Whether there is one to open, or one would be made. */
bool cluster_is_there(const char *data_dir);

/* NULL: err. */
struct cluster *cluster_open(const char *data_dir, struct err *err);

/* For libpq; lives as long as the cluster. */
const char *cluster_conninfo(const struct cluster *cluster);

void cluster_close(struct cluster *cluster);
