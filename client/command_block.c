/* shoal block new, anchor: events under one hash that is signed, so that of each it can be proved
 * that it was there by then. */
#include "client/command_block.h"

#include <stdio.h>

#include "client/catalog.h"
#include "client/command_pen.h"
#include "client/draft.h"
#include "client/trie.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/filter.h"
#include "shared/kind.h"
#include "shared/text.h"

enum { EVENTS_MAX = 1000000 };

/* ---- what is there ---- */

struct each {
    block_fn *fn;
    void *owner;
};

static bool on_stored(void *owner, const struct catalog_event *stored)
{
    const struct each *each = owner;
    struct arena arena = {0};
    struct event event;
    struct block block;
    bool ok = event_parse(&event, &arena, stored->json, NULL) &&
              block_parse(&block, &arena, &event, NULL);
    bool goes_on = !ok || each->fn(each->owner, stored, &block);
    arena_clear(&arena);
    return goes_on;
}

bool block_each(struct store *store, const struct bytes32 *author, block_fn *fn, void *owner,
                struct err *err)
{
    static const uint16_t kind = KIND_BLOCK;
    struct each each = {fn, owner};
    const struct filter filter = {.until = INT64_MAX,
                                  .limit = FILTER_NO_LIMIT,
                                  .authors = {author != NULL, author},
                                  .kinds = {1, &kind}};
    return catalog_each(store, &filter, on_stored, &each, err);
}

bool block_read_file(struct span *bytes, struct arena *arena, const struct command_call *call,
                     const char *path, struct err *err)
{
    const struct home_file file = {call, path, PEN_TEXT_BYTES_MAX};
    return home_read_file(bytes, arena, &file, err);
}

/* ---- shoal block new ---- */

struct gathering {
    struct arena arena;
    struct trie batched; /* id: of a block of ours */
    struct block block;
    struct bytes32 *ids; /* the newest first */
    size_t count;
    int64_t after; /* when the newest block of ours was */
    bool is_private;
};

static bool on_block(void *owner, const struct catalog_event *event, const struct block *block)
{
    struct gathering *gathering = owner;
    if (!gathering->block.has_before) {
        gathering->block.before = event->id;
        gathering->after = event->created_at;
    }
    gathering->block.has_before = true;
    for (size_t i = 0; i < block->count; i++)
        trie_put(&gathering->batched, &gathering->arena, SPAN_OF(block->ids[i]), gathering);
    return true;
}

static bool is_own(const struct catalog_event *stored)
{
    struct arena arena = {0};
    struct event event;
    bool is_own = stored->is_withheld ||
                  (event_parse(&event, &arena, stored->json, NULL) && event_is_protected(&event));
    arena_clear(&arena);
    return is_own;
}

static void take(struct gathering *gathering, const struct catalog_event *event)
{
    if (event->kind == KIND_BLOCK || trie_get(&gathering->batched, SPAN_OF(event->id)) != NULL)
        return;
    gathering->ids =
        arena_grow(&gathering->arena, struct bytes32, gathering->ids, gathering->count);
    gathering->ids[gathering->count++] = event->id;
}

/* What relays do not get is in no block that they get. */
static bool on_event(void *owner, const struct catalog_event *event)
{
    if (!is_own(event))
        take(owner, event);
    return true;
}

static bool gather_mine(struct pen *pen, struct gathering *gathering, struct err *err)
{
    const struct filter filter = {
        .until = INT64_MAX, .limit = FILTER_NO_LIMIT, .authors = {1, pen_me(pen)}};
    return catalog_each(pen->store, &filter, on_event, gathering, err);
}

/* All of an entity, whoever wrote it. */
static bool gather_entity(struct pen *pen, struct gathering *gathering, struct err *err)
{
    struct catalog_events events;
    struct bytes32 *root = &gathering->block.entity;
    if (!home_resolve(pen->store, root, pen->call->words[0], err) ||
        !catalog_events(pen->store, &events, &gathering->arena, root, EVENTS_MAX, err))
        return false;
    gathering->block.has_entity = true;
    for (size_t i = 0; i < events.count; i++) {
        gathering->is_private = gathering->is_private || is_own(&events.at[i]);
        take(gathering, &events.at[i]);
    }
    return events.count > 0 || err_set(err, ERR_INVALID, "it is no entity that is here");
}

static bool publish(struct pen *pen, struct text *out, struct gathering *gathering, struct err *err)
{
    struct draft draft = {.created_at = pen_now()};
    struct event event;
    struct block *block = &gathering->block;
    if (draft.created_at <= gathering->after) /* which is newer must not be left to chance */
        draft.created_at = gathering->after + 1;
    size_t left = gathering->count > BLOCK_IDS_MAX ? gathering->count - BLOCK_IDS_MAX : 0;
    block->count = gathering->count - left;
    struct bytes32 *ids = arena_array(&gathering->arena, struct bytes32, block->count);
    for (size_t i = 0; i < block->count; i++) /* the oldest first */
        ids[i] = gathering->ids[gathering->count - 1 - i];
    block->ids = ids;
    block_draft(&draft, block);
    if (gathering->is_private)
        draft_tag(&draft, (struct span[]){SPAN("-")}, 1);
    bool stays = gathering->is_private && !pen->has_named_relays;
    if (!pen_sign(pen, &event, &draft, err) ||
        !pen_put_at(pen, &event, pen->relays, stays ? 0 : pen->relay_count, err))
        return false;
    if (pen->call->is_json) {
        text_add(out, SPAN("{"));
        home_write_hex(out, "id", &event.id);
        text_addf(out, ",\"count\":%zu,\"left\":%zu,\"queued\":%zu%s}\n", block->count, left,
                  pen->queued,
                  command_value(pen->call, "dry-run") != NULL ? ",\"dry_run\":true" : "");
    } else {
        text_add_hex(out, event.id.at, sizeof event.id.at);
        text_addf(out, "  %zu events%s\n", block->count,
                  left > 0 ? "; there are more: make another" : "");
    }
    return true;
}

static bool make(struct pen *pen, struct text *out, struct err *err)
{
    struct gathering gathering = {.count = 0};
    bool ok = block_each(pen->store, pen_me(pen), on_block, &gathering, err) &&
              (pen->call->word_count > 0 ? gather_entity(pen, &gathering, err)
                                         : gather_mine(pen, &gathering, err));
    if (ok && gathering.count == 0)
        ok = err_set(err, ERR_INVALID, "all of it is in blocks of yours");
    ok = ok && publish(pen, out, &gathering, err);
    arena_clear(&gathering.arena);
    return ok;
}

/* ---- shoal block anchor ---- */

static bool anchor(struct pen *pen, struct text *out, struct err *err)
{
    struct draft draft = {.created_at = pen_now()};
    struct bytes32 id;
    struct event event;
    struct span file;
    if (!home_resolve(pen->store, &id, pen->call->words[0], err) ||
        !block_read_file(&file, &pen->arena, pen->call, pen->call->words[1], err) ||
        !block_anchor_draft(&draft, &id, file, err) || !pen_sign(pen, &event, &draft, err) ||
        !pen_put(pen, &event, err))
        return false;
    pen_report(pen, out, &id, &event.id);
    return true;
}

/* ---- the table ---- */

static const struct command_option options[] = {PEN_OPTIONS};

const struct command command_block_new = {.name = "block new",
                                          .words = "[ID]",
                                          .help =
                                              "sign one hash over events: of a thing, or of yours",
                                          .words_max = 1,
                                          .options = options,
                                          .option_count = ARRAY_LEN(options),
                                          .write = make};

const struct command command_block_anchor = {.name = "block anchor",
                                             .words = "BLOCK FILE",
                                             .help = "publish an OpenTimestamps proof of a block",
                                             .words_min = 2,
                                             .words_max = 2,
                                             .options = options,
                                             .option_count = ARRAY_LEN(options),
                                             .write = anchor};
