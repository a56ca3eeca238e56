#include "gpu/service.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "gpu/journal.h"
#include "gpu/model.h"
#include "gpu/service_parts.h"
#include "gpu/size.h"
#include "shared/err.h"
#include "shared/number.h"
#include "shared/text.h"

enum { BODY_BYTES_MAX = 4 << 20, CONNECTIONS_MAX = 1024, TALKS_MAX = 512, DRAIN_TICK_MS = 20 };

void service_write_metrics(struct text *out, const struct service *service)
{
    struct talks_statistics talks = talks_statistics(service->talks);
    struct scheduler_statistics jobs = engine_statistics(service->engine);
    const struct {
        const char *name, *type;
        double value;
    } lines[] = {
        {"requests_total", "counter", (double)talks.all},
        {"requests_refused_total", "counter", (double)talks.refused},
        {"requests_failed_total", "counter", (double)talks.failed},
        {"requests_left_total", "counter", (double)talks.left},
        {"requests_now", "gauge", (double)talks.now},
        {"prompt_tokens_total", "counter", (double)jobs.prompt_tokens},
        {"tokens_total", "counter", (double)jobs.tokens},
        {"kept_tokens_total", "counter", (double)jobs.kept_tokens},
        {"jobs_total", "counter", (double)jobs.jobs},
        {"jobs_refused_total", "counter", (double)jobs.refused},
        {"jobs_running", "gauge", (double)jobs.running},
        {"jobs_waiting", "gauge", (double)jobs.waiting},
        {"steps_total", "counter", (double)jobs.steps},
        {"step_seconds_total", "counter", (double)jobs.nanoseconds / 1e9},
        {"weight_bytes_total", "counter", (double)jobs.weight_bytes},
        {"pages", "gauge", (double)jobs.pages},
        {"pages_free", "gauge", (double)jobs.pages_free},
        {"tokens_per_second", "gauge", (double)jobs.tokens_rate},
        {"prompt_tokens_per_second", "gauge", (double)jobs.prompts_rate},
    };
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        text_addf(out, "# TYPE shoal_gpu_%s %s\nshoal_gpu_%s %.15g\n", lines[i].name, lines[i].type,
                  lines[i].name, lines[i].value);
}

/* ---- the end ---- */

static void close_handles(struct service *service)
{
    httpd_free(service->httpd);
    uv_close((uv_handle_t *)&service->drain, NULL);
    for (size_t i = 0; i < ARRAY_LEN(service->signals); i++)
        uv_close((uv_handle_t *)(service->signals + i), NULL);
    engine_close(service->engine);
}

/* Answers end by themselves or are ended; when none is left, so does the loop. */
static void on_drain(uv_timer_t *timer)
{
    struct service *service = timer->data;
    service->drained_ms += DRAIN_TICK_MS;
    bool cuts = service->ends_now || service->drained_ms / 1000 >= SERVICE_DRAIN_S;
    if (cuts)
        talks_cancel(service->talks);
    if (talks_statistics(service->talks).now == 0 && (cuts || httpd_busy(service->httpd) == 0))
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
    uv_timer_start(&service->drain, on_drain, 0, DRAIN_TICK_MS);
}

/* ---- the beginning ---- */

/* As its file or folder is called, without what says that it is a model's. */
static void take_name(struct service *service, const struct service_options *options)
{
    char path[PATH_MAX];
    const char *from = options->name;
    if (from == NULL) {
        from = realpath(options->engine.model, path) != NULL ? path : options->engine.model;
        from = strrchr(from, '/') != NULL ? strrchr(from, '/') + 1 : from;
    }
    size_t len = strlen(from);
    if (options->name == NULL && len > 5 && strcmp(from + len - 5, ".gguf") == 0)
        len -= 5;
    snprintf(service->name, sizeof service->name, "%.*s", (int)len, from);
}

static void describe(struct service *service)
{
    const struct model *model = engine_model(service->engine);
    struct size size = size_of_model(model);
    enum dtype type = model->weight_count > 0 ? model->weights[0].tensor->type : DTYPE_F32;
    service->model =
        (struct ollama_model){.name = {service->name, strlen(service->name)},
                              .family = hyper_family_name(model->hyper.family),
                              .format = model->gguf.tensors.count > 0 ? "gguf" : "safetensors",
                              .type = dtype_name(type),
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
    service->engine = engine_open(&service->loop, &options->engine, err);
    if (service->engine == NULL)
        return false;
    take_name(service, options);
    describe(service);
    service->talks = talks_new(&(struct talks_setup){.source = engine_source(service->engine),
                                                     .model = service->model.name,
                                                     .talks_max = TALKS_MAX});
    service->httpd = httpd_new(&setup, err);
    if (service->httpd == NULL) {
        engine_close(service->engine);
        return false;
    }
    begin(service);
    journal_line(JOURNAL_INFO, "serve: ready http://%s:%u model=%s chat=%s context=%u", setup.host,
                 httpd_port(service->httpd), service->name,
                 engine_chat(service->engine) != NULL ? chat_name(engine_chat(service->engine))
                                                      : "unknown",
                 engine_context(service->engine));
    return true;
}

bool service_run(const struct service_options *options, struct err *err)
{
    struct service service = {0};
    uv_loop_init(&service.loop);
    bool ok = start(&service, options, err);
    uv_run(&service.loop, UV_RUN_DEFAULT);
    talks_free(service.talks);
    uv_loop_close(&service.loop);
    if (ok)
        journal_line(JOURNAL_INFO, "serve: stopped");
    return ok;
}
