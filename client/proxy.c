#include "client/proxy.h"

#include <stdio.h>
#include <stdlib.h>

#include "client/apikey.h"
#include "client/command_survey.h"
#include "client/proxy_errand.h"
#include "client/secret.h"
#include "shared/text.h"

enum { CONNECTIONS_MAX = 256, PROVIDER_WAIT_MS = 120000 };

/* ---- answers of its own ---- */

static const char *type_of(uint32_t status)
{
    if (status == 401)
        return "authentication_error";
    if (status == 402)
        return "insufficient_quota";
    if (status == 429)
        return "rate_limit_error";
    return status < 500 ? "invalid_request_error" : "server_error";
}

void proxy_refuse(struct proxy *proxy, uint64_t number, const struct proxy_refusal *refusal)
{
    const struct httpd_head head = {.status = refusal->status,
                                    .type = "application/json",
                                    .retry_after_s = (uint32_t)((refusal->wait_ms + 999) / 1000)};
    struct text out = {0};
    chunk_refuse(&out, &(struct chunk_refusal){type_of(refusal->status),
                                               refusal->code,
                                               {refusal->why, strlen(refusal->why)}});
    httpd_answer(proxy->httpd, number, &head, text_span(&out));
    text_clear(&out);
}

/* ---- models ---- */

static void add_model(struct text *out, struct span *known, size_t *count, struct span model,
                      struct span owner)
{
    for (size_t i = 0; i < *count; i++)
        if (span_eq(known[i], model))
            return;
    text_add(out, *count > 0 ? SPAN(",") : SPAN(""));
    chunk_model(out, model, owner, 0);
    known[(*count)++] = model;
}

static void list_models(struct proxy *proxy, const struct httpd_request *request)
{
    const struct httpd_head head = {.status = 200, .type = "application/json"};
    struct arena arena = {0};
    struct text out = {0};
    struct market_entry *entries = NULL;
    size_t entry_count = 0, count = 0;
    if (proxy->setup.survey != NULL)
        entries = market_entries(proxy->setup.survey->market, &arena,
                                 (int64_t)(proxy->setup.now_ms() / 1000), uv_now(proxy->setup.loop),
                                 &entry_count);
    struct span *known = arena_array(&arena, struct span,
                                     entry_count + proxy->provider_count * PROVIDER_MODELS_MAX + 1);
    text_add(&out, SPAN("{\"object\":\"list\",\"data\":["));
    for (size_t i = 0; i < entry_count; i++)
        if (entries[i].life != MARKET_GONE && offer_is_whole(&entries[i].offer))
            add_model(&out, known, &count, entries[i].offer.model, SPAN("shoal"));
    for (size_t i = 0; i < proxy->provider_count; i++)
        for (size_t k = 0; k < proxy->providers[i].provider->model_count; k++)
            add_model(&out, known, &count, proxy->providers[i].provider->models[k].name,
                      proxy->providers[i].provider->name);
    text_add(&out, SPAN("]}"));
    httpd_answer(proxy->httpd, request->number, &head, text_span(&out));
    text_clear(&out);
    arena_clear(&arena);
}

/* ---- requests ---- */

static bool is_at(const struct httpd_request *request, const char *method, const char *path)
{
    return strcmp(request->method, method) == 0 && strcmp(request->path, path) == 0;
}

static void on_ask(void *owner, const struct httpd_request *request)
{
    struct proxy *proxy = owner;
    uint64_t number = request->number;
    if (request->origin != NULL)
        proxy_refuse(proxy, number,
                     &(struct proxy_refusal){403, "origin", "not for pages in a browser", 0});
    else if (!apikey_allows(proxy->setup.keys, request->authorization))
        proxy_refuse(proxy, number,
                     &(struct proxy_refusal){401, "invalid_api_key", "no key of this endpoint", 0});
    else if (request->is_too_long)
        proxy_refuse(proxy, number,
                     &(struct proxy_refusal){413, NULL, "the request is too long", 0});
    else if (is_at(request, "GET", "/v1/models"))
        list_models(proxy, request);
    else if (is_at(request, "POST", "/v1/chat/completions"))
        errand_begin(proxy, request);
    else
        proxy_refuse(
            proxy, number,
            &(struct proxy_refusal){404, NULL, "there are /v1/models and /v1/chat/completions", 0});
}

static void on_gone(void *owner, uint64_t number)
{
    struct proxy *proxy = owner;
    for (struct errand *errand = proxy->errands; errand != NULL; errand = errand->next)
        if (errand->number == number) {
            errand_cancel(errand);
            return;
        }
}

/* ---- who failed ---- */

struct proxy_provider *proxy_provider_of(struct proxy *proxy, const struct provider *provider)
{
    size_t i = 0;
    while (proxy->providers[i].provider != provider)
        i++;
    return &proxy->providers[i];
}

/* Of more nodes than are remembered those that failed first are forgotten. */
struct ration_rest *proxy_rest(struct proxy *proxy, const struct outlet *outlet)
{
    if (outlet->provider != NULL)
        return &proxy_provider_of(proxy, outlet->provider)->rest;
    const struct bytes32 *node = &outlet->node->entry.node;
    for (size_t i = 0; i < proxy->rest_count; i++)
        if (memcmp(&proxy->rests[i].node, node, sizeof *node) == 0)
            return &proxy->rests[i].rest;
    if (proxy->rest_count == PROXY_NODES_MAX)
        memmove(proxy->rests, proxy->rests + 1, sizeof *proxy->rests * --proxy->rest_count);
    struct proxy_node_rest *rest = &proxy->rests[proxy->rest_count++];
    *rest = (struct proxy_node_rest){.node = *node};
    return &rest->rest;
}

/* ---- the beginning and the end ---- */

static bool open_provider(struct proxy *proxy, const struct provider *provider, struct err *err)
{
    struct proxy_provider *open = &proxy->providers[proxy->provider_count];
    const struct teller_setup setup = {.loop = proxy->setup.loop,
                                       .url = provider->url,
                                       .proxy = proxy->setup.socks,
                                       .ca_file = proxy->setup.ca_file,
                                       .timeout_ms = PROVIDER_WAIT_MS};
    *open =
        (struct proxy_provider){.provider = provider, .rate = {.per_minute = provider->per_minute}};
    open->key = provider_open(provider, proxy->setup.holder, err);
    if (open->key == NULL)
        return false;
    proxy->provider_count++;
    open->teller = teller_new(&setup, err);
    return open->teller != NULL;
}

static bool open_providers(struct proxy *proxy, struct err *err)
{
    struct provider *providers;
    size_t count;
    if (!provider_list(proxy->setup.store, &providers, &count, &proxy->arena, err))
        return false;
    proxy->providers = arena_array(&proxy->arena, struct proxy_provider, count + 1);
    for (size_t i = 0; i < count; i++)
        if (!open_provider(proxy, &providers[i], err))
            return false;
    return true;
}

static bool open_server(struct proxy *proxy, struct err *err)
{
    const struct httpd_setup setup = {.loop = proxy->setup.loop,
                                      .host = proxy->setup.host,
                                      .port = proxy->setup.port,
                                      .connections_max = CONNECTIONS_MAX,
                                      .body_bytes_max = PROXY_BODY_BYTES_MAX,
                                      .ask = on_ask,
                                      .gone = on_gone,
                                      .owner = proxy};
    proxy->httpd = httpd_new(&setup, err);
    return proxy->httpd != NULL;
}

/* Everything that was put into the loop goes in its own time. */
static void clear(struct proxy *proxy)
{
    for (size_t i = 0; i < proxy->provider_count; i++) {
        teller_free(proxy->providers[i].teller);
        secret_free(proxy->providers[i].key);
    }
    arena_clear(&proxy->arena);
    free(proxy);
}

struct proxy *proxy_new(const struct proxy_setup *setup, struct err *err)
{
    struct proxy *proxy = calloc(1, sizeof *proxy);
    if (proxy == NULL)
        abort();
    proxy->setup = *setup;
    if (!open_providers(proxy, err) || !open_server(proxy, err)) {
        clear(proxy);
        return NULL;
    }
    if (setup->survey != NULL)
        node_sweep(setup->call, setup->loop, setup->holder);
    return proxy;
}

uint16_t proxy_port(const struct proxy *proxy)
{
    return httpd_port(proxy->httpd);
}

void proxy_ended(struct proxy *proxy)
{
    if (proxy->is_freed && proxy->errands == NULL)
        clear(proxy);
}

void proxy_free(struct proxy *proxy)
{
    struct errand *next;
    for (struct errand *errand = proxy->errands; errand != NULL; errand = next) {
        next = errand->next;
        errand_cancel(errand);
    }
    httpd_free(proxy->httpd);
    proxy->is_freed = true;
    proxy_ended(proxy);
}
