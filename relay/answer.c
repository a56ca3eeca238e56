#include "relay/answer.h"

#include <libwebsockets.h>
#include <strings.h>
#include <time.h>

#include "relay/config.h"
#include "relay/http.h"
#include "relay/metrics.h"

enum { KEY_CHARS = 24 /* 16 bytes in base64 */ };

struct answer {
    const char *status; /* "200 OK" */
    const char *type;
    struct span body;
    const char *more; /* header lines, each with its \r\n; may be NULL */
};

/* Any page may read the document: NIP-11 "CORS". */
static const char DOCUMENT_HEADERS[] = "Access-Control-Allow-Origin: *\r\n"
                                       "Access-Control-Allow-Headers: *\r\n"
                                       "Access-Control-Allow-Methods: GET, HEAD, OPTIONS\r\n"
                                       "Vary: Accept\r\n";

void answer_prepare(struct answer_source *source, const struct config *config,
                    struct health *health)
{
    *source = (struct answer_source){
        .config = config, .health = health, .path = http_path(config->public_url)};
    http_write_nip11(&source->nip11, config);
    http_write_page_policy(&source->policy);
}

void answer_clear(struct answer_source *source)
{
    text_clear(&source->nip11);
    text_clear(&source->policy);
}

static bool is_to_be_closed(struct lws *wsi)
{
    char value[32];
    int len = lws_hdr_copy(wsi, value, sizeof value, WSI_TOKEN_CONNECTION);
    return len > 0 && strcasecmp(value, "close") == 0;
}

static bool is_head(struct lws *wsi)
{
    return lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI) > 0;
}

/* Writes it whole: lws keeps what the socket does not take at once. */
static bool write_answer(struct lws *wsi, const struct answer *answer, bool will_close)
{
    struct text out = {0};
    char date[40];
    time_t now = time(NULL);
    struct tm utc;
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &utc));
    text_reserve(&out, LWS_PRE);
    out.len = LWS_PRE;
    text_addf(&out, "HTTP/1.1 %s\r\nDate: %s\r\nContent-Length: %zu\r\n", answer->status, date,
              answer->body.len);
    if (answer->body.len > 0)
        text_addf(&out, "Content-Type: %s\r\nX-Content-Type-Options: nosniff\r\n", answer->type);
    text_addf(&out, "%s%s\r\n", answer->more == NULL ? "" : answer->more,
              will_close ? "Connection: close\r\n" : "");
    if (!is_head(wsi))
        text_add(&out, answer->body);
    int len = (int)(out.len - LWS_PRE);
    bool is_written =
        lws_write(wsi, (unsigned char *)out.at + LWS_PRE, (size_t)len, LWS_WRITE_HTTP) == len;
    text_clear(&out);
    return is_written;
}

static bool send_answer(struct lws *wsi, const struct answer *answer)
{
    return write_answer(wsi, answer, is_to_be_closed(wsi)) &&
           lws_http_transaction_completed(wsi) == 0;
}

static bool send_short(struct lws *wsi, const char *status, const char *more)
{
    struct answer answer = {status, "text/plain; charset=utf-8", {status, strlen(status)}, more};
    return send_answer(wsi, &answer);
}

static struct span header(char *buffer, size_t size, struct lws *wsi, enum lws_token_indexes token)
{
    int len = lws_hdr_copy(wsi, buffer, (int)size, token);
    return (struct span){buffer, len > 0 ? (size_t)len : 0};
}

static bool send_page(const struct answer_source *source, struct lws *wsi)
{
    char accept[512];
    if (http_wants_nostr_json(header(accept, sizeof accept, wsi, WSI_TOKEN_HTTP_ACCEPT))) {
        struct answer answer = {"200 OK", "application/nostr+json; charset=utf-8",
                                text_span(&source->nip11), DOCUMENT_HEADERS};
        return send_answer(wsi, &answer);
    }
    struct text headers = {0};
    text_addf(&headers,
              "Content-Security-Policy: %.*s\r\nReferrer-Policy: no-referrer\r\n"
              "X-Frame-Options: DENY\r\nCache-Control: no-cache\r\nVary: Accept\r\n%c",
              SPAN_ARG(text_span(&source->policy)), '\0');
    struct answer answer = {"200 OK", "text/html; charset=utf-8", http_page(), headers.at};
    bool is_sent = send_answer(wsi, &answer);
    text_clear(&headers);
    return is_sent;
}

static bool send_metrics(struct lws *wsi)
{
    struct text page = {0};
    metrics_write(&page);
    struct answer answer = {"200 OK", "text/plain; version=0.0.4; charset=utf-8", text_span(&page),
                            "Cache-Control: no-store\r\n"};
    bool is_sent = send_answer(wsi, &answer);
    text_clear(&page);
    return is_sent;
}

static void on_health(void *owner)
{
    lws_callback_on_writable(owner);
}

bool answer_health(const struct answer_source *source, struct lws *wsi)
{
    struct answer answer = {"503 Service Unavailable", "text/plain; charset=utf-8", SPAN(""),
                            "Cache-Control: no-store\r\n"};
    switch (health_state(source->health)) {
    case HEALTH_GOOD:
        answer.status = "200 OK";
        answer.body = SPAN("ok\n");
        break;
    case HEALTH_UNKNOWN: /* it took so long to become writable that it is stale */
    case HEALTH_TIMEOUT:
        answer.body = SPAN("error: the database does not answer in time\n");
        break;
    case HEALTH_FAILED:
        answer.body = SPAN("error: the database does not accept events\n");
        break;
    }
    return send_answer(wsi, &answer);
}

bool answer_request(const struct answer_source *source, struct lws *wsi, struct health_wait *wait)
{
    static const char allow[] = "Allow: GET, HEAD, OPTIONS\r\n";
    char *uri = NULL;
    int uri_len = 0;
    int method = lws_http_get_uri_and_method(wsi, &uri, &uri_len);
    struct span path = {uri, uri_len > 0 ? (size_t)uri_len : 0};

    if (method == LWSHUMETH_OPTIONS) {
        struct answer answer = {"200 OK", NULL, SPAN(""), DOCUMENT_HEADERS};
        return send_answer(wsi, &answer);
    }
    if (method != LWSHUMETH_GET && method != LWSHUMETH_HEAD)
        return send_short(wsi, "405 Method Not Allowed", allow);
    if (span_eq(path, SPAN("/metrics")))
        return send_metrics(wsi);
    if (span_eq(path, SPAN("/health"))) {
        if (health_state(source->health) != HEALTH_UNKNOWN || wait == NULL)
            return answer_health(source, wsi);
        health_ask(source->health, wait, on_health, wsi);
        return true;
    }
    if (http_is_path(source->path, path))
        return send_page(source, wsi);
    return send_short(wsi, "404 Not Found", NULL);
}

enum answer_refusal answer_check_upgrade(const struct answer_source *source, struct lws *wsi)
{
    char version[16];
    char *uri = NULL;
    int uri_len = 0;
    if (lws_http_get_uri_and_method(wsi, &uri, &uri_len) != LWSHUMETH_GET)
        return ANSWER_BAD_REQUEST;
    struct span path = {uri, uri_len > 0 ? (size_t)uri_len : 0};
    if (!http_is_path(source->path, path))
        return ANSWER_NOT_HERE;
    if (!span_eq(header(version, sizeof version, wsi, WSI_TOKEN_VERSION), SPAN("13")))
        return ANSWER_VERSION;
    if (lws_hdr_total_length(wsi, WSI_TOKEN_KEY) != KEY_CHARS ||
        lws_hdr_total_length(wsi, WSI_TOKEN_HOST) == 0)
        return ANSWER_BAD_REQUEST;
    return ANSWER_GRANTED;
}

void answer_refuse(struct lws *wsi, enum answer_refusal refusal)
{
    struct answer answer = {.type = "text/plain; charset=utf-8"};
    switch (refusal) {
    case ANSWER_GRANTED:
        return;
    case ANSWER_NOT_HERE:
        answer.status = "404 Not Found";
        break;
    case ANSWER_VERSION:
        answer.status = "426 Upgrade Required";
        answer.more = "Sec-WebSocket-Version: 13\r\nUpgrade: websocket\r\n";
        break;
    case ANSWER_BAD_REQUEST:
        answer.status = "400 Bad Request";
        break;
    case ANSWER_FULL:
        answer.status = "503 Service Unavailable";
        answer.more = "Retry-After: 60\r\n";
        break;
    case ANSWER_TOO_MANY:
        answer.status = "429 Too Many Requests";
        answer.more = "Retry-After: 60\r\n";
        break;
    }
    answer.body = (struct span){answer.status, strlen(answer.status)};
    (void)write_answer(wsi, &answer, true); /* it is closed in any case */
}
