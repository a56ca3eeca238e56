/* draft.h - an event being written: kind, time, tags and content, before anyone signs it.
 *
 * struct draft draft = {.kind = ..., .created_at = ...} has no tags and no content.
 *
 *   units      created_at: unix seconds
 *   ownership  owns its texts; draft_clear frees them
 */
#pragma once

#include "shared/text.h"

struct arena;
struct event;

struct draft {
    uint16_t kind;
    int64_t created_at;
    struct text tags;    /* JSON arrays with commas between, without the brackets around */
    struct text content; /* UTF-8, not escaped */
};

void draft_clear(struct draft *draft);

/* Adds a tag of count items, which are UTF-8. */
void draft_tag(struct draft *draft, const struct span *items, size_t count);

/* [name, value] */
void draft_tag_pair(struct draft *draft, struct span name, struct span value);

/* [name, id in hex], or with a marker [name, id in hex, "", marker]; marker.len may be 0. */
void draft_tag_id(struct draft *draft, struct span name, const struct bytes32 *id,
                  struct span marker);

/* The event, in the arena, without pubkey, id and signature: those are of keys_sign, or of
 * event_hash where none signs. */
void draft_finish(const struct draft *draft, struct event *event, struct arena *arena);
