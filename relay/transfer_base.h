/* transfer_base.h - what import and export stand on: a database, a loop, a store, Ctrl-C.
 *
 * The database is the configured one; else the relay's own cluster, as it runs; else the cluster is
 * started for the while. Part of transfer.
 *
 *   threads  opening and closing block; the loop's thread
 *   errors   ERR_INTERNAL
 */
#pragma once

#include <uv.h>

#include "relay/policy.h"
#include "relay/schema.h"
#include "shared/base.h"

struct cluster;
struct config;
struct control;
struct control_db;
struct err;
struct event;
struct plugin;
struct rules;
struct shards;
struct trust;

enum { TRANSFER_EXIT_USAGE = 2, TRANSFER_EXIT_INTERRUPTED = 130 };

struct transfer {
    const struct config *config;
    struct cluster *cluster; /* NULL: not ours to stop */
    char conninfo[4096];
    struct shard shard;
    uv_loop_t loop;
    uv_signal_t interrupt, terminate;
    uv_timer_t wait;
    struct shards *store;

    /* Of who takes events from others; NULL otherwise: */
    struct policy policy;
    struct control *control;
    struct control_db *control_db;
    struct rules *rules;
    struct trust *trust;   /* NULL: everybody is trusted */
    struct plugin *plugin; /* NULL: none */

    bool interrupted; /* SIGINT or SIGTERM came */
    void (*on_interrupted)(void *owner);
    void (*on_foreign)(void *owner, const struct event *event); /* another process stored it */
    void *owner;
};

/* Only the database, found and migrated; for what has no loop. On failure nothing is left open. */
MUST_CHECK bool transfer_find(struct transfer *transfer, const struct config *config,
                              struct err *err);
void transfer_leave(struct transfer *transfer);

/* Opens it all, and waits until the store is ready. threads: of the pool, besides the store's.
 * transfer must not move afterwards. On failure nothing is left open. */
MUST_CHECK bool transfer_open(struct transfer *transfer, const struct config *config,
                              uint32_t threads, struct err *err);

/* For who takes events from others: what is to be kept out is known, and kept up to date. On
 * failure everything is left to transfer_close. */
MUST_CHECK bool transfer_open_policy(struct transfer *transfer, struct err *err);

/* Reads who may write what again, from the files of keys that the settings name. False: all is as
 * it was. */
MUST_CHECK bool transfer_reload_rules(struct transfer *transfer, struct err *err);

/* An event has been stored by us. */
void transfer_saw(struct transfer *transfer, const struct event *event);

/* When nothing is on its way into the store any more. Part of transfer_close. */
void transfer_close_policy(struct transfer *transfer);

/* Runs the loop until is_so or ms have passed; whether it is so. */
MUST_CHECK bool transfer_await(struct transfer *transfer, bool (*is_so)(const struct transfer *),
                               uint64_t ms);

/* Nothing may be going on any more. */
void transfer_close(struct transfer *transfer);
