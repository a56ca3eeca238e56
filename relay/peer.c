#include "relay/peer.h"

#include <libwebsockets.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "relay/dispatch.h"
#include "relay/metrics.h"
#include "relay/session.h"
#include "relay/squeeze.h"

enum {
    WRITE_BYTES = 65536,      /* gathered for one write */
    TURN_BYTES = 262144,      /* written to one peer before the others have their turn */
    OWED_BYTES_MAX = 65536,   /* of pongs to one that pings and does not read */
    SQUEEZE_BYTES_MIN = 1024, /* below, what it saves is not worth the time */
    TOO_LONG_FACTOR = 16,     /* past message_bytes_max so often, a message ends the connection */
    DOOMED_S_MAX = 10,        /* to take what was sent to it before it is cut */
    CLOSE_S_MAX = 3,          /* to go, once a close frame was sent to it */
    FINAL_TEXT = 0x81,
};

struct peer_table {
    struct peer_setup setup;
    struct peer *longest, *shortest; /* silent */
    struct list pending;
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

/* Most sockets take bytes at once, and to ask whether one does is a system call more. What one does
 * not take lws keeps, one write at most: then it is asked when there is room. */
static void write_soon(struct peer *peer)
{
    if (peer->pending.owner == NULL)
        list_append(&peer->table->pending, &peer->pending, peer);
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
    write_soon(peer);
}

void peer_open(struct peer_table *table, struct peer *peer, const struct peer_open *open)
{
    *peer = (struct peer){.table = table, .wsi = open->wsi, .may_squeeze = open->may_squeeze};
    peer->session = session_open(table->setup.sessions, on_wake, peer);
    peer->session->address = open->address;
    peer->session->peer_ip_len = open->peer_ip.len;
    memcpy(peer->session->peer_ip, open->peer_ip.at, open->peer_ip.len);
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
    text_clear(&peer->owed);
    unlist(peer);
    list_remove(&peer->table->pending, &peer->pending);
    peer->table->count--;
    *peer = (struct peer){0};
}

/* After what is owed now nothing more is sent, and nothing is heard. */
static void begin_closing(struct peer *peer)
{
    end_session(peer);
    text_clear(&peer->gathered);
    peer->is_closing = true;
    lws_set_timeout(peer->wsi, PENDING_TIMEOUT_USER_REASON_BASE, DOOMED_S_MAX);
    write_soon(peer);
}

static void close_with(struct peer *peer, uint16_t code)
{
    websocket_add_close(&peer->owed, code);
    begin_closing(peer);
}

static void deliver(struct peer *peer, const struct websocket_piece *last, struct span message,
                    bool is_too_long)
{
    struct dispatch *dispatch = peer->table->setup.dispatch;
    metrics_add(METRIC_MESSAGES_RECEIVED, 1);
    metrics_add(METRIC_BYTES_RECEIVED, peer->arrived_bytes);
    if (last->opcode == WEBSOCKET_BINARY)
        dispatch_not_text(dispatch, peer->session);
    else if (is_too_long)
        dispatch_too_long(dispatch, peer->session, message);
    else
        dispatch_message(dispatch, peer->session, message);
}

/* A squeezed message is restored; how long it is without end is not found out. */
static void deliver_squeezed(struct peer *peer, const struct websocket_piece *last)
{
    struct peer_table *table = peer->table;
    uint64_t max = (uint64_t)table->setup.message_bytes_max;
    bool is_cut = peer->arrived_bytes > max;
    enum squeeze_result result = squeeze_restore(table->squeeze, &table->message,
                                                 text_span(&peer->gathered), TOO_LONG_FACTOR * max);
    if (result == SQUEEZE_TOO_LONG) {
        close_with(peer, WEBSOCKET_TOO_LONG);
        return;
    }
    if (result == SQUEEZE_BROKEN && !is_cut) {
        close_with(peer, WEBSOCKET_INVALID_PAYLOAD);
        return;
    }
    struct span message = text_span(&table->message);
    bool is_too_long = is_cut || message.len > max;
    if (message.len > max)
        message.len = (size_t)max;
    deliver(peer, last, message, is_too_long);
}

static void gather(struct peer *peer, struct span payload)
{
    size_t max = (size_t)peer->table->setup.message_bytes_max;
    size_t room = peer->gathered.len < max ? max - peer->gathered.len : 0;
    text_add(&peer->gathered, (struct span){payload.at, payload.len < room ? payload.len : room});
}

static void take_data(struct peer *peer, const struct websocket_piece *piece)
{
    uint64_t max = (uint64_t)peer->table->setup.message_bytes_max;
    peer->arrived_bytes = (piece->is_first ? 0 : peer->arrived_bytes) + piece->payload.len;
    if (peer->arrived_bytes > TOO_LONG_FACTOR * max) {
        close_with(peer, WEBSOCKET_TOO_LONG);
        return;
    }
    bool is_whole = piece->is_first && piece->is_last;
    if (is_whole && !piece->is_squeezed && piece->payload.len <= max) {
        deliver(peer, piece, piece->payload, false); /* as it is in the socket's buffer */
        return;
    }
    gather(peer, piece->payload);
    if (!piece->is_last)
        return;
    if (piece->is_squeezed)
        deliver_squeezed(peer, piece);
    else
        deliver(peer, piece, text_span(&peer->gathered), peer->arrived_bytes > max);
    text_clear(&peer->gathered);
}

static void take_control(struct peer *peer, const struct websocket_piece *piece)
{
    if (piece->opcode == WEBSOCKET_CLOSE) {
        websocket_add_close_answer(&peer->owed, piece->payload);
        begin_closing(peer);
        return;
    }
    if (piece->opcode != WEBSOCKET_PING)
        return;
    websocket_add_control(&peer->owed, WEBSOCKET_PONG, piece->payload);
    if (peer->owed.len > OWED_BYTES_MAX)
        cut(peer);
    else
        write_soon(peer);
}

void peer_receive(struct peer *peer, char *at, size_t len, int64_t now_ms)
{
    hear(peer, now_ms);
    while (!peer->is_closing) {
        struct websocket_piece piece;
        switch (websocket_read(&peer->reader, &piece, &at, &len, peer->may_squeeze)) {
        case WEBSOCKET_MORE:
            return;
        case WEBSOCKET_DATA:
            take_data(peer, &piece);
            break;
        case WEBSOCKET_CONTROL:
            take_control(peer, &piece);
            break;
        case WEBSOCKET_WRONG:
            close_with(peer, WEBSOCKET_PROTOCOL_ERROR);
            break;
        }
    }
}

static bool add_squeezed(struct peer *peer)
{
    struct peer_table *table = peer->table;
    table->squeezed.len = 0;
    bool is_there = session_pop(peer->session, &table->message);
    squeeze_add(table->squeeze, &table->squeezed, text_span(&table->message));
    websocket_add_head(&table->wire, FINAL_TEXT | WEBSOCKET_SQUEEZED, table->squeezed.len);
    text_add(&table->wire, text_span(&table->squeezed));
    return is_there;
}

/* False when the session has none. */
static bool add_message(struct peer *peer)
{
    size_t bytes = session_next_bytes(peer->session);
    if (bytes == 0)
        return false;
    metrics_add(METRIC_FRAMES_SENT, 1);
    metrics_add(METRIC_BYTES_SENT, bytes);
    if (peer->may_squeeze && bytes >= SQUEEZE_BYTES_MIN)
        return add_squeezed(peer);
    websocket_add_head(&peer->table->wire, FINAL_TEXT, bytes);
    return session_pop_behind(peer->session, &peer->table->wire);
}

/* Fills the wire with what waits, up to WRITE_BYTES; false when nothing does. */
static bool fill_wire(struct peer *peer)
{
    struct peer_table *table = peer->table;
    text_reserve(&table->wire, LWS_PRE + WRITE_BYTES);
    table->wire.len = LWS_PRE; /* lws wants room before what it writes */
    text_add(&table->wire, text_span(&peer->owed));
    text_clear(&peer->owed);
    while (peer->session != NULL && table->wire.len < WRITE_BYTES && add_message(peer))
        ;
    return table->wire.len > LWS_PRE;
}

/* Everything is sent: the other end hears so, and goes. What it still says is not heard, but read,
 * for a socket closed before would take back what was sent. */
static void end_writing(struct peer *peer)
{
    shutdown(lws_get_socket_fd(peer->wsi), SHUT_WR);
    lws_set_timeout(peer->wsi, PENDING_TIMEOUT_USER_REASON_BASE, CLOSE_S_MAX);
}

static bool is_idle(const struct peer *peer)
{
    return peer->session != NULL && peer->session->head == NULL && !peer->session->doomed;
}

bool peer_write(struct peer *peer)
{
    struct text *wire = &peer->table->wire;
    for (size_t written = 0; fill_wire(peer); written += wire->len) {
        unsigned char *at = (unsigned char *)wire->at + LWS_PRE;
        if (lws_write(peer->wsi, at, wire->len - LWS_PRE, LWS_WRITE_RAW) < 0)
            return false;
        if (is_idle(peer))
            return true;
        if (written > TURN_BYTES || lws_partial_buffered(peer->wsi)) {
            lws_callback_on_writable(peer->wsi);
            return true;
        }
    }
    if (peer->is_closing)
        end_writing(peer);
    else if (peer->session->doomed)
        close_with(peer, peer->session->close_code);
    return true;
}

void peer_flush(struct peer_table *table)
{
    for (struct peer *peer; (peer = list_first(&table->pending)) != NULL;) {
        list_remove(&table->pending, &peer->pending);
        if (lws_partial_buffered(peer->wsi))
            lws_callback_on_writable(peer->wsi);
        else if (!peer_write(peer))
            cut(peer);
    }
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
        } else if (!peer->is_pinged && !peer->is_closing) {
            peer->is_pinged = true;
            websocket_add_control(&peer->owed, WEBSOCKET_PING, SPAN(""));
            write_soon(peer);
        }
    }
}
