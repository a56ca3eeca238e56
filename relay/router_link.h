/* router_link.h - one stream with one other relay: events that come, events that go. Part of
 * router.
 *
 * Down: a subscription from where we were, and pages below it when its beginning was cut short.
 * Up: what is new here is published at once. When that cannot be, because the other relay is away
 * or slow, it is read again from the store, from where we were.
 *
 * Where we were is a time of our clock at which all that came was stored, or all that was to go had
 * been answered. An event whose created_at is more than ROUTER_OVERLAP_S before it is not found
 * again by it; shoal-relay sync finds those.
 *
 * What has come from a relay, or was sent to it, by whatever stream, is not sent to it again.
 *
 *   units      now: unix seconds
 *   threads    loop thread only
 *   bounds     what waits for the store, to be sent, and what is remembered
 *   spec       NIP-01, NIP-70
 */
#pragma once

#include <uv.h>

#include "relay/intake.h"
#include "relay/list.h"
#include "relay/router_file.h"
#include "shared/base.h"

struct event;
struct places;
struct remote_host;
struct router_link;
struct shards;

/* What all links share. */
struct router_hub {
    uv_loop_t *loop;
    struct shards *store;
    struct remote_host *host;
    struct intake *intake; /* its tags are numbers of links */
    struct places *places;
    struct list links;
    uint64_t number;          /* of the newest link */
    size_t message_bytes_max; /* from another relay */
};

struct router_link {
    struct router_hub *hub;
    struct list_node listed;
    uint64_t number;
    const struct router_stream *stream;
    const struct url *url;
    bool is_kept; /* while a file is read again */
    struct router_link_state *state;
};

/* stream and url are borrowed until router_link_free or router_link_move. */
struct router_link *router_link_new(struct router_hub *hub, const struct router_stream *stream,
                                    const struct url *url);
void router_link_free(struct router_link *link);

/* The same stream in a file that was read again. */
void router_link_move(struct router_link *link, const struct router_stream *stream,
                      const struct url *url);

/* An event is new here. source: whom it came from; NULL: somebody else. */
void router_link_offer(struct router_link *link, const struct event *event,
                       const struct router_link *source);

/* An event that this link brought in has its verdict. */
void router_link_settled(struct router_link *link, enum intake_fate fate);

/* The intake has room again. */
void router_link_resume(struct router_link *link);

/* Once a second. */
void router_link_tick(struct router_link *link, int64_t now);

/* The names under which its places are kept are "down ..." and "up ..." with this. */
void router_link_name(char *out, size_t size, const struct router_link *link,
                      const char *direction);
