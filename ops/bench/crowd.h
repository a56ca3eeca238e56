/* crowd.h - many websocket connections to one relay, on one epoll in one thread.
 *
 *   ownership  crowd_open ... crowd_close
 *   units      nanoseconds
 */
#pragma once

#include "ops/bench/member.h"

struct crowd {
    int epoll;
    struct member *members;
    bool *waits; /* for room to send, by member */
    uint32_t count, open;
    struct member_reader reader;
};

/* on_message may say and flush; it must not close. */
void crowd_open(struct crowd *crowd, const char *url, uint32_t count, member_message_fn *on_message,
                void *owner);
void crowd_close(struct crowd *crowd);

/* What was said by member_say. */
void crowd_flush(struct crowd *crowd, struct member *member);

struct crowd_task {
    bool (*is_done)(void *owner);
    /* Does what is due; in how many ns it wants to be called again. NULL: only wait. */
    uint64_t (*work)(void *owner);
    void *owner;
    double stall_s; /* nothing received for so long ends it */
};

/* False when it ended before it was done: a connection was closed, or it stalled; said on stderr.
 * ended_ns: now, or when something was received last. */
MUST_CHECK bool crowd_run(struct crowd *crowd, const struct crowd_task *task, uint64_t *ended_ns);
