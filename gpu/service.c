#include "gpu/service.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "gpu/journal.h"
#include "gpu/label.h"
#include "gpu/model.h"
#include "gpu/service_lead.h"
#include "gpu/service_parts.h"
#include "gpu/shop.h"
#include "gpu/size.h"
#include "shared/err.h"
#include "shared/number.h"
#include "shared/text.h"

enum {
    BODY_BYTES_MAX = 4 << 20,
    CONNECTIONS_MAX = 1024,
    TALKS_MAX = 512,
    DRAIN_TICK_MS = 20,
    QUIET_MS = 2000
};

struct line {
    const char *name, *type;
    double value;
};

static void write_lines(struct text *out, const struct line *lines, size_t count)
{
    for (size_t i = 0; i < count; i++)
        text_addf(out, "# TYPE shoal_gpu_%s %s\nshoal_gpu_%s %.15g\n", lines[i].name, lines[i].type,
                  lines[i].name, lines[i].value);
}

static void write_jobs(struct text *out, struct engine *engine)
{
    struct scheduler_statistics jobs = engine_statistics(engine);
    const struct line lines[] = {
        {"jobs_total", "counter", (double)jobs.jobs},
        {"jobs_refused_total", "counter", (double)jobs.refused},
        {"jobs_running", "gauge", (double)jobs.running},
        {"jobs_waiting", "gauge", (double)jobs.waiting},
        {"kept_tokens_total", "counter", (double)jobs.kept_tokens},
        {"steps_total", "counter", (double)jobs.steps},
        {"step_seconds_total", "counter", (double)jobs.nanoseconds / 1e9},
        {"weight_bytes_total", "counter", (double)jobs.weight_bytes},
        {"pages", "gauge", (double)jobs.pages},
        {"pages_free", "gauge", (double)jobs.pages_free},
        {"tokens_per_second", "gauge", (double)jobs.tokens_rate},
        {"prompt_tokens_per_second", "gauge", (double)jobs.prompts_rate},
    };
    write_lines(out, lines, ARRAY_LEN(lines));
}

static void write_tries(struct text *out, const struct backend *backend)
{
    struct backend_statistics tries = backend_statistics(backend);
    const struct line lines[] = {{"backend_tries_total", "counter", (double)tries.tries},
                                 {"backend_failures_total", "counter", (double)tries.failures}};
    write_lines(out, lines, ARRAY_LEN(lines));
}

static void write_orders(struct text *out, const struct service *service)
{
    struct executor_statistics orders = service_sell_statistics(service);
    const struct line lines[] = {{"orders_now", "gauge", (double)orders.now},
                                 {"orders_claimed_total", "counter", (double)orders.claimed},
                                 {"orders_completed_total", "counter", (double)orders.completed},
                                 {"orders_failed_total", "counter", (double)orders.failed},
                                 {"orders_cancelled_total", "counter", (double)orders.cancelled},
                                 {"orders_lost_total", "counter", (double)orders.lost}};
    write_lines(out, lines, ARRAY_LEN(lines));
}

void service_write_metrics(struct text *out, const struct service *service)
{
    struct talks_statistics talks = talks_statistics(service->talks);
    const struct line lines[] = {
        {"requests_total", "counter", (double)talks.all},
        {"requests_refused_total", "counter", (double)talks.refused},
        {"requests_failed_total", "counter", (double)talks.failed},
        {"requests_left_total", "counter", (double)talks.left},
        {"requests_now", "gauge", (double)talks.now},
        {"prompt_tokens_total", "counter", (double)talks.prompt_tokens},
        {"tokens_total", "counter", (double)talks.tokens},
    };
    write_lines(out, lines, ARRAY_LEN(lines));
    if (service->sale != NULL)
        write_orders(out, service);
    if (service->engine != NULL)
        write_jobs(out, service->engine);
    else
        write_tries(out, service->backend);
}

/* ---- the end ---- */

static void close_source(struct service *service)
{
    if (service->engine != NULL)
        engine_close(service->engine);
    if (service->backend != NULL)
        backend_close(service->backend);
}

static void close_handles(struct service *service)
{
    counter_close(service->counter);
    herald_close(service->herald);
    bridge_close(service->bridge);
    httpd_free(service->httpd);
    service_market_close(service->market);
    service_lead_close(service);
    service_sell_close(service);
    uv_close((uv_handle_t *)&service->drain, NULL);
    for (size_t i = 0; i < ARRAY_LEN(service->signals); i++)
        uv_close((uv_handle_t *)(service->signals + i), NULL);
    close_source(service);
}

/* Answers end by themselves or are ended; when none is left, so does the loop. */
static void on_drain(uv_timer_t *timer)
{
    struct service *service = timer->data;
    service->drained_ms += DRAIN_TICK_MS;
    bool cuts = service->ends_now || service->drained_ms / 1000 >= SERVICE_DRAIN_S;
    bool is_quiet = service->ends_now || service->drained_ms >= QUIET_MS ||
                    service_market_is_quiet(service->market);
    if (cuts) {
        talks_cancel(service->talks);
        service_sell_yield(service);
    }
    if (talks_statistics(service->talks).now == 0 && is_quiet && service_sell_is_idle(service) &&
        service_market_is_idle(service->market) && counter_is_idle(service->counter) &&
        (cuts || httpd_busy(service->httpd) == 0))
        close_handles(service);
}

static void on_signal(uv_signal_t *signal, int number)
{
    struct service *service = signal->data;
    (void)number;
    if (service->is_draining) {
        service->ends_now = true;
        return;
    }
    service->is_draining = true;
    journal_line(JOURNAL_INFO, "serve: stopping requests=%u", talks_statistics(service->talks).now);
    httpd_drain(service->httpd);
    herald_hush(service->herald);
    counter_drain(service->counter);
    service_market_withdraw(service->market);
    service_sell_drain(service);
    uv_timer_start(&service->drain, on_drain, 0, DRAIN_TICK_MS);
}

/* ---- the beginning ---- */

static void take_name(struct service *service, const struct service_options *options)
{
    const char *name =
        options->name == NULL && service->backend != NULL ? options->backend.model : options->name;
    if (name != NULL)
        snprintf(service->name, sizeof service->name, "%s", name);
    else
        label_name(service->name, sizeof service->name, options->engine.model);
}

static void describe(struct service *service)
{
    if (service->engine == NULL) { /* what it has is not known here */
        service->model = (struct ollama_model){.name = {service->name, strlen(service->name)},
                                               .family = "unknown",
                                               .format = "unknown",
                                               .type = "unknown",
                                               .changed_at = time(NULL)};
        return;
    }
    const struct model *model = engine_model(service->engine);
    struct size size = size_of_model(model);
    service->model =
        (struct ollama_model){.name = {service->name, strlen(service->name)},
                              .family = hyper_family_name(model->hyper.family),
                              .format = model->gguf.tensors.count > 0 ? "gguf" : "safetensors",
                              .type = label_stored(model),
                              .size = size.stored,
                              .parameters = size.parameters,
                              .changed_at = model->files[0].identity.modified_ns / 1000000000,
                              .context = engine_context(service->engine),
                              .width = model->hyper.width,
                              .template = engine_template(service->engine)};
}

static bool read_listen(struct httpd_setup *setup, char *host, size_t size, const char *listen,
                        struct err *err)
{
    const char *colon = strrchr(listen, ':');
    int64_t port;
    if (colon == NULL || !number_decimal(&port, (struct span){colon + 1, strlen(colon + 1)}) ||
        port > UINT16_MAX)
        return err_set(err, ERR_INVALID, "--listen wants HOST:PORT, not '%.60s'", listen);
    struct span text = {listen, (size_t)(colon - listen)};
    if (text.len >= 2 && text.at[0] == '[' && text.at[text.len - 1] == ']')
        text = (struct span){text.at + 1, text.len - 2};
    snprintf(host, size, "%.*s", SPAN_ARG(text));
    setup->host = host;
    setup->port = (uint16_t)port;
    return true;
}

static void on_gone(void *owner, uint64_t number)
{
    struct service *service = owner;
    talks_gone(service->talks, number);
}

static void begin(struct service *service)
{
    static const int numbers[] = {SIGTERM, SIGINT};
    uv_timer_init(&service->loop, &service->drain);
    service->drain.data = service;
    for (size_t i = 0; i < ARRAY_LEN(service->signals); i++) {
        uv_signal_init(&service->loop, service->signals + i);
        service->signals[i].data = service;
        uv_signal_start(service->signals + i, on_signal, numbers[i]);
    }
}

static bool open_source(struct service *service, const struct service_options *options,
                        struct err *err)
{
    struct backend_options backend = options->backend;
    if (backend.base == NULL) {
        service->engine = engine_open(&service->loop, &options->engine, err);
        return service->engine != NULL;
    }
    if (options->backend_key_file != NULL) {
        if (!apikey_read_own(service->backend_key, options->backend_key_file, err))
            return false;
        backend.key = service->backend_key;
    }
    service->backend = backend_open(&service->loop, &backend, err);
    return service->backend != NULL;
}

/* http://HOST:PORT */
static void write_address(char *out, size_t size, const struct service *service,
                          const struct httpd_setup *setup)
{
    bool is_v6 = strchr(setup->host, ':') != NULL;
    snprintf(out, size, "http://%s%s%s:%u", is_v6 ? "[" : "", setup->host, is_v6 ? "]" : "",
             httpd_port(service->httpd));
}

static void tell_ready(const struct service *service, const struct httpd_setup *setup,
                       const struct service_options *options)
{
    char address[96];
    char what[160];
    if (service->backend != NULL)
        snprintf(what, sizeof what, "backend=%s", options->backend.base);
    else
        snprintf(what, sizeof what, "chat=%s context=%u",
                 engine_chat(service->engine) != NULL ? chat_name(engine_chat(service->engine))
                                                      : "unknown",
                 engine_context(service->engine));
    write_address(address, sizeof address, service, setup);
    journal_line(JOURNAL_INFO, "serve: ready %s model=%s %s", address, service->name, what);
}

static bool open_market(struct service *service, const struct service_options *options,
                        struct err *err)
{
    struct service_market_options market = options->market;
    market.parallel = options->engine.parallel;
    market.price = options->sell.price;
    market.url = options->sell.url;
    market.mint = service->bank != NULL ? bank_mint(service->bank) : NULL;
    market.device = options->engine.card != NULL ? "cuda" : "cpu";
    market.weights = options->engine.weights;
    return service_market_open(&service->market, &service->loop, &market, service->engine,
                               service->name, err);
}

/* What the bank has is for whoever asks. */
static bool open_counter(struct service *service, struct err *err)
{
    struct mint *mint = service->bank != NULL ? bank_mint(service->bank) : NULL;
    if (mint == NULL)
        return true;
    service->herald =
        herald_open(&service->loop, service->httpd, mint, bank_database(service->bank), err);
    if (service->herald == NULL)
        return false;
    service->counter = counter_open(&service->loop, service->httpd, mint, service->herald);
    return true;
}

static bool sell(struct service *service, const struct httpd_setup *setup,
                 const struct service_options *options, struct err *err)
{
    struct service_sell_options selling = options->sell;
    char address[96];
    selling.parallel = options->engine.parallel;
    selling.roots = options->market.roots;
    selling.identity = options->market.identity;
    write_address(address, sizeof address, service, setup);
    if (!service_sell_open(service, &selling, address, err))
        return false;
    struct shop *shop = service_sell_shop(service);
    service_market_deliver(service->market, &service->loop, shop);
    if (shop != NULL)
        counter_tell_jobs(service->counter, shop_inquiry(shop));
    return true;
}

static void open_talks(struct service *service)
{
    struct source *own = service_sell_source(service, false);
    if (own == NULL)
        own = service->engine != NULL ? engine_source(service->engine)
                                      : backend_source(service->backend);
    service->talks = talks_new(&(struct talks_setup){.source = own,
                                                     .paid = service_sell_source(service, true),
                                                     .model = service->model.name,
                                                     .talks_max = TALKS_MAX});
}

/* With what it asks for, before there is anything else. */
static bool open_bank(struct service *service, const struct service_options *options,
                      struct err *err)
{
    if (options->bank.seed.file == NULL)
        return options->wallet == NULL ||
               err_set(err, ERR_INVALID, "--wallet-connect wants --mint, whose credit is sold");
    service->bank = bank_open(&options->bank, err);
    if (service->bank == NULL || options->wallet == NULL)
        return service->bank != NULL;
    service->bridge = bridge_open(&service->loop, service->bank, options->wallet, err);
    return service->bridge != NULL;
}

/* The model first: who can connect is answered. */
static bool start(struct service *service, const struct service_options *options, struct err *err)
{
    char host[64];
    struct httpd_setup setup = {.loop = &service->loop,
                                .connections_max = CONNECTIONS_MAX,
                                .body_bytes_max = BODY_BYTES_MAX,
                                .ask = service_ask,
                                .gone = on_gone,
                                .owner = service};
    if ((options->key_file != NULL && !apikey_read(&service->keys, options->key_file, err)) ||
        !read_listen(&setup, host, sizeof host, options->listen, err))
        return false;
    if (!open_bank(service, options, err))
        return false;
    if (!open_source(service, options, err)) {
        bridge_close(service->bridge);
        return false;
    }
    take_name(service, options);
    describe(service);
    service->httpd = httpd_new(&setup, err);
    if (service->httpd == NULL || !open_counter(service, err) ||
        !open_market(service, options, err) || !service_lead_open(service, options, err) ||
        !sell(service, &setup, options, err)) {
        counter_close(service->counter);
        herald_close(service->herald);
        bridge_close(service->bridge);
        if (service->httpd != NULL)
            httpd_free(service->httpd);
        service_market_close(service->market);
        service_lead_close(service);
        close_source(service);
        return false;
    }
    open_talks(service);
    begin(service);
    tell_ready(service, &setup, options);
    return true;
}

bool service_run(const struct service_options *options, struct err *err)
{
    struct service service = {0};
    uv_loop_init(&service.loop);
    bool ok = start(&service, options, err);
    uv_run(&service.loop, UV_RUN_DEFAULT);
    talks_free(service.talks);
    bridge_free(service.bridge);
    bank_close(service.bank);
    uv_loop_close(&service.loop);
    if (ok)
        journal_line(JOURNAL_INFO, "serve: stopped");
    return ok;
}
