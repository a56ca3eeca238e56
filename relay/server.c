#include "relay/server.h"

#include <libwebsockets.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "relay/address.h"
#include "relay/answer.h"
#include "relay/config.h"
#include "relay/guest.h"
#include "relay/health.h"
#include "relay/listener.h"
#include "relay/log.h"
#include "relay/metrics.h"
#include "relay/peer.h"
#include "relay/session.h"
#include "relay/squeeze.h"
#include "shared/err.h"

enum {
    OTHER_FDS = 1280, /* connections that are no websockets, the database's, files */
    HANDSHAKE_S_MAX = 10,
    KEEPALIVE_S_MAX = 15,
    HEADS_MAX = 1024, /* requests being read at one time */
    HEAD_BYTES_MAX = 8192,
    READ_BYTES = 2048,    /* at most at a time from a socket; each connection has such a buffer */
    WRITE_BYTES = 131072, /* at most at a time to a socket */
    TICK_MS = 1000,
};

struct server {
    const struct config *config;
    struct lws_context *context;
    struct lws_vhost *vhost;
    struct lws_protocols protocols[3];
    char subprotocol[64]; /* the one that is being agreed on: any is, by its name */
    struct listener *listener;
    struct answer_source answers;
    struct health *health;
    struct peer_table *peers;
    struct address_table *addresses;
    struct session_table *sessions;
    struct address_networks *proxies;
    uv_loop_t *loop;
    uv_timer_t tick;
    void (*drained)(void *owner);
    void *drained_owner;
    bool is_draining, takes_squeezed;
};

static int64_t now_ms(const struct server *server)
{
    return (int64_t)uv_now(server->loop);
}

static enum answer_refusal admit(struct server *server, struct lws *wsi)
{
    enum answer_refusal refusal = answer_check_upgrade(&server->answers, wsi);
    if (refusal != ANSWER_GRANTED)
        return refusal;
    if (server->is_draining || peer_count(server->peers) >= server->config->connections_max)
        return ANSWER_FULL;
    struct guest *guest = guest_of(wsi);
    if (!guest_take_address(guest, wsi, server->addresses, server->proxies, now_ms(server)))
        return ANSWER_TOO_MANY;
    return ANSWER_GRANTED;
}

/* Whatever subprotocol a client wants first it gets: to a browser no answer is a refusal. */
static void agree_on_subprotocol(struct server *server, struct lws *wsi)
{
    char wanted[128];
    int len = lws_hdr_copy(wsi, wanted, sizeof wanted, WSI_TOKEN_PROTOCOL);
    size_t count = len > 0 ? strcspn(wanted, ", \t") : 0;
    if (count >= sizeof server->subprotocol)
        count = 0;
    memcpy(server->subprotocol, wanted, count);
    server->subprotocol[count] = '\0';
}

/* As lws wants it: 0 goes on, 1 when it is answered, less to hang up. */
static int on_upgrade(struct server *server, struct lws *wsi, const char *protocol)
{
    if (strcasecmp(protocol, "websocket") != 0) /* h2c: RFC 9110 7.8, answered in HTTP/1.1 */
        return answer_request(&server->answers, wsi, NULL) ? 1 : -1;
    enum answer_refusal refusal = admit(server, wsi);
    if (refusal == ANSWER_GRANTED) {
        agree_on_subprotocol(server, wsi);
        server->takes_squeezed = false;
        return 0;
    }
    if (refusal == ANSWER_FULL || refusal == ANSWER_TOO_MANY)
        metrics_add(METRIC_CONNECTIONS_REFUSED, 1);
    answer_refuse(wsi, refusal);
    return 1;
}

static bool on_established(struct server *server, struct lws *wsi)
{
    struct guest *guest = guest_of(wsi);
    uint8_t ip[16];
    struct peer_open open = {.wsi = wsi,
                             .address = guest->address,
                             .local_ip = {(const char *)ip, guest_local_ip(ip, wsi)},
                             .takes_squeezed = server->takes_squeezed,
                             .now_ms = now_ms(server)};
    server->takes_squeezed = false;
    if (guest->address == NULL)
        return false; /* admit has not seen it */
    peer_open(server->peers, &guest->peer, &open);
    return true;
}

/* lws writes the name of the extension, and no parameters: they are added to its line. */
static void add_terms(struct server *server, struct lws_process_html_args *args)
{
    static const char before[] = "permessage-deflate\r\n";
    size_t len = strlen(before);
    size_t more = strlen(SQUEEZE_TERMS);
    if (!server->takes_squeezed || (size_t)args->max_len < more ||
        memcmp(args->p - len, before, len) != 0)
        return;
    memcpy(args->p - 2, SQUEEZE_TERMS "\r\n", more + 2);
    args->p += more;
}

static bool is_offer_good(struct lws *wsi)
{
    char offer[256];
    int len = lws_hdr_copy(wsi, offer, sizeof offer, WSI_TOKEN_EXTENSIONS);
    return len > 0 && squeeze_accepts((struct span){offer, (size_t)len});
}

/* Only so that lws lets RSV1 pass: squeezing and restoring is peer.c's. */
// NOLINTNEXTLINE(readability-function-size): as lws calls it
static int on_extension(struct lws_context *context, const struct lws_extension *extension,
                        struct lws *wsi, enum lws_extension_callback_reasons reason, void *user,
                        void *in, size_t len)
{
    static const struct lws_ext_options none[] = {{NULL, EXTARG_NONE}};
    (void)extension;
    (void)wsi;
    (void)user;
    (void)len;
    if (reason == LWS_EXT_CB_CONSTRUCT) {
        *(const struct lws_ext_options **)in = none;
        ((struct server *)lws_context_user(context))->takes_squeezed = true;
    }
    return 0;
}

static void finish_drain(struct server *server)
{
    if (!server->is_draining || server->drained == NULL || peer_count(server->peers) > 0)
        return;
    void (*drained)(void *owner) = server->drained;
    server->drained = NULL;
    drained(server->drained_owner);
}

/* Timers of lws are looked at when a socket stirs, or here. */
static void on_tick(uv_timer_t *timer)
{
    struct server *server = timer->data;
    peer_tick(server->peers, now_ms(server));
    lws_cancel_service(server->context);
    finish_drain(server);
}

static int verdict(bool goes_on)
{
    return goes_on ? 0 : -1;
}

static int on_lws(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                  size_t len)
{
    struct server *server = lws_context_user(lws_get_context(wsi));
    struct span payload = {in, len};
    (void)user;
    switch ((int)reason) { /* of the hundred there are */
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        return on_upgrade(server, wsi, in);
    case LWS_CALLBACK_CONFIRM_EXTENSION_OKAY:
        return verdict(is_offer_good(wsi));
    case LWS_CALLBACK_ADD_HEADERS:
        add_terms(server, in);
        return 0;
    case LWS_CALLBACK_ESTABLISHED:
        return verdict(on_established(server, wsi));
    case LWS_CALLBACK_RECEIVE:
        return verdict(peer_receive(&guest_of(wsi)->peer, payload, now_ms(server)));
    case LWS_CALLBACK_RECEIVE_PONG:
        peer_ponged(&guest_of(wsi)->peer, now_ms(server));
        return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return verdict(peer_write(&guest_of(wsi)->peer));
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        return verdict(peer_closing(&guest_of(wsi)->peer, in, len));
    case LWS_CALLBACK_CLOSED:
        peer_close(&guest_of(wsi)->peer);
        if (server->is_draining) /* not from within: lws could not be freed in the callback */
            uv_timer_start(&server->tick, on_tick, 0, TICK_MS);
        return 0;
    case LWS_CALLBACK_HTTP:
        return verdict(answer_request(&server->answers, wsi, &guest_of(wsi)->wait));
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return verdict(answer_health(&server->answers, wsi));
    case LWS_CALLBACK_WSI_DESTROY:
        guest_free(wsi, server->health, now_ms(server));
        return 0;
    default:
        return 0;
    }
}

static void on_accepted(void *owner, int fd)
{
    struct server *server = owner;
    lws_adoption_type type = LWS_ADOPT_SOCKET | LWS_ADOPT_HTTP | LWS_ADOPT_ALLOW_SSL;
    lws_sock_file_fd_type socket = {.sockfd = fd};
    lws_adopt_descriptor_vhost(server->vhost, type, socket, NULL, NULL); /* else it is closed */
}

/* Mostly about what peers did wrong, whatever level lws thinks it has. */
static void on_log(int level, const char *line)
{
    (void)level;
    log_debug("lws", "%.*s", (int)strcspn(line, "\n"), line);
}

static void raise_fd_limit(const struct config *config)
{
    struct rlimit limit;
    rlim_t wanted = (rlim_t)config->connections_max + OTHER_FDS;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    if (wanted > limit.rlim_max) {
        struct rlimit raised = {wanted, wanted}; /* root may */
        if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
            return;
        log_warning("server", "connections_max=%lld needs %llu file descriptors, allowed are %llu",
                    (long long)config->connections_max, (unsigned long long)wanted,
                    (unsigned long long)limit.rlim_max);
        wanted = limit.rlim_max;
    }
    limit.rlim_cur = wanted;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static bool open_lws(struct server *server, struct err *err)
{
    static const struct lws_extension extensions[] = {{"permessage-deflate", on_extension, ""},
                                                      {NULL, NULL, NULL}};
    static const lws_retry_bo_t no_pings = {0}; /* peer_tick has its own */
    const struct config *config = server->config;
    void *loops[] = {server->loop};
    bool has_tls = config->tls_certificate[0] != '\0';
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN_SERVER,
        .protocols = server->protocols,
        .extensions = extensions,
        .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
                   (has_tls ? LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT : 0),
        .foreign_loops = loops,
        .user = server,
        .vhost_name = "relay",
        .alpn = "http/1.1",
        .timeout_secs = HANDSHAKE_S_MAX,
        .timeout_secs_ah_idle = HANDSHAKE_S_MAX,
        .keepalive_timeout = KEEPALIVE_S_MAX,
        .max_http_header_pool = HEADS_MAX,
        .max_http_header_data = HEAD_BYTES_MAX,
        .retry_and_idle_policy = &no_pings,
        .ssl_cert_filepath = has_tls ? config->tls_certificate : NULL,
        .ssl_private_key_filepath = has_tls ? config->tls_key : NULL,
    };
    lws_set_log_level(LLL_ERR | LLL_WARN, on_log);
    server->context = lws_create_context(&info);
    if (server->context == NULL)
        return err_set(err, ERR_INTERNAL, "libwebsockets cannot start");
    server->vhost = lws_create_vhost(server->context, &info);
    if (server->vhost == NULL)
        return err_set(err, ERR_INTERNAL, "tls_certificate and tls_key cannot be used");
    return true;
}

static struct address_table *new_addresses(const struct config *config)
{
    struct address_limits limits = {.connections_max = config->connections_per_address_max,
                                    .events_per_s_max = config->events_per_s_max,
                                    .event_burst_max = config->event_burst_max,
                                    .reqs_per_s_max = config->reqs_per_s_max,
                                    .req_burst_max = config->req_burst_max};
    return address_table_new(&limits);
}

static struct peer_table *new_peers(const struct server_setup *setup)
{
    struct peer_setup peers = {.sessions = setup->sessions,
                               .dispatch = setup->dispatch,
                               .message_bytes_max = setup->config->message_bytes_max,
                               .ping_s = setup->config->ping_s};
    return peer_table_new(&peers);
}

struct server *server_new(uv_loop_t *loop, const struct server_setup *setup, struct err *err)
{
    struct address_networks *proxies = address_networks_new(setup->config->trusted_proxies, err);
    if (proxies == NULL)
        return NULL;
    struct server *server = calloc(1, sizeof *server);
    if (server == NULL)
        abort();
    *server = (struct server){
        .config = setup->config, .loop = loop, .proxies = proxies, .sessions = setup->sessions};
    for (size_t i = 0; i < 2; i++) /* lws: the first for HTTP and websockets that name none */
        server->protocols[i] = (struct lws_protocols){.name = i == 0 ? "" : server->subprotocol,
                                                      .callback = on_lws,
                                                      .rx_buffer_size = READ_BYTES,
                                                      .tx_packet_size = WRITE_BYTES};
    server->addresses = new_addresses(setup->config);
    server->peers = new_peers(setup);
    server->health = health_new(loop, setup->store);
    answer_prepare(&server->answers, setup->config, server->health);
    uv_timer_init(loop, &server->tick);
    server->tick.data = server;
    uv_timer_start(&server->tick, on_tick, TICK_MS, TICK_MS);
    raise_fd_limit(setup->config);
    if (open_lws(server, err))
        server->listener = listener_new(loop, setup->config->listen_address, setup->port,
                                        on_accepted, server, err);
    if (server->listener != NULL)
        return server;
    server_free(server);
    return NULL;
}

void server_stop_listening(struct server *server)
{
    listener_free(server->listener);
    server->listener = NULL;
}

static bool doom(void *owner, struct session *session)
{
    (void)owner;
    session_doom(session, LWS_CLOSE_STATUS_GOINGAWAY);
    return true;
}

void server_drain(struct server *server, void (*done)(void *owner), void *owner)
{
    server->is_draining = true;
    server->drained = done;
    server->drained_owner = owner;
    session_each(server->sessions, doom, NULL);
    uv_timer_start(&server->tick, on_tick, 0, TICK_MS); /* for the case that there is nobody */
}

/* On a loop that is not its own lws never gets rid of its context: its last step frees two handles
 * that the loop has yet to close. So what is left of it stays, in sight of leak checks. */
static struct server *volatile left_behind; /* volatile: nobody reads it, and yet it is kept */

void server_free(struct server *server)
{
    server->drained = NULL;
    server_stop_listening(server);
    uv_close((uv_handle_t *)&server->tick, NULL);
    health_free(server->health);
    server->health = NULL;
    if (server->context != NULL)
        lws_context_destroy(server->context);
    left_behind = server;
}
