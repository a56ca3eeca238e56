/* forwarder.h - a SOCKS5 proxy on the test's loop, which leads wherever it is asked to an address
 * of this machine.
 *
 *   ownership  forwarder_open to forwarder_close
 *   threads    loop thread only
 *   spec       RFC 1928
 */
#pragma once

#include <uv.h>

#include "shared/base.h"

struct forwarder_client;

struct forwarder {
    uv_tcp_t listener;
    uint16_t port;
    uint8_t refusal; /* code of the answer; 0: it connects */
    int came;
    char asked[300]; /* name and port, or the kind of address, of the last */
    struct forwarder_client *first;
};

void forwarder_open(struct forwarder *forwarder, uv_loop_t *loop);
void forwarder_close(struct forwarder *forwarder);
