/* proxy.h - an endpoint of OpenAI's API on this machine, for applications that know no other: each
 * chat is answered by a provider or a node of the swarm, the cheapest that is there, within what
 * may be spent.
 *
 * GET /v1/models, POST /v1/chat/completions. Whoever fails is left alone for a while, and the next
 * is asked, as long as nothing of the answer was passed on. What an answer may cost is put down
 * before it is asked for. A page in a browser is refused: it would spend what is not its own.
 *
 *   units      amounts in units of 0.01 credits; tokens
 *   ownership  all in the setup outlives it, but its lists, which are copied; proxy_free cuts what
 *              is under way, and memory goes when that has ended
 *   threads    loop thread only
 *   errors     as httpd.h's; ERR_RESTRICTED: a key that is not for us
 *   bounds     PROXY_BODY_BYTES_MAX a request, PROXY_CHATS_MAX at once
 *   spec       OpenAI "Create chat completion", "List models"
 */
#pragma once

#include "client/provider.h"

struct apikey_list;
struct command_call;
struct holder;
struct proxy;
struct survey;
struct uv_loop_s;

enum { PROXY_BODY_BYTES_MAX = 4 << 20, PROXY_CHATS_MAX = 64, PROXY_LIMITS_MAX = 64 };

/* What may be spent on answers of one model in a day. */
struct proxy_limit {
    struct span model;
    uint64_t day;
};

struct proxy_setup {
    struct command_call *call;
    struct uv_loop_s *loop;
    const char *host;
    uint16_t port;
    const struct apikey_list *keys; /* of those who may ask; none: everybody who reaches it */
    struct store *store;
    const struct holder *holder;
    const struct survey *survey; /* which hears of nodes; NULL: providers alone */
    struct ration ration;        /* for all of it */
    const struct proxy_limit *limits;
    size_t limit_count;
    uint32_t tokens_max;      /* of an answer, where nobody says */
    struct span socks;        /* a SOCKS5 proxy, HOST:PORT; len 0: none */
    const char *ca_file;      /* NULL: none */
    uint64_t (*now_ms)(void); /* unix milliseconds */
};

struct proxy *proxy_new(const struct proxy_setup *setup, struct err *err);
uint16_t proxy_port(const struct proxy *proxy);
void proxy_free(struct proxy *proxy);
