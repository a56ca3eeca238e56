/* supervisor.h - the parent of all: cluster, migrations, workers; restarts what dies.
 *
 *   errors  logged; the exit status says
 */
#pragma once

struct config;

/* Runs the relay until SIGTERM or SIGINT; returns the exit status.
 *
 * On SIGHUP, unless stdin is a terminal, program (a path) takes its place with the same arguments:
 * a new version, or new settings. New workers start beside the old ones, which drain once those are
 * ready; the port and PostgreSQL go on throughout. If it cannot be, all stays as it was. */
int supervisor_run(const struct config *config, const char *program, char *const *arguments);
