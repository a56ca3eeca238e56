#include "client/command_own.h"

#include <stdlib.h>

#include "client/catalog_things.h"
#include "client/command_pen.h"
#include "client/entity.h"
#include "client/hlc.h"
#include "client/replica.h"
#include "client/state.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/filter.h"
#include "shared/hex.h"

enum {
    ENTITIES_MAX = 100,
    HEX_CHARS = 64,
    PEOPLE_AT_ONCE = 300, /* in one event */
    REWRITES_MAX = 1000
};

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct bytes32));
}

bool own_load(struct store *store, struct own *own, struct arena *arena,
              const struct bytes32 *author, struct span type, struct err *err)
{
    struct catalog_things things;
    *own = (struct own){0};
    const struct catalog_things_call call = {author, type, ENTITIES_MAX};
    if (!catalog_things(store, &things, arena, &call, err))
        return false;
    own->author = *author;
    own->roots = arena_array(arena, struct bytes32, things.count + 1);
    own->at = arena_array(arena, struct replica *, things.count + 1);
    for (size_t i = 0; i < things.count; i++)
        own->roots[i] = things.at[i].root;
    qsort(own->roots, things.count, sizeof *own->roots, compare);
    for (size_t i = 0; i < things.count; i++) {
        if (!catalog_load(store, &own->at[i], &own->roots[i], home_now() + HLC_AHEAD_MAX_MS, err)) {
            own_clear(own);
            return false;
        }
        own->count++;
    }
    return true;
}

void own_clear(struct own *own)
{
    for (size_t i = 0; i < own->count; i++)
        replica_free(own->at[i]);
    own->count = 0;
}

static const struct state *state_of(const struct own *own, size_t i)
{
    return entity_state(replica_entity(own->at[i]));
}

static bool is_later(const struct state_field *a, const struct state_field *b)
{
    if (a->stamp.hlc != b->stamp.hlc)
        return a->stamp.hlc > b->stamp.hlc;
    return compare(&a->stamp.id, &b->stamp.id) < 0;
}

const struct state_field *own_field(const struct own *own, struct span key)
{
    const struct state_field *last = NULL;
    for (size_t i = 0; i < own->count; i++) {
        const struct state_field *field = trie_get(&state_of(own, i)->fields, key);
        if (field != NULL && (last == NULL || is_later(field, last)))
            last = field;
    }
    return last;
}

void own_fields(const struct own *own, struct projection_fields *fields, struct arena *arena)
{
    *fields = (struct projection_fields){0};
    for (size_t i = 0; i < own->count; i++)
        for (const struct trie_node *leaf = state_of(own, i)->fields.first; leaf != NULL;
             leaf = leaf->next) {
            const struct state_field *field = own_field(own, leaf->key);
            if (field != leaf->value || field->value.len == 0 || leaf->key.len == 0 ||
                leaf->key.at[0] == '_' || fields->count == PROJECTION_FIELDS_MAX)
                continue;
            fields->at = arena_grow(arena, struct projection_field, fields->at, fields->count);
            fields->at[fields->count++] =
                (struct projection_field){leaf->key, field->value, hlc_seconds(field->stamp.hlc)};
        }
}

/* A JSON string of hex digits. */
static bool read_key(struct bytes32 *key, struct span json)
{
    return json.len == HEX_CHARS + 2 &&
           hex_decode(key->at, sizeof key->at, (struct span){json.at + 1, HEX_CHARS});
}

void own_people(const struct own *own, struct projection_people *people, struct arena *arena,
                struct span set)
{
    struct bytes32 key;
    *people = (struct projection_people){0};
    for (size_t i = 0; i < own->count; i++) {
        size_t count;
        const struct state_element **elements =
            state_elements(state_of(own, i), arena, set, &count);
        for (size_t j = 0; j < count; j++) {
            if (!read_key(&key, elements[j]->value))
                continue;
            people->at = arena_grow(arena, struct bytes32, people->at, people->count);
            people->at[people->count++] = key;
        }
    }
    if (people->count > 0) { /* a copy, since what grew may not shrink and grow again */
        struct bytes32 *at = arena_array(arena, struct bytes32, people->count);
        memcpy(at, people->at, people->count * sizeof *at);
        people->at = at;
    }
    projection_sort(people);
}

struct events {
    struct arena *arena;
    struct event *at;
    size_t count;
};

static bool add_event(void *owner, const struct catalog_event *found)
{
    struct events *events = owner;
    events->at = arena_grow(events->arena, struct event, events->at, events->count);
    if (event_parse(&events->at[events->count], events->arena,
                    arena_copy(events->arena, found->json), NULL))
        events->count++;
    return true;
}

/* events: the newest first. */
static void find_rewrites(struct own_rewrites *rewrites, struct arena *arena,
                          const struct projection_people *shown, const struct events *events)
{
    struct own_rewrite *at = arena_array(arena, struct own_rewrite, events->count + 1);
    const struct event *base = NULL;
    *rewrites = (struct own_rewrites){.at = at, .newest = events->count > 0 ? events->at : NULL};
    for (size_t i = events->count; i-- > 0;) {
        const struct event *event = &events->at[i];
        bool is_shown = projection_has(shown, &event->id);
        if (!is_shown && base != NULL)
            at[rewrites->count++] = (struct own_rewrite){event, base};
        if (is_shown || base != NULL)
            base = event;
    }
    if (base == NULL && events->count > 0)
        at[rewrites->count++] = (struct own_rewrite){events->at, NULL};
}

bool own_rewrites(struct store *store, struct own_rewrites *rewrites, struct arena *arena,
                  const struct own *own, const struct own_projection *projection, struct err *err)
{
    struct events events = {.arena = arena};
    struct projection_people shown;
    const struct filter_tag name = {.letter = 'd', .count = 1, .values = &projection->name};
    const struct filter filter = {.until = INT64_MAX,
                                  .limit = REWRITES_MAX,
                                  .authors = {.count = 1, .at = &own->author},
                                  .kinds = {.count = 1, .at = &projection->kind},
                                  .tag_count = projection->name.len > 0,
                                  .tags = &name};
    own_people(own, &shown, arena, SPAN(OWN_PROJECTIONS));
    if (!catalog_each(store, &filter, add_event, &events, err))
        return false;
    find_rewrites(rewrites, arena, &shown, &events);
    return true;
}

/* ---- writing ---- */

/* As JSON. */
static struct span hex_value(struct pen *pen, const struct bytes32 *key)
{
    char json[HEX_CHARS + 2] = "\"";
    hex_encode(json + 1, key->at, sizeof key->at);
    json[HEX_CHARS + 1] = '"';
    return arena_copy(&pen->arena, SPAN_OF(json));
}

static bool is_room(const struct pen_change *change, struct err *err)
{
    return change->op_count < OP_COUNT_MAX ||
           err_set(err, ERR_INVALID, "over %d changes at once", OP_COUNT_MAX);
}

/* The removals from one of the entities, which may not hold each. */
static bool add_removals(struct pen *pen, struct pen_change *change, const struct own_edit *edit,
                         struct err *err)
{
    for (size_t i = 0; i < edit->remove.count; i++) {
        struct span value = hex_value(pen, &edit->remove.at[i]);
        if (!is_room(change, err))
            return false;
        if (!pen_remove(pen, change, edit->set, value, NULL))
            continue; /* another holds it */
    }
    return true;
}

static bool add_changes(struct pen *pen, struct pen_change *change, const struct own_edit *edit,
                        struct err *err)
{
    for (size_t i = 0; i < edit->add.count; i++) {
        if (!is_room(change, err))
            return false;
        pen_op(pen, change, OP_ADD, edit->set)->value = hex_value(pen, &edit->add.at[i]);
    }
    for (size_t i = 0; i < edit->fields.count; i++) {
        const struct projection_field *field = &edit->fields.at[i];
        if (!is_room(change, err))
            return false;
        pen_op(pen, change, field->value.len > 0 ? OP_SET : OP_DEL, field->key)->value =
            field->value;
    }
    for (size_t i = 0; i < edit->shown.count && change->op_count < OP_COUNT_MAX; i++)
        pen_op(pen, change, OP_ADD, SPAN(OWN_PROJECTIONS))->value =
            hex_value(pen, &edit->shown.at[i]);
    return add_removals(pen, change, edit, err);
}

/* Later than all that any of the entities says. */
static bool raise(struct pen_change *change, const struct own *own, struct err *err)
{
    uint64_t last = 0;
    for (size_t i = 0; i < own->count; i++) {
        uint64_t hlc = entity_hlc(replica_entity(own->at[i]));
        last = hlc > last ? hlc : last;
    }
    return change->node.hlc > last || hlc_next(&change->node.hlc, last, home_now(), err);
}

/* One event, on an entity or on what it creates when root is NULL. */
static bool write_event(struct pen *pen, const struct own *own, const struct bytes32 *root,
                        const struct own_edit *edit, struct event *event, struct err *err)
{
    struct pen_change change = {0};
    bool ok = root != NULL ? pen_load(pen, &change, root, err)
                           : pen_create(pen, &change, edit->type, err);
    ok = ok && raise(&change, own, err) && add_changes(pen, &change, edit, err) &&
         pen_finish(pen, &change, event, err);
    pen_clear(&change);
    return ok;
}

/* Up to PEOPLE_AT_ONCE of people from the first on. */
static struct projection_people slice(const struct projection_people *people, size_t first)
{
    size_t count = people->count > first ? people->count - first : 0;
    return (struct projection_people){count > 0 ? people->at + first : NULL,
                                      count < PEOPLE_AT_ONCE ? count : PEOPLE_AT_ONCE};
}

/* Takes out of the entities but the first what they hold. */
static bool remove_elsewhere(struct pen *pen, const struct own *own, const struct own_edit *edit,
                             struct err *err)
{
    bool ok = true;
    for (size_t i = 1; ok && i < own->count && edit->remove.count > 0; i++) {
        struct pen_change change = {0};
        struct event event;
        ok = pen_load(pen, &change, &own->roots[i], err) && add_removals(pen, &change, edit, err) &&
             (change.op_count == 0 || pen_finish(pen, &change, &event, err));
        pen_clear(&change);
    }
    return ok;
}

bool own_write(struct pen *pen, const struct own *own, const struct own_edit *edit,
               struct bytes32 *root, struct event *event, struct err *err)
{
    bool is_there = own->count > 0, is_last = false;
    if (is_there)
        *root = own->roots[0];
    for (size_t first = 0; !is_last; first += PEOPLE_AT_ONCE) {
        struct own_edit part = {.type = edit->type, .set = edit->set};
        part.add = slice(&edit->add, first);
        part.remove = slice(&edit->remove, first);
        is_last = first + PEOPLE_AT_ONCE >= edit->add.count &&
                  first + PEOPLE_AT_ONCE >= edit->remove.count;
        if (is_last) {
            part.fields = edit->fields;
            part.shown = edit->shown;
        }
        if (!remove_elsewhere(pen, own, &part, err) ||
            !write_event(pen, own, is_there ? root : NULL, &part, event, err))
            return false;
        if (!is_there)
            *root = event->id;
        is_there = true;
    }
    return true;
}
