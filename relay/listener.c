#include "relay/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "relay/log.h"
#include "shared/err.h"

enum { BACKLOG = 4096, ACCEPTS_MAX = 64 /* in one turn of the loop */ };

struct listener {
    uv_poll_t poll;
    int fd;
    int spare_fd; /* given up for a moment when there are no more, to turn a connection away */
    listener_accepted_fn *accepted;
    void *owner;
};

/* Without this a full table of descriptors would leave the connection waiting, and the loop
 * spinning over it. */
static void turn_one_away(struct listener *listener)
{
    log_warning("listener", "out of file descriptors: a connection was turned away");
    close(listener->spare_fd);
    int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0)
        close(fd);
    listener->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct listener *listener = poll->data;
    (void)status;
    (void)events;
    for (int i = 0; i < ACCEPTS_MAX; i++) {
        int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0 && (errno == EMFILE || errno == ENFILE))
            turn_one_away(listener);
        if (fd < 0)
            return;
        int on = 1; /* answers are whole: never wait for more to send with them */
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        listener->accepted(listener->owner, fd);
    }
}

struct listener *listener_new(uv_loop_t *loop, int fd, listener_accepted_fn *accepted, void *owner)
{
    struct listener *listener = calloc(1, sizeof *listener);
    if (listener == NULL)
        abort();
    *listener = (struct listener){.fd = fd, .accepted = accepted, .owner = owner};
    listener->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    uv_poll_init(loop, &listener->poll, fd);
    listener->poll.data = listener;
    return listener;
}

bool listener_start(struct listener *listener, struct err *err)
{
    if (listen(listener->fd, BACKLOG) != 0)
        return err_set(err, ERR_INTERNAL, "cannot listen: %s", strerrordesc_np(errno));
    uv_poll_start(&listener->poll, UV_READABLE, on_readable);
    return true;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void listener_free(struct listener *listener)
{
    if (listener == NULL)
        return;
    uv_close((uv_handle_t *)&listener->poll, on_closed); /* before others can have the number */
    close(listener->fd);
    close(listener->spare_fd);
}
