/* peer.h - one websocket connection: messages in, frames out, silence noticed.
 *
 * libwebsockets parses what comes; what goes out is framed here, many messages to one write. A
 * message that arrives in pieces, or squeezed, is gathered in a buffer that exists only meanwhile.
 * Squeezed messages are known by RSV1, and restored here: see squeeze.h.
 *
 *   units      now_ms: milliseconds of the loop's clock
 *   ownership  a peer is a part of its owner; its session is its own
 *   threads    loop thread only
 *   spec       RFC 6455, RFC 7692
 */
#pragma once

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
    struct session *session; /* NULL once it has ended, or the closing has begun */
    struct text gathered;    /* of the message that is arriving */
    uint64_t arrived_bytes;  /* of that message, kept or not */
    int64_t heard_ms;
    struct peer *longer, *shorter; /* silent for longer and shorter: a list in the table */
    bool takes_squeezed, is_squeezed, is_in_frame, is_pinged, owes_ping, is_closing;
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
    struct span local_ip;
    bool takes_squeezed; /* agreed in the handshake */
    int64_t now_ms;
};

/* Begins the session. */
void peer_open(struct peer_table *table, struct peer *peer, const struct peer_open *open);

/* Ends the session; the peer is all zero again. Nothing when it is not open. */
void peer_close(struct peer *peer);

/* What lws tells about it. When false, the connection is to be closed: lws has the reason. */
MUST_CHECK bool peer_receive(struct peer *peer, struct span payload, int64_t now_ms);
MUST_CHECK bool peer_write(struct peer *peer);

/* The payload of its close frame, which lws sends back: what is wrong in it is put right in it. */
MUST_CHECK bool peer_closing(struct peer *peer, uint8_t *payload, size_t len);
void peer_ponged(struct peer *peer, int64_t now_ms);

/* Once a second: pings the silent, cuts those who stay so. */
void peer_tick(struct peer_table *table, int64_t now_ms);
