#include "client/link_channel.h"

#include <stdio.h>
#include <stdlib.h>

#include "client/link_dial.h"
#include "client/link_host.h"
#include "client/link_tunnel.h"
#include "shared/text.h"
#include "shared/url.h"

enum {
    PING_S = 30, /* of silence */
    HANGUP_S = 60,
    WRITE_TURNS = 16,  /* messages written before others have their turn */
    STEADY_MS = 20000, /* a connection that held so long was no failure */
    WHY_CHARS_MAX = 160,
};

/* A message to be sent; lws wants room before it. */
struct outgoing {
    struct outgoing *next;
    size_t len;
    unsigned char bytes[];
};

/* One thing goes on at a time:
 *
 *     WAITING --timer--> FINDING --addresses--> REACHING --upgraded--> OPEN --> WAITING ...
 *                           \--------------------- failed ---------------------->/
 */
enum state { WAITING, FINDING, REACHING, OPEN };

struct channel {
    struct link_peer peer;
    struct link_host *host;
    struct channel_setup setup;
    struct url url; /* but for its path */
    enum state state;
    struct lws *wsi;   /* NULL: none, or it has ended */
    struct dial *dial; /* while finding */
    struct dial_way way;
    uint32_t way_next; /* of its addresses */
    bool is_paused, is_freed;
    uint32_t failures; /* in a row */
    uint64_t opened_ms;
    uv_timer_t retry;
    char host_header[URL_HOST_MAX + 16];
    char path[1024];
    struct text gathered; /* of the message that is arriving */
    struct outgoing *head, **tail;
    size_t queued;
    char why[WHY_CHARS_MAX]; /* it is ended; "": not by us */
};

static const lws_retry_bo_t liveliness = {.secs_since_valid_ping = PING_S,
                                          .secs_since_valid_hangup = HANGUP_S};

static void drop_queue(struct channel *channel)
{
    for (struct outgoing *next; channel->head != NULL; channel->head = next) {
        next = channel->head->next;
        free(channel->head);
    }
    channel->tail = &channel->head;
    channel->queued = 0;
}

static void drop_way(struct channel *channel)
{
    if (channel->way.tunnel != NULL)
        tunnel_free(channel->way.tunnel);
    channel->way = (struct dial_way){0};
    channel->way_next = 0;
}

/* What a wait ends with: the next address, where there is one, or another attempt. */
static void on_retry(uv_timer_t *timer);

/* The connection or the attempt has ended: another is planned. */
static void ended(struct channel *channel, const char *why)
{
    char words[WHY_CHARS_MAX];
    bool was_open = channel->state == OPEN;
    bool was_steady = was_open && uv_now(channel->host->loop) - channel->opened_ms > STEADY_MS;
    const char *tunnel = channel->way.tunnel != NULL ? tunnel_why(channel->way.tunnel) : "";
    snprintf(words, sizeof words, "%s",
             channel->why[0] != '\0' ? channel->why
             : tunnel[0] != '\0'     ? tunnel
                                     : why);
    channel->wsi = NULL;
    channel->is_paused = false;
    channel->why[0] = '\0';
    text_clear(&channel->gathered);
    drop_queue(channel);
    channel->state = WAITING;
    if (!was_open && channel->way_next < channel->way.count) {
        uv_timer_start(&channel->retry, on_retry, 0, 0);
        return;
    }
    drop_way(channel);
    channel->failures = was_steady ? 1 : channel->failures + 1;
    uint64_t wait_ms = retry_wait_ms(&channel->host->patience, channel->failures,
                                     channel->host->random(channel->host->owner));
    uv_timer_start(&channel->retry, on_retry, wait_ms, 0);
    channel->setup.closed(channel->setup.owner, words, wait_ms);
}

/* ---- what lws calls ---- */

static bool refuse(struct channel *channel, const char *why)
{
    snprintf(channel->why, sizeof channel->why, "%s", why);
    return false;
}

static bool receive(struct channel *channel, struct lws *wsi, struct span piece)
{
    if (lws_frame_is_binary(wsi))
        return refuse(channel, "it sent a binary message");
    if (piece.len > channel->setup.message_bytes_max - channel->gathered.len)
        return refuse(channel, "it sent a message that is too long");
    text_add(&channel->gathered, piece);
    if (lws_remaining_packet_payload(wsi) > 0 || !lws_is_final_fragment(wsi))
        return true;
    struct text message = channel->gathered;
    channel->gathered = (struct text){0};
    channel->setup.heard(channel->setup.owner, text_span(&message));
    text_clear(&message);
    return true;
}

static bool write_queued(struct channel *channel, struct lws *wsi)
{
    for (int i = 0; i < WRITE_TURNS && channel->head != NULL; i++) {
        struct outgoing *out = channel->head;
        if (lws_write(wsi, out->bytes + LWS_PRE, out->len, LWS_WRITE_TEXT) < 0)
            return refuse(channel, "it cannot be written to");
        channel->queued -= out->len;
        channel->head = out->next;
        if (channel->head == NULL)
            channel->tail = &channel->head;
        free(out);
        if (lws_send_pipe_choked(wsi))
            break;
    }
    if (channel->head != NULL)
        lws_callback_on_writable(wsi);
    else
        channel->setup.drained(channel->setup.owner);
    return true;
}

static void established(struct channel *channel, struct lws *wsi)
{
    channel->wsi = wsi;
    channel->state = OPEN;
    channel->opened_ms = uv_now(channel->host->loop);
    channel->setup.opened(channel->setup.owner);
}

/* What lws calls it, where that says more than that it failed. */
static const char *reason_of(struct span words)
{
    if (words.len == 0 || strcmp(words.at, "closed before established") == 0)
        return "it cannot be reached";
    return words.at; /* NUL-terminated */
}

static void on_distrust(struct link_peer *peer, const char *why)
{
    struct channel *channel = (struct channel *)peer;
    snprintf(channel->why, sizeof channel->why, "its certificate is wrong: %s", why);
}

static int on_lws(struct link_peer *peer, struct lws *wsi, enum lws_callback_reasons reason,
                  void *in, size_t len)
{
    struct channel *channel = (struct channel *)peer;
    if (channel->is_freed)
        return 0;
    switch ((int)reason) { /* of the hundred there are */
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        established(channel, wsi);
        return 0;
    case LWS_CALLBACK_CLIENT_RECEIVE:
        return channel->why[0] == '\0' && receive(channel, wsi, (struct span){in, len}) ? 0 : -1;
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        return channel->why[0] == '\0' && write_queued(channel, wsi) ? 0 : -1;
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        lws_set_opaque_user_data(wsi, NULL);
        ended(channel, reason_of((struct span){in, len}));
        return 0;
    case LWS_CALLBACK_CLIENT_CLOSED:
        lws_set_opaque_user_data(wsi, NULL);
        ended(channel, "it closed the connection");
        return 0;
    case LWS_CALLBACK_WSI_DESTROY: /* some ends, as of what is no HTTP, are told by this alone */
        lws_set_opaque_user_data(wsi, NULL);
        ended(channel, "it does not speak websocket");
        return 0;
    default:
        return 0;
    }
}

/* ---- connecting ---- */

static void reach(struct channel *channel)
{
    const struct url *url = &channel->url;
    struct dial_address address = channel->way.addresses[channel->way_next++];
    struct lws_client_connect_info info = {
        .context = channel->host->context,
        .vhost = channel->host->vhost,
        .address = address.at,
        .port = url->port,
        .ssl_connection = (url->is_tls ? LCCSCF_USE_SSL : 0) | LCCSCF_HTTP_NO_FOLLOW_REDIRECT,
        .path = channel->path,
        .host = channel->host_header,
        .local_protocol_name = channel->host->protocols[0].name,
        .retry_and_idle_policy = &liveliness,
        .opaque_user_data = channel,
    };
    channel->state = REACHING;
    struct lws *wsi = lws_client_connect_via_info(&info);
    if (channel->is_freed || channel->state != REACHING)
        return; /* it has called back already, and said why */
    if (wsi == NULL)
        ended(channel, "it cannot be reached");
    else
        channel->wsi = wsi;
}

static void on_found(void *owner, const struct dial_way *way)
{
    struct channel *channel = owner;
    channel->dial = NULL;
    channel->way = *way;
    channel->way_next = 0;
    if (way->count > 0)
        reach(channel);
    else
        ended(channel, way->why);
}

static void on_retry(uv_timer_t *timer)
{
    struct channel *channel = timer->data;
    if (channel->way_next < channel->way.count) {
        reach(channel);
        return;
    }
    channel->state = FINDING;
    channel->dial = dial_new(channel->host, &channel->url, on_found, channel);
}

struct channel *channel_new(const struct channel_setup *setup)
{
    struct channel *channel = calloc(1, sizeof *channel);
    const struct url *url = setup->url;
    bool is_ip6 = strchr(url->host, ':') != NULL;
    if (channel == NULL)
        abort();
    channel->peer = (struct link_peer){.on_lws = on_lws, .distrusts = on_distrust};
    channel->host = setup->host;
    channel->setup = *setup;
    channel->url = *url;
    channel->url.path = (struct span){0};
    channel->tail = &channel->head;
    snprintf(channel->host_header, sizeof channel->host_header, is_ip6 ? "[%s]:%u" : "%s:%u",
             url->host, url->port);
    snprintf(channel->path, sizeof channel->path, "%s%.*s",
             url->path.len > 0 && url->path.at[0] == '/' ? "" : "/", SPAN_ARG(url->path));
    uv_timer_init(channel->host->loop, &channel->retry);
    channel->retry.data = channel;
    uv_timer_start(&channel->retry, on_retry, 0, 0);
    return channel;
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct channel *channel = handle->data;
    text_clear(&channel->gathered);
    drop_queue(channel);
    free(channel);
}

/* A connection goes at once; lws does it in its next turn. */
static void cut(struct channel *channel)
{
    lws_set_timeout(channel->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
    lws_cancel_service(channel->host->context);
}

void channel_free(struct channel *channel)
{
    channel->is_freed = true;
    if (channel->wsi != NULL) {
        lws_set_opaque_user_data(channel->wsi, NULL);
        cut(channel);
    }
    if (channel->dial != NULL)
        dial_cancel(channel->dial);
    drop_way(channel);
    uv_close((uv_handle_t *)&channel->retry, on_timer_closed);
}

bool channel_is_open(const struct channel *channel)
{
    return channel->state == OPEN && channel->why[0] == '\0';
}

void channel_send(struct channel *channel, struct span message)
{
    if (!channel_is_open(channel))
        return;
    struct outgoing *out = malloc(sizeof *out + LWS_PRE + message.len);
    if (out == NULL)
        abort();
    out->next = NULL;
    out->len = message.len;
    memcpy(out->bytes + LWS_PRE, message.at, message.len);
    *channel->tail = out;
    channel->tail = &out->next;
    channel->queued += message.len;
    lws_callback_on_writable(channel->wsi);
}

size_t channel_queued(const struct channel *channel)
{
    return channel->queued;
}

void channel_pause(struct channel *channel, bool is_paused)
{
    if (!channel_is_open(channel) || channel->is_paused == is_paused)
        return;
    channel->is_paused = is_paused;
    lws_rx_flow_control(channel->wsi, is_paused ? 0 : 1);
}

void channel_restart(struct channel *channel, const char *why)
{
    if (!channel_is_open(channel))
        return;
    snprintf(channel->why, sizeof channel->why, "%s", why);
    cut(channel);
}

void channel_hurry(struct channel *channel)
{
    if (channel->state == WAITING && !channel->is_freed)
        uv_timer_start(&channel->retry, on_retry, 0, 0);
}
