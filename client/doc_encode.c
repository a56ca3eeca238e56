#include <assert.h>
#include <stdlib.h>

#include "client/doc.h"
#include "client/doc_parts.h"
#include "client/lib0.h"
#include "client/utf16.h"
#include "shared/err.h"
#include "shared/text.h"

enum { HAS_KEY = 0x20, HAS_RIGHT_ORIGIN = 0x40, HAS_ORIGIN = 0x80 };

enum { TYPE_XML_ELEMENT = 3, TYPE_XML_HOOK = 5 };

static void add_id(struct text *out, struct doc_id id)
{
    lib0_add_number(out, id.client);
    lib0_add_number(out, id.clock);
}

static void add_parent(struct text *out, const struct doc_item *item)
{
    const struct doc_branch *parent = item->parent;
    lib0_add_number(out, parent->item == NULL);
    if (parent->item == NULL)
        lib0_add_bytes(out, parent->name);
    else
        add_id(out, parent->item->id);
    if (item->has_key)
        lib0_add_bytes(out, item->key);
}

static void add_string(struct text *out, const uint16_t *units, size_t count)
{
    struct text utf8 = {0};
    utf16_add_utf8(&utf8, units, count);
    lib0_add_bytes(out, text_span(&utf8));
    text_clear(&utf8);
}

static void add_content(struct text *out, const struct doc_item *item, uint64_t offset)
{
    switch ((enum doc_content)item->content) {
    case DOC_DELETED:
        lib0_add_number(out, item->len - offset);
        return;
    case DOC_STRING:
        add_string(out, item->units + offset, item->len - offset);
        return;
    case DOC_JSON:
    case DOC_ANY:
        lib0_add_number(out, item->len - offset);
        for (uint64_t i = offset; i < item->len; i++)
            text_add(out, item->values[i]);
        return;
    case DOC_TYPE:
        lib0_add_number(out, item->type_ref);
        if (item->type_ref == TYPE_XML_ELEMENT || item->type_ref == TYPE_XML_HOOK)
            lib0_add_bytes(out, item->branch->name);
        return;
    case DOC_BINARY:
    case DOC_EMBED:
    case DOC_FORMAT:
        text_add(out, item->raw);
        return;
    case DOC_GC:
    case DOC_SUBDOCUMENT:
    case DOC_SKIP:
        abort(); /* none of them is read as an item with content */
    }
}

/* The item less the first offset of its clocks. */
static void add_item(struct text *out, const struct doc_item *item, uint64_t offset)
{
    struct doc_id origin = item->origin;
    if (item->content == DOC_GC) {
        lib0_add_byte(out, DOC_GC);
        lib0_add_number(out, item->len - offset);
        return;
    }
    if (offset > 0)
        origin = (struct doc_id){item->id.client, item->id.clock + offset - 1};
    bool has_origin = origin.client != DOC_NONE;
    bool has_right_origin = item->right_origin.client != DOC_NONE;
    lib0_add_byte(out, (uint8_t)(item->content | (has_origin ? HAS_ORIGIN : 0) |
                                 (has_right_origin ? HAS_RIGHT_ORIGIN : 0) |
                                 (item->has_key ? HAS_KEY : 0)));
    if (has_origin)
        add_id(out, origin);
    if (has_right_origin)
        add_id(out, item->right_origin);
    if (!has_origin && !has_right_origin)
        add_parent(out, item);
    add_content(out, item, offset);
}

void doc_state_vector(const struct doc *doc, struct text *out)
{
    size_t count = 0;
    for (size_t i = 0; i < doc->writer_count; i++)
        count += doc->writers[i]->count > 0;
    lib0_add_number(out, count);
    for (size_t i = doc->writer_count; i-- > 0;) {
        if (doc->writers[i]->count == 0)
            continue;
        lib0_add_number(out, doc->writers[i]->client);
        lib0_add_number(out, doc_clock(doc, doc->writers[i]->client));
    }
}

/* Sets the clock that the other side has of each of our writers. */
static bool read_state_vector(const struct doc *doc, uint64_t *clocks, struct span bytes,
                              struct err *err)
{
    struct lib0 in = lib0_begin(bytes);
    uint64_t count = bytes.len > 0 ? lib0_number(&in) : 0;
    for (; count > 0 && !in.failed; count--) {
        uint64_t client = lib0_number(&in), clock = lib0_number(&in);
        for (size_t i = 0; i < doc->writer_count; i++)
            if (doc->writers[i]->client == client)
                clocks[i] = clock;
    }
    if (in.failed)
        return err_set(err, ERR_INVALID, "no state vector of Yjs");
    return true;
}

static void add_items(struct text *out, const struct doc *doc, const uint64_t *clocks)
{
    size_t count = 0;
    for (size_t i = 0; i < doc->writer_count; i++)
        count += doc_clock(doc, doc->writers[i]->client) > clocks[i];
    lib0_add_number(out, count);
    for (size_t i = doc->writer_count; i-- > 0;) {
        const struct doc_writer *writer = doc->writers[i];
        if (doc_clock(doc, writer->client) <= clocks[i])
            continue;
        size_t first = doc_find(writer, clocks[i]);
        lib0_add_number(out, writer->count - first);
        add_id(out, (struct doc_id){writer->client, clocks[i]});
        add_item(out, writer->items[first], clocks[i] - writer->items[first]->id.clock);
        for (size_t j = first + 1; j < writer->count; j++)
            add_item(out, writer->items[j], 0);
    }
}

static int compare_ranges(const void *a, const void *b)
{
    const struct doc_range *x = a, *y = b;
    if (x->id.client != y->id.client)
        return x->id.client > y->id.client ? -1 : 1; /* as yjs does */
    return (x->id.clock > y->id.clock) - (x->id.clock < y->id.clock);
}

static bool go_on(const struct doc_range *a, const struct doc_range *b)
{
    return a->id.client == b->id.client && b->id.clock <= a->id.clock + a->len;
}

/* Sorts, and makes one of those that touch. */
static void join_ranges(struct doc_ranges *ranges)
{
    size_t kept = 0;
    if (ranges->count > 1)
        qsort(ranges->at, ranges->count, sizeof *ranges->at, compare_ranges);
    for (size_t i = 0; i < ranges->count; i++) {
        struct doc_range *last = kept > 0 ? &ranges->at[kept - 1] : NULL, *next = &ranges->at[i];
        uint64_t end = next->id.clock + next->len;
        if (last == NULL || !go_on(last, next))
            ranges->at[kept++] = *next;
        else if (end > last->id.clock + last->len)
            last->len = end - last->id.clock;
    }
    ranges->count = kept;
}

void doc_add_deletions(struct text *out, struct doc_ranges *ranges)
{
    size_t writers = 0;
    join_ranges(ranges);
    for (size_t i = 0; i < ranges->count; i++)
        writers += i == 0 || ranges->at[i].id.client != ranges->at[i - 1].id.client;
    lib0_add_number(out, writers);
    for (size_t i = 0, next = 0; i < ranges->count; i = next) {
        for (next = i; next < ranges->count; next++)
            if (ranges->at[next].id.client != ranges->at[i].id.client)
                break;
        lib0_add_number(out, ranges->at[i].id.client);
        lib0_add_number(out, next - i);
        for (size_t j = i; j < next; j++) {
            lib0_add_number(out, ranges->at[j].id.clock);
            lib0_add_number(out, ranges->at[j].len);
        }
    }
}

void doc_write_deletions(struct text *out, const struct doc_spans *spans)
{
    struct doc_ranges ranges = {0};
    for (size_t i = 0; i < spans->count; i++)
        doc_add_range(&ranges, (struct doc_id){spans->at[i].client, spans->at[i].from},
                      spans->at[i].to - spans->at[i].from);
    lib0_add_number(out, 0); /* writers of structs */
    doc_add_deletions(out, &ranges);
    free(ranges.at);
}

static void add_all_deletions(struct text *out, const struct doc *doc)
{
    struct doc_ranges ranges = {0};
    for (size_t i = 0; i < doc->writer_count; i++)
        for (size_t j = 0; j < doc->writers[i]->count; j++) {
            const struct doc_item *item = doc->writers[i]->items[j];
            if (item->is_deleted)
                doc_add_range(&ranges, item->id, item->len);
        }
    doc_add_deletions(out, &ranges);
    free(ranges.at);
}

void doc_mark(struct doc *doc)
{
    doc->is_marked = true;
    doc->mark.len = doc->fresh.count = 0;
    doc_state_vector(doc, &doc->mark);
}

void doc_news(struct doc *doc, struct text *out)
{
    struct arena arena = {0};
    uint64_t *clocks = arena_array(&arena, uint64_t, doc->writer_count + 1);
    bool ok = read_state_vector(doc, clocks, text_span(&doc->mark), NULL);
    assert(ok); /* it is our own */
    doc_join(doc);
    add_items(out, doc, clocks);
    doc_add_deletions(out, &doc->fresh);
    arena_clear(&arena);
}

bool doc_diff(struct doc *doc, struct text *out, struct span state_vector, struct err *err)
{
    struct arena arena = {0};
    uint64_t *clocks = arena_array(&arena, uint64_t, doc->writer_count + 1);
    bool ok = read_state_vector(doc, clocks, state_vector, err);
    if (ok) {
        doc_join(doc);
        add_items(out, doc, clocks);
        add_all_deletions(out, doc);
    }
    arena_clear(&arena);
    return ok;
}
