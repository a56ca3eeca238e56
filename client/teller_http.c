/* The way by HTTP: libcurl, driven by the loop. */
#include <curl/curl.h>
#include <stdlib.h>

#include "client/secret.h"
#include "client/teller_parts.h"
#include "shared/err.h"

enum { OK_FIRST = 200, OK_LAST = 299 };

struct teller_http {
    CURLM *multi;
    uv_timer_t timer;
};

/* One socket of curl's. */
struct watch {
    struct teller *teller;
    uv_poll_t poll;
    curl_socket_t socket;
};

/* ---- what comes ---- */

static size_t on_body(char *at, size_t one, size_t count, void *owner)
{
    struct teller_open *open = owner;
    long status = 0;
    size_t len = one * count;
    curl_easy_getinfo(open->easy, CURLINFO_RESPONSE_CODE, &status);
    teller_touch(open);
    bool is_part = open->question.part != NULL && status >= OK_FIRST && status <= OK_LAST;
    struct text *out = is_part ? &open->part : &open->answer;
    if (out->len + len > TELLER_ANSWER_BYTES_MAX)
        return 0; /* which ends it */
    text_add(out, (struct span){at, len});
    return len;
}

static size_t on_header(char *at, size_t one, size_t count, void *owner)
{
    static const char name[] = "x-cashu:";
    struct teller_open *open = owner;
    size_t len = one * count, begin = sizeof name - 1;
    for (size_t i = 0; i < begin; i++)
        if (i >= len || (at[i] | 0x20) != (name[i] | 0x20))
            return len;
    while (begin < len && (at[begin] == ' ' || at[begin] == '\t'))
        begin++;
    size_t end = len;
    while (end > begin && (at[end - 1] == '\r' || at[end - 1] == '\n' || at[end - 1] == ' '))
        end--;
    open->payment.len = 0;
    text_add(&open->payment, (struct span){at + begin, end - begin});
    return len;
}

static struct teller_open *open_of(const struct teller *teller, const CURL *easy)
{
    for (struct teller_open *open = teller->open; open != NULL; open = open->next)
        if (open->easy == easy)
            return open;
    return NULL;
}

/* The pieces that came for somebody, out of curl's sight. */
static bool deliver_part(const struct teller *teller)
{
    for (struct teller_open *open = teller->open; open != NULL; open = open->next) {
        if (open->part.len == 0)
            continue;
        struct text part = open->part;
        open->part = (struct text){0};
        open->question.part(open->question.owner, text_span(&part));
        text_clear(&part);
        return true;
    }
    return false;
}

static void end(struct teller_open *open, CURLcode code)
{
    long status = 0;
    curl_easy_getinfo(open->easy, CURLINFO_RESPONSE_CODE, &status);
    if (code != CURLE_OK || status <= 0) {
        teller_fail(open, curl_easy_strerror(code));
        return;
    }
    const struct teller_answer answer = {.status = (uint32_t)status,
                                         .body = text_span(&open->answer),
                                         .payment = text_span(&open->payment)};
    teller_answer(open, &answer);
}

/* Whoever is called may free the teller, whose memory stays until its handles have closed. */
static void deliver(struct teller *teller)
{
    int left;
    while (!teller->is_freed && deliver_part(teller))
        ;
    while (!teller->is_freed) {
        const CURLMsg *message = curl_multi_info_read(teller->http->multi, &left);
        if (message == NULL)
            return;
        struct teller_open *open = open_of(teller, message->easy_handle);
        if (message->msg == CURLMSG_DONE && open != NULL)
            end(open, message->data.result);
    }
}

static void act(struct teller *teller, curl_socket_t socket, int events)
{
    int running;
    teller->handles++; /* it stays while we are in it */
    curl_multi_socket_action(teller->http->multi, socket, events, &running);
    deliver(teller);
    teller_closed(teller);
}

/* ---- the loop ---- */

static void on_poll(uv_poll_t *poll, int status, int events)
{
    const struct watch *watch = poll->data;
    int flags = status < 0 ? CURL_CSELECT_ERR : 0;
    if ((events & UV_READABLE) != 0)
        flags |= CURL_CSELECT_IN;
    if ((events & UV_WRITABLE) != 0)
        flags |= CURL_CSELECT_OUT;
    act(watch->teller, watch->socket, flags);
}

static void on_watch_closed(uv_handle_t *handle)
{
    struct watch *watch = handle->data;
    struct teller *teller = watch->teller;
    free(watch);
    teller_closed(teller);
}

static struct watch *watch_new(struct teller *teller, curl_socket_t socket)
{
    struct watch *watch = calloc(1, sizeof *watch);
    if (watch == NULL)
        abort();
    watch->teller = teller;
    watch->socket = socket;
    uv_poll_init_socket(teller->loop, &watch->poll, socket);
    watch->poll.data = watch;
    teller->handles++;
    return watch;
}

static int on_socket(CURL *easy, curl_socket_t socket, int what, void *owner, void *known)
{
    struct teller *teller = owner;
    struct watch *watch = known;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (watch != NULL) {
            uv_poll_stop(&watch->poll);
            uv_close((uv_handle_t *)&watch->poll, on_watch_closed);
            curl_multi_assign(teller->http->multi, socket, NULL);
        }
        return 0;
    }
    if (watch == NULL) {
        watch = watch_new(teller, socket);
        curl_multi_assign(teller->http->multi, socket, watch);
    }
    int events = (what & CURL_POLL_IN) != 0 ? UV_READABLE : 0;
    if ((what & CURL_POLL_OUT) != 0)
        events |= UV_WRITABLE;
    uv_poll_start(&watch->poll, events, on_poll);
    return 0;
}

static void on_timer(uv_timer_t *timer)
{
    act(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

static int on_wait(CURLM *multi, long wait_ms, void *owner)
{
    struct teller *teller = owner;
    (void)multi;
    if (wait_ms < 0)
        uv_timer_stop(&teller->http->timer);
    else
        uv_timer_start(&teller->http->timer, on_timer, (uint64_t)wait_ms, 0);
    return 0;
}

/* ---- asking ---- */

static void set_body(struct teller_open *open)
{
    const struct teller_question *question = &open->question;
    if (question->body.len == 0)
        return;
    curl_easy_setopt(open->easy, CURLOPT_POSTFIELDSIZE, (long)question->body.len);
    curl_easy_setopt(open->easy, CURLOPT_POSTFIELDS, question->body.at);
}

static struct curl_slist *add_headers(struct curl_slist *list, struct span headers)
{
    struct text line = {0};
    while (headers.len > 0) {
        const char *end = memchr(headers.at, '\n', headers.len);
        size_t len = end != NULL ? (size_t)(end - headers.at) : headers.len;
        text_add(&line, (struct span){headers.at, len});
        text_add(&line, (struct span){"", 1});
        list = curl_slist_append(list, line.at);
        secret_wipe(line.at, line.capacity);
        line.len = 0;
        headers.at += len + (end != NULL);
        headers.len -= len + (end != NULL);
    }
    text_clear(&line);
    return list;
}

static void set_headers(struct teller_open *open)
{
    struct text line = {0};
    struct curl_slist *list =
        curl_slist_append(NULL, "Content-Type: application/json"); /* which is copied */
    list = curl_slist_append(list, "Expect:");
    if (open->question.payment.len > 0) {
        text_addf(&line, "X-Cashu: %.*s", SPAN_ARG(open->question.payment));
        text_add(&line, (struct span){"", 1});
        list = curl_slist_append(list, line.at);
        text_clear(&line);
    }
    list = add_headers(list, open->question.headers);
    open->question.headers = (struct span){0}; /* which the caller takes back */
    open->headers = list;
    curl_easy_setopt(open->easy, CURLOPT_HTTPHEADER, list);
}

/* Nowhere else than where it was told to, and to nobody whose name is not proven. */
static void set_way(struct teller_open *open)
{
    const struct teller *teller = open->teller;
    struct text text = {0};
    text_add(&text, teller->url);
    text_add(&text, open->question.path);
    text_add(&text, (struct span){"", 1});
    curl_easy_setopt(open->easy, CURLOPT_URL, text.at);
    text.len = 0;
    curl_easy_setopt(open->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(open->easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(open->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(open->easy, CURLOPT_PROXY, "");
    if (teller->proxy.len > 0) {
        text_addf(&text, "socks5h://%.*s", SPAN_ARG(teller->proxy));
        text_add(&text, (struct span){"", 1});
        curl_easy_setopt(open->easy, CURLOPT_PROXY, text.at);
    }
    if (teller->ca_file != NULL)
        curl_easy_setopt(open->easy, CURLOPT_CAINFO, teller->ca_file);
    text_clear(&text);
}

void teller_http_ask(struct teller_open *open)
{
    open->easy = curl_easy_init();
    if (open->easy == NULL)
        abort();
    set_way(open);
    set_headers(open);
    set_body(open);
    curl_easy_setopt(open->easy, CURLOPT_CUSTOMREQUEST, open->question.method.at);
    curl_easy_setopt(open->easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(open->easy, CURLOPT_WRITEDATA, open);
    curl_easy_setopt(open->easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(open->easy, CURLOPT_HEADERDATA, open);
    curl_multi_add_handle(open->teller->http->multi, open->easy);
}

void teller_http_drop(struct teller_open *open)
{
    curl_multi_remove_handle(open->teller->http->multi, open->easy);
    curl_easy_cleanup(open->easy);
    curl_slist_free_all(open->headers);
    open->easy = open->headers = NULL;
}

struct teller_http *teller_http_new(struct teller *teller, struct err *err)
{
    struct teller_http *http = calloc(1, sizeof *http);
    if (http == NULL)
        abort();
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
        (http->multi = curl_multi_init()) == NULL) {
        free(http);
        err_fill(err, ERR_INTERNAL, "libcurl does not start");
        return NULL;
    }
    uv_timer_init(teller->loop, &http->timer);
    http->timer.data = teller;
    teller->handles++;
    curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, teller);
    curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, on_wait);
    curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, teller);
    return http;
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct teller *teller = handle->data;
    free(teller->http);
    teller_closed(teller);
}

void teller_http_free(struct teller *teller)
{
    curl_multi_cleanup(teller->http->multi);
    uv_close((uv_handle_t *)&teller->http->timer, on_timer_closed);
}
