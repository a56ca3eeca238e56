/* store.h - events in one shard: batches in, pages out. With tail.c the only file that has SQL.
 *
 * Puts are gathered: while two batches are in flight the next one grows, so batches grow with
 * load and a lone event never waits. One batch is one transaction that says for each event
 * whether it is new, known, older than what is stored, or deleted.
 *
 *   ownership  an event given to store_put is borrowed until its last callback
 *   threads    loop thread only
 *   order      announcements come in one order in all processes of all relays on the shard, nearly
 *              that of the commits (tail.h)
 *   spec       NIP-01 "Kinds"; NIP-09; NIP-40; NIP-62
 */
#pragma once

#include <uv.h>

#include "relay/page.h"

struct err;
struct event;
struct retention;
struct shard;
struct store;
struct store_put;

enum store_verdict {
    STORE_NEW,       /* committed, durable */
    STORE_DUPLICATE, /* this id is stored */
    STORE_OLDER,     /* a newer version, or one of the same time and a lower id, is stored */
    STORE_DELETED,   /* its author deleted it or vanished */
    STORE_FAILED,    /* the database is down or refused: nothing is known to be stored */
};

/* Called once for each put, never from within store_put. */
typedef void store_settled_fn(void *owner, enum store_verdict verdict);

/* An own event that was new, in its turn among everybody's; comes after settled, for
 * STORE_NEW only, exactly once. The event is no longer borrowed afterwards. */
typedef void store_announced_fn(void *owner);

/* An event that another process stored, or an ephemeral one that another process forwarded.
 * Borrowed for the call. */
typedef void store_foreign_fn(void *owner, const struct event *event);

/* Events that were purged, by whatever process, and may not be shown from memory any more: ids, and
 * nothing else, at most some hundred. Told to every process once they are gone; a process that
 * lost its tail is not told what was purged meanwhile. Borrowed for the call. */
typedef void store_on_purged_fn(void *owner, const struct filter *filter);

/* Whether everything that anybody commits is announced in its turn, or told as foreign; else, while
 * the tail is down, some of it comes later. It begins with false. */
typedef void store_caught_up_fn(void *owner, bool is_caught_up);

/* The events of others are asked for; is_over: those that came have been told. */
typedef void store_fetch_fn(void *owner, bool is_over);

/* A put that is not settled, for its author is not written on this shard any more. version:
 * of the routes it went by. */
typedef void store_moved_fn(void *owner, const struct store_put *put, int64_t version);

struct store_setup {
    const struct shard *shard; /* kept, not copied */
    uint32_t readers;          /* connections for pages */
    store_foreign_fn *on_foreign;
    store_on_purged_fn *on_purged; /* may be NULL, as those below */
    store_caught_up_fn *on_caught_up;
    store_fetch_fn *on_fetch;
    bool hears_all;                 /* what was ever stored here is foreign; else what will be */
    store_moved_fn *on_moved;       /* NULL: settled as failed */
    void (*on_up)(void *owner);     /* connected to write, again; may be NULL */
    void (*on_routes)(void *owner); /* there are newer ones; best effort, may be NULL */
    void *owner;
    const struct retention *retention; /* kept, not copied; NULL: everything stays */
    uint32_t poll_ms;                  /* of tail.h; 0: TAIL_POLL_MS */
    uint32_t purge_rows;               /* that a purge finds at a time; 0: STORE_PAGE_ROWS_MAX */
};

struct store *store_new(uv_loop_t *loop, const struct store_setup *setup);

/* Everything unsettled is settled as failed first. */
void store_free(struct store *store);

/* Whether puts and pages can be tried now, and what others commit is heard of. */
bool store_is_ready(const struct store *store);

struct store_put {
    const struct event *event; /* id and signature checked; not ephemeral */
    store_settled_fn *settled;
    store_announced_fn *announced; /* may be NULL: then the event is released by settled */
    void *owner;
};

void store_put(struct store *store, const struct store_put *put);

/* Puts that are not settled yet. */
uint32_t store_pending(const struct store *store);

/* Forwards an ephemeral event to the other processes; never to this one. Best effort: dropped
 * when the database is down. Not borrowed. */
void store_forward(struct store *store, const struct event *event);

/* Never answers from within the call. Expired events are left out. False, and no reply, when the
 * page cannot be queued. */
MUST_CHECK bool store_read(struct store *store, const struct store_read *read, struct err *err);

/* count: events that are gone. They all are if is_done; else the database is down or refused. */
typedef void store_purged_fn(void *owner, bool is_done, uint64_t count);

/* Deletes what matches (limit is ignored; but what is expired goes anyway) in many small
 * transactions, and tells every process. Nothing is remembered: an event can be stored again, and
 * who does not want that refuses it first. What is stored meanwhile may go or stay. Purges follow
 * one another. The filter is copied; done is never called from within the call. */
void store_purge(struct store *store, const struct filter *filter, store_purged_fn *done,
                 void *owner);

/* Forgets the owner: its outstanding pages, and purges' ends, are not delivered. */
void store_forget(struct store *store, const void *owner);

/* Commits something small; the verdict is STORE_NEW when an event could be stored now. */
void store_probe(struct store *store, store_settled_fn *reply, void *owner);
