#include "relay/window_find.h"

#include <stdlib.h>

#include "relay/store_mark.h"
#include "relay/window_entry.h"
#include "relay/window_index.h"
#include "shared/arena.h"
#include "shared/filter.h"
#include "shared/kind.h"

/* KEYS_MAX: pairs or triples of values that are looked up together. LIST_COST: what opening a list
 * costs, in candidates. */
enum { KEYS_MAX = 4096, LIST_COST = 4, NO_TAG = FILTER_TAGS_MAX };

struct keys {
    uint32_t count;
    uint64_t *at; /* sorted, of a tag */
};

/* Lists, one of which holds whatever matches. */
struct choice {
    bool is_made;
    uint64_t cost;
    uint32_t count;
    const struct window_list **lists;
    /* What they make sure of. */
    bool authors, kinds;
    uint32_t tag;
};

/* Where one list, or one entry, stands in the merge. */
struct head {
    struct window_entry *entry;
    struct window_walk walk;
};

struct find {
    const struct window_index *index;
    const struct window_question *question;
    const struct filter *filter;
    struct arena arena;
    struct store_cursor start; /* what matches is after it */
    bool has_start;
    bool is_known; /* whatever can match is among the heads, above the floor or not */
    uint64_t *authors;
    struct keys tags[FILTER_TAGS_MAX];
    struct choice choice;
    struct head *heads; /* a heap, the newest on top */
    uint32_t head_count;
};

static void set_start(struct find *find)
{
    const struct window_question *question = find->question;
    if (find->filter->until < INT64_MAX) {
        find->start = (struct store_cursor){find->filter->until + 1, UINT64_MAX};
        find->has_start = true;
    }
    if (question->after != NULL &&
        (!find->has_start || window_is_after(question->after, &find->start))) {
        find->start = *question->after;
        find->has_start = true;
    }
}

static bool begins_below(const struct find *find)
{
    const struct store_cursor *floor = find->question->floor;
    return floor != NULL && find->has_start && !window_is_after(floor, &find->start);
}

static int compare_keys(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

static void hash_values(struct find *find)
{
    const struct filter *filter = find->filter;
    const struct hash_key *key = &find->index->key;
    find->authors = arena_array(&find->arena, uint64_t, filter->authors.count);
    for (uint32_t i = 0; i < filter->authors.count; i++)
        find->authors[i] = window_key_author(key, &filter->authors.at[i]);
    for (uint32_t i = 0; i < filter->tag_count; i++) {
        const struct filter_tag *tag = &filter->tags[i];
        struct keys *keys = &find->tags[i];
        keys->count = tag->count;
        keys->at = arena_array(&find->arena, uint64_t, tag->count);
        for (uint32_t j = 0; j < tag->count; j++)
            keys->at[j] = window_key_tag(key, tag->letter, tag->values[j]);
        if (tag->count > 1)
            qsort(keys->at, tag->count, sizeof *keys->at, compare_keys);
    }
}

/* Drives by the lists of some keys, when they are the fewest so far. */
static void consider(struct find *find, const struct keys *keys, struct choice choice)
{
    choice.is_made = true;
    choice.lists = arena_array(&find->arena, const struct window_list *, keys->count);
    for (uint32_t i = 0; i < keys->count; i++) {
        const struct window_list *list = window_index_list(find->index, keys->at[i]);
        if (list == NULL)
            continue;
        choice.lists[choice.count++] = list;
        choice.cost += list->count + LIST_COST;
    }
    if (!find->choice.is_made || choice.cost < find->choice.cost)
        find->choice = choice;
}

static void consider_authors(struct find *find)
{
    const struct filter *filter = find->filter;
    uint32_t authors = filter->authors.count, kinds = filter->kinds.count;
    struct keys keys = {.count = authors, .at = find->authors};
    bool by_kind = kinds > 0 && (uint64_t)authors * kinds <= KEYS_MAX;
    if (by_kind) {
        keys = (struct keys){.at = arena_array(&find->arena, uint64_t, (size_t)authors * kinds)};
        for (uint32_t i = 0; i < authors; i++)
            for (uint32_t j = 0; j < kinds; j++)
                keys.at[keys.count++] =
                    window_key_author_kind(find->authors[i], filter->kinds.at[j]);
    }
    consider(find, &keys, (struct choice){.authors = true, .kinds = by_kind, .tag = NO_TAG});
}

static void consider_kinds(struct find *find)
{
    const struct filter *filter = find->filter;
    struct keys keys = {.at = arena_array(&find->arena, uint64_t, filter->kinds.count)};
    for (uint32_t i = 0; i < filter->kinds.count; i++)
        keys.at[keys.count++] = window_key_kind(filter->kinds.at[i]);
    consider(find, &keys, (struct choice){.kinds = true, .tag = NO_TAG});
}

static void consider_all(struct find *find)
{
    struct choice choice = {.is_made = true, .cost = find->index->all.count, .tag = NO_TAG};
    if (find->choice.is_made && find->choice.cost <= choice.cost)
        return;
    choice.lists = arena_array(&find->arena, const struct window_list *, 1);
    choice.lists[choice.count++] = &find->index->all;
    find->choice = choice;
}

static void choose(struct find *find)
{
    const struct filter *filter = find->filter;
    for (uint32_t i = 0; i < filter->tag_count; i++)
        consider(find, &find->tags[i], (struct choice){.tag = i});
    if (filter->authors.count > 0)
        consider_authors(find);
    if (filter->kinds.count > 0)
        consider_kinds(find);
    consider_all(find);
}

static bool comes_first(const struct head *a, const struct head *b)
{
    return window_is_after(&b->entry->place, &a->entry->place);
}

static void sift_down(struct find *find, uint32_t at)
{
    struct head *heads = find->heads;
    struct head moved = heads[at];
    for (uint32_t child; (child = 2 * at + 1) < find->head_count; at = child) {
        if (child + 1 < find->head_count && comes_first(&heads[child + 1], &heads[child]))
            child++;
        if (!comes_first(&heads[child], &moved))
            break;
        heads[at] = heads[child];
    }
    heads[at] = moved;
}

static void heapify(struct find *find)
{
    for (uint32_t i = find->head_count / 2; i-- > 0;)
        sift_down(find, i);
}

static void open_lists(struct find *find)
{
    const struct choice *choice = &find->choice;
    const struct store_cursor *start = find->has_start ? &find->start : NULL;
    find->heads = arena_array(&find->arena, struct head, choice->count);
    for (uint32_t i = 0; i < choice->count; i++)
        find->heads[i].walk = window_walk_begin(choice->lists[i], start);
    for (uint32_t i = 0; i < choice->count; i++) {
        struct head head = find->heads[i];
        head.entry = window_walk_next(&head.walk);
        if (head.entry != NULL)
            find->heads[find->head_count++] = head;
    }
    heapify(find);
}

/* Entries that stand for all that can match: they may lie below the floor. */
static void open_entries(struct find *find, struct window_entry *const *entries, uint32_t count)
{
    find->heads = arena_array(&find->arena, struct head, count);
    for (uint32_t i = 0; i < count; i++)
        if (!find->has_start || window_is_after(&entries[i]->place, &find->start))
            find->heads[find->head_count++] = (struct head){.entry = entries[i]};
    find->choice.tag = NO_TAG;
    heapify(find);
}

static void open_ids(struct find *find)
{
    const struct filter_keys *ids = &find->filter->ids;
    uint32_t count = 0;
    struct window_entry **entries = arena_array(&find->arena, struct window_entry *, ids->count);
    for (uint32_t i = 0; i < ids->count; i++) {
        entries[count] = window_index_id(find->index, &ids->at[i]);
        count += entries[count] != NULL;
    }
    find->is_known = count == ids->count;
    open_entries(find, entries, count);
}

/* How many versions a filter can match at all, of one address each; 0: not only such. An event may
 * have a second d, so that of an addressable one says too little. */
static uint64_t count_addresses(const struct filter *filter)
{
    for (uint32_t i = 0; i < filter->kinds.count; i++)
        if (kind_class(filter->kinds.at[i]) != KIND_REPLACEABLE)
            return 0;
    return (uint64_t)filter->authors.count * filter->kinds.count;
}

static struct window_entry *at_address(const struct find *find, uint32_t author, uint32_t kind)
{
    const struct filter *filter = find->filter;
    const struct store_address address = {.kind = filter->kinds.at[kind]};
    int64_t mark = store_mark_of_address(&find->index->key, &filter->authors.at[author], &address);
    return window_index_address(find->index, (uint64_t)mark);
}

/* Where each thing asked for can be but once, and all are here, no more can match. */
static bool open_addresses(struct find *find)
{
    const struct filter *filter = find->filter;
    uint64_t most = count_addresses(filter);
    uint32_t count = 0;
    if (most == 0 || most > KEYS_MAX)
        return false;
    struct window_entry **entries = arena_array(&find->arena, struct window_entry *, most);
    for (; count < most; count++) {
        entries[count] = at_address(find, count / filter->kinds.count, count % filter->kinds.count);
        if (entries[count] == NULL)
            return false;
    }
    find->is_known = true;
    open_entries(find, entries, count);
    return true;
}

static bool has_author(const struct filter_keys *authors, const struct bytes32 *pubkey)
{
    uint32_t low = 0, high = authors->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        int order = memcmp(&authors->at[middle], pubkey, sizeof *pubkey);
        if (order == 0)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

static bool any_is_in(const uint64_t *keys, uint32_t count, const uint64_t *sorted,
                      uint32_t sorted_count)
{
    for (uint32_t i = 0; i < count; i++)
        if (bsearch(&keys[i], sorted, sorted_count, sizeof *sorted, compare_keys) != NULL)
            return true;
    return false;
}

static bool has_tag(const struct window_entry *entry, const struct keys *keys)
{
    if (keys->count <= entry->tag_count)
        return any_is_in(keys->at, keys->count, entry->tags, entry->tag_count);
    return any_is_in(entry->tags, entry->tag_count, keys->at, keys->count);
}

static bool matches(const struct find *find, const struct window_entry *entry)
{
    const struct filter *filter = find->filter;
    const struct choice *choice = &find->choice;
    if (entry->expires_at <= find->question->now)
        return false;
    if (filter->kinds.count > 0 && !choice->kinds && !filter_names_kind(filter, entry->kind))
        return false;
    if (filter->authors.count > 0 && !choice->authors &&
        !has_author(&filter->authors, &entry->pubkey))
        return false;
    for (uint32_t i = 0; i < filter->tag_count; i++)
        if (i != choice->tag && !has_tag(entry, &find->tags[i]))
            return false;
    return true;
}

/* The next candidate, each once; NULL after the last that may match. */
static struct window_entry *next_candidate(struct find *find, const struct window_entry *last)
{
    const struct store_cursor *floor = find->question->floor;
    struct window_entry *entry;
    do {
        if (find->head_count == 0)
            return NULL;
        struct head *top = &find->heads[0];
        entry = top->entry;
        top->entry = window_walk_next(&top->walk);
        if (top->entry == NULL)
            *top = find->heads[--find->head_count];
        sift_down(find, 0);
    } while (entry == last);
    if (entry->place.created_at < find->filter->since ||
        (!find->is_known && floor != NULL && window_is_after(&entry->place, floor)))
        return NULL;
    return entry;
}

static void gather(struct window_found *found, struct find *find)
{
    const struct store_cursor *floor = find->question->floor;
    struct window_entry *entry = NULL;
    uint32_t looked = 0;
    while (looked++ < WINDOW_LOOKS_MAX && found->count < find->question->rows) {
        entry = next_candidate(find, entry);
        if (entry == NULL) {
            found->finished =
                floor == NULL || find->is_known || find->filter->since > floor->created_at;
            if (!found->finished)
                found->next = *floor;
            return;
        }
        if (matches(find, entry))
            found->rows[found->count++] = entry;
        found->next = entry->place;
    }
}

bool window_find(struct window_found *found, const struct window_index *index,
                 const struct window_question *question)
{
    struct find find = {.index = index, .question = question, .filter = question->filter};
    found->count = 0;
    found->finished = false;
    set_start(&find);
    if (find.filter->matches_nothing || find.filter->since > find.filter->until) {
        found->finished = true;
        return true;
    }
    bool is_below = begins_below(&find);
    if (is_below && find.filter->ids.count == 0 && count_addresses(find.filter) == 0)
        return false;
    hash_values(&find);
    if (find.filter->ids.count > 0) {
        open_ids(&find);
    } else if (!open_addresses(&find)) {
        choose(&find);
        open_lists(&find);
    }
    bool can_say = find.is_known || !is_below;
    if (can_say)
        gather(found, &find);
    arena_clear(&find.arena);
    return can_say;
}
