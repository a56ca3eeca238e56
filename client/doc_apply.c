#include <stdlib.h>

#include "client/doc.h"
#include "client/doc_parts.h"
#include "client/lib0.h"
#include "client/utf16.h"
#include "shared/err.h"

/* The first byte of a struct: the content, and what else is there. */
enum { CONTENT = 0x1f, HAS_KEY = 0x20, HAS_RIGHT_ORIGIN = 0x40, HAS_ORIGIN = 0x80 };

enum { TYPE_XML_ELEMENT = 3, TYPE_XML_HOOK = 5, TYPE_MAX = 6 };

/* An update that has been read whole before any of it is applied. */
struct update {
    struct doc_stack items;
    struct doc_ranges deletions;
};

static void add_range(struct doc_ranges *ranges, struct doc_id id, uint64_t len)
{
    doc_grow(struct doc_range, ranges->at, ranges->count, ranges->capacity);
    ranges->at[ranges->count++] = (struct doc_range){id, len};
}

static struct doc_id read_id(struct lib0 *in)
{
    uint64_t client = lib0_number(in);
    return (struct doc_id){client, lib0_number(in)};
}

static struct span copy(struct doc *doc, const uint8_t *begin, const struct lib0 *in)
{
    struct span bytes = {(const char *)begin, in->failed ? 0 : (size_t)(in->at - begin)};
    return arena_copy(&doc->arena, bytes);
}

static void read_string(struct doc *doc, struct doc_item *item, struct lib0 *in)
{
    struct span string = lib0_string(in);
    item->len = utf16_count(string);
    item->units = arena_array(&doc->arena, uint16_t, item->len);
    utf16_from(item->units, string);
}

static void read_values(struct doc *doc, struct doc_item *item, struct lib0 *in)
{
    item->len = lib0_number(in);
    in->failed |= item->len > (uint64_t)(in->end - in->at);
    if (in->failed)
        return;
    item->values = arena_array(&doc->arena, struct span, item->len);
    for (uint64_t i = 0; i < item->len && !in->failed; i++) {
        const uint8_t *begin = in->at;
        if (item->content == DOC_ANY)
            lib0_any(in);
        else
            lib0_string(in);
        item->values[i] = copy(doc, begin, in);
    }
}

static void read_raw(struct doc *doc, struct doc_item *item, struct lib0 *in)
{
    const uint8_t *begin = in->at;
    lib0_bytes(in);
    if (item->content == DOC_FORMAT)
        lib0_bytes(in);
    item->raw = copy(doc, begin, in);
    item->len = 1;
}

static void read_type(struct doc *doc, struct doc_item *item, struct lib0 *in)
{
    uint64_t type_ref = lib0_number(in);
    in->failed |= type_ref > TYPE_MAX;
    item->type_ref = (uint8_t)type_ref;
    item->branch = arena_alloc(&doc->arena, sizeof *item->branch);
    *item->branch = (struct doc_branch){.item = item};
    if (type_ref == TYPE_XML_ELEMENT || type_ref == TYPE_XML_HOOK)
        item->branch->name = arena_copy(&doc->arena, lib0_string(in));
    item->len = 1;
}

static void read_content(struct doc *doc, struct doc_item *item, struct lib0 *in)
{
    switch ((enum doc_content)item->content) {
    case DOC_DELETED:
        item->len = lib0_number(in);
        return;
    case DOC_STRING:
        read_string(doc, item, in);
        return;
    case DOC_JSON:
    case DOC_ANY:
        read_values(doc, item, in);
        return;
    case DOC_BINARY:
    case DOC_EMBED:
    case DOC_FORMAT:
        read_raw(doc, item, in);
        return;
    case DOC_TYPE:
        read_type(doc, item, in);
        return;
    case DOC_GC:
    case DOC_SUBDOCUMENT:
    case DOC_SKIP:
        break;
    }
    in->failed = true;
}

static void read_parent(struct doc *doc, struct doc_item *item, uint8_t info, struct lib0 *in)
{
    if (lib0_number(in) == 1)
        item->parent = doc_root(doc, lib0_string(in));
    else
        item->parent_id = read_id(in);
    if ((info & HAS_KEY) == 0)
        return;
    item->has_key = true;
    item->key = arena_copy(&doc->arena, lib0_string(in));
}

/* NULL for a skip, which only moves the clock. */
static struct doc_item *read_item(struct doc *doc, struct doc_id *id, struct lib0 *in)
{
    uint8_t info = lib0_byte(in);
    const struct doc_id none = {.client = DOC_NONE};
    struct doc_item *item = arena_alloc(&doc->arena, sizeof *item);
    *item = (struct doc_item){.id = *id,
                              .content = info & CONTENT,
                              .origin = none,
                              .right_origin = none,
                              .parent_id = none};
    if (item->content == DOC_GC || item->content == DOC_SKIP) {
        item->len = lib0_number(in);
        item->is_deleted = true;
    } else {
        if ((info & HAS_ORIGIN) != 0)
            item->origin = read_id(in);
        if ((info & HAS_RIGHT_ORIGIN) != 0)
            item->right_origin = read_id(in);
        if ((info & (HAS_ORIGIN | HAS_RIGHT_ORIGIN)) == 0)
            read_parent(doc, item, info, in);
        read_content(doc, item, in);
    }
    in->failed |= item->len == 0 || id->clock + item->len > (uint64_t)1 << LIB0_NUMBER_BITS;
    id->clock += item->len;
    return item->content == DOC_SKIP ? NULL : item;
}

static void read_items(struct doc *doc, struct update *update, struct lib0 *in)
{
    for (uint64_t writers = lib0_number(in); writers > 0 && !in->failed; writers--) {
        uint64_t count = lib0_number(in);
        struct doc_id id = read_id(in);
        for (; count > 0 && !in->failed; count--) {
            struct doc_item *item = read_item(doc, &id, in);
            if (item == NULL || in->failed)
                continue;
            doc_grow(struct doc_item *, update->items.at, update->items.count,
                     update->items.capacity);
            update->items.at[update->items.count++] = item;
        }
    }
}

static void read_deletions(struct update *update, struct lib0 *in)
{
    for (uint64_t writers = lib0_number(in); writers > 0 && !in->failed; writers--) {
        uint64_t client = lib0_number(in);
        for (uint64_t count = lib0_number(in); count > 0 && !in->failed; count--) {
            uint64_t clock = lib0_number(in), len = lib0_number(in);
            if (len > 0 && !in->failed)
                add_range(&update->deletions, (struct doc_id){client, clock}, len);
        }
    }
}

static bool read_update(struct doc *doc, struct update *update, struct span bytes, struct err *err)
{
    struct lib0 in = lib0_begin(bytes);
    if (bytes.len > DOC_UPDATE_BYTES_MAX)
        return err_set(err, ERR_INVALID, "an update of over %d bytes", DOC_UPDATE_BYTES_MAX);
    read_items(doc, update, &in);
    read_deletions(update, &in);
    if (in.failed)
        return err_set(err, ERR_INVALID, "no Yjs update: it cannot be read past byte %zu",
                       bytes.len - (size_t)(in.end - in.at));
    if (doc_pending(doc) + update->items.count + update->deletions.count > DOC_PENDING_MAX)
        return err_set(err, ERR_INVALID, "over %d structs that wait for others", DOC_PENDING_MAX);
    return true;
}

static void clear_update(struct update *update)
{
    free(update->items.at);
    free(update->deletions.at);
}

static bool is_known(const struct doc *doc, struct doc_id id)
{
    return id.client == DOC_NONE || id.clock < doc_clock(doc, id.client);
}

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
    if (!is_known(doc, item->origin) || !is_known(doc, item->right_origin) ||
        !is_known(doc, item->parent_id))
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
    bool has_moved = true;
    while (has_moved) {
        has_moved = false;
        for (size_t i = doc->writer_count; i-- > 0;)
            has_moved |= advance(doc, doc->writers[i]);
    }
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
        add_range(later, (struct doc_id){range.id.client, from}, end - from);
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
        doc_delete_item(doc, item);
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
static void make_void(struct update *update)
{
    for (size_t i = 0; i < update->items.count; i++)
        if (update->items.at[i]->content != DOC_GC)
            update->items.at[i]->content = DOC_DELETED;
    update->deletions.count = 0;
}

bool doc_apply(struct doc *doc, struct span update, enum doc_trust trust, struct err *err)
{
    struct update read = {0};
    bool ok = read_update(doc, &read, update, err);
    if (ok && trust == DOC_VOID)
        make_void(&read);
    if (ok) {
        integrate_items(doc, &read.items);
        delete_ranges(doc, &read.deletions);
        doc_drop_garbage(doc);
    }
    clear_update(&read);
    return ok;
}

bool doc_is_by(struct span update, uint64_t client, uint64_t *from, uint64_t *to, struct err *err)
{
    struct doc *doc = doc_new(client);
    struct update read = {0};
    bool ok = read_update(doc, &read, update, err);
    *from = *to = 0;
    for (size_t i = 0; ok && i < read.items.count; i++) {
        const struct doc_item *item = read.items.at[i];
        uint64_t end = item->id.clock + item->len;
        if (item->id.client != client)
            ok = err_set(err, ERR_INVALID, "written in the name of client %llu, not %llu",
                         (unsigned long long)item->id.client, (unsigned long long)client);
        if (i == 0 || item->id.clock < *from)
            *from = item->id.clock;
        if (end > *to)
            *to = end;
    }
    clear_update(&read);
    doc_free(doc);
    return ok;
}

size_t doc_pending(const struct doc *doc)
{
    size_t count = doc->waiting_deletions.count;
    for (size_t i = 0; i < doc->writer_count; i++)
        count += doc->writers[i]->waiting_count;
    return count;
}
