/* shoal feed, thread: what people write, and what others answer. */
#include <stdlib.h>

#include "client/command_live.h"
#include "client/command_note.h"
#include "client/command_people.h"
#include "client/command_scope.h"
#include "client/person.h"
#include "shared/err.h"
#include "shared/filter.h"
#include "shared/kind.h"
#include "shared/url.h"

enum { FEED_DEFAULT = 20, FEED_MAX = 100000, ANSWERS_MAX = 2000 };

static bool is_same(const struct bytes32 *a, const struct bytes32 *b)
{
    return memcmp(a, b, sizeof *a) == 0;
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
    if (!note_find_naming(notes, 'e', root, KIND_NOTE, note_add, err) ||
        !note_find_naming(notes, 'E', root, KIND_COMMENT, note_add, err))
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
        if (note.depth > 0 && !note_write(feed, &note, err))
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
    const struct people_set set = {
        .who = &me, .name = command_value(feed->call, "set"), .keeps = true};
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
        !people_set(feed->store, &follows, &feed->arena, &set, err))
        return false;
    *authors = set.name != NULL
                   ? follows.all
                   : people_join(&feed->arena, &follows.all, &(struct projection_people){&me, 1});
    people_clear(&follows);
    return authors->count > 0 ||
           err_set(err, ERR_INVALID, "nobody is in the set '%.40s'", set.name);
}

static const uint16_t kinds[] = {KIND_NOTE, KIND_REPOST};

/* What is in the store, the newest first. */
static bool find_notes(struct feed *feed, struct notes *notes, struct err *err)
{
    struct projection_people authors;
    int64_t max;
    *notes = (struct notes){.arena = &feed->arena, .is_first_only = true};
    if (!find_authors(feed, &authors, err) ||
        !command_read_number(feed->call, "limit", FEED_DEFAULT, FEED_MAX, &max, err))
        return false;
    const struct filter filter = {.until = INT64_MAX,
                                  .limit = FILTER_NO_LIMIT,
                                  .kinds = {ARRAY_LEN(kinds), kinds},
                                  .authors = {.count = (uint32_t)authors.count, .at = authors.at}};
    notes->max = (size_t)max;
    return max == 0 || catalog_each(feed->store, &filter, note_add, notes, err);
}

static bool feed_notes(struct feed *feed, struct err *err)
{
    struct notes notes;
    bool shows_answers = command_value(feed->call, "replies") != NULL;
    if (!find_notes(feed, &notes, err))
        return false;
    for (size_t i = 0; i < notes.count; i++)
        if (!note_write(feed, &notes.at[i], err) ||
            (shows_answers && !write_answers(feed, &notes.at[i], err)))
            return false;
    return true;
}

/* ---- shoal feed --follow ---- */

struct following {
    struct feed feed;
    struct projection_people authors;
    struct filter *filters; /* for relays: the authors in several parts, where there are many */
    uint32_t filter_count;
};

static bool show(struct following *following, bool ok, const struct err *err)
{
    struct feed *feed = &following->feed;
    if (!ok)
        (void)command_fail(feed->call, err);
    return ok && command_print(feed->call, &feed->out) == COMMAND_DONE;
}

/* The newest comes last, as what comes then does. */
static bool on_begin(void *owner)
{
    struct following *following = owner;
    struct feed *feed = &following->feed;
    struct notes notes;
    struct err err;
    bool ok = find_notes(feed, &notes, &err);
    for (size_t i = notes.count; ok && i-- > 0;)
        ok = note_write(feed, &notes.at[i], &err);
    return show(following, ok, &err);
}

static bool on_came(void *owner, const struct catalog_event *event)
{
    struct following *following = owner;
    struct feed *feed = &following->feed;
    struct feed one = {.call = feed->call, .store = feed->store};
    bool shows_answers = command_value(feed->call, "replies") != NULL;
    struct notes notes = {.arena = &one.arena, .max = 1, .is_first_only = !shows_answers};
    bool is_kind = event->kind == KIND_NOTE || event->kind == KIND_REPOST;
    struct err err;
    if (!is_kind || !projection_has(&following->authors, &event->author))
        return true;
    (void)note_add(&notes, event);
    bool ok = notes.count == 0 || note_write(&one, notes.at, &err);
    text_add(&feed->out, text_span(&one.out));
    text_clear(&one.out);
    arena_clear(&one.arena);
    return show(following, ok, &err);
}

static void make_filters(struct following *following, int64_t limit)
{
    enum { AUTHORS_MAX = 100 }; /* in a filter: relays bound them */
    struct arena *arena = &following->feed.arena;
    const struct projection_people *authors = &following->authors;
    following->filters = arena_array(arena, struct filter, authors->count / AUTHORS_MAX + 1);
    for (size_t i = 0; i < authors->count; i += AUTHORS_MAX) {
        size_t left = authors->count - i;
        following->filters[following->filter_count++] = (struct filter){
            .until = INT64_MAX,
            .limit = limit,
            .kinds = {ARRAY_LEN(kinds), kinds},
            .authors = {.count = (uint32_t)(left < AUTHORS_MAX ? left : AUTHORS_MAX),
                        .at = authors->at + i}};
    }
}

static bool is_stop(const struct live *live, struct span text)
{
    struct url ours, theirs;
    for (size_t i = 0; i < live->stop_count; i++)
        if (url_parse(&ours, live->stops[i].url, NULL) && url_parse(&theirs, text, NULL) &&
            url_equal(&ours, &theirs))
            return true;
    return false;
}

/* And those that the authors write to, for these alone. */
static bool add_stops(struct following *following, struct live *live, struct live_stop **stops,
                      int64_t limit, struct err *err)
{
    struct feed *feed = &following->feed;
    const struct scope scope = {.authors = following->authors.at,
                                .author_count = following->authors.count};
    struct scope_stop *more;
    size_t more_count;
    if (command_value(feed->call, "no-outbox") != NULL)
        return true;
    if (!scope_route(&more, &more_count, &feed->arena, &scope, feed->store, err))
        return false;
    for (size_t i = 0; i < more_count; i++) {
        if (is_stop(live, more[i].url))
            continue;
        more[i].filter.kinds.count = ARRAY_LEN(kinds);
        more[i].filter.kinds.at = kinds;
        more[i].filter.limit = limit;
        *stops = arena_grow(&feed->arena, struct live_stop, *stops, live->stop_count);
        (*stops)[live->stop_count++] = (struct live_stop){more[i].url, &more[i].filter, 1};
        live->stops = *stops;
    }
    return true;
}

/* All of one's relays are asked for everybody. */
static bool make_stops(struct following *following, struct live *live, struct err *err)
{
    enum { ASKED_MAX = 500 }; /* stored events, of a relay */
    struct feed *feed = &following->feed;
    struct span *urls;
    int64_t max;
    if (!find_authors(feed, &following->authors, err) ||
        !command_read_number(feed->call, "limit", FEED_DEFAULT, FEED_MAX, &max, err) ||
        !store_relays(feed->store, &urls, &live->stop_count, &feed->arena, err))
        return false;
    make_filters(following, max < ASKED_MAX ? max : ASKED_MAX);
    struct live_stop *stops = NULL;
    size_t url_count = live->stop_count;
    for (live->stop_count = 0; live->stop_count < url_count; live->stop_count++) {
        stops = arena_grow(&feed->arena, struct live_stop, stops, live->stop_count);
        stops[live->stop_count] =
            (struct live_stop){urls[live->stop_count], following->filters, following->filter_count};
    }
    live->stops = stops;
    return add_stops(following, live, &stops, max < ASKED_MAX ? max : ASKED_MAX, err);
}

static enum command_status follow(struct command_call *call)
{
    struct following following = {.feed = {.call = call}};
    struct live live = {.call = call, .begin = on_begin, .came = on_came, .owner = &following};
    struct err err;
    enum command_status status;
    live.store = following.feed.store = home_open(call, &status);
    if (live.store == NULL)
        return status;
    status = make_stops(&following, &live, &err) ? live_run(&live) : command_fail(call, &err);
    text_clear(&following.feed.out);
    arena_clear(&following.feed.arena);
    store_close(live.store);
    return status;
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
    return note_write(feed, &root, err) && write_answers(feed, &root, err);
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
    if (!command_number(call, "limit", FEED_DEFAULT, FEED_MAX, &max))
        return COMMAND_USAGE;
    return command_value(call, "follow") != NULL ? follow(call) : home_look(call, look_feed);
}

static const struct command_option options_feed[] = {
    {"author", "WHO", "what this person wrote; may be repeated [you, and whom you follow]"},
    {"set", "NAME", "of those in this list of yours: shoal follow add --set"},
    {"replies", NULL, "with what was answered"},
    {"limit", "N", "at most so many notes [20]"},
    {"follow", NULL, "the newest last, then what relays and the store get, until Ctrl-C"},
    {"no-outbox", NULL, "with --follow: your relays alone, not where the authors write (NIP-65)"},
    PEOPLE_OPTION_AS,
    LIVE_OPTIONS,
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
                                       .words = "ID... | -",
                                       .help = "a note, and all that was answered",
                                       .words_min = 1,
                                       .words_max = COMMAND_WORDS_MAX,
                                       .options = options_thread,
                                       .option_count = ARRAY_LEN(options_thread),
                                       .look = look_thread,
                                       .lines = COMMAND_LINES_WORD};
