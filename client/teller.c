#include "client/teller.h"

#include <stdlib.h>

#include "client/teller_parts.h"
#include "shared/err.h"

enum { ONION_CHARS = 6 };

static bool begins(struct span text, const char *prefix)
{
    size_t len = strlen(prefix);
    return text.len >= len && memcmp(text.at, prefix, len) == 0;
}

/* What goes unsealed stays on this machine, or in Tor. */
static bool is_near(struct span host)
{
    static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};
    size_t len = 0;
    if (begins(host, "[::1]"))
        len = strlen("[::1]");
    else
        while (len < host.len && host.at[len] != '/' && host.at[len] != ':')
            len++;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (len == strlen(names[i]) && memcmp(host.at, names[i], len) == 0)
            return true;
    return len > ONION_CHARS && memcmp(host.at + len - ONION_CHARS, ".onion", ONION_CHARS) == 0;
}

static bool is_http(struct span url)
{
    if (begins(url, "https://"))
        return url.len > strlen("https://");
    return begins(url, "http://") &&
           is_near((struct span){url.at + strlen("http://"), url.len - strlen("http://")});
}

bool teller_takes(struct span url)
{
    if (url.len > TELLER_URL_MAX)
        return false;
    for (size_t i = 0; i < url.len; i++)
        if (url.at[i] <= ' ' || url.at[i] > '~' || url.at[i] == '@')
            return false;
    return is_http(url) || begins(url, "nostr:nprofile1");
}

static struct span copy_text(struct arena *arena, struct span text)
{
    char *at = arena_alloc(arena, text.len + 1);
    if (text.len > 0)
        memcpy(at, text.at, text.len);
    return (struct span){at, text.len};
}

struct teller *teller_new(const struct teller_setup *setup, struct err *err)
{
    if (!teller_takes(setup->url)) {
        err_fill(err, ERR_INVALID,
                 "expected https://..., http:// of this machine or .onion, or nostr:nprofile1...");
        return NULL;
    }
    struct teller *teller = calloc(1, sizeof *teller);
    if (teller == NULL)
        abort();
    struct span url = setup->url;
    while (url.at[url.len - 1] == '/')
        url.len--;
    teller->loop = setup->loop;
    teller->url = copy_text(&teller->arena, url);
    teller->host = setup->host;
    teller->proxy = copy_text(&teller->arena, setup->proxy);
    teller->ca_file = setup->ca_file;
    teller->timeout_ms = setup->timeout_ms > 0 ? setup->timeout_ms : TELLER_TIMEOUT_MS;
    teller->heard = setup->heard;
    teller->owner = setup->owner;
    teller->handles = 1; /* until teller_free */
    bool ok = begins(url, "http") ? (teller->http = teller_http_new(teller, err)) != NULL
                                  : (teller->relay = teller_relay_new(teller, err)) != NULL;
    if (ok)
        return teller;
    teller_free(teller);
    return NULL;
}

void teller_closed(struct teller *teller)
{
    if (--teller->handles > 0)
        return;
    arena_clear(&teller->arena);
    free(teller);
}

/* ---- questions ---- */

static void on_late_closed(uv_handle_t *handle)
{
    struct teller_open *open = handle->data;
    struct teller *teller = open->teller;
    text_clear(&open->answer);
    text_clear(&open->part);
    text_clear(&open->payment);
    text_clear(&open->content);
    text_clear(&open->wraps);
    arena_clear(&open->arena);
    free(open);
    teller_closed(teller);
}

/* It is open no more. */
static void forget(struct teller_open *open)
{
    struct teller *teller = open->teller;
    struct teller_open **at = &teller->open;
    while (*at != open)
        at = &(*at)->next;
    *at = open->next;
    teller->open_count--;
    if (open->easy != NULL)
        teller_http_drop(open);
    uv_close((uv_handle_t *)&open->late, on_late_closed);
}

void teller_answer(struct teller_open *open, const struct teller_answer *answer)
{
    const struct teller_question question = open->question;
    forget(open); /* its memory stays until its timer has closed */
    question.answered(question.owner, answer);
}

void teller_fail(struct teller_open *open, const char *why)
{
    const struct teller_answer answer = {.why = why};
    teller_answer(open, &answer);
}

static void on_late(uv_timer_t *late)
{
    struct teller_open *open = late->data;
    bool is_one_too_many = open->teller->open_count > TELLER_QUESTIONS_MAX;
    if (is_one_too_many)
        teller_fail(open, "too many questions at once");
    else if (open->teller->relay == NULL)
        teller_fail(open, "no answer in time");
    else if (++open->tries < TELLER_TRIES)
        teller_relay_again(open);
    else
        teller_fail(open, teller_relay_why(open->teller));
}

void teller_touch(struct teller_open *open)
{
    uint64_t part = open->teller->relay != NULL ? open->teller->timeout_ms / TELLER_TRIES + 1 : 0;
    open->tries = 0;
    uv_timer_start(&open->late, on_late, part > 0 ? part : open->teller->timeout_ms, part);
}

static void copy_question(struct teller_open *open, const struct teller_question *question)
{
    open->question = *question;
    open->question.method = copy_text(&open->arena, question->method);
    open->question.path = copy_text(&open->arena, question->path);
    open->question.body = copy_text(&open->arena, question->body);
    open->question.payment = copy_text(&open->arena, question->payment);
}

uint64_t teller_ask(struct teller *teller, const struct teller_question *question)
{
    struct teller_open *open = calloc(1, sizeof *open), **at = &teller->open;
    if (open == NULL)
        abort();
    open->teller = teller;
    open->number = ++teller->last_number;
    copy_question(open, question);
    while (*at != NULL)
        at = &(*at)->next;
    *at = open;
    teller->open_count++;
    teller->handles++;
    uv_timer_init(teller->loop, &open->late);
    open->late.data = open;
    if (teller->open_count > TELLER_QUESTIONS_MAX) {
        uv_timer_start(&open->late, on_late, 0, 0);
        return open->number;
    }
    uv_update_time(teller->loop);
    teller_touch(open);
    if (teller->http != NULL)
        teller_http_ask(open);
    else
        teller_relay_ask(open);
    return open->number;
}

void teller_drop(struct teller *teller, uint64_t number)
{
    for (struct teller_open *open = teller->open; open != NULL; open = open->next)
        if (open->number == number) {
            forget(open);
            return;
        }
}

void teller_free(struct teller *teller)
{
    if (teller == NULL || teller->is_freed)
        return;
    teller->is_freed = true;
    while (teller->open != NULL)
        forget(teller->open);
    if (teller->http != NULL)
        teller_http_free(teller);
    if (teller->relay != NULL)
        teller_relay_free(teller);
    teller_closed(teller);
}

/* ---- one at a time ---- */

struct calling {
    struct text *body;
    uint32_t status;
    bool is_over;
    char why[TELLER_WHY_MAX];
};

static void on_answered(void *owner, const struct teller_answer *answer)
{
    struct calling *calling = owner;
    calling->is_over = true;
    calling->status = answer->status;
    text_add(calling->body, answer->body);
    if (answer->why != NULL)
        for (size_t i = 0; answer->why[i] != '\0' && i < sizeof calling->why - 1; i++)
            calling->why[i] = answer->why[i];
}

bool teller_call(struct teller *teller, struct text *body, uint32_t *status,
                 const struct teller_question *question, struct err *err)
{
    struct calling calling = {.body = body};
    const struct teller_question asked = {.method = question->method,
                                          .path = question->path,
                                          .body = question->body,
                                          .payment = question->payment,
                                          .answered = on_answered,
                                          .owner = &calling};
    teller_ask(teller, &asked);
    while (!calling.is_over)
        uv_run(teller->loop, UV_RUN_ONCE);
    *status = calling.status;
    return calling.status != 0 ||
           err_set(err, ERR_INTERNAL, "%.*s: %s",
                   (int)(teller->url.len < 60 ? teller->url.len : 60), teller->url.at, calling.why);
}
