/* shoal req, count: what a relay is asked, in the words of the protocol. */
#include <stdio.h>
#include <stdlib.h>

#include "client/command_net.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/filter.h"
#include "shared/scan.h"
#include "shared/sig.h"
#include "shared/text.h"

enum { SHOWN_MAX = 4096 }; /* of which is remembered that they were */

struct asking {
    struct net net;
    enum link_ask ask;
    bool follows;
    struct arena arena; /* of the filters */
    struct filter *filters;
    uint32_t filter_count;
    struct link *link;
    struct link_query *query;
    uv_timer_t silence;
    bool was_open;
    struct bytes32 *shown; /* the latest, in a ring: a connection's end brings some again */
    size_t shown_count;
    uint64_t wrong; /* events whose id or signature is not what it should be */
    enum command_status status;
};

static void end(struct asking *asking, enum command_status status)
{
    if (asking->link == NULL)
        return;
    asking->status = status;
    link_free(asking->link);
    asking->link = NULL;
    uv_close((uv_handle_t *)&asking->silence, NULL);
    uv_stop(&asking->net.loop);
}

static void fail(struct asking *asking, struct span why)
{
    if (asking->link == NULL)
        return;
    net_say(&asking->net, link_url(asking->link), why);
    end(asking, COMMAND_FAILED);
}

static void on_silence(uv_timer_t *timer)
{
    fail(timer->data, SPAN("nothing was heard for too long"));
}

static void heard_something(struct asking *asking)
{
    uint64_t ms = (uint64_t)asking->net.timeout_s * 1000;
    if (asking->link != NULL && ms > 0)
        uv_timer_start(&asking->silence, on_silence, ms, 0);
}

/* Notes that it is shown; false when it was before. */
static bool note_shown(struct asking *asking, const struct bytes32 *id)
{
    size_t count = asking->shown_count < SHOWN_MAX ? asking->shown_count : SHOWN_MAX;
    for (size_t i = 0; i < count; i++)
        if (memcmp(&asking->shown[i], id, sizeof *id) == 0)
            return false;
    asking->shown[asking->shown_count++ % SHOWN_MAX] = *id;
    return true;
}

static void print_event(struct asking *asking, const struct event *event)
{
    struct text line = {0};
    if (!event_check_id(event) || !sig_verify(&event->sig, &event->id, &event->pubkey)) {
        asking->wrong++;
        return;
    }
    if (asking->follows && !note_shown(asking, &event->id))
        return;
    event_write(&line, event);
    text_add(&line, SPAN("\n"));
    if (command_print(asking->net.call, &line) != COMMAND_DONE)
        end(asking, COMMAND_FAILED);
}

static void print_count(struct asking *asking, const struct message *message)
{
    struct text line = {0};
    if (asking->net.call->is_json)
        text_addf(&line, "{\"count\":%lld%s}\n", (long long)message->count,
                  message->approximate ? ",\"approximate\":true" : "");
    else
        text_addf(&line, "%s%lld\n", message->approximate ? "about " : "",
                  (long long)message->count);
    end(asking, command_print(asking->net.call, &line));
}

static void on_heard(void *owner, struct link_query *query, const struct message *message,
                     struct arena *arena)
{
    struct asking *asking = owner;
    (void)query;
    (void)arena;
    heard_something(asking);
    if (message->type == MESSAGE_EVENT)
        print_event(asking, &message->event);
    else if (message->type == MESSAGE_COUNT)
        print_count(asking, message);
    else if (message->type == MESSAGE_CLOSED)
        fail(asking, message->note);
    else if (message->type == MESSAGE_EOSE && !asking->follows)
        end(asking, COMMAND_DONE);
    else if (message->type == MESSAGE_EOSE)
        uv_timer_stop(&asking->silence);
}

static void on_opened(void *owner, struct link *link)
{
    struct asking *asking = owner;
    (void)link;
    asking->was_open = true;
    heard_something(asking);
}

static void on_closed(void *owner, struct link *link, const char *why, uint64_t wait_ms)
{
    struct asking *asking = owner;
    (void)wait_ms;
    if (!asking->was_open)
        fail(asking, command_span(why));
    else if (asking->follows)
        net_say(&asking->net, link_url(link), command_span(why));
}

static void on_noticed(void *owner, struct link *link, struct span text)
{
    struct asking *asking = owner;
    net_say(&asking->net, link_url(link), text);
}

static void on_challenged(void *owner, struct link *link)
{
    struct asking *asking = owner;
    net_answer(&asking->net, link);
}

static bool read_filters(struct asking *asking, struct err *err)
{
    const struct command_call *call = asking->net.call;
    asking->filter_count = (uint32_t)call->word_count - 1;
    asking->filters = arena_array(&asking->arena, struct filter, asking->filter_count);
    for (uint32_t i = 0; i < asking->filter_count; i++) {
        struct scan scan = scan_begin(command_span(call->words[i + 1])); /* it may search */
        if (!filter_scan(&asking->filters[i], &asking->arena, &scan, err) || !scan_end(&scan, err))
            return false;
    }
    return true;
}

static void ask(struct asking *asking)
{
    const struct link_query_setup setup = {.ask = asking->ask,
                                           .filters = asking->filters,
                                           .filter_count = asking->filter_count,
                                           .heard = on_heard,
                                           .owner = asking};
    asking->shown = arena_array(&asking->arena, struct bytes32, SHOWN_MAX);
    uv_timer_init(&asking->net.loop, &asking->silence);
    asking->silence.data = asking;
    asking->query = link_ask(asking->link, &setup);
    heard_something(asking);
    uv_run(&asking->net.loop, UV_RUN_DEFAULT);
}

static enum command_status run(struct command_call *call, enum link_ask how)
{
    struct asking asking = {.ask = how, .follows = command_value(call, "follow") != NULL};
    struct err err;
    asking.status = net_open(&asking.net, call);
    const struct link_setup setup = {.url = command_span(call->words[0]),
                                     .opened = on_opened,
                                     .closed = on_closed,
                                     .noticed = on_noticed,
                                     .challenged = on_challenged,
                                     .owner = &asking};
    if (asking.status == COMMAND_DONE && read_filters(&asking, &err))
        asking.link = link_new(asking.net.host, &setup, &err);
    if (asking.link != NULL)
        ask(&asking);
    else if (asking.status == COMMAND_DONE)
        asking.status = command_misuse(call, "%s", err.text);
    net_close(&asking.net);
    if (asking.wrong > 0)
        fprintf(stderr, "shoal %s: left out %llu events that are not what they say they are\n",
                call->command->name, (unsigned long long)asking.wrong);
    arena_clear(&asking.arena);
    return asking.status;
}

static enum command_status run_req(struct command_call *call)
{
    return run(call, LINK_REQ);
}

static enum command_status run_count(struct command_call *call)
{
    return run(call, LINK_COUNT);
}

static const struct command_option options_req[] = {
    {"follow", NULL, "go on with what comes, for ever"}, NET_OPTIONS, COMMAND_OPTION_JSON};

const struct command command_req = {.name = "req",
                                    .words = "RELAY FILTER... | RELAY -",
                                    .help = "ask a relay for events; each is checked",
                                    .words_min = 2,
                                    .words_max = COMMAND_WORDS_MAX,
                                    .options = options_req,
                                    .option_count = ARRAY_LEN(options_req),
                                    .run = run_req,
                                    .lines = COMMAND_LINES_ALL};

static const struct command_option options_count[] = {NET_OPTIONS, COMMAND_OPTION_JSON};

const struct command command_count = {.name = "count",
                                      .words = "RELAY FILTER... | RELAY -",
                                      .help = "ask a relay how many events match",
                                      .words_min = 2,
                                      .words_max = COMMAND_WORDS_MAX,
                                      .options = options_count,
                                      .option_count = ARRAY_LEN(options_count),
                                      .run = run_count,
                                      .lines = COMMAND_LINES_EACH};
