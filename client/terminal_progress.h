/* terminal_progress.h - how far something has come, on a line of standard error that is drawn
 * again and again; nothing where that is no terminal. Part of terminal.
 *
 *   units    part and whole in the same, whatever it is; whole 0: nobody knows
 *   threads  one
 */
#pragma once

#include "shared/base.h"

struct terminal_progress {
    bool is_seen, has_line;
    uint64_t drawn_ms;
};

struct terminal_progress terminal_progress(void);

/* A bar where the whole is known, and words. At once, and then a few times a second. */
void terminal_progress_show(struct terminal_progress *progress, uint64_t part, uint64_t whole,
                            const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Before anything else is written, and at the end. */
void terminal_progress_clear(struct terminal_progress *progress);
