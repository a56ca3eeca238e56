#include <stdlib.h>

#include "client/doc.h"
#include "client/doc_parts.h"
#include "shared/err.h"

enum { CIRCLES_MAX = 1000 }; /* in one document; past it they go on waiting */

/* Whose list the item is in, its neighbours being there. NULL when that is gone. */
static void find_parent(const struct doc *doc, struct doc_item *item)
{
    const struct doc_item *left = item->left, *right = item->right;
    bool is_gone =
        (left != NULL && left->content == DOC_GC) || (right != NULL && right->content == DOC_GC);
    if (is_gone) {
        item->parent = NULL;
    } else if (item->parent_id.client != DOC_NONE) {
        const struct doc_item *holder = doc_item_at(doc, item->parent_id);
        item->parent = holder->content == DOC_TYPE ? holder->branch : NULL;
    } else if (item->parent == NULL && (left != NULL || right != NULL)) {
        const struct doc_item *beside = left != NULL ? left : right;
        item->parent = beside->parent;
        item->key = beside->key;
        item->has_key = beside->has_key;
    }
}

/* Brings the item to its neighbours; false when one is not there yet. */
static bool resolve(struct doc *doc, struct doc_item *item)
{
    if (item->content == DOC_GC)
        return true;
    if (!doc_is_known(doc, item->origin) || !doc_is_known(doc, item->right_origin) ||
        !doc_is_known(doc, item->parent_id))
        return false;
    if (item->origin.client != DOC_NONE) {
        item->left = doc_clean_end(doc, item->origin);
        item->origin = doc_last_id(item->left);
    }
    if (item->right_origin.client != DOC_NONE) {
        item->right = doc_clean_start(doc, item->right_origin);
        item->right_origin = item->right->id;
    }
    find_parent(doc, item);
    return true;
}

/* Integrates what waits of one writer, as far as it can be; whether any was. */
static bool advance(struct doc *doc, struct doc_writer *writer)
{
    bool has_moved = false;
    for (; writer->waiting_first < writer->waiting_count; writer->waiting_first++) {
        struct doc_item *item = writer->waiting[writer->waiting_first];
        uint64_t clock = doc_clock(doc, writer->client);
        if (item->id.clock > clock)
            break;
        if (item->id.clock + item->len <= clock)
            continue; /* known */
        if (!resolve(doc, item))
            break;
        doc_integrate(doc, item, clock - item->id.clock);
        has_moved = true;
    }
    return has_moved;
}

static int compare_clocks(const void *a, const void *b)
{
    const struct doc_item *x = *(struct doc_item *const *)a, *y = *(struct doc_item *const *)b;
    if (x->id.clock != y->id.clock)
        return x->id.clock < y->id.clock ? -1 : 1;
    return (x->len > y->len) - (x->len < y->len);
}

/* Sorts what waits, and leaves out what is there twice. */
static void sort_waiting(struct doc_writer *writer)
{
    size_t kept = 0;
    if (writer->waiting_count > 1)
        qsort(writer->waiting, writer->waiting_count, sizeof(struct doc_item *), compare_clocks);
    for (size_t i = 0; i < writer->waiting_count; i++)
        if (i == 0 || compare_clocks(&writer->waiting[i], &writer->waiting[kept - 1]) != 0)
            writer->waiting[kept++] = writer->waiting[i];
    writer->waiting_count = kept;
}

static void drop_done(struct doc_writer *writer)
{
    if (writer->waiting_first == 0)
        return;
    writer->waiting_count -= writer->waiting_first;
    memmove(writer->waiting, writer->waiting + writer->waiting_first,
            writer->waiting_count * sizeof(struct doc_item *));
    writer->waiting_first = 0;
}

static void advance_all(struct doc *doc)
{
    bool has_moved = true;
    while (has_moved) {
        has_moved = false;
        for (size_t i = doc->writer_count; i-- > 0;)
            has_moved |= advance(doc, doc->writers[i]);
    }
}

static void integrate_items(struct doc *doc, const struct doc_stack *items)
{
    for (size_t i = 0; i < items->count; i++) {
        struct doc_writer *writer = doc_writer_make(doc, items->at[i]->id.client);
        doc_grow(struct doc_item *, writer->waiting, writer->waiting_count,
                 writer->waiting_capacity);
        writer->waiting[writer->waiting_count++] = items->at[i];
    }
    for (size_t i = 0; i < doc->writer_count; i++)
        sort_waiting(doc->writers[i]);
    advance_all(doc);
    for (size_t i = 0; i < doc->writer_count; i++)
        drop_done(doc->writers[i]);
}

/* Deletes what of the range is known; the rest goes into later. */
static void delete_range(struct doc *doc, struct doc_range range, struct doc_ranges *later)
{
    struct doc_writer *writer = doc_writer_of(doc, range.id.client);
    uint64_t clock = doc_clock(doc, range.id.client), end = range.id.clock + range.len;
    if (end > clock) {
        uint64_t from = range.id.clock > clock ? range.id.clock : clock;
        doc_add_range(later, (struct doc_id){range.id.client, from}, end - from);
    }
    if (range.id.clock >= clock)
        return;
    size_t place = doc_find(writer, range.id.clock);
    struct doc_item *item = writer->items[place];
    if (item->id.clock < range.id.clock) {
        if (!item->is_deleted)
            doc_split(doc, writer, place, range.id.clock - item->id.clock);
        place++;
    }
    for (; place < writer->count && writer->items[place]->id.clock < end; place++) {
        item = writer->items[place];
        if (item->is_deleted)
            continue;
        if (item->id.clock + item->len > end)
            doc_split(doc, writer, place, end - item->id.clock);
        doc_delete_now(doc, item);
    }
}

static void delete_ranges(struct doc *doc, const struct doc_ranges *deletions)
{
    struct doc_ranges later = {0};
    for (size_t i = 0; i < doc->waiting_deletions.count; i++)
        delete_range(doc, doc->waiting_deletions.at[i], &later);
    for (size_t i = 0; i < deletions->count; i++)
        delete_range(doc, deletions->at[i], &later);
    free(doc->waiting_deletions.at);
    doc->waiting_deletions = later;
}

/* What a struct of a void update leaves: its length. */
static void make_void(struct doc_update *update)
{
    for (size_t i = 0; i < update->items.count; i++)
        if (update->items.at[i]->content != DOC_GC)
            update->items.at[i]->content = DOC_DELETED;
    update->deletions.count = 0;
}

static void add_piece(struct doc *doc, struct doc_stack *out, const struct doc_item *item,
                      uint64_t from, uint64_t to)
{
    if (from >= to)
        return;
    struct doc_item *piece = arena_alloc(&doc->arena, sizeof *piece);
    *piece = *item;
    piece->id.clock = from;
    piece->len = to - from;
    if (from > item->id.clock && item->content != DOC_GC) {
        piece->origin = (struct doc_id){item->id.client, from - 1};
        piece->parent_id.client = DOC_NONE;
    }
    doc_grow(struct doc_item *, out->at, out->count, out->capacity);
    out->at[out->count++] = piece;
}

/* Leaves out the clocks that others have, be it that those wait. */
static void keep_rest(struct doc *doc, struct doc_update *update)
{
    struct doc_stack rest = {0};
    for (size_t i = 0; i < update->items.count; i++) {
        struct doc_item *item = update->items.at[i];
        struct doc_writer *writer = doc_writer_make(doc, item->id.client);
        uint64_t clock = doc_clock(doc, item->id.client), end = item->id.clock + item->len;
        uint64_t from = item->id.clock > clock ? item->id.clock : clock;
        for (size_t j = doc_waiting_at(writer, from); j < writer->waiting_count; j++) {
            const struct doc_item *other = writer->waiting[j];
            add_piece(doc, &rest, item, from, other->id.clock < end ? other->id.clock : end);
            from = other->id.clock + other->len;
            if (from >= end)
                break;
        }
        add_piece(doc, &rest, item, from, end);
        doc_grow(struct doc_item *, writer->lost.at, writer->lost.count, writer->lost.capacity);
        writer->lost.at[writer->lost.count++] = item;
    }
    free(update->items.at);
    update->items = rest;
}

bool doc_apply(struct doc *doc, struct span update, enum doc_trust trust, struct err *err)
{
    struct doc_update read = {0};
    bool ok = doc_read_update(doc, &read, update, err);
    if (ok && trust != DOC_VALID)
        make_void(&read);
    if (ok && trust == DOC_REST)
        keep_rest(doc, &read);
    if (ok) {
        integrate_items(doc, &read.items);
        delete_ranges(doc, &read.deletions);
        doc_drop_garbage(doc);
    }
    doc_clear_update(&read);
    return ok;
}

void doc_settle(struct doc *doc)
{
    if (doc_pending(doc) == 0)
        return;
    advance_all(doc); /* edits may have brought what was waited for */
    for (int i = 0; i < CIRCLES_MAX && doc_cut_circle(doc); i++)
        advance_all(doc);
    for (size_t i = 0; i < doc->writer_count; i++)
        drop_done(doc->writers[i]);
    delete_ranges(doc, &(struct doc_ranges){0});
    doc_drop_garbage(doc);
}

size_t doc_pending(const struct doc *doc)
{
    size_t count = doc->waiting_deletions.count;
    for (size_t i = 0; i < doc->writer_count; i++)
        count += doc->writers[i]->waiting_count;
    return count;
}
