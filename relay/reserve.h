/* reserve.h - the port, held by the parent so that all workers listen on the same one.
 *
 * The socket is bound with SO_REUSEPORT and never listens: no connection comes to it. It makes
 * "any free port" the same number for all, and keeps it while workers are restarted.
 *
 *   threads  blocking
 *   errors   ERR_INTERNAL: somebody else listens there
 */
#pragma once

#include "shared/base.h"

struct err;

/* Sets fd and port. port 0: any free one. */
MUST_CHECK bool reserve_port(int *fd, uint16_t *port, const char *address, struct err *err);

/* The port of one that was reserved. */
uint16_t reserve_number(int fd);

/* One of several sockets at a reserved port, for a worker to listen on. "::" is everything, IPv4
 * too. */
MUST_CHECK bool reserve_socket(int *fd, const char *address, uint16_t port, struct err *err);
