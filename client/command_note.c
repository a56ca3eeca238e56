#include "client/command_note.h"

#include "client/command_home.h"
#include "client/command_people.h"
#include "shared/err.h"
#include "shared/filter.h"
#include "shared/hex.h"
#include "shared/kind.h"
#include "shared/scan.h"
#include "shared/sig.h"

enum { ANSWERS_MAX = 2000, HEX_CHARS = 64, INDENT = 4 };

bool note_add(void *owner, const struct catalog_event *found)
{
    struct notes *notes = owner;
    struct note note = {.json = arena_copy(notes->arena, found->json)};
    if (!event_parse(&note.event, notes->arena, note.json, NULL))
        return true;
    thread_read(&note.thread, &note.event);
    bool is_answer = note.event.kind != KIND_REPOST && note.thread.has_parent;
    if (notes->is_first_only && is_answer)
        return true;
    notes->at = arena_grow(notes->arena, struct note, notes->at, notes->count);
    notes->at[notes->count++] = note;
    return notes->count < notes->max;
}

static bool is_same(const struct bytes32 *a, const struct bytes32 *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

/* ---- one note ---- */

static bool add_author(void *owner, const struct catalog_event *found)
{
    struct notes *notes = owner;
    struct note note = {0};
    if (!event_parse(&note.event, notes->arena, arena_copy(notes->arena, found->json), NULL) ||
        span_eq(note.event.content_json, SPAN("-")))
        return true;
    for (size_t i = 0; i < notes->count; i++)
        if (is_same(&notes->at[i].event.pubkey, &found->author))
            return true;
    notes->at = arena_grow(notes->arena, struct note, notes->at, notes->count);
    notes->at[notes->count++] = note;
    return notes->count < notes->max;
}

bool note_find_naming(struct notes *notes, char letter, const struct bytes32 *id, uint16_t kind,
                      catalog_fn *fn, struct err *err)
{
    char hex[HEX_CHARS];
    hex_encode(hex, id->at, sizeof id->at);
    const struct span value = SPAN_OF(hex);
    const struct filter_tag tag = {.letter = letter, .count = 1, .values = &value};
    const struct filter filter = {.until = INT64_MAX,
                                  .limit = FILTER_NO_LIMIT,
                                  .kinds = {1, &kind},
                                  .tag_count = 1,
                                  .tags = &tag};
    return catalog_each(notes->store, &filter, fn, notes, err);
}

/* How many people like it. */
static bool count_likes(struct store *store, size_t *count, const struct bytes32 *id,
                        struct err *err)
{
    struct arena arena = {0};
    struct notes notes = {.store = store, .arena = &arena, .max = ANSWERS_MAX};
    bool ok = note_find_naming(&notes, 'e', id, KIND_REACTION, add_author, err);
    *count = notes.count;
    arena_clear(&arena);
    return ok;
}

/* What a repost holds, when it is what it says it is. */
static void write_repost(struct feed *feed, const struct event *event, struct span content,
                         int indent)
{
    struct event inner;
    if (content.len == 0 || !event_parse(&inner, &feed->arena, content, NULL) ||
        !event_check_id(&inner) || !sig_verify(&inner.sig, &inner.id, &inner.pubkey)) {
        const struct span *id = event_tag_value(event, SPAN("e"));
        text_addf(&feed->out, "%*sshares ", indent, "");
        home_write_words(&feed->out, id != NULL ? *id : SPAN("something unnamed"), HEX_CHARS);
        text_add(&feed->out, SPAN("\n"));
        return;
    }
    text_addf(&feed->out, "%*sshares what ", indent, "");
    people_write_name(&feed->out, feed->store, &inner.pubkey);
    text_add(&feed->out, SPAN(" wrote:\n"));
    home_write_lines(&feed->out,
                     scan_decode(&feed->arena, (struct scan_string){inner.content_json, true}),
                     indent + INDENT);
}

bool note_write(struct feed *feed, const struct note *note, struct err *err)
{
    enum { SHORT = 4, DEPTH_MAX = 12 };
    const struct event *event = &note->event;
    struct text *out = &feed->out;
    size_t likes;
    int indent = INDENT * (note->depth < DEPTH_MAX ? note->depth : DEPTH_MAX);
    if (feed->call->is_json) {
        text_add(out, note->json);
        text_add(out, SPAN("\n"));
        return true;
    }
    if (!count_likes(feed->store, &likes, &event->id, err))
        return false;
    text_addf(out, "%*s", indent, "");
    text_add_hex(out, event->id.at, SHORT);
    text_add(out, SPAN("  "));
    home_write_time(out, event->created_at);
    text_add(out, SPAN("  "));
    people_write_name(out, feed->store, &event->pubkey);
    if (likes > 0)
        text_addf(out, "  %zu like%s it", likes, likes == 1 ? "s" : "");
    text_add(out, SPAN("\n"));
    struct span content =
        scan_decode(&feed->arena, (struct scan_string){event->content_json, true});
    if (event->kind == KIND_REPOST)
        write_repost(feed, event, content, indent + INDENT);
    else
        home_write_lines(out, content, indent + INDENT);
    return true;
}
