/* revival.h - when a process that died is started again: soon, then ever more patiently.
 *
 *   units    milliseconds of the monotonic clock
 *   threads  any, one at a time
 */
#pragma once

#include "shared/base.h"

/* All zeroes: never started, not due. */
struct revival {
    uint32_t failures;  /* in a row */
    int64_t started_ms; /* 0: not running */
    int64_t due_ms;     /* 0: not due */
};

int64_t revival_now_ms(void);

void revival_started(struct revival *revival);

/* It has died, or could not be started. Returns in how many milliseconds it is due. */
int64_t revival_plan(struct revival *revival);

bool revival_is_due(const struct revival *revival);
