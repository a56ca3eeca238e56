/* live.h - standing filters: which subscriptions want this event.
 *
 * A filter is indexed under its most telling condition (id, tag value, author, kind, else all),
 * so that publishing costs what matches, not what is subscribed.
 * A subscription begins in holding mode: what matches is kept back while its stored events are
 * read, then released without those that were read, so the seam has no gap and no double.
 *
 *   ownership  a sub belongs to live from live_add to live_remove; its session lists it
 *   threads    loop thread only
 */
#pragma once

#include "relay/list.h"
#include "relay/table.h"
#include "shared/base.h"

struct event;
struct filter;
struct frame;
struct interest;
struct live;
struct live_held;
struct session;

struct sub {
    uint64_t serial; /* the how manieth ever */
    struct session *session;
    struct list_node listed; /* in session->subs */
    struct span name;
    struct interest *interest; /* has the filters */
    bool holding;
    struct live_held *held_head, *held_tail; /* while holding */
    size_t held_bytes;
    struct table
        seen; /* ids of stored events that were sent, by hash; goes a while after release */
    int64_t released_ms;
    struct list_node remembered; /* while seen is kept past the release */
    char text[];                 /* of name */
};

struct live *live_new(void);
void live_free(struct live *live);

/* Begins in holding mode. Copies name and filters. */
struct sub *live_add(struct live *live, struct session *session, struct span name,
                     const struct filter *filters, uint32_t count);

struct sub *live_find(const struct session *session, struct span name);

/* A stored event was sent: it is not to be released. */
void live_saw(struct live *live, struct sub *sub, const struct bytes32 *id);

/* Sends what was held, and from now on sends at once. What was seen is remembered for a while:
 * its announcement may still be on its way. */
void live_release(struct live *live, struct sub *sub);

/* Frees what need not be remembered any longer. Also done by live_add and live_publish; the worker
 * does it when neither happens. */
void live_tidy(struct live *live);

void live_remove(struct live *live, struct sub *sub);
void live_remove_all(struct live *live, struct session *session);

/* The serial of the newest subscription. */
uint64_t live_serial(const struct live *live);

#define LIVE_EVERYBODY UINT64_MAX

/* Sends the event to every subscription that wants it and may see it, once each; to none that is
 * newer than serial: the event was acknowledged before that was asked for, so it is not news but
 * stored. frame: the event's JSON. Returns how many. */
uint32_t live_publish(struct live *live, const struct event *event, struct frame *frame,
                      uint64_t serial);
