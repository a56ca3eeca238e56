/* shoal event, verify: events made and checked, one a line, without any relay. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "client/command.h"
#include "client/command_net.h"
#include "client/command_send.h"
#include "client/draft.h"
#include "client/holder.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/sig.h"
#include "shared/utf8.h"

enum { CONTENT_BYTES_MAX = 1024 * 1024, KIND_DEFAULT = 1 };

/* NAME=VALUE, or a JSON array. */
static bool add_tag(struct draft *draft, struct arena *arena, const char *given, struct err *err)
{
    struct text json = {0};
    struct event event = {0};
    const char *equals = strchr(given, '=');
    if (given[0] != '[') {
        if (equals == NULL || !utf8_is(command_span(given)))
            return err_set(err, ERR_INVALID, "--tag: expected NAME=VALUE or a JSON array");
        draft_tag_pair(draft, (struct span){given, (size_t)(equals - given)},
                       command_span(equals + 1));
        return true;
    }
    text_addf(&json, "[%s]", given);
    struct span copy = arena_copy(arena, text_span(&json));
    text_clear(&json);
    if (!event_parse_tags(&event, arena, copy, err))
        return false;
    for (uint32_t i = 0; i < event.tag_count; i++)
        draft_tag(draft, event.tags[i].items, event.tags[i].count);
    return true;
}

/* All of standard input, less the end of its last line. */
static bool read_content(struct text *out, struct err *err)
{
    size_t got;
    do {
        got = fread(text_reserve(out, BUFSIZ), 1, BUFSIZ, stdin);
        out->len += got;
    } while (got > 0 && out->len <= CONTENT_BYTES_MAX);
    if (ferror(stdin) || out->len > CONTENT_BYTES_MAX)
        return err_set(err, ERR_INVALID, "standard input: expected at most %d bytes",
                       CONTENT_BYTES_MAX);
    if (out->len > 0 && out->at[out->len - 1] == '\n')
        out->len--;
    return true;
}

static bool fill_draft(struct draft *draft, struct arena *arena, const struct command_call *call,
                       struct err *err)
{
    const char *content = command_value(call, "content"), *tag;
    size_t place = 0;
    while ((tag = command_next_value(call, "tag", &place)) != NULL)
        if (!add_tag(draft, arena, tag, err))
            return false;
    if (content != NULL && strcmp(content, "-") == 0) {
        if (!read_content(&draft->content, err))
            return false;
    } else if (content != NULL) {
        text_add(&draft->content, command_span(content));
    }
    if (!utf8_is(text_span(&draft->content)))
        return err_set(err, ERR_INVALID, "a content that is not UTF-8");
    return true;
}

static enum command_status send_to(const struct command_call *call, const struct event *event)
{
    const char *relays[COMMAND_OPTIONS_MAX], *relay;
    struct net net;
    size_t place = 0;
    struct send_call send = {
        .net = &net, .relays = relays, .events = event, .event_count = 1, .is_quiet = true};
    while ((relay = command_next_value(call, "to", &place)) != NULL)
        relays[send.relay_count++] = relay;
    enum command_status status = net_open(&net, call);
    if (status == COMMAND_DONE)
        status = send_events(&send);
    net_close(&net);
    return status;
}

static enum command_status print_event(const struct command_call *call, const struct event *event)
{
    struct text out = {0};
    event_write(&out, event);
    text_add(&out, SPAN("\n"));
    return command_print(call, &out);
}

static enum command_status run_event(struct command_call *call)
{
    struct arena arena = {0};
    struct draft draft = {0};
    struct event event;
    struct bytes32 aux;
    struct err err;
    enum command_status status = COMMAND_DONE;
    struct holder *holder = NULL;
    int64_t kind;
    if (!command_number(call, "kind", KIND_DEFAULT, UINT16_MAX, &kind) ||
        !command_number(call, "created-at", (int64_t)time(NULL), INT64_MAX, &draft.created_at))
        return COMMAND_USAGE;
    draft.kind = (uint16_t)kind;
    if (!fill_draft(&draft, &arena, call, &err))
        status = command_fail(call, &err);
    else
        holder = command_holder(call, &status);
    if (holder != NULL) {
        randombytes_buf(&aux, sizeof aux);
        draft_finish(&draft, &event, &arena);
        status = holder_sign(holder, &event, &aux, &err) ? print_event(call, &event)
                                                         : command_fail(call, &err);
        if (status == COMMAND_DONE && command_value(call, "to") != NULL)
            status = send_to(call, &event);
    }
    holder_free(holder);
    draft_clear(&draft);
    arena_clear(&arena);
    return status;
}

static bool check_event(struct event *event, struct arena *arena, struct span line, struct err *err)
{
    if (!event_parse(event, arena, line, err))
        return false;
    if (!event_check_id(event))
        return err_set(err, ERR_INVALID, "the id is not the hash of the event");
    if (!sig_verify(&event->sig, &event->id, &event->pubkey))
        return err_set(err, ERR_INVALID, "the signature is wrong");
    return true;
}

static bool verify_line(struct text *out, const struct command_call *call, struct span line)
{
    struct arena arena = {0};
    struct event event;
    struct err err = {.text = ""};
    bool ok = check_event(&event, &arena, line, &err);
    text_add(out, call->is_json ? SPAN("{\"id\":\"") : SPAN(""));
    text_add_hex(out, event.id.at, sizeof event.id.at);
    if (!call->is_json) {
        text_addf(out, "  %s\n", ok ? "valid" : err.text);
    } else {
        text_addf(out, "\",\"valid\":%s", ok ? "true" : "false,\"reason\":");
        if (!ok)
            text_add_json(out, command_span(err.text));
        text_add(out, SPAN("}\n"));
    }
    arena_clear(&arena);
    return ok;
}

static enum command_status run_verify(struct command_call *call)
{
    enum command_status status = COMMAND_DONE, printed = COMMAND_DONE;
    char *line = NULL;
    size_t capacity = 0;
    ssize_t len;
    while (printed == COMMAND_DONE && (len = getline(&line, &capacity, stdin)) > 0) {
        struct text out = {0};
        while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
            len--;
        if (len == 0)
            continue;
        if (!verify_line(&out, call, (struct span){line, (size_t)len}))
            status = COMMAND_FAILED;
        printed = command_print(call, &out);
    }
    free(line);
    return printed != COMMAND_DONE ? printed : status;
}

static const struct command_option options_event[] = {
    {"kind", "N", "what it is [1, a note]"},
    {"content", "TEXT", "what it says; -: standard input [nothing]"},
    {"tag", "TAG", "NAME=VALUE or a JSON array; may be repeated"},
    {"created-at", "TIME", "unix seconds [now]"},
    {"to", "RELAY", "give it to this relay; may be repeated"},
    {"dry-run", NULL, "sign it, and give it to nobody"},
    NET_OPTIONS};

const struct command command_event = {.name = "event",
                                      .help = "sign an event, and write it as JSON",
                                      .options = options_event,
                                      .option_count = ARRAY_LEN(options_event),
                                      .run = run_event};

static const struct command_option options_verify[] = {COMMAND_OPTION_JSON};

const struct command command_verify = {.name = "verify",
                                       .words = "< EVENTS",
                                       .help = "check ids and signatures of events, one a line",
                                       .options = options_verify,
                                       .option_count = ARRAY_LEN(options_verify),
                                       .run = run_verify};
