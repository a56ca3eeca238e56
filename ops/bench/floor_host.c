#include "ops/bench/floor_host.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ops/bench/fatal.h"

enum { TURN_EVENTS = 256, READ_BYTES = 256 << 10, BACKLOG = 4096, SHORT_MAX = 125 };

/* The answer to the one key that bench_load sends. */
static const char welcome[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                              "Connection: Upgrade\r\n"
                              "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

static int listen_anywhere(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&address, len) != 0 || listen(listener, BACKLOG) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &len) != 0)
        fatal("cannot listen: %s", strerror(errno));
    printf("ready port=%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return listener;
}

static void welcome_guest(struct floor_host *host, int epoll, int listener)
{
    int on = 1;
    struct floor_guest *guest = fatal_alloc(1, sizeof *guest);
    guest->socket = accept(listener, NULL, NULL);
    if (guest->socket < 0)
        fatal("cannot accept: %s", strerror(errno));
    setsockopt(guest->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = guest};
    epoll_ctl(epoll, EPOLL_CTL_ADD, guest->socket, &event);
    if (host->count == host->room) {
        host->room = host->room * 2 + TURN_EVENTS;
        host->guests = realloc(host->guests, host->room * sizeof(struct floor_guest *));
        if (host->guests == NULL)
            fatal("out of memory");
    }
    guest->number = host->count;
    host->guests[host->count++] = guest;
}

static void dismiss(struct floor_host *host, struct floor_guest *guest)
{
    struct floor_guest *last = host->guests[--host->count];
    host->guests[guest->number] = last;
    last->number = guest->number;
    close(guest->socket);
    text_clear(&guest->in);
    text_clear(&guest->out);
    free(guest);
}

void floor_frame(struct text *out, struct span payload)
{
    uint8_t head[4] = {0x81, (uint8_t)payload.len};
    bool is_short = payload.len <= SHORT_MAX;
    if (payload.len > UINT16_MAX)
        fatal("too long for a bare frame");
    if (!is_short) {
        head[1] = 126;
        head[2] = (uint8_t)(payload.len >> 8);
        head[3] = (uint8_t)payload.len;
    }
    text_add(out, (struct span){(const char *)head, is_short ? 2 : 4});
    text_add(out, payload);
}

void floor_send_bytes(const struct floor_guest *guest, struct span bytes)
{
    if (send(guest->socket, bytes.at, bytes.len, MSG_NOSIGNAL) < 0 && errno != EPIPE &&
        errno != ECONNRESET)
        fatal("cannot send: %s", strerror(errno));
}

/* Unmasks the frame at the beginning of bytes where it lies; how long it is, 0 when incomplete. */
static size_t open_frame(struct text *in, size_t begin, struct span *message)
{
    uint8_t *at = (uint8_t *)in->at + begin;
    size_t room = in->len - begin;
    if (room < 4)
        return 0;
    size_t len = at[1] & 127;
    size_t head = len == 126 ? 4 : 2;
    if (len == 127)
        fatal("too long for a bare frame");
    if (head == 4)
        len = (size_t)at[2] << 8 | at[3];
    if (room < head + 4 + len)
        return 0;
    const uint8_t *mask = at + head;
    uint8_t *payload = at + head + 4;
    for (size_t i = 0; i < len; i++)
        payload[i] ^= mask[i & 3];
    *message = (struct span){(const char *)payload, len};
    return head + 4 + len;
}

static void answer(struct floor_host *host, struct floor_guest *guest)
{
    size_t begin = 0;
    struct span message;
    guest->out.len = 0;
    if (!guest->is_websocket && memmem(guest->in.at, guest->in.len, "\r\n\r\n", 4) != NULL) {
        guest->is_websocket = true;
        text_addf(&guest->out, "%s", welcome);
        begin = guest->in.len;
    }
    while (guest->is_websocket) {
        size_t used = open_frame(&guest->in, begin, &message);
        if (used == 0)
            break;
        host->on_message(host, guest, message);
        begin += used;
    }
    memmove(guest->in.at, guest->in.at + begin, guest->in.len - begin);
    guest->in.len -= begin;
    if (guest->out.len > 0)
        floor_send_bytes(guest, text_span(&guest->out));
}

static void serve(struct floor_host *host, struct floor_guest *guest)
{
    char *room = text_reserve(&guest->in, READ_BYTES);
    ssize_t got = recv(guest->socket, room, READ_BYTES, 0);
    if (got <= 0) {
        dismiss(host, guest);
        return;
    }
    guest->in.len += (size_t)got;
    answer(host, guest);
}

void floor_host_serve(struct floor_host *host)
{
    struct epoll_event events[TURN_EVENTS];
    int listener = listen_anywhere();
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int ready = epoll_wait(epoll, events, TURN_EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.ptr == NULL)
                welcome_guest(host, epoll, listener);
            else
                serve(host, events[i].data.ptr);
        }
    }
}
