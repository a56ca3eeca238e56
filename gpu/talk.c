#include "gpu/talk.h"

#include <endian.h>
#include <stdlib.h>
#include <time.h>

#include "gpu/journal.h"
#include "shared/arena.h"
#include "shared/scan.h"
#include "shared/text.h"

enum { RETRY_S = 1, ORIGIN_BYTES_MAX = 256 };

struct talk {
    struct talks *talks;
    struct talk *next;
    struct httpd *httpd;
    struct source *source;
    const struct dialect *dialect;
    struct arena arena;
    struct ask ask;
    struct reply reply;
    uint64_t number, began;
    bool has_begun, is_left;
    char path[40], origin[ORIGIN_BYTES_MAX];
    const char *payment, *receipt; /* as in source_end, NUL-terminated; NULL */
    struct span tokens;
};

struct talks {
    struct talks_setup setup;
    struct talk *first;
    struct talks_statistics statistics;
};

static uint64_t now_nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static struct talk *find(const struct talks *talks, uint64_t number)
{
    struct talk *talk = talks->first;
    while (talk != NULL && talk->number != number)
        talk = talk->next;
    return talk;
}

static struct httpd_head head_of(const struct talk *talk, uint32_t status, const char *type)
{
    return (struct httpd_head){.status = status,
                               .type = type,
                               .origin = talk->origin[0] != '\0' ? talk->origin : NULL,
                               .payment = talk->payment,
                               .receipt = talk->receipt,
                               .retry_after_s = status == 429 || status == 503 ? RETRY_S : 0};
}

static void end_talk(struct talk *talk, int status)
{
    struct talks *talks = talk->talks;
    struct talk **at = &talks->first;
    const struct reply_usage *usage = &talk->reply.usage;
    while (*at != talk)
        at = &(*at)->next;
    *at = talk->next;
    talks->statistics.now--;
    talks->statistics.left += talk->is_left;
    talks->statistics.prompt_tokens += usage->prompt_tokens;
    talks->statistics.tokens += usage->tokens;
    journal_line(JOURNAL_INFO, "http: %s status=%d ms=%llu prompt=%u tokens=%u%s", talk->path,
                 status, (unsigned long long)(now_nanoseconds() - talk->began) / 1000000,
                 usage->prompt_tokens, usage->tokens, talk->is_left ? " left=true" : "");
    for (uint32_t i = 0; i < talk->reply.part_count; i++) {
        text_clear(&talk->reply.parts[i].text);
        free(talk->reply.parts[i].embedding);
    }
    arena_clear(&talk->arena);
    free(talk);
}

/* ---- what is said ---- */

static void leave(struct talk *talk)
{
    if (talk->is_left)
        return;
    talk->is_left = true;
    talk->source->cancel(talk->source, talk->number);
}

static void stream(struct talk *talk, struct text *frame)
{
    if (!talk->has_begun) {
        struct httpd_head head = head_of(talk, 200, talk->dialect->stream_type);
        talk->has_begun = true;
        httpd_begin(talk->httpd, talk->number, &head);
    }
    if (frame->len > 0 && !httpd_add(talk->httpd, talk->number, text_span(frame)))
        leave(talk);
    text_clear(frame);
}

static void send_whole(struct talk *talk)
{
    struct text body = {0};
    struct httpd_head head = head_of(talk, 200, "application/json");
    talk->dialect->whole(&body, &talk->reply);
    httpd_answer(talk->httpd, talk->number, &head, text_span(&body));
    text_clear(&body);
}

/* By which the buyer has the answer checked. */
static void add_tokens(struct text *frame, struct span tokens)
{
    text_add(frame, SPAN(",\"tokens\":["));
    for (size_t i = 0; i + sizeof(uint32_t) <= tokens.len; i += sizeof(uint32_t)) {
        uint32_t token;
        memcpy(&token, tokens.at + i, sizeof token);
        text_addf(frame, "%s%u", i > 0 ? "," : "", le32toh(token));
    }
    text_add(frame, SPAN("]"));
}

/* What is left of a payment, behind all else: who reads no more than the answer misses nothing. */
static void stream_change(struct talk *talk)
{
    struct text frame = {0};
    if (talk->payment == NULL && talk->receipt == NULL)
        return;
    text_add(&frame, SPAN("event: change\ndata: {\"object\":\"change\",\"token\":"));
    if (talk->payment != NULL)
        text_add_json(&frame, (struct span){talk->payment, strlen(talk->payment)});
    else
        text_add(&frame, SPAN("null"));
    text_addf(&frame, ",\"receipt\":%s", talk->receipt != NULL ? talk->receipt : "null");
    add_tokens(&frame, talk->tokens);
    text_add(&frame, SPAN("}\n\n"));
    stream(talk, &frame);
}

static void refuse(struct talk *talk, const struct refusal *refusal)
{
    struct text frame = {0};
    talk->talks->statistics.refused += refusal->status < 500;
    talk->talks->statistics.failed += refusal->status >= 500;
    if (talk->has_begun) {
        talk->dialect->fail(&frame, refusal);
        stream(talk, &frame);
        stream_change(talk);
        httpd_end(talk->httpd, talk->number);
    } else {
        struct httpd_head head = head_of(talk, (uint32_t)refusal->status, "application/json");
        talk->dialect->refuse(&frame, refusal);
        httpd_answer(talk->httpd, talk->number, &head, text_span(&frame));
        text_clear(&frame);
    }
    end_talk(talk, refusal->status);
}

/* ---- one input after the other ---- */

static void say(struct talk *talk, struct span piece)
{
    struct text frame = {0};
    if (talk->ask.streams) {
        talk->dialect->piece(&frame, &talk->reply, piece);
        stream(talk, &frame);
    } else
        text_add(&talk->reply.parts[talk->reply.index].text, piece);
}

static void begin_part(struct talk *talk)
{
    const struct ask *ask = &talk->ask;
    uint32_t index = talk->reply.index;
    struct text frame = {0};
    if (ask->streams) {
        talk->dialect->begin(&frame, &talk->reply);
        stream(talk, &frame);
    }
    if (ask->echoes && ask->inputs[index].text.len > 0)
        say(talk, ask->inputs[index].text);
}

/* The stream begins with the first piece of the first part. */
static void on_piece(void *owner, uint64_t number, const struct source_piece *piece)
{
    struct talk *talk = find(owner, number);
    if (talk == NULL || talk->is_left || piece->text.len == 0)
        return;
    struct reply_part *part = talk->reply.parts + talk->reply.index;
    if (!part->has_begun) {
        part->has_begun = true;
        begin_part(talk);
    }
    say(talk, piece->text);
}

static void take_usage(struct reply *reply, const struct reply_usage *usage)
{
    reply->usage.prompt_tokens += usage->prompt_tokens;
    reply->usage.kept_tokens += usage->kept_tokens;
    reply->usage.tokens += usage->tokens;
    reply->usage.waited_nanoseconds += usage->waited_nanoseconds;
    reply->usage.prompt_nanoseconds += usage->prompt_nanoseconds;
    reply->usage.nanoseconds += usage->nanoseconds;
}

static void end_part(struct talk *talk, const struct source_end *end)
{
    struct reply *reply = &talk->reply;
    struct reply_part *part = reply->parts + reply->index;
    struct text frame = {0};
    part->end = end->end;
    reply->width = end->width;
    if (end->embedding != NULL) {
        part->embedding = calloc(end->width, sizeof *part->embedding);
        if (part->embedding == NULL)
            abort();
        memcpy(part->embedding, end->embedding, end->width * sizeof *part->embedding);
    }
    reply->total_nanoseconds = now_nanoseconds() - talk->began;
    if (talk->ask.kind != ASK_EMBEDDING && !part->has_begun)
        begin_part(talk);
    if (talk->ask.streams) {
        talk->dialect->end(&frame, reply);
        stream(talk, &frame);
    }
}

static void finish(struct talk *talk)
{
    struct text frame = {0};
    if (talk->ask.streams) {
        talk->dialect->finish(&frame, &talk->reply);
        stream(talk, &frame);
        stream_change(talk);
        httpd_end(talk->httpd, talk->number);
    } else
        send_whole(talk);
    end_talk(talk, 200);
}

/* NUL-terminated, in the talk's arena. */
static const char *copy_text(struct talk *talk, struct span text)
{
    char *copy = arena_alloc(&talk->arena, text.len + 1);
    if (text.len > 0)
        memcpy(copy, text.at, text.len);
    return copy;
}

static void on_end(void *owner, uint64_t number, const struct source_end *end)
{
    struct talk *talk = find(owner, number);
    if (talk == NULL)
        return;
    take_usage(&talk->reply, &end->usage);
    talk->payment = end->payment.len > 0 ? copy_text(talk, end->payment) : NULL;
    talk->receipt = end->receipt.len > 0 ? copy_text(talk, end->receipt) : NULL;
    talk->tokens = (struct span){copy_text(talk, end->tokens), end->tokens.len};
    if (talk->is_left) {
        end_talk(talk, 499);
        return;
    }
    if (end->is_refused) {
        refuse(talk, &end->refusal);
        return;
    }
    end_part(talk, end);
    if (talk->is_left)
        end_talk(talk, 499);
    else if (++talk->reply.index < talk->reply.part_count)
        talk->source->submit(talk->source, talk->number, &talk->ask, talk->reply.index);
    else
        finish(talk);
}

/* ---- requests ---- */

static bool check_model(const struct talk *talk, struct refusal *refusal)
{
    struct span model = talk->talks->setup.model;
    struct span named = talk->ask.model;
    if (named.len == 0 || span_eq(named, model))
        return true;
    refusal_fill(refusal, 404, "model", "there is no model '%.60s' here: this node has '%.60s'",
                 scan_word(named).at, scan_word(model).at);
    refusal->code = "model_not_found";
    return false;
}

/* The job is the body as it came: what the buyer pays for is hashed. */
static bool take_payment(struct talk *talk, const struct httpd_request *request,
                         struct refusal *refusal)
{
    struct ask *ask = &talk->ask;
    if (ask->kind == ASK_TEXT && ask->input_count != 1)
        return refusal_set(refusal, 400, "prompt", "one prompt is paid for at a time");
    ask->body = arena_copy(&talk->arena, request->body);
    if (request->payment != NULL)
        ask->payment =
            arena_copy(&talk->arena, (struct span){request->payment, strlen(request->payment)});
    return true;
}

static bool read_request(struct talk *talk, const struct talks_call *call, struct refusal *refusal)
{
    const struct httpd_request *request = call->request;
    struct talks *talks = talk->talks;
    if (request->is_too_long)
        return refusal_set(refusal, 413, NULL, "the body is too long");
    if (!talk->dialect->read(&talk->ask, &talk->arena, request->body, refusal) ||
        !check_model(talk, refusal) || (call->is_paid && !take_payment(talk, request, refusal)))
        return false;
    return talks->statistics.now <= talks->setup.talks_max ||
           refusal_set(refusal, 503, NULL, "%u requests are being answered",
                       talks->statistics.now - 1);
}

void talks_begin(struct talks *talks, const struct talks_call *call)
{
    const struct httpd_request *request = call->request;
    struct refusal refusal;
    struct timespec now;
    struct talk *talk = calloc(1, sizeof *talk);
    if (talk == NULL)
        abort();
    clock_gettime(CLOCK_REALTIME, &now);
    talk->talks = talks;
    talk->next = talks->first;
    talks->first = talk;
    talks->statistics.now++;
    talks->statistics.all++;
    talk->httpd = call->httpd;
    talk->source = call->is_paid ? talks->setup.paid : talks->setup.source;
    talk->dialect = call->dialect;
    talk->number = request->number;
    talk->began = now_nanoseconds();
    talk->reply = (struct reply){.ask = &talk->ask,
                                 .model = talks->setup.model,
                                 .number = request->number,
                                 .created_at = now.tv_sec,
                                 .created_nanoseconds = now.tv_nsec};
    snprintf(talk->path, sizeof talk->path, "%s", request->path);
    snprintf(talk->origin, sizeof talk->origin, "%s", call->origin != NULL ? call->origin : "");
    if (!read_request(talk, call, &refusal)) {
        refuse(talk, &refusal);
        return;
    }
    struct reply *reply = &talk->reply;
    reply->part_count = talk->ask.input_count > 0 ? talk->ask.input_count : 1;
    reply->parts = arena_array(&talk->arena, struct reply_part, reply->part_count);
    if (talk->ask.message_count == 0 && talk->ask.input_count == 0) { /* only whether it is there */
        send_whole(talk);
        end_talk(talk, 200);
        return;
    }
    talk->source->submit(talk->source, talk->number, &talk->ask, 0);
}

void talks_gone(struct talks *talks, uint64_t number)
{
    struct talk *talk = find(talks, number);
    if (talk != NULL)
        leave(talk);
}

void talks_cancel(struct talks *talks)
{
    for (struct talk *talk = talks->first; talk != NULL; talk = talk->next)
        leave(talk);
}

static void listen_to(struct talks *talks, struct source *source)
{
    source->piece = on_piece;
    source->end = on_end;
    source->owner = talks;
}

struct talks *talks_new(const struct talks_setup *setup)
{
    struct talks *talks = calloc(1, sizeof *talks);
    if (talks == NULL)
        abort();
    talks->setup = *setup;
    listen_to(talks, setup->source);
    if (setup->paid != NULL)
        listen_to(talks, setup->paid);
    return talks;
}

void talks_free(struct talks *talks)
{
    free(talks);
}

struct talks_statistics talks_statistics(const struct talks *talks)
{
    return talks->statistics;
}
