#include "relay/router_link.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "relay/log.h"
#include "relay/places.h"
#include "relay/push.h"
#include "relay/remote.h"
#include "relay/router_up.h"
#include "relay/shards.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/hex.h"
#include "shared/message.h"
#include "shared/sig.h"
#include "shared/text.h"

enum { PAGE_EVENTS = 500, SAVE_S = 5 };

#define LIVE SPAN("live")

static int64_t now_s(void)
{
    return (int64_t)time(NULL);
}

static const char *name_of(const struct router_link *link)
{
    return link->stream->name;
}

void router_link_name(char *out, size_t size, const struct router_link *link, const char *direction)
{
    struct text text = {0};
    struct bytes32 hash;
    char hex[17] = "";
    text_addf(&text, "%d %s %u ", link->url->is_tls, link->url->host, link->url->port);
    text_add(&text, link->url->path);
    filter_write(&text, &link->stream->filter);
    hash = sig_sha256(text_span(&text));
    text_clear(&text);
    hex_encode(hex, hash.at, 8);
    snprintf(out, size, "%s %s %.80s", direction, hex, link->url->host);
}

static int64_t load(const struct router_link *link, const char *direction)
{
    char name[PLACES_NAME_MAX + 1];
    router_link_name(name, sizeof name, link, direction);
    int64_t place = places_get(link->hub->places, name);
    return place >= 0 ? place : now_s();
}

static void save(const struct router_link *link, const char *direction, int64_t place)
{
    char name[PLACES_NAME_MAX + 1];
    router_link_name(name, sizeof name, link, direction);
    places_set(link->hub->places, name, place);
}

/* ---- down ---- */

struct page_name {
    char at[16];
};

static struct page_name page_name(const struct router_link *link)
{
    struct page_name name;
    snprintf(name.at, sizeof name.at, "page%u", link->state->page);
    return name;
}

static bool is_page(const struct router_link *link, struct span sub)
{
    struct page_name name = page_name(link);
    return link->state->is_paging && span_eq(sub, (struct span){name.at, strlen(name.at)});
}

/* What it has brought live, the other subscription has, too. */
static void close_page(struct router_link *link)
{
    struct text text = {0};
    struct page_name name = page_name(link);
    message_write_close(&text, (struct span){name.at, strlen(name.at)});
    remote_send(link->state->remote, text_span(&text));
    text_clear(&text);
}

static void ask(struct router_link *link, struct span name, int64_t until)
{
    struct router_link_state *state = link->state;
    struct filter filter = link->stream->filter;
    struct text text = {0};
    filter.since = router_link_since(state->down_place);
    filter.until = until;
    filter.limit = until < INT64_MAX ? PAGE_EVENTS : FILTER_NO_LIMIT;
    state->count = 0;
    state->oldest = until;
    message_write_req(&text, name, &filter, 1);
    remote_send(state->remote, text_span(&text));
    text_clear(&text);
}

/* The stored events of a REQ have come: what is older is asked for, unless that was all. Pages
 * overlap in their last second; one that is all of one second is gone past. */
static void end_stored(struct router_link *link, const struct message *message)
{
    struct router_link_state *state = link->state;
    int64_t until = state->oldest < state->until ? state->oldest : state->until - 1;
    bool is_all = state->count == 0 || message->finish == MESSAGE_FINISH ||
                  until < router_link_since(state->down_place);
    if (state->is_paging)
        close_page(link);
    state->is_caught_up = is_all;
    state->is_paging = !is_all;
    state->until = until;
    state->page++;
    struct page_name name = page_name(link);
    if (state->is_paging)
        ask(link, (struct span){name.at, strlen(name.at)}, until);
}

static void take(struct router_link *link, struct arena *arena, const struct message *message)
{
    struct router_link_state *state = link->state;
    struct intake *intake = link->hub->intake;
    const struct event *event = &message->event;
    bool is_stored = is_page(link, message->sub) || (!state->is_caught_up && !state->is_paging);
    if (!filter_match(&link->stream->filter, event))
        return; /* nobody asked for it */
    if (is_stored) {
        state->count++;
        state->oldest = event->created_at < state->oldest ? event->created_at : state->oldest;
    }
    router_up_known(link, &event->id);
    state->unsettled++;
    intake_add(intake, arena, event, state->source.at,
               (void *)(uintptr_t)link->number); // NOLINT: a number
    if (intake_is_full(intake)) {
        state->is_paused = true;
        remote_pause(state->remote, true);
    }
}

void router_link_settled(struct router_link *link, enum intake_fate fate)
{
    link->state->unsettled--;
    if (fate == INTAKE_FAILED) /* it is asked for again */
        remote_restart(link->state->remote, "the database failed");
}

void router_link_resume(struct router_link *link)
{
    if (!link->state->is_paused)
        return;
    link->state->is_paused = false;
    remote_pause(link->state->remote, false);
}

/* ---- up ---- */

static void on_pushed(void *owner, const struct bytes32 *id, enum push_fate fate, struct span note)
{
    struct router_link *link = owner;
    (void)id;
    if (fate == PUSH_REFUSED)
        log_debug("router", "stream=%s host=%s refused: %.*s", name_of(link), link->url->host,
                  (int)(note.len < 100 ? note.len : 100), note.at);
}

static void on_push_drained(void *owner)
{
    struct router_link *link = owner;
    if (link->state->is_waiting)
        router_up_read(link);
}

/* ---- the connection ---- */

static void on_opened(void *owner)
{
    struct router_link *link = owner;
    struct router_link_state *state = link->state;
    log_info("router", "connected stream=%s host=%s", name_of(link), link->url->host);
    state->is_caught_up = state->is_paging = false;
    state->until = INT64_MAX;
    if (link->stream->down)
        ask(link, LIVE, INT64_MAX);
    push_opened(state->push);
    if (link->stream->up && !state->is_reading && !state->is_waiting)
        router_up_catch_up(link);
}

static void on_closed(void *owner, const char *why)
{
    struct router_link *link = owner;
    struct router_link_state *state = link->state;
    log_warning("router", "disconnected stream=%s host=%s: %s", name_of(link), link->url->host,
                why);
    state->is_caught_up = state->is_paging = state->is_paused = false;
    push_closed(state->push);
}

static void hear(struct router_link *link, struct arena *arena, const struct message *message)
{
    struct router_link_state *state = link->state;
    bool is_live = span_eq(message->sub, LIVE), pages = is_page(link, message->sub);
    if (message->type == MESSAGE_OK)
        push_heard_ok(state->push, message);
    else if (message->type == MESSAGE_EVENT && (is_live || pages))
        take(link, arena, message);
    else if (message->type == MESSAGE_EOSE &&
             (pages || (is_live && !state->is_paging && !state->is_caught_up)))
        end_stored(link, message);
    else if (message->type == MESSAGE_CLOSED && (is_live || pages)) {
        log_warning("router", "stream=%s host=%s closed it: %.*s", name_of(link), link->url->host,
                    (int)(message->note.len < 100 ? message->note.len : 100), message->note.at);
        remote_restart(state->remote, "it closed the subscription");
    }
}

static void on_heard(void *owner, struct span text)
{
    struct arena arena = {0};
    struct message message;
    if (message_parse_relay(&message, &arena, arena_copy(&arena, text), NULL))
        hear(owner, &arena, &message);
    arena_clear(&arena);
}

static void on_drained(void *owner)
{
    (void)owner;
}

void router_link_tick(struct router_link *link, int64_t now)
{
    struct router_link_state *state = link->state;
    if (!remote_is_open(state->remote))
        return;
    if (link->stream->down && state->is_caught_up && state->unsettled == 0) {
        state->down_place = now;
        if (now - state->down_saved >= SAVE_S)
            save(link, "down", state->down_saved = now);
    }
    if (!link->stream->up || state->is_reading || state->is_waiting)
        return;
    if (state->is_behind) {
        router_up_catch_up(link);
    } else if (push_pending(state->push) == 0) {
        state->up_place = now;
        if (now - state->up_saved >= SAVE_S)
            save(link, "up", state->up_saved = now);
    }
}

struct router_link *router_link_new(struct router_hub *hub, const struct router_stream *stream,
                                    const struct url *url)
{
    struct router_link *link = calloc(1, sizeof *link);
    struct router_link_state *state = calloc(1, sizeof *state);
    if (link == NULL || state == NULL)
        abort();
    *link = (struct router_link){
        .hub = hub, .number = ++hub->number, .stream = stream, .url = url, .state = state};
    const struct remote_setup remote = {.url = url,
                                        .message_bytes_max = hub->message_bytes_max,
                                        .opened = on_opened,
                                        .heard = on_heard,
                                        .drained = on_drained,
                                        .closed = on_closed,
                                        .owner = link};
    state->remote = remote_new(hub->host, &remote);
    const struct push_setup push = {
        .remote = state->remote, .settled = on_pushed, .drained = on_push_drained, .owner = link};
    state->push = push_new(hub->loop, &push);
    url_write(&state->source, url);
    text_add(&state->source, (struct span){"", 1});
    state->down_place = load(link, "down");
    state->up_place = load(link, "up");
    list_append(&hub->links, &link->listed, link);
    return link;
}

void router_link_free(struct router_link *link)
{
    struct router_link_state *state = link->state;
    shards_forget(link->hub->store, link);
    list_remove(&link->hub->links, &link->listed);
    push_free(state->push);
    remote_free(state->remote);
    recent_clear(&state->known);
    text_clear(&state->source);
    free(state);
    free(link);
}

void router_link_move(struct router_link *link, const struct router_stream *stream,
                      const struct url *url)
{
    link->stream = stream;
    link->url = url;
}
