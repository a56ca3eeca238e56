/* shoal mem save, recall, consolidate: what is to be remembered. */
#include <stdlib.h>

#include "client/catalog_things.h"
#include "client/command_pen.h"
#include "client/command_share.h"
#include "client/entity.h"
#include "client/hlc.h"
#include "client/replica.h"
#include "client/state.h"
#include "client/type.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/scan.h"
#include "shared/text.h"

enum { RECALL_DEFAULT = 20, RECALL_MAX = 100000, CANDIDATES_MAX = 100000, NUMBER_CHARS_MAX = 30 };

/* ---- writing ---- */

static bool set_field(struct pen *pen, struct pen_change *change, struct span key,
                      struct span value, struct err *err)
{
    struct span json;
    bool is_number = span_eq(key, SPAN("strength"));
    if (!pen_value(pen, &json, value, is_number, err) ||
        !type_check(type_find(SPAN("memory")), key, json, err))
        return false;
    pen_op(pen, change, OP_SET, key)->value = json;
    return true;
}

static bool set_option(struct pen *pen, struct pen_change *change, const char *name,
                       const char *preset, struct err *err)
{
    const char *value = command_value(pen->call, name);
    value = value != NULL ? value : preset;
    return value == NULL || set_field(pen, change, command_span(name), command_span(value), err);
}

static bool add_tags(struct pen *pen, struct pen_change *change, struct err *err)
{
    const char *tag;
    struct span json;
    size_t place = 0;
    while ((tag = command_next_value(pen->call, "tag", &place)) != NULL) {
        if (!pen_value(pen, &json, command_span(tag), false, err))
            return false;
        pen_op(pen, change, OP_ADD, SPAN("tags"))->value = json;
    }
    return true;
}

/* A memory of text, begun. */
static bool begin(struct pen *pen, struct pen_change *change, struct span text, const char *kind,
                  struct err *err)
{
    if (!pen_create(pen, change, SPAN("memory"), err))
        return false;
    return set_field(pen, change, SPAN("text"), text, err) &&
           set_option(pen, change, "kind", kind, err) &&
           set_option(pen, change, "strength", NULL, err) &&
           set_option(pen, change, "status", "fresh", err) && add_tags(pen, change, err) &&
           share_change(pen, change, "self", err);
}

static bool save(struct pen *pen, struct text *out, struct err *err)
{
    struct pen_change change = {0};
    struct event event;
    struct span text;
    bool ok = pen_text(pen, &text, 0, err) && begin(pen, &change, text, "semantic", err) &&
              pen_finish(pen, &change, &event, err);
    if (ok)
        pen_report(pen, out, &event.id, &event.id);
    pen_clear(&change);
    return ok;
}

static bool is_memory(const struct replica *replica)
{
    const struct state *state = entity_state(replica_entity(replica));
    return span_eq(state->type, SPAN("memory")) && !state_is_deleted(state);
}

/* Marks one as consolidated. */
static bool mark(struct pen *pen, const struct bytes32 *id, struct event *event, struct err *err)
{
    struct pen_change change = {0};
    bool ok = pen_load(pen, &change, id, err);
    if (ok && !is_memory(change.replica))
        ok = err_set(err, ERR_INVALID, "one of these is no memory");
    ok = ok && set_field(pen, &change, SPAN("status"), SPAN("consolidated"), err) &&
         pen_finish(pen, &change, event, err);
    pen_clear(&change);
    return ok;
}

/* What came of them, linked to each. */
static bool derive(struct pen *pen, const struct bytes32 *ids, size_t count, struct event *event,
                   struct err *err)
{
    struct pen_change change = {0};
    struct span json;
    bool ok = begin(pen, &change, command_span(command_value(pen->call, "into")), "semantic", err);
    for (size_t i = 0; ok && i < count; i++) {
        struct text link = {0};
        text_add(&link, SPAN("{\"rel\":\"derived\","));
        home_write_hex(&link, "to", &ids[i]);
        text_add(&link, SPAN("}"));
        ok = pen_value(pen, &json, text_span(&link), true, err);
        if (ok)
            pen_op(pen, &change, OP_ADD, SPAN("links"))->value = json;
        text_clear(&link);
    }
    ok = ok && pen_finish(pen, &change, event, err);
    pen_clear(&change);
    return ok;
}

static bool consolidate(struct pen *pen, struct text *out, struct err *err)
{
    size_t count = pen->call->word_count;
    struct bytes32 *ids = arena_array(&pen->arena, struct bytes32, count);
    struct event event;
    for (size_t i = 0; i < count; i++)
        if (!home_resolve(pen->store, &ids[i], pen->call->words[i], err) ||
            !mark(pen, &ids[i], &event, err))
            return false;
    bool is_derived = command_value(pen->call, "into") != NULL;
    if (is_derived && !derive(pen, ids, count, &event, err))
        return false;
    pen_report(pen, out, is_derived ? &event.id : &ids[count - 1], &event.id);
    return true;
}

/* ---- shoal mem recall ---- */

struct recall {
    const struct command_call *call;
    struct store *store;
    struct arena arena;
    struct text out;
    double strength_min;
    int64_t left;
};

static struct span value_of(const struct state *state, struct span key)
{
    const struct span *value = state_field_value(state, key);
    return value != NULL ? *value : SPAN("null");
}

/* A string of the state is what the option says, if that is given. */
static bool is_asked(const struct recall *recall, const struct state *state, const char *name)
{
    const char *wanted = command_value(recall->call, name);
    struct span value = value_of(state, command_span(name));
    return wanted == NULL ||
           (value.len == strlen(wanted) + 2 && memcmp(value.at + 1, wanted, strlen(wanted)) == 0);
}

/* What has none counts as half. */
static double strength_of(const struct state *state)
{
    char number[NUMBER_CHARS_MAX + 1] = "0.5";
    struct span value = value_of(state, SPAN("strength"));
    if (value.len <= NUMBER_CHARS_MAX && !span_eq(value, SPAN("null"))) {
        memcpy(number, value.at, value.len);
        number[value.len] = '\0';
    }
    return strtod(number, NULL);
}

static void add_set(struct recall *recall, const struct state *state, const char *name)
{
    size_t count;
    const struct state_element **elements =
        state_elements(state, &recall->arena, command_span(name), &count);
    text_addf(&recall->out, ",\"%s\":[", name);
    for (size_t i = 0; i < count; i++) {
        text_add(&recall->out, i > 0 ? SPAN(",") : SPAN(""));
        text_add(&recall->out, elements[i]->value);
    }
    text_add(&recall->out, SPAN("]"));
}

static void add_json(struct recall *recall, const struct replica *replica, const struct bytes32 *id)
{
    const struct state *state = entity_state(replica_entity(replica));
    static const char *const names[] = {"kind", "strength", "status", "text"};
    text_add(&recall->out, SPAN("{"));
    home_write_hex(&recall->out, "id", id);
    text_add(&recall->out, SPAN(","));
    home_write_hex(&recall->out, "author", replica_author(replica));
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        text_addf(&recall->out, ",\"%s\":", names[i]);
        text_add(&recall->out, value_of(state, command_span(names[i])));
    }
    add_set(recall, state, "tags");
    add_set(recall, state, "links");
    text_add(&recall->out, SPAN("}\n"));
}

/* A string, for people. */
static void add_string(struct recall *recall, const struct state *state, const char *name,
                       size_t max)
{
    struct span value = value_of(state, command_span(name));
    if (value.len < 2 || value.at[0] != '"')
        return;
    struct scan_string string = {{value.at + 1, value.len - 2}, true};
    home_write_words(&recall->out, scan_decode(&recall->arena, string), max);
}

static void add_line(struct recall *recall, const struct state *state, const struct bytes32 *id)
{
    enum { SHORT = 4, WORD_MAX = 20, TEXT_MAX = 2000 };
    text_add_hex(&recall->out, id->at, SHORT);
    text_add(&recall->out, SPAN("  "));
    add_string(recall, state, "kind", WORD_MAX);
    text_addf(&recall->out, "  %.2g  ", strength_of(state));
    add_string(recall, state, "status", WORD_MAX);
    text_add(&recall->out, SPAN("  "));
    add_string(recall, state, "text", TEXT_MAX);
    text_add(&recall->out, SPAN("\n"));
}

static bool show(struct recall *recall, const struct bytes32 *id, struct err *err)
{
    struct replica *replica;
    if (!catalog_load(recall->store, &replica, id, home_now() + HLC_AHEAD_MAX_MS, err))
        return false;
    const struct state *state = entity_state(replica_entity(replica));
    bool is_wanted = replica_author(replica) != NULL && is_memory(replica) &&
                     is_asked(recall, state, "kind") && is_asked(recall, state, "status") &&
                     strength_of(state) >= recall->strength_min;
    if (is_wanted) {
        recall->left--;
        if (recall->call->is_json)
            add_json(recall, replica, id);
        else
            add_line(recall, state, id);
    }
    replica_free(replica);
    return true;
}

/* With words the best come first, without any what was changed last. */
static bool find(struct recall *recall, struct err *err)
{
    struct catalog_finds finds = {0};
    struct catalog_things things = {0};
    struct text words = {0};
    const struct catalog_things_call all = {.type = SPAN("memory"), .max = CANDIDATES_MAX};
    for (size_t i = 0; i < recall->call->word_count; i++)
        text_addf(&words, "%s ", recall->call->words[i]);
    bool ok = words.len > 0 ? catalog_find(recall->store, &finds, &recall->arena, text_span(&words),
                                           CANDIDATES_MAX, err)
                            : catalog_things(recall->store, &things, &recall->arena, &all, err);
    text_clear(&words);
    for (size_t i = 0; ok && i < finds.count && recall->left > 0; i++)
        ok = !span_eq(finds.at[i].type, SPAN("memory")) || show(recall, &finds.at[i].id, err);
    for (size_t i = 0; ok && i < things.count && recall->left > 0; i++)
        ok = show(recall, &things.at[i].root, err);
    return ok;
}

static bool read_limits(struct recall *recall, struct err *err)
{
    const char *strength = command_value(recall->call, "min-strength");
    char *end = NULL;
    recall->strength_min = strength != NULL ? strtod(strength, &end) : 0;
    if (strength != NULL && (end == strength || *end != '\0'))
        return err_set(err, ERR_INVALID, "--min-strength: expected a number from 0 to 1");
    return command_read_number(recall->call, "limit", RECALL_DEFAULT, RECALL_MAX, &recall->left,
                               err);
}

static bool recall(struct store *store, struct text *out, const struct command_call *call,
                   struct err *err)
{
    struct recall recall = {.call = call, .store = store};
    bool ok = read_limits(&recall, err) && find(&recall, err);
    text_add(out, text_span(&recall.out));
    text_clear(&recall.out);
    arena_clear(&recall.arena);
    return ok;
}

static enum command_status run_recall(struct command_call *call)
{
    struct err err;
    return read_limits(&(struct recall){.call = call}, &err) ? home_look(call, recall)
                                                             : command_misuse(call, "%s", err.text);
}

#define OPTION_KIND                                                       \
    {                                                                     \
        "kind", "KIND", "which kind; shoal new --help has all [semantic]" \
    }
#define OPTION_STRENGTH                                      \
    {                                                        \
        "strength", "NUMBER", "from 0, forgotten soon, to 1" \
    }
static void describe(struct text *out)
{
    share_describe(out);
    text_add(out, SPAN("Memories are for yourself where nothing else is said.\n"));
}

static const struct command_option options_save[] = {
    OPTION_KIND,
    OPTION_STRENGTH,
    {"status", "STATUS", "fresh|consolidated|faded [fresh]"},
    {"tag", "WORD", "to find it by; may be repeated"},
    SHARE_OPTIONS,
    PEN_OPTIONS};

const struct command command_mem_save = {.name = "mem save",
                                         .words = "TEXT... | -",
                                         .help = "remember something",
                                         .words_min = 1,
                                         .words_max = COMMAND_WORDS_MAX,
                                         .options = options_save,
                                         .option_count = ARRAY_LEN(options_save),
                                         .write = save,
                                         .more = describe};

static const struct command_option options_consolidate[] = {
    {"into", "TEXT", "what came of them: a new memory, linked to each"},
    OPTION_KIND,
    OPTION_STRENGTH,
    {"tag", "WORD", "of the new one; may be repeated"},
    SHARE_OPTIONS,
    PEN_OPTIONS};

const struct command command_mem_consolidate = {.name = "mem consolidate",
                                                .words = "ID... | -",
                                                .help = "mark memories as consolidated",
                                                .words_min = 1,
                                                .words_max = COMMAND_WORDS_MAX,
                                                .options = options_consolidate,
                                                .option_count = ARRAY_LEN(options_consolidate),
                                                .write = consolidate,
                                                .more = describe,
                                                .lines = COMMAND_LINES_ALL};

static const struct command_option options_recall[] = {
    {"kind", "KIND", "of this kind alone"},
    {"status", "STATUS", "fresh|consolidated|faded"},
    {"min-strength", "NUMBER", "this strong, or stronger"},
    {"limit", "N", "at most so many [20]"},
    HOME_OPTION,
    COMMAND_OPTION_JSON};

const struct command command_mem_recall = {.name = "mem recall",
                                           .words = "[WORD...]",
                                           .help = "find memories that hold all of the words",
                                           .words_max = COMMAND_WORDS_MAX,
                                           .options = options_recall,
                                           .option_count = ARRAY_LEN(options_recall),
                                           .run = run_recall,
                                           .look = recall};
