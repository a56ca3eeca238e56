/* drop.h - from root to an ordinary user, for good or for a while.
 *
 * Started by anybody but root there is nothing to drop, and every call is a no-op.
 *
 *   threads  for good: any. For a while: the only thread of the process
 *   errors   ERR_INTERNAL: no such user, or it is root
 */
#pragma once

#include <sys/types.h>

#include "shared/base.h"

struct err;

struct drop {
    bool needed; /* we are root */
    uid_t uid;   /* whom to become; ourselves when not needed */
    gid_t gid;
};

MUST_CHECK bool drop_find(struct drop *drop, const char *user, struct err *err);

/* Groups, group and user, with no way back. */
MUST_CHECK bool drop_for_good(const struct drop *drop, struct err *err);

/* Files are made and opened as the user between the two. Failing would mean working as root where
 * we must not: it aborts. */
void drop_begin(const struct drop *drop);
void drop_end(const struct drop *drop);
