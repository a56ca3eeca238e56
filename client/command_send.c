/* shoal publish: signed events, one a line, to one relay or several. */
#include "client/command_send.h"

#include <stdio.h>
#include <stdlib.h>

#include "client/command_home.h"
#include "client/command_net.h"
#include "client/terminal_progress.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/sig.h"
#include "shared/text.h"
#include "shared/url.h"

enum { EVENTS_MAX = 1000000 };

/* One relay's part. */
struct target {
    struct sending *sending;
    struct link *link;
    uint32_t next; /* event to be published */
    uint32_t settled;
    uint64_t heard_ms;
    bool was_open, is_over;
};

struct sending {
    const struct send_call *call;
    struct target *targets;
    uv_timer_t look;
    uint32_t open; /* targets not over */
    uint64_t had, refused;
    struct terminal_progress progress;
};

static const char *const words[] = {[LINK_TAKEN] = "stored",
                                    [LINK_KNOWN] = "known",
                                    [LINK_REFUSED] = "refused",
                                    [LINK_LATER] = "failed"};

static void end(struct target *target)
{
    struct sending *sending = target->sending;
    if (target->is_over)
        return;
    target->is_over = true;
    link_free(target->link);
    if (--sending->open == 0) {
        uv_close((uv_handle_t *)&sending->look, NULL);
        uv_stop(&sending->call->net->loop);
    }
}

static void fail(struct target *target, const char *why)
{
    terminal_progress_clear(&target->sending->progress);
    if (!target->is_over)
        net_say(target->sending->call->net, link_url(target->link), command_span(why));
    end(target);
}

static void print(const struct target *target, const struct bytes32 *id, enum link_fate fate,
                  struct span why)
{
    const struct command_call *call = target->sending->call->net->call;
    struct text line = {0};
    text_add(&line, call->is_json ? SPAN("{\"id\":\"") : SPAN(""));
    text_add_hex(&line, id->at, sizeof id->at);
    if (call->is_json) {
        text_addf(&line, "\",\"result\":\"%s\",\"relay\":", words[fate]);
        text_add_json(&line, command_span(link_url(target->link)));
        text_add(&line, SPAN(",\"reason\":"));
        text_add_json(&line, why);
        text_add(&line, SPAN("}\n"));
    } else {
        text_addf(&line, "  %-7s  %s", words[fate], link_url(target->link));
        text_add(&line, why.len > 0 ? SPAN("  ") : SPAN(""));
        for (size_t i = 0; i < why.len; i++)
            text_addf(&line, "%c", why.at[i] >= ' ' && why.at[i] <= '~' ? why.at[i] : '?');
        text_add(&line, SPAN("\n"));
    }
    (void)command_print(call, &line);
}

static void feed(struct target *target)
{
    const struct send_call *call = target->sending->call;
    while (!link_is_full(target->link) && target->next < call->event_count)
        link_publish(target->link, &call->events[target->next++]);
}

static void on_settled(void *owner, struct link *link, const struct bytes32 *id,
                       enum link_fate fate, struct span why)
{
    struct target *target = owner;
    struct sending *sending = target->sending;
    target->heard_ms = uv_now(&sending->call->net->loop);
    if (!sending->call->is_quiet || fate == LINK_REFUSED || fate == LINK_LATER)
        terminal_progress_clear(&sending->progress);
    if (!sending->call->is_quiet)
        print(target, id, fate, why);
    else if (fate == LINK_REFUSED || fate == LINK_LATER)
        net_say(sending->call->net, link_url(link), why);
    if (fate == LINK_TAKEN || fate == LINK_KNOWN)
        sending->had++;
    else
        sending->refused++;
    if (++target->settled == sending->call->event_count)
        end(target);
}

static void on_drained(void *owner, struct link *link)
{
    (void)link;
    feed(owner);
}

static void on_opened(void *owner, struct link *link)
{
    struct target *target = owner;
    (void)link;
    target->was_open = true;
}

static void on_closed(void *owner, struct link *link, const char *why, uint64_t wait_ms)
{
    struct target *target = owner;
    (void)link;
    (void)wait_ms;
    if (!target->was_open)
        fail(target, why);
}

static void on_challenged(void *owner, struct link *link)
{
    struct target *target = owner;
    net_answer(target->sending->call->net, link);
}

static void show(struct sending *sending)
{
    uint64_t done = sending->had + sending->refused;
    uint64_t all = (uint64_t)sending->call->relay_count * sending->call->event_count;
    if (sending->call->event_count > 1)
        terminal_progress_show(&sending->progress, done, all, "%llu of %llu answers",
                               (unsigned long long)done, (unsigned long long)all);
}

static void on_look(uv_timer_t *timer)
{
    struct sending *sending = timer->data;
    const struct net *net = sending->call->net;
    uint64_t most_ms = (uint64_t)net->timeout_s * 1000;
    show(sending);
    for (uint32_t i = 0; i < sending->call->relay_count && most_ms > 0; i++) {
        struct target *target = &sending->targets[i];
        if (!target->is_over && uv_now(timer->loop) - target->heard_ms > most_ms)
            fail(target, "nothing was heard for too long");
    }
}

static bool open_targets(struct sending *sending, struct err *err)
{
    const struct send_call *call = sending->call;
    for (uint32_t i = 0; i < call->relay_count; i++) {
        struct target *target = &sending->targets[i];
        const struct link_setup setup = {.url = command_span(call->relays[i]),
                                         .opened = on_opened,
                                         .closed = on_closed,
                                         .challenged = on_challenged,
                                         .settled = on_settled,
                                         .drained = on_drained,
                                         .owner = target};
        *target = (struct target){.sending = sending, .heard_ms = uv_now(&call->net->loop)};
        target->link = link_new(call->net->host, &setup, err);
        if (target->link == NULL) {
            for (uint32_t j = 0; j < i; j++)
                link_free(sending->targets[j].link);
            return false;
        }
        sending->open++;
    }
    return true;
}

/* What would be given to one relay; nothing is. */
static void tell_of_trial(const struct send_call *call, const char *relay)
{
    bool is_json = call->net->call->is_json;
    for (uint32_t i = 0; i < call->event_count; i++) {
        struct text line = {0};
        if (call->is_quiet) {
            net_say(call->net, relay, SPAN("it would be sent"));
            continue;
        }
        text_add(&line, is_json ? SPAN("{\"id\":\"") : SPAN(""));
        text_add_hex(&line, call->events[i].id.at, sizeof call->events[i].id.at);
        text_add(&line, is_json ? SPAN("\",\"relay\":") : SPAN("  to "));
        if (is_json)
            text_add_json(&line, command_span(relay));
        else
            text_add(&line, command_span(relay));
        text_add(&line, is_json ? SPAN(",\"dry_run\":true}\n") : SPAN("\n"));
        (void)command_print(call->net->call, &line);
    }
}

static enum command_status try_events(const struct send_call *call)
{
    struct url url;
    struct err err;
    for (uint32_t i = 0; i < call->relay_count; i++)
        if (!url_parse(&url, command_span(call->relays[i]), &err))
            return command_misuse(call->net->call, "%s", err.text);
    for (uint32_t i = 0; i < call->relay_count; i++)
        tell_of_trial(call, call->relays[i]);
    return COMMAND_DONE;
}

enum command_status send_events(const struct send_call *call)
{
    struct sending sending = {.call = call, .progress = terminal_progress()};
    struct err err;
    uint64_t all = (uint64_t)call->relay_count * call->event_count;
    if (command_value(call->net->call, "dry-run") != NULL)
        return try_events(call);
    if (all == 0)
        return COMMAND_DONE;
    sending.targets = calloc(call->relay_count, sizeof *sending.targets);
    if (sending.targets == NULL)
        abort();
    if (!open_targets(&sending, &err)) {
        free(sending.targets);
        return command_misuse(call->net->call, "%s", err.text);
    }
    uv_timer_init(&call->net->loop, &sending.look);
    sending.look.data = &sending;
    uv_timer_start(&sending.look, on_look, 200, 200);
    for (uint32_t i = 0; i < call->relay_count; i++)
        feed(&sending.targets[i]);
    show(&sending);
    uv_run(&call->net->loop, UV_RUN_DEFAULT);
    terminal_progress_clear(&sending.progress);
    free(sending.targets);
    return sending.had == all ? COMMAND_DONE : sending.had > 0 ? COMMAND_PARTLY : COMMAND_FAILED;
}

/* ---- shoal publish ---- */

struct batch {
    struct arena arena;
    struct event *events;
    uint32_t count;
};

static bool add_line(struct batch *batch, struct span line, struct err *err)
{
    if (batch->count == EVENTS_MAX)
        return err_set(err, ERR_INVALID, "over %d events at once", EVENTS_MAX);
    batch->events = arena_grow(&batch->arena, struct event, batch->events, batch->count);
    struct event *event = &batch->events[batch->count];
    if (!event_parse(event, &batch->arena, arena_copy(&batch->arena, line), err))
        return false;
    if (!event_check_id(event) || !sig_verify(&event->sig, &event->id, &event->pubkey))
        return err_set(err, ERR_INVALID, "the id or the signature is wrong");
    batch->count++;
    return true;
}

static bool read_lines(struct batch *batch, const struct command_call *call)
{
    struct err err;
    char *line = NULL;
    size_t capacity = 0, number = 0;
    ssize_t len;
    bool ok = true;
    while (ok && (len = getline(&line, &capacity, stdin)) > 0) {
        number++;
        while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
            len--;
        ok = len == 0 || add_line(batch, (struct span){line, (size_t)len}, &err);
    }
    free(line);
    if (!ok)
        fprintf(stderr, "shoal %s: line %zu: %s\n", call->command->name, number, err.text);
    return ok;
}

static enum command_status run_publish(struct command_call *call)
{
    struct net net;
    struct batch batch = {0};
    enum command_status status = COMMAND_FAILED;
    if (read_lines(&batch, call)) {
        status = net_open(&net, call);
        const struct send_call send = {.net = &net,
                                       .relays = call->words,
                                       .relay_count = (uint32_t)call->word_count,
                                       .events = batch.events,
                                       .event_count = batch.count};
        if (status == COMMAND_DONE)
            status = send_events(&send);
        net_close(&net);
    }
    arena_clear(&batch.arena);
    return status;
}

static const struct command_option options_publish[] = {HOME_OPTION_DRY_RUN, NET_OPTIONS,
                                                        COMMAND_OPTION_JSON};

const struct command command_publish = {.name = "publish",
                                        .words = "RELAY... < EVENTS",
                                        .help = "give relays signed events, one a line",
                                        .words_min = 1,
                                        .words_max = COMMAND_WORDS_MAX,
                                        .options = options_publish,
                                        .option_count = ARRAY_LEN(options_publish),
                                        .run = run_publish};
