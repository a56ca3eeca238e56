#include "client/audience.h"

#include "client/catalog_mailbox.h"
#include "client/outbox.h"
#include "client/store.h"
#include "shared/arena.h"
#include "shared/event.h"
#include "shared/hex.h"
#include "shared/kind.h"
#include "shared/url.h"

static bool is_told(const struct event *event)
{
    static const uint16_t kinds[] = {KIND_NOTE, KIND_REPOST, KIND_REACTION, KIND_GENERIC_REPOST,
                                     KIND_COMMENT};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (event->kind == kinds[i])
            return !event_is_protected(event);
    return false;
}

static bool is_among(const struct bytes32 *people, size_t count, const struct bytes32 *who)
{
    for (size_t i = 0; i < count; i++)
        if (memcmp(&people[i], who, sizeof *who) == 0)
            return true;
    return false;
}

/* Each once, less who wrote it. */
static size_t read_people(struct bytes32 people[AUDIENCE_PEOPLE_MAX], const struct event *event)
{
    size_t count = 0;
    for (uint32_t i = 0; i < event->tag_count && count < AUDIENCE_PEOPLE_MAX; i++) {
        const struct tag *tag = &event->tags[i];
        struct bytes32 who;
        if (tag->count >= 2 && span_eq(tag->items[0], SPAN("p")) &&
            hex_decode(who.at, sizeof who.at, tag->items[1]) &&
            memcmp(&who, &event->pubkey, sizeof who) != 0 && !is_among(people, count, &who))
            people[count++] = who;
    }
    return count;
}

/* What they read is what mailbox_route knows as what people write to. */
static void turn(struct mailbox *mailbox)
{
    for (uint32_t i = 0; i < mailbox->count; i++)
        mailbox->relays[i].writes = mailbox->relays[i].reads;
}

/* As one of ours is spelled, where it is one of them: it goes there once. */
static bool spell(struct store *store, struct audience *audience, struct arena *arena,
                  struct err *err)
{
    struct span *ours;
    size_t count;
    struct url left, right;
    if (!store_relays(store, &ours, &count, arena, err))
        return false;
    for (size_t i = 0; i < audience->relay_count; i++)
        for (size_t j = 0; j < count; j++)
            if (url_parse(&left, audience->relays[i], NULL) && url_parse(&right, ours[j], NULL) &&
                url_equal(&left, &right))
                audience->relays[i] = ours[j];
    return true;
}

bool audience_find(struct store *store, struct audience *audience, struct arena *arena,
                   const struct event *event, struct err *err)
{
    struct bytes32 *people = arena_array(arena, struct bytes32, AUDIENCE_PEOPLE_MAX);
    size_t count = is_told(event) ? read_people(people, event) : 0, stop_count;
    struct catalog_mailboxes known;
    *audience = (struct audience){.unknown = people};
    if (!catalog_mailboxes(store, &known, arena, people, count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        bool has_list = false;
        for (size_t j = 0; j < known.count && !has_list; j++)
            has_list = memcmp(&known.at[j].owner, &people[i], sizeof *people) == 0;
        if (!has_list)
            people[audience->unknown_count++] = people[i];
    }
    for (size_t i = 0; i < known.count; i++)
        turn(&known.at[i]);
    const struct mailbox_stop *stops =
        mailbox_route(&stop_count, arena, known.at, known.count, AUDIENCE_TIMES);
    audience->relay_count = stop_count < AUDIENCE_RELAYS_MAX ? stop_count : AUDIENCE_RELAYS_MAX;
    audience->relays = arena_array(arena, struct span, audience->relay_count);
    for (size_t i = 0; i < audience->relay_count; i++)
        audience->relays[i] = stops[i].url;
    return spell(store, audience, arena, err);
}

bool audience_unknown(struct store *store, struct bytes32 **people, size_t *count,
                      struct arena *arena, struct err *err)
{
    struct outbox_rows rows;
    struct event event;
    struct audience audience;
    *people = NULL;
    *count = 0;
    if (!outbox_to_route(store, &rows, arena, AUDIENCE_ROUTED_MAX, err))
        return false;
    for (size_t i = 0; i < rows.count; i++) {
        if (!event_parse(&event, arena, rows.at[i].event, NULL))
            continue;
        if (!audience_find(store, &audience, arena, &event, err))
            return false;
        for (size_t j = 0; j < audience.unknown_count; j++) {
            if (is_among(*people, *count, &audience.unknown[j]))
                continue;
            *people = arena_grow(arena, struct bytes32, *people, *count);
            (*people)[(*count)++] = audience.unknown[j];
        }
    }
    return true;
}

static bool queue(struct store *store, struct audience *audience, struct arena *arena,
                  const struct event *event, struct err *err)
{
    enum store_verdict verdict;
    return audience_find(store, audience, arena, event, err) &&
           store_put(store, &verdict, event, audience->relays, audience->relay_count, err);
}

static void keep(struct span **relays, size_t *count, struct arena *arena,
                 const struct audience *audience)
{
    for (size_t i = 0; i < audience->relay_count; i++) {
        bool is_there = false;
        for (size_t j = 0; j < *count && !is_there; j++)
            is_there = span_eq((*relays)[j], audience->relays[i]);
        if (is_there)
            continue;
        *relays = arena_grow(arena, struct span, *relays, *count);
        (*relays)[(*count)++] = audience->relays[i];
    }
}

static bool route(struct store *store, struct span **relays, size_t *count, struct arena *arena,
                  struct err *err)
{
    struct outbox_rows rows;
    struct event event;
    struct audience audience;
    bool ok = outbox_to_route(store, &rows, arena, AUDIENCE_ROUTED_MAX, err);
    for (size_t i = 0; ok && i < rows.count; i++) {
        audience = (struct audience){0};
        ok = (!event_parse(&event, arena, rows.at[i].event, NULL) ||
              queue(store, &audience, arena, &event, err)) &&
             outbox_route_done(store, &rows.at[i].id, err);
        keep(relays, count, arena, &audience);
    }
    return ok;
}

bool audience_route(struct store *store, struct span **relays, size_t *count, struct arena *arena,
                    struct err *err)
{
    *relays = NULL;
    *count = 0;
    if (!store_begin(store, err))
        return false;
    if (route(store, relays, count, arena, err))
        return store_commit(store, err);
    store_rollback(store);
    return false;
}
