#include "client/draft.h"

#include <assert.h>

#include "shared/arena.h"
#include "shared/event.h"
#include "shared/hex.h"

void draft_clear(struct draft *draft)
{
    text_clear(&draft->tags);
    text_clear(&draft->content);
}

void draft_tag(struct draft *draft, const struct span *items, size_t count)
{
    struct text *out = &draft->tags;
    text_add(out, out->len > 0 ? SPAN(",[") : SPAN("["));
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            text_add(out, SPAN(","));
        text_add_json(out, items[i]);
    }
    text_add(out, SPAN("]"));
}

void draft_tag_pair(struct draft *draft, struct span name, struct span value)
{
    draft_tag(draft, (struct span[]){name, value}, 2);
}

void draft_tag_id(struct draft *draft, struct span name, const struct bytes32 *id,
                  struct span marker)
{
    char hex[2 * sizeof id->at];
    hex_encode(hex, id->at, sizeof id->at);
    struct span items[] = {name, SPAN_OF(hex), SPAN(""), marker};
    draft_tag(draft, items, marker.len > 0 ? ARRAY_LEN(items) : 2);
}

void draft_finish(const struct draft *draft, struct event *event, struct arena *arena)
{
    struct text json = {0};
    text_add(&json, SPAN("["));
    text_add(&json, text_span(&draft->tags));
    text_add(&json, SPAN("]"));
    *event = (struct event){.kind = draft->kind, .created_at = draft->created_at};
    bool ok = event_parse_tags(event, arena, arena_copy(arena, text_span(&json)), NULL);
    assert(ok); /* else what was added is not UTF-8 */

    json.len = 0;
    text_add_json(&json, text_span(&draft->content));
    struct span content = arena_copy(arena, text_span(&json));
    event->content_json = (struct span){content.at + 1, content.len - 2};
    text_clear(&json);
}
