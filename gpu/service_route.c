/* service_route.c - which request is answered by what. */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "gpu/chat.h"
#include "gpu/openai.h"
#include "gpu/service_parts.h"
#include "shared/arena.h"
#include "shared/scan.h"
#include "shared/text.h"

/* An answer that is at hand. False, and the refusal, when there is none. */
typedef bool write_fn(struct text *out, const struct service *service,
                      const struct httpd_request *request, struct refusal *refusal);

struct route {
    const char *method, *path;
    const struct dialect *dialect; /* NULL: write */
    write_fn *write;
    const char *type; /* NULL: JSON */
    bool is_open;     /* to those without a key */
};

static bool write_health(struct text *out, const struct service *service,
                         const struct httpd_request *request, struct refusal *refusal)
{
    (void)request;
    text_add(out, SPAN("{\"status\":\"ok\"}"));
    return !service->is_draining || refusal_set(refusal, 503, NULL, "the node is stopping");
}

static bool write_metrics(struct text *out, const struct service *service,
                          const struct httpd_request *request, struct refusal *refusal)
{
    (void)request;
    (void)refusal;
    service_write_metrics(out, service);
    return true;
}

static bool write_root(struct text *out, const struct service *service,
                       const struct httpd_request *request, struct refusal *refusal)
{
    (void)service;
    (void)request;
    (void)refusal;
    text_add(out, SPAN("shoal-gpu is running\n"));
    return true;
}

static bool write_models(struct text *out, const struct service *service,
                         const struct httpd_request *request, struct refusal *refusal)
{
    (void)request;
    (void)refusal;
    text_add(out, SPAN("{\"object\":\"list\",\"data\":["));
    openai_write_model(out, service->model.name, service->model.changed_at);
    text_add(out, SPAN("]}"));
    return true;
}

static bool refuse_model(struct refusal *refusal, struct span name)
{
    refusal_fill(refusal, 404, "model", "there is no model '%.60s' here", scan_word(name).at);
    refusal->code = "model_not_found";
    return false;
}

static bool write_model(struct text *out, const struct service *service,
                        const struct httpd_request *request, struct refusal *refusal)
{
    const char *name = request->path + strlen("/v1/models/");
    struct span named = {name, strlen(name)};
    if (!span_eq(named, service->model.name))
        return refuse_model(refusal, named);
    openai_write_model(out, service->model.name, service->model.changed_at);
    return true;
}

static bool write_tags(struct text *out, const struct service *service,
                       const struct httpd_request *request, struct refusal *refusal)
{
    (void)request;
    (void)refusal;
    text_add(out, SPAN("{\"models\":["));
    ollama_write_model(out, &service->model);
    text_add(out, SPAN("]}"));
    return true;
}

static bool write_version(struct text *out, const struct service *service,
                          const struct httpd_request *request, struct refusal *refusal)
{
    (void)service;
    (void)request;
    (void)refusal;
    text_add(out, SPAN("{\"version\":\"" SHOAL_VERSION "\"}"));
    return true;
}

static bool write_show(struct text *out, const struct service *service,
                       const struct httpd_request *request, struct refusal *refusal)
{
    struct arena arena = {0};
    struct span model;
    bool ok = ollama_read_model(&model, &arena, request->body, refusal) &&
              (span_eq(model, service->model.name) || refuse_model(refusal, model));
    if (ok)
        ollama_write_details(out, &service->model);
    arena_clear(&arena);
    return ok;
}

/* A path that ends in / stands for all below it. */
static const struct route routes[] = {
    {"POST", "/v1/chat/completions", &openai_chat, NULL, NULL, false},
    {"POST", "/v1/completions", &openai_text, NULL, NULL, false},
    {"POST", "/v1/embeddings", &openai_embedding, NULL, NULL, false},
    {"GET", "/v1/models", NULL, write_models, NULL, false},
    {"GET", "/v1/models/", NULL, write_model, NULL, false},
    {"POST", "/api/chat", &ollama_chat, NULL, NULL, false},
    {"POST", "/api/generate", &ollama_text, NULL, NULL, false},
    {"POST", "/api/embed", &ollama_embed, NULL, NULL, false},
    {"POST", "/api/embeddings", &ollama_embedding, NULL, NULL, false},
    {"POST", "/api/show", NULL, write_show, NULL, false},
    {"GET", "/api/tags", NULL, write_tags, NULL, false},
    {"GET", "/api/ps", NULL, write_tags, NULL, false},
    {"GET", "/api/version", NULL, write_version, NULL, false},
    {"GET", "/metrics", NULL, write_metrics, "text/plain; version=0.0.4", false},
    {"GET", "/health", NULL, write_health, NULL, true},
    {"GET", "/", NULL, write_root, "text/plain", true},
};

static bool is_at(const struct route *route, const char *path)
{
    size_t len = strlen(route->path);
    return strcmp(route->path, path) == 0 ||
           (len > 1 && route->path[len - 1] == '/' && strncmp(route->path, path, len) == 0);
}

static const struct route *find_route(const struct httpd_request *request, struct httpd_head *head)
{
    const char *method = strcmp(request->method, "HEAD") == 0 ? "GET" : request->method;
    head->status = 404;
    for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
        if (!is_at(routes + i, request->path))
            continue;
        if (strcmp(routes[i].method, method) == 0)
            return routes + i;
        head->status = 405;
        head->allow = routes[i].method;
    }
    return NULL;
}

/* Pages from this machine alone may use the node: any other could spend a visitor's time here. */
static bool is_own_page(const char *origin)
{
    static const char *const hosts[] = {"localhost", "127.0.0.1", "[::1]"};
    const char *host = strstr(origin, "://");
    for (size_t i = 0; host != NULL && i < ARRAY_LEN(hosts); i++) {
        size_t len = strlen(hosts[i]);
        if (strncasecmp(host + 3, hosts[i], len) == 0 &&
            (host[3 + len] == '\0' || host[3 + len] == ':'))
            return true;
    }
    return false;
}

static void refuse(struct service *service, const struct httpd_request *request,
                   struct httpd_head *head, const struct refusal *refusal)
{
    struct text body = {0};
    bool is_ollama = strncmp(request->path, "/api/", 5) == 0;
    (is_ollama ? ollama_refuse : openai_refuse)(&body, refusal);
    head->status = (uint32_t)refusal->status;
    head->type = "application/json";
    httpd_answer(service->httpd, request->number, head, text_span(&body));
    text_clear(&body);
}

/* Without a key, it is paid for, where it can be. */
static bool is_for_sale(const struct service *service, const struct httpd_request *request,
                        const struct route *route)
{
    bool has_key = service->keys.count > 0 && apikey_allows(&service->keys, request->authorization);
    return service->sale != NULL && !has_key && route != NULL &&
           (route->dialect == &openai_chat || route->dialect == &openai_text);
}

/* Whether the request may be answered at all. */
static bool admit(const struct service *service, const struct httpd_request *request,
                  const struct route *route, const struct httpd_head *head, struct refusal *refusal)
{
    if (request->origin != NULL && head->origin == NULL)
        return refusal_set(refusal, 403, NULL, "pages from elsewhere may not ask this node");
    bool is_closed = service->sale != NULL && service->keys.count == 0 && route != NULL &&
                     route->dialect != NULL;
    if ((route == NULL || !route->is_open) && !is_for_sale(service, request, route) &&
        (is_closed || !apikey_allows(&service->keys, request->authorization)))
        return refusal_set(refusal, 401, NULL, "no valid API key: Authorization: Bearer KEY");
    if (route == NULL && head->status == 405)
        return refusal_set(refusal, 405, NULL, "%.60s is for %s", request->path, head->allow);
    if (route == NULL)
        return refusal_set(refusal, 404, NULL, "there is nothing at %.100s", request->path);
    return !service->is_draining || route->is_open ||
           refusal_set(refusal, 503, NULL, "the node is stopping");
}

void service_ask(void *owner, const struct httpd_request *request)
{
    struct service *service = owner;
    struct refusal refusal;
    struct text body = {0};
    struct httpd_head head = {.closes = service->is_draining};
    if (herald_takes(service->herald, request)) {
        herald_ask(service->herald, request);
        return;
    }
    if (counter_takes(service->counter, request)) {
        counter_ask(service->counter, request);
        return;
    }
    if (request->origin != NULL && is_own_page(request->origin))
        head.origin = request->origin;
    if (strcmp(request->method, "OPTIONS") == 0 && head.origin != NULL) {
        head.status = 204;
        httpd_answer(service->httpd, request->number, &head, SPAN(""));
        return;
    }
    const struct route *route = find_route(request, &head);
    if (!admit(service, request, route, &head, &refusal)) {
        refuse(service, request, &head, &refusal);
        return;
    }
    if (route->dialect != NULL) {
        struct talks_call call = {.httpd = service->httpd,
                                  .request = request,
                                  .dialect = route->dialect,
                                  .origin = head.origin,
                                  .is_paid = is_for_sale(service, request, route)};
        talks_begin(service->talks, &call);
        return;
    }
    if (!route->write(&body, service, request, &refusal)) {
        refuse(service, request, &head, &refusal);
    } else {
        head.status = 200;
        head.type = route->type != NULL ? route->type : "application/json";
        httpd_answer(service->httpd, request->number, &head, text_span(&body));
    }
    text_clear(&body);
}
