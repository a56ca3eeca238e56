/* router.h - the program shoal-relay router: standing streams between this relay's database and
 * other relays.
 *
 * SIGHUP reads the file again: streams that are there as before go on undisturbed. SIGTERM ends
 * the run once what has come is stored.
 *
 *   threads  the process's own
 *   errors   said on stderr; the exit status says
 */
#pragma once

struct config;

/* path: of the file; NULL: an error. */
int router_run(const struct config *config, const char *path);
