/* machine.h - what this machine has: cores and memory.
 *
 *   units    bytes
 *   threads  any
 *   errors   none: what the system does not tell is 0
 *   spec     proc(5) /proc/meminfo; the control group's memory.max, where there is one
 */
#pragma once

#include "shared/base.h"

struct machine {
    uint32_t cores;            /* that this process may use */
    uint64_t memory;           /* in all */
    uint64_t memory_available; /* without swapping */
};

struct machine machine_read(void);
