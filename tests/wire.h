/* wire.h - bytes to and from a server: TCP or TLS, every wait with a deadline.
 *
 *   units      deadlines: milliseconds of wire_now_ms
 *   ownership  a struct wire owns its socket from wire_open to wire_close
 *   errors     a peer that is gone is a result, not a failure: tests await it
 */
#pragma once

#include "shared/base.h"

struct ssl_st;
struct ssl_ctx_st;

enum { WIRE_WAIT_MS = 20000 }; /* longer than anything the relay may take, on a busy machine */

enum wire_result {
    WIRE_DONE,
    WIRE_GONE, /* the peer closed or reset */
    WIRE_LATE, /* the deadline passed */
};

struct wire {
    int fd;
    struct ssl_st *tls; /* NULL: plain TCP */
    struct ssl_ctx_st *context;
};

/* Monotonic. */
int64_t wire_now_ms(void);

struct wire_address {
    const char *host; /* an IP address */
    uint16_t port;
    const char *tls_ca;       /* PEM file to trust; NULL: plain TCP */
    const char *from;         /* own IP address; NULL: any */
    int receive_buffer_bytes; /* of the socket; 0: the system's default */
};

/* False when nobody listens, or TLS fails. */
MUST_CHECK bool wire_open(struct wire *wire, const struct wire_address *address);

/* All of it. */
enum wire_result wire_send(struct wire *wire, struct span bytes, int64_t deadline_ms);

/* At least one byte. */
enum wire_result wire_receive(struct wire *wire, char *out, size_t size, size_t *received,
                              int64_t deadline_ms);

void wire_close(struct wire *wire);

/* Closes so that the peer sees a reset, with whatever was not read lost. */
void wire_reset(struct wire *wire);
