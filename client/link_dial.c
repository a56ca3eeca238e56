#include "client/link_dial.h"

#include <stdio.h>
#include <stdlib.h>

#include "client/link_host.h"
#include "client/link_tunnel.h"
#include "shared/err.h"
#include "shared/url.h"

struct dial {
    struct link_host *host;
    uv_getaddrinfo_t resolve;
    uv_timer_t failed; /* where there was nothing to wait for */
    char target[URL_HOST_MAX + 1];
    uint16_t port;
    void (*found)(void *owner, const struct dial_way *way);
    void *owner; /* NULL: cancelled */
    const char *why;
};

static bool ends_with(const char *text, const char *ending)
{
    size_t len = strlen(text), ending_len = strlen(ending);
    return len >= ending_len && strcmp(text + len - ending_len, ending) == 0;
}

/* What found has to be told, when the name is resolved. */
static void go_straight(struct dial_way *way, const struct addrinfo *at)
{
    for (; at != NULL && way->count < DIAL_ADDRESSES_MAX; at = at->ai_next)
        if (uv_ip_name(at->ai_addr, way->addresses[way->count].at, sizeof way->addresses->at) == 0)
            way->count++;
}

static void go_by_proxy(struct dial *dial, struct dial_way *way, const struct addrinfo *at)
{
    const struct tunnel_setup setup = {.loop = dial->host->loop,
                                       .proxy = at->ai_addr,
                                       .host = dial->target,
                                       .port = dial->port,
                                       .random = dial->host->random,
                                       .owner = dial->host->owner};
    struct err err;
    way->tunnel = tunnel_new(&setup, &err);
    if (way->tunnel == NULL)
        return;
    memcpy(way->addresses[0].at, tunnel_address(way->tunnel),
           strlen(tunnel_address(way->tunnel)) + 1);
    way->count = 1;
}

static void tell(struct dial *dial, const struct addrinfo *found)
{
    bool has_proxy = dial->host->has_proxy;
    struct dial_way way = {.why = has_proxy ? "the proxy's name cannot be resolved"
                                            : "its name cannot be resolved"};
    if (found != NULL && has_proxy)
        go_by_proxy(dial, &way, found);
    else
        go_straight(&way, found);
    dial->found(dial->owner, &way);
}

/* Of one that was cancelled the host may be gone. */
static void on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
    struct dial *dial = request->data;
    if (dial->owner != NULL)
        tell(dial, status == 0 ? found : NULL);
    uv_freeaddrinfo(found);
    free(dial);
}

static void on_failure_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void on_failed(uv_timer_t *timer)
{
    struct dial *dial = timer->data;
    const struct dial_way way = {.why = dial->why};
    uv_close((uv_handle_t *)timer, on_failure_closed);
    if (dial->owner != NULL)
        dial->found(dial->owner, &way);
}

static void fail(struct dial *dial, const char *why)
{
    dial->why = why;
    uv_timer_init(dial->host->loop, &dial->failed);
    dial->failed.data = dial;
    uv_timer_start(&dial->failed, on_failed, 0, 0);
}

struct dial *dial_new(struct link_host *host, const struct url *url,
                      void (*found)(void *owner, const struct dial_way *way), void *owner)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct dial *dial = calloc(1, sizeof *dial);
    if (dial == NULL)
        abort();
    dial->host = host;
    memcpy(dial->target, url->host, sizeof dial->target);
    dial->port = url->port;
    dial->found = found;
    dial->owner = owner;
    dial->resolve.data = dial;
    char port[8];
    snprintf(port, sizeof port, "%u", host->has_proxy ? host->proxy.port : url->port);
    if (!host->has_proxy && ends_with(url->host, ".onion"))
        fail(dial, "an onion service is reached through a proxy, Tor's");
    else if (uv_getaddrinfo(host->loop, &dial->resolve, on_resolved,
                            host->has_proxy ? host->proxy.host : url->host, port, &hints) != 0)
        fail(dial, "its name cannot be resolved");
    return dial;
}

void dial_cancel(struct dial *dial)
{
    dial->owner = NULL;
}
