/* control_name.h - how the items of the operators' lists are written.
 *
 *   threads  pure
 *   errors   ERR_INVALID: what was expected
 */
#pragma once

#include "relay/control.h"

enum { CONTROL_IP4_BITS = 32, CONTROL_IP6_BITS = 64 };

struct control_network {
    uint8_t ip[16]; /* the bits of the host are clear */
    size_t len;     /* 4 or 16 */
    uint32_t bits;  /* at most CONTROL_IP4_BITS or CONTROL_IP6_BITS */
};

/* An address, or a network like 10.0.0.0/8. */
MUST_CHECK bool control_network(struct control_network *out, struct span word);

/* After bits was made less. */
void control_network_widen(struct control_network *network);

/* 0 to 65535. */
MUST_CHECK bool control_kind(uint32_t *kind, struct span word);
