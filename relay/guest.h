/* guest.h - one connection: HTTP requests until one of them makes it a websocket.
 *
 *   ownership  guest_new to guest_free, with the connection of libwebsockets
 *   threads    loop thread only
 *   errors     false: the connection is to be closed
 */
#pragma once

#include <uv.h>

#include "relay/admin.h"
#include "relay/answer.h"
#include "relay/health.h"
#include "relay/peer.h"
#include "shared/base.h"

struct address;
struct address_networks;
struct address_table;
struct lws;

/* What all guests share. */
struct guest_host {
    uv_loop_t *loop;
    struct answer_source answers;
    struct health *health; /* NULL once the server is freed */
    struct admin *admin;
    struct peer_table *peers;
    struct address_table *addresses;
    struct address_networks *proxies;
    int64_t connections_max;
    bool is_draining; /* no new websockets */
};

struct guest {
    struct guest_host *host;
    struct lws *wsi;
    struct address *address; /* of a websocket */
    uint8_t ip[16];          /* that address */
    size_t ip_len;
    struct peer peer;          /* open once it is one */
    struct text request;       /* bytes of requests not answered yet */
    struct health_wait wait;   /* for /health */
    struct admin_wait managed; /* for what an operator asked */
    bool is_waiting, is_leaving, is_managed;
};

struct guest *guest_new(struct guest_host *host, struct lws *wsi);

/* The connection has ended: of the websocket nothing is left. */
void guest_ended(struct guest *guest);
void guest_free(struct guest *guest);

MUST_CHECK bool guest_receive(struct guest *guest, char *at, size_t len);

/* The socket takes bytes. */
MUST_CHECK bool guest_write(struct guest *guest);
