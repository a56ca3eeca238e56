/* cluster_tool.h - PostgreSQL's programs: where they are, as whom they run, what they say.
 *
 * Part of cluster.
 *
 *   threads  blocking
 *   errors   ERR_INTERNAL, with the program's last words
 */
#pragma once

#include <sys/types.h>

#include "shared/base.h"

struct err;

enum { CLUSTER_PATH_MAX = 1024, CLUSTER_WORDS_MAX = 24 };

struct cluster_tool {
    char folder[CLUSTER_PATH_MAX]; /* of initdb and pg_ctl */
    uid_t uid;                     /* whom to be */
    gid_t gid;
    bool drops; /* we are root, and must become them */
};

/* Whose data_dir is, or who is to get it; and the programs of that version, 0: of any. */
MUST_CHECK bool cluster_tool_find(struct cluster_tool *tool, const char *data_dir, int version,
                                  struct err *err);

/* Runs folder/words[0] to its end. NULL ends words. False when it says no; status NULL: whatever
 * it says but 0, else put there. */
MUST_CHECK bool cluster_tool_run(const struct cluster_tool *tool, const char *const words[],
                                 int *status, struct err *err);
