#include "relay/interest.h"

#include <assert.h>
#include <stdlib.h>

#include "relay/hash.h"
#include "relay/table.h"
#include "shared/event.h"
#include "shared/filter.h"

/* What a filter can be listed under; a tag under its letter. */
enum { UNDER_ALL = 1, UNDER_IDS, UNDER_AUTHORS, UNDER_KINDS };

/* Interests listed under one value (or under several whose hashes are equal: they are compared
 * with the event anyhow). */
struct node {
    uint64_t hash;
    struct interest_entry *first;
    uint64_t looked; /* the last search that came by: tags may repeat */
};

struct interest_entry {
    struct node *node;
    struct interest_entry *next, *prev;
    struct interest *interest;
    const struct filter *filter;
};

struct interest_index {
    struct hash_key key;
    struct table nodes; /* by hash */
    uint64_t searches;
};

/* What filters need, measured first (block NULL) and then laid out in one block. */
struct packer {
    char *block;
    size_t used;
};

static void *pack(struct packer *packer, const void *from, size_t size)
{
    size_t at = packer->used;
    packer->used += (size + 7) & ~(size_t)7;
    if (packer->block == NULL)
        return NULL;
    if (from != NULL && size > 0)
        memcpy(packer->block + at, from, size);
    return packer->block + at;
}

static void pack_tag(struct packer *packer, struct filter_tag *to, const struct filter_tag *from)
{
    struct span *values = pack(packer, from->values, from->count * sizeof *values);
    for (uint32_t i = 0; i < from->count; i++) {
        char *at = pack(packer, from->values[i].at, from->values[i].len);
        if (values != NULL)
            values[i].at = at;
    }
    if (to != NULL)
        to->values = values;
}

static void pack_filter(struct packer *packer, struct filter *to, const struct filter *from)
{
    const void *search = pack(packer, from->search.at, from->search.len);
    const void *ids = pack(packer, from->ids.at, from->ids.count * sizeof *from->ids.at);
    const void *authors =
        pack(packer, from->authors.at, from->authors.count * sizeof *from->authors.at);
    const void *kinds = pack(packer, from->kinds.at, from->kinds.count * sizeof *from->kinds.at);
    struct filter_tag *tags = pack(packer, from->tags, from->tag_count * sizeof *tags);
    for (uint32_t i = 0; i < from->tag_count; i++)
        pack_tag(packer, tags == NULL ? NULL : &tags[i], &from->tags[i]);
    if (to == NULL)
        return;
    to->search.at = search;
    to->ids.at = ids;
    to->authors.at = authors;
    to->kinds.at = kinds;
    to->tags = tags;
}

static struct filter *pack_filters(struct packer *packer, const struct filter *filters,
                                   uint32_t count)
{
    struct filter *copy = pack(packer, filters, count * sizeof *copy);
    for (uint32_t i = 0; i < count; i++)
        pack_filter(packer, copy == NULL ? NULL : &copy[i], &filters[i]);
    return copy;
}

/* The condition a filter is listed under, and how many values it has. An author says more than a
 * tag of as many values: an event has one author. */
static int choose(const struct filter *filter, const struct filter_tag **tag, uint32_t *count)
{
    *count = filter->ids.count;
    if (*count > 0)
        return UNDER_IDS;
    int under = UNDER_ALL;
    *count = filter->authors.count;
    if (*count > 0)
        under = UNDER_AUTHORS;
    for (uint32_t i = 0; i < filter->tag_count; i++) {
        if (under != UNDER_ALL && *count <= filter->tags[i].count)
            continue;
        *tag = &filter->tags[i];
        under = (unsigned char)filter->tags[i].letter;
        *count = filter->tags[i].count;
    }
    if (under != UNDER_ALL)
        return under;
    *count = filter->kinds.count > 0 ? filter->kinds.count : 1;
    return filter->kinds.count > 0 ? UNDER_KINDS : UNDER_ALL;
}

static uint64_t hash_of(const struct interest_index *index, int under, struct span value)
{
    return hash_bytes(&index->key, value) + (uint64_t)under * 0x9e3779b97f4a7c15;
}

static void list(struct interest_index *index, struct interest_entry *entry, uint64_t hash)
{
    struct node *node = table_get(&index->nodes, hash);
    if (node == NULL) {
        node = calloc(1, sizeof *node);
        if (node == NULL)
            abort();
        node->hash = hash;
        table_put(&index->nodes, hash, node);
    }
    entry->node = node;
    entry->next = node->first;
    if (node->first != NULL)
        node->first->prev = entry;
    node->first = entry;
}

static void unlist(struct interest_index *index, struct interest_entry *entry)
{
    struct node *node = entry->node;
    if (entry->next != NULL)
        entry->next->prev = entry->prev;
    if (entry->prev != NULL)
        entry->prev->next = entry->next;
    else
        node->first = entry->next;
    if (node->first == NULL) {
        table_remove(&index->nodes, node->hash);
        free(node);
    }
}

/* Lists a filter; entries has room for as many values as choose says. */
static void list_filter(struct interest_index *index, const struct filter *filter,
                        struct interest_entry *entries)
{
    uint32_t count;
    const struct filter_tag *tag = NULL;
    int under = choose(filter, &tag, &count);
    for (uint32_t i = 0; i < count; i++) {
        struct span value = {NULL, 0};
        if (tag != NULL)
            value = tag->values[i];
        else if (under == UNDER_IDS)
            value = SPAN_OF(filter->ids.at[i]);
        else if (under == UNDER_AUTHORS)
            value = SPAN_OF(filter->authors.at[i]);
        else if (under == UNDER_KINDS)
            value = SPAN_OF(filter->kinds.at[i]);
        list(index, &entries[i], hash_of(index, under, value));
    }
}

static uint32_t count_entries(const struct filter *filters, uint32_t count)
{
    uint32_t sum = 0, values;
    const struct filter_tag *tag;
    for (uint32_t i = 0; i < count; i++)
        if (!filters[i].matches_nothing && filters[i].search.len == 0) {
            (void)choose(&filters[i], &tag, &values);
            sum += values;
        }
    return sum;
}

struct interest_index *interest_index_new(void)
{
    struct interest_index *index = calloc(1, sizeof *index);
    if (index == NULL)
        abort();
    index->key = hash_key_random();
    return index;
}

void interest_index_free(struct interest_index *index)
{
    assert(index->nodes.count == 0);
    table_clear(&index->nodes);
    free(index);
}

struct interest *interest_add(struct interest_index *index, const struct filter *filters,
                              uint32_t count, void *owner)
{
    uint32_t entry_count = count_entries(filters, count);
    struct packer packer = {0};
    (void)pack(&packer, NULL, sizeof(struct interest));
    (void)pack(&packer, NULL, entry_count * sizeof(struct interest_entry));
    (void)pack_filters(&packer, filters, count);

    packer = (struct packer){.block = calloc(1, packer.used)};
    if (packer.block == NULL)
        abort();
    struct interest *interest = pack(&packer, NULL, sizeof *interest);
    interest->owner = owner;
    interest->entry_count = entry_count;
    interest->entries = pack(&packer, NULL, entry_count * sizeof *interest->entries);
    interest->filters = pack_filters(&packer, filters, count);
    interest->filter_count = count;

    struct interest_entry *entry = interest->entries;
    for (uint32_t i = 0; i < count; i++) {
        const struct filter *filter = &interest->filters[i];
        uint32_t values = count_entries(filter, 1);
        for (uint32_t j = 0; j < values; j++) {
            entry[j].interest = interest;
            entry[j].filter = filter;
        }
        if (values > 0)
            list_filter(index, filter, entry);
        entry += values;
    }
    return interest;
}

void interest_remove(struct interest_index *index, struct interest *interest)
{
    for (uint32_t i = 0; i < interest->entry_count; i++)
        unlist(index, &interest->entries[i]);
    free(interest);
}

struct search {
    struct interest_index *index;
    const struct event *event;
    void (*found)(void *context, struct interest *interest);
    void *context;
};

static void look(const struct search *search, int under, struct span value)
{
    struct interest_index *index = search->index;
    struct node *node = table_get(&index->nodes, hash_of(index, under, value));
    if (node == NULL || node->looked == index->searches)
        return;
    node->looked = index->searches;
    for (struct interest_entry *entry = node->first; entry != NULL; entry = entry->next) {
        struct interest *interest = entry->interest;
        if (interest->found == index->searches || !filter_match(entry->filter, search->event))
            continue;
        interest->found = index->searches;
        search->found(search->context, interest);
    }
}

void interest_find(struct interest_index *index, const struct event *event,
                   void (*found)(void *context, struct interest *interest), void *context)
{
    struct search search = {index, event, found, context};
    index->searches++;
    look(&search, UNDER_ALL, (struct span){NULL, 0});
    look(&search, UNDER_IDS, SPAN_OF(event->id));
    look(&search, UNDER_AUTHORS, SPAN_OF(event->pubkey));
    look(&search, UNDER_KINDS, SPAN_OF(event->kind));
    for (uint32_t i = 0; i < event->tag_count; i++) {
        const struct tag *tag = &event->tags[i];
        if (tag->count >= 2 && tag->items[0].len == 1)
            look(&search, (unsigned char)tag->items[0].at[0], tag->items[1]);
    }
}
