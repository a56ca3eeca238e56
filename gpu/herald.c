#include "gpu/herald.h"

#include <stdlib.h>

#include "gpu/bell.h"
#include "gpu/herald_parts.h"
#include "shared/err.h"

enum { LOOKS_MAX = 32, PAUSE_MS = 20 }; /* LOOKS_MAX: at once */

/* A wallet. */
struct socket {
    struct socket *next;
    struct herald *herald;
    uint64_t number;
    struct httpd_upgrade *upgrade;
    struct tube *tube;
    struct herald_item *items;
    uint32_t count;
    bool is_gone; /* freed by the next turn */
};

struct look {
    uint64_t socket;
    struct herald_item item; /* a copy; its next and last are nothing here */
    struct text said;
};

struct herald {
    uv_loop_t *loop;
    struct httpd *httpd;
    struct mint *mint;
    struct bell *bell;
    uv_timer_t timer; /* the next turn */
    struct socket *sockets;
    uint32_t count;
    uint64_t numbers;
    uv_work_t work;
    struct look looks[LOOKS_MAX];
    uint32_t look_count;
    void (*heard)(void *owner, const char *payload);
    void *listener;
    bool is_looking, is_hushed, is_closing, is_closed;
};

static void on_turn(uv_timer_t *timer);

static void wake(struct herald *herald)
{
    if (!herald->is_closing && !uv_is_active((uv_handle_t *)&herald->timer))
        uv_timer_start(&herald->timer, on_turn, PAUSE_MS, 0);
}

/* ---- looking ---- */

static void on_look(uv_work_t *work)
{
    struct herald *herald = work->data;
    for (uint32_t i = 0; i < herald->look_count; i++)
        herald_look(herald->mint, &herald->looks[i].item, &herald->looks[i].said);
}

static struct herald_item *find_item(const struct herald *herald, const struct look *look,
                                     struct socket **socket)
{
    for (*socket = herald->sockets; *socket != NULL; *socket = (*socket)->next) {
        if ((*socket)->number != look->socket || (*socket)->is_gone)
            continue;
        for (struct herald_item *item = (*socket)->items; item != NULL; item = item->next)
            if (item->kind == look->item.kind && strcmp(item->filter, look->item.filter) == 0 &&
                strcmp(item->subscription, look->item.subscription) == 0)
                return item;
    }
    return NULL;
}

static void tell(const struct herald *herald, const struct look *look)
{
    struct socket *socket;
    struct herald_item *item = find_item(herald, look, &socket);
    if (item == NULL || look->said.len == 0 ||
        span_eq(text_span(&item->last), text_span(&look->said)))
        return;
    item->last.len = 0;
    text_add(&item->last, text_span(&look->said));
    struct text text = {0};
    text_addf(&text, "{\"jsonrpc\":\"2.0\",\"method\":\"subscribe\",\"params\":{\"subId\":");
    text_add_json(&text, (struct span){item->subscription, strlen(item->subscription)});
    text_addf(&text, ",\"payload\":");
    text_add(&text, text_span(&item->last));
    text_addf(&text, "}}");
    tube_send(socket->tube, text_span(&text));
    text_clear(&text);
}

static void free_if_done(struct herald *herald)
{
    if (herald->is_closed && !herald->is_looking)
        free(herald);
}

static void on_looked(uv_work_t *work, int status)
{
    struct herald *herald = work->data;
    (void)status;
    herald->is_looking = false;
    for (uint32_t i = 0; i < herald->look_count; i++) {
        if (!herald->is_closing)
            tell(herald, herald->looks + i);
        text_clear(&herald->looks[i].said);
    }
    wake(herald);
    free_if_done(herald);
}

static void gather(struct herald *herald, struct socket *socket)
{
    for (struct herald_item *item = socket->items; item != NULL; item = item->next) {
        if (!item->is_dirty || herald->look_count == LOOKS_MAX)
            continue;
        item->is_dirty = false;
        struct look *look = herald->looks + herald->look_count++;
        *look = (struct look){.socket = socket->number, .item = *item};
        look->item.last = (struct text){0};
    }
}

/* ---- sockets ---- */

static void free_socket(struct socket *socket)
{
    tube_free(socket->tube);
    httpd_hang_up(socket->upgrade);
    herald_free_items(socket->items);
    socket->herald->count--;
    free(socket);
}

static void on_turn(uv_timer_t *timer)
{
    struct herald *herald = timer->data;
    for (struct socket **at = &herald->sockets; *at != NULL;) {
        struct socket *socket = *at;
        if (!socket->is_gone) {
            at = &socket->next;
            continue;
        }
        *at = socket->next;
        free_socket(socket);
    }
    if (herald->is_looking)
        return; /* its end is another turn */
    herald->look_count = 0;
    for (struct socket *socket = herald->sockets; socket != NULL; socket = socket->next)
        gather(herald, socket);
    if (herald->look_count == 0)
        return;
    herald->is_looking = true;
    herald->work.data = herald;
    uv_queue_work(herald->loop, &herald->work, on_look, on_looked);
}

static void on_gone(void *owner)
{
    struct socket *socket = owner;
    socket->is_gone = true;
    wake(socket->herald);
}

static void answer(struct socket *socket, const struct herald_request *request, const char *why)
{
    struct text text = {0};
    text_addf(&text, "{\"jsonrpc\":\"2.0\",");
    if (why == NULL) {
        text_addf(&text, "\"result\":{\"status\":\"OK\",\"subId\":");
        text_add_json(&text, (struct span){request->subscription, strlen(request->subscription)});
        text_addf(&text, "}");
    } else {
        text_addf(&text, "\"error\":{\"code\":-32602,\"message\":");
        text_add_json(&text, (struct span){why, strlen(why)});
        text_addf(&text, "}");
    }
    text_addf(&text, ",\"id\":%.*s}", SPAN_ARG(request->id));
    tube_send(socket->tube, text_span(&text));
    text_clear(&text);
}

static void drop_items(struct socket *socket, const char *subscription)
{
    for (struct herald_item **at = &socket->items; *at != NULL;) {
        struct herald_item *item = *at;
        if (strcmp(item->subscription, subscription) != 0) {
            at = &item->next;
            continue;
        }
        *at = item->next;
        item->next = NULL;
        herald_free_items(item);
        socket->count--;
    }
}

static void on_heard(void *owner, struct span text)
{
    struct socket *socket = owner;
    struct herald_request request;
    struct err err;
    if (!herald_read(&request, text, &err)) {
        answer(socket, &request, err.text);
        return;
    }
    drop_items(socket, request.subscription); /* the same id again is another subscription */
    if (request.count > HERALD_FILTERS_MAX - socket->count) {
        herald_free_items(request.items);
        answer(socket, &request, "too many things to be told of");
        return;
    }
    answer(socket, &request, NULL);
    struct herald_item **end = &socket->items;
    while (*end != NULL)
        end = &(*end)->next;
    *end = request.items;
    socket->count += request.count;
    wake(socket->herald);
}

static void on_upgraded(void *owner, struct httpd_upgrade *upgrade, int fd, struct span early)
{
    struct herald *herald = owner;
    struct socket *socket = calloc(1, sizeof *socket);
    if (socket == NULL)
        abort();
    *socket = (struct socket){.next = herald->sockets,
                              .herald = herald,
                              .number = ++herald->numbers,
                              .upgrade = upgrade,
                              .is_gone = herald->is_hushed};
    herald->sockets = socket;
    herald->count++;
    socket->tube = tube_new(&(struct tube_setup){.loop = herald->loop,
                                                 .fd = fd,
                                                 .early = early,
                                                 .heard = on_heard,
                                                 .gone = on_gone,
                                                 .owner = socket});
}

bool herald_takes(const struct herald *herald, const struct httpd_request *request)
{
    return herald != NULL && request->websocket_key != NULL &&
           strcmp(request->method, "GET") == 0 && strcmp(request->path, "/v1/ws") == 0;
}

void herald_ask(struct herald *herald, const struct httpd_request *request)
{
    char accept[TUBE_ACCEPT_CHARS + 1];
    if (herald->is_hushed || herald->count >= HERALD_SOCKETS_MAX) {
        httpd_answer(herald->httpd, request->number, &(struct httpd_head){.status = 503}, SPAN(""));
        return;
    }
    tube_accept(accept, request->websocket_key);
    httpd_upgrade(herald->httpd, request->number, accept, on_upgraded, herald);
}

/* ---- what happens ---- */

/* filter: NULL: all; proofs: those, too. */
static void soil(struct herald *herald, const char *filter)
{
    for (struct socket *socket = herald->sockets; socket != NULL; socket = socket->next)
        for (struct herald_item *item = socket->items; item != NULL; item = item->next)
            if (filter == NULL || item->kind == HERALD_PROOF || strcmp(item->filter, filter) == 0)
                item->is_dirty = true;
    if (herald->sockets != NULL)
        wake(herald);
}

static void on_quote(void *owner, const char *payload)
{
    struct herald *herald = owner;
    soil(herald, payload);
    if (herald->heard != NULL)
        herald->heard(herald->listener, payload);
}

void herald_hear(struct herald *herald, void (*heard)(void *owner, const char *payload),
                 void *owner)
{
    herald->heard = heard;
    herald->listener = owner;
}

void herald_spent(struct herald *herald)
{
    soil(herald, ""); /* which is no quote's id */
}

struct herald *herald_open(uv_loop_t *loop, struct httpd *httpd, struct mint *mint,
                           const struct database *database, struct err *err)
{
    struct herald *herald = calloc(1, sizeof *herald);
    if (herald == NULL)
        abort();
    *herald = (struct herald){.loop = loop, .httpd = httpd, .mint = mint};
    const struct bell_listener listener = {"quote", on_quote, herald};
    herald->bell = bell_open(loop, database, &listener, 1, err);
    if (herald->bell == NULL) {
        free(herald);
        return NULL;
    }
    uv_timer_init(loop, &herald->timer);
    herald->timer.data = herald;
    return herald;
}

void herald_hush(struct herald *herald)
{
    if (herald == NULL)
        return;
    herald->is_hushed = true;
    for (struct socket *socket = herald->sockets; socket != NULL; socket = socket->next)
        socket->is_gone = true;
    wake(herald);
}

static void on_closed(uv_handle_t *handle)
{
    struct herald *herald = handle->data;
    herald->is_closed = true;
    free_if_done(herald);
}

void herald_close(struct herald *herald)
{
    if (herald == NULL)
        return;
    herald->is_closing = herald->is_hushed = true;
    while (herald->sockets != NULL) {
        struct socket *next = herald->sockets->next;
        free_socket(herald->sockets);
        herald->sockets = next;
    }
    bell_close(herald->bell);
    uv_close((uv_handle_t *)&herald->timer, on_closed);
}
