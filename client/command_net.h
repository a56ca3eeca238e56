/* command_net.h - what a command needs to speak with relays: a loop, its links' host, and whoever
 * signs when a relay wants to know. Part of command.
 *
 *   ownership  net_open to net_close, after the links were freed
 *   threads    one
 */
#pragma once

#include <uv.h>

#include "client/command.h"
#include "client/link.h"

enum { NET_TIMEOUT_S = 15 };

struct net {
    const struct command_call *call;
    uv_loop_t loop;
    struct link_host *host;
    struct holder *holder; /* NULL: nobody is to know who we are */
    int64_t timeout_s;
};

#define NET_OPTIONS {"auth", NULL, "tell the relay who you are when it asks"}, NET_OPTIONS_AS_SELF

/* Of what tells it in any case. */
#define NET_OPTIONS_AS_SELF                                                                      \
    {"proxy", "HOST:PORT", "a SOCKS5 proxy, such as Tor's [$SHOAL_PROXY]"},                      \
        {"ca-file", "FILE", "authorities to trust besides the system's (PEM)"},                  \
        {"timeout", "SECONDS", "give up after so long without a word [15]"}, COMMAND_OPTION_KEY, \
        COMMAND_OPTION_PASSWORD

/* Says what is wrong. net_close is needed in either case. */
enum command_status net_open(struct net *net, const struct command_call *call);
void net_close(struct net *net);

/* For link_setup.challenged. */
void net_answer(const struct net *net, struct link *link);

/* On standard error, what a relay says made fit for a terminal. */
void net_say(const struct net *net, const char *url, struct span words);
