/* shoal circle say, read: what the members of a circle say to each other. */
#include <stdlib.h>

#include "client/catalog_things.h"
#include "client/circle.h"
#include "client/command_circle.h"
#include "client/command_pen.h"
#include "client/command_people.h"
#include "client/entity.h"
#include "client/hlc.h"
#include "client/replica.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/text.h"

enum { TALKS_MAX = 10000, READ_DEFAULT = 100, READ_MAX = 1000000, INDENT = 4 };

/* The conversations of a circle: of members who began one each before they met, several, which are
 * read as one. */
struct talks {
    struct replica **at;
    size_t count;
};

static void clear(struct talks *talks)
{
    for (size_t i = 0; i < talks->count; i++)
        replica_free(talks->at[i]);
    talks->count = 0;
}

static bool is_of(const struct replica *replica, const struct bytes32 *circle)
{
    const struct circle *of = replica_circle(replica);
    return of != NULL && memcmp(entity_root(circle_entity(of)), circle, sizeof *circle) == 0;
}

/* To be given to clear. */
static bool find_talks(struct store *store, struct talks *talks, struct arena *arena,
                       const struct bytes32 *circle, struct err *err)
{
    struct catalog_things things;
    const struct catalog_things_call call = {.type = SPAN("conversation"), .max = TALKS_MAX};
    *talks = (struct talks){0};
    if (!catalog_things(store, &things, arena, &call, err))
        return false;
    talks->at = arena_array(arena, struct replica *, things.count + 1);
    for (size_t i = 0; i < things.count; i++) {
        struct replica *replica;
        if (!catalog_load(store, &replica, &things.at[i].root, home_now() + HLC_AHEAD_MAX_MS,
                          err)) {
            clear(talks);
            return false;
        }
        if (is_of(replica, circle))
            talks->at[talks->count++] = replica;
        else
            replica_free(replica);
    }
    return true;
}

/* ---- shoal circle say ---- */

static bool begin(struct pen *pen, struct bytes32 *root, const struct bytes32 *circle,
                  struct err *err)
{
    struct pen_change change = {0};
    struct event event;
    bool ok = pen_create(pen, &change, SPAN("conversation"), err) &&
              pen_join(pen, &change, circle, err) && pen_finish(pen, &change, &event, err);
    if (ok)
        *root = event.id;
    pen_clear(&change);
    return ok;
}

/* The one with the lowest id, as for all who know of the same. */
static bool find_root(struct pen *pen, struct bytes32 *root, const struct bytes32 *circle,
                      struct err *err)
{
    struct talks talks;
    if (!find_talks(pen->store, &talks, &pen->arena, circle, err))
        return false;
    bool is_there = talks.count > 0;
    for (size_t i = 0; i < talks.count; i++) {
        const struct bytes32 *one = entity_root(replica_entity(talks.at[i]));
        if (i == 0 || memcmp(one, root, sizeof *root) < 0)
            *root = *one;
    }
    clear(&talks);
    return is_there || begin(pen, root, circle, err);
}

static bool say(struct pen *pen, struct text *out, struct err *err)
{
    struct pen_change change = {0};
    struct bytes32 circle, root;
    struct event event;
    struct span text;
    bool ok = command_circle_find(pen->store, &circle, pen->call->words[0], err) &&
              pen_text(pen, &text, 1, err) && find_root(pen, &root, &circle, err) &&
              pen_load(pen, &change, &root, err) &&
              pen_finish_saying(pen, &change, text, &event, err);
    if (ok)
        pen_report(pen, out, &event.id, &event.id);
    pen_clear(&change);
    return ok;
}

/* ---- shoal circle read ---- */

static int compare(const void *a, const void *b)
{
    const struct replica_saying *x = a, *y = b;
    if (x->hlc != y->hlc)
        return x->hlc < y->hlc ? -1 : 1;
    return memcmp(&x->id, &y->id, sizeof x->id);
}

/* Of all conversations, in the order of their stamps. */
static struct replica_saying *join(const struct talks *talks, struct arena *arena, size_t *count)
{
    struct replica_saying *all = NULL;
    *count = 0;
    for (size_t i = 0; i < talks->count; i++) {
        size_t some;
        const struct replica_saying *sayings = replica_sayings(talks->at[i], &some);
        for (size_t j = 0; j < some; j++) {
            all = arena_grow(arena, struct replica_saying, all, *count);
            all[(*count)++] = sayings[j];
        }
    }
    if (*count > 0)
        qsort(all, *count, sizeof *all, compare);
    return all;
}

static void write_saying(struct text *out, struct store *store, const struct command_call *call,
                         const struct bytes32 *circle, const struct replica_saying *saying)
{
    enum { SHORT = 4 };
    if (call->is_json) {
        text_add(out, SPAN("{"));
        home_write_hex(out, "id", &saying->id);
        text_add(out, SPAN(","));
        home_write_hex(out, "circle", circle);
        text_add(out, SPAN(","));
        home_write_hex(out, "author", &saying->author);
        text_addf(out, ",\"created_at\":%lld,\"text\":", (long long)hlc_seconds(saying->hlc));
        text_add_json(out, saying->text);
        text_add(out, SPAN("}\n"));
        return;
    }
    text_add_hex(out, saying->id.at, SHORT);
    text_add(out, SPAN("  "));
    home_write_time(out, hlc_seconds(saying->hlc));
    text_add(out, SPAN("  "));
    people_write_name(out, store, &saying->author);
    text_add(out, SPAN("\n"));
    home_write_lines(out, saying->text, INDENT);
}

static bool look(struct store *store, struct text *out, const struct command_call *call,
                 struct err *err)
{
    struct arena arena = {0};
    struct talks talks = {0};
    struct bytes32 circle;
    size_t count;
    int64_t max;
    bool ok = command_read_number(call, "limit", READ_DEFAULT, READ_MAX, &max, err) &&
              command_circle_find(store, &circle, call->words[0], err) &&
              find_talks(store, &talks, &arena, &circle, err);
    if (ok) {
        const struct replica_saying *all = join(&talks, &arena, &count);
        for (size_t i = count > (size_t)max ? count - (size_t)max : 0; i < count; i++)
            write_saying(out, store, call, &circle, &all[i]);
    }
    clear(&talks);
    arena_clear(&arena);
    return ok;
}

static void describe(struct text *out)
{
    text_add(out,
             SPAN("What is said is sealed as all in the circle is, and waits in the queue while "
                  "there is no network.\nWhat somebody said whom an admin removed without having "
                  "seen it, or what a moderator voided,\nis not shown, nor is what shoal rm took "
                  "back.\n"));
}

static const struct command_option options_say[] = {PEN_OPTIONS};

const struct command command_circle_say = {.name = "circle say",
                                           .words = "CIRCLE TEXT... | CIRCLE -",
                                           .help = "say something to the members of a circle",
                                           .words_min = 2,
                                           .words_max = COMMAND_WORDS_MAX,
                                           .options = options_say,
                                           .option_count = ARRAY_LEN(options_say),
                                           .write = say,
                                           .more = describe};

static const struct command_option options_read[] = {
    {"limit", "N", "the last N [100]"}, HOME_OPTION, COMMAND_OPTION_JSON};

const struct command command_circle_read = {.name = "circle read",
                                            .words = "CIRCLE",
                                            .help = "what its members said, the oldest first",
                                            .words_min = 1,
                                            .words_max = 1,
                                            .options = options_read,
                                            .option_count = ARRAY_LEN(options_read),
                                            .look = look,
                                            .more = describe};
