/* listener.h - the listening socket: connections accepted, and handed on.
 *
 * The port is shared with the other processes of the relay (SO_REUSEPORT); the kernel spreads
 * connections over them.
 *
 *   threads  loop thread only
 *   errors   ERR_INTERNAL: the port is taken
 */
#pragma once

#include <uv.h>

#include "shared/base.h"

struct err;
struct listener;

/* A connected socket, non-blocking: the callee's to close. */
typedef void listener_accepted_fn(void *owner, int fd);

/* fd: a socket from reserve_socket, taken over. Nobody is accepted yet. */
struct listener *listener_new(uv_loop_t *loop, int fd, listener_accepted_fn *accepted, void *owner);

/* Connections are accepted from now on. */
MUST_CHECK bool listener_start(struct listener *listener, struct err *err);

/* Listens no more. Memory goes when the handle has closed. */
void listener_free(struct listener *listener);
