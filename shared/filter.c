#include "shared/filter.h"

#include <stdlib.h>

#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/hex.h"
#include "shared/scan.h"
#include "shared/text.h"

typedef int compare_fn(const void *a, const void *b);

static int compare_keys(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct bytes32));
}

static int compare_kinds(const void *a, const void *b)
{
    return *(const uint16_t *)a - *(const uint16_t *)b;
}

static int compare_values(const void *a, const void *b)
{
    const struct span *left = a;
    const struct span *right = b;
    size_t common = left->len < right->len ? left->len : right->len;
    int order = common > 0 ? memcmp(left->at, right->at, common) : 0;
    return order != 0 ? order : (left->len > right->len) - (left->len < right->len);
}

static int compare_letters(const void *a, const void *b)
{
    return ((const struct filter_tag *)a)->letter - ((const struct filter_tag *)b)->letter;
}

/* Sorts, drops what is there twice, and returns what is left. */
static uint32_t sort_unique(void *array, uint32_t count, size_t size, compare_fn *compare)
{
    char *at = array;
    uint32_t kept = 0;
    if (count > 1)
        qsort(array, count, size, compare);
    for (uint32_t i = 0; i < count; i++)
        if (kept == 0 || compare(at + (kept - 1) * size, at + i * size) != 0)
            memmove(at + kept++ * size, at + i * size, size);
    return kept;
}

static bool read_keys(struct filter_keys *keys, struct arena *arena, struct scan *scan,
                      struct err *err)
{
    struct bytes32 *at = NULL;
    uint32_t count = 0;
    struct scan_list list;
    if (!scan_array(scan, &list, err))
        return false;
    while (list.more) {
        at = arena_grow(arena, struct bytes32, at, count);
        if (!scan_hex(scan, arena, at[count++].at, sizeof at->at, err) ||
            !scan_next(scan, &list, err))
            return false;
    }
    *keys = (struct filter_keys){sort_unique(at, count, sizeof *at, compare_keys), at};
    return true;
}

static bool read_kinds(struct filter_kinds *kinds, struct arena *arena, struct scan *scan,
                       struct err *err)
{
    uint16_t *at = NULL;
    uint32_t count = 0;
    struct scan_list list;
    if (!scan_array(scan, &list, err))
        return false;
    while (list.more) {
        int64_t kind;
        if (!scan_integer(scan, &kind, UINT16_MAX, err) || !scan_next(scan, &list, err))
            return false;
        at = arena_grow(arena, uint16_t, at, count);
        at[count++] = (uint16_t)kind;
    }
    *kinds = (struct filter_kinds){sort_unique(at, count, sizeof *at, compare_kinds), at};
    return true;
}

static bool read_value(struct span *value, char letter, struct arena *arena, struct scan *scan,
                       struct err *err)
{
    struct bytes32 key;
    scan_peek(scan);
    const char *where = scan->at;
    if (!scan_text(scan, arena, value, err))
        return false;
    /* NIP-01: The `ids`, `authors`, `#e` and `#p` filter lists MUST contain exact 64-character
     * lowercase hex values. */
    if ((letter == 'e' || letter == 'p') && !hex_decode(key.at, sizeof key.at, *value))
        return scan_refuse(scan, where, err, "expected 64 lowercase hex digits");
    return true;
}

static bool read_tag(struct filter_tag *tag, struct arena *arena, struct scan *scan,
                     struct err *err)
{
    struct span *values = NULL;
    uint32_t count = 0;
    struct scan_list list;
    if (!scan_array(scan, &list, err))
        return false;
    while (list.more) {
        values = arena_grow(arena, struct span, values, count);
        if (!read_value(&values[count++], tag->letter, arena, scan, err) ||
            !scan_next(scan, &list, err))
            return false;
    }
    tag->count = sort_unique(values, count, sizeof *values, compare_values);
    tag->values = values;
    return true;
}

/* A filter while it is read: what its members have named so far. */
struct reading {
    struct filter *filter;
    struct filter_tag *tags; /* FILTER_TAGS_MAX */
    uint64_t seen;           /* by bit */
};

/* The bits of reading.seen: these, then one for each letter. */
enum field { IDS, AUTHORS, KINDS, SINCE, UNTIL, LIMIT, LETTERS };

static bool is_tag_key(struct span key)
{
    return key.len == 2 && key.at[0] == '#' &&
           ((key.at[1] >= 'a' && key.at[1] <= 'z') || (key.at[1] >= 'A' && key.at[1] <= 'Z'));
}

/* False for a key that is none of a filter's. */
static bool find_field(uint32_t *field, struct span key)
{
    static const char *const names[LETTERS] = {"ids",   "authors", "kinds",
                                               "since", "until",   "limit"};
    for (*field = IDS; *field < LETTERS; ++*field)
        if (span_eq(key, (struct span){names[*field], strlen(names[*field])}))
            return true;
    if (!is_tag_key(key))
        return false;
    char letter = key.at[1];
    *field = (uint32_t)(LETTERS + (letter >= 'a' ? letter - 'a' : 26 + letter - 'A'));
    return true;
}

static bool read_letter(struct reading *reading, char letter, struct arena *arena,
                        struct scan *scan, struct err *err)
{
    struct filter *filter = reading->filter;
    struct filter_tag *tag = &reading->tags[filter->tag_count];
    tag->letter = letter;
    if (!read_tag(tag, arena, scan, err))
        return false;
    filter->matches_nothing |= tag->count == 0;
    filter->tag_count += tag->count > 0;
    return true;
}

static bool read_field(struct reading *reading, uint32_t field, struct arena *arena,
                       struct scan *scan, struct err *err)
{
    struct filter *filter = reading->filter;
    bool ok = true;
    switch (field) {
    case IDS:
        ok = read_keys(&filter->ids, arena, scan, err);
        filter->matches_nothing |= filter->ids.count == 0;
        break;
    case AUTHORS:
        ok = read_keys(&filter->authors, arena, scan, err);
        filter->matches_nothing |= filter->authors.count == 0;
        break;
    case KINDS:
        ok = read_kinds(&filter->kinds, arena, scan, err);
        filter->matches_nothing |= filter->kinds.count == 0;
        break;
    case SINCE:
        ok = scan_integer(scan, &filter->since, INT64_MAX, err);
        break;
    case UNTIL:
        ok = scan_integer(scan, &filter->until, INT64_MAX, err);
        break;
    case LIMIT:
        ok = scan_integer(scan, &filter->limit, INT64_MAX, err);
        break;
    default: /* a letter */
        ok = read_letter(reading, scan->subject.at[1], arena, scan, err);
        break;
    }
    return ok;
}

static bool read_member(struct reading *reading, struct arena *arena, struct scan *scan,
                        struct err *err)
{
    struct span key;
    uint32_t field;
    scan_peek(scan);
    const char *where = scan->at;
    if (!scan_key(scan, arena, &key, err))
        return false;
    /* Refused, not ignored: ignoring it would answer a wider question than was asked. */
    if (!find_field(&field, key))
        return err_set(err, ERR_UNSUPPORTED, "unknown filter key '%s'", scan_word(key).at);
    if ((reading->seen >> field & 1) != 0)
        return scan_refuse(scan, where, err, "duplicate key '%s'", scan_word(key).at);
    reading->seen |= (uint64_t)1 << field;
    scan->subject = key;
    if (!read_field(reading, field, arena, scan, err))
        return false;
    scan->subject = (struct span){0};
    return true;
}

bool filter_scan(struct filter *filter, struct arena *arena, struct scan *scan, struct err *err)
{
    *filter = (struct filter){.until = INT64_MAX, .limit = FILTER_NO_LIMIT};
    struct filter_tag tags[FILTER_TAGS_MAX];
    struct reading reading = {.filter = filter, .tags = tags};
    struct scan_list list;
    if (!scan_object(scan, &list, err))
        return false;
    while (list.more)
        if (!read_member(&reading, arena, scan, err) || !scan_next(scan, &list, err))
            return false;

    if (filter->tag_count > 0) {
        qsort(tags, filter->tag_count, sizeof tags[0], compare_letters);
        struct span bytes = {(const char *)tags, filter->tag_count * sizeof tags[0]};
        filter->tags = (const struct filter_tag *)(const void *)arena_copy(arena, bytes).at;
    }
    return true;
}

bool filter_parse(struct filter *filter, struct arena *arena, struct span text, struct err *err)
{
    struct scan scan = scan_begin(text);
    return filter_scan(filter, arena, &scan, err) && scan_end(&scan, err);
}

static bool has_key(const struct filter_keys *keys, const struct bytes32 *key)
{
    return keys->count == 0 ||
           bsearch(key, keys->at, keys->count, sizeof *keys->at, compare_keys) != NULL;
}

static bool match_tag(const struct filter_tag *wanted, const struct event *event)
{
    for (uint32_t i = 0; i < event->tag_count; i++) {
        const struct tag *tag = &event->tags[i];
        /* NIP-01: Only the first value in any given tag is indexed. */
        if (tag->count >= 2 && span_eq(tag->items[0], SPAN_OF(wanted->letter)) &&
            bsearch(&tag->items[1], wanted->values, wanted->count, sizeof *wanted->values,
                    compare_values) != NULL)
            return true;
    }
    return false;
}

bool filter_names_kind(const struct filter *filter, uint16_t kind)
{
    return filter->kinds.count > 0 && bsearch(&kind, filter->kinds.at, filter->kinds.count,
                                              sizeof *filter->kinds.at, compare_kinds) != NULL;
}

bool filter_match(const struct filter *filter, const struct event *event)
{
    if (filter->matches_nothing || event->created_at < filter->since ||
        event->created_at > filter->until)
        return false;
    if (filter->kinds.count > 0 && !filter_names_kind(filter, event->kind))
        return false;
    if (!has_key(&filter->authors, &event->pubkey) || !has_key(&filter->ids, &event->id))
        return false;
    for (uint32_t i = 0; i < filter->tag_count; i++)
        if (!match_tag(&filter->tags[i], event))
            return false;
    return true;
}

uint32_t filter_value_count(const struct filter *filter)
{
    uint32_t count = filter->ids.count + filter->authors.count + filter->kinds.count;
    for (uint32_t i = 0; i < filter->tag_count; i++)
        count += filter->tags[i].count;
    return count;
}

/* Begins a member, of which nothing is written yet after "{". */
static void add_name(struct text *out, const char *name)
{
    text_addf(out, "%s\"%s\":", out->at[out->len - 1] == '{' ? "" : ",", name);
}

static void add_keys(struct text *out, const char *name, const struct filter_keys *keys)
{
    if (keys->count == 0)
        return;
    add_name(out, name);
    for (uint32_t i = 0; i < keys->count; i++) {
        text_add(out, i == 0 ? SPAN("[\"") : SPAN(",\""));
        text_add_hex(out, keys->at[i].at, sizeof keys->at[i].at);
        text_add(out, SPAN("\""));
    }
    text_add(out, SPAN("]"));
}

static void add_tag(struct text *out, const struct filter_tag *tag)
{
    add_name(out, (char[]){'#', tag->letter, '\0'});
    for (uint32_t i = 0; i < tag->count; i++) {
        text_add(out, i == 0 ? SPAN("[") : SPAN(","));
        text_add_json(out, tag->values[i]);
    }
    text_add(out, SPAN("]"));
}

static void add_integer(struct text *out, const char *name, int64_t value, int64_t absent)
{
    if (value == absent)
        return;
    add_name(out, name);
    text_addf(out, "%lld", (long long)value);
}

/* The list that is empty is not known any more; one that is absent takes its place. */
static void add_empty_list(struct text *out, const struct filter *filter)
{
    if (filter->ids.count == 0)
        add_name(out, "ids");
    else if (filter->authors.count == 0)
        add_name(out, "authors");
    else if (filter->kinds.count == 0)
        add_name(out, "kinds");
    else {
        char name[] = "#A";
        for (uint32_t i = 0; i < filter->tag_count && filter->tags[i].letter == name[1]; i++)
            name[1] = (char)(name[1] == 'Z' ? 'a' : name[1] + 1);
        add_name(out, name);
    }
    text_add(out, SPAN("[]"));
}

void filter_write(struct text *out, const struct filter *filter)
{
    text_add(out, SPAN("{"));
    add_keys(out, "ids", &filter->ids);
    add_keys(out, "authors", &filter->authors);
    for (uint32_t i = 0; i < filter->kinds.count; i++) {
        if (i == 0)
            add_name(out, "kinds");
        text_addf(out, "%c%u", i == 0 ? '[' : ',', filter->kinds.at[i]);
    }
    if (filter->kinds.count > 0)
        text_add(out, SPAN("]"));
    for (uint32_t i = 0; i < filter->tag_count; i++)
        add_tag(out, &filter->tags[i]);
    add_integer(out, "since", filter->since, 0);
    add_integer(out, "until", filter->until, INT64_MAX);
    add_integer(out, "limit", filter->limit, FILTER_NO_LIMIT);
    if (filter->matches_nothing)
        add_empty_list(out, filter);
    text_add(out, SPAN("}"));
}
