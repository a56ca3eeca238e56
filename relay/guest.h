/* guest.h - what the server knows of one connection, beside what lws knows: made when needed.
 *
 *   ownership  a part of the connection: freed with it
 *   threads    loop thread only
 */
#pragma once

#include "relay/health.h"
#include "relay/peer.h"
#include "shared/base.h"

struct address;
struct address_networks;
struct address_table;
struct lws;

struct guest {
    struct address *address; /* of a websocket, or one about to be */
    struct peer peer;        /* open once it is a websocket */
    struct health_wait wait; /* for /health */
};

struct guest *guest_of(struct lws *wsi);

/* Nothing when there is none. health NULL: nothing waits any more. */
void guest_free(struct lws *wsi, struct health *health, int64_t now_ms);

/* Counts the connection to its address: that of the socket or, behind a trusted proxy, the one in
 * the request. False when that has all the connections it may have. */
MUST_CHECK bool guest_take_address(struct guest *guest, struct lws *wsi,
                                   struct address_table *addresses,
                                   const struct address_networks *proxies, int64_t now_ms);

/* Of our end: 4 or 16 bytes, and how many. */
size_t guest_local_ip(uint8_t ip[16], struct lws *wsi);
