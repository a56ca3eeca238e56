#include "client/doc.h"
#include "client/doc_parts.h"
#include "client/lib0.h"
#include "client/utf16.h"
#include "shared/err.h"
#include "shared/utf8.h"

static struct doc_id last_or_none(const struct doc_item *item)
{
    return item != NULL ? doc_last_id(item) : (struct doc_id){.client = DOC_NONE};
}

static struct doc_item *new_item(struct doc *doc, struct doc_branch *parent, struct doc_item *left,
                                 enum doc_content content, uint64_t len)
{
    struct doc_item *right = left != NULL ? left->right : parent->start;
    struct doc_item *item = arena_alloc(&doc->arena, sizeof *item);
    *item = (struct doc_item){.id = {doc->client, doc_clock(doc, doc->client)},
                              .content = (uint8_t)content,
                              .len = len,
                              .parent = parent,
                              .left = left,
                              .right = right,
                              .origin = last_or_none(left),
                              .parent_id = {.client = DOC_NONE},
                              .right_origin = {.client = DOC_NONE}};
    if (right != NULL)
        item->right_origin = right->id;
    return item;
}

static void record(struct doc *doc, struct doc_range **ranges, size_t *count,
                   const struct doc_item *item)
{
    *ranges = arena_grow(&doc->arena, struct doc_range, *ranges, *count);
    (*ranges)[(*count)++] = (struct doc_range){item->id, item->len};
}

void doc_insert_units(struct doc *doc, struct doc_branch *parent, struct doc_item *left,
                      uint16_t *units, size_t count)
{
    struct doc_item *item = new_item(doc, parent, left, DOC_STRING, count);
    item->units = units;
    doc_integrate(doc, item, 0);
    struct doc_edit *edit = doc->recording;
    if (edit != NULL)
        record(doc, &edit->inserted, &edit->inserted_count, item);
}

void doc_delete_now(struct doc *doc, struct doc_item *item)
{
    struct doc_edit *edit = doc->recording;
    if (edit != NULL && item->content == DOC_STRING) {
        edit->deleted_units =
            arena_grow(&doc->arena, uint16_t *, edit->deleted_units, edit->deleted_count);
        edit->deleted_units[edit->deleted_count] = item->units;
        record(doc, &edit->deleted, &edit->deleted_count, item);
    }
    doc_delete_item(doc, item);
}

/* The item in which, or at whose end, position at is, which is not 0; begin: where it begins. */
static struct doc_item *seek(struct doc_branch *branch, uint64_t at, uint64_t *begin)
{
    struct doc_item *item = branch->start;
    uint64_t passed = 0;
    if (branch->cursor != NULL && branch->cursor_at < at) {
        item = branch->cursor;
        passed = branch->cursor_at;
    } else if (branch->cursor != NULL && branch->cursor_at - at < at) {
        struct doc_item *back = branch->cursor;
        uint64_t back_at = branch->cursor_at;
        while (back->left != NULL && back_at >= at) {
            back = back->left;
            if (!back->is_deleted && doc_counts(back))
                back_at -= back->len;
        }
        if (back_at < at) {
            item = back;
            passed = back_at;
        }
    }
    for (; item != NULL; item = item->right) {
        if (item->is_deleted || !doc_counts(item))
            continue;
        if (at <= passed + item->len) {
            branch->cursor = item;
            branch->cursor_at = *begin = passed;
            return item;
        }
        passed += item->len;
    }
    return NULL;
}

/* Whether a cut after len units would part a pair. */
static bool parts_pair(const struct doc_item *item, uint64_t len)
{
    return item->content == DOC_STRING && len > 0 && len < item->len &&
           utf16_is_high(item->units[len - 1]) && utf16_is_low(item->units[len]);
}

static void cut(struct doc *doc, const struct doc_item *item, uint64_t len)
{
    struct doc_writer *writer = doc_writer_of(doc, item->id.client);
    doc_split(doc, writer, doc_find(writer, item->id.clock), len);
}

/* The item behind which position at is, cut there; NULL: in front of all. Snaps to a pair's
 * beginning and says by how much. */
static struct doc_item *left_of(struct doc *doc, struct doc_branch *branch, uint64_t at,
                                uint64_t *snapped)
{
    uint64_t begin = 0;
    *snapped = 0;
    struct doc_item *item = at > 0 ? seek(branch, at, &begin) : NULL;
    if (item == NULL)
        return NULL;
    uint64_t len = at - begin;
    *snapped = parts_pair(item, len);
    len -= *snapped;
    if (len == 0)
        return item->left;
    if (len < item->len)
        cut(doc, item, len);
    return item;
}

/* A new edit of the user's: nothing is to be redone any more. */
void doc_begin_edit(struct doc *doc)
{
    doc->recording = arena_alloc(&doc->arena, sizeof *doc->recording);
    *doc->recording = (struct doc_edit){.next = doc->undo};
    doc->undo = doc->recording;
    doc->redo = NULL;
}

bool doc_text_insert(struct doc *doc, struct span name, size_t at, struct span utf8,
                     struct err *err)
{
    struct doc_branch *branch = doc_root(doc, name);
    if (at > branch->length)
        return err_set(err, ERR_INVALID, "position %zu, and the text ends at %llu", at,
                       (unsigned long long)branch->length);
    if (utf8.len == 0)
        return true;
    if (!utf8_is(utf8))
        return err_set(err, ERR_INVALID, "text that is not UTF-8");
    uint64_t snapped;
    struct doc_item *left = left_of(doc, branch, at, &snapped);
    struct doc_item *cursor = left == branch->cursor ? left : NULL; /* it stays where it is */
    struct doc_item *right = left != NULL ? left->right : branch->start;
    for (; right != NULL && right->is_deleted; right = right->right)
        left = right; /* behind the gaps, as yjs does: what is written on and on is one run */
    size_t count = utf16_count(utf8);
    uint16_t *units = arena_array(&doc->arena, uint16_t, count);
    utf16_from(units, utf8);
    doc_begin_edit(doc);
    doc_insert_units(doc, branch, left, units, count);
    doc->recording = NULL;
    branch->cursor = cursor;
    return true;
}

bool doc_text_delete(struct doc *doc, struct span name, size_t at, size_t count, struct err *err)
{
    struct doc_branch *branch = doc_root(doc, name);
    if (at > branch->length || count > branch->length - at)
        return err_set(err, ERR_INVALID, "positions %zu to %zu, and the text ends at %llu", at,
                       at + count, (unsigned long long)branch->length);
    if (count == 0)
        return true;
    uint64_t snapped;
    const struct doc_item *left = left_of(doc, branch, at, &snapped);
    struct doc_item *cursor = branch->cursor;
    struct doc_item *item = left != NULL ? left->right : branch->start;
    uint64_t rest = count + snapped;
    doc_begin_edit(doc);
    for (; rest > 0 && item != NULL; item = item->right) {
        if (item->is_deleted || !doc_counts(item))
            continue;
        rest += parts_pair(item, rest);
        if (item->len > rest)
            cut(doc, item, rest);
        rest -= item->len;
        doc_delete_now(doc, item);
    }
    doc->recording = NULL;
    branch->cursor = left != NULL && cursor == left ? cursor : NULL;
    doc_drop_garbage(doc);
    return true;
}

bool doc_map_set(struct doc *doc, struct span name, struct span key, struct span any,
                 struct err *err)
{
    struct doc_branch *branch = doc_root(doc, name);
    struct lib0 in = lib0_begin(any);
    if (lib0_any(&in).len == 0 || in.at != in.end)
        return err_set(err, ERR_INVALID, "not one value as lib0 writes it");
    if (!utf8_is(key))
        return err_set(err, ERR_INVALID, "a key that is not UTF-8");
    struct doc_item *item = new_item(doc, branch, trie_get(&branch->map, key), DOC_ANY, 1);
    item->right = NULL;
    item->right_origin = (struct doc_id){.client = DOC_NONE};
    item->has_key = true;
    item->key = arena_copy(&doc->arena, key);
    item->values = arena_array(&doc->arena, struct span, 1);
    item->values[0] = arena_copy(&doc->arena, any);
    doc_integrate(doc, item, 0);
    doc_drop_garbage(doc);
    return true;
}
