/* pg.h - a PostgreSQL of a test's own, that it may stop, kill and bring back.
 *
 *   errors  a failed assertion of the running test
 */
#pragma once

#include "shared/base.h"

struct pg {
    const char *directory; /* in scratch */
    const char *conninfo;
};

void pg_start(struct pg *pg);

/* One that other machines reach, at an IP address of ours. */
void pg_start_at(struct pg *pg, const char *address);

/* At once, as in a crash: what was committed is there when it comes back. */
void pg_halt(const struct pg *pg);
void pg_resume(const struct pg *pg);

/* One that follows primary, which acknowledges from now on only what both have. */
void pg_start_standby(struct pg *pg, const struct pg *primary);

/* The same where an earlier one was, whose data goes. */
void pg_rebuild_standby(const struct pg *pg, const struct pg *primary);

/* It becomes a primary, alone. */
void pg_promote(const struct pg *pg);

/* Keeps its log from now on, after a restart; and a copy of all, now. As ops/backup does. */
void pg_archive(const struct pg *pg);
void pg_back_up(const struct pg *pg);

/* Another, as that one was then, of what it kept. time: as PostgreSQL writes it. */
void pg_start_restored(struct pg *pg, const struct pg *from, const char *time);

/* Halts it and removes its folder. */
void pg_remove(const struct pg *pg);
