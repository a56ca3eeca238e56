#include "client/link_tunnel.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "client/socks.h"
#include "shared/err.h"
#include "shared/text.h"

enum { PIECE_BYTES = 16384 };

/* One direction: what from says is written to to. */
struct flow {
    uv_stream_t *from, *to;
    uv_write_t write;
    char piece[PIECE_BYTES];
};

struct tunnel {
    char host[SOCKS_HOST_MAX + 1];
    char address[64]; /* "+@", a name */
    char why[120];
    struct socks socks;
    uint8_t ip[16];
    uv_poll_t door; /* of the listening socket */
    int door_fd;
    uv_pipe_t near; /* lws */
    uv_tcp_t far;   /* the proxy */
    uv_connect_t connect;
    struct flow out, in;
    struct text heard; /* of the proxy, before the other end is there */
    bool has_entered, is_through, is_freed;
    int handles; /* open */
};

static void end(struct tunnel *tunnel, const char *why)
{
    if (tunnel->why[0] == '\0')
        snprintf(tunnel->why, sizeof tunnel->why, "%s", why);
    if (tunnel->has_entered && !uv_is_closing((uv_handle_t *)&tunnel->near))
        uv_read_stop((uv_stream_t *)&tunnel->near);
    if (tunnel->has_entered) { /* lws sees an end */
        int fd;
        if (uv_fileno((uv_handle_t *)&tunnel->near, &fd) == 0)
            shutdown(fd, SHUT_RDWR);
    }
    uv_read_stop((uv_stream_t *)&tunnel->far);
}

/* ---- what is said, once through ---- */

static void on_piece(uv_stream_t *stream, ssize_t len, const uv_buf_t *piece);

static void on_room(uv_handle_t *handle, size_t hint, uv_buf_t *piece)
{
    struct tunnel *tunnel = handle->data;
    struct flow *flow = handle == (uv_handle_t *)&tunnel->near ? &tunnel->out : &tunnel->in;
    (void)hint;
    *piece = uv_buf_init(flow->piece, sizeof flow->piece);
}

static void on_written(uv_write_t *write, int status)
{
    struct flow *flow = write->data;
    struct tunnel *tunnel = flow->from->data;
    if (tunnel->is_freed)
        return;
    if (status != 0 || uv_read_start(flow->from, on_room, on_piece) != 0)
        end(tunnel, "the connection ended");
}

static void write_piece(struct flow *flow, size_t len)
{
    struct tunnel *tunnel = flow->from->data;
    uv_buf_t piece = uv_buf_init(flow->piece, (unsigned)len);
    uv_read_stop(flow->from); /* there is one piece */
    flow->write.data = flow;
    if (uv_write(&flow->write, flow->to, &piece, 1, on_written) != 0)
        end(tunnel, "the connection ended");
}

/* Both have come: the one is asked for nothing before. */
static void pass_on(struct tunnel *tunnel)
{
    size_t len = tunnel->heard.len;
    if (!tunnel->has_entered || !tunnel->is_through)
        return;
    if (uv_read_start((uv_stream_t *)&tunnel->near, on_room, on_piece) != 0)
        end(tunnel, "the connection ended");
    if (len == 0 && uv_read_start((uv_stream_t *)&tunnel->far, on_room, on_piece) != 0)
        end(tunnel, "the connection ended");
    if (len == 0)
        return;
    memcpy(tunnel->in.piece, tunnel->heard.at, len);
    write_piece(&tunnel->in, len);
}

/* ---- the proxy ---- */

static void say(struct tunnel *tunnel, struct text *text)
{
    uv_buf_t piece = uv_buf_init(text->at, (unsigned)text->len);
    if (text->len > 0 && uv_try_write((uv_stream_t *)&tunnel->far, &piece, 1) != (ssize_t)text->len)
        end(tunnel, "the proxy cannot be written to");
    text_clear(text);
}

static void hear_proxy(struct tunnel *tunnel, struct span piece)
{
    struct text answer = {0};
    struct err err;
    text_add(&tunnel->heard, piece);
    struct span rest = text_span(&tunnel->heard);
    enum socks_verdict verdict = socks_hear(&tunnel->socks, &rest, &answer, &err);
    memmove(tunnel->heard.at, rest.at, rest.len);
    tunnel->heard.len = rest.len;
    say(tunnel, &answer);
    if (verdict == SOCKS_FAILED || tunnel->heard.len > PIECE_BYTES) {
        end(tunnel, verdict == SOCKS_FAILED ? err.text : "the proxy says too much");
    } else if (verdict == SOCKS_DONE) {
        uv_read_stop((uv_stream_t *)&tunnel->far);
        tunnel->is_through = true;
        pass_on(tunnel);
    }
}

static void on_piece(uv_stream_t *stream, ssize_t len, const uv_buf_t *piece)
{
    struct tunnel *tunnel = stream->data;
    if (len == 0)
        return;
    if (len < 0)
        end(tunnel, tunnel->is_through ? "the connection ended" : "the proxy hung up");
    else if (!tunnel->is_through)
        hear_proxy(tunnel, (struct span){piece->base, (size_t)len});
    else
        write_piece(stream == tunnel->out.from ? &tunnel->out : &tunnel->in, (size_t)len);
}

static void on_connected(uv_connect_t *connect, int status)
{
    struct tunnel *tunnel = connect->data;
    struct text greeting = {0};
    if (tunnel->is_freed)
        return;
    if (status != 0) {
        end(tunnel, "the proxy cannot be reached");
        return;
    }
    uv_tcp_nodelay(&tunnel->far, 1);
    socks_begin(&tunnel->socks, &greeting);
    say(tunnel, &greeting);
    if (uv_read_start((uv_stream_t *)&tunnel->far, on_room, on_piece) != 0)
        end(tunnel, "the proxy cannot be read from");
}

/* ---- the door ---- */

static bool is_own(int fd)
{
    struct ucred peer;
    socklen_t len = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && peer.pid == getpid();
}

static void on_knock(uv_poll_t *poll, int status, int events)
{
    struct tunnel *tunnel = poll->data;
    (void)status;
    (void)events;
    int fd = accept4(tunnel->door_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return;
    if (!is_own(fd) || uv_pipe_open(&tunnel->near, fd) != 0) {
        close(fd);
        return;
    }
    uv_poll_stop(&tunnel->door);
    tunnel->has_entered = true;
    if (tunnel->why[0] != '\0')
        end(tunnel, tunnel->why);
    pass_on(tunnel);
}

static bool open_door(struct tunnel *tunnel, const struct tunnel_setup *setup, struct err *err)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    uint32_t name[4];
    for (size_t i = 0; i < ARRAY_LEN(name); i++)
        name[i] = setup->random(setup->owner);
    snprintf(tunnel->address, sizeof tunnel->address, "+@shoal-%08x%08x%08x%08x", name[0], name[1],
             name[2], name[3]);
    memcpy(at.sun_path + 1, tunnel->address + 2, strlen(tunnel->address + 2));
    tunnel->door_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (tunnel->door_fd < 0)
        return err_set(err, ERR_INTERNAL, "no socket for the proxy");
    /* zeroes behind the name would be part of it, and lws writes none */
    size_t size = offsetof(struct sockaddr_un, sun_path) + strlen(tunnel->address + 1);
    if (bind(tunnel->door_fd, (const struct sockaddr *)&at, (socklen_t)size) == 0 &&
        listen(tunnel->door_fd, 1) == 0)
        return true;
    close(tunnel->door_fd);
    return err_set(err, ERR_INTERNAL, "no socket for the proxy");
}

static void set_target(struct tunnel *tunnel, const struct tunnel_setup *setup)
{
    struct socks *socks = &tunnel->socks;
    snprintf(tunnel->host, sizeof tunnel->host, "%s", setup->host);
    socks->port = setup->port;
    socks->kind = inet_pton(AF_INET, tunnel->host, tunnel->ip) == 1    ? SOCKS_IP4
                  : inet_pton(AF_INET6, tunnel->host, tunnel->ip) == 1 ? SOCKS_IP6
                                                                       : SOCKS_NAME;
    socks->address = (struct span){(const char *)tunnel->ip, socks->kind == SOCKS_IP4 ? 4 : 16};
    if (socks->kind == SOCKS_NAME)
        socks->address = (struct span){tunnel->host, strlen(tunnel->host)};
}

struct tunnel *tunnel_new(const struct tunnel_setup *setup, struct err *err)
{
    struct tunnel *tunnel = calloc(1, sizeof *tunnel);
    if (tunnel == NULL)
        abort();
    set_target(tunnel, setup);
    if (!open_door(tunnel, setup, err)) {
        free(tunnel);
        return NULL;
    }
    uv_poll_init(setup->loop, &tunnel->door, tunnel->door_fd);
    uv_pipe_init(setup->loop, &tunnel->near, 0);
    uv_tcp_init(setup->loop, &tunnel->far);
    tunnel->handles = 3;
    tunnel->door.data = tunnel->near.data = tunnel->far.data = tunnel->connect.data = tunnel;
    tunnel->out =
        (struct flow){.from = (uv_stream_t *)&tunnel->near, .to = (uv_stream_t *)&tunnel->far};
    tunnel->in = (struct flow){.from = tunnel->out.to, .to = tunnel->out.from};
    uv_poll_start(&tunnel->door, UV_READABLE, on_knock);
    if (uv_tcp_connect(&tunnel->connect, &tunnel->far, setup->proxy, on_connected) != 0)
        end(tunnel, "the proxy cannot be reached");
    return tunnel;
}

static void on_closed(uv_handle_t *handle)
{
    struct tunnel *tunnel = handle->data;
    if (handle == (uv_handle_t *)&tunnel->door)
        close(tunnel->door_fd);
    if (--tunnel->handles > 0)
        return;
    text_clear(&tunnel->heard);
    free(tunnel);
}

void tunnel_free(struct tunnel *tunnel)
{
    tunnel->is_freed = true;
    uv_close((uv_handle_t *)&tunnel->door, on_closed);
    uv_close((uv_handle_t *)&tunnel->near, on_closed);
    uv_close((uv_handle_t *)&tunnel->far, on_closed);
}

const char *tunnel_address(const struct tunnel *tunnel)
{
    return tunnel->address;
}

const char *tunnel_why(const struct tunnel *tunnel)
{
    return tunnel->why;
}
