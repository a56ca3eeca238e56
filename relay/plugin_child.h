/* plugin_child.h - the process of a policy plugin. Part of plugin.
 *
 * It gets our stdin, stdout and stderr of it, and nothing else of ours: no descriptor, no variable
 * of the environment but PATH and LANG (the others may hold passwords), no privilege to be had by
 * exec, a process group of its own. It dies with us.
 *
 *   threads  loop thread; between fork and exec only what a signal handler may call
 *   errors   ERR_INTERNAL
 */
#pragma once

#include <sys/types.h>

#include "shared/base.h"

struct drop;
struct err;

struct plugin_child {
    pid_t pid;                /* 0: none */
    int input, output, error; /* our ends, not blocking; whoever takes one sets it to -1 */
};

/* command: for /bin/sh. drop: whom it becomes; what it reads may be anybody's. */
MUST_CHECK bool plugin_child_start(struct plugin_child *child, const char *command,
                                   const struct drop *drop, struct err *err);

/* Kills it with all of its group, and reaps it. */
void plugin_child_end(struct plugin_child *child);
