/* shoal new, set, rm, restore: what entities are, changed by events of one's own. */
#include <stdio.h>

#include "client/catalog.h"
#include "client/catalog_circle.h"
#include "client/command_pen.h"
#include "client/command_share.h"
#include "client/draft.h"
#include "client/entity.h"
#include "client/replica.h"
#include "client/state.h"
#include "client/type.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/kind.h"
#include "shared/number.h"
#include "shared/text.h"
#include "shared/utf8.h"

/* What is made, or changed. */
static const struct type *type_of(const struct pen_change *change)
{
    return type_find(change->replica != NULL ? entity_state(replica_entity(change->replica))->type
                                             : change->ops[0].key);
}

static bool is_set(void *owner, struct span field)
{
    const struct pen_change *change = owner;
    for (size_t i = 0; i < change->op_count; i++)
        if (change->ops[i].type == OP_SET && span_eq(change->ops[i].key, field))
            return true;
    return false;
}

/* NAME=TEXT, NAME:=JSON, NAME+=TEXT, NAME-=TEXT. */
static bool read_word(struct pen *pen, struct pen_change *change, const char *word, struct err *err)
{
    const char *equals = strchr(word, '=');
    char how = equals != NULL && equals > word ? equals[-1] : '\0';
    bool is_how = how == ':' || how == '+' || how == '-';
    struct span json, key = {word, equals != NULL ? (size_t)(equals - word) - is_how : 0};
    if (key.len == 0 || key.len > OP_KEY_BYTES_MAX || !utf8_is(key))
        return err_set(err, ERR_INVALID,
                       "expected FIELD=TEXT, FIELD:=JSON, SET+=TEXT or SET-=TEXT, got '%.40s'",
                       word);
    if (change->op_count == OP_COUNT_MAX - 1)
        return err_set(err, ERR_INVALID, "over %d changes at once", OP_COUNT_MAX - 1);
    if (!pen_value(pen, &json, command_span(equals + 1), how == ':', err) ||
        (how != '-' && !type_check(type_of(change), key, json, err)))
        return false;
    if (how == '-')
        return pen_remove(pen, change, key, json, err);
    pen_op(pen, change, how == '+' ? OP_ADD : OP_SET, key)->value = json;
    return true;
}

static bool read_count(struct pen *pen, struct pen_change *change, const char *word,
                       struct err *err)
{
    const char *equals = strchr(word, '=');
    struct span key = {word, equals != NULL ? (size_t)(equals - word) : 0};
    int64_t amount;
    if (key.len == 0 || !number_value(&amount, command_span(equals + 1)))
        return err_set(err, ERR_INVALID, "--count: expected COUNTER=NUMBER");
    pen_op(pen, change, OP_INC, key)->amount = amount;
    return true;
}

static bool read_changes(struct pen *pen, struct pen_change *change, struct err *err)
{
    const struct command_call *call = pen->call;
    const char *value;
    size_t place = 0;
    for (size_t i = 1; i < call->word_count; i++)
        if (!read_word(pen, change, call->words[i], err))
            return false;
    while ((value = command_next_value(call, "unset", &place)) != NULL)
        pen_op(pen, change, OP_DEL, command_span(value));
    place = 0;
    while ((value = command_next_value(call, "count", &place)) != NULL)
        if (!read_count(pen, change, value, err))
            return false;
    return true;
}

/* Finishes what was begun well, and reports it. */
static bool end(struct pen *pen, struct pen_change *change, bool ok, struct text *out,
                struct err *err)
{
    struct event event;
    ok = ok && pen_finish(pen, change, &event, err);
    if (ok)
        pen_report(pen, out, pen_root(change, &event), &event.id);
    pen_clear(change);
    return ok;
}

static bool make(struct pen *pen, struct text *out, struct err *err)
{
    struct pen_change change;
    struct span name = command_span(pen->call->words[0]);
    const struct type *type = type_find(name);
    bool is_memory = span_eq(name, SPAN("memory"));
    if (type != NULL && type->made_by != NULL)
        return err_set(err, ERR_INVALID, "a %s is made by shoal %s", type->name, type->made_by);
    bool ok = pen_create(pen, &change, name, err) && read_changes(pen, &change, err) &&
              type_complete(type, is_set, &change, err) &&
              share_change(pen, &change, is_memory ? "self" : "public", err);
    return end(pen, &change, ok, out, err);
}

static bool load(struct pen *pen, struct pen_change *change, struct err *err)
{
    struct bytes32 root;
    *change = (struct pen_change){0};
    return home_resolve(pen->store, &root, pen->call->words[0], err) &&
           pen_load(pen, change, &root, err);
}

static bool change(struct pen *pen, struct text *out, struct err *err)
{
    struct pen_change change;
    bool ok = load(pen, &change, err) && read_changes(pen, &change, err);
    if (ok && change.op_count == 0)
        ok = err_set(err, ERR_INVALID, "nothing to change");
    return end(pen, &change, ok, out, err);
}

/* Asks everybody to forget an event, as this store does. */
static bool take_back(struct pen *pen, struct text *out, const struct catalog_event *it,
                      struct err *err)
{
    struct draft draft = {.kind = KIND_DELETION, .created_at = pen_now()};
    struct event event;
    struct bytes32 *outer;
    size_t outer_count;
    char kind[8];
    if (memcmp(&it->author, pen_me(pen), sizeof it->author) != 0)
        return err_set(err, ERR_RESTRICTED, "it is somebody else's");
    if (!catalog_sealed_in(pen->store, &outer, &outer_count, &pen->arena, &it->id, err))
        return false;
    snprintf(kind, sizeof kind, "%u", outer_count > 0 ? KIND_SEALED_OP : it->kind);
    draft_tag_id(&draft, SPAN("e"), &it->id, SPAN(""));
    for (size_t i = 0; i < outer_count; i++) /* relays know it by what it was sealed in */
        draft_tag_id(&draft, SPAN("e"), &outer[i], SPAN(""));
    draft_tag_pair(&draft, SPAN("k"), command_span(kind));
    if (event_parse(&event, &pen->arena, it->json, NULL) &&
        event_tag_value(&event, SPAN("h")) != NULL) /* who is in the circle finds it by that */
        draft_tag_pair(&draft, SPAN("h"), *event_tag_value(&event, SPAN("h")));
    if (!pen_sign(pen, &event, &draft, err) || !pen_put(pen, &event, err) ||
        !catalog_settle(pen->store, err))
        return false;
    pen_report(pen, out, &event.id, &event.id);
    return true;
}

/* Sets whether it is deleted. */
static bool mark(struct pen *pen, struct text *out, struct span is_deleted, struct err *err)
{
    struct pen_change change;
    bool ok = load(pen, &change, err);
    if (ok)
        pen_op(pen, &change, OP_SET, SPAN(OP_DELETED))->value = is_deleted;
    return end(pen, &change, ok, out, err);
}

static bool erase(struct pen *pen, struct text *out, struct err *err)
{
    struct catalog_events found;
    struct bytes32 id;
    bool is_final = command_value(pen->call, "forget") != NULL;
    if (!home_resolve(pen->store, &id, pen->call->words[0], err) ||
        !catalog_event(pen->store, &found, &pen->arena, &id, err))
        return false;
    if (found.count == 1 && (is_final || !found.at->has_root || found.at->kind == KIND_TALK))
        return take_back(pen, out, found.at, err);
    return mark(pen, out, SPAN("true"), err);
}

static bool restore(struct pen *pen, struct text *out, struct err *err)
{
    return mark(pen, out, SPAN("false"), err);
}

static void describe(struct text *out)
{
    type_describe(out);
    text_add(out, SPAN("\n"));
    share_describe(out);
    text_add(out, SPAN("A memory is for yourself, all else public, where nothing else is said.\n"));
}

static const struct command_option options_new[] = {
    {"count", "COUNTER=N", "begin a counter with N; may be repeated"}, SHARE_OPTIONS, PEN_OPTIONS};

const struct command command_new = {.name = "new",
                                    .words = "TYPE [FIELD=TEXT | FIELD:=JSON | SET+=TEXT]...",
                                    .help = "make a thing of your own: a note, a task, a memory",
                                    .words_min = 1,
                                    .words_max = COMMAND_WORDS_MAX,
                                    .options = options_new,
                                    .option_count = ARRAY_LEN(options_new),
                                    .write = make,
                                    .more = describe};

static const struct command_option options_set[] = {
    {"unset", "FIELD", "take a field away; may be repeated"},
    {"count", "COUNTER=N", "add N to a counter; may be repeated"},
    PEN_OPTIONS};

const struct command command_set = {
    .name = "set",
    .words = "ID|- [FIELD=TEXT | FIELD:=JSON | SET+=TEXT | SET-=TEXT]...",
    .help = "change its fields, sets and counters",
    .words_min = 1,
    .words_max = COMMAND_WORDS_MAX,
    .options = options_set,
    .option_count = ARRAY_LEN(options_set),
    .write = change,
    .lines = COMMAND_LINES_EACH,
    .lines_max = 1};

static const struct command_option options_rm[] = {
    {"forget", NULL, "what this one event says, for good; relays are asked to forget it, too"},
    PEN_OPTIONS};

const struct command command_rm = {
    .name = "rm",
    .words = "ID... | -",
    .help = "delete a thing, which restore undoes, or take back an event",
    .words_min = 1,
    .words_max = COMMAND_WORDS_MAX,
    .options = options_rm,
    .option_count = ARRAY_LEN(options_rm),
    .write = erase,
    .lines = COMMAND_LINES_WORD};

static const struct command_option options_restore[] = {PEN_OPTIONS};

const struct command command_restore = {.name = "restore",
                                        .words = "ID... | -",
                                        .help = "undo its deletion",
                                        .words_min = 1,
                                        .words_max = COMMAND_WORDS_MAX,
                                        .options = options_restore,
                                        .option_count = ARRAY_LEN(options_restore),
                                        .write = restore,
                                        .lines = COMMAND_LINES_WORD};
