/* shoal unit save, lineage: knowledge, and what it was derived from. */
#include "client/catalog.h"
#include "client/command_share.h"
#include "client/draft.h"
#include "client/graph.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/hex.h"
#include "shared/kind.h"
#include "shared/scan.h"
#include "shared/text.h"
#include "shared/utf8.h"

enum { PARENTS_MAX = 50, NODES_MAX = 1000, MARKER = 3 };

/* ---- shoal unit save ---- */

static bool add_parents(struct pen *pen, struct draft *draft, struct err *err)
{
    const char *word;
    struct bytes32 id;
    size_t place = 0, count = 0;
    while ((word = command_next_value(pen->call, "from", &place)) != NULL) {
        if (++count > PARENTS_MAX)
            return err_set(err, ERR_INVALID, "derived from over %d", PARENTS_MAX);
        if (!home_resolve(pen->store, &id, word, err))
            return false;
        draft_tag_id(draft, SPAN("e"), &id, SPAN("derived"));
    }
    return true;
}

static bool add_words(struct pen *pen, struct draft *draft, const char *option, struct span tag,
                      struct err *err)
{
    const char *word;
    size_t place = 0;
    while ((word = command_next_value(pen->call, option, &place)) != NULL) {
        if (!utf8_is(command_span(word)))
            return err_set(err, ERR_INVALID, "--%s: a text that is not UTF-8", option);
        draft_tag_pair(draft, tag, command_span(word));
    }
    return true;
}

static bool save(struct pen *pen, struct text *out, struct err *err)
{
    struct draft draft = {.kind = KIND_KNOWLEDGE, .created_at = pen_now()};
    struct event event;
    struct span text;
    if (!pen_text(pen, &text, 0, err) || !add_parents(pen, &draft, err) ||
        !add_words(pen, &draft, "title", SPAN("title"), err) ||
        !add_words(pen, &draft, "tag", SPAN("t"), err)) {
        draft_clear(&draft);
        return false;
    }
    text_add(&draft.content, text);
    if (!share_put(pen, &event, &draft, "public", err))
        return false;
    pen_report(pen, out, &event.id, &event.id);
    return true;
}

/* ---- shoal unit lineage ---- */

struct unit {
    struct bytes32 id;
    struct event event;
    bool is_here;
    struct bytes32 *parents;
    size_t parent_count, waiting; /* children not drawn yet */
};

struct lineage {
    const struct command_call *call;
    struct store *store;
    struct arena arena;
    struct unit *units; /* room for NODES_MAX */
    size_t count;
    struct text out;
};

static bool is_same(const struct bytes32 *a, const struct bytes32 *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

static struct unit *find(struct lineage *lineage, const struct bytes32 *id)
{
    for (size_t i = 0; i < lineage->count; i++)
        if (is_same(&lineage->units[i].id, id))
            return &lineage->units[i];
    return NULL;
}

static void read_parents(struct unit *unit, struct arena *arena)
{
    unit->parents = arena_array(arena, struct bytes32, unit->event.tag_count + 1);
    for (uint32_t i = 0; i < unit->event.tag_count; i++) {
        const struct tag *tag = &unit->event.tags[i];
        struct bytes32 *parent = &unit->parents[unit->parent_count];
        bool is_new = tag->count > MARKER && span_eq(tag->items[0], SPAN("e")) &&
                      span_eq(tag->items[MARKER], SPAN("derived")) &&
                      hex_decode(parent->at, sizeof parent->at, tag->items[1]);
        for (size_t j = 0; is_new && j < unit->parent_count; j++)
            is_new = !is_same(&unit->parents[j], parent);
        unit->parent_count += is_new;
    }
}

static bool add_unit(struct lineage *lineage, const struct bytes32 *id, struct err *err)
{
    struct catalog_events found;
    if (find(lineage, id) != NULL || lineage->count == NODES_MAX)
        return true;
    if (!catalog_event(lineage->store, &found, &lineage->arena, id, err))
        return false;
    struct unit *unit = &lineage->units[lineage->count++];
    *unit = (struct unit){.id = *id};
    unit->is_here =
        found.count == 1 && event_parse(&unit->event, &lineage->arena, found.at->json, NULL);
    if (unit->is_here)
        read_parents(unit, &lineage->arena);
    return true;
}

static void draw(struct lineage *lineage, const struct unit *unit)
{
    enum { SHORT = 4, WORDS_MAX = 60 };
    struct text *out = &lineage->out;
    text_add_hex(out, unit->id.at, SHORT);
    if (!unit->is_here) {
        text_add(out, SPAN("  (not here)\n"));
        return;
    }
    const struct span *title = event_tag_value(&unit->event, SPAN("title"));
    text_add(out, SPAN("  "));
    home_write_time(out, unit->event.created_at);
    text_add(out, SPAN("  "));
    text_add_hex(out, unit->event.pubkey.at, SHORT);
    text_add(out, SPAN("  "));
    struct scan_string content = {unit->event.content_json, true};
    home_write_words(out, title != NULL ? *title : scan_decode(&lineage->arena, content),
                     WORDS_MAX);
    text_add(out, SPAN("\n"));
}

static void write_json(struct lineage *lineage, const struct unit *unit)
{
    struct text *out = &lineage->out;
    text_add(out, SPAN("{"));
    home_write_hex(out, "id", &unit->id);
    text_addf(out, ",\"here\":%s,\"parents\":[", unit->is_here ? "true" : "false");
    for (size_t i = 0; i < unit->parent_count; i++) {
        text_add(out, i > 0 ? SPAN(",\"") : SPAN("\""));
        text_add_hex(out, unit->parents[i].at, sizeof unit->parents[i].at);
        text_add(out, SPAN("\""));
    }
    text_add(out, SPAN("]}\n"));
}

/* What nothing that is left was derived from comes next. */
static struct unit *next(struct lineage *lineage, const bool *is_done)
{
    for (size_t i = 0; i < lineage->count; i++)
        if (!is_done[i] && lineage->units[i].waiting == 0)
            return &lineage->units[i];
    return NULL;
}

/* Ids are hashes, so that nothing can be derived from itself. */
static void write_all(struct lineage *lineage)
{
    struct graph graph = {0};
    struct unit *unit;
    bool *is_done = arena_array(&lineage->arena, bool, lineage->count);
    for (size_t i = 0; i < lineage->count; i++)
        for (size_t j = 0; j < lineage->units[i].parent_count; j++) {
            unit = find(lineage, &lineage->units[i].parents[j]);
            if (unit != NULL)
                unit->waiting++;
        }
    while ((unit = next(lineage, is_done)) != NULL) {
        is_done[unit - lineage->units] = true;
        if (lineage->call->is_json) {
            write_json(lineage, unit);
        } else {
            graph_row(&graph, &lineage->out, &unit->id);
            draw(lineage, unit);
            graph_links(&graph, &lineage->out, &unit->id, unit->parents, unit->parent_count);
        }
        for (size_t i = 0; i < unit->parent_count; i++) {
            struct unit *parent = find(lineage, &unit->parents[i]);
            if (parent != NULL)
                parent->waiting--;
        }
    }
    graph_clear(&graph);
}

static bool trace(struct lineage *lineage, struct err *err)
{
    struct bytes32 id;
    lineage->units = arena_array(&lineage->arena, struct unit, NODES_MAX);
    if (!home_resolve(lineage->store, &id, lineage->call->words[0], err) ||
        !add_unit(lineage, &id, err))
        return false;
    if (!lineage->units[0].is_here)
        return err_set(err, ERR_INVALID, "it is not in the store");
    for (size_t i = 0; i < lineage->count; i++)
        for (size_t j = 0; j < lineage->units[i].parent_count; j++)
            if (!add_unit(lineage, &lineage->units[i].parents[j], err))
                return false;
    write_all(lineage);
    return true;
}

static enum command_status run_lineage(struct command_call *call)
{
    struct lineage lineage = {.call = call};
    struct err err;
    enum command_status status;
    lineage.store = home_open(call, &status);
    if (lineage.store == NULL)
        return status;
    status = trace(&lineage, &err) ? command_print(call, &lineage.out) : command_fail(call, &err);
    text_clear(&lineage.out);
    arena_clear(&lineage.arena);
    store_close(lineage.store);
    return status;
}

static const struct command_option options_save[] = {
    {"from", "ID", "what it was derived from; may be repeated"},
    {"title", "TEXT", "in a few words"},
    {"tag", "WORD", "to find it by; may be repeated"},
    SHARE_OPTIONS,
    PEN_OPTIONS};

const struct command command_unit_save = {.name = "unit save",
                                          .words = "TEXT... | -",
                                          .help = "state a piece of knowledge",
                                          .words_min = 1,
                                          .words_max = COMMAND_WORDS_MAX,
                                          .options = options_save,
                                          .option_count = ARRAY_LEN(options_save),
                                          .write = save,
                                          .more = share_describe};

static const struct command_option options_lineage[] = {HOME_OPTION, COMMAND_OPTION_JSON};

const struct command command_unit_lineage = {.name = "unit lineage",
                                             .words = "ID... | -",
                                             .help = "draw what it was derived from, and that from",
                                             .words_min = 1,
                                             .words_max = COMMAND_WORDS_MAX,
                                             .options = options_lineage,
                                             .option_count = ARRAY_LEN(options_lineage),
                                             .run = run_lineage,
                                             .lines = COMMAND_LINES_WORD};
