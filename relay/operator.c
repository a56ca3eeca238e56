#include "relay/operator.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "relay/config.h"
#include "relay/control.h"
#include "relay/operator_key.h"
#include "relay/operator_post.h"
#include "relay/operator_print.h"
#include "relay/ticket.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/scan.h"
#include "shared/text.h"
#include "shared/url.h"

enum { EXIT_UNASKED = 2, URL_BYTES_MAX = 1024 };

#define LOGIN SPAN("{\"method\":\"login\",\"params\":[]}")

/* What is asked of whom. */
struct question {
    const struct operator_setup *setup;
    char http_url[URL_BYTES_MAX]; /* http or https; without a slash at the end */
    struct url url;
    const struct operator_key *key;
    struct text body;
};

static struct span span_of(const char *text)
{
    return (struct span){text, strlen(text)};
}

/* Of a configuration: its first public URL, else where it listens. */
static void write_default_url(char out[URL_BYTES_MAX], const struct config *config)
{
    const char *list = config->public_url + strspn(config->public_url, " ,\t");
    const char *host = config->listen_address;
    if (*list != '\0') {
        snprintf(out, URL_BYTES_MAX, "%.*s", (int)strcspn(list, " ,\t"), list);
        return;
    }
    if (strcmp(host, "0.0.0.0") == 0)
        host = "127.0.0.1";
    else if (strcmp(host, "::") == 0)
        host = "::1";
    snprintf(out, URL_BYTES_MAX, strchr(host, ':') != NULL ? "ws%s://[%s]:%lld" : "ws%s://%s:%lld",
             config->tls_certificate[0] != '\0' ? "s" : "", host, (long long)config->listen_port);
}

/* The URL in both its forms: ws to be taken apart, http to be asked and signed. */
static bool set_url(struct question *question, const char *given, struct err *err)
{
    char ws[URL_BYTES_MAX];
    struct err why;
    bool is_http = strncmp(given, "http", 4) == 0, is_ws = strncmp(given, "ws", 2) == 0;
    size_t len = strlen(given);
    while (len > 0 && given[len - 1] == '/')
        len--;
    if ((!is_http && !is_ws) || len >= sizeof ws - 4 || memchr(given, '"', len) != NULL ||
        memchr(given, '\\', len) != NULL)
        return err_set(err, ERR_INVALID, "'%.60s' is no URL like https://relay.example", given);
    const char *rest = given + (is_http ? 4 : 2);
    size_t rest_len = len - (size_t)(rest - given);
    snprintf(ws, sizeof ws, "ws%.*s", (int)rest_len, rest);
    snprintf(question->http_url, sizeof question->http_url, "http%.*s", (int)rest_len, rest);
    if (!url_parse(&question->url, span_of(ws), &why))
        return err_set(err, ERR_INVALID, "'%.60s' is no URL: %.40s", given, why.text);
    /* what the path points into goes with this call */
    question->url.path =
        span_of(question->http_url + (strlen(question->http_url) - question->url.path.len));
    return true;
}

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);
    return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

/* Kinds are numbers; words of NIP-19 are what they stand for. */
static void add_param(struct text *out, const char *method, const char *word)
{
    struct text name = {0};
    bool is_npub = strncmp(word, "npub1", 5) == 0 || strncmp(word, "nprofile1", 9) == 0;
    bool is_note = strncmp(word, "note1", 5) == 0 || strncmp(word, "nevent1", 7) == 0;
    enum control_list list = is_npub ? CONTROL_PUBKEY : is_note ? CONTROL_EVENT : CONTROL_KIND;
    bool is_converted = (is_npub || is_note || ends_with(method, "kind")) &&
                        control_name(&name, list, span_of(word), NULL);
    if (is_converted && list == CONTROL_KIND)
        text_add(out, text_span(&name));
    else
        text_add_json(out, is_converted ? text_span(&name) : span_of(word));
    text_clear(&name);
}

static void write_body(struct text *out, const struct operator_setup *setup)
{
    text_add(out, SPAN("{\"method\":"));
    text_add_json(out, span_of(setup->words[0]));
    text_add(out, SPAN(",\"params\":["));
    for (uint32_t i = 1; i < setup->word_count; i++) {
        if (i > 1)
            text_add(out, SPAN(","));
        add_param(out, setup->words[0], setup->words[i]);
    }
    text_add(out, SPAN("]}"));
}

/* NUL-terminated. */
static void write_ticket(struct text *base64, const struct question *question, struct span body)
{
    struct text event = {0};
    struct bytes32 aux;
    if (getrandom(aux.at, sizeof aux, 0) != (ssize_t)sizeof aux)
        abort();
    const struct ticket_draft draft = {.secret = &question->key->secret,
                                       .pubkey = &question->key->pubkey,
                                       .aux = &aux,
                                       .url = span_of(question->http_url),
                                       .body = body,
                                       .now = time(NULL)};
    if (!ticket_write(&event, &draft))
        abort(); /* the key was good when it was read */
    char *at = text_reserve(base64, event.len / 3 * 4 + 8);
    base64->len += (size_t)EVP_EncodeBlock((unsigned char *)at, (const unsigned char *)event.at,
                                           (int)event.len);
    text_clear(&event);
}

/* A URL's fragment holds base64url as it is. */
static int print_link(const struct question *question)
{
    struct text ticket = {0};
    write_ticket(&ticket, question, LOGIN);
    for (size_t i = 0; i < ticket.len; i++)
        ticket.at[i] = ticket.at[i] == '+' ? '-' : ticket.at[i] == '/' ? '_' : ticket.at[i];
    while (ticket.len > 0 && ticket.at[ticket.len - 1] == '=')
        ticket.len--;
    printf("%s/admin#login=%.*s\n", question->http_url, SPAN_ARG(text_span(&ticket)));
    fprintf(stderr, "It signs you in, once, if you open it within a minute.\n");
    text_clear(&ticket);
    return EXIT_SUCCESS;
}

struct reply {
    struct span result, error; /* at NULL: not there. result: JSON; error: text */
};

static bool parse_reply(struct reply *reply, struct arena *arena, struct span body)
{
    struct scan scan = scan_begin(body);
    struct scan_list members;
    struct span key;
    *reply = (struct reply){0};
    if (!scan_object(&scan, &members, NULL))
        return false;
    while (members.more) {
        if (!scan_key(&scan, arena, &key, NULL))
            return false;
        bool is_text = scan_peek(&scan) == '"';
        const char *begin = scan.at;
        if (span_eq(key, SPAN("error")) && is_text) {
            if (!scan_text(&scan, arena, &reply->error, NULL))
                return false;
        } else if (!scan_skip(&scan, NULL)) {
            return false;
        }
        if (span_eq(key, SPAN("result")))
            reply->result = (struct span){begin, (size_t)(scan.at - begin)};
        if (!scan_next(&scan, &members, NULL))
            return false;
    }
    return scan_end(&scan, NULL);
}

static int refuse(const struct question *question, int status, struct span why)
{
    struct text text = {0};
    operator_print_text(&text, why);
    fprintf(stderr, "shoal-relay: %s: %.*s (HTTP %d)\n", question->http_url,
            SPAN_ARG(text_span(&text)), status);
    text_clear(&text);
    return EXIT_FAILURE;
}

static int print_answer(const struct question *question, int status, const struct text *body)
{
    struct arena arena = {0};
    struct text out = {0};
    struct reply reply;
    struct err err;
    int result = EXIT_SUCCESS;
    bool is_reply = parse_reply(&reply, &arena, text_span(body));
    if (is_reply && reply.error.len > 0)
        result = refuse(question, status, reply.error);
    else if (!is_reply || status != 200 || reply.result.at == NULL)
        result = refuse(question, status, SPAN("this is no answer of a relay that is managed so"));
    else if (question->setup->is_json)
        printf("%.*s\n", SPAN_ARG(reply.result));
    else if (operator_print(&out, reply.result, &err))
        printf("%.*s", SPAN_ARG(text_span(&out)));
    else
        result = refuse(question, status, span_of(err.text));
    text_clear(&out);
    arena_clear(&arena);
    return result;
}

static int ask(struct question *question)
{
    struct text headers = {0}, answer = {0};
    struct err err;
    int status, result = EXIT_FAILURE;
    write_body(&question->body, question->setup);
    text_add(&headers, SPAN("Content-Type: application/nostr+json+rpc\r\n"
                            "Connection: close\r\nAuthorization: Nostr "));
    write_ticket(&headers, question, text_span(&question->body));
    text_add(&headers, (struct span){"\r\n", 3}); /* with the NUL */
    const struct operator_post post = {&question->url, headers.at, text_span(&question->body)};
    if (operator_post(&post, &status, &answer, &err))
        result = print_answer(question, status, &answer);
    else
        fprintf(stderr, "shoal-relay: %s: %s\n", question->http_url, err.text);
    text_clear(&headers);
    text_clear(&answer);
    return result;
}

static int ask_with_key(struct question *question, struct err *err)
{
    const struct operator_setup *setup = question->setup;
    const char *path = setup->key_path != NULL ? setup->key_path : secure_getenv(OPERATOR_KEY_FILE);
    struct operator_key *key = operator_key_read(path, err);
    if (key == NULL)
        return EXIT_UNASKED;
    question->key = key;
    bool is_link = setup->word_count == 1 && strcmp(setup->words[0], "link") == 0;
    int result = is_link ? print_link(question) : ask(question);
    operator_key_free(key);
    text_clear(&question->body);
    return result;
}

int operator_run(const struct config *config, const struct operator_setup *setup)
{
    char own[URL_BYTES_MAX];
    struct question question = {.setup = setup};
    struct err err = {.text = ""};
    write_default_url(own, config);
    int result = EXIT_UNASKED;
    if (setup->word_count == 0)
        err_fill(&err, ERR_INVALID, "admin: expected a method, such as supportedmethods");
    else if (set_url(&question, setup->url != NULL ? setup->url : own, &err))
        result = ask_with_key(&question, &err);
    if (err.text[0] != '\0')
        fprintf(stderr, "shoal-relay: %s\n", err.text);
    return result;
}
