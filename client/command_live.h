/* command_live.h - what comes while one waits: from relays into the store, and from the store, also
 * of other processes, to whoever looks, until a signal ends it. Part of command.
 *
 *   ownership  what the setup names outlives the call
 *   threads    one
 */
#pragma once

#include "client/command_home.h"

struct catalog_event;
struct command_call;
struct filter;

#define LIVE_OPTIONS                                                            \
    {"auth", NULL, "tell relays who you are when they ask"},                    \
        {"proxy", "HOST:PORT", "a SOCKS5 proxy, such as Tor's [$SHOAL_PROXY]"}, \
        {"ca-file", "FILE", "authorities to trust besides the system's (PEM)"}, \
        COMMAND_OPTION_KEY, COMMAND_OPTION_PASSWORD

struct live_stop {
    struct span url;
    const struct filter *filters; /* of what is asked for there */
    uint32_t filter_count;
};

struct live {
    const struct command_call *call;
    struct store *store;
    const struct live_stop *stops;
    size_t stop_count;
    /* What is there; then each event that comes, which is valid for the call. False ends it, which
     * is COMMAND_FAILED; the function has said why. */
    bool (*begin)(void *owner);
    bool (*came)(void *owner, const struct catalog_event *event);
    void *owner;
};

/* Says on standard error which relays are not there, and goes on. */
enum command_status live_run(const struct live *live);
