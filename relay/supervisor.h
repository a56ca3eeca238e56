/* supervisor.h - the parent of all: cluster, migrations, workers; restarts what dies.
 *
 *   errors  logged; the exit status says
 */
#pragma once

struct config;

/* Runs the relay until SIGTERM or SIGINT; returns the exit status. */
int supervisor_run(const struct config *config);
