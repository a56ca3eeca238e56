#include "gpu/backend.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/random.h>

#include "gpu/uplink.h"
#include "gpu/upstream.h"
#include "shared/err.h"

enum { CONNECT_S = 5, URL_BYTES_MAX = 1024, REASON_BYTES_MAX = 65536 };

/* One job: a try at it, or the time before the next. */
struct errand {
    struct backend *backend;
    struct errand *next;
    uint64_t number;
    const struct ask *ask;
    uint32_t index, tries;
    uv_timer_t timer;          /* until the next try; within one, of its silence */
    struct transfer *transfer; /* NULL between tries */
    struct upstream_reader reader;
    struct text reason; /* an answer that is no success */
    uint64_t began_ns, first_ns;
    bool is_cancelled, has_said;
};

struct backend {
    struct source source;
    struct backend_options options;
    struct uplink *uplink;
    enum upstream_api api;
    uv_loop_t *loop;
    struct errand *first;
    struct backend_statistics statistics;
};

/* ---- the end ---- */

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void end(struct errand *errand, const struct source_end *ended)
{
    struct backend *backend = errand->backend;
    struct errand **at = &backend->first;
    while (*at != errand)
        at = &(*at)->next;
    *at = errand->next;
    backend->source.end(backend->source.owner, errand->number, ended);
    upstream_clear(&errand->reader);
    text_clear(&errand->reason);
    uv_close((uv_handle_t *)&errand->timer, on_closed);
}

static void refuse(struct errand *errand, int status, const char *why)
{
    struct source_end ended = {.is_refused = true};
    refusal_fill(&ended.refusal, status, NULL, "the backend: %s", why);
    end(errand, &ended);
}

static void succeed(struct errand *errand)
{
    struct upstream_reader *reader = &errand->reader;
    uint64_t now_ns = uv_hrtime();
    struct source_end ended = {.end = reader->end,
                               .embedding = reader->embedding,
                               .width = reader->width,
                               .usage = reader->usage};
    uint64_t first_ns = errand->first_ns > 0 ? errand->first_ns : now_ns;
    ended.usage.prompt_nanoseconds = first_ns - errand->began_ns;
    ended.usage.nanoseconds = now_ns - first_ns;
    end(errand, &ended);
}

/* ---- one try ---- */

static void on_timer(uv_timer_t *timer);

/* Half of the time is chance, so that those who were refused together do not come together. */
static uint64_t wait_ms(const struct errand *errand, const struct uplink_result *result)
{
    uint32_t chance = 0;
    uint64_t ms = (uint64_t)BACKEND_WAIT_MS << (errand->tries - 1);
    if (result->retry_after_s > 0)
        return (uint64_t)result->retry_after_s * 1000;
    if (getrandom(&chance, sizeof chance, 0) != (ssize_t)sizeof chance)
        return ms;
    return ms / 2 + chance % (ms / 2 + 1);
}

static void fail(struct errand *errand, const struct uplink_result *result, int status,
                 const char *why)
{
    bool is_final = status == 400 || status == 404 || errand->has_said ||
                    errand->tries == BACKEND_TRIES_MAX ||
                    result->retry_after_s > BACKEND_WAIT_S_MAX;
    errand->backend->statistics.failures++;
    if (is_final)
        refuse(errand, status, why);
    else
        uv_timer_start(&errand->timer, on_timer, wait_ms(errand, result), 0);
}

/* What a status of the backend is to whoever has asked us. */
static int status_for(int status)
{
    switch (status) {
    case 400:
    case 404:
    case 413:
    case 429:
    case 503:
        return status;
    default:
        return 502; /* also for 401: it is our key that it does not like */
    }
}

static void on_done(void *owner, const struct uplink_result *result)
{
    struct errand *errand = owner;
    struct upstream_reader *reader = &errand->reader;
    char why[160];
    errand->transfer = NULL;
    if (errand->is_cancelled)
        return; /* the timer ends it */
    uv_timer_stop(&errand->timer);
    if (result->status != 200 && result->is_whole) {
        upstream_reason(why, sizeof why, text_span(&errand->reason));
        if (why[0] == '\0')
            snprintf(why, sizeof why, "status %d", result->status);
        fail(errand, result, status_for(result->status), why);
        return;
    }
    if (result->is_whole)
        upstream_end(reader);
    if (reader->is_damaged) {
        fail(errand, result, 502, reader->why);
        return;
    }
    if (reader->has_finished)
        succeed(errand);
    else
        fail(errand, result, result->status == 0 ? 503 : 502,
             result->is_whole ? "the answer was cut off" : result->why);
}

static void on_said(void *owner, struct span piece)
{
    struct errand *errand = owner;
    struct source *source = &errand->backend->source;
    if (errand->is_cancelled)
        return;
    if (!errand->has_said)
        errand->first_ns = uv_hrtime();
    errand->has_said = true;
    struct source_piece told = {.text = piece};
    source->piece(source->owner, errand->number, &told);
}

static void await_byte(struct errand *errand)
{
    uint64_t silence_ms = (uint64_t)errand->backend->options.silence_s * 1000;
    uv_timer_start(&errand->timer, on_timer, silence_ms, 0);
}

static bool on_piece(void *owner, int status, struct span piece)
{
    struct errand *errand = owner;
    if (errand->is_cancelled)
        return false;
    await_byte(errand);
    if (status == 200)
        return upstream_read(&errand->reader, piece);
    if (piece.len > REASON_BYTES_MAX - errand->reason.len)
        return false;
    text_add(&errand->reason, piece);
    return true;
}

static void try_it(struct errand *errand)
{
    struct backend *backend = errand->backend;
    char url[URL_BYTES_MAX];
    struct text body = {0};
    struct uplink_call call = {.url = url,
                               .key = backend->options.key,
                               .connect_s = CONNECT_S,
                               .piece = on_piece,
                               .done = on_done,
                               .owner = errand};
    upstream_clear(&errand->reader);
    errand->reader = (struct upstream_reader){.api = backend->api,
                                              .kind = errand->ask->kind,
                                              .tell = on_said,
                                              .owner = errand,
                                              .end = ANSWER_ENDED};
    errand->reason.len = 0;
    errand->tries++;
    backend->statistics.tries++;
    snprintf(url, sizeof url, "%s%s", backend->options.base,
             upstream_path(backend->api, errand->ask->kind));
    upstream_write(&body, backend->api, errand->ask, errand->index, backend->options.model);
    call.body = text_span(&body);
    errand->transfer = uplink_post(backend->uplink, &call);
    text_clear(&body);
    await_byte(errand);
}

/* A try has been silent for too long. */
static void give_up(struct errand *errand)
{
    static const struct uplink_result result = {.why = "it does not answer"};
    uplink_cancel(errand->transfer);
    errand->transfer = NULL;
    if (errand->reader.has_finished)
        succeed(errand);
    else
        fail(errand, &result, 504, result.why);
}

static void on_timer(uv_timer_t *timer)
{
    struct errand *errand = timer->data;
    struct source_end left = {.end = ANSWER_LEFT};
    const char *lacks = upstream_lacks(errand->backend->api, errand->ask, errand->index);
    char why[80];
    if (errand->is_cancelled) {
        if (errand->transfer != NULL)
            uplink_cancel(errand->transfer);
        end(errand, &left);
    } else if (errand->transfer != NULL) {
        give_up(errand);
    } else if (lacks != NULL) {
        snprintf(why, sizeof why, "its API cannot be asked for %s", lacks);
        refuse(errand, 400, why);
    } else
        try_it(errand);
}

/* ---- a source ---- */

static void submit(struct source *source, uint64_t number, const struct ask *ask, uint32_t index)
{
    struct backend *backend = (struct backend *)source;
    struct errand *errand = calloc(1, sizeof *errand);
    if (errand == NULL)
        abort();
    errand->backend = backend;
    errand->next = backend->first;
    backend->first = errand;
    errand->number = number;
    errand->ask = ask;
    errand->index = index;
    errand->began_ns = uv_hrtime();
    uv_timer_init(backend->loop, &errand->timer);
    errand->timer.data = errand;
    uv_timer_start(&errand->timer, on_timer, 0, 0);
}

static void cancel(struct source *source, uint64_t number)
{
    struct backend *backend = (struct backend *)source;
    for (struct errand *errand = backend->first; errand != NULL; errand = errand->next)
        if (errand->number == number) {
            errand->is_cancelled = true;
            uv_timer_start(&errand->timer, on_timer, 0, 0);
        }
}

struct backend *backend_open(uv_loop_t *loop, const struct backend_options *options,
                             struct err *err)
{
    const char *base = options->base;
    size_t len = strlen(base);
    if ((strncasecmp(base, "http://", 7) != 0 && strncasecmp(base, "https://", 8) != 0) ||
        len > URL_BYTES_MAX / 2 || base[len - 1] == '/') {
        err_fill(err, ERR_INVALID, "'%.60s' is no base of an API: http://HOST:PORT, or .../v1",
                 base);
        return NULL;
    }
    struct backend *backend = calloc(1, sizeof *backend);
    if (backend == NULL)
        abort();
    backend->source = (struct source){.submit = submit, .cancel = cancel};
    backend->options = *options;
    backend->api = strcmp(base + len - 3, "/v1") == 0 ? UPSTREAM_OPENAI : UPSTREAM_OLLAMA;
    backend->loop = loop;
    backend->uplink = uplink_new(loop);
    return backend;
}

void backend_close(struct backend *backend)
{
    uplink_free(backend->uplink);
    free(backend);
}

struct source *backend_source(struct backend *backend)
{
    return &backend->source;
}

struct backend_statistics backend_statistics(const struct backend *backend)
{
    return backend->statistics;
}
