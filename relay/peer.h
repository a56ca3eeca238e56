/* peer.h - one websocket connection: messages in, frames out, silence noticed.
 *
 * A message that arrives in pieces, or squeezed, is gathered in a buffer that exists only
 * meanwhile. Many messages go out in one write.
 *
 *   units      now_ms: milliseconds of the loop's clock
 *   ownership  a peer is a part of its owner; its session is its own
 *   threads    loop thread only
 *   spec       RFC 6455, RFC 7692
 */
#pragma once

#include "relay/list.h"
#include "relay/websocket.h"
#include "shared/base.h"
#include "shared/text.h"

struct address;
struct dispatch;
struct lws;
struct peer_table;
struct session;
struct session_table;

/* All zero when it is not open. */
struct peer {
    struct peer_table *table;
    struct lws *wsi;
    struct session *session; /* NULL once the closing has begun */
    struct websocket_reader reader;
    struct text gathered;   /* of the message that is arriving */
    struct text owed;       /* control frames to be sent, before anything else */
    uint64_t arrived_bytes; /* of that message, kept or not */
    int64_t heard_ms;
    struct peer *longer, *shorter; /* silent for longer and shorter: a list in the table */
    struct list_node pending;      /* has something to send */
    bool may_squeeze, is_pinged, is_closing;
};

struct peer_setup {
    struct session_table *sessions;
    struct dispatch *dispatch;
    int64_t message_bytes_max, ping_s;
};

struct peer_table *peer_table_new(const struct peer_setup *setup);
void peer_table_free(struct peer_table *table);
uint32_t peer_count(const struct peer_table *table);

struct peer_open {
    struct lws *wsi;
    struct address *address; /* the session's; its owner closes it */
    struct span peer_ip, local_ip;
    bool may_squeeze; /* agreed in the handshake */
    int64_t now_ms;
};

/* Begins the session. */
void peer_open(struct peer_table *table, struct peer *peer, const struct peer_open *open);

/* Ends the session; the peer is all zero again. Nothing when it is not open. */
void peer_close(struct peer *peer);

/* Bytes from the socket, which are unmasked in place. */
void peer_receive(struct peer *peer, char *at, size_t len, int64_t now_ms);

/* The socket takes bytes. False: it is to be closed. */
MUST_CHECK bool peer_write(struct peer *peer);

/* At the end of each turn of the loop: writes what the turn has made, gathered. */
void peer_flush(struct peer_table *table);

/* Once a second: pings the silent, cuts those who stay so. */
void peer_tick(struct peer_table *table, int64_t now_ms);
