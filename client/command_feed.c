/* shoal feed, thread: what people write, and what others answer. */
#include <stdlib.h>

#include "client/catalog.h"
#include "client/command_home.h"
#include "client/command_people.h"
#include "client/person.h"
#include "client/thread.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/filter.h"
#include "shared/hex.h"
#include "shared/kind.h"
#include "shared/scan.h"
#include "shared/sig.h"
#include "shared/text.h"

enum { FEED_DEFAULT = 20, FEED_MAX = 100000, ANSWERS_MAX = 2000, HEX_CHARS = 64, INDENT = 4 };

struct note {
    struct event event;
    struct span json;
    struct thread thread;
    int depth;
};

struct notes {
    struct store *store;
    struct arena *arena;
    struct note *at;
    size_t count, max;
    bool is_first_only; /* no answers */
};

struct feed {
    const struct command_call *call;
    struct store *store;
    struct arena arena;
    struct text out;
};

static bool add_note(void *owner, const struct catalog_event *found)
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

/* The events of a kind that name another in a tag of that letter. */
static bool find_naming(struct notes *notes, char letter, const struct bytes32 *id, uint16_t kind,
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
    bool ok = find_naming(&notes, 'e', id, KIND_REACTION, add_author, err);
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

static bool write_note(struct feed *feed, const struct note *note, struct err *err)
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

/* ---- what was answered ---- */

/* The oldest first, so that a pile of them is taken from the top. */
static int compare(const void *a, const void *b)
{
    const struct event *x = &((const struct note *)a)->event, *y = &((const struct note *)b)->event;
    if (x->created_at != y->created_at)
        return x->created_at < y->created_at ? -1 : 1;
    return memcmp(&x->id, &y->id, sizeof x->id);
}

static bool find_answers(struct feed *feed, struct notes *notes, const struct bytes32 *root,
                         struct err *err)
{
    *notes = (struct notes){.store = feed->store, .arena = &feed->arena, .max = ANSWERS_MAX};
    if (!find_naming(notes, 'e', root, KIND_NOTE, add_note, err) ||
        !find_naming(notes, 'E', root, KIND_COMMENT, add_note, err))
        return false;
    if (notes->count > 0)
        qsort(notes->at, notes->count, sizeof *notes->at, compare);
    return true;
}

/* What answers it, or, under what began the thread, what answers something that is not here. */
static bool is_under(const struct notes *notes, const struct note *answer, const struct note *note)
{
    if (!is_same(&answer->thread.root, &note->thread.root))
        return false; /* it only mentions */
    if (is_same(&answer->thread.parent, &note->event.id))
        return true;
    if (note->depth > 0)
        return false;
    for (size_t i = 0; i < notes->count; i++)
        if (is_same(&notes->at[i].event.id, &answer->thread.parent))
            return false;
    return true;
}

/* All under a note that begins a thread, each after what it answers. */
static bool write_answers(struct feed *feed, const struct note *first, struct err *err)
{
    struct notes notes;
    size_t waiting = 1;
    if (!find_answers(feed, &notes, &first->event.id, err))
        return false;
    struct note *stack = arena_array(&feed->arena, struct note, notes.count + 1);
    bool *is_taken = arena_array(&feed->arena, bool, notes.count + 1);
    stack[0] = *first;
    stack[0].thread.root = first->event.id;
    while (waiting > 0) {
        struct note note = stack[--waiting];
        if (note.depth > 0 && !write_note(feed, &note, err))
            return false;
        for (size_t i = notes.count; i-- > 0;) {
            if (is_taken[i] || !is_under(&notes, &notes.at[i], &note))
                continue;
            is_taken[i] = true;
            stack[waiting] = notes.at[i];
            stack[waiting++].depth = note.depth + 1;
        }
    }
    return true;
}

/* ---- shoal feed ---- */

/* Whose notes: those named, or oneself and those one follows. */
static bool find_authors(struct feed *feed, struct projection_people *authors, struct err *err)
{
    struct bytes32 me;
    struct people_follows follows;
    const char *named;
    size_t place = 0;
    *authors = (struct projection_people){
        .at = arena_array(&feed->arena, struct bytes32, COMMAND_OPTIONS_MAX)};
    while ((named = command_next_value(feed->call, "author", &place)) != NULL)
        if (!person_parse(&authors->at[authors->count++], command_span(named), err))
            return false;
    projection_sort(authors);
    if (authors->count > 0)
        return true;
    if (!people_me(feed->store, &me, feed->call, err) ||
        !people_follows(feed->store, &follows, &feed->arena, &me, true, err))
        return false;
    *authors = people_join(&feed->arena, &follows.all, &(struct projection_people){&me, 1});
    people_clear(&follows);
    return true;
}

static bool feed_notes(struct feed *feed, struct err *err)
{
    static const uint16_t kinds[] = {KIND_NOTE, KIND_REPOST};
    struct projection_people authors;
    struct notes notes = {.arena = &feed->arena, .is_first_only = true};
    bool shows_answers = command_value(feed->call, "replies") != NULL;
    int64_t max;
    if (!find_authors(feed, &authors, err) ||
        !command_read_number(feed->call, "limit", FEED_DEFAULT, FEED_MAX, &max, err))
        return false;
    const struct filter filter = {.until = INT64_MAX,
                                  .limit = FILTER_NO_LIMIT,
                                  .kinds = {ARRAY_LEN(kinds), kinds},
                                  .authors = {.count = (uint32_t)authors.count, .at = authors.at}};
    notes.max = (size_t)max;
    if (max > 0 && !catalog_each(feed->store, &filter, add_note, &notes, err))
        return false;
    for (size_t i = 0; i < notes.count; i++)
        if (!write_note(feed, &notes.at[i], err) ||
            (shows_answers && !write_answers(feed, &notes.at[i], err)))
            return false;
    return true;
}

/* ---- shoal thread ---- */

static bool find_note(struct feed *feed, struct note *note, bool *is_there,
                      const struct bytes32 *id, struct err *err)
{
    struct catalog_events found;
    if (!catalog_event(feed->store, &found, &feed->arena, id, err))
        return false;
    *note = (struct note){0};
    *is_there = found.count == 1 && event_parse(&note->event, &feed->arena, found.at->json, NULL);
    if (*is_there) {
        note->json = found.at->json;
        thread_read(&note->thread, &note->event);
    }
    return true;
}

static bool whole_thread(struct feed *feed, struct err *err)
{
    struct note note, root;
    struct bytes32 id;
    bool is_there, has_root = false;
    if (!home_resolve(feed->store, &id, feed->call->words[0], err) ||
        !find_note(feed, &note, &is_there, &id, err))
        return false;
    if (!is_there)
        return err_set(err, ERR_INVALID, "it is not in the store: fetch it first");
    if (note.thread.has_parent && !find_note(feed, &root, &has_root, &note.thread.root, err))
        return false;
    if (!has_root)
        root = note;
    return write_note(feed, &root, err) && write_answers(feed, &root, err);
}

static bool look(struct store *store, struct text *out, const struct command_call *call,
                 bool (*write)(struct feed *feed, struct err *err), struct err *err)
{
    struct feed feed = {.call = call, .store = store};
    bool ok = write(&feed, err);
    text_add(out, text_span(&feed.out));
    text_clear(&feed.out);
    arena_clear(&feed.arena);
    return ok;
}

static bool look_feed(struct store *store, struct text *out, const struct command_call *call,
                      struct err *err)
{
    return look(store, out, call, feed_notes, err);
}

static bool look_thread(struct store *store, struct text *out, const struct command_call *call,
                        struct err *err)
{
    return look(store, out, call, whole_thread, err);
}

static enum command_status run_feed(struct command_call *call)
{
    int64_t max;
    return command_number(call, "limit", FEED_DEFAULT, FEED_MAX, &max) ? home_look(call, look_feed)
                                                                       : COMMAND_USAGE;
}

static const struct command_option options_feed[] = {
    {"author", "WHO", "what this person wrote; may be repeated [you, and whom you follow]"},
    {"replies", NULL, "with what was answered"},
    {"limit", "N", "at most so many notes [20]"},
    PEOPLE_OPTION_AS,
    HOME_OPTION,
    COMMAND_OPTION_JSON};

const struct command command_feed = {.name = "feed",
                                     .help = "what those whom you follow write, the newest first",
                                     .options = options_feed,
                                     .option_count = ARRAY_LEN(options_feed),
                                     .run = run_feed,
                                     .look = look_feed};

static const struct command_option options_thread[] = {HOME_OPTION, COMMAND_OPTION_JSON};

const struct command command_thread = {.name = "thread",
                                       .words = "ID",
                                       .help = "a note, and all that was answered",
                                       .words_min = 1,
                                       .words_max = 1,
                                       .options = options_thread,
                                       .option_count = ARRAY_LEN(options_thread),
                                       .look = look_thread};
