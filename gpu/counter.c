#include "gpu/counter.h"

#include <stdlib.h>

#include "gpu/herald.h"
#include "gpu/inquiry.h"
#include "gpu/mint.h"
#include "gpu/vigil.h"

struct counter {
    uv_loop_t *loop;
    struct httpd *httpd; /* NULL: closed */
    struct mint *mint;
    struct herald *herald;
    struct vigil *vigil;
    const struct inquiry *inquiry; /* NULL: it knows of no jobs */
    uint32_t calls;
};

struct call {
    uv_work_t work;
    struct counter *counter;
    uint64_t number;
    struct text method, path, body, address, origin; /* method, path, origin: NUL-terminated */
    struct mint_answer answer;
};

static void on_quote(void *owner, const char *payload)
{
    const struct counter *counter = owner;
    vigil_ring(counter->vigil, payload);
}

struct counter *counter_open(uv_loop_t *loop, struct httpd *httpd, struct mint *mint,
                             struct herald *herald)
{
    struct counter *counter = calloc(1, sizeof *counter);
    if (counter == NULL)
        abort();
    *counter = (struct counter){.loop = loop, .httpd = httpd, .mint = mint, .herald = herald};
    counter->vigil = vigil_open(loop, mint);
    herald_hear(herald, on_quote, counter);
    return counter;
}

void counter_close(struct counter *counter)
{
    if (counter == NULL)
        return;
    counter->httpd = NULL;
    herald_hear(counter->herald, NULL, NULL);
    vigil_end(counter->vigil);
    vigil_close(counter->vigil);
    if (counter->calls == 0)
        free(counter);
}

void counter_drain(struct counter *counter)
{
    if (counter != NULL)
        vigil_end(counter->vigil);
}

void counter_tell_jobs(struct counter *counter, const struct inquiry *inquiry)
{
    counter->inquiry = inquiry;
}

bool counter_is_idle(const struct counter *counter)
{
    return counter == NULL || counter->calls == 0;
}

/* Who follows a job hears windows, which are for relays. */
static bool is_of_job(const struct counter *counter, const char *method, const char *path)
{
    struct bytes33 y;
    enum inquiry_verb verb = inquiry_read(&y, method, path);
    return counter->inquiry != NULL && (verb == INQUIRY_LOOK || verb == INQUIRY_CANCEL);
}

static bool serves(const struct counter *counter, const char *method, const char *path)
{
    return mint_serves(method, path) || is_of_job(counter, method, path);
}

bool counter_takes(const struct counter *counter, const struct httpd_request *request)
{
    const char *method = request->method;
    if (counter == NULL)
        return false;
    if (strcmp(method, "OPTIONS") == 0)
        return serves(counter, "GET", request->path) || serves(counter, "POST", request->path);
    return serves(counter, strcmp(method, "HEAD") == 0 ? "GET" : method, request->path);
}

static void answer(struct httpd *httpd, uint64_t number, const char *origin, uint32_t status,
                   struct span body)
{
    const struct httpd_head head = {
        .status = status, .type = body.len > 0 ? "application/json" : NULL, .origin = origin};
    httpd_answer(httpd, number, &head, body);
}

static void free_call(struct call *call)
{
    text_clear(&call->method);
    text_clear(&call->path);
    text_clear(&call->body);
    text_clear(&call->address);
    text_clear(&call->origin);
    text_clear(&call->answer.body);
    free(call);
}

static void on_work(uv_work_t *work)
{
    struct call *call = work->data;
    const struct counter *counter = call->counter;
    if (is_of_job(counter, call->method.at, call->path.at)) {
        inquiry_answer(counter->inquiry, &call->answer, call->method.at, call->path.at);
        return;
    }
    mint_call(counter->mint, &call->answer,
              &(struct mint_call){.method = call->method.at,
                                  .path = call->path.at,
                                  .body = text_span(&call->body),
                                  .address = text_span(&call->address)});
}

/* Nobody is answered any more where httpd is NULL. */
static void end(struct call *call, const struct mint_answer *said)
{
    struct counter *counter = call->counter;
    if (counter->httpd != NULL)
        answer(counter->httpd, call->number, call->origin.at, said->status, text_span(&said->body));
    counter->calls--;
    free_call(call);
}

static void on_melted(void *owner, const struct mint_answer *said)
{
    end(owner, said);
}

static void on_done(uv_work_t *work, int status)
{
    struct call *call = work->data;
    struct counter *counter = call->counter;
    bool has_spent = strcmp(call->path.at, "/v1/swap") == 0 && call->answer.status == 200;
    (void)status;
    if (counter->httpd != NULL && has_spent)
        herald_spent(counter->herald);
    if (counter->httpd != NULL && call->answer.melting == MINT_MELT_WAITS &&
        vigil_keep(counter->vigil, &call->answer, on_melted, call))
        return;
    end(call, &call->answer);
    if (counter->httpd == NULL && counter->calls == 0)
        free(counter);
}

static void copy(struct text *text, const char *from)
{
    if (from != NULL)
        text_add(text, (struct span){from, strlen(from) + 1});
}

void counter_ask(struct counter *counter, const struct httpd_request *request)
{
    if (strcmp(request->method, "OPTIONS") == 0) {
        answer(counter->httpd, request->number, request->origin, 204, SPAN(""));
        return;
    }
    if (request->is_too_long || request->body.len > MINT_BODY_BYTES_MAX) {
        answer(counter->httpd, request->number, request->origin, 413,
               SPAN("{\"detail\":\"the request is too long\",\"code\":10000}"));
        return;
    }
    if (counter->calls == COUNTER_CALLS_MAX) {
        answer(counter->httpd, request->number, request->origin, 503,
               SPAN("{\"detail\":\"too many ask at once: again later\",\"code\":0}"));
        return;
    }
    struct call *call = calloc(1, sizeof *call);
    if (call == NULL)
        abort();
    call->work.data = call;
    call->counter = counter;
    call->number = request->number;
    copy(&call->method, strcmp(request->method, "HEAD") == 0 ? "GET" : request->method);
    copy(&call->path, request->path);
    copy(&call->origin, request->origin);
    text_add(&call->body, request->body);
    text_add(&call->address, (struct span){request->address, strlen(request->address)});
    counter->calls++;
    uv_queue_work(counter->loop, &call->work, on_work, on_done);
}
