/* fault.h - a disk that fails when it is told to: SQLite's own, but for one write.
 *
 * Syncs are counted as writes, and do nothing else: what a process has written outlives its death.
 *
 *   threads  one
 */
#pragma once

#include "shared/base.h"

enum fault {
    FAULT_NONE,
    FAULT_KILL, /* half of the write, and kill -9 */
    FAULT_FULL, /* that write and all others find no room */
};

/* From now on SQLite writes through it. */
void fault_install(void);

/* The next write but so many fails. */
void fault_arm(enum fault fault, uint64_t after);

/* Whether it did. */
bool fault_happened(void);
