/* shoal link: what belongs to what. */
#include "client/command_link.h"

#include "client/catalog_things.h"
#include "client/command_pen.h"
#include "client/entity.h"
#include "client/replica.h"
#include "client/state.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/hex.h"
#include "shared/scan.h"
#include "shared/text.h"

enum { REL_BYTES_MAX = 40, THINGS_MAX = 1000000, SHORT = 4 };

/* ---- shoal link ---- */

static bool is_rel(const char *rel)
{
    size_t len = strspn(rel, "abcdefghijklmnopqrstuvwxyz0123456789-_");
    return len > 0 && len <= REL_BYTES_MAX && rel[len] == '\0';
}

/* As it stands in the set. */
static bool write_value(struct pen *pen, struct span *json, const struct bytes32 *to,
                        struct err *err)
{
    const char *rel = command_value(pen->call, "rel");
    struct text text = {0};
    rel = rel != NULL ? rel : "related";
    if (!is_rel(rel))
        return err_set(err, ERR_INVALID, "--rel: expected a word, as in derived");
    text_addf(&text, "{\"rel\":\"%s\",", rel);
    home_write_hex(&text, "to", to);
    text_add(&text, SPAN("}"));
    bool ok = pen_value(pen, json, text_span(&text), true, err);
    text_clear(&text);
    return ok;
}

static bool write_link(struct pen *pen, struct pen_change *change, const struct bytes32 *to,
                       struct err *err)
{
    struct span json;
    if (!write_value(pen, &json, to, err))
        return false;
    if (command_value(pen->call, "rm") != NULL)
        return pen_remove(pen, change, SPAN("links"), json, err);
    pen_op(pen, change, OP_ADD, SPAN("links"))->value = json;
    return true;
}

static bool link_things(struct pen *pen, struct text *out, struct err *err)
{
    struct pen_change change = {0};
    struct bytes32 from, to;
    struct event event;
    if (!home_resolve(pen->store, &from, pen->call->words[0], err) ||
        !home_resolve(pen->store, &to, pen->call->words[1], err))
        return false;
    bool ok = pen_load(pen, &change, &from, err) && write_link(pen, &change, &to, err) &&
              pen_finish(pen, &change, &event, err);
    if (ok)
        pen_report(pen, out, &from, &event.id);
    pen_clear(&change);
    return ok;
}

/* ---- the other way ---- */

/* rel of {"rel":"derived","to":"..."}, when that is what it says. */
static bool read_value(struct span *rel, struct arena *arena, struct span json,
                       const struct bytes32 *to)
{
    struct scan scan = scan_begin(json);
    struct scan_list list;
    struct span key, value;
    char hex[2 * sizeof to->at];
    bool is_it = false;
    hex_encode(hex, to->at, sizeof to->at);
    *rel = SPAN("");
    if (!scan_object(&scan, &list, NULL))
        return false;
    while (list.more) {
        if (!scan_key(&scan, arena, &key, NULL) || !scan_text(&scan, arena, &value, NULL) ||
            !scan_next(&scan, &list, NULL))
            return false;
        if (span_eq(key, SPAN("rel")))
            *rel = value;
        is_it = is_it || (span_eq(key, SPAN("to")) && span_eq(value, SPAN_OF(hex)));
    }
    return is_it;
}

static void write_one(struct text *out, const struct catalog_thing *thing, struct span rel,
                      bool is_json)
{
    if (!is_json) {
        text_add(out, SPAN("linked from "));
        text_add_hex(out, thing->root.at, SHORT);
        text_add(out, SPAN("  "));
        home_write_words(out, rel, REL_BYTES_MAX);
        text_add(out, SPAN("\n"));
        return;
    }
    text_add(out, out->at[out->len - 1] == '[' ? SPAN("{") : SPAN(",{"));
    home_write_hex(out, "from", &thing->root);
    text_add(out, SPAN(",\"rel\":"));
    text_add_json(out, rel);
    text_add(out, SPAN("}"));
}

/* The links of one thing that lead there. */
static bool write_links(struct store *store, struct text *out, const struct catalog_thing *thing,
                        const struct bytes32 *to, bool is_json, struct err *err)
{
    struct replica *replica;
    struct arena arena = {0};
    struct span rel;
    size_t count;
    if (!catalog_load(store, &replica, &thing->root, home_now(), err))
        return false;
    const struct state_element **links =
        state_elements(entity_state(replica_entity(replica)), &arena, SPAN("links"), &count);
    for (size_t i = 0; i < count; i++)
        if (read_value(&rel, &arena, links[i]->value, to))
            write_one(out, thing, rel, is_json);
    replica_free(replica);
    arena_clear(&arena);
    return true;
}

/* Whether a state may speak of it. */
static bool names(struct span state, const struct bytes32 *id)
{
    char hex[2 * sizeof id->at];
    hex_encode(hex, id->at, sizeof id->at);
    return memmem(state.at, state.len, hex, sizeof hex) != NULL;
}

bool link_write_back(struct store *store, struct text *out, const struct bytes32 *to, bool is_json,
                     struct err *err)
{
    struct arena arena = {0};
    struct catalog_things things;
    const struct catalog_things_call all = {.max = THINGS_MAX};
    bool ok = catalog_things(store, &things, &arena, &all, err);
    text_add(out, is_json ? SPAN("[") : SPAN(""));
    for (size_t i = 0; ok && i < things.count; i++)
        if (names(things.at[i].state, to))
            ok = write_links(store, out, &things.at[i], to, is_json, err);
    text_add(out, is_json ? SPAN("]") : SPAN(""));
    arena_clear(&arena);
    return ok;
}

static const struct command_option options_link[] = {
    {"rel", "WORD", "how: derived, about, part-of, or what you like [related]"},
    {"rm", NULL, "they do not any more"},
    PEN_OPTIONS};

const struct command command_link = {.name = "link",
                                     .words = "ID ID; one may be -",
                                     .help = "say that a thing of yours belongs to another",
                                     .words_min = 2,
                                     .words_max = 2,
                                     .options = options_link,
                                     .option_count = ARRAY_LEN(options_link),
                                     .write = link_things,
                                     .lines = COMMAND_LINES_EACH};
