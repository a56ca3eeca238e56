/* service_parts.h - what service's files share. Part of service.
 *
 *   threads  loop thread only
 */
#pragma once

#include "client/apikey.h"
#include "client/httpd.h"
#include "gpu/bridge.h"
#include "gpu/counter.h"
#include "gpu/herald.h"
#include "gpu/ollama.h"
#include "gpu/service.h"
#include "gpu/talk.h"

struct service {
    uv_loop_t loop;
    struct apikey_list keys;
    struct engine *engine; /* or: */
    struct backend *backend;
    char backend_key[APIKEY_BYTES_MAX + 1];
    struct talks *talks;
    struct httpd *httpd;
    struct service_market *market;   /* NULL: nothing is announced */
    struct bank *bank;               /* NULL: none */
    struct bridge *bridge;           /* NULL: no Lightning */
    struct counter *counter;         /* NULL: no mint */
    struct herald *herald;           /* the same */
    struct service_sale *sale;       /* NULL: nothing is sold */
    struct service_leading *leading; /* NULL: no stages of others */
    struct ollama_model model;
    char name[128];
    int64_t began_at;
    uv_signal_t signals[2];
    uv_timer_t drain;
    int64_t drained_ms;
    bool is_draining, ends_now;
};

/* Answers any request: the routes. */
void service_ask(void *owner, const struct httpd_request *request);

/* Prometheus' text. */
void service_write_metrics(struct text *out, const struct service *service);
