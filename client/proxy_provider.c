/* A provider that is asked: its answer is passed on as it came, or said in OpenAI's words. */
#include <stdio.h>

#include "client/proxy_errand.h"
#include "client/secret.h"
#include "shared/text.h"

enum { OK_FIRST = 200, OK_LAST = 299 };

static enum idiom idiom_of(const struct errand *errand)
{
    return errand_outlet(errand)->provider->idiom;
}

static bool is_raw(const struct errand *errand)
{
    return idiom_of(errand) == IDIOM_OPENAI;
}

/* ---- what comes ---- */

static void take_usage(struct errand *errand, const struct delta *delta)
{
    struct chunk *chunk = &errand->chunk;
    if (delta->prompt_tokens > chunk->prompt_tokens)
        chunk->prompt_tokens = delta->prompt_tokens;
    if (delta->output_tokens > chunk->output_tokens)
        chunk->output_tokens = delta->output_tokens;
}

/* Usage that only we have asked for. */
static bool is_ours_alone(const struct errand *errand, const struct delta *delta)
{
    return delta->has_usage && !errand->plea.wants_usage && delta->text.len == 0 &&
           delta->finish.len == 0;
}

static void take(struct errand *errand, const struct idiom_news *news, struct span line)
{
    const struct delta *delta = &news->delta;
    struct span json;
    take_usage(errand, delta);
    if (delta->finish.len > 0)
        errand->finish = arena_copy(&errand->arena, delta->finish);
    errand->is_ended = errand->is_ended || news->is_end || delta->finish.len > 0;
    if (!news->is_news)
        return;
    if (!is_raw(errand)) {
        if (delta->text.len > 0)
            errand_say(errand, delta->text);
    } else if (line_data(&json, line) && !is_ours_alone(errand, delta)) {
        errand->pieces += delta->text.len > 0;
        errand_pass(errand, json);
    }
}

static void on_line(void *owner, struct span line)
{
    struct errand *errand = owner;
    struct arena arena = {0};
    struct idiom_news news;
    struct err err;
    if (errand->is_gone || errand->refused.len > 0) {
        return; /* the rest of the piece in which it went wrong */
    } else if (!idiom_read(&news, &arena, idiom_of(errand), line, &err)) {
        text_addf(&errand->refused, "a damaged answer: %s", err.text);
    } else if (news.delta.error.len > 0) {
        text_add(&errand->refused, news.delta.error);
    } else {
        take(errand, &news, line);
    }
    arena_clear(&arena);
}

/* The answer is over; errand may be gone with it. */
static void end(struct errand *errand, const char *why, uint32_t status, struct span body)
{
    errand_answered(errand, &(struct errand_end){
                                .why = why, .status = status, .cost = UINT64_MAX, .body = body});
}

/* What is told to those who ask, NUL-terminated. */
static void add_end(struct text *text)
{
    if (text->len > ERRAND_WHY_BYTES_MAX - 1)
        text->len = ERRAND_WHY_BYTES_MAX - 1;
    while (text->len > 0 && ((unsigned char)text->at[text->len - 1] & 0xC0) == 0x80)
        text->len--; /* no part of a character */
    if (text->len > 0 && ((unsigned char)text->at[text->len - 1] & 0x80) != 0)
        text->len--;
    text_add(text, (struct span){"", 1});
}

static void on_part(void *owner, struct span bytes)
{
    struct errand *errand = owner;
    line_add(&errand->line, bytes, on_line, errand);
    if (errand->is_gone) {
        errand_cancel(errand);
    } else if (errand->refused.len > 0) {
        errand_drop_provider(errand);
        add_end(&errand->refused);
        end(errand, errand->refused.at, 502, (struct span){0});
    }
}

static void tell_refusal(struct errand *errand, const struct teller_answer *answer)
{
    struct span reason = idiom_reason(&errand->arena, answer->body);
    errand->refused.len = 0;
    if (answer->status == 0)
        text_addf(&errand->refused, "%s", answer->why);
    else if (answer->status == 401 || answer->status == 403)
        text_add(&errand->refused, SPAN("the provider refuses its key")); /* and may repeat it */
    else if (reason.len > 0)
        text_add(&errand->refused, reason);
    else
        text_addf(&errand->refused, "status %u", answer->status);
    add_end(&errand->refused);
    end(errand, errand->refused.at, answer->status, (struct span){0});
}

static void take_whole(struct errand *errand, struct span body)
{
    struct delta delta;
    struct err err;
    if (!delta_read(&delta, &errand->arena, body, &err)) {
        end(errand, "a damaged answer", 502, (struct span){0});
        return;
    }
    take_usage(errand, &delta);
    end(errand, NULL, OK_FIRST, body);
}

static void on_answered(void *owner, const struct teller_answer *answer)
{
    struct errand *errand = owner;
    if (answer->status < OK_FIRST || answer->status > OK_LAST) {
        tell_refusal(errand, answer);
        return;
    }
    if (is_raw(errand) && !errand->plea.streams) {
        take_whole(errand, answer->body);
        return;
    }
    line_end(&errand->line, on_line, errand);
    if (errand->refused.len > 0) {
        add_end(&errand->refused);
        end(errand, errand->refused.at, 502, (struct span){0});
    } else {
        end(errand, errand->is_ended ? NULL : "the answer breaks off", 502, (struct span){0});
    }
}

/* ---- asking ---- */

static void write_headers(struct text *out, const struct proxy_provider *by)
{
    bool is_anthropic = by->provider->idiom == IDIOM_ANTHROPIC;
    if (by->key[0] != '\0')
        text_addf(out, is_anthropic ? "x-api-key: %s" : "Authorization: Bearer %s", by->key);
    if (is_anthropic)
        text_addf(out, "%santhropic-version: 2023-06-01", out->len > 0 ? "\n" : "");
}

bool errand_ask_provider(struct errand *errand, struct err *err)
{
    const struct outlet *outlet = errand_outlet(errand);
    const struct proxy_provider *by = proxy_provider_of(errand->proxy, outlet->provider);
    const char *path = idiom_path(outlet->provider->idiom);
    bool streams = errand->plea.streams || !is_raw(errand);
    const struct plea_terms terms = {
        .model = outlet->model->name, .tokens_max = outlet->tokens_max, .streams = streams};
    struct text body = {0}, headers = {0};
    errand->refused.len = 0;
    bool ok = idiom_write(&body, outlet->provider->idiom, &errand->plea, &terms, err);
    if (ok) {
        write_headers(&headers, by);
        const struct teller_question question = {.method = SPAN("POST"),
                                                 .path = {path, strlen(path)},
                                                 .body = text_span(&body),
                                                 .headers = text_span(&headers),
                                                 .part = streams ? on_part : NULL,
                                                 .answered = on_answered,
                                                 .owner = errand};
        errand->question = teller_ask(by->teller, &question);
    }
    if (headers.at != NULL)
        secret_wipe(headers.at, headers.capacity);
    text_clear(&headers);
    text_clear(&body);
    return ok;
}

void errand_drop_provider(struct errand *errand)
{
    const struct provider *provider = errand_outlet(errand)->provider;
    teller_drop(proxy_provider_of(errand->proxy, provider)->teller, errand->question);
}
