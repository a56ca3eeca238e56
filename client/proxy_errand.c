/* A chat on its way: asked for here and there, and passed on as it comes. */
#include <stdio.h>
#include <stdlib.h>

#include "client/expense.h"
#include "client/proxy_errand.h"
#include "shared/text.h"

/* ---- the end ---- */

static void leave(struct errand *errand)
{
    struct proxy *proxy = errand->proxy;
    struct errand **at = &proxy->errands;
    while (*at != errand)
        at = &(*at)->next;
    *at = errand->next;
    proxy->errand_count--;
    line_clear(&errand->line);
    text_clear(&errand->said);
    text_clear(&errand->refused);
    arena_clear(&errand->arena);
    free(errand);
    proxy_ended(proxy);
}

static const char *code_of(enum errand_reason reason)
{
    switch (reason) {
    case ERRAND_NOBODY:
        return "model_not_found";
    case ERRAND_BUDGET:
        return "budget_exceeded";
    case ERRAND_RATE:
        return "rate_limit_exceeded";
    case ERRAND_RESTING:
    case ERRAND_WORDS:
    case ERRAND_FAILED:
        break;
    }
    return NULL;
}

/* Nobody is left to be asked. */
static void refuse(struct errand *errand)
{
    if (errand->count == 0)
        errand_note(errand, ERRAND_NOBODY, 404, "nobody offers the model: see /v1/models");
    if (!errand->is_gone)
        proxy_refuse(errand->proxy, errand->number,
                     &(struct proxy_refusal){.status = errand->refusal.status,
                                             .code = code_of(errand->refusal.reason),
                                             .why = errand->refusal.why,
                                             .wait_ms = errand->refusal.wait_ms});
    leave(errand);
}

/* ---- asking ---- */

static void on_heard(void *owner, struct span words)
{
    struct errand *errand = owner;
    errand_say(errand, words);
    if (errand->is_gone)
        node_stop(errand->job);
}

static void on_ended(void *owner, const struct node_end *end)
{
    struct errand *errand = owner;
    errand->job = NULL;
    errand->chunk.prompt_tokens = end->prompt_tokens;
    errand->chunk.output_tokens = end->output_tokens;
    errand->finish = end->is_cut ? SPAN("length") : SPAN("stop");
    errand->is_ended = end->why == NULL;
    errand_answered(
        errand, &(struct errand_end){.why = end->why, .status = end->status, .cost = end->spent});
}

static void ask_node(struct errand *errand)
{
    const struct outlet *outlet = errand_outlet(errand);
    const struct proxy_setup *setup = &errand->proxy->setup;
    const struct plea_terms terms = {.model = outlet->node->entry.offer.model,
                                     .tokens_max = outlet->tokens_max,
                                     .streams = true};
    struct text body = {0};
    plea_write(&body, &errand->plea, &terms);
    errand->job = node_begin(&(struct node_setup){.call = setup->call,
                                                  .loop = setup->loop,
                                                  .holder = setup->holder,
                                                  .candidate = outlet->node,
                                                  .body = text_span(&body),
                                                  .prompt_bytes = errand->plea.messages.len,
                                                  .tokens_max = outlet->tokens_max,
                                                  .most = outlet->most,
                                                  .heard = on_heard,
                                                  .ended = on_ended,
                                                  .owner = errand});
    text_clear(&body);
}

static bool ask(struct errand *errand)
{
    struct outlet *outlet = errand_outlet(errand);
    struct err err;
    if (!errand_may_ask(errand, outlet))
        return false;
    errand->said.len = 0;
    errand->pieces = 0;
    errand->is_ended = false;
    errand->finish = SPAN("");
    errand->chunk.model =
        outlet->provider != NULL ? outlet->model->name : outlet->node->entry.offer.model;
    errand->chunk.prompt_tokens = errand->chunk.output_tokens = 0;
    line_clear(&errand->line);
    errand->is_asked = true;
    if (outlet->provider == NULL) {
        ask_node(errand);
        return true;
    }
    if (errand_ask_provider(errand, &err))
        return true;
    errand->is_asked = false;
    errand_note(errand, ERRAND_WORDS, 400, err.text);
    (void)!expense_drop(errand->proxy->setup.store, errand->expense, &err);
    return false;
}

static void ask_next(struct errand *errand)
{
    for (; errand->at < errand->count; errand->at++)
        if (ask(errand))
            return;
    refuse(errand);
}

/* ---- what comes ---- */

static bool pass_on(struct errand *errand, struct text *piece)
{
    static const struct httpd_head head = {.status = 200, .type = "text/event-stream"};
    struct httpd *httpd = errand->proxy->httpd;
    if (!errand->is_begun)
        httpd_begin(httpd, errand->number, &head);
    errand->is_begun = true;
    bool is_read = httpd_add(httpd, errand->number, text_span(piece));
    text_clear(piece);
    return is_read;
}

void errand_say(struct errand *errand, struct span words)
{
    struct text out = {0};
    errand->pieces++;
    if (errand->is_gone)
        return;
    if (!errand->plea.streams) {
        text_add(&errand->said, words);
        return;
    }
    if (!errand->is_begun)
        chunk_begin(&out, &errand->chunk);
    chunk_add(&out, &errand->chunk, words);
    errand->is_gone = !pass_on(errand, &out);
}

void errand_pass(struct errand *errand, struct span json)
{
    struct text out = {0};
    if (errand->is_gone)
        return;
    chunk_pass(&out, json);
    errand->is_gone = !pass_on(errand, &out);
}

/* ---- the answer is over ---- */

static uint64_t cost_of(const struct errand *errand, const struct errand_end *end)
{
    const struct outlet *outlet = errand_outlet(errand);
    if (end->cost != UINT64_MAX)
        return end->cost;
    const struct offer_usage usage = {
        .in = errand->chunk.prompt_tokens < OFFER_TOKENS_MAX ? errand->chunk.prompt_tokens
                                                             : OFFER_TOKENS_MAX,
        .out = errand->chunk.output_tokens < OFFER_TOKENS_MAX ? errand->chunk.output_tokens
                                                              : OFFER_TOKENS_MAX};
    return offer_cost(&outlet->model->price, &usage);
}

/* One that did not say how much it was is reckoned: a piece is a token, as a rule. */
static void reckon(struct errand *errand)
{
    if (errand->chunk.prompt_tokens == 0)
        errand->chunk.prompt_tokens =
            (uint32_t)(errand->plea.messages.len / OUTLET_TOKEN_BYTES) + OUTLET_FRAME_TOKENS;
    if (errand->chunk.output_tokens < errand->pieces)
        errand->chunk.output_tokens = errand->pieces;
}

static void put_down(struct errand *errand, const struct errand_end *end)
{
    struct store *store = errand->proxy->setup.store;
    struct err err;
    bool is_nothing =
        end->why != NULL && errand->pieces == 0 && (end->cost == UINT64_MAX || end->cost == 0);
    bool ok;
    if (is_nothing) {
        ok = expense_drop(store, errand->expense, &err);
    } else {
        reckon(errand);
        const struct expense expense = {.cost = cost_of(errand, end),
                                        .prompt_tokens = errand->chunk.prompt_tokens,
                                        .output_tokens = errand->chunk.output_tokens};
        ok = expense_end(store, errand->expense, &expense, &err);
    }
    if (!ok)
        fprintf(stderr, "shoal proxy: what an answer cost is not put down: %s\n", err.text);
}

/* Whose fault it is: a request that makes no sense is no reason to leave anybody alone. */
static bool is_theirs(uint32_t status)
{
    return status != 400 && status != 413 && status != 422;
}

/* What they refuse us is none of whoever asks us, but for money. */
static uint32_t status_of(uint32_t status)
{
    return is_theirs(status) && status != 402 ? 502 : status;
}

static void finish_stream(struct errand *errand)
{
    struct text out = {0};
    errand->chunk.has_usage = errand->plea.wants_usage;
    const struct provider *by = errand_outlet(errand)->provider;
    bool is_raw = by != NULL && by->idiom == IDIOM_OPENAI;
    if (!is_raw && !errand->is_begun)
        chunk_begin(&out, &errand->chunk);
    if (!is_raw)
        chunk_end(&out, &errand->chunk, errand->finish);
    chunk_done(&out);
    if (pass_on(errand, &out))
        httpd_end(errand->proxy->httpd, errand->number);
}

static void finish_whole(struct errand *errand, struct span body)
{
    const struct httpd_head head = {.status = 200, .type = "application/json"};
    struct text out = {0};
    if (body.len > 0)
        text_add(&out, body);
    else
        chunk_whole(&out, &errand->chunk, text_span(&errand->said), errand->finish);
    httpd_answer(errand->proxy->httpd, errand->number, &head, text_span(&out));
    text_clear(&out);
}

/* What was passed on already cannot be taken back. */
static void break_off(struct errand *errand, const char *why)
{
    struct text out = {0}, json = {0};
    chunk_refuse(&json, &(struct chunk_refusal){"server_error", NULL, {why, strlen(why)}});
    chunk_pass(&out, text_span(&json));
    text_clear(&json);
    if (pass_on(errand, &out))
        httpd_end(errand->proxy->httpd, errand->number);
}

void errand_answered(struct errand *errand, const struct errand_end *end)
{
    struct ration_rest *rest = proxy_rest(errand->proxy, errand_outlet(errand));
    errand->is_asked = false;
    put_down(errand, end);
    if (end->why == NULL)
        ration_succeed(rest);
    else if (!errand->is_gone && is_theirs(end->status))
        ration_fail(rest, uv_now(errand->proxy->setup.loop));
    if (errand->is_gone) {
        leave(errand);
    } else if (end->why != NULL && !errand->is_begun) {
        errand_note(errand, ERRAND_FAILED, status_of(end->status), end->why);
        errand->at++;
        ask_next(errand);
    } else {
        if (end->why != NULL)
            break_off(errand, end->why);
        else if (errand->plea.streams)
            finish_stream(errand);
        else
            finish_whole(errand, end->body);
        leave(errand);
    }
}

void errand_cancel(struct errand *errand)
{
    errand->is_gone = true;
    if (errand->job != NULL) {
        node_stop(errand->job); /* and it ends */
    } else if (errand->is_asked) {
        errand_drop_provider(errand);
        errand_answered(errand,
                        &(struct errand_end){.why = "nobody waits for it", .cost = UINT64_MAX});
    }
}

/* ---- the beginning ---- */

void errand_begin(struct proxy *proxy, const struct httpd_request *request)
{
    struct errand *errand = calloc(1, sizeof *errand);
    struct err err;
    if (errand == NULL)
        abort();
    *errand = (struct errand){.next = proxy->errands, .proxy = proxy, .number = request->number};
    proxy->errands = errand;
    proxy->errand_count++;
    errand->chunk.number = ++proxy->answers;
    errand->chunk.created_at = (int64_t)(proxy->setup.now_ms() / 1000);
    struct span body = arena_copy(&errand->arena, request->body);
    if (proxy->errand_count > PROXY_CHATS_MAX) {
        errand->count = 1; /* who would answer is not looked at */
        errand->at = 1;
        errand_note(errand, ERRAND_RATE, 429, "too many chats at once");
    } else if (!plea_read(&errand->plea, &errand->arena, body, &err)) {
        errand->count = 1;
        errand->at = 1;
        errand_note(errand, ERRAND_WORDS, 400, err.text);
    } else {
        errand_choose(errand);
    }
    ask_next(errand);
}
