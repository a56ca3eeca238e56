#include "relay/router_up.h"

#include "relay/push.h"
#include "relay/remote.h"
#include "shared/event.h"
#include "shared/kind.h"

enum { AGO_ROWS = 100 };

void router_up_known(struct router_link *link, const struct bytes32 *id)
{
    for (struct router_link *other = list_first(&link->hub->links); other != NULL;
         other = list_next(&other->listed))
        if (url_equal(other->url, link->url))
            recent_add(&other->state->known, id);
}

static bool is_to_go(const struct router_link *link, const struct event *event)
{
    const struct filter *filter = &link->stream->filter;
    return link->stream->up && kind_class(event->kind) != KIND_EPHEMERAL &&
           !event_is_protected(event) &&
           (!kind_is_gated(event->kind) || filter_names_kind(filter, event->kind)) &&
           !recent_has(&link->state->known, &event->id) && filter_match(filter, event);
}

static void publish(struct router_link *link, const struct event *event)
{
    router_up_known(link, &event->id);
    push_add(link->state->push, event);
}

void router_link_offer(struct router_link *link, const struct event *event,
                       const struct router_link *source)
{
    struct router_link_state *state = link->state;
    if (link == source || !is_to_go(link, event))
        return;
    if (!remote_is_open(state->remote) || push_is_full(state->push)) {
        state->is_behind = true;
        return;
    }
    publish(link, event);
}

static void on_page(void *owner, const struct store_page *page)
{
    struct router_link *link = owner;
    struct router_link_state *state = link->state;
    state->is_reading = false;
    if (page == NULL) {
        state->is_behind = true; /* from the beginning, later */
        return;
    }
    for (uint32_t i = 0; i < page->count; i++)
        if (is_to_go(link, &page->events[i]))
            publish(link, &page->events[i]);
    if (page->finished)
        return;
    state->place = page->next;
    state->has_place = true;
    router_up_read(link);
}

void router_up_read(struct router_link *link)
{
    struct router_link_state *state = link->state;
    struct filter filter = link->stream->filter;
    state->is_waiting = push_is_full(state->push);
    if (state->is_waiting)
        return;
    filter.since = router_link_since(state->up_place);
    const struct store_read read = {.filter = &filter,
                                    .after = state->has_place ? &state->place : NULL,
                                    .rows = AGO_ROWS,
                                    .reply = on_page,
                                    .owner = link};
    state->is_reading = shards_read(link->hub->store, &read, NULL);
    state->is_behind |= !state->is_reading;
}

void router_up_catch_up(struct router_link *link)
{
    struct router_link_state *state = link->state;
    state->is_behind = state->has_place = false;
    router_up_read(link);
}
