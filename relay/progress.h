/* progress.h - how far a long job is, on a terminal's one line: percent, rate, time left.
 *
 *   units    bytes of input and events; milliseconds of a monotonic clock
 *   threads  one
 */
#pragma once

#include "shared/base.h"

struct progress {
    bool shown;          /* stderr is a terminal */
    const char *verb;    /* "imported" */
    int64_t bytes_total; /* 0: unknown */
    int64_t started_ms, drawn_ms;
};

void progress_start(struct progress *progress, const char *verb, int64_t bytes_total);

/* Draws at most ten times a second. */
void progress_show(struct progress *progress, int64_t bytes, int64_t events);

/* Clears the line, so that something else can be written. */
void progress_clear(struct progress *progress);
