/* remote_host.h - what all remotes of a loop share: libwebsockets as a client, and TLS. Part of
 * remote, which has its functions.
 *
 *   threads  loop thread only
 */
#pragma once

#include <libwebsockets.h>
#include <uv.h>

struct remote_host {
    uv_loop_t *loop;
    struct lws_context *context;
    struct lws_vhost *vhost;
    struct lws_protocols protocols[2];
    uv_timer_t tick;
    int turns; /* of the loop, since it was freed */
};

/* Whatever happens to a connection. */
int remote_on_lws(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                  size_t len);
