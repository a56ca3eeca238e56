/* link_host.h - what all links of a loop share: libwebsockets as a client, TLS, the proxy. Part of
 * link.
 *
 *   threads  loop thread only
 */
#pragma once

#include <libwebsockets.h>
#include <uv.h>

#include "client/link.h"
#include "client/retry.h"
#include "client/socks.h"

struct link_host {
    uv_loop_t *loop;
    uint32_t (*random)(void *owner);
    void *owner;
    struct retry patience; /* with relays that cannot be reached */
    bool has_proxy;
    struct socks_proxy proxy;
    struct lws_context *context;
    struct lws_vhost *vhost;
    struct lws_protocols protocols[2];
    uv_timer_t tick;
    int turns; /* of the loop, since it was freed */
};

/* Who a connection of lws is for: the first member of whatever that is. lws is told of it when it
 * connects, and asks the first protocol for what is common to all. */
struct link_peer {
    int (*on_lws)(struct link_peer *peer, struct lws *wsi, enum lws_callback_reasons reason,
                  void *in, size_t len);
    void (*distrusts)(struct link_peer *peer, const char *why); /* the certificate */
};
