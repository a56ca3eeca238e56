#include "relay/reserve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "shared/err.h"

/* The workers of a relay that was killed stop listening as soon as the kernel has told them. */
enum { TRIES_MAX = 40, BETWEEN_TRIES_MS = 25 };

union place {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static socklen_t find_place(union place *place, const char *address, uint16_t port)
{
    *place = (union place){.v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)}};
    if (inet_pton(AF_INET6, address, &place->v6.sin6_addr) == 1)
        return sizeof place->v6;
    *place = (union place){.v4 = {.sin_family = AF_INET, .sin_port = htons(port)}};
    if (inet_pton(AF_INET, address, &place->v4.sin_addr) == 1)
        return sizeof place->v4;
    return 0;
}

/* -1, and errno, when it cannot be. */
static int bind_place(const union place *place, socklen_t len, bool shared)
{
    int on = 1;
    int off = 0;
    int fd = socket(place->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (shared)
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (place->any.sa_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (bind(fd, &place->any, len) == 0)
        return fd;
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

/* Whether nobody listens there: with SO_REUSEPORT alone, another relay of ours would not be
 * noticed, and share the port. */
static bool is_free(const union place *place, socklen_t len)
{
    int fd = bind_place(place, len, false);
    for (int i = 1; fd < 0 && errno == EADDRINUSE && i < TRIES_MAX; i++) {
        nanosleep(&(struct timespec){.tv_nsec = BETWEEN_TRIES_MS * 1000000L}, NULL);
        fd = bind_place(place, len, false);
    }
    if (fd < 0)
        return false;
    close(fd);
    return true;
}

bool reserve_port(int *fd, uint16_t *port, const char *address, struct err *err)
{
    union place place;
    socklen_t len = find_place(&place, address, *port);
    if (len == 0)
        return err_set(err, ERR_INTERNAL, "'%.60s' is no IP address", address);
    *fd = *port != 0 && !is_free(&place, len) ? -1 : bind_place(&place, len, true);
    if (*fd < 0 && errno == EADDRINUSE)
        return err_set(err, ERR_INTERNAL, "port %u is in use: another program listens on %.46s",
                       *port, address);
    if (*fd < 0)
        return err_set(err, ERR_INTERNAL, "cannot listen on %.46s port %u: %s", address, *port,
                       strerrordesc_np(errno));
    *port = reserve_number(*fd);
    return true;
}

uint16_t reserve_number(int fd)
{
    union place place = {0};
    socklen_t len = sizeof place;
    if (getsockname(fd, &place.any, &len) != 0)
        return 0;
    return ntohs(place.any.sa_family == AF_INET6 ? place.v6.sin6_port : place.v4.sin_port);
}

bool reserve_socket(int *fd, const char *address, uint16_t port, struct err *err)
{
    union place place;
    socklen_t len = find_place(&place, address, port);
    *fd = bind_place(&place, len, true);
    return *fd >= 0 || err_set(err, ERR_INTERNAL, "cannot listen on %.46s port %u: %s", address,
                               port, strerrordesc_np(errno));
}
