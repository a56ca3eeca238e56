/* shoal doc edit: the text of a thing. */
#include "client/command_doc.h"

#include "client/catalog.h"
#include "client/command_editor.h"
#include "client/command_pen.h"
#include "client/diff.h"
#include "client/doc.h"
#include "client/pen_text.h"
#include "client/replica.h"
#include "client/utf16.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/text.h"

struct span doc_text_of(const struct replica *replica, struct arena *arena)
{
    struct text out = {0};
    if (replica_doc(replica) != NULL)
        doc_text(replica_doc(replica), &out, SPAN(REPLICA_TEXT));
    struct span text = arena_copy(arena, text_span(&out));
    text_clear(&out);
    return text;
}

/* ---- shoal doc edit ---- */

static bool is_inside(struct span text, size_t at)
{
    return at < text.len && ((unsigned char)text.at[at] & 0xc0) == 0x80;
}

/* Less what both begin and end with, by whole characters. Returns how much the beginning was. */
static size_t trim(struct span *from, struct span *to)
{
    size_t shorter = from->len < to->len ? from->len : to->len, begin = 0, end = 0;
    while (begin < shorter && from->at[begin] == to->at[begin])
        begin++;
    while (begin > 0 && (is_inside(*from, begin) || is_inside(*to, begin)))
        begin--;
    while (end < shorter - begin && from->at[from->len - end - 1] == to->at[to->len - end - 1])
        end++;
    while (end > 0 && (is_inside(*from, from->len - end) || is_inside(*to, to->len - end)))
        end--;
    *from = (struct span){from->at + begin, from->len - begin - end};
    *to = (struct span){to->at + begin, to->len - begin - end};
    return begin;
}

/* Some lines as one text, in that of which they are part. */
static struct span join(const struct diff_text *text, struct span whole, size_t first, size_t count)
{
    if (count == 0)
        return first < text->count ? (struct span){text->lines[first].at, 0}
                                   : (struct span){whole.at + whole.len, 0};
    const struct span *last = &text->lines[first + count - 1];
    return (struct span){text->lines[first].at,
                         (size_t)(last->at + last->len - text->lines[first].at)};
}

/* From the last change to the first, so that places before stay where they are. */
static bool apply(struct doc *doc, struct arena *arena, struct span from, struct span to,
                  struct err *err)
{
    size_t count;
    struct diff_text a = diff_split(arena, from), b = diff_split(arena, to);
    struct diff_hunk *hunks = diff_compare(&count, arena, &a, &b);
    while (count-- > 0) {
        struct span gone = join(&a, from, hunks[count].from, hunks[count].from_count);
        struct span came = join(&b, to, hunks[count].to, hunks[count].to_count);
        size_t at = (size_t)(gone.at - from.at);
        at += trim(&gone, &came);
        size_t units = utf16_count((struct span){from.at, at});
        if (gone.len > 0 &&
            !doc_text_delete(doc, SPAN(REPLICA_TEXT), units, utf16_count(gone), err))
            return false;
        if (came.len > 0 && !doc_text_insert(doc, SPAN(REPLICA_TEXT), units, came, err))
            return false;
    }
    return true;
}

/* What makes one text of the other. */
static bool write_difference(struct pen *pen, struct pen_change *change, struct span from,
                             struct span to, struct event *event, struct err *err)
{
    struct doc *doc = pen_text_open(pen, change, err);
    bool ok = doc != NULL && apply(doc, &pen->arena, from, to, err) &&
              pen_text_write(pen, change, doc, event, err);
    doc_free(doc);
    return ok;
}

/* Nobody waits while somebody types: the transaction ends, and what was begun goes on only when
 * this device wrote nothing else meanwhile. */
static bool ask_editor(struct pen *pen, struct span *text, struct err *err)
{
    uint64_t before, after;
    if (!catalog_seq(pen->store, &before, pen_me(pen), err))
        return false;
    store_rollback(pen->store);
    if (!editor_run(text, &pen->arena, err) || !store_begin(pen->store, err) ||
        !catalog_seq(pen->store, &after, pen_me(pen), err))
        return false;
    return before == after ||
           err_set(err, ERR_INTERNAL, "another command wrote meanwhile: nothing was changed");
}

static bool write_text(struct pen *pen, struct pen_change *change, struct event *event,
                       struct err *err)
{
    struct span from = doc_text_of(change->replica, &pen->arena), to = from;
    bool ok = pen->call->word_count > 1 ? pen_text(pen, &to, 1, err) : ask_editor(pen, &to, err);
    if (ok && span_eq(from, to))
        ok = err_set(err, ERR_INVALID, "nothing was changed");
    return ok && write_difference(pen, change, from, to, event, err);
}

static bool edit(struct pen *pen, struct text *out, struct err *err)
{
    struct pen_change change = {0};
    struct bytes32 root;
    struct event event;
    bool ok = home_resolve(pen->store, &root, pen->call->words[0], err) &&
              pen_load(pen, &change, &root, err) && write_text(pen, &change, &event, err);
    if (ok)
        pen_report(pen, out, &root, &event.id);
    pen_clear(&change);
    return ok;
}

static const struct command_option options_edit[] = {PEN_OPTIONS};

const struct command command_doc_edit = {
    .name = "doc edit",
    .words = "ID [TEXT... | -]",
    .help = "write the text of a thing: in $EDITOR, or as it is said; others may, meanwhile",
    .words_min = 1,
    .words_max = COMMAND_WORDS_MAX,
    .options = options_edit,
    .option_count = ARRAY_LEN(options_edit),
    .write = edit};
