#include "client/projection.h"

#include <stdlib.h>

#include "client/canon.h"
#include "client/draft.h"
#include "client/op.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/hex.h"
#include "shared/kind.h"
#include "shared/scan.h"
#include "shared/url.h"

enum { SHRINK_MIN = 4 }; /* of fewer people half is soon gone */

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct bytes32));
}

/* ---- whom somebody follows ---- */

void projection_sort(struct projection_people *people)
{
    size_t kept = 0;
    if (people->count > 0)
        qsort(people->at, people->count, sizeof *people->at, compare);
    for (size_t i = 0; i < people->count; i++)
        if (kept == 0 || compare(&people->at[kept - 1], &people->at[i]) != 0)
            people->at[kept++] = people->at[i];
    people->count = kept;
}

bool projection_has(const struct projection_people *people, const struct bytes32 *key)
{
    return people->count > 0 &&
           bsearch(key, people->at, people->count, sizeof *people->at, compare) != NULL;
}

static bool read_person(struct bytes32 *key, const struct tag *tag)
{
    return tag->count >= 2 && span_eq(tag->items[0], SPAN("p")) &&
           hex_decode(key->at, sizeof key->at, tag->items[1]);
}

void projection_read_people(struct projection_people *people, struct arena *arena,
                            const struct event *event)
{
    *people =
        (struct projection_people){.at = arena_array(arena, struct bytes32, event->tag_count + 1)};
    for (uint32_t i = 0; i < event->tag_count; i++)
        if (read_person(&people->at[people->count], &event->tags[i]))
            people->count++;
    projection_sort(people);
}

/* Those of a that b has not. */
static struct projection_people less(struct arena *arena, const struct projection_people *a,
                                     const struct projection_people *b)
{
    struct projection_people rest = {.at = arena_array(arena, struct bytes32, a->count + 1)};
    for (size_t i = 0; i < a->count; i++)
        if (!projection_has(b, &a->at[i]))
            rest.at[rest.count++] = a->at[i];
    return rest;
}

void projection_compare_people(struct projection_shift *shift, struct arena *arena,
                               const struct projection_people *base,
                               const struct projection_people *theirs)
{
    static const struct projection_people none = {0};
    const struct projection_people *from = base != NULL ? base : &none;
    shift->added = less(arena, theirs, from);
    shift->removed = less(arena, from, theirs);
    shift->is_shrunk = from->count >= SHRINK_MIN && 2 * shift->removed.count > from->count;
}

void projection_draft_people(struct draft *draft, const struct projection_people *people,
                             const struct event *theirs)
{
    struct arena arena = {0};
    struct projection_people named = {0};
    struct bytes32 key;
    draft->kind = KIND_FOLLOWS;
    if (theirs != NULL) {
        projection_read_people(&named, &arena, theirs);
        for (uint32_t i = 0; i < theirs->tag_count; i++)
            if (!read_person(&key, &theirs->tags[i]) || projection_has(people, &key))
                draft_tag(draft, theirs->tags[i].items, theirs->tags[i].count);
        text_add(&draft->content,
                 scan_decode(&arena, (struct scan_string){theirs->content_json, true}));
    }
    for (size_t i = 0; i < people->count; i++)
        if (!projection_has(&named, &people->at[i]))
            draft_tag_id(draft, SPAN("p"), &people->at[i], SPAN(""));
    arena_clear(&arena);
}

void projection_draft_set(struct draft *draft, struct span name,
                          const struct projection_people *people, const struct event *theirs)
{
    if (theirs == NULL) {
        draft_tag_pair(draft, SPAN("d"), name);
        draft_tag_pair(draft, SPAN("title"), name);
    }
    projection_draft_people(draft, people, theirs);
    draft->kind = PROJECTION_SET_KIND;
}

/* ---- what somebody's profile says ---- */

const struct projection_field *projection_field(const struct projection_fields *fields,
                                                struct span key)
{
    for (size_t i = 0; fields != NULL && i < fields->count; i++)
        if (span_eq(fields->at[i].key, key))
            return &fields->at[i];
    return NULL;
}

static void add_field(struct projection_fields *fields, struct arena *arena, struct span key,
                      struct span value)
{
    fields->at = arena_grow(arena, struct projection_field, fields->at, fields->count);
    fields->at[fields->count++] = (struct projection_field){.key = key, .value = value};
}

bool projection_read_fields(struct projection_fields *fields, struct arena *arena,
                            struct span content, struct err *err)
{
    struct scan scan = scan_begin(content);
    struct scan_list list;
    struct span key, value;
    *fields = (struct projection_fields){0};
    scan.subject = SPAN("profile");
    if (!scan_object(&scan, &list, err))
        return false;
    while (list.more) {
        if (!scan_key(&scan, arena, &key, err) || !canon_scan(&value, arena, &scan, err) ||
            !scan_next(&scan, &list, err))
            return false;
        if (projection_field(fields, key) != NULL)
            return err_set(err, ERR_INVALID, "a profile that says a thing twice");
        if (fields->count == PROJECTION_FIELDS_MAX)
            return err_set(err, ERR_INVALID, "a profile of over %d things", PROJECTION_FIELDS_MAX);
        add_field(fields, arena, arena_copy(arena, key), value);
    }
    return scan_end(&scan, err);
}

void projection_put_field(struct projection_fields *fields, struct arena *arena,
                          const struct projection_field *field)
{
    for (size_t i = 0; i < fields->count; i++)
        if (span_eq(fields->at[i].key, field->key)) {
            fields->at[i] = *field;
            return;
        }
    fields->at = arena_grow(arena, struct projection_field, fields->at, fields->count);
    fields->at[fields->count++] = *field;
}

static int compare_names(const void *a, const void *b)
{
    return canon_compare(((const struct projection_field *)a)->key,
                         ((const struct projection_field *)b)->key);
}

struct projection_fields projection_apply_fields(struct arena *arena,
                                                 const struct projection_fields *fields,
                                                 const struct projection_fields *changes)
{
    struct projection_fields all = {0}, rest = {0};
    for (size_t i = 0; i < fields->count; i++)
        projection_put_field(&all, arena, &fields->at[i]);
    for (size_t i = 0; i < changes->count; i++)
        projection_put_field(&all, arena, &changes->at[i]);
    for (size_t i = 0; i < all.count; i++)
        if (all.at[i].value.len > 0)
            projection_put_field(&rest, arena, &all.at[i]);
    if (rest.count > 0)
        qsort(rest.at, rest.count, sizeof *rest.at, compare_names);
    return rest;
}

static bool is_equal(const struct projection_field *a, const struct projection_field *b)
{
    return a == NULL || b == NULL ? a == b : span_eq(a->value, b->value);
}

/* What theirs says is what is to be said. mine may be NULL. */
static bool is_taken(const struct projection_fields *base, const struct projection_field *their,
                     const struct projection_field *mine, int64_t theirs_at)
{
    const struct projection_field *was = projection_field(base, their->key);
    if (is_equal(their, mine) || (base != NULL && is_equal(their, was)))
        return false; /* they say what we say, or did not change it */
    if (mine == NULL || (base != NULL && is_equal(mine, was)))
        return true; /* only they changed it */
    return theirs_at > mine->written_at;
}

void projection_compare_fields(struct projection_fields *changes, struct arena *arena,
                               const struct projection_fields *base,
                               const struct projection_fields *theirs,
                               const struct projection_fields *ours, int64_t theirs_at)
{
    *changes = (struct projection_fields){0};
    for (size_t i = 0; i < theirs->count; i++) {
        const struct projection_field *their = &theirs->at[i];
        if (is_taken(base, their, projection_field(ours, their->key), theirs_at))
            add_field(changes, arena, their->key, their->value);
    }
    for (size_t i = 0; base != NULL && i < base->count; i++) {
        const struct projection_field *was = &base->at[i];
        if (projection_field(theirs, was->key) == NULL &&
            is_equal(was, projection_field(ours, was->key)))
            add_field(changes, arena, was->key, SPAN(""));
    }
}

void projection_draft_fields(struct draft *draft, const struct projection_fields *fields)
{
    draft->kind = KIND_PROFILE;
    for (size_t i = 0; i < fields->count; i++) {
        text_add(&draft->content, i == 0 ? SPAN("{") : SPAN(","));
        text_add_json(&draft->content, fields->at[i].key);
        text_add(&draft->content, SPAN(":"));
        text_add(&draft->content, fields->at[i].value);
    }
    text_add(&draft->content, fields->count > 0 ? SPAN("}") : SPAN("{}"));
}

/* ---- where somebody writes and reads ---- */

bool projection_relay(struct span *key, struct arena *arena, struct span url, struct err *err)
{
    struct url parsed;
    struct text text = {0};
    if (!url_parse(&parsed, url, err))
        return false;
    url_write(&text, &parsed);
    *key = arena_copy(arena, text_span(&text));
    text_clear(&text);
    return key->len <= OP_KEY_BYTES_MAX ||
           err_set(err, ERR_INVALID, "a URL of over %d bytes", OP_KEY_BYTES_MAX);
}

static bool read_relay(struct span *key, struct arena *arena, const struct tag *tag)
{
    return tag->count >= 2 && span_eq(tag->items[0], SPAN("r")) &&
           projection_relay(key, arena, tag->items[1], NULL);
}

static struct span marker_of(const struct tag *tag)
{
    if (tag->count > 2 && span_eq(tag->items[2], SPAN("read")))
        return SPAN("\"read\"");
    if (tag->count > 2 && span_eq(tag->items[2], SPAN("write")))
        return SPAN("\"write\"");
    return SPAN("\"\""); /* both */
}

void projection_read_relays(struct projection_fields *relays, struct arena *arena,
                            const struct event *event)
{
    struct projection_field field = {0};
    *relays = (struct projection_fields){0};
    for (uint32_t i = 0; i < event->tag_count; i++) {
        if (!read_relay(&field.key, arena, &event->tags[i]))
            continue;
        field.value = marker_of(&event->tags[i]);
        const struct projection_field *known = projection_field(relays, field.key);
        if (known != NULL && !is_equal(known, &field))
            field.value = SPAN("\"\""); /* one marker, then the other */
        if (known != NULL || relays->count < PROJECTION_FIELDS_MAX)
            projection_put_field(relays, arena, &field);
    }
}

void projection_draft_relays(struct draft *draft, const struct projection_fields *relays,
                             const struct event *theirs)
{
    struct arena arena = {0};
    struct span key;
    draft->kind = KIND_RELAY_LIST;
    for (size_t i = 0; i < relays->count; i++) {
        struct span value = relays->at[i].value;
        const struct span items[] = {SPAN("r"), relays->at[i].key, {value.at + 1, value.len - 2}};
        draft_tag(draft, items, items[2].len > 0 ? 3 : 2);
    }
    for (uint32_t i = 0; theirs != NULL && i < theirs->tag_count; i++)
        if (!read_relay(&key, &arena, &theirs->tags[i]))
            draft_tag(draft, theirs->tags[i].items, theirs->tags[i].count);
    if (theirs != NULL)
        text_add(&draft->content,
                 scan_decode(&arena, (struct scan_string){theirs->content_json, true}));
    arena_clear(&arena);
}
