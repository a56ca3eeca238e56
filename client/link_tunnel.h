/* link_tunnel.h - a connection through a SOCKS5 proxy, for a library that makes its own. Part of
 * link.
 *
 * libwebsockets connects to a socket of this process, and what it says there goes through the
 * proxy. Nobody else may enter: the socket is unnamed in the file system, its name is random, it
 * lets one in, and only this process.
 *
 *   threads  loop thread only
 *   bounds   one buffer each way; a side that is slow makes the other wait
 */
#pragma once

#include <uv.h>

#include "shared/base.h"

struct err;
struct sockaddr;
struct tunnel;

struct tunnel_setup {
    uv_loop_t *loop;
    const struct sockaddr *proxy; /* borrowed for the call */
    const char *host;             /* where to, by the proxy; copied */
    uint16_t port;
    uint32_t (*random)(void *owner);
    void *owner; /* of random */
};

/* NULL when the system has no socket. */
struct tunnel *tunnel_new(const struct tunnel_setup *setup, struct err *err);

/* Ends it. Memory goes when the last handle has closed. */
void tunnel_free(struct tunnel *tunnel);

/* As lws wants it. */
const char *tunnel_address(const struct tunnel *tunnel);

/* Why it is of no use; "" as long as it is. */
const char *tunnel_why(const struct tunnel *tunnel);
