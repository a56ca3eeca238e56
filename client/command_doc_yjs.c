/* shoal doc undo, redo, apply, export: one's last edits, and the text as Yjs has it. */
#include <sodium.h>

#include "client/catalog.h"
#include "client/command_pen.h"
#include "client/doc.h"
#include "client/hlc.h"
#include "client/pen_text.h"
#include "client/replica.h"
#include "client/terminal.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/text.h"

enum { INPUT_BYTES_MAX = 2 * DOC_UPDATE_BYTES_MAX }; /* in base64, and what stands around it */

/* ---- writing ---- */

typedef bool doc_fn(struct pen *pen, struct pen_change *change, struct event *event,
                    struct err *err);

static bool write_text(struct pen *pen, struct text *out, doc_fn *write, struct err *err)
{
    struct pen_change change = {0};
    struct bytes32 root;
    struct event event;
    bool ok = home_resolve(pen->store, &root, pen->call->words[0], err) &&
              pen_load(pen, &change, &root, err) && write(pen, &change, &event, err);
    if (ok)
        pen_report(pen, out, &root, &event.id);
    pen_clear(&change);
    return ok;
}

static bool undo_edit(struct pen *pen, struct pen_change *change, struct event *event,
                      struct err *err)
{
    return pen_text_undo(pen, change, DOC_UNDO, event, err);
}

static bool redo_edit(struct pen *pen, struct pen_change *change, struct event *event,
                      struct err *err)
{
    return pen_text_undo(pen, change, DOC_REDO, event, err);
}

static bool decode(struct span *bytes, struct arena *arena, struct err *err)
{
    size_t len;
    uint8_t *out = arena_alloc(arena, bytes->len + 1);
    if (sodium_base642bin(out, bytes->len, bytes->at, bytes->len, " \n", &len, NULL,
                          sodium_base64_VARIANT_ORIGINAL) != 0)
        return err_set(err, ERR_INVALID, "it is not base64");
    *bytes = (struct span){(const char *)out, len};
    return true;
}

static bool apply_update(struct pen *pen, struct pen_change *change, struct event *event,
                         struct err *err)
{
    const struct home_file file = {pen->call, pen->call->words[1], INPUT_BYTES_MAX};
    struct span bytes;
    return home_read_file(&bytes, &pen->arena, &file, err) &&
           (command_value(pen->call, "base64") == NULL || decode(&bytes, &pen->arena, err)) &&
           pen_text_apply(pen, change, bytes, event, err);
}

static bool undo(struct pen *pen, struct text *out, struct err *err)
{
    return write_text(pen, out, undo_edit, err);
}

static bool redo(struct pen *pen, struct text *out, struct err *err)
{
    return write_text(pen, out, redo_edit, err);
}

static bool apply(struct pen *pen, struct text *out, struct err *err)
{
    return write_text(pen, out, apply_update, err);
}

/* ---- shoal doc export ---- */

/* What the document has that the state vector of --since lacks. */
static bool find_update(struct text *update, const struct command_call *call,
                        const struct replica *replica, struct err *err)
{
    const struct home_file since = {call, command_value(call, "since"), INPUT_BYTES_MAX};
    struct arena arena = {0};
    struct span vector = SPAN("");
    struct doc *doc = replica_doc(replica), *empty = doc_new(0);
    bool ok = (since.path == NULL || home_read_file(&vector, &arena, &since, err)) &&
              doc_diff(doc != NULL ? doc : empty, update, vector, err);
    doc_free(empty);
    arena_clear(&arena);
    return ok;
}

static void add_base64(struct text *out, struct span bytes)
{
    size_t chars = sodium_base64_encoded_len(bytes.len, sodium_base64_VARIANT_ORIGINAL);
    sodium_bin2base64(text_reserve(out, chars), chars, (const uint8_t *)bytes.at, bytes.len,
                      sodium_base64_VARIANT_ORIGINAL);
    out->len += chars - 1; /* less the NUL */
}

/* A pipe gets bytes, a terminal never. */
static void write_update(struct text *out, struct span update, const struct bytes32 *root,
                         const struct command_call *call)
{
    if (command_value(call, "json") != NULL) {
        text_add(out, SPAN("{"));
        home_write_hex(out, "id", root);
        text_add(out, SPAN(",\"update\":\""));
        add_base64(out, update);
        text_add(out, SPAN("\"}\n"));
    } else if (command_value(call, "base64") != NULL || terminal_shows_text()) {
        add_base64(out, update);
        text_add(out, SPAN("\n"));
    } else {
        text_add(out, update);
    }
}

static bool export_update(struct store *store, struct text *out, const struct command_call *call,
                          struct err *err)
{
    struct replica *replica;
    struct text update = {0};
    struct bytes32 root;
    if (!home_resolve(store, &root, call->words[0], err) ||
        !catalog_load(store, &replica, &root, home_now() + HLC_AHEAD_MAX_MS, err))
        return false;
    bool ok =
        (replica_author(replica) != NULL || err_set(err, ERR_INVALID, "it is no entity here")) &&
        find_update(&update, call, replica, err);
    if (ok)
        write_update(out, text_span(&update), &root, call);
    text_clear(&update);
    replica_free(replica);
    return ok;
}

static const struct command_option options_undo[] = {PEN_OPTIONS};

const struct command command_doc_undo = {
    .name = "doc undo",
    .words = "ID|-",
    .help = "take back your last edit of its text on this device; what others wrote stays",
    .words_min = 1,
    .words_max = 1,
    .options = options_undo,
    .option_count = ARRAY_LEN(options_undo),
    .write = undo,
    .lines = COMMAND_LINES_EACH,
    .lines_max = 1};

const struct command command_doc_redo = {.name = "doc redo",
                                         .words = "ID|-",
                                         .help = "make it again, if you wrote nothing since",
                                         .words_min = 1,
                                         .words_max = 1,
                                         .options = options_undo,
                                         .option_count = ARRAY_LEN(options_undo),
                                         .write = redo,
                                         .lines = COMMAND_LINES_EACH,
                                         .lines_max = 1};

static const struct command_option options_apply[] = {{"base64", NULL, "it is written in base64"},
                                                      PEN_OPTIONS};

static void describe_apply(struct text *out)
{
    text_add(out, SPAN("An update of version 1, as Y.encodeStateAsUpdate makes it, of a document\n"
                       "whose getText(\"text\") is the text. What of it is new here is published;\n"
                       "it may be written by one clientID, that nobody else has here.\n"));
}

const struct command command_doc_apply = {.name = "doc apply",
                                          .words = "ID FILE|-",
                                          .help = "publish what an editor that speaks Yjs wrote",
                                          .words_min = 2,
                                          .words_max = 2,
                                          .options = options_apply,
                                          .option_count = ARRAY_LEN(options_apply),
                                          .write = apply,
                                          .more = describe_apply};

static const struct command_option options_export[] = {
    {"since", "FILE", "only what this state vector lacks, as Y.encodeStateVector makes it"},
    {"base64", NULL, "not as bytes, which a terminal never gets"},
    HOME_OPTION,
    COMMAND_OPTION_JSON};

const struct command command_doc_export = {.name = "doc export",
                                           .words = "ID",
                                           .help = "its text as an update of Yjs, version 1",
                                           .words_min = 1,
                                           .words_max = 1,
                                           .options = options_export,
                                           .option_count = ARRAY_LEN(options_export),
                                           .look = export_update};
