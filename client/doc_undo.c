#include "client/doc.h"
#include "client/doc_parts.h"

/* Deletes what is left of a range. */
static void delete_range(struct doc *doc, struct doc_range range)
{
    const struct doc_writer *writer = doc_writer_of(doc, range.id.client);
    uint64_t end = range.id.clock + range.len;
    doc_clean_start(doc, range.id);
    doc_clean_end(doc, (struct doc_id){range.id.client, end - 1});
    for (size_t i = doc_find(writer, range.id.clock); i < writer->count; i++) {
        struct doc_item *item = writer->items[i];
        if (item->id.clock >= end)
            break;
        if (item->id.clock >= range.id.clock && !item->is_deleted)
            doc_delete_now(doc, item);
    }
}

/* What of a range was put there again under other ids; false when nothing. */
static bool find_again(const struct doc_again *again, struct doc_range range, struct doc_range *out)
{
    uint64_t begin = range.id.clock, end = begin + range.len;
    uint64_t was = again->was.id.clock, was_end = was + again->was.len;
    if (again->was.id.client != range.id.client || was >= end || was_end <= begin)
        return false;
    uint64_t from = was > begin ? was : begin, to = was_end < end ? was_end : end;
    *out = (struct doc_range){{again->is.client, again->is.clock + (from - was)}, to - from};
    return true;
}

/* The range, and all that it has become: what is put there again may be deleted and put there again
 * once more, and is later in the list of those. */
static void delete_all(struct doc *doc, struct doc_range range)
{
    struct doc_range *ranges = arena_grow(&doc->arena, struct doc_range, NULL, 0);
    size_t count = 0;
    ranges[count++] = range;
    for (size_t i = 0; i < count; i++) {
        delete_range(doc, ranges[i]);
        for (size_t j = 0; j < doc->again_count; j++) {
            struct doc_range found;
            if (!find_again(&doc->again[j], ranges[i], &found))
                continue;
            ranges = arena_grow(&doc->arena, struct doc_range, ranges, count);
            ranges[count++] = found;
        }
    }
}

/* Puts text behind the gap that it left; nothing when the list itself is gone. */
static void fill_gap(struct doc *doc, struct doc_item *gap, uint16_t *units)
{
    if (gap->content == DOC_GC)
        return;
    doc->again = arena_grow(&doc->arena, struct doc_again, doc->again, doc->again_count);
    doc->again[doc->again_count++] =
        (struct doc_again){{gap->id, gap->len}, {doc->client, doc_clock(doc, doc->client)}};
    doc_insert_units(doc, gap->parent, gap, units, gap->len);
}

/* The gap may be in several parts by now, with what others wrote in between. */
static void insert_again(struct doc *doc, struct doc_range range, uint16_t *units)
{
    uint64_t end = range.id.clock + range.len;
    doc_clean_start(doc, range.id);
    doc_clean_end(doc, (struct doc_id){range.id.client, end - 1});
    for (uint64_t clock = range.id.clock; clock < end;) {
        struct doc_item *gap = doc_item_at(doc, (struct doc_id){range.id.client, clock});
        uint64_t next = gap->id.clock + gap->len;
        fill_gap(doc, gap, units + (clock - range.id.clock));
        clock = next;
    }
}

/* Moves the first edit of one list away; what is done in its place goes into the other. */
static struct doc_edit *take(struct doc *doc, struct doc_edit **from, struct doc_edit **to)
{
    struct doc_edit *edit = *from;
    *from = edit->next;
    doc->recording = arena_alloc(&doc->arena, sizeof *doc->recording);
    *doc->recording = (struct doc_edit){.next = *to};
    *to = doc->recording;
    return edit;
}

/* Takes edits back until something has changed. How many; 0: nothing would. */
static size_t take_back(struct doc *doc, struct doc_edit **from, struct doc_edit **to)
{
    bool has_changed = false;
    size_t count = 0;
    while (*from != NULL && !has_changed) {
        const struct doc_edit *edit = take(doc, from, to);
        for (size_t i = 0; i < edit->inserted_count; i++)
            delete_all(doc, edit->inserted[i]);
        for (size_t i = 0; i < edit->deleted_count; i++)
            insert_again(doc, edit->deleted[i], edit->deleted_units[i]);
        has_changed = doc->recording->inserted_count + doc->recording->deleted_count > 0;
        count++;
    }
    doc->recording = NULL;
    doc_drop_garbage(doc);
    return has_changed ? count : 0;
}

size_t doc_undo(struct doc *doc)
{
    return take_back(doc, &doc->undo, &doc->redo);
}

size_t doc_redo(struct doc *doc)
{
    return take_back(doc, &doc->redo, &doc->undo);
}

/* What an edit deleted was put there again from a clock on, unless some of its lists are gone. */
static void note_again(struct doc *doc, const struct doc_edit *edit, uint64_t from, uint64_t to)
{
    uint64_t len = 0;
    for (size_t i = 0; i < edit->deleted_count; i++)
        len += edit->deleted[i].len;
    if (len != to - from)
        return;
    for (size_t i = 0; i < edit->deleted_count; from += edit->deleted[i++].len) {
        doc->again = arena_grow(&doc->arena, struct doc_again, doc->again, doc->again_count);
        doc->again[doc->again_count++] = (struct doc_again){edit->deleted[i], {doc->client, from}};
    }
}

bool doc_replay(struct doc *doc, struct span update, enum doc_step step, size_t count,
                struct err *err)
{
    struct doc_edit **from = step == DOC_UNDO ? &doc->undo : &doc->redo;
    struct doc_edit **to = step == DOC_UNDO ? &doc->redo : &doc->undo;
    uint64_t begin, end;
    if (!doc_is_by(update, doc->client, &begin, &end, err))
        return false;
    if (step == DOC_EDIT || *from == NULL) {
        doc_begin_edit(doc);
    } else {
        const struct doc_edit *edit = take(doc, from, to);
        for (; count > 1 && *from != NULL; count--)
            edit = take(doc, from, to);
        note_again(doc, edit, begin, end);
    }
    struct doc_edit *edit = doc->recording;
    if (end > begin) {
        edit->inserted = arena_grow(&doc->arena, struct doc_range, NULL, 0);
        edit->inserted[edit->inserted_count++] =
            (struct doc_range){{doc->client, begin}, end - begin};
    }
    bool ok = doc_apply(doc, update, DOC_VALID, err);
    doc->recording = NULL;
    return ok;
}
