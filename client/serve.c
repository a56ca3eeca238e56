#include "client/serve_parts.h"

#include <stdlib.h>

#include "client/catalog.h"
#include "client/tail.h"
#include "shared/err.h"

enum { READ_BYTES = 16384, TICK_MS = 1000, CLOSE_TURNS = 5, IDLE_S = 60, HANGUP_S = 120 };

static const lws_retry_bo_t liveliness = {.secs_since_valid_ping = IDLE_S,
                                          .secs_since_valid_hangup = HANGUP_S};

/* ---- one that is connected ---- */

void serve_send(struct serve_guest *guest, struct span message)
{
    if (guest->is_doomed)
        return;
    if (message.len > SERVE_QUEUE_BYTES_MAX - guest->queued) {
        guest->is_doomed = true; /* it does not read */
        lws_callback_on_writable(guest->wsi);
        return;
    }
    struct serve_outgoing *out = malloc(sizeof *out + LWS_PRE + message.len);
    if (out == NULL)
        abort();
    out->next = NULL;
    out->len = message.len;
    memcpy(out->bytes + LWS_PRE, message.at, message.len);
    *guest->tail = out;
    guest->tail = &out->next;
    guest->queued += message.len;
    lws_callback_on_writable(guest->wsi);
    lws_rx_flow_control(guest->wsi, 0); /* no more questions until it has the answers */
}

static void welcome(struct serve *serve, struct serve_guest *guest, struct lws *wsi)
{
    *guest = (struct serve_guest){.serve = serve, .wsi = wsi, .next = serve->guests};
    guest->tail = &guest->head;
    serve->guests = guest;
    serve->guest_count++;
    serve_challenge(guest);
}

static void part(struct serve *serve, struct serve_guest *guest)
{
    struct serve_guest **at = &serve->guests;
    while (*at != NULL && *at != guest)
        at = &(*at)->next;
    if (*at == NULL)
        return;
    *at = guest->next;
    serve->guest_count--;
    for (struct serve_outgoing *next; guest->head != NULL; guest->head = next) {
        next = guest->head->next;
        free(guest->head);
    }
    text_clear(&guest->gathered);
    serve_forget(guest);
}

/* False: it is to be disconnected. */
static bool receive(struct serve_guest *guest, struct span piece)
{
    if (guest->is_doomed || lws_frame_is_binary(guest->wsi) ||
        piece.len > SERVE_MESSAGE_BYTES_MAX - guest->gathered.len)
        return false;
    text_add(&guest->gathered, piece);
    if (lws_remaining_packet_payload(guest->wsi) > 0 || !lws_is_final_fragment(guest->wsi))
        return true;
    struct text message = guest->gathered;
    guest->gathered = (struct text){0};
    serve_answer(guest, text_span(&message));
    text_clear(&message);
    return true;
}

static bool write_next(struct serve_guest *guest)
{
    struct serve_outgoing *out = guest->head;
    if (guest->is_doomed)
        return false;
    if (out == NULL)
        return true;
    if (lws_write(guest->wsi, out->bytes + LWS_PRE, out->len, LWS_WRITE_TEXT) < 0)
        return false;
    guest->head = out->next;
    guest->queued -= out->len;
    free(out);
    if (guest->head != NULL) {
        lws_callback_on_writable(guest->wsi);
        return true;
    }
    guest->tail = &guest->head;
    lws_rx_flow_control(guest->wsi, 1);
    return true;
}

/* A browser says where a page is from: pages read nobody's store. */
static bool may_come(const struct serve *serve, struct lws *wsi)
{
    return serve->guest_count < SERVE_GUESTS_MAX &&
           lws_hdr_total_length(wsi, WSI_TOKEN_ORIGIN) == 0;
}

static int on_lws(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                  size_t len)
{
    struct serve *serve = lws_context_user(lws_get_context(wsi));
    switch ((int)reason) { /* of the hundred there are */
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
        return may_come(serve, wsi) ? 0 : -1;
    case LWS_CALLBACK_ESTABLISHED:
        welcome(serve, user, wsi);
        return 0;
    case LWS_CALLBACK_RECEIVE:
        return receive(user, (struct span){in, len}) ? 0 : -1;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return write_next(user) ? 0 : -1;
    case LWS_CALLBACK_CLOSED:
        part(serve, user);
        return 0;
    case LWS_CALLBACK_HTTP:
        return serve_page(serve, wsi) ? 0 : -1;
    default:
        return 0;
    }
}

/* ---- what comes into the store ---- */

static void on_came(void *owner, const struct catalog_event *came)
{
    struct arena arena = {0};
    struct event event;
    if (!came->is_withheld && event_parse(&event, &arena, came->json, NULL))
        serve_spread(owner, &event, came->json);
    arena_clear(&arena);
}

/* Who subscribed would wait for nothing. */
static void on_failed(void *owner, const struct err *err)
{
    struct serve *serve = owner;
    (void)err;
    for (struct serve_guest *guest = serve->guests; guest != NULL; guest = guest->next) {
        guest->is_doomed = true;
        lws_callback_on_writable(guest->wsi);
    }
}

static bool open_tail(struct serve *serve, struct err *err)
{
    const struct tail_setup setup = {.loop = serve->setup.loop,
                                     .store = serve->setup.store,
                                     .folder = serve->setup.folder,
                                     .now_ms = serve->setup.now_ms,
                                     .came = on_came,
                                     .failed = on_failed,
                                     .owner = serve};
    serve->tail = tail_new(&setup, err);
    return serve->tail != NULL;
}

/* ---- the server ---- */

/* Timers of lws are looked at when a socket stirs, or here. */
static void on_tick(uv_timer_t *timer)
{
    struct serve *serve = timer->data;
    lws_cancel_service(serve->context);
}

static bool open_lws(struct serve *serve, struct err *err)
{
    void *loops[] = {serve->setup.loop};
    serve->protocols[0] =
        (struct lws_protocols){.name = "nostr",
                               .callback = on_lws,
                               .rx_buffer_size = READ_BYTES,
                               .per_session_data_size = sizeof(struct serve_guest)};
    struct lws_context_creation_info info = {
        .port = serve->setup.port,
        .iface = serve->setup.address,
        .protocols = serve->protocols,
        .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
                   LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND,
        .foreign_loops = loops,
        .vhost_name = "serve",
        .retry_and_idle_policy = &liveliness,
        .pt_serv_buf_size = READ_BYTES,
        .user = serve,
    };
    lws_set_log_level(0, NULL);
    serve->context = lws_create_context(&info);
    if (serve->context == NULL)
        return err_set(err, ERR_INTERNAL, "libwebsockets cannot start");
    serve->vhost = lws_create_vhost(serve->context, &info);
    if (serve->vhost == NULL || lws_get_vhost_listen_port(serve->vhost) <= 0)
        return err_set(err, ERR_INTERNAL, "cannot listen there: no such address, or a busy port");
    return true;
}

struct serve *serve_new(const struct serve_setup *setup, struct err *err)
{
    struct serve *serve = calloc(1, sizeof *serve);
    if (serve == NULL)
        abort();
    serve->setup = *setup;
    uv_timer_init(setup->loop, &serve->tick);
    serve->tick.data = serve;
    if (!open_lws(serve, err) || !open_tail(serve, err)) {
        serve_free(serve);
        return NULL;
    }
    uv_timer_start(&serve->tick, on_tick, TICK_MS, TICK_MS);
    return serve;
}

/* lws closes its handles in two turns of the loop, of which these are more. */
static void on_turn(uv_handle_t *handle)
{
    struct serve *serve = handle->data;
    if (++serve->turns < CLOSE_TURNS) {
        uv_timer_init(serve->setup.loop, &serve->tick);
        uv_close(handle, on_turn);
        return;
    }
    if (serve->context != NULL)
        lws_context_destroy(serve->context); /* the second call frees it */
    free(serve);
}

void serve_free(struct serve *serve)
{
    if (serve->tail != NULL)
        tail_free(serve->tail);
    if (serve->context != NULL)
        lws_context_destroy(serve->context); /* the first call closes everything */
    uv_close((uv_handle_t *)&serve->tick, on_turn);
}

uint16_t serve_port(const struct serve *serve)
{
    return (uint16_t)lws_get_vhost_listen_port(serve->vhost);
}
