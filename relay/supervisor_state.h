/* supervisor_state.h - what the files of supervisor share.
 *
 *   threads  one
 */
#pragma once

#include "relay/metrics.h"
#include "relay/schema.h"
#include "relay/supervisor_child.h"
#include "shared/base.h"
#include "shared/text.h"

struct cluster;
struct config;
struct rules;

/* Workers of the program that was here before; they serve until ours can. */
struct leaving {
    uint32_t count;
    pid_t pids[METRICS_PROCESSES_MAX];
    int64_t deadline_ms; /* 0: not told to end yet */
};

struct supervisor {
    const struct config *config;
    const char *program;    /* ours, as a path */
    char *const *arguments; /* it was started with */
    struct shard shard;
    struct rules *rules;     /* NULL: not read yet; each worker has a copy, by the fork */
    struct text roots;       /* keys of trust_roots, with a zero at the end */
    bool is_without_keys;    /* they cannot be read, which was said */
    struct cluster *cluster; /* NULL: the database is somebody else's */
    struct revival cluster_revival;
    int signals, reserved;
    uint16_t port;
    bool greeted;
    bool wants_reload;
    bool failed;    /* something went wrong that the exit status must tell */
    uint32_t stops; /* how often we were asked to stop */
    uint32_t count;
    struct child children[METRICS_PROCESSES_MAX];
    struct leaving leaving;
};

void supervisor_block_signals(struct supervisor *supervisor);

/* What workers need of the files that the settings name. False: they cannot be read; that is said
 * once. */
MUST_CHECK bool supervisor_read_keys(struct supervisor *supervisor);
void supervisor_free_keys(struct supervisor *supervisor);

/* Buries every child that has ended, and plans what is to be started again. */
void supervisor_reap(struct supervisor *supervisor);

/* Signals that have come: what we are to do is in supervisor then. */
void supervisor_take_signals(struct supervisor *supervisor);

/* Waits for signals, words of postgres, readiness, or until ms have passed (-1: for ever). */
void supervisor_wait(struct supervisor *supervisor, int64_t ms);
