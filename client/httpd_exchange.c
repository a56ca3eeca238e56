#include <stdio.h>
#include <stdlib.h>

#include "client/httpd_parts.h"

struct httpd_exchange *httpd_find(const struct httpd *httpd, uint64_t number)
{
    uint64_t slot = number & ((1U << HTTPD_SLOT_BITS) - 1);
    struct httpd_exchange *exchange = slot < httpd->slot_count ? httpd->slots[slot] : NULL;
    return exchange != NULL && exchange->number == number && !exchange->is_gone ? exchange : NULL;
}

static void on_watch_closed(uv_handle_t *handle)
{
    free(handle);
}

void httpd_unwatch(struct httpd_exchange *exchange)
{
    if (exchange->watch == NULL)
        return;
    uv_poll_stop(exchange->watch);
    uv_close((uv_handle_t *)exchange->watch, on_watch_closed);
    exchange->watch = NULL;
}

void httpd_resume(struct httpd_exchange *exchange)
{
    if (!exchange->is_suspended)
        return;
    exchange->is_suspended = false;
    MHD_resume_connection(exchange->connection);
    httpd_wake(exchange->httpd);
}

void httpd_part(struct httpd_exchange *exchange)
{
    struct httpd *httpd = exchange->httpd;
    bool was_awaited = exchange->state == HTTPD_ASKED || exchange->state == HTTPD_ANSWERING;
    if (exchange->is_gone)
        return;
    exchange->is_gone = true;
    if (was_awaited && !httpd->is_freed)
        httpd->setup.gone(httpd->setup.owner, exchange->number);
}

static void on_watch(uv_poll_t *poll, int status, int events)
{
    struct httpd_exchange *exchange = poll->data;
    if (status == 0 && (events & UV_DISCONNECT) == 0)
        return;
    httpd_unwatch(exchange);
    httpd_part(exchange);
    httpd_resume(exchange);
}

/* While a connection waits for us, the library does not look at it. */
static void watch(struct httpd_exchange *exchange)
{
    const union MHD_ConnectionInfo *info;
    if (exchange->watch != NULL)
        return;
    info = MHD_get_connection_info(exchange->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    exchange->watch = calloc(1, sizeof *exchange->watch);
    if (exchange->watch == NULL)
        abort();
    if (uv_poll_init(exchange->httpd->setup.loop, exchange->watch, info->connect_fd) != 0) {
        free(exchange->watch); /* who leaves is then seen when something is sent */
        exchange->watch = NULL;
        return;
    }
    exchange->watch->data = exchange;
    uv_poll_start(exchange->watch, UV_DISCONNECT, on_watch);
}

void httpd_suspend(struct httpd_exchange *exchange)
{
    exchange->is_suspended = true;
    watch(exchange);
    MHD_suspend_connection(exchange->connection);
}

/* ---- answers ---- */

static ssize_t on_read(void *owner, uint64_t at, char *to, size_t max)
{
    struct httpd_exchange *exchange = owner;
    size_t left = exchange->out.len - exchange->sent;
    (void)at;
    if (exchange->is_gone || exchange->is_cut)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (left == 0 && exchange->state == HTTPD_ENDED)
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (left == 0) {
        httpd_suspend(exchange);
        return 0;
    }
    size_t len = left < max ? left : max;
    memcpy(to, exchange->out.at + exchange->sent, len);
    exchange->sent += len;
    if (exchange->sent == exchange->out.len)
        exchange->sent = exchange->out.len = 0;
    return (ssize_t)len;
}

static void add_header(struct httpd_exchange *exchange, const char *name, const char *value)
{
    if (value != NULL)
        (void)MHD_add_response_header(exchange->response, name, value);
}

/* The head; the body is read from out. */
static void compose(struct httpd_exchange *exchange, const struct httpd_head *head, uint64_t size)
{
    char seconds[16];
    exchange->status = head->status;
    exchange->response = MHD_create_response_from_callback(size, 16384, on_read, exchange, NULL);
    if (exchange->response == NULL)
        abort();
    add_header(exchange, MHD_HTTP_HEADER_CONTENT_TYPE, head->type);
    add_header(exchange, MHD_HTTP_HEADER_ALLOW, head->allow);
    add_header(exchange, "X-Cashu", head->payment);
    add_header(exchange, "X-Receipt", head->receipt);
    add_header(exchange, MHD_HTTP_HEADER_ACCESS_CONTROL_ALLOW_ORIGIN, head->origin);
    add_header(exchange, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    if (head->origin != NULL) {
        add_header(exchange, MHD_HTTP_HEADER_VARY, "Origin");
        add_header(exchange, MHD_HTTP_HEADER_ACCESS_CONTROL_ALLOW_HEADERS,
                   MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND,
                                               "Access-Control-Request-Headers"));
    }
    if (head->closes)
        add_header(exchange, MHD_HTTP_HEADER_CONNECTION, "close");
    if (head->retry_after_s > 0) {
        snprintf(seconds, sizeof seconds, "%u", head->retry_after_s);
        add_header(exchange, MHD_HTTP_HEADER_RETRY_AFTER, seconds);
    }
}

void httpd_begin(struct httpd *httpd, uint64_t number, const struct httpd_head *head)
{
    struct httpd_exchange *exchange = httpd_find(httpd, number);
    if (exchange == NULL || exchange->state != HTTPD_ASKED)
        return;
    compose(exchange, head, MHD_SIZE_UNKNOWN);
    exchange->state = HTTPD_ANSWERING;
    httpd_resume(exchange);
}

void httpd_answer(struct httpd *httpd, uint64_t number, const struct httpd_head *head,
                  struct span body)
{
    struct httpd_exchange *exchange = httpd_find(httpd, number);
    if (exchange == NULL || exchange->state != HTTPD_ASKED)
        return;
    compose(exchange, head, body.len);
    text_add(&exchange->out, body);
    exchange->state = HTTPD_ENDED;
    httpd_resume(exchange);
}

bool httpd_add(struct httpd *httpd, uint64_t number, struct span piece)
{
    struct httpd_exchange *exchange = httpd_find(httpd, number);
    if (exchange == NULL || exchange->state != HTTPD_ANSWERING || exchange->is_cut)
        return false;
    exchange->is_cut = piece.len > HTTPD_PENDING_BYTES_MAX - (exchange->out.len - exchange->sent);
    if (!exchange->is_cut)
        text_add(&exchange->out, piece);
    httpd_resume(exchange);
    return !exchange->is_cut;
}

void httpd_end(struct httpd *httpd, uint64_t number)
{
    struct httpd_exchange *exchange = httpd_find(httpd, number);
    if (exchange == NULL || exchange->state != HTTPD_ANSWERING)
        return;
    exchange->state = HTTPD_ENDED;
    httpd_resume(exchange);
}
