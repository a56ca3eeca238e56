#include "tests/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

int64_t wire_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static enum wire_result await(const struct wire *wire, short events, int64_t deadline_ms)
{
    for (;;) {
        int64_t left_ms = deadline_ms - wire_now_ms();
        struct pollfd poller = {.fd = wire->fd, .events = events};
        if (left_ms < 0)
            left_ms = 0;
        int ready = poll(&poller, 1, (int)left_ms);
        if (ready > 0)
            return WIRE_DONE;
        if (ready == 0)
            return WIRE_LATE;
        if (errno != EINTR)
            return WIRE_GONE;
    }
}

/* What to wait for before trying again; 0 when the peer is gone. */
static short wants(const struct wire *wire, ssize_t result, short direction)
{
    if (wire->tls == NULL)
        return errno == EAGAIN || errno == EINTR ? direction : 0;
    switch (SSL_get_error(wire->tls, (int)result)) {
    case SSL_ERROR_WANT_READ:
        return POLLIN;
    case SSL_ERROR_WANT_WRITE:
        return POLLOUT;
    }
    return 0;
}

static int int_of(size_t size)
{
    return size > INT32_MAX ? INT32_MAX : (int)size;
}

enum wire_result wire_send(struct wire *wire, struct span bytes, int64_t deadline_ms)
{
    while (bytes.len > 0) {
        ssize_t sent = wire->tls != NULL ? SSL_write(wire->tls, bytes.at, int_of(bytes.len))
                                         : send(wire->fd, bytes.at, bytes.len, MSG_NOSIGNAL);
        if (sent > 0) {
            bytes = (struct span){bytes.at + sent, bytes.len - (size_t)sent};
            continue;
        }
        short events = wants(wire, sent, POLLOUT);
        enum wire_result result = events == 0 ? WIRE_GONE : await(wire, events, deadline_ms);
        if (result != WIRE_DONE)
            return result;
    }
    return WIRE_DONE;
}

enum wire_result wire_receive(struct wire *wire, char *out, size_t size, size_t *received,
                              int64_t deadline_ms)
{
    for (;;) {
        ssize_t got = wire->tls != NULL ? SSL_read(wire->tls, out, int_of(size))
                                        : recv(wire->fd, out, size, 0);
        if (got > 0) {
            *received = (size_t)got;
            return WIRE_DONE;
        }
        if (got == 0)
            return WIRE_GONE;
        short events = wants(wire, got, POLLIN);
        enum wire_result result = events == 0 ? WIRE_GONE : await(wire, events, deadline_ms);
        if (result != WIRE_DONE)
            return result;
    }
}

static bool start_tls(struct wire *wire, const struct wire_address *address)
{
    int64_t deadline_ms = wire_now_ms() + WIRE_WAIT_MS;
    wire->context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_verify(wire->context, SSL_VERIFY_PEER, NULL);
    if (SSL_CTX_load_verify_locations(wire->context, address->tls_ca, NULL) != 1)
        return false;
    wire->tls = SSL_new(wire->context);
    SSL_set_fd(wire->tls, wire->fd);
    for (;;) {
        int result = SSL_connect(wire->tls);
        if (result == 1)
            return true;
        short events = wants(wire, result, POLLIN);
        if (events == 0 || await(wire, events, deadline_ms) != WIRE_DONE)
            return false;
    }
}

static bool start_tcp(struct wire *wire, const struct wire_address *address)
{
    struct sockaddr_in peer = {.sin_family = AF_INET, .sin_port = htons(address->port)};
    struct sockaddr_in own = {.sin_family = AF_INET};
    int one = 1, bytes = address->receive_buffer_bytes;
    if (inet_pton(AF_INET, address->host, &peer.sin_addr) != 1)
        return false;
    wire->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (wire->fd < 0)
        return false;
    setsockopt(wire->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (bytes != 0)
        setsockopt(wire->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    if (address->from != NULL && (inet_pton(AF_INET, address->from, &own.sin_addr) != 1 ||
                                  bind(wire->fd, (struct sockaddr *)&own, sizeof own) != 0))
        return false;
    return connect(wire->fd, (struct sockaddr *)&peer, sizeof peer) == 0 &&
           fcntl(wire->fd, F_SETFL, O_NONBLOCK) == 0;
}

bool wire_open(struct wire *wire, const struct wire_address *address)
{
    *wire = (struct wire){.fd = -1};
    bool ok = start_tcp(wire, address) && (address->tls_ca == NULL || start_tls(wire, address));
    if (!ok)
        wire_close(wire);
    return ok;
}

void wire_close(struct wire *wire)
{
    SSL_free(wire->tls);
    SSL_CTX_free(wire->context);
    if (wire->fd >= 0)
        close(wire->fd);
    *wire = (struct wire){.fd = -1};
}

void wire_reset(struct wire *wire)
{
    struct linger linger = {.l_onoff = 1};
    setsockopt(wire->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    wire_close(wire);
}
