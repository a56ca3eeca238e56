/* tail.h - what was committed to a shard, by any process, in one order for all.
 *
 * Behind each batch comes a NOTIFY "xid origin batch". Notifications arrive everywhere in one
 * order, so they are queued and handed on from the head: an own batch once it is settled, a foreign
 * one once its rows are fetched by xid. The order is nearly that of the commits; a deletion is
 * handed on only after the own batches are settled that it may have taken something from.
 * NOTIFY is only the wake-up: after a reconnect, and at every poll, everything since the last safe
 * xid is asked for, and what was handed on is left out. So a batch whose process died before it
 * could notify comes within two polls, and then not everywhere in the same place.
 * Ephemeral events travel in the notifications themselves, cut into parts; so do the ids of what
 * was purged, whose notices have their turns in the same queue.
 *
 *   threads  loop thread only
 */
#pragma once

#include <uv.h>

#include "shared/base.h"

struct event;
struct filter;
struct shard;
struct tail;

enum { TAIL_CHANNEL_CHARS_MAX = 63, TAIL_POLL_MS = 1000 };

/* On the channel: there are newer routes (route.h). Best effort, and out of turn. */
#define TAIL_ROUTES "routes"

struct tail_setup {
    const struct shard *shard;                                  /* kept, not copied */
    uint64_t origin;                                            /* random, names this process */
    void (*on_own)(void *owner, uint64_t batch);                /* in its turn */
    void (*on_foreign)(void *owner, const struct event *event); /* borrowed for the call */
    /* Events that a purge, anybody's, has deleted, by their ids; an own batch that may have stored
     * one of them has been settled before. Borrowed for the call. */
    void (*on_purged)(void *owner, const struct filter *filter);
    /* Whether everything committed is handed on in its turn, and not later. May be NULL. */
    void (*on_caught_up)(void *owner, bool is_caught_up);
    /* Foreign batches are asked for; is_over: what came was handed on. May be NULL. */
    void (*on_fetch)(void *owner, bool is_over);
    void (*on_routes)(void *owner); /* somebody has sent TAIL_ROUTES; may be NULL */
    bool hears_all;                 /* what the shard ever stored; else from now on */
    uint32_t poll_ms; /* how often what nobody told of is asked for: TAIL_POLL_MS, but in tests */
    void *owner;
};

struct tail *tail_new(uv_loop_t *loop, const struct tail_setup *setup);
void tail_free(struct tail *tail);

/* What is committed from now on is handed on. It does not end with a connection. */
bool tail_has_begun(const struct tail *tail);

/* Where an own batch, once committed, is to say "xid origin batch", origin as 16 hex digits;
 * and a purge what tail_purged.h says. */
const char *tail_channel(const struct tail *tail);

/* Own batches are numbered 1, 2, ...; each begins, and settles in the order of the numbers. */
void tail_begun(struct tail *tail, uint64_t batch);

/* xid: of its commit, 0 when it is not known to have stored anything. Its turn may come within the
 * call: at once when the tail is down, never when xid is 0. */
void tail_settled(struct tail *tail, uint64_t batch, int64_t xid);

/* To the other processes; best effort. */
void tail_forward(struct tail *tail, const struct event *event);
