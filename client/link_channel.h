/* link_channel.h - a websocket to a relay, made again whenever it ends. Part of link.
 *
 *   units      bytes of a message
 *   ownership  a host outlives its channels; channel_free may be called from any callback
 *   threads    loop thread only
 *   errors     what ends a connection is told to closed, in words
 *   bounds     a message that is too long, or binary, ends the connection; silence does, after a
 *              ping without an answer. What is queued to be sent is the owner's to bound
 */
#pragma once

#include "shared/base.h"

struct channel;
struct link_host;
struct url;

struct channel_setup {
    struct link_host *host;
    const struct url *url; /* borrowed for the call */
    size_t message_bytes_max;
    void (*opened)(void *owner);
    void (*heard)(void *owner, struct span message); /* borrowed for the call */
    void (*drained)(void *owner);                    /* nothing is queued any more */
    /* A connection, or an attempt, has ended; the next begins in so long. */
    void (*closed)(void *owner, const char *why, uint64_t wait_ms);
    void *owner;
};

/* Begins to connect; calls back later. */
struct channel *channel_new(const struct channel_setup *setup);
void channel_free(struct channel *channel);

bool channel_is_open(const struct channel *channel);

/* Queues a text message; nothing while it is not open. */
void channel_send(struct channel *channel, struct span message);

/* Bytes queued. */
size_t channel_queued(const struct channel *channel);

/* Nothing is read from the socket, and the other side must wait; until it is undone. */
void channel_pause(struct channel *channel, bool is_paused);

/* Ends the connection, which is made again. */
void channel_restart(struct channel *channel, const char *why);

/* Does not wait for the next attempt, as after the network came back. */
void channel_hurry(struct channel *channel);
