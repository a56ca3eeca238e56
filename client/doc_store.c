#include <stdlib.h>

#include "client/doc.h"
#include "client/doc_parts.h"
#include "client/utf16.h"
#include "shared/sig.h"
#include "shared/text.h"

enum { REPLACEMENT = 0xfffd };

void *doc_grow_array(void *array, size_t size, size_t count, size_t *capacity)
{
    if (count < *capacity)
        return array;
    *capacity = *capacity == 0 ? 8 : 2 * *capacity;
    void *moved = realloc(array, size * *capacity);
    if (moved == NULL)
        abort();
    return moved;
}

struct doc *doc_new(uint64_t client)
{
    struct doc *doc = calloc(1, sizeof *doc);
    if (doc == NULL)
        abort();
    doc->client = client;
    return doc;
}

void doc_free(struct doc *doc)
{
    if (doc == NULL)
        return;
    for (size_t i = 0; i < doc->writer_count; i++) {
        free(doc->writers[i]->items);
        free(doc->writers[i]->waiting);
        free(doc->writers[i]->lost.at);
        free(doc->writers[i]);
    }
    free(doc->writers);
    free(doc->waiting_deletions.at);
    free(doc->garbage.at);
    free(doc->fresh.at);
    text_clear(&doc->mark);
    arena_clear(&doc->arena);
    free(doc);
}

uint64_t doc_client(const struct bytes32 *root, const struct bytes32 *pubkey, uint64_t device)
{
    struct text text = {0};
    text_add(&text, SPAN("yjs-client\0"));
    text_add(&text, SPAN_OF(*root));
    text_add(&text, SPAN_OF(*pubkey));
    for (int shift = 56; shift >= 0; shift -= 8)
        text_add(&text, (struct span){(char[]){(char)(device >> shift)}, 1});
    struct bytes32 hash = sig_sha256(text_span(&text));
    text_clear(&text);
    uint64_t client = 0;
    for (size_t i = 0; i < sizeof client; i++)
        client = client << 8 | hash.at[i];
    return client >> 11; /* 53 bits are what a number of JavaScript holds */
}

/* Where client is among the writers, or would be. */
static size_t writer_place(const struct doc *doc, uint64_t client)
{
    size_t low = 0, high = doc->writer_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (doc->writers[middle]->client < client)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct doc_writer *doc_writer_of(const struct doc *doc, uint64_t client)
{
    size_t place = writer_place(doc, client);
    bool is_there = place < doc->writer_count && doc->writers[place]->client == client;
    return is_there ? doc->writers[place] : NULL;
}

struct doc_writer *doc_writer_make(struct doc *doc, uint64_t client)
{
    size_t place = writer_place(doc, client);
    if (place < doc->writer_count && doc->writers[place]->client == client)
        return doc->writers[place];
    struct doc_writer *writer = calloc(1, sizeof *writer);
    if (writer == NULL)
        abort();
    writer->client = client;
    doc_grow(struct doc_writer *, doc->writers, doc->writer_count, doc->writer_capacity);
    memmove(doc->writers + place + 1, doc->writers + place,
            (doc->writer_count - place) * sizeof(struct doc_writer *));
    doc->writer_count++;
    doc->writers[place] = writer;
    return writer;
}

uint64_t doc_clock(const struct doc *doc, uint64_t client)
{
    const struct doc_writer *writer = doc_writer_of(doc, client);
    if (writer == NULL || writer->count == 0)
        return 0;
    return doc_last_id(writer->items[writer->count - 1]).clock + 1;
}

size_t doc_find(const struct doc_writer *writer, uint64_t clock)
{
    size_t low = 0, high = writer->count;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (writer->items[middle]->id.clock <= clock)
            low = middle;
        else
            high = middle;
    }
    return low;
}

void doc_add_range(struct doc_ranges *ranges, struct doc_id id, uint64_t len)
{
    doc_grow(struct doc_range, ranges->at, ranges->count, ranges->capacity);
    ranges->at[ranges->count++] = (struct doc_range){id, len};
}

struct doc_item *doc_item_at(const struct doc *doc, struct doc_id id)
{
    const struct doc_writer *writer = doc_writer_of(doc, id.client);
    return writer->items[doc_find(writer, id.clock)];
}

struct doc_branch *doc_root(struct doc *doc, struct span name)
{
    struct doc_branch *branch = trie_get(&doc->roots, name);
    if (branch == NULL) {
        branch = arena_alloc(&doc->arena, sizeof *branch);
        *branch = (struct doc_branch){.name = arena_copy(&doc->arena, name)};
        trie_put(&doc->roots, &doc->arena, name, branch);
    }
    return branch;
}

static void insert_at(struct doc_writer *writer, size_t place, struct doc_item *item)
{
    doc_grow(struct doc_item *, writer->items, writer->count, writer->capacity);
    memmove(writer->items + place + 1, writer->items + place,
            (writer->count - place) * sizeof(struct doc_item *));
    writer->items[place] = item;
    writer->count++;
}

void doc_append(struct doc_writer *writer, struct doc_item *item)
{
    insert_at(writer, writer->count, item);
}

/* Neither half keeps a half of a surrogate pair. */
static void split_units(struct doc *doc, struct doc_item *item, struct doc_item *rest)
{
    uint16_t *cut = item->units + item->len;
    rest->units = cut;
    if (!utf16_is_high(cut[-1]))
        return;
    rest->units = arena_array(&doc->arena, uint16_t, rest->len);
    memcpy(rest->units, cut, rest->len * sizeof *cut);
    rest->units[0] = cut[-1] = REPLACEMENT;
}

/* Puts the second half behind the first in their list. */
static void link_rest(struct doc *doc, struct doc_item *item, struct doc_item *rest)
{
    rest->left = item;
    rest->right = item->right;
    item->right = rest;
    if (rest->right != NULL)
        rest->right->left = rest;
    else if (rest->has_key && rest->parent != NULL)
        trie_put(&rest->parent->map, &doc->arena, rest->key, rest);
}

struct doc_item *doc_split(struct doc *doc, struct doc_writer *writer, size_t place, uint64_t len)
{
    struct doc_item *item = writer->items[place];
    struct doc_item *rest = arena_alloc(&doc->arena, sizeof *rest);
    *rest = *item;
    rest->id.clock += len;
    rest->len -= len;
    item->len = len;
    rest->origin = doc_last_id(item);
    rest->parent_id.client = DOC_NONE;
    if (item->content == DOC_STRING)
        split_units(doc, item, rest);
    else if (item->content == DOC_ANY || item->content == DOC_JSON)
        rest->values += len;
    if (item->content != DOC_GC)
        link_rest(doc, item, rest);
    insert_at(writer, place + 1, rest);
    return rest;
}

struct doc_item *doc_clean_start(struct doc *doc, struct doc_id id)
{
    struct doc_writer *writer = doc_writer_of(doc, id.client);
    size_t place = doc_find(writer, id.clock);
    struct doc_item *item = writer->items[place];
    if (item->id.clock == id.clock || item->content == DOC_GC)
        return item;
    return doc_split(doc, writer, place, id.clock - item->id.clock);
}

struct doc_item *doc_clean_end(struct doc *doc, struct doc_id id)
{
    struct doc_writer *writer = doc_writer_of(doc, id.client);
    size_t place = doc_find(writer, id.clock);
    struct doc_item *item = writer->items[place];
    if (doc_last_id(item).clock != id.clock && item->content != DOC_GC)
        doc_split(doc, writer, place, id.clock - item->id.clock + 1);
    return item;
}
