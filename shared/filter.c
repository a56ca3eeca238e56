#include "shared/filter.h"

#include <stdlib.h>

#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/hex.h"
#include "shared/scan.h"
#include "shared/terms.h"

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

static int compare_tags(const void *a, const void *b)
{
    const struct filter_tag *left = a;
    const struct filter_tag *right = b;
    if (left->letter != right->letter)
        return left->letter - right->letter;
    if (left->count != right->count)
        return left->count < right->count ? -1 : 1;
    return compare_values(left->values, right->values);
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

static bool read_values(struct filter_tag *tag, struct arena *arena, struct scan *scan,
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

enum { LETTER_COUNT = 52 };

/* What can be named: these, then "#x" and then "&x" of each letter. */
enum field {
    IDS,
    AUTHORS,
    KINDS,
    SINCE,
    UNTIL,
    LIMIT,
    SEARCH,
    ANY_OF_LETTER,
    ALL_OF_LETTER = ANY_OF_LETTER + LETTER_COUNT,
    FIELD_COUNT = ALL_OF_LETTER + LETTER_COUNT,
};

/* A filter while it is read: what its members have named so far. */
struct reading {
    struct filter *filter;
    struct filter_tag any[LETTER_COUNT], all[FILTER_ALL_MAX];
    uint32_t any_count, all_count;
    bool seen[FIELD_COUNT];
};

static bool is_tag_key(struct span key)
{
    return key.len == 2 && (key.at[0] == '#' || key.at[0] == '&') &&
           ((key.at[1] >= 'a' && key.at[1] <= 'z') || (key.at[1] >= 'A' && key.at[1] <= 'Z'));
}

/* False for a key that is none of a filter's. */
static bool find_field(uint32_t *field, struct span key)
{
    static const char *const names[ANY_OF_LETTER] = {"ids",   "authors", "kinds", "since",
                                                     "until", "limit",   "search"};
    for (*field = IDS; *field < ANY_OF_LETTER; ++*field)
        if (span_eq(key, (struct span){names[*field], strlen(names[*field])}))
            return true;
    if (!is_tag_key(key))
        return false;
    char letter = key.at[1];
    *field = key.at[0] == '#' ? ANY_OF_LETTER : ALL_OF_LETTER;
    *field += (uint32_t)(letter >= 'a' ? letter - 'a' : 26 + letter - 'A');
    return true;
}

static bool read_any(struct reading *reading, char letter, struct arena *arena, struct scan *scan,
                     struct err *err)
{
    struct filter_tag *tag = &reading->any[reading->any_count];
    *tag = (struct filter_tag){.letter = letter};
    if (!read_values(tag, arena, scan, err))
        return false;
    reading->filter->matches_nothing |= tag->count == 0;
    reading->any_count += tag->count > 0;
    return true;
}

static bool read_all(struct reading *reading, char letter, struct arena *arena, struct scan *scan,
                     struct err *err)
{
    struct filter_tag tag = {.letter = letter};
    if (!read_values(&tag, arena, scan, err))
        return false;
    reading->filter->matches_nothing |= tag.count == 0;
    if (tag.count > FILTER_ALL_MAX - reading->all_count)
        return err_set(err, ERR_INVALID, "more than %d values that must all match", FILTER_ALL_MAX);
    for (uint32_t i = 0; i < tag.count; i++)
        reading->all[reading->all_count++] = (struct filter_tag){letter, 1, &tag.values[i]};
    return true;
}

/* What has no words, as "language:en" alone, asks for no less than all. */
static bool read_search(struct span *search, struct arena *arena, struct scan *scan,
                        struct err *err)
{
    if (!scan_text(scan, arena, search, err))
        return false;
    if (search->len > TERMS_BYTES_MAX)
        return err_set(err, ERR_INVALID, "more than %d bytes to search for", TERMS_BYTES_MAX);
    if (terms_read(arena, *search).words.len == 0)
        *search = (struct span){0};
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
    case SEARCH:
        ok = read_search(&filter->search, arena, scan, err);
        break;
    default: /* a letter */
        ok = (field < ALL_OF_LETTER ? read_any : read_all)(reading, scan->subject.at[1], arena,
                                                           scan, err);
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
    if (reading->seen[field])
        return scan_refuse(scan, where, err, "duplicate key '%s'", scan_word(key).at);
    reading->seen[field] = true;
    scan->subject = key;
    if (!read_field(reading, field, arena, scan, err))
        return false;
    scan->subject = (struct span){0};
    return true;
}

static void drop_value(struct filter_tag *tag, const struct span *value)
{
    struct span *at = bsearch(value, tag->values, tag->count, sizeof *tag->values, compare_values);
    if (at == NULL)
        return;
    const struct span *end = tag->values + tag->count--;
    memmove(at, at + 1, (size_t)(end - at - 1) * sizeof *at);
}

static void keep_tags(struct reading *reading, struct arena *arena)
{
    struct filter *filter = reading->filter;
    uint32_t count = reading->any_count + reading->all_count;
    if (count == 0)
        return;
    struct filter_tag *tags = arena_array(arena, struct filter_tag, count);
    for (uint32_t i = 0; i < reading->any_count; i++) {
        struct filter_tag *tag = &reading->any[i];
        /* NIP-91: Any tag value used in AND SHOULD be ignored in OR. */
        for (uint32_t j = 0; j < reading->all_count; j++)
            if (reading->all[j].letter == tag->letter)
                drop_value(tag, reading->all[j].values);
        if (tag->count > 0)
            tags[filter->tag_count++] = *tag;
    }
    for (uint32_t i = 0; i < reading->all_count; i++)
        tags[filter->tag_count++] = reading->all[i];
    qsort(tags, filter->tag_count, sizeof *tags, compare_tags);
    filter->tags = tags;
}

bool filter_scan(struct filter *filter, struct arena *arena, struct scan *scan, struct err *err)
{
    struct reading reading = {.filter = filter};
    struct scan_list list;
    *filter = (struct filter){.until = INT64_MAX, .limit = FILTER_NO_LIMIT};
    if (!scan_object(scan, &list, err))
        return false;
    while (list.more)
        if (!read_member(&reading, arena, scan, err) || !scan_next(scan, &list, err))
            return false;
    keep_tags(&reading, arena);
    return true;
}

bool filter_parse(struct filter *filter, struct arena *arena, struct span text, struct err *err)
{
    struct scan scan = scan_begin(text);
    if (!filter_scan(filter, arena, &scan, err) || !scan_end(&scan, err))
        return false;
    if (filter->search.len > 0)
        return err_set(err, ERR_UNSUPPORTED, "search is no part of this");
    return true;
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

static void *copy_items(struct arena *arena, const void *items, size_t bytes)
{
    void *to = arena_alloc(arena, bytes);
    if (bytes > 0)
        memcpy(to, items, bytes);
    return to;
}

void filter_copy(struct filter *to, struct arena *arena, const struct filter *from)
{
    struct filter_tag *tags = arena_array(arena, struct filter_tag, from->tag_count);
    *to = *from;
    to->ids.at = copy_items(arena, from->ids.at, from->ids.count * sizeof *from->ids.at);
    to->authors.at =
        copy_items(arena, from->authors.at, from->authors.count * sizeof *from->authors.at);
    to->kinds.at = copy_items(arena, from->kinds.at, from->kinds.count * sizeof *from->kinds.at);
    for (uint32_t i = 0; i < from->tag_count; i++) {
        tags[i] = from->tags[i];
        struct span *values = arena_array(arena, struct span, tags[i].count);
        for (uint32_t k = 0; k < tags[i].count; k++)
            values[k] = arena_copy(arena, tags[i].values[k]);
        tags[i].values = values;
    }
    to->tags = tags;
}

uint32_t filter_value_count(const struct filter *filter)
{
    uint32_t count = filter->ids.count + filter->authors.count + filter->kinds.count;
    for (uint32_t i = 0; i < filter->tag_count; i++)
        count += filter->tags[i].count;
    return count;
}
