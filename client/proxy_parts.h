/* proxy_parts.h - what proxy's files share. Part of proxy.
 *
 *   ownership, threads, errors  proxy.h's
 */
#pragma once

#include <uv.h>

#include "client/httpd.h"
#include "client/outlet.h"
#include "client/proxy.h"
#include "client/teller.h"
#include "shared/arena.h"
#include "shared/err.h"

enum { PROXY_NODES_MAX = 64 };

struct proxy_provider {
    const struct provider *provider;
    char *key; /* secret; "": it wants none */
    struct teller *teller;
    struct ration_rate rate;
    struct ration_rest rest;
};

/* A node that failed. */
struct proxy_node_rest {
    struct bytes32 node;
    struct ration_rest rest;
};

struct proxy {
    struct proxy_setup setup;
    struct arena arena;
    struct httpd *httpd;
    struct proxy_provider *providers;
    size_t provider_count;
    struct proxy_node_rest rests[PROXY_NODES_MAX];
    size_t rest_count;
    struct errand *errands;
    size_t errand_count;
    uint64_t answers; /* given numbers */
    bool is_freed;
};

/* ---- of proxy.c ---- */

struct proxy_refusal {
    uint32_t status;
    const char *code, *why; /* code: NULL: none */
    uint64_t wait_ms;       /* 0: not said */
};
void proxy_refuse(struct proxy *proxy, uint64_t number, const struct proxy_refusal *refusal);
struct ration_rest *proxy_rest(struct proxy *proxy, const struct outlet *outlet);
struct proxy_provider *proxy_provider_of(struct proxy *proxy, const struct provider *provider);

/* A chat has ended: the last one takes the proxy with it, where that was freed. */
void proxy_ended(struct proxy *proxy);
