#include "relay/answer.h"

#include <assert.h>
#include <stdlib.h>
#include <time.h>

#include "relay/config.h"
#include "relay/head.h"
#include "relay/health.h"
#include "relay/http.h"
#include "relay/metrics.h"
#include "relay/squeeze.h"
#include "relay/websocket.h"

static const char PLAIN[] = "text/plain; charset=utf-8";
static const char FRESH[] = "Cache-Control: no-store\r\n";

/* Any page may read the document: NIP-11 wants CORS. And manage the relay: it has nothing that a
 * browser would add by itself. */
static const char DOCUMENT_HEADERS[] = "Access-Control-Allow-Origin: *\r\n"
                                       "Access-Control-Allow-Headers: Authorization, *\r\n"
                                       "Access-Control-Allow-Methods: GET, HEAD, POST, OPTIONS\r\n"
                                       "Vary: Accept\r\n";

struct answer {
    const char *status; /* "200 OK" */
    const char *type;
    struct span body;
    const char *more; /* header lines, each with its end; may be NULL */
};

void answer_prepare(struct answer_source *source, const struct config *config,
                    const struct control *control, struct health *health)
{
    *source = (struct answer_source){.config = config,
                                     .control = control,
                                     .health = health,
                                     .path = http_path(config->public_url)};
    answer_describe(source);
    http_write_page_policy(&source->policy, http_page());
    http_write_page_policy(&source->console_policy, http_console());
}

void answer_describe(struct answer_source *source)
{
    text_clear(&source->nip11);
    http_write_nip11(&source->nip11, source->config, source->control);
}

void answer_clear(struct answer_source *source)
{
    text_clear(&source->nip11);
    text_clear(&source->policy);
    text_clear(&source->console_policy);
}

static const char *text_or_empty(const char *text)
{
    return text == NULL ? "" : text;
}

static void add_answer(struct text *out, const struct answer *answer, bool with_body, bool closes)
{
    char date[40];
    time_t now = time(NULL);
    struct tm utc;
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &utc));
    text_addf(out, "HTTP/1.1 %s\r\nDate: %s\r\nContent-Length: %zu\r\n", answer->status, date,
              answer->body.len);
    if (answer->body.len > 0)
        text_addf(out, "Content-Type: %s\r\nX-Content-Type-Options: nosniff\r\n", answer->type);
    text_addf(out, "%s%s\r\n", text_or_empty(answer->more), closes ? "Connection: close\r\n" : "");
    if (with_body)
        text_add(out, answer->body);
}

bool answer_keeps_alive(const struct head *head)
{
    struct span length = head->fields[HEAD_CONTENT_LENGTH];
    bool has_body = head->fields[HEAD_TRANSFER_ENCODING].at != NULL ||
                    (length.at != NULL && !span_eq(length, SPAN("0")));
    return !has_body && !head->is_1_0 && !head_has(head->fields[HEAD_CONNECTION], "close");
}

/* The answer to this request. */
static void reply(struct text *out, const struct head *head, const struct answer *answer)
{
    add_answer(out, answer, !span_eq(head->method, SPAN("HEAD")), !answer_keeps_alive(head));
}

static void reply_short(struct text *out, const struct head *head, const char *status,
                        const char *more)
{
    struct answer answer = {status, PLAIN, {status, strlen(status)}, more};
    reply(out, head, &answer);
}

static void reply_page(struct text *out, const struct head *head, struct span page,
                       struct span policy)
{
    struct text more = {0};
    text_addf(&more,
              "Content-Security-Policy: %.*s\r\nReferrer-Policy: no-referrer\r\n"
              "X-Frame-Options: DENY\r\nCache-Control: no-cache\r\nVary: Accept\r\n%c",
              SPAN_ARG(policy), '\0');
    struct answer answer = {"200 OK", "text/html; charset=utf-8", page, more.at};
    reply(out, head, &answer);
    text_clear(&more);
}

static void reply_place(struct text *out, const struct head *head,
                        const struct answer_source *source)
{
    if (http_wants_nostr_json(head->fields[HEAD_ACCEPT])) {
        struct answer answer = {"200 OK", "application/nostr+json; charset=utf-8",
                                text_span(&source->nip11), DOCUMENT_HEADERS};
        reply(out, head, &answer);
        return;
    }
    reply_page(out, head, http_page(), text_span(&source->policy));
}

static void reply_metrics(struct text *out, const struct head *head)
{
    struct text page = {0};
    metrics_write(&page);
    struct answer answer = {"200 OK", "text/plain; version=0.0.4; charset=utf-8", text_span(&page),
                            FRESH};
    reply(out, head, &answer);
    text_clear(&page);
}

static bool reply_health(struct text *out, const struct head *head,
                         const struct answer_source *source)
{
    struct answer answer = {"503 Service Unavailable", PLAIN, SPAN(""), FRESH};
    switch (health_state(source->health)) {
    case HEALTH_UNKNOWN:
        return false;
    case HEALTH_GOOD:
        answer.status = "200 OK";
        answer.body = SPAN("ok\n");
        break;
    case HEALTH_FAILED:
        answer.body = SPAN("error: the database does not accept events\n");
        break;
    case HEALTH_TIMEOUT:
        answer.body = SPAN("error: the database does not answer in time\n");
        break;
    }
    reply(out, head, &answer);
    return true;
}

static const char RPC_TYPE[] = "application/nostr+json+rpc";

static bool is_managed(const struct answer_source *source)
{
    return source->config != NULL && source->config->admin_pubkeys[0] != '\0';
}

static bool is_management_post(const struct answer_source *source, const struct head *head)
{
    return is_managed(source) && span_eq(head->method, SPAN("POST")) &&
           http_is_path(source->path, head->path);
}

bool answer_is_management(const struct answer_source *source, const struct head *head)
{
    struct span type = head->fields[HEAD_CONTENT_TYPE];
    return is_management_post(source, head) && head_is(head_cut(&type, ';'), RPC_TYPE);
}

void answer_managed(struct text *out, int status, struct span json)
{
    static const struct {
        int status;
        const char *words;
    } all[] = {{200, "200 OK"},
               {400, "400 Bad Request"},
               {401, "401 Unauthorized"},
               {403, "403 Forbidden"},
               {503, "503 Service Unavailable"}};
    struct answer answer = {"500 Internal Server Error", RPC_TYPE, json, NULL};
    struct text more = {0};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (all[i].status == status)
            answer.status = all[i].words;
    text_addf(&more, "%s%s%s%c", DOCUMENT_HEADERS, FRESH,
              status == 401 ? "WWW-Authenticate: Nostr\r\n" : "", '\0');
    answer.more = more.at;
    add_answer(out, &answer, true, true);
    text_clear(&more);
}

/* To what has a method that is not for it. */
static void reply_wrong_method(struct text *out, const struct head *head,
                               const struct answer_source *source)
{
    if (is_management_post(source, head))
        reply_short(out, head, "415 Unsupported Media Type",
                    "Accept-Post: application/nostr+json+rpc\r\n");
    else
        reply_short(out, head, "405 Method Not Allowed",
                    is_managed(source) ? "Allow: GET, HEAD, POST, OPTIONS\r\n"
                                       : "Allow: GET, HEAD, OPTIONS\r\n");
}

bool answer_request(const struct answer_source *source, struct text *out, const struct head *head)
{
    if (span_eq(head->method, SPAN("OPTIONS"))) {
        struct answer answer = {"200 OK", NULL, SPAN(""), DOCUMENT_HEADERS};
        reply(out, head, &answer);
        return true;
    }
    if (!span_eq(head->method, SPAN("GET")) && !span_eq(head->method, SPAN("HEAD"))) {
        reply_wrong_method(out, head, source);
        return true;
    }
    if (span_eq(head->path, SPAN("/health")))
        return reply_health(out, head, source);
    if (span_eq(head->path, SPAN("/metrics")))
        reply_metrics(out, head);
    else if (http_is_path(source->path, head->path))
        reply_place(out, head, source);
    else if (is_managed(source) && http_is_console(source->path, head->path))
        reply_page(out, head, http_console(), text_span(&source->console_policy));
    else
        reply_short(out, head, "404 Not Found", NULL);
    return true;
}

bool answer_is_upgrade(const struct head *head)
{
    return span_eq(head->method, SPAN("GET")) && head_has(head->fields[HEAD_UPGRADE], "websocket");
}

enum answer_refusal answer_check_upgrade(const struct answer_source *source,
                                         const struct head *head)
{
    char accept[29];
    if (!http_is_path(source->path, head->path))
        return ANSWER_NOT_HERE;
    if (!span_eq(head->fields[HEAD_WEBSOCKET_VERSION], SPAN("13")))
        return ANSWER_WRONG_VERSION;
    if (head->is_1_0 || !head_has(head->fields[HEAD_CONNECTION], "upgrade") ||
        head->fields[HEAD_HOST].at == NULL ||
        !websocket_accept(accept, head->fields[HEAD_WEBSOCKET_KEY]))
        return ANSWER_BAD_REQUEST;
    return ANSWER_GRANTED;
}

void answer_accept(struct text *out, const struct head *head, bool squeezes)
{
    char accept[29];
    if (!websocket_accept(accept, head->fields[HEAD_WEBSOCKET_KEY]))
        abort(); /* it was checked */
    struct span protocols = head->fields[HEAD_WEBSOCKET_PROTOCOL];
    struct span protocol = head_cut(&protocols, ',');
    text_addf(out,
              "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
              "Sec-WebSocket-Accept: %s\r\n",
              accept);
    if (squeezes)
        text_add(out, SPAN("Sec-WebSocket-Extensions: permessage-deflate" SQUEEZE_TERMS "\r\n"));
    if (protocol.len > 0)
        text_addf(out, "Sec-WebSocket-Protocol: %.*s\r\n", SPAN_ARG(protocol));
    text_add(out, SPAN("\r\n"));
}

void answer_refuse(struct text *out, enum answer_refusal refusal)
{
    static const struct {
        const char *status, *more;
    } refusals[] = {
        [ANSWER_BAD_REQUEST] = {"400 Bad Request", NULL},
        [ANSWER_BLOCKED] = {"403 Forbidden", NULL},
        [ANSWER_NOT_HERE] = {"404 Not Found", NULL},
        [ANSWER_NO_LENGTH] = {"411 Length Required", DOCUMENT_HEADERS},
        [ANSWER_TOO_LARGE] = {"413 Content Too Large", DOCUMENT_HEADERS},
        [ANSWER_WRONG_VERSION] = {"426 Upgrade Required",
                                  "Sec-WebSocket-Version: 13\r\nUpgrade: websocket\r\n"},
        [ANSWER_TOO_MANY] = {"429 Too Many Requests", "Retry-After: 60\r\n"},
        [ANSWER_HEAD_TOO_LONG] = {"431 Request Header Fields Too Large", NULL},
        [ANSWER_FULL] = {"503 Service Unavailable", "Retry-After: 60\r\n"},
    };
    const char *status = refusals[refusal].status;
    assert(status != NULL); /* what is granted is not refused */
    struct answer answer = {status, PLAIN, {status, strlen(status)}, refusals[refusal].more};
    add_answer(out, &answer, true, true);
}
