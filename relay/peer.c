#include "relay/peer.h"

#include <libwebsockets.h>
#include <stdlib.h>

#include "relay/dispatch.h"
#include "relay/metrics.h"
#include "relay/session.h"
#include "relay/squeeze.h"
#include "shared/utf8.h"

enum {
    WRITE_BYTES = 65536,      /* gathered for one write */
    TURN_BYTES = 262144,      /* written to one peer before the others have their turn */
    SQUEEZE_BYTES_MIN = 1024, /* below, what it saves is not worth the time */
    TOO_LONG_FACTOR = 16,     /* past message_bytes_max so often, a message ends the connection */
    DOOMED_S_MAX = 10,        /* to take what was sent to it before it is cut */
    CLOSE_S_MAX = 5,          /* to answer a close frame */
};

/* First bytes of frames, and RSV1. */
enum { FINAL_TEXT = 0x81, FINAL_CLOSE = 0x88, FINAL_PING = 0x89, SQUEEZED_BIT = 0x40 };

struct peer_table {
    struct peer_setup setup;
    struct peer *longest, *shortest; /* silent */
    uint32_t count;
    struct squeeze *squeeze;
    struct text message, squeezed, wire; /* used within a call */
};

struct peer_table *peer_table_new(const struct peer_setup *setup)
{
    struct peer_table *table = calloc(1, sizeof *table);
    if (table == NULL)
        abort();
    table->setup = *setup;
    table->squeeze = squeeze_new();
    return table;
}

void peer_table_free(struct peer_table *table)
{
    squeeze_free(table->squeeze);
    text_clear(&table->message);
    text_clear(&table->squeezed);
    text_clear(&table->wire);
    free(table);
}

uint32_t peer_count(const struct peer_table *table)
{
    return table->count;
}

static void unlist(struct peer *peer)
{
    struct peer_table *table = peer->table;
    *(peer->longer == NULL ? &table->longest : &peer->longer->shorter) = peer->shorter;
    *(peer->shorter == NULL ? &table->shortest : &peer->shorter->longer) = peer->longer;
}

static void list(struct peer *peer, int64_t now_ms)
{
    struct peer_table *table = peer->table;
    peer->heard_ms = now_ms;
    peer->is_pinged = false;
    peer->longer = table->shortest;
    peer->shorter = NULL;
    *(table->shortest == NULL ? &table->longest : &table->shortest->shorter) = peer;
    table->shortest = peer;
}

static void hear(struct peer *peer, int64_t now_ms)
{
    if (peer->heard_ms == now_ms && !peer->is_pinged)
        return;
    unlist(peer);
    list(peer, now_ms);
}

/* The connection goes at once, whatever is still to be sent; lws does it in its next turn. */
static void cut(struct peer *peer)
{
    lws_set_timeout(peer->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
    lws_cancel_service(lws_get_context(peer->wsi));
}

static void on_wake(void *owner)
{
    struct peer *peer = owner;
    struct session *session = peer->session;
    if (session == NULL)
        return;
    if (session->doomed && session->head == NULL && lws_send_pipe_choked(peer->wsi)) {
        cut(peer); /* it does not read: a close frame would never get there */
        return;
    }
    if (session->doomed)
        lws_set_timeout(peer->wsi, PENDING_TIMEOUT_USER_REASON_BASE, DOOMED_S_MAX);
    lws_callback_on_writable(peer->wsi);
}

void peer_open(struct peer_table *table, struct peer *peer, const struct peer_open *open)
{
    *peer = (struct peer){.table = table, .wsi = open->wsi, .takes_squeezed = open->takes_squeezed};
    peer->session = session_open(table->setup.sessions, on_wake, peer);
    peer->session->address = open->address;
    peer->session->local_ip_len = open->local_ip.len;
    memcpy(peer->session->local_ip, open->local_ip.at, open->local_ip.len);
    list(peer, open->now_ms);
    table->count++;
    metrics_add(METRIC_CONNECTIONS_OPENED, 1);
    metrics_move(METRIC_CONNECTIONS, 1);
    dispatch_opened(table->setup.dispatch, peer->session);
}

/* Its subscriptions go now, not when the peer has answered the close frame. */
static void end_session(struct peer *peer)
{
    struct session *session = peer->session;
    if (session == NULL)
        return;
    peer->session = NULL;
    dispatch_closed(peer->table->setup.dispatch, session);
    session_close(session);
    metrics_move(METRIC_CONNECTIONS, -1);
}

void peer_close(struct peer *peer)
{
    if (peer->table == NULL)
        return;
    end_session(peer);
    text_clear(&peer->gathered);
    unlist(peer);
    peer->table->count--;
    *peer = (struct peer){0};
}

/* Is false, so that failing is one statement. */
static bool close_with(struct peer *peer, uint16_t code)
{
    lws_close_reason(peer->wsi, (enum lws_close_status)code, NULL, 0);
    end_session(peer);
    return false;
}

static void deliver(struct peer *peer, struct span message, bool is_too_long)
{
    struct dispatch *dispatch = peer->table->setup.dispatch;
    metrics_add(METRIC_MESSAGES_RECEIVED, 1);
    metrics_add(METRIC_BYTES_RECEIVED, peer->arrived_bytes);
    if (lws_frame_is_binary(peer->wsi))
        dispatch_not_text(dispatch, peer->session);
    else if (is_too_long)
        dispatch_too_long(dispatch, peer->session, message);
    else
        dispatch_message(dispatch, peer->session, message);
}

static bool deliver_gathered(struct peer *peer)
{
    struct peer_table *table = peer->table;
    size_t max = (size_t)table->setup.message_bytes_max;
    struct span message = text_span(&peer->gathered);
    bool is_too_long = peer->arrived_bytes > max;
    if (peer->is_squeezed) {
        enum squeeze_result result = squeeze_restore(table->squeeze, &table->message, message, max);
        if (result == SQUEEZE_BROKEN && !is_too_long)
            return close_with(peer, LWS_CLOSE_STATUS_INVALID_PAYLOAD);
        is_too_long = is_too_long || result == SQUEEZE_TOO_LONG;
        message = text_span(&table->message);
    }
    deliver(peer, message, is_too_long);
    text_clear(&peer->gathered);
    return true;
}

/* False when a continuation frame has RSV1, which only the first frame may have. */
static bool begin_piece(struct peer *peer)
{
    bool is_squeezed = (lws_get_reserved_bits(peer->wsi) & SQUEEZED_BIT) != 0;
    bool is_first = lws_is_first_fragment(peer->wsi) != 0;
    bool is_new_frame = is_first || !peer->is_in_frame;
    peer->is_in_frame = lws_remaining_packet_payload(peer->wsi) > 0;
    if (!is_first)
        return !is_new_frame || !is_squeezed;
    peer->is_squeezed = is_squeezed;
    peer->arrived_bytes = 0;
    peer->gathered.len = 0;
    return true;
}

static void gather(struct peer *peer, struct span payload)
{
    size_t max = (size_t)peer->table->setup.message_bytes_max;
    size_t room = peer->gathered.len < max ? max - peer->gathered.len : 0;
    text_add(&peer->gathered, (struct span){payload.at, payload.len < room ? payload.len : room});
}

bool peer_receive(struct peer *peer, struct span payload, int64_t now_ms)
{
    if (peer->session == NULL)
        return true;
    hear(peer, now_ms);
    bool is_whole = lws_is_first_fragment(peer->wsi) && lws_is_final_fragment(peer->wsi);
    if (!begin_piece(peer))
        return close_with(peer, LWS_CLOSE_STATUS_PROTOCOL_ERR);
    uint64_t max = (uint64_t)peer->table->setup.message_bytes_max;
    peer->arrived_bytes += payload.len;
    if (peer->arrived_bytes > TOO_LONG_FACTOR * max)
        return close_with(peer, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE);
    if (is_whole && !peer->is_squeezed && payload.len <= max) {
        deliver(peer, payload, false);
        return true;
    }
    gather(peer, payload);
    return !lws_is_final_fragment(peer->wsi) || deliver_gathered(peer);
}

/* RFC 6455 5.2: the head of an unmasked frame. */
static void add_head(struct text *out, uint8_t first, size_t len)
{
    uint8_t *at = (uint8_t *)text_reserve(out, 10);
    at[0] = first;
    if (len < 126) {
        at[1] = (uint8_t)len;
        out->len += 2;
        return;
    }
    int count = len <= UINT16_MAX ? 2 : 8;
    at[1] = count == 2 ? 126 : 127;
    for (int i = 0; i < count; i++)
        at[2 + i] = (uint8_t)((uint64_t)len >> (8 * (count - 1 - i)));
    out->len += 2 + (size_t)count;
}

static void add_message(struct peer *peer, struct span message)
{
    struct peer_table *table = peer->table;
    metrics_add(METRIC_FRAMES_SENT, 1);
    metrics_add(METRIC_BYTES_SENT, message.len);
    uint8_t first = FINAL_TEXT;
    if (peer->takes_squeezed && message.len >= SQUEEZE_BYTES_MIN) {
        table->squeezed.len = 0;
        squeeze_add(table->squeeze, &table->squeezed, message);
        first |= SQUEEZED_BIT;
        message = text_span(&table->squeezed);
    }
    add_head(&table->wire, first, message.len);
    text_add(&table->wire, message);
}

/* Fills the wire with what waits, up to WRITE_BYTES; false when nothing does. */
static bool fill_wire(struct peer *peer)
{
    struct peer_table *table = peer->table;
    text_reserve(&table->wire, LWS_PRE + WRITE_BYTES);
    table->wire.len = LWS_PRE; /* lws wants room before what it writes */
    if (peer->owes_ping)
        add_head(&table->wire, FINAL_PING, 0);
    peer->owes_ping = false;
    while (table->wire.len < WRITE_BYTES && session_pop(peer->session, &table->message))
        add_message(peer, text_span(&table->message));
    return table->wire.len > LWS_PRE;
}

/* On a websocket this type goes out as it is: no frame is put around our frames. */
static bool write_wire(struct peer *peer)
{
    struct text *wire = &peer->table->wire;
    unsigned char *at = (unsigned char *)wire->at + LWS_PRE;
    return lws_write(peer->wsi, at, wire->len - LWS_PRE, LWS_WRITE_HTTP) >= 0;
}

/* Not left to lws: as Debian builds it, on libuv it closes in this place without a frame. */
static bool write_close(struct peer *peer, uint16_t code)
{
    struct text *wire = &peer->table->wire;
    unsigned char payload[2] = {(unsigned char)(code >> 8), (unsigned char)code};
    wire->len = LWS_PRE;
    add_head(wire, FINAL_CLOSE, sizeof payload);
    text_add(wire, SPAN_OF(payload));
    end_session(peer);
    peer->is_closing = true; /* until its own close frame is here */
    lws_set_timeout(peer->wsi, PENDING_TIMEOUT_USER_REASON_BASE, CLOSE_S_MAX);
    return write_wire(peer);
}

bool peer_write(struct peer *peer)
{
    struct session *session = peer->session;
    if (session == NULL)
        return true;
    for (size_t written = 0; fill_wire(peer); written += peer->table->wire.len) {
        if (!write_wire(peer))
            return false;
        if (session->head == NULL && !session->doomed)
            return true;
        if (written > TURN_BYTES || lws_send_pipe_choked(peer->wsi)) {
            lws_callback_on_writable(peer->wsi);
            return true;
        }
    }
    return !session->doomed || write_close(peer, session->close_code);
}

/* RFC 6455 7.4: codes that an endpoint may send. */
static bool is_close_code(unsigned code)
{
    if (code >= 3000)
        return code < 5000;
    return code >= 1000 && code <= 1014 && (code < 1004 || code > 1006);
}

static bool is_utf8(struct span text)
{
    const char *end = text.at + text.len;
    while (text.at < end) {
        size_t size = utf8_size(text.at, end);
        if (size == 0)
            return false;
        text.at += size;
    }
    return true;
}

bool peer_closing(struct peer *peer, uint8_t *payload, size_t len)
{
    if (peer->is_closing)
        return false; /* that was the answer */
    end_session(peer);
    if (len == 0)
        return true;
    if (len == 1)
        return close_with(peer, LWS_CLOSE_STATUS_PROTOCOL_ERR);
    uint16_t wrong = 0;
    if (!is_close_code((unsigned)payload[0] << 8 | payload[1]))
        wrong = LWS_CLOSE_STATUS_PROTOCOL_ERR;
    else if (!is_utf8((struct span){(const char *)payload + 2, len - 2}))
        wrong = LWS_CLOSE_STATUS_INVALID_PAYLOAD;
    if (wrong != 0) {
        payload[0] = (uint8_t)(wrong >> 8);
        payload[1] = (uint8_t)wrong;
        memset(payload + 2, ' ', len - 2);
    }
    return true;
}

void peer_ponged(struct peer *peer, int64_t now_ms)
{
    if (peer->table != NULL)
        hear(peer, now_ms);
}

void peer_tick(struct peer_table *table, int64_t now_ms)
{
    int64_t ping_ms = table->setup.ping_s * 1000;
    for (struct peer *peer = table->longest; peer != NULL; peer = peer->shorter) {
        int64_t silent_ms = now_ms - peer->heard_ms;
        if (silent_ms < ping_ms)
            break;
        if (silent_ms >= 2 * ping_ms) {
            cut(peer);
        } else if (!peer->is_pinged) {
            peer->is_pinged = true;
            peer->owes_ping = true;
            lws_callback_on_writable(peer->wsi);
        }
    }
}
