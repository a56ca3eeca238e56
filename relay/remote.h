/* remote.h - a connection to another relay, as its client: made again whenever it ends.
 *
 * Attempts that fail are repeated ever more patiently, at times that are a little random, so that
 * many who lost one relay do not all come back at once. wss verifies the other's certificate
 * against the system's authorities.
 *
 *   units      bytes of a message
 *   ownership  a host outlives its remotes; remote_free may be called from any callback
 *   threads    loop thread only
 *   errors     ERR_INTERNAL; what ends a connection is told to closed, in words
 *   bounds     a message that is too long, or binary, ends the connection; silence does, after a
 *              ping without an answer. What is queued to be sent is the owner's to bound
 */
#pragma once

#include <uv.h>

#include "shared/base.h"

struct err;
struct remote;
struct remote_host;
struct url;

struct remote_host *remote_host_new(uv_loop_t *loop, struct err *err);

/* Its remotes have been freed. Memory goes when the last handle has closed. */
void remote_host_free(struct remote_host *host);

struct remote_setup {
    const struct url *url; /* borrowed for the call */
    size_t message_bytes_max;
    void (*opened)(void *owner);
    void (*heard)(void *owner, struct span message); /* borrowed for the call */
    void (*drained)(void *owner);                    /* nothing is queued any more */
    void (*closed)(void *owner, const char *why);    /* a connection, or an attempt, has ended */
    void *owner;
};

/* Begins to connect; calls back later. */
struct remote *remote_new(struct remote_host *host, const struct remote_setup *setup);
void remote_free(struct remote *remote);

bool remote_is_open(const struct remote *remote);

/* Queues a text message; nothing while it is not open. */
void remote_send(struct remote *remote, struct span message);

/* Bytes queued. */
size_t remote_queued(const struct remote *remote);

/* Nothing is read from the socket, and the other side must wait; until it is undone. */
void remote_pause(struct remote *remote, bool is_paused);

/* Ends the connection, which is made again. */
void remote_restart(struct remote *remote, const char *why);
