#include "client/redaction.h"

#include <assert.h>

#include "client/draft.h"
#include "shared/arena.h"
#include "shared/event.h"
#include "shared/hex.h"
#include "shared/kind.h"

/* Says where in a history the event stands, or where it may go. */
static bool is_place(const struct tag *tag)
{
    static const struct span names[] = {{"hlc", 3}, {"w", 1}, {"h", 1}};
    static const struct span markers[] = {{"root", 4}, {"prev", 4}, {"auth", 4}, {"seen", 4}};
    if (tag->count == 1)
        return span_eq(tag->items[0], SPAN("-")); /* what was private stays it */
    if (tag->count < 2)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (span_eq(tag->items[0], names[i]))
            return true;
    for (size_t i = 0; i < ARRAY_LEN(markers); i++)
        if (tag->count >= 4 && span_eq(tag->items[0], SPAN("e")) &&
            span_eq(tag->items[3], markers[i]))
            return true;
    return false;
}

void redaction_apply(struct event *event, struct arena *arena)
{
    struct draft draft = {0};
    struct text json = {0};
    for (uint32_t i = 0; i < event->tag_count; i++)
        if (is_place(&event->tags[i]))
            draft_tag(&draft, event->tags[i].items, event->tags[i].count);
    text_add(&json, SPAN("["));
    text_add(&json, text_span(&draft.tags));
    text_add(&json, SPAN("]"));
    event->content_json = SPAN("");
    bool ok = event_parse_tags(event, arena, arena_copy(arena, text_span(&json)), NULL);
    assert(ok); /* they were read from an event */
    text_clear(&json);
    draft_clear(&draft);
}

bool redaction_is_vanish(const struct event *event)
{
    for (uint32_t i = 0; event->kind == KIND_VANISH && i < event->tag_count; i++) {
        const struct tag *tag = &event->tags[i];
        if (tag->count >= 2 && span_eq(tag->items[0], SPAN("relay")) &&
            span_eq(tag->items[1], SPAN("ALL_RELAYS")))
            return true;
    }
    return false;
}

bool redaction_spares(uint16_t kind)
{
    return kind == KIND_DELETION || kind == KIND_VANISH || kind == KIND_CIRCLE_OP ||
           kind == KIND_KEY_EPOCH;
}

size_t redaction_targets(const struct event *event, struct bytes32 **ids, struct arena *arena)
{
    size_t count = 0;
    *ids = NULL;
    for (uint32_t i = 0; event->kind == KIND_DELETION && i < event->tag_count; i++) {
        const struct tag *tag = &event->tags[i];
        struct bytes32 id;
        if (tag->count < 2 || !span_eq(tag->items[0], SPAN("e")) ||
            !hex_decode(id.at, sizeof id.at, tag->items[1]))
            continue;
        *ids = arena_grow(arena, struct bytes32, *ids, count);
        (*ids)[count++] = id;
    }
    return count;
}
