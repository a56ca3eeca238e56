#include "relay/remote.h"

#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "relay/remote_host.h"
#include "shared/text.h"
#include "shared/url.h"

enum {
    PING_S = 30, /* of silence */
    HANGUP_S = 60,
    WRITE_TURNS = 16,     /* messages written before others have their turn */
    RETRY_MS = 250,       /* after the first failure; then twice as long, */
    RETRY_MS_MAX = 60000, /* up to this */
    STEADY_MS = 20000,    /* a connection that held so long was no failure */
    WHY_CHARS_MAX = 160,
};

/* A message to be sent; lws wants room before it. */
struct outgoing {
    struct outgoing *next;
    size_t len;
    unsigned char bytes[];
};

struct remote {
    struct remote_host *host;
    struct remote_setup setup;
    struct url url;  /* but for its path */
    struct lws *wsi; /* NULL: none, or it has ended */
    bool is_open, is_paused, is_freed, is_resolving;
    uint32_t failures; /* in a row */
    uint64_t opened_ms;
    uv_timer_t retry;
    uv_getaddrinfo_t resolve;
    char host_header[URL_HOST_MAX + 16];
    char path[1024];
    struct text gathered; /* of the message that is arriving */
    struct outgoing *head, **tail;
    size_t queued;
    char why[WHY_CHARS_MAX]; /* it is ended; "": not by us */
};

static const lws_retry_bo_t liveliness = {.secs_since_valid_ping = PING_S,
                                          .secs_since_valid_hangup = HANGUP_S};

static void resolve(struct remote *remote);

static void on_retry(uv_timer_t *timer)
{
    resolve(timer->data);
}

static uint64_t retry_ms(const struct remote *remote)
{
    uint64_t ms = RETRY_MS_MAX;
    uint16_t random = 0;
    if (remote->failures < 8)
        ms = (uint64_t)RETRY_MS << remote->failures;
    if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
        abort();
    return ms / 2 + ms * random / (2 * UINT16_MAX + 2);
}

static void drop_queue(struct remote *remote)
{
    for (struct outgoing *next; remote->head != NULL; remote->head = next) {
        next = remote->head->next;
        free(remote->head);
    }
    remote->tail = &remote->head;
    remote->queued = 0;
}

/* The connection or the attempt has ended: another is planned. */
static void ended(struct remote *remote, const char *why)
{
    char words[WHY_CHARS_MAX];
    bool was_steady = remote->is_open && uv_now(remote->host->loop) - remote->opened_ms > STEADY_MS;
    snprintf(words, sizeof words, "%s", remote->why[0] != '\0' ? remote->why : why);
    remote->wsi = NULL;
    remote->is_open = remote->is_paused = false;
    remote->why[0] = '\0';
    text_clear(&remote->gathered);
    drop_queue(remote);
    remote->failures = was_steady ? 0 : remote->failures;
    uv_timer_start(&remote->retry, on_retry, retry_ms(remote), 0);
    remote->failures++;
    remote->setup.closed(remote->setup.owner, words);
}

/* ---- what lws calls ---- */

static bool refuse(struct remote *remote, const char *why)
{
    snprintf(remote->why, sizeof remote->why, "%s", why);
    return false;
}

static bool receive(struct remote *remote, struct lws *wsi, struct span piece)
{
    if (lws_frame_is_binary(wsi))
        return refuse(remote, "it sent a binary message");
    if (piece.len > remote->setup.message_bytes_max - remote->gathered.len)
        return refuse(remote, "it sent a message that is too long");
    text_add(&remote->gathered, piece);
    if (lws_remaining_packet_payload(wsi) > 0 || !lws_is_final_fragment(wsi))
        return true;
    struct text message = remote->gathered;
    remote->gathered = (struct text){0};
    remote->setup.heard(remote->setup.owner, text_span(&message));
    text_clear(&message);
    return true;
}

static bool write_queued(struct remote *remote, struct lws *wsi)
{
    for (int i = 0; i < WRITE_TURNS && remote->head != NULL; i++) {
        struct outgoing *out = remote->head;
        if (lws_write(wsi, out->bytes + LWS_PRE, out->len, LWS_WRITE_TEXT) < 0)
            return refuse(remote, "it cannot be written to");
        remote->queued -= out->len;
        remote->head = out->next;
        if (remote->head == NULL)
            remote->tail = &remote->head;
        free(out);
        if (lws_send_pipe_choked(wsi))
            break;
    }
    if (remote->head != NULL)
        lws_callback_on_writable(wsi);
    else
        remote->setup.drained(remote->setup.owner);
    return true;
}

static void established(struct remote *remote, struct lws *wsi)
{
    remote->wsi = wsi;
    remote->is_open = true;
    remote->opened_ms = uv_now(remote->host->loop);
    remote->setup.opened(remote->setup.owner);
}

int remote_on_lws(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                  size_t len)
{
    struct remote *remote = lws_get_opaque_user_data(wsi);
    (void)user;
    if (remote == NULL || remote->is_freed)
        return 0;
    switch ((int)reason) { /* of the hundred there are */
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        established(remote, wsi);
        return 0;
    case LWS_CALLBACK_CLIENT_RECEIVE:
        return remote->why[0] == '\0' && receive(remote, wsi, (struct span){in, len}) ? 0 : -1;
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        return remote->why[0] == '\0' && write_queued(remote, wsi) ? 0 : -1;
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        lws_set_opaque_user_data(wsi, NULL);
        ended(remote, in != NULL ? in : "it cannot be reached");
        return 0;
    case LWS_CALLBACK_CLIENT_CLOSED:
        lws_set_opaque_user_data(wsi, NULL);
        ended(remote, "it closed the connection");
        return 0;
    case LWS_CALLBACK_WSI_DESTROY: /* some ends, as of what is no HTTP, are told by this alone */
        lws_set_opaque_user_data(wsi, NULL);
        ended(remote, "it does not speak websocket");
        return 0;
    default:
        return 0;
    }
}

/* ---- connecting ---- */

static void connect_to(struct remote *remote, const char *address)
{
    const struct url *url = &remote->url;
    struct lws_client_connect_info info = {
        .context = remote->host->context,
        .vhost = remote->host->vhost,
        .address = address,
        .port = url->port,
        .ssl_connection = url->is_tls ? LCCSCF_USE_SSL : 0,
        .path = remote->path,
        .host = remote->host_header,
        .local_protocol_name = remote->host->protocols[0].name,
        .retry_and_idle_policy = &liveliness,
        .opaque_user_data = remote,
    };
    struct lws *wsi = lws_client_connect_via_info(&info);
    /* it may have called back already, and said why */
    if (wsi == NULL && !uv_is_active((uv_handle_t *)&remote->retry) && !remote->is_freed)
        ended(remote, "it cannot be reached");
    else if (!uv_is_active((uv_handle_t *)&remote->retry) && !remote->is_freed)
        remote->wsi = wsi;
}

static void release(struct remote *remote)
{
    if (remote->is_resolving || uv_is_active((uv_handle_t *)&remote->retry))
        return;
    text_clear(&remote->gathered);
    drop_queue(remote);
    free(remote);
}

static void on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
    struct remote *remote = request->data;
    char address[64];
    remote->is_resolving = false;
    if (remote->is_freed) {
        uv_freeaddrinfo(found);
        if (remote->host == NULL) /* its timer has closed before */
            release(remote);
        return;
    }
    bool is_found = status == 0 && uv_ip_name(found->ai_addr, address, sizeof address) == 0;
    uv_freeaddrinfo(found);
    if (is_found)
        connect_to(remote, address);
    else
        ended(remote, "its name cannot be resolved");
}

static void resolve(struct remote *remote)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    remote->resolve.data = remote;
    remote->is_resolving = uv_getaddrinfo(remote->host->loop, &remote->resolve, on_resolved,
                                          remote->url.host, NULL, &hints) == 0;
    if (!remote->is_resolving)
        ended(remote, "its name cannot be resolved");
}

struct remote *remote_new(struct remote_host *host, const struct remote_setup *setup)
{
    struct remote *remote = calloc(1, sizeof *remote);
    const struct url *url = setup->url;
    bool is_ipv6 = strchr(url->host, ':') != NULL;
    if (remote == NULL)
        abort();
    remote->host = host;
    remote->setup = *setup;
    remote->url = *url;
    remote->url.path = (struct span){0};
    remote->tail = &remote->head;
    snprintf(remote->host_header, sizeof remote->host_header, is_ipv6 ? "[%s]:%u" : "%s:%u",
             url->host, url->port);
    snprintf(remote->path, sizeof remote->path, "%s%.*s",
             url->path.len > 0 && url->path.at[0] == '/' ? "" : "/", SPAN_ARG(url->path));
    uv_timer_init(host->loop, &remote->retry);
    remote->retry.data = remote;
    uv_timer_start(&remote->retry, on_retry, 0, 0);
    return remote;
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct remote *remote = handle->data;
    remote->host = NULL;
    if (!remote->is_resolving)
        release(remote);
}

/* A connection goes at once; lws does it in its next turn. */
static void cut(struct remote *remote)
{
    lws_set_timeout(remote->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
    lws_cancel_service(remote->host->context);
}

void remote_free(struct remote *remote)
{
    remote->is_freed = true;
    if (remote->wsi != NULL) {
        lws_set_opaque_user_data(remote->wsi, NULL);
        cut(remote);
    }
    if (remote->is_resolving)
        uv_cancel((uv_req_t *)&remote->resolve);
    uv_close((uv_handle_t *)&remote->retry, on_timer_closed);
}

bool remote_is_open(const struct remote *remote)
{
    return remote->is_open && remote->why[0] == '\0';
}

void remote_send(struct remote *remote, struct span message)
{
    if (!remote_is_open(remote))
        return;
    struct outgoing *out = malloc(sizeof *out + LWS_PRE + message.len);
    if (out == NULL)
        abort();
    out->next = NULL;
    out->len = message.len;
    memcpy(out->bytes + LWS_PRE, message.at, message.len);
    *remote->tail = out;
    remote->tail = &out->next;
    remote->queued += message.len;
    lws_callback_on_writable(remote->wsi);
}

size_t remote_queued(const struct remote *remote)
{
    return remote->queued;
}

void remote_pause(struct remote *remote, bool is_paused)
{
    if (!remote_is_open(remote) || remote->is_paused == is_paused)
        return;
    remote->is_paused = is_paused;
    lws_rx_flow_control(remote->wsi, is_paused ? 0 : 1);
}

void remote_restart(struct remote *remote, const char *why)
{
    if (!remote_is_open(remote))
        return;
    snprintf(remote->why, sizeof remote->why, "%s", why);
    cut(remote);
}
