/* tail.h - what was committed to a shard, by any process, in commit order.
 *
 * Each batch ends with a NOTIFY "xid origin batch". Notifications arrive in commit order, so
 * they are queued and handed on from the head: an own batch once it is settled, a foreign one
 * once its rows are fetched by xid. NOTIFY is only the wake-up: after a reconnect everything
 * since the last safe xid is fetched again, and what was already handed on is left out.
 * Ephemeral events travel in the notifications themselves, cut into parts.
 *
 *   threads  loop thread only
 */
#pragma once

#include <uv.h>

#include "shared/base.h"

struct event;
struct shard;
struct tail;

struct tail_setup {
    const struct shard *shard;
    uint64_t origin;                                            /* random, names this process */
    void (*on_own)(void *owner, uint64_t batch);                /* in its turn */
    void (*on_foreign)(void *owner, const struct event *event); /* borrowed for the call */
    void *owner;
};

struct tail *tail_new(uv_loop_t *loop, const struct tail_setup *setup);
void tail_free(struct tail *tail);

/* An own batch has committed, and these are the ids that were new. Its turn comes at once when
 * the tail is down. */
void tail_settled(struct tail *tail, uint64_t batch, const struct bytes32 *ids, uint32_t count);

/* To the other processes. */
void tail_forward(struct tail *tail, const struct event *event);
