#include "client/httpd.h"

#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "client/httpd_parts.h"
#include "shared/err.h"

enum {
    IDLE_S = 75,
    SWALLOW_TIMES = 4, /* a body that much past the most is still read, to be refused politely */
};

/* ---- the library's turn ---- */

static void on_timer(uv_timer_t *timer);

void httpd_wake(struct httpd *httpd)
{
    if (!httpd->is_freed)
        uv_timer_start(&httpd->timer, on_timer, 0, 0);
}

static void turn(struct httpd *httpd)
{
    MHD_UNSIGNED_LONG_LONG wait_ms;
    if (httpd->is_freed)
        return;
    MHD_run(httpd->daemon);
    if (MHD_get_timeout(httpd->daemon, &wait_ms) == MHD_YES)
        uv_timer_start(&httpd->timer, on_timer, wait_ms, 0);
    else
        uv_timer_stop(&httpd->timer);
}

static void on_timer(uv_timer_t *timer)
{
    turn(timer->data);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    turn(poll->data);
}

/* ---- requests ---- */

static struct httpd_exchange *arrive(struct httpd *httpd, struct MHD_Connection *connection)
{
    uint32_t slot = 0;
    while (slot < httpd->slot_count && httpd->slots[slot] != NULL)
        slot++;
    if (slot == httpd->slot_count)
        return NULL;
    struct httpd_exchange *exchange = calloc(1, sizeof *exchange);
    if (exchange == NULL)
        abort();
    exchange->httpd = httpd;
    exchange->connection = connection;
    exchange->number = ++httpd->count << HTTPD_SLOT_BITS | slot;
    httpd->slots[slot] = exchange;
    return exchange;
}

static void on_completed(void *owner, struct MHD_Connection *connection, void **at,
                         enum MHD_RequestTerminationCode code)
{
    struct httpd *httpd = owner;
    struct httpd_exchange *exchange = *at;
    (void)connection;
    (void)code;
    if (exchange == NULL)
        return;
    httpd_part(exchange);
    httpd_unwatch(exchange);
    httpd->slots[exchange->number & ((1U << HTTPD_SLOT_BITS) - 1)] = NULL;
    if (exchange->response != NULL)
        MHD_destroy_response(exchange->response);
    text_clear(&exchange->in);
    text_clear(&exchange->out);
    free(exchange);
    *at = NULL;
}

static const char *header(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static void write_address(char *out, size_t size, struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    out[0] = '\0';
    if (info != NULL && info->client_addr != NULL && uv_ip_name(info->client_addr, out, size) != 0)
        out[0] = '\0';
}

static const char *read_websocket_key(struct MHD_Connection *connection)
{
    const char *protocol = header(connection, MHD_HTTP_HEADER_UPGRADE);
    const char *version = header(connection, "Sec-WebSocket-Version");
    bool is_one = protocol != NULL && strcasecmp(protocol, "websocket") == 0 && version != NULL &&
                  strcmp(version, "13") == 0;
    return is_one ? header(connection, "Sec-WebSocket-Key") : NULL;
}

static void ask(struct httpd_exchange *exchange, const char *method, const char *path)
{
    struct httpd *httpd = exchange->httpd;
    char address[INET6_ADDRSTRLEN];
    write_address(address, sizeof address, exchange->connection);
    struct httpd_request request = {
        .number = exchange->number,
        .method = method,
        .path = path,
        .authorization = header(exchange->connection, MHD_HTTP_HEADER_AUTHORIZATION),
        .payment = header(exchange->connection, "X-Cashu"),
        .origin = header(exchange->connection, MHD_HTTP_HEADER_ORIGIN),
        .address = address,
        .websocket_key = read_websocket_key(exchange->connection),
        .is_too_long = exchange->is_too_long,
        .body = text_span(&exchange->in),
    };
    exchange->state = HTTPD_ASKED;
    httpd->setup.ask(httpd->setup.owner, &request);
    text_clear(&exchange->in);
}

static void gather(struct httpd_exchange *exchange, struct span piece)
{
    size_t max = exchange->httpd->setup.body_bytes_max;
    exchange->swallowed += piece.len;
    if (piece.len > max - exchange->in.len)
        exchange->is_too_long = true;
    if (exchange->is_too_long)
        text_clear(&exchange->in);
    else
        text_add(&exchange->in, piece);
}

/* Called with the head alone, then with each piece of the body, then without one; and again after
 * each time that it was suspended. */
// NOLINTNEXTLINE(readability-function-size): the library's parameters
static enum MHD_Result on_request(void *owner, struct MHD_Connection *connection, const char *path,
                                  const char *method, const char *version, const char *piece,
                                  size_t *piece_len, void **at)
{
    struct httpd *httpd = owner;
    struct httpd_exchange *exchange = *at;
    (void)version;
    if (exchange == NULL) {
        *at = exchange = arrive(httpd, connection);
        return exchange != NULL ? MHD_YES : MHD_NO;
    }
    if (*piece_len > 0) {
        gather(exchange, (struct span){piece, *piece_len});
        *piece_len = 0;
        return exchange->swallowed / SWALLOW_TIMES <= httpd->setup.body_bytes_max ? MHD_YES
                                                                                  : MHD_NO;
    }
    if (exchange->state == HTTPD_ARRIVING)
        ask(exchange, method, path);
    if (exchange->is_gone || exchange->is_cut)
        return MHD_NO;
    if (exchange->state == HTTPD_ASKED) {
        httpd_suspend(exchange);
        return MHD_YES;
    }
    return MHD_queue_response(connection, exchange->status, exchange->response);
}

/* ---- the server ---- */

static bool read_address(struct sockaddr_storage *address, const struct httpd_setup *setup)
{
    return uv_ip4_addr(setup->host, setup->port, (struct sockaddr_in *)address) == 0 ||
           uv_ip6_addr(setup->host, setup->port, (struct sockaddr_in6 *)address) == 0;
}

static struct MHD_Daemon *start(struct httpd *httpd, const struct sockaddr_storage *address)
{
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_ALLOW_UPGRADE;
    if (address->ss_family == AF_INET6)
        flags |= MHD_USE_IPv6;
    return MHD_start_daemon(flags, httpd->setup.port, NULL, NULL, on_request, httpd,
                            MHD_OPTION_SOCK_ADDR, address, MHD_OPTION_NOTIFY_COMPLETED,
                            on_completed, httpd, MHD_OPTION_CONNECTION_LIMIT,
                            httpd->setup.connections_max, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                            (size_t)HTTPD_HEAD_BYTES_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
                            (unsigned)IDLE_S, MHD_OPTION_END);
}

static void on_closed(uv_handle_t *handle)
{
    struct httpd *httpd = handle->data;
    if (--httpd->handles > 0)
        return;
    free(httpd->slots);
    free(httpd);
}

struct httpd *httpd_new(const struct httpd_setup *setup, struct err *err)
{
    struct sockaddr_storage address = {0};
    struct httpd *httpd = calloc(1, sizeof *httpd);
    if (httpd == NULL)
        abort();
    httpd->setup = *setup;
    httpd->slot_count = setup->connections_max;
    // NOLINTNEXTLINE(bugprone-sizeof-expression): of pointers
    httpd->slots = calloc(httpd->slot_count, sizeof *httpd->slots);
    if (httpd->slots == NULL)
        abort();
    bool is_address = read_address(&address, setup);
    httpd->daemon = is_address ? start(httpd, &address) : NULL;
    if (httpd->daemon == NULL) {
        free(httpd->slots);
        free(httpd);
        err_fill(err, is_address ? ERR_INTERNAL : ERR_INVALID,
                 is_address ? "cannot listen on %s, port %u: no such address here, or a busy port"
                            : "'%.45s' is no IP address; port %u",
                 setup->host, setup->port);
        return NULL;
    }
    uv_poll_init(setup->loop, &httpd->poll,
                 MHD_get_daemon_info(httpd->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd);
    uv_timer_init(setup->loop, &httpd->timer);
    httpd->poll.data = httpd->timer.data = httpd;
    httpd->handles = 2;
    uv_poll_start(&httpd->poll, UV_READABLE, on_poll);
    turn(httpd);
    return httpd;
}

uint16_t httpd_port(const struct httpd *httpd)
{
    return MHD_get_daemon_info(httpd->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
}

void httpd_drain(struct httpd *httpd)
{
    int listener = MHD_quiesce_daemon(httpd->daemon);
    if (listener >= 0)
        close(listener);
}

uint32_t httpd_busy(const struct httpd *httpd)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < httpd->slot_count; i++)
        count += httpd->slots[i] != NULL && httpd->slots[i]->state != HTTPD_ARRIVING;
    return count;
}

void httpd_free(struct httpd *httpd)
{
    httpd->is_freed = true;
    for (uint32_t i = 0; i < httpd->slot_count; i++)
        if (httpd->slots[i] != NULL) {
            httpd->slots[i]->is_cut = true;
            httpd_resume(httpd->slots[i]);
        }
    uv_poll_stop(&httpd->poll);
    uv_timer_stop(&httpd->timer);
    MHD_stop_daemon(httpd->daemon);
    uv_close((uv_handle_t *)&httpd->poll, on_closed);
    uv_close((uv_handle_t *)&httpd->timer, on_closed);
}
