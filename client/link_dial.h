/* link_dial.h - the way to a relay: its addresses, or a tunnel to it. Part of link.
 *
 *   ownership  a dial is over, and freed, when found has been called or it was cancelled
 *   threads    loop thread only
 */
#pragma once

#include "shared/base.h"

struct dial;
struct link_host;
struct tunnel;
struct url;

enum { DIAL_ADDRESSES_MAX = 8 };

struct dial_address {
    char at[64]; /* numeric, or as lws wants it */
};

struct dial_way {
    struct dial_address addresses[DIAL_ADDRESSES_MAX];
    uint32_t count;        /* 0: none was found, */
    const char *why;       /* for this reason */
    struct tunnel *tunnel; /* now the caller's; NULL: it goes straight */
};

/* Never calls found from within. */
struct dial *dial_new(struct link_host *host, const struct url *url,
                      void (*found)(void *owner, const struct dial_way *way), void *owner);
void dial_cancel(struct dial *dial);
