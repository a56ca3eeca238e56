/* tail_live.h - ephemeral events between processes: their text, cut to fit in notifications.
 *
 * One statement sends the parts of some events; its notifications arrive one behind the other, so
 * at most one event is being put together.
 *
 *   threads  loop thread only
 */
#pragma once

#include "relay/db.h"

struct event;
struct tail_live;

enum {
    TAIL_LIVE_PART_BYTES_MAX = 7800, /* PostgreSQL's limit is 7999, less the head of a part */
    TAIL_LIVE_EVENT_BYTES_MAX = 1 << 24,
    TAIL_LIVE_WAITING_BYTES_MAX = 1 << 22, /* more than this is dropped */
};

#define TAIL_LIVE_STATEMENT "live"
#define TAIL_LIVE_SQL "SELECT pg_notify($1::text, part) FROM unnest($2::text[]) part"

struct tail_live *tail_live_new(uint64_t origin, const char *channel);
void tail_live_free(struct tail_live *live);

/* Sends, or keeps until what was sent last is answered. */
void tail_live_send(struct tail_live *live, struct db *db, const struct event *event);

/* One part. True when it is the last of an event, which is then handed to on_event. */
void tail_live_receive(struct tail_live *live, const char *payload,
                       void (*on_event)(void *owner, const struct event *event), void *owner);

/* The number at *at, which then points behind the one space that follows it. False: none. */
MUST_CHECK bool tail_word(const char **at, int base, uint64_t *out);
