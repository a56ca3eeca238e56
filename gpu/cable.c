#include "gpu/cable.h"

#include <stdlib.h>

#include "gpu/cable_parts.h"
#include "shared/err.h"

enum { READ_BYTES = 65536, TICK_MS = 1000, CLOSE_TURNS = 5, CLOSE_TURNS_MAX = 100 };

static int end(struct lws *wsi, struct cable_link *link, const char *why)
{
    lws_set_opaque_user_data(wsi, NULL);
    if (link != NULL)
        cable_link_end(link, why);
    return 0;
}

static bool welcome(struct cable *cable, struct lws *wsi)
{
    struct cable_link *link = cable->is_freed ? NULL : cable_link_new(cable, NULL);
    if (link == NULL)
        return false;
    lws_set_opaque_user_data(wsi, link);
    cable_link_begin(link, wsi);
    return true;
}

static int on_lws(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                  size_t len)
{
    struct cable *cable = lws_context_user(lws_get_context(wsi));
    struct cable_link *link = wsi != NULL ? lws_get_opaque_user_data(wsi) : NULL;
    (void)user;
    if (link != NULL && link->cable->is_freed && reason != LWS_CALLBACK_CLOSED &&
        reason != LWS_CALLBACK_CLIENT_CLOSED && reason != LWS_CALLBACK_WSI_DESTROY &&
        reason != LWS_CALLBACK_CLIENT_CONNECTION_ERROR)
        return 0;
    switch ((int)reason) {                        /* of the hundred there are */
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION: /* a browser says where its page is from */
        return lws_hdr_total_length(wsi, WSI_TOKEN_ORIGIN) == 0 ? 0 : -1;
    case LWS_CALLBACK_ESTABLISHED:
        return welcome(cable, wsi) ? 0 : -1;
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        if (link != NULL)
            cable_link_begin(link, wsi);
        return 0;
    case LWS_CALLBACK_RECEIVE:
    case LWS_CALLBACK_CLIENT_RECEIVE:
        return link != NULL && cable_link_receive(link, (struct span){in, len}) ? 0 : -1;
    case LWS_CALLBACK_SERVER_WRITEABLE:
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        return link != NULL && cable_link_write(link) ? 0 : -1;
    case LWS_CALLBACK_CLOSED:
    case LWS_CALLBACK_CLIENT_CLOSED:
        return end(wsi, link, "it is lost");
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
    case LWS_CALLBACK_WSI_DESTROY: /* some ends are told by this alone */
        return end(wsi, link, "it cannot be reached");
    case LWS_CALLBACK_HTTP:
        return lws_return_http_status(wsi, HTTP_STATUS_NOT_FOUND, NULL) == 0 ? 0 : -1;
    default:
        return 0;
    }
}

/* Those who came and say nothing, and timers of lws, which are looked at when a socket stirs. */
static void on_tick(uv_timer_t *timer)
{
    struct cable *cable = timer->data;
    uint64_t now = uv_now(cable->setup.loop);
    for (struct cable_link *link = cable->links; link != NULL; link = link->next)
        if (link->hail.state != HAIL_MET && now - link->born_ms > CABLE_MEET_MS)
            cable_link_drop(link, "it did not say who it is");
    lws_cancel_service(cable->context);
}

static bool open_lws(struct cable *cable, struct err *err)
{
    void *loops[] = {cable->setup.loop};
    bool listens = cable->setup.host != NULL;
    uint16_t hangup_s =
        (uint16_t)(cable->setup.hangup_s > 0 ? cable->setup.hangup_s : CABLE_HANGUP_S);
    cable->liveliness = (lws_retry_bo_t){.secs_since_valid_ping = hangup_s < 4 ? 1 : hangup_s / 4,
                                         .secs_since_valid_hangup = hangup_s};
    cable->protocols[0] = (struct lws_protocols){
        .name = "shoal-stage", .callback = on_lws, .rx_buffer_size = READ_BYTES};
    struct lws_context_creation_info info = {
        .port = listens ? cable->setup.port : CONTEXT_PORT_NO_LISTEN,
        .iface = cable->setup.host,
        .protocols = cable->protocols,
        .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
                   LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND,
        .foreign_loops = loops,
        .vhost_name = "stage",
        .retry_and_idle_policy = &cable->liveliness,
        .pt_serv_buf_size = READ_BYTES,
        .user = cable,
    };
    lws_set_log_level(0, NULL);
    cable->context = lws_create_context(&info);
    if (cable->context == NULL)
        return err_set(err, ERR_INTERNAL, "libwebsockets cannot start");
    cable->vhost = lws_create_vhost(cable->context, &info);
    if (cable->vhost == NULL || (listens && lws_get_vhost_listen_port(cable->vhost) <= 0))
        return err_set(err, ERR_INTERNAL, "cannot listen there: no such address, or a busy port");
    return true;
}

struct cable *cable_new(const struct cable_setup *setup, struct err *err)
{
    struct cable *cable = calloc(1, sizeof *cable);
    if (cable == NULL)
        abort();
    cable->setup = *setup;
    uv_timer_init(setup->loop, &cable->tick);
    cable->tick.data = cable;
    if (!open_lws(cable, err)) {
        cable_free(cable);
        return NULL;
    }
    uv_timer_start(&cable->tick, on_tick, TICK_MS, TICK_MS);
    return cable;
}

/* lws closes its handles in two turns of the loop, of which these are more; and calls in theirs. */
static void on_turn(uv_handle_t *handle)
{
    struct cable *cable = handle->data;
    bool has_links = cable->link_count > 0 && cable->turns < CLOSE_TURNS_MAX;
    if (++cable->turns < CLOSE_TURNS || cable->handles > 0 || has_links) {
        uv_timer_init(cable->setup.loop, &cable->tick);
        uv_close(handle, on_turn);
        return;
    }
    if (cable->context != NULL)
        lws_context_destroy(cable->context); /* the second call frees it */
    free(cable);
}

void cable_free(struct cable *cable)
{
    cable->is_freed = true;
    if (cable->context != NULL)
        lws_context_destroy(cable->context); /* the first call closes everything */
    for (uint32_t i = 0; i < cable->call_count; i++)
        cable_call_free(cable->calls[i]);
    uv_close((uv_handle_t *)&cable->tick, on_turn);
}

uint16_t cable_port(const struct cable *cable)
{
    return (uint16_t)lws_get_vhost_listen_port(cable->vhost);
}
