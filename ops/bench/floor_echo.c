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
#include "ops/bench/floor.h"
#include "shared/text.h"

enum { TURN_EVENTS = 256, READ_BYTES = 256 << 10, BACKLOG = 4096 };

struct guest {
    int socket;
    bool is_websocket;
    struct text in, out;
};

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

static void welcome_guest(int epoll, int listener)
{
    int on = 1;
    struct guest *guest = fatal_alloc(1, sizeof *guest);
    guest->socket = accept(listener, NULL, NULL);
    if (guest->socket < 0)
        fatal("cannot accept: %s", strerror(errno));
    setsockopt(guest->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = guest};
    epoll_ctl(epoll, EPOLL_CTL_ADD, guest->socket, &event);
}

static void dismiss(struct guest *guest)
{
    close(guest->socket);
    text_clear(&guest->in);
    text_clear(&guest->out);
    free(guest);
}

/* Appends the frame at bytes to out, without its mask; how long it was, 0 when incomplete. */
static size_t echo_frame(struct text *out, struct span bytes)
{
    const uint8_t *at = (const uint8_t *)bytes.at;
    if (bytes.len < 4)
        return 0;
    size_t len = at[1] & 127;
    size_t head = len == 126 ? 4 : 2;
    if (len == 127)
        fatal("too long for the echo");
    if (head == 4)
        len = (size_t)at[2] << 8 | at[3];
    if (bytes.len < head + 4 + len)
        return 0;
    uint8_t *copy = (uint8_t *)text_reserve(out, head + len);
    memcpy(copy, at, head);
    copy[1] &= 127;
    const uint8_t *mask = at + head;
    for (size_t i = 0; i < len; i++)
        copy[head + i] = mask[4 + i] ^ mask[i & 3];
    out->len += head + len;
    return head + 4 + len;
}

static void echo(struct guest *guest)
{
    struct span left = text_span(&guest->in);
    size_t used = 1;
    guest->out.len = 0;
    if (!guest->is_websocket && memmem(left.at, left.len, "\r\n\r\n", 4) != NULL) {
        guest->is_websocket = true;
        text_addf(&guest->out, "%s", welcome);
        left.len = 0;
    }
    while (guest->is_websocket && used > 0) {
        used = echo_frame(&guest->out, left);
        left = (struct span){left.at + used, left.len - used};
    }
    memmove(guest->in.at, left.at, left.len);
    guest->in.len = left.len;
    if (guest->out.len > 0 &&
        send(guest->socket, guest->out.at, guest->out.len, MSG_NOSIGNAL) < 0 && errno != EPIPE &&
        errno != ECONNRESET)
        fatal("cannot send: %s", strerror(errno));
}

static void serve(struct guest *guest)
{
    char *room = text_reserve(&guest->in, READ_BYTES);
    ssize_t got = recv(guest->socket, room, READ_BYTES, 0);
    if (got <= 0) {
        dismiss(guest);
        return;
    }
    guest->in.len += (size_t)got;
    echo(guest);
}

void floor_echo(void)
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
                welcome_guest(epoll, listener);
            else
                serve(events[i].data.ptr);
        }
    }
}
