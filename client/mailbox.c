#include "client/mailbox.h"

#include <stdlib.h>

#include "shared/arena.h"
#include "shared/event.h"
#include "shared/kind.h"
#include "shared/url.h"

static bool is_same(struct span a, struct span b)
{
    struct url left, right;
    return url_parse(&left, a, NULL) && url_parse(&right, b, NULL) && url_equal(&left, &right);
}

static struct mailbox_relay *find(struct mailbox *mailbox, struct span url)
{
    for (uint32_t i = 0; i < mailbox->count; i++)
        if (is_same(mailbox->relays[i].url, url))
            return &mailbox->relays[i];
    return NULL;
}

static void add(struct mailbox *mailbox, const struct tag *tag)
{
    struct span url = tag->items[1], marker = tag->count > 2 ? tag->items[2] : (struct span){0};
    struct url parsed;
    bool reads = span_eq(marker, SPAN("read")), writes = span_eq(marker, SPAN("write"));
    if (!url_parse(&parsed, url, NULL))
        return;
    struct mailbox_relay *relay = find(mailbox, url);
    if (relay == NULL && mailbox->count == MAILBOX_RELAYS_MAX)
        return;
    if (relay == NULL)
        relay = &mailbox->relays[mailbox->count++];
    if (relay->url.len == 0)
        *relay = (struct mailbox_relay){.url = url};
    relay->reads |= reads || !writes; /* without a marker: both */
    relay->writes |= writes || !reads;
}

void mailbox_read(struct mailbox *mailbox, const struct event *event)
{
    struct span name = event->kind == KIND_CHAT_RELAYS ? SPAN("relay") : SPAN("r");
    *mailbox = (struct mailbox){.owner = event->pubkey};
    for (uint32_t i = 0; i < event->tag_count; i++)
        if (event->tags[i].count > 1 && span_eq(event->tags[i].items[0], name))
            add(mailbox, &event->tags[i]);
}

/* ---- the route ---- */

/* All relays that anybody writes to, each once. */
struct places {
    struct place {
        struct span text;
        struct url url;
        size_t helped; /* people whom it would help */
    } * at;
    size_t count;
};

/* A person, while the route is made. */
struct walk {
    const struct bytes32 *owner;
    uint32_t needed;                   /* relays still to be found */
    size_t places[MAILBOX_RELAYS_MAX]; /* not used yet */
    uint32_t place_count;
};

static size_t place_of(struct places *places, struct arena *arena, struct span text)
{
    struct url url;
    if (!url_parse(&url, text, NULL))
        abort(); /* mailbox_read has let it in */
    for (size_t i = 0; i < places->count; i++)
        if (url_equal(&places->at[i].url, &url))
            return i;
    places->at = arena_grow(arena, struct place, places->at, places->count);
    places->at[places->count] = (struct place){.text = text, .url = url};
    return places->count++;
}

static struct walk *walk_all(struct places *places, struct arena *arena,
                             const struct mailbox *mailboxes, size_t count, uint32_t times)
{
    struct walk *walks = arena_array(arena, struct walk, count);
    for (size_t i = 0; i < count; i++) {
        walks[i].owner = &mailboxes[i].owner;
        walks[i].needed = times;
        for (uint32_t j = 0; j < mailboxes[i].count; j++)
            if (mailboxes[i].relays[j].writes)
                walks[i].places[walks[i].place_count++] =
                    place_of(places, arena, mailboxes[i].relays[j].url);
    }
    return walks;
}

/* The relay that helps most, the first of several; NULL: none helps. */
static const struct place *best_of(struct places *places, const struct walk *walks, size_t count)
{
    const struct place *best = NULL;
    if (places->count == 0)
        return NULL;
    for (size_t i = 0; i < places->count; i++)
        places->at[i].helped = 0;
    for (size_t i = 0; i < count; i++)
        for (uint32_t j = 0; j < walks[i].place_count && walks[i].needed > 0; j++)
            places->at[walks[i].places[j]].helped++;
    for (size_t i = 0; i < places->count; i++)
        if (places->at[i].helped > (best != NULL ? best->helped : 0))
            best = &places->at[i];
    return best;
}

/* Whether the person, who still needs one, writes there; it is used then. */
static bool use(struct walk *walk, size_t place)
{
    for (uint32_t i = 0; i < walk->place_count && walk->needed > 0; i++)
        if (walk->places[i] == place) {
            walk->places[i] = walk->places[--walk->place_count];
            walk->needed--;
            return true;
        }
    return false;
}

struct mailbox_stop *mailbox_route(size_t *count, struct arena *arena,
                                   const struct mailbox *mailboxes, size_t mailbox_count,
                                   uint32_t times)
{
    struct places places = {0};
    struct walk *walks = walk_all(&places, arena, mailboxes, mailbox_count, times);
    struct mailbox_stop *stops = NULL;
    const struct place *best;
    *count = 0;
    while ((best = best_of(&places, walks, mailbox_count)) != NULL) {
        stops = arena_grow(arena, struct mailbox_stop, stops, *count);
        struct mailbox_stop *stop = &stops[(*count)++];
        *stop = (struct mailbox_stop){.url = best->text};
        stop->authors = arena_array(arena, struct bytes32, best->helped);
        for (size_t i = 0; i < mailbox_count; i++)
            if (use(&walks[i], (size_t)(best - places.at)))
                stop->authors[stop->count++] = *walks[i].owner;
    }
    return stops;
}
