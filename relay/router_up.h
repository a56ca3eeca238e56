/* router_up.h - the part of a link that sends: which events go, at once or out of the store. Part
 * of router; router_link.h has what links are.
 *
 *   threads  loop thread only
 */
#pragma once

#include "relay/recent.h"
#include "relay/router_link.h"
#include "relay/shards.h"
#include "shared/base.h"
#include "shared/text.h"

struct push;
struct remote;

enum { ROUTER_OVERLAP_S = 600 };

struct router_link_state {
    struct remote *remote;
    struct push *push;
    struct text source;  /* its URL, NUL-terminated */
    struct recent known; /* there */
    uint32_t unsettled;  /* brought in, without a verdict */
    bool is_paused;

    bool is_caught_up; /* all stored events since the place have come */
    bool is_paging;
    int64_t down_place, down_saved;
    int64_t until, oldest, count; /* of the page */
    uint32_t page; /* its number, by which it is called: else what comes live of the last one would
                      be taken for a part of the next */

    bool is_behind;              /* something that is to go was not queued */
    bool is_reading, is_waiting; /* a page of the store; for room, before the next */
    int64_t up_place, up_saved;
    struct store_cursor place;
    bool has_place;
};

/* The first second that is asked for, to go on from a place. */
static inline int64_t router_link_since(int64_t place)
{
    return place > ROUTER_OVERLAP_S ? place - ROUTER_OVERLAP_S : 0;
}

/* The other relay has it: no link to it sends it. */
void router_up_known(struct router_link *link, const struct bytes32 *id);

/* Reads what is to go and may not have gone, from the place where we were. */
void router_up_catch_up(struct router_link *link);

/* Goes on with that, when there is room for a page of it. */
void router_up_read(struct router_link *link);
