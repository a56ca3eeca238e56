/* transfer_lines.h - lines from a descriptor, of bounded length, until it ends or somebody has had
 * enough. Part of transfer.
 *
 *   units    bytes; lines are counted from 1
 *   threads  one at a time; transfer_lines_cancel from any
 */
#pragma once

#include "shared/base.h"

struct err;

struct transfer_lines {
    int fd;
    int cancel[2]; /* a pipe: what is written to it ends a wait for input */
    char *buffer;
    size_t capacity, start, end; /* unread bytes are from start to end */
    int64_t number;              /* of the last line */
    int64_t bytes;               /* read, up to the end of the last line */
    bool finished;               /* the descriptor has ended */
    bool cancelled;
    int failure; /* errno of a read that failed, else 0 */
};

/* Lines of up to line_bytes_max. */
void transfer_lines_open(struct transfer_lines *lines, int fd, size_t line_bytes_max);
void transfer_lines_close(struct transfer_lines *lines);

/* The next line, without its end; borrowed until the next call. False at the end, after a failure
 * or when cancelled. A line that is too long is passed over: *line is then its beginning. */
MUST_CHECK bool transfer_lines_next(struct transfer_lines *lines, struct span *line,
                                    bool *too_long);

/* Whether a line can be had without waiting for it. */
bool transfer_lines_at_hand(struct transfer_lines *lines);

void transfer_lines_cancel(struct transfer_lines *lines);
