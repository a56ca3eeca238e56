#include "relay/remote_host.h"

#include <stdlib.h>

#include "relay/log.h"
#include "relay/remote.h"
#include "shared/err.h"

enum { CONNECT_S_MAX = 15, READ_BYTES = 16384, TICK_MS = 1000, CLOSE_TURNS = 5 };

static void on_log(int level, const char *line)
{
    (void)level;
    log_debug("lws", "%.*s", (int)strcspn(line, "\n"), line);
}

/* Timers of lws are looked at when a socket stirs, or here. */
static void on_tick(uv_timer_t *timer)
{
    struct remote_host *host = timer->data;
    lws_cancel_service(host->context);
}

static bool open_lws(struct remote_host *host, struct err *err)
{
    void *loops[] = {host->loop};
    host->protocols[0] = (struct lws_protocols){
        .name = "remote", .callback = remote_on_lws, .rx_buffer_size = READ_BYTES};
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .protocols = host->protocols,
        .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
                   LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT,
        .foreign_loops = loops,
        .vhost_name = "remote",
        .alpn = "http/1.1",
        .pt_serv_buf_size = READ_BYTES,
        .timeout_secs = CONNECT_S_MAX,
    };
    lws_set_log_level(LLL_ERR | LLL_WARN, on_log);
    host->context = lws_create_context(&info);
    if (host->context == NULL)
        return err_set(err, ERR_INTERNAL, "libwebsockets cannot start");
    host->vhost = lws_create_vhost(host->context, &info);
    if (host->vhost == NULL || lws_init_vhost_client_ssl(&info, host->vhost) != 0)
        return err_set(err, ERR_INTERNAL, "TLS cannot start");
    return true;
}

struct remote_host *remote_host_new(uv_loop_t *loop, struct err *err)
{
    struct remote_host *host = calloc(1, sizeof *host);
    if (host == NULL)
        abort();
    host->loop = loop;
    uv_timer_init(loop, &host->tick);
    host->tick.data = host;
    if (!open_lws(host, err)) {
        remote_host_free(host);
        return NULL;
    }
    uv_timer_start(&host->tick, on_tick, TICK_MS, TICK_MS);
    return host;
}

/* lws closes its handles in two turns of the loop, of which these are more. */
static void on_turn(uv_handle_t *handle)
{
    struct remote_host *host = handle->data;
    if (++host->turns < CLOSE_TURNS) {
        uv_timer_init(host->loop, &host->tick);
        uv_close(handle, on_turn);
        return;
    }
    if (host->context != NULL)
        lws_context_destroy(host->context); /* the second call frees it */
    free(host);
}

void remote_host_free(struct remote_host *host)
{
    if (host->context != NULL)
        lws_context_destroy(host->context); /* the first call closes everything */
    uv_close((uv_handle_t *)&host->tick, on_turn);
}
