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

#include "shared/arena.h"
#include "shared/base.h"

struct event;
struct filter;
struct frame;
struct live;
struct session;

struct sub {
    struct session *session;
    struct sub *next;   /* in session->subs */
    uint64_t serial;    /* never used again: tells a sub from a later one of the same name */
    struct span name;   /* in arena */
    struct arena arena; /* filters and name */
    const struct filter *filters;
    uint32_t filter_count;
    struct live_held *held; /* newest last; NULL once released */
    bool holding;
};

struct live *live_new(void);
void live_free(struct live *live);

/* Begins in holding mode. Takes the arena over, in which filters and name live (the text that
 * they point into as well: copy it there). */
struct sub *live_add(struct live *live, struct session *session, struct arena *arena,
                     struct span name, const struct filter *filters, uint32_t count);

struct sub *live_find(const struct session *session, struct span name);

/* A stored event was sent: it is not to be released. */
void live_saw(struct sub *sub, const struct bytes32 *id);

/* Sends what was held, and from now on sends at once. */
void live_release(struct live *live, struct sub *sub);

void live_remove(struct live *live, struct sub *sub);
void live_remove_all(struct live *live, struct session *session);

/* Sends the event to every subscription that wants it and may see it, once each.
 * frame: the event's JSON. Returns how many. */
uint32_t live_publish(struct live *live, const struct event *event, struct frame *frame);
