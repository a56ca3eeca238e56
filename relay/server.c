#include "relay/server.h"

#include <libwebsockets.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "relay/address.h"
#include "relay/answer.h"
#include "relay/config.h"
#include "relay/control.h"
#include "relay/dispatch.h"
#include "relay/guest.h"
#include "relay/health.h"
#include "relay/listener.h"
#include "relay/log.h"
#include "relay/peer.h"
#include "relay/session.h"
#include "relay/talkers.h"
#include "relay/websocket.h"
#include "shared/err.h"

enum {
    OTHER_CONNECTIONS = 1024, /* at most, that are no websockets (yet) */
    OTHER_FDS = 256,          /* the database's, files */
    HANDSHAKE_S_MAX = 10,     /* of TLS */
    READ_BYTES = 16384,       /* at most at a time from a socket */
    WRITE_BYTES = 131072,     /* at most at a time to a socket */
    TICK_MS = 1000,
    CLOSE_TURNS = 5,
};

struct server {
    struct guest_host host;
    struct session_table *sessions;
    struct dispatch *dispatch;
    struct lws_context *context;
    struct lws_vhost *vhost;
    struct lws_protocols protocols[2];
    struct listener *listener;
    uv_timer_t tick;
    uv_prepare_t turn_end;
    int turns;  /* of the loop, since it was closed */
    int fd_max; /* no connection gets this descriptor or a higher one */
    void (*drained)(void *owner);
    void *drained_owner;
};

static void finish_drain(struct server *server)
{
    if (!server->host.is_draining || server->drained == NULL || peer_count(server->host.peers) > 0)
        return;
    void (*drained)(void *owner) = server->drained;
    server->drained = NULL;
    drained(server->drained_owner);
}

/* For the operators' console. */
static void measure_addresses(struct server *server)
{
    struct talker talkers[TALKERS_MAX];
    int64_t now_ms = (int64_t)uv_now(server->host.loop);
    if (!admin_is_on(server->host.admin))
        return;
    uint32_t count = address_busiest(server->host.addresses, talkers, TALKERS_MAX, now_ms);
    talkers_write(talkers, count);
}

/* Timers of lws are looked at when a socket stirs, or here. */
static void on_tick(uv_timer_t *timer)
{
    struct server *server = timer->data;
    peer_tick(server->host.peers, (int64_t)uv_now(server->host.loop));
    measure_addresses(server);
    lws_cancel_service(server->context);
    finish_drain(server);
}

static void on_turn_end(uv_prepare_t *prepare)
{
    struct server *server = prepare->data;
    dispatch_turn_end(server->dispatch);
    peer_flush(server->host.peers);
}

/* Not from within a callback of lws, which must not be freed there. */
static void finish_drain_soon(struct server *server)
{
    if (server->host.is_draining && server->drained != NULL)
        uv_timer_start(&server->tick, on_tick, 0, TICK_MS);
}

static void end_guest(struct server *server, struct lws *wsi)
{
    struct guest *guest = lws_get_opaque_user_data(wsi);
    if (guest == NULL)
        return;
    guest_ended(guest);
    finish_drain_soon(server);
}

static void free_guest(struct lws *wsi)
{
    struct guest *guest = lws_get_opaque_user_data(wsi);
    if (guest == NULL)
        return;
    lws_set_opaque_user_data(wsi, NULL);
    guest_free(guest);
}

static int verdict(bool goes_on)
{
    return goes_on ? 0 : -1;
}

/* Sockets and TLS are lws's; what is in them is a guest's. */
static int on_lws(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                  size_t len)
{
    struct server *server = lws_context_user(lws_get_context(wsi));
    (void)user;
    switch ((int)reason) { /* of the hundred there are */
    case LWS_CALLBACK_RAW_ADOPT:
        lws_set_opaque_user_data(wsi, guest_new(&server->host, wsi));
        return 0;
    case LWS_CALLBACK_RAW_RX:
        return verdict(guest_receive(lws_get_opaque_user_data(wsi), in, len));
    case LWS_CALLBACK_RAW_WRITEABLE:
        return verdict(guest_write(lws_get_opaque_user_data(wsi)));
    case LWS_CALLBACK_RAW_CLOSE:
        end_guest(server, wsi);
        return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        free_guest(wsi);
        return 0;
    default:
        return 0;
    }
}

static void on_accepted(void *owner, int fd)
{
    struct server *server = owner;
    lws_adoption_type type = LWS_ADOPT_SOCKET | LWS_ADOPT_ALLOW_SSL;
    lws_sock_file_fd_type socket = {.sockfd = fd};
    if (fd >= server->fd_max)
        close(fd);
    else
        lws_adopt_descriptor_vhost(server->vhost, type, socket, NULL, NULL); /* or closes it */
}

/* Mostly about what peers did wrong, whatever level lws thinks it has. */
static void on_log(int level, const char *line)
{
    (void)level;
    log_debug("lws", "%.*s", (int)strcspn(line, "\n"), line);
}

/* Returns the lowest descriptor that no connection may have. */
static int raise_fd_limit(const struct config *config)
{
    struct rlimit limit = {0};
    rlim_t wanted = (rlim_t)config->connections_max + OTHER_CONNECTIONS + OTHER_FDS;
    getrlimit(RLIMIT_NOFILE, &limit);
    if (wanted > limit.rlim_max) {
        struct rlimit raised = {wanted, wanted}; /* root may */
        if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
            return (int)wanted - OTHER_FDS;
        log_warning("server", "connections_max=%lld wants %llu file descriptors, there are %llu",
                    (long long)config->connections_max, (unsigned long long)wanted,
                    (unsigned long long)limit.rlim_max);
        wanted = limit.rlim_max;
    }
    limit.rlim_cur = wanted;
    setrlimit(RLIMIT_NOFILE, &limit);
    return wanted > (rlim_t)2 * OTHER_FDS ? (int)wanted - OTHER_FDS : (int)wanted / 2;
}

static bool open_lws(struct server *server, const struct config *config, struct err *err)
{
    void *loops[] = {server->host.loop};
    bool has_tls = config->tls_certificate[0] != '\0';
    server->protocols[0] = (struct lws_protocols){.name = "relay",
                                                  .callback = on_lws,
                                                  .rx_buffer_size = READ_BYTES,
                                                  .tx_packet_size = WRITE_BYTES};
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN_SERVER,
        .protocols = server->protocols,
        .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
                   (has_tls ? LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT : 0),
        .foreign_loops = loops,
        .user = server,
        .vhost_name = "relay",
        .alpn = "", /* else lws takes the connection for its own HTTP */
        .pt_serv_buf_size = READ_BYTES,
        .timeout_secs = HANDSHAKE_S_MAX,
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

static void open_host(struct guest_host *host, const struct server_setup *setup)
{
    host->health = health_new(host->loop, setup->store);
    host->peers = new_peers(setup);
    host->addresses = new_addresses(setup->config);
    host->connections_max = setup->config->connections_max;
    host->admin = setup->admin;
    answer_prepare(&host->answers, setup->config, setup->control, host->health);
}

struct server *server_new(uv_loop_t *loop, const struct server_setup *setup, struct err *err)
{
    const struct config *config = setup->config;
    struct address_networks *proxies = address_networks_new(config->trusted_proxies, err);
    if (proxies == NULL)
        return NULL;
    struct server *server = calloc(1, sizeof *server);
    if (server == NULL)
        abort();
    server->sessions = setup->sessions;
    server->dispatch = setup->dispatch;
    server->host = (struct guest_host){.loop = loop, .proxies = proxies};
    open_host(&server->host, setup);
    uv_timer_init(loop, &server->tick);
    server->tick.data = server;
    uv_prepare_init(loop, &server->turn_end);
    server->turn_end.data = server;
    uv_prepare_start(&server->turn_end, on_turn_end);
    server->fd_max = raise_fd_limit(config);
    if (!open_lws(server, config, err)) {
        server_free(server);
        return NULL;
    }
    server->listener = listener_new(loop, setup->socket, on_accepted, server);
    uv_timer_start(&server->tick, on_tick, TICK_MS, TICK_MS);
    return server;
}

bool server_listen(struct server *server, struct err *err)
{
    return listener_start(server->listener, err);
}

void server_stop_listening(struct server *server)
{
    listener_free(server->listener);
    server->listener = NULL;
}

void server_describe(struct server *server)
{
    answer_describe(&server->host.answers);
}

static bool doom_blocked(void *owner, struct session *session)
{
    const struct server *server = owner;
    if (session->address != NULL &&
        control_blocks_ip(server->host.answers.control, address_ip(session->address)))
        session_doom(session, WEBSOCKET_POLICY);
    return true;
}

void server_cut_blocked(struct server *server)
{
    session_each(server->sessions, doom_blocked, server);
}

static bool doom(void *owner, struct session *session)
{
    (void)owner;
    session_doom(session, WEBSOCKET_GOING_AWAY);
    return true;
}

void server_drain(struct server *server, void (*done)(void *owner), void *owner)
{
    server->host.is_draining = true;
    server->drained = done;
    server->drained_owner = owner;
    session_each(server->sessions, doom, NULL);
    finish_drain_soon(server); /* for the case that there is nobody */
}

/* lws does not say when the last of its handles has closed. It closes them in two turns of the
 * loop, sockets and then its own, of which these are more. */
static void on_turn(uv_handle_t *handle)
{
    struct server *server = handle->data;
    if (++server->turns < CLOSE_TURNS) {
        uv_timer_init(server->host.loop, &server->tick);
        uv_close(handle, on_turn);
        return;
    }
    if (server->context != NULL)
        lws_context_destroy(server->context); /* the second call frees it */
    peer_table_free(server->host.peers);
    address_table_free(server->host.addresses);
    address_networks_free(server->host.proxies);
    answer_clear(&server->host.answers);
    free(server);
}

void server_free(struct server *server)
{
    server->drained = NULL;
    server_stop_listening(server);
    admin_forget_all(server->host.admin);
    health_free(server->host.health);
    server->host.health = NULL;
    if (server->context != NULL)
        lws_context_destroy(server->context); /* the first call closes everything */
    uv_close((uv_handle_t *)&server->turn_end, NULL);
    uv_close((uv_handle_t *)&server->tick, on_turn);
}
