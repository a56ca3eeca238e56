/* command_sync.h - a fetch that another command is about. Part of command.
 *
 *   ownership  borrows all it is given
 */
#pragma once

#include "client/command.h"

struct filter;
struct store;

struct sync_call {
    struct store *store;
    struct holder *holder;  /* who answers relays that want to know who we are */
    struct filter *filters; /* without limits */
    uint32_t filter_count;
    struct span *urls;
    size_t url_count;
};

/* Gets what the relays have and we lack, and says how it went, as shoal fetch does. The command
 * has the options NET_OPTIONS but --auth. */
enum command_status sync_fetch(struct command_call *call, const struct sync_call *given);
