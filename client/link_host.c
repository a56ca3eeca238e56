#include "client/link_host.h"

#include <openssl/x509_vfy.h>
#include <stdlib.h>

#include "shared/err.h"

enum {
    CONNECT_S_MAX = 15,
    CONNECT_BY_PROXY_S_MAX = 90, /* one that builds circuits, as Tor does */
    READ_BYTES = 16384,
    TICK_MS = 1000,
    CLOSE_TURNS = 5,
};

/* Timers of lws are looked at when a socket stirs, or here. */
static void on_tick(uv_timer_t *timer)
{
    struct link_host *host = timer->data;
    lws_cancel_service(host->context);
}

static int on_lws(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                  size_t len)
{
    struct link_peer *peer = wsi != NULL ? lws_get_opaque_user_data(wsi) : NULL;
    if (peer == NULL)
        return 0;
    if (reason != LWS_CALLBACK_OPENSSL_PERFORM_SERVER_CERT_VERIFICATION)
        return peer->on_lws(peer, wsi, reason, in, len);
    if (len == 0) /* OpenSSL does not trust it; nor does lws, whatever is returned */
        peer->distrusts(peer, X509_verify_cert_error_string(X509_STORE_CTX_get_error(user)));
    return 0;
}

static bool open_lws(struct link_host *host, const char *ca_file, struct err *err)
{
    void *loops[] = {host->loop};
    host->protocols[0] =
        (struct lws_protocols){.name = "link", .callback = on_lws, .rx_buffer_size = READ_BYTES};
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .protocols = host->protocols,
        .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
                   LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT,
        .foreign_loops = loops,
        .vhost_name = "link",
        .alpn = "http/1.1",
        .http_proxy_address = "", /* else lws looks for one in the environment */
        .client_ssl_ca_filepath = ca_file,
        .pt_serv_buf_size = READ_BYTES,
        .timeout_secs = host->has_proxy ? CONNECT_BY_PROXY_S_MAX : CONNECT_S_MAX,
    };
    lws_set_log_level(0, NULL);
    host->context = lws_create_context(&info);
    if (host->context == NULL)
        return err_set(err, ERR_INTERNAL, "libwebsockets cannot start");
    host->vhost = lws_create_vhost(host->context, &info);
    if (host->vhost == NULL || lws_init_vhost_client_ssl(&info, host->vhost) != 0)
        return err_set(err, ERR_INTERNAL, "TLS cannot start");
    return true;
}

struct link_host *link_host_new(uv_loop_t *loop, const struct link_host_setup *setup,
                                struct err *err)
{
    struct link_host *host = calloc(1, sizeof *host);
    if (host == NULL)
        abort();
    host->loop = loop;
    host->random = setup->random;
    host->owner = setup->owner;
    host->patience.first_ms = setup->retry_ms > 0 ? setup->retry_ms : LINK_RETRY_MS;
    host->patience.most_ms = LINK_RETRY_MS_MAX;
    host->has_proxy = setup->proxy.len > 0;
    uv_timer_init(loop, &host->tick);
    host->tick.data = host;
    if ((host->has_proxy && !socks_proxy_parse(&host->proxy, setup->proxy, err)) ||
        !open_lws(host, setup->ca_file, err)) {
        link_host_free(host);
        return NULL;
    }
    uv_timer_start(&host->tick, on_tick, TICK_MS, TICK_MS);
    return host;
}

/* lws closes its handles in two turns of the loop, of which these are more. */
static void on_turn(uv_handle_t *handle)
{
    struct link_host *host = handle->data;
    if (++host->turns < CLOSE_TURNS) {
        uv_timer_init(host->loop, &host->tick);
        uv_close(handle, on_turn);
        return;
    }
    if (host->context != NULL)
        lws_context_destroy(host->context); /* the second call frees it */
    free(host);
}

void link_host_free(struct link_host *host)
{
    if (host->context != NULL)
        lws_context_destroy(host->context); /* the first call closes everything */
    uv_close((uv_handle_t *)&host->tick, on_turn);
}
