#include "client/command_scope.h"

#include <stdlib.h>

#include "client/catalog.h"
#include "client/catalog_circle.h"
#include "client/catalog_mailbox.h"
#include "client/command_circle.h"
#include "client/command_home.h"
#include "client/person.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/text.h"

enum {
    VALUES_MAX = 100, /* of a filter, which other relays bound too */
    TIMES = 2,        /* relays at which an author is looked for */
    STOPS_MAX = 30,   /* relays in all: those at which most are met */
};

/* Ids or keys on their way into filters. */
struct set {
    struct bytes32 *at;
    size_t count, capacity;
};

static void set_add(struct set *set, const struct bytes32 *id)
{
    if (set->count == set->capacity) {
        set->capacity = set->capacity == 0 ? 64 : 2 * set->capacity;
        set->at = realloc(set->at, set->capacity * sizeof *set->at);
        if (set->at == NULL)
            abort();
    }
    set->at[set->count++] = *id;
}

static int order(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct bytes32));
}

static void set_sort(struct set *set)
{
    size_t kept = 0;
    if (set->count > 0)
        qsort(set->at, set->count, sizeof *set->at, order);
    for (size_t i = 0; i < set->count; i++)
        if (kept == 0 || memcmp(&set->at[kept - 1], &set->at[i], sizeof *set->at) != 0)
            set->at[kept++] = set->at[i];
    set->count = kept;
}

static bool add_filter(struct scope *scope, struct arena *arena, struct span json, struct err *err)
{
    scope->filters = arena_grow(arena, struct filter, scope->filters, scope->count);
    struct filter *filter = &scope->filters[scope->count];
    if (!filter_parse(filter, arena, arena_copy(arena, json), err))
        return false;
    if (filter->limit != FILTER_NO_LIMIT)
        return err_set(err, ERR_INVALID, "a filter with a limit");
    scope->count++;
    return true;
}

/* {begin:[...]}, in several filters where there are many. */
static bool add_set(struct scope *scope, struct arena *arena, const char *begin,
                    const struct set *set, struct err *err)
{
    bool ok = true;
    for (size_t i = 0; ok && i < set->count;) {
        struct text json = {0};
        text_addf(&json, "{%s:[", begin);
        for (size_t end = i + VALUES_MAX; i < set->count && i < end; i++) {
            text_add(&json, json.at[json.len - 1] == '[' ? SPAN("\"") : SPAN(",\""));
            text_add_hex(&json, set->at[i].at, sizeof set->at[i].at);
            text_add(&json, SPAN("\""));
        }
        text_add(&json, SPAN("]}"));
        ok = add_filter(scope, arena, text_span(&json), err);
        text_clear(&json);
    }
    return ok;
}

/* An entity is the event that creates it, and all that name that. */
static bool add_entities(struct scope *scope, struct arena *arena, struct set *roots,
                         struct err *err)
{
    set_sort(roots);
    return add_set(scope, arena, "\"ids\"", roots, err) &&
           add_set(scope, arena, "\"#e\"", roots, err);
}

/* ---- what the options say ---- */

static bool read_authors(struct set *set, const struct command_call *call, struct err *err)
{
    const char *value;
    struct bytes32 key;
    size_t place = 0;
    while ((value = command_next_value(call, "author", &place)) != NULL) {
        if (!person_parse(&key, command_span(value), err))
            return false;
        set_add(set, &key);
    }
    set_sort(set);
    return true;
}

static bool read_ids(struct set *set, const struct command_call *call, struct store *store,
                     const char *option, struct err *err)
{
    const char *value;
    struct bytes32 id;
    size_t place = 0;
    while ((value = command_next_value(call, option, &place)) != NULL) {
        bool ok = strcmp(option, "circle") == 0 ? command_circle_find(store, &id, value, err)
                                                : home_resolve(store, &id, value, err);
        if (!ok)
            return false;
        set_add(set, &id);
    }
    return true;
}

static bool read_filters(struct scope *scope, struct arena *arena, const struct command_call *call,
                         struct err *err)
{
    const char *value;
    size_t place = 0;
    while ((value = command_next_value(call, "filter", &place)) != NULL)
        if (!add_filter(scope, arena, command_span(value), err))
            return false;
    return command_value(call, "all") == NULL || add_filter(scope, arena, SPAN("{}"), err);
}

static void keep_authors(struct scope *scope, struct arena *arena, const struct set *authors)
{
    scope->authors = arena_array(arena, struct bytes32, authors->count);
    scope->author_count = authors->count;
    if (authors->count > 0)
        memcpy(scope->authors, authors->at, authors->count * sizeof *authors->at);
}

static bool read_options(struct scope *scope, struct arena *arena, const struct command_call *call,
                         struct store *store, struct err *err)
{
    struct set authors = {0}, entities = {0}, circles = {0};
    bool ok =
        read_authors(&authors, call, err) && read_ids(&entities, call, store, "entity", err) &&
        read_ids(&entities, call, store, "circle", err) &&
        read_ids(&circles, call, store, "circle", err) &&
        add_set(scope, arena, "\"authors\"", &authors, err) &&
        add_entities(scope, arena, &entities, err) &&
        add_set(scope, arena, "\"#h\"", &circles, err) && read_filters(scope, arena, call, err);
    keep_authors(scope, arena, &authors);
    free(authors.at);
    free(entities.at);
    free(circles.at);
    return ok;
}

/* ---- what the store holds ---- */

/* What is sealed is found by its circle alone, and relays are told no more of it. */
static bool add_root(void *owner, const struct catalog_event *event)
{
    if (event->has_root && !event->is_withheld)
        set_add(owner, &event->root);
    return true;
}

/* All of the circles, and whatever lets somebody of this device into one. */
static bool add_circles(struct scope *scope, struct arena *arena, struct store *store,
                        const struct set *authors, struct err *err)
{
    struct bytes32 *roots;
    size_t count;
    if (!catalog_circles(store, &roots, &count, arena, err))
        return false;
    const struct set circles = {.at = roots, .count = count};
    return add_set(scope, arena, "\"#h\"", &circles, err) &&
           add_set(scope, arena, "\"kinds\":[1572,1574],\"#p\"", authors, err);
}

static bool read_store(struct scope *scope, struct arena *arena, struct store *store,
                       struct err *err)
{
    struct catalog_writers writers;
    struct set authors = {0}, roots = {0};
    const struct filter all = {.until = INT64_MAX, .limit = FILTER_NO_LIMIT};
    bool ok = catalog_writers(store, &writers, arena, err) &&
              catalog_each(store, &all, add_root, &roots, err);
    for (size_t i = 0; ok && i < writers.count; i++)
        if (writers.at[i].device == store_device(store))
            set_add(&authors, &writers.at[i].author);
    set_sort(&authors);
    ok = ok && add_set(scope, arena, "\"authors\"", &authors, err) &&
         add_entities(scope, arena, &roots, err) && add_circles(scope, arena, store, &authors, err);
    keep_authors(scope, arena, &authors);
    free(authors.at);
    free(roots.at);
    return ok;
}

bool scope_read(struct scope *scope, struct arena *arena, const struct command_call *call,
                struct store *store, struct err *err)
{
    *scope = (struct scope){0};
    if (!read_options(scope, arena, call, store, err))
        return false;
    return scope->count > 0 || read_store(scope, arena, store, err);
}

/* ---- where they write ---- */

bool scope_route(struct scope_stop **stops, size_t *count, struct arena *arena,
                 const struct scope *scope, struct store *store, struct err *err)
{
    struct catalog_mailboxes known;
    *count = 0;
    if (!catalog_mailboxes(store, &known, arena, scope->authors, scope->author_count, err))
        return false;
    struct mailbox_stop *route = mailbox_route(count, arena, known.at, known.count, TIMES);
    if (*count > STOPS_MAX)
        *count = STOPS_MAX;
    *stops = arena_array(arena, struct scope_stop, *count);
    for (size_t i = 0; i < *count; i++) {
        qsort(route[i].authors, route[i].count, sizeof *route[i].authors, order);
        (*stops)[i] = (struct scope_stop){
            .url = route[i].url,
            .filter = {.until = INT64_MAX,
                       .limit = FILTER_NO_LIMIT,
                       .authors = {.count = (uint32_t)route[i].count, .at = route[i].authors}}};
    }
    return true;
}
