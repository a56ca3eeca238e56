#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ops/bench/fatal.h"
#include "ops/bench/floor.h"
#include "ops/bench/usage.h"

enum { FRAME_BYTES = 904, READ_BYTES = 256 << 10, TURN_EVENTS = 512, BACKLOG = 4096 };

struct pair {
    int server, client;
};

static void open_pairs(struct pair *pairs, size_t count)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    int on = 1;
    if (bind(listener, (struct sockaddr *)&address, len) != 0 || listen(listener, BACKLOG) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &len) != 0)
        fatal("cannot listen: %s", strerror(errno));
    for (size_t i = 0; i < count; i++) {
        pairs[i].client = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(pairs[i].client, (struct sockaddr *)&address, len) != 0)
            fatal("cannot connect: %s", strerror(errno));
        pairs[i].server = accept(listener, NULL, NULL);
        setsockopt(pairs[i].server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    close(listener);
}

/* The other end: reads and forgets, until the connections end. */
static _Noreturn void drain(const struct pair *pairs, size_t count)
{
    static char buffer[READ_BYTES];
    struct epoll_event events[TURN_EVENTS];
    int epoll = epoll_create1(0);
    for (size_t i = 0; i < count; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.fd = pairs[i].client};
        close(pairs[i].server);
        epoll_ctl(epoll, EPOLL_CTL_ADD, pairs[i].client, &event);
    }
    for (;;) {
        int ready = epoll_wait(epoll, events, TURN_EVENTS, -1);
        for (int i = 0; i < ready; i++)
            if (recv(events[i].data.fd, buffer, sizeof buffer, 0) <= 0)
                _exit(0);
    }
}

void floor_send(size_t connections, size_t frames_at_once, double seconds)
{
    struct pair *pairs = fatal_alloc(connections, sizeof *pairs);
    size_t len = frames_at_once * FRAME_BYTES;
    char *frames = fatal_alloc(1, len);
    open_pairs(pairs, connections);
    pid_t reader = fork();
    if (reader < 0)
        fatal("cannot fork: %s", strerror(errno));
    if (reader == 0)
        drain(pairs, connections);
    for (size_t i = 0; i < connections; i++)
        close(pairs[i].client);
    uint64_t sent = 0;
    uint64_t start_ns = usage_now_ns();
    double wall_s = 0;
    while (wall_s < seconds) {
        for (size_t i = 0; i < connections; i++)
            if (send(pairs[i].server, frames, len, MSG_NOSIGNAL) != (ssize_t)len)
                fatal("cannot send: %s", strerror(errno));
        sent += connections * frames_at_once;
        wall_s = (double)(usage_now_ns() - start_ns) / 1e9;
    }
    kill(reader, SIGTERM);
    waitpid(reader, NULL, 0);
    printf("per_s %.0f\n", (double)sent / wall_s);
    for (size_t i = 0; i < connections; i++)
        close(pairs[i].server);
    free(frames);
    free(pairs);
}
