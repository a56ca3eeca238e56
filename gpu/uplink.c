#include "gpu/uplink.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/text.h"

enum { CONNECTIONS_KEPT = 16 };

struct transfer {
    struct uplink *uplink;
    struct transfer *next;
    CURL *easy;
    struct curl_slist *headers;
    struct text body;
    struct uplink_call call;
};

struct uplink {
    uv_loop_t *loop;
    CURLM *multi;
    uv_timer_t timer;
    struct transfer *first;
    bool is_freed;
};

/* What libcurl wants to know of one of its sockets. */
struct watch {
    uv_poll_t poll;
    curl_socket_t socket;
    struct uplink *uplink;
};

static void end_transfer(struct transfer *transfer)
{
    struct transfer **at = &transfer->uplink->first;
    while (*at != transfer)
        at = &(*at)->next;
    *at = transfer->next;
    curl_multi_remove_handle(transfer->uplink->multi, transfer->easy);
    curl_easy_cleanup(transfer->easy);
    curl_slist_free_all(transfer->headers);
    text_clear(&transfer->body);
    free(transfer);
}

static void tell_done(struct transfer *transfer, CURLcode code)
{
    long status = 0;
    curl_off_t retry_after_s = 0;
    struct uplink_call call = transfer->call;
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(transfer->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
    struct uplink_result result = {.status = (int)status,
                                   .is_whole = code == CURLE_OK,
                                   .why = curl_easy_strerror(code),
                                   .retry_after_s =
                                       retry_after_s < 0 ? 0 : (uint32_t)(retry_after_s & 0xffff)};
    end_transfer(transfer);
    call.done(call.owner, &result);
}

/* Tells which transfers are done. */
static void look(struct uplink *uplink)
{
    int left;
    CURLMsg *message;
    struct transfer *transfer;
    while (!uplink->is_freed && (message = curl_multi_info_read(uplink->multi, &left)) != NULL)
        if (message->msg == CURLMSG_DONE) {
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
            tell_done(transfer, message->data.result);
        }
}

static void on_timer(uv_timer_t *timer)
{
    struct uplink *uplink = timer->data;
    int running;
    curl_multi_socket_action(uplink->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    look(uplink);
}

static int on_curl_timer(CURLM *multi, long wait_ms, void *owner)
{
    struct uplink *uplink = owner;
    (void)multi;
    if (wait_ms < 0 || uplink->is_freed)
        uv_timer_stop(&uplink->timer);
    else
        uv_timer_start(&uplink->timer, on_timer, (uint64_t)wait_ms, 0);
    return 0;
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct watch *watch = poll->data;
    struct uplink *uplink = watch->uplink;
    int running;
    int flags = status < 0 ? CURL_CSELECT_ERR : 0;
    flags |= (events & UV_READABLE) != 0 ? CURL_CSELECT_IN : 0;
    flags |= (events & UV_WRITABLE) != 0 ? CURL_CSELECT_OUT : 0;
    curl_multi_socket_action(uplink->multi, watch->socket, flags, &running); /* may free watch */
    look(uplink);
}

static void on_watch_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static int on_curl_socket(CURL *easy, curl_socket_t socket, int what, void *owner, void *at)
{
    struct uplink *uplink = owner;
    struct watch *watch = at;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        curl_multi_assign(uplink->multi, socket, NULL);
        if (watch != NULL) {
            uv_poll_stop(&watch->poll);
            uv_close((uv_handle_t *)&watch->poll, on_watch_closed);
        }
        return 0;
    }
    if (watch == NULL) {
        watch = calloc(1, sizeof *watch);
        if (watch == NULL)
            abort();
        watch->uplink = uplink;
        watch->socket = socket;
        if (uv_poll_init_socket(uplink->loop, &watch->poll, socket) != 0) {
            free(watch);
            return -1;
        }
        watch->poll.data = watch;
        curl_multi_assign(uplink->multi, socket, watch);
    }
    int events = (what & CURL_POLL_IN) != 0 ? UV_READABLE : 0;
    events |= (what & CURL_POLL_OUT) != 0 ? UV_WRITABLE : 0;
    uv_poll_start(&watch->poll, events, on_poll);
    return 0;
}

static size_t on_bytes(char *bytes, size_t size, size_t count, void *owner)
{
    struct transfer *transfer = owner;
    long status = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    bool goes_on =
        transfer->call.piece(transfer->call.owner, (int)status, (struct span){bytes, size * count});
    return goes_on ? size * count : 0;
}

static void add_header(struct transfer *transfer, const char *line)
{
    struct curl_slist *list = curl_slist_append(transfer->headers, line);
    if (list == NULL)
        abort();
    transfer->headers = list;
}

static void set_options(struct transfer *transfer)
{
    const struct uplink_call *call = &transfer->call;
    CURL *easy = transfer->easy;
    char bearer[1024];
    add_header(transfer, "Content-Type: application/json");
    add_header(transfer, "Expect:");
    if (call->key != NULL) {
        snprintf(bearer, sizeof bearer, "Authorization: Bearer %s", call->key);
        add_header(transfer, bearer);
    }
    curl_easy_setopt(easy, CURLOPT_URL, call->url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)transfer->body.len);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, transfer->body.at);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long)call->connect_s);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
}

struct transfer *uplink_post(struct uplink *uplink, const struct uplink_call *call)
{
    struct transfer *transfer = calloc(1, sizeof *transfer);
    if (transfer == NULL)
        abort();
    transfer->easy = curl_easy_init();
    if (transfer->easy == NULL)
        abort();
    transfer->uplink = uplink;
    transfer->next = uplink->first;
    uplink->first = transfer;
    transfer->call = *call;
    text_add(&transfer->body, call->body);
    set_options(transfer);
    curl_multi_add_handle(uplink->multi, transfer->easy);
    return transfer;
}

void uplink_cancel(struct transfer *transfer)
{
    end_transfer(transfer);
}

struct uplink *uplink_new(uv_loop_t *loop)
{
    struct uplink *uplink = calloc(1, sizeof *uplink);
    if (uplink == NULL)
        abort();
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        abort();
    uplink->loop = loop;
    uplink->multi = curl_multi_init();
    if (uplink->multi == NULL)
        abort();
    uv_timer_init(loop, &uplink->timer);
    uplink->timer.data = uplink;
    curl_multi_setopt(uplink->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
    curl_multi_setopt(uplink->multi, CURLMOPT_SOCKETDATA, uplink);
    curl_multi_setopt(uplink->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
    curl_multi_setopt(uplink->multi, CURLMOPT_TIMERDATA, uplink);
    curl_multi_setopt(uplink->multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_KEPT);
    return uplink;
}

static void on_closed(uv_handle_t *handle)
{
    struct uplink *uplink = handle->data;
    free(uplink);
}

void uplink_free(struct uplink *uplink)
{
    uplink->is_freed = true;
    while (uplink->first != NULL)
        end_transfer(uplink->first);
    curl_multi_cleanup(uplink->multi);
    curl_global_cleanup();
    uv_close((uv_handle_t *)&uplink->timer, on_closed);
}
