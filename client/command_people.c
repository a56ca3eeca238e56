#include "client/command_people.h"

#include "client/bond.h"
#include "client/catalog.h"
#include "client/command_home.h"
#include "client/inbox.h"
#include "client/person.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/filter.h"
#include "shared/kind.h"
#include "shared/scan.h"
#include "shared/text.h"
#include "shared/utf8.h"

enum { NAME_BYTES_MAX = 40, SHORT = 4, SET_BYTES_MAX = 200 };

bool people_me(struct store *store, struct bytes32 *me, const struct command_call *call,
               struct err *err)
{
    struct arena arena = {0};
    struct catalog_writers writers;
    const char *named = command_value(call, "as");
    size_t found = 0;
    if (named != NULL)
        return person_parse(me, command_span(named), err);
    bool ok = catalog_writers(store, &writers, &arena, err);
    for (size_t i = 0; ok && i < writers.count; i++)
        if (writers.at[i].device == store_device(store)) {
            *me = writers.at[i].author;
            found++;
        }
    arena_clear(&arena);
    if (ok && found == 0) {
        bool is_one;
        ok = inbox_reader(store, &is_one, me, err);
        found = is_one;
    }
    if (!ok || found == 1)
        return ok;
    return err_set(err, ERR_INVALID, "%s on this device: say --as WHO",
                   found == 0 ? "nobody wrote yet" : "several people write");
}

struct newest {
    struct event *event; /* NULL: none yet */
    struct arena *arena;
};

static bool take(void *owner, const struct catalog_event *found)
{
    struct newest *newest = owner;
    struct event *event = arena_alloc(newest->arena, sizeof *event);
    if (event_parse(event, newest->arena, arena_copy(newest->arena, found->json), NULL))
        newest->event = event;
    return newest->event == NULL;
}

bool people_newest(struct store *store, const struct event **event, struct arena *arena,
                   const struct bytes32 *author, uint16_t kind, struct err *err)
{
    struct newest newest = {.arena = arena};
    const struct filter filter = {.until = INT64_MAX,
                                  .limit = FILTER_NO_LIMIT,
                                  .authors = {.count = 1, .at = author},
                                  .kinds = {.count = 1, .at = &kind}};
    bool ok = catalog_each(store, &filter, take, &newest, err);
    *event = newest.event;
    return ok;
}

/* ---- whom they follow ---- */

struct projection_people people_join(struct arena *arena, const struct projection_people *a,
                                     const struct projection_people *b)
{
    struct projection_people both = {
        .at = arena_array(arena, struct bytes32, a->count + b->count + 1)};
    if (a->count > 0)
        memcpy(both.at, a->at, a->count * sizeof *a->at);
    if (b->count > 0)
        memcpy(both.at + a->count, b->at, b->count * sizeof *b->at);
    both.count = a->count + b->count;
    projection_sort(&both);
    return both;
}

struct projection_people people_less(struct arena *arena, const struct projection_people *a,
                                     const struct projection_people *b)
{
    struct projection_people rest = {.at = arena_array(arena, struct bytes32, a->count + 1)};
    for (size_t i = 0; i < a->count; i++)
        if (!projection_has(b, &a->at[i]))
            rest.at[rest.count++] = a->at[i];
    return rest;
}

/* Takes in what one other client wrote. */
static void take_in(struct people_follows *follows, struct arena *arena,
                    const struct own_rewrite *rewrite, bool keeps)
{
    struct projection_people base, theirs;
    struct projection_shift shift;
    projection_read_people(&theirs, arena, rewrite->event);
    if (rewrite->base != NULL)
        projection_read_people(&base, arena, rewrite->base);
    projection_compare_people(&shift, arena, rewrite->base != NULL ? &base : NULL, &theirs);
    follows->all = people_join(arena, &follows->all, &shift.added);
    if (keeps && shift.is_shrunk)
        follows->kept += shift.removed.count;
    else
        follows->all = people_less(arena, &follows->all, &shift.removed);
}

/* Where the state has the people: those of each set by its name. */
static bool name_set(struct people_follows *follows, struct arena *arena, const char *name,
                     struct err *err)
{
    struct text key = {0};
    follows->key = SPAN("people");
    if (name == NULL)
        return true;
    follows->name = command_span(name);
    if (follows->name.len == 0 || follows->name.len > SET_BYTES_MAX || !utf8_is(follows->name))
        return err_set(err, ERR_INVALID, "--set: expected a name of up to %d bytes", SET_BYTES_MAX);
    text_add(&key, SPAN("people/"));
    text_add(&key, follows->name);
    follows->key = arena_copy(arena, text_span(&key));
    text_clear(&key);
    return true;
}

bool people_set(struct store *store, struct people_follows *follows, struct arena *arena,
                const struct people_set *set, struct err *err)
{
    *follows = (struct people_follows){0};
    if (!name_set(follows, arena, set->name, err) ||
        !own_load(store, &follows->own, arena, set->who, SPAN("follows"), err))
        return false;
    const struct own_projection projection = {
        .kind = set->name != NULL ? PROJECTION_SET_KIND : KIND_FOLLOWS, .name = follows->name};
    own_people(&follows->own, &follows->ours, arena, follows->key);
    if (!own_rewrites(store, &follows->rewrites, arena, &follows->own, &projection, err)) {
        people_clear(follows);
        return false;
    }
    follows->all = follows->ours;
    for (size_t i = 0; i < follows->rewrites.count; i++)
        take_in(follows, arena, &follows->rewrites.at[i], set->keeps);
    return true;
}

bool people_follows(struct store *store, struct people_follows *follows, struct arena *arena,
                    const struct bytes32 *who, bool keeps, struct err *err)
{
    const struct people_set all = {.who = who, .keeps = keeps};
    return people_set(store, follows, arena, &all, err);
}

void people_clear(struct people_follows *follows)
{
    own_clear(&follows->own);
}

static bool is_mutual(struct store *store, bool *is, struct arena *arena, const struct bytes32 *me,
                      const struct bytes32 *who, struct err *err)
{
    const struct event *event;
    struct projection_people people = {0};
    if (!people_newest(store, &event, arena, who, KIND_FOLLOWS, err))
        return false;
    if (event != NULL)
        projection_read_people(&people, arena, event);
    *is = projection_has(&people, me);
    return true;
}

/* Those who asked and were answered, or answered what was asked. */
static bool add_bonds(struct store *store, struct projection_people *friends, struct arena *arena,
                      const struct bytes32 *who, struct err *err)
{
    struct bonds bonds;
    struct projection_people bound = {0};
    if (!bond_list(store, &bonds, arena, who, err))
        return false;
    bound.at = arena_array(arena, struct bytes32, bonds.count + 1);
    for (size_t i = 0; i < bonds.count; i++)
        if (bond_is_friend(&bonds.at[i]))
            bound.at[bound.count++] = bonds.at[i].who;
    projection_sort(&bound);
    *friends = people_join(arena, friends, &bound);
    return true;
}

bool people_friends(struct store *store, struct projection_people *friends, struct arena *arena,
                    const struct bytes32 *who, struct err *err)
{
    struct people_follows follows;
    if (!people_follows(store, &follows, arena, who, true, err))
        return false;
    people_clear(&follows); /* whom they are stays */
    *friends =
        (struct projection_people){.at = arena_array(arena, struct bytes32, follows.all.count + 1)};
    for (size_t i = 0; i < follows.all.count; i++) {
        const struct bytes32 *one = &follows.all.at[i];
        bool is_friend;
        if (!is_mutual(store, &is_friend, arena, who, one, err))
            return false;
        if (is_friend && memcmp(one, who, sizeof *one) != 0)
            friends->at[friends->count++] = *one;
    }
    return add_bonds(store, friends, arena, who, err);
}

/* ---- what they are called ---- */

/* A string of the profile, decoded; empty when there is none. */
static struct span name_in(const struct projection_fields *fields, struct arena *arena,
                           struct span key)
{
    const struct projection_field *field = projection_field(fields, key);
    if (field == NULL || field->value.len < 2 || field->value.at[0] != '"')
        return SPAN("");
    struct scan_string string = {{field->value.at + 1, field->value.len - 2}, true};
    return scan_decode(arena, string);
}

static struct span name_of(struct store *store, struct arena *arena, const struct bytes32 *who)
{
    const struct event *event;
    struct projection_fields fields;
    if (!people_newest(store, &event, arena, who, KIND_PROFILE, NULL) || event == NULL)
        return SPAN("");
    struct span content = scan_decode(arena, (struct scan_string){event->content_json, true});
    if (!projection_read_fields(&fields, arena, content, NULL))
        return SPAN("");
    struct span name = name_in(&fields, arena, SPAN("name"));
    return name.len > 0 ? name : name_in(&fields, arena, SPAN("display_name"));
}

void people_write_name(struct text *out, struct store *store, const struct bytes32 *who)
{
    struct arena arena = {0};
    struct span name = name_of(store, &arena, who);
    if (name.len > 0) {
        home_write_words(out, name, NAME_BYTES_MAX);
        text_add(out, SPAN(" ("));
    }
    text_add_hex(out, who->at, SHORT);
    text_add(out, name.len > 0 ? SPAN(")") : SPAN(""));
    arena_clear(&arena);
}

void people_write_json_name(struct text *out, struct store *store, const struct bytes32 *who)
{
    struct arena arena = {0};
    struct span name = name_of(store, &arena, who);
    if (name.len > 0)
        text_add_json(out, name);
    else
        text_add(out, SPAN("null"));
    arena_clear(&arena);
}

void people_write_friend(struct text *out, struct store *store, const struct command_call *call,
                         const struct bytes32 *who, bool is_friend)
{
    if (!call->is_json) {
        text_add_hex(out, who->at, sizeof who->at);
        text_add(out, is_friend ? SPAN("  friend  ") : SPAN("          "));
        people_write_name(out, store, who);
        text_add(out, SPAN("\n"));
        return;
    }
    text_add(out, SPAN("{"));
    home_write_hex(out, "pubkey", who);
    text_add(out, SPAN(",\"name\":"));
    people_write_json_name(out, store, who);
    text_addf(out, ",\"friend\":%s}\n", is_friend ? "true" : "false");
}
