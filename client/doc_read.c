#include <stdlib.h>

#include "client/doc.h"
#include "client/doc_parts.h"
#include "client/lib0.h"
#include "client/utf16.h"
#include "shared/err.h"

/* The first byte of a struct: the content, and what else is there. */
enum { CONTENT = 0x1f, HAS_KEY = 0x20, HAS_RIGHT_ORIGIN = 0x40, HAS_ORIGIN = 0x80 };

enum { TYPE_XML_ELEMENT = 3, TYPE_XML_HOOK = 5, TYPE_MAX = 6 };

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

static void read_items(struct doc *doc, struct doc_update *update, struct lib0 *in)
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

static void read_deletions(struct doc_update *update, struct lib0 *in)
{
    for (uint64_t writers = lib0_number(in); writers > 0 && !in->failed; writers--) {
        uint64_t client = lib0_number(in);
        for (uint64_t count = lib0_number(in); count > 0 && !in->failed; count--) {
            uint64_t clock = lib0_number(in), len = lib0_number(in);
            if (len > 0 && !in->failed)
                doc_add_range(&update->deletions, (struct doc_id){client, clock}, len);
        }
    }
}

bool doc_read_update(struct doc *doc, struct doc_update *update, struct span bytes, struct err *err)
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

void doc_clear_update(struct doc_update *update)
{
    free(update->items.at);
    free(update->deletions.at);
}

bool doc_is_by(struct span update, uint64_t client, uint64_t *from, uint64_t *to, struct err *err)
{
    struct doc *doc = doc_new(client);
    struct doc_update read = {0};
    bool ok = doc_read_update(doc, &read, update, err);
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
    doc_clear_update(&read);
    doc_free(doc);
    return ok;
}

void doc_deletions(struct doc_spans *spans, struct arena *arena, struct span update)
{
    struct doc *doc = doc_new(0);
    struct doc_update read = {0};
    size_t count = doc_read_update(doc, &read, update, NULL) ? read.deletions.count : 0;
    for (size_t i = 0; i < count; i++) {
        const struct doc_range *range = &read.deletions.at[i];
        spans->at = arena_grow(arena, struct doc_span, spans->at, spans->count);
        spans->at[spans->count++] =
            (struct doc_span){range->id.client, range->id.clock, range->id.clock + range->len};
    }
    doc_clear_update(&read);
    doc_free(doc);
}

bool doc_writer(struct span update, uint64_t *client)
{
    struct doc *doc = doc_new(0);
    struct doc_update read = {0};
    bool has_any = doc_read_update(doc, &read, update, NULL) && read.items.count > 0;
    if (has_any)
        *client = read.items.at[0]->id.client;
    doc_clear_update(&read);
    doc_free(doc);
    return has_any;
}
