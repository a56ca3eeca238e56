/* shoal list: what a thing has in an order, which several may change at the same time. */
#include "client/catalog_past.h"
#include "client/command_pen.h"
#include "client/entity.h"
#include "client/op.h"
#include "client/replica.h"
#include "client/roll.h"
#include "client/state.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/number.h"
#include "shared/scan.h"
#include "shared/text.h"
#include "shared/utf8.h"

enum { VALUE_BYTES_MAX = 2000 };

/* ---- places, which people count from 1 ---- */

static bool read_place(size_t *at, const char *word, struct err *err)
{
    int64_t number;
    if (!number_value(&number, command_span(word)) || number < 1 || number > UINT32_MAX)
        return err_set(err, ERR_INVALID, "expected a place in the list, from 1, got '%.40s'", word);
    *at = (size_t)number - 1;
    return true;
}

static bool read_name(struct span *key, const char *word, struct err *err)
{
    *key = command_span(word);
    return (key->len > 0 && key->len <= OP_KEY_BYTES_MAX && utf8_is(*key)) ||
           err_set(err, ERR_INVALID, "the name of a list is 1 to %d bytes of UTF-8",
                   OP_KEY_BYTES_MAX);
}

/* ---- writing ---- */

typedef bool list_fn(struct pen *pen, struct roll *list, struct err *err);

static bool write_change(struct pen *pen, struct text *out, list_fn *write, struct err *err)
{
    struct pen_change change = {0};
    struct bytes32 root;
    struct event event;
    struct span key;
    bool ok = read_name(&key, pen->call->words[1], err) &&
              home_resolve(pen->store, &root, pen->call->words[0], err) &&
              pen_load(pen, &change, &root, err) && write(pen, pen_list(pen, &change, key), err) &&
              pen_finish(pen, &change, &event, err);
    if (ok)
        pen_report(pen, out, &root, &event.id);
    pen_clear(&change);
    return ok;
}

static bool insert_words(struct pen *pen, struct roll *list, struct err *err)
{
    const char *place = command_value(pen->call, "at");
    size_t at = list->count;
    struct span text, json;
    return (place == NULL || read_place(&at, place, err)) && pen_text(pen, &text, 2, err) &&
           pen_value(pen, &json, text, command_value(pen->call, "value") != NULL, err) &&
           roll_insert(list, at, json, err);
}

static bool move_place(struct pen *pen, struct roll *list, struct err *err)
{
    size_t from, to;
    return read_place(&from, pen->call->words[2], err) &&
           read_place(&to, pen->call->words[3], err) && roll_move(list, from, to, err);
}

static bool remove_place(struct pen *pen, struct roll *list, struct err *err)
{
    size_t at;
    return read_place(&at, pen->call->words[2], err) && roll_remove(list, at, err);
}

static bool insert(struct pen *pen, struct text *out, struct err *err)
{
    return write_change(pen, out, insert_words, err);
}

static bool move(struct pen *pen, struct text *out, struct err *err)
{
    return write_change(pen, out, move_place, err);
}

static bool erase(struct pen *pen, struct text *out, struct err *err)
{
    return write_change(pen, out, remove_place, err);
}

/* ---- looking ---- */

static void add_item(struct text *out, size_t place, struct span json, bool is_json)
{
    struct arena arena = {0};
    bool is_string = json.len > 1 && json.at[0] == '"';
    if (is_json) {
        text_addf(out, "{\"place\":%zu,\"value\":", place);
        text_add(out, json);
        text_add(out, SPAN("}"));
    } else {
        text_addf(out, "%5zu  ", place);
        if (is_string)
            json = scan_decode(&arena, (struct scan_string){{json.at + 1, json.len - 2}, true});
        home_write_words(out, json, VALUE_BYTES_MAX);
    }
    text_add(out, SPAN("\n"));
    arena_clear(&arena);
}

static void add_items(struct text *out, const struct replica *replica, struct span key,
                      bool is_json)
{
    struct arena arena = {0};
    size_t count, place = 0;
    const struct state *state = entity_state(replica_entity(replica));
    const struct state_element **items = state_elements(state, &arena, key, &count);
    for (size_t i = 0; i < count && !state_is_deleted(state); i++)
        if (items[i]->position.value.len > 0)
            add_item(out, ++place, items[i]->value, is_json);
    arena_clear(&arena);
}

static bool show(struct store *store, struct text *out, const struct command_call *call,
                 struct err *err)
{
    struct replica *replica;
    struct bytes32 root;
    struct span key;
    if (!read_name(&key, call->words[1], err) || !home_resolve(store, &root, call->words[0], err) ||
        !home_replica(store, &replica, &root, call, "at", err))
        return false;
    add_items(out, replica, key, call->is_json);
    replica_free(replica);
    return true;
}

static const struct command_option options_insert[] = {
    {"at", "PLACE", "the place that it has then, from 1 [the last]"},
    {"value", NULL, "what is said is a JSON value, not a text"},
    PEN_OPTIONS};

const struct command command_list_insert = {.name = "list insert",
                                            .words = "ID LIST [TEXT... | -]",
                                            .help = "put something into a list of a thing",
                                            .words_min = 3,
                                            .words_max = COMMAND_WORDS_MAX,
                                            .options = options_insert,
                                            .option_count = ARRAY_LEN(options_insert),
                                            .write = insert};

static const struct command_option options_change[] = {PEN_OPTIONS};

const struct command command_list_move = {
    .name = "list move",
    .words = "ID LIST FROM TO",
    .help = "move it to another place; where two do so at the same time, one counts",
    .words_min = 4,
    .words_max = 4,
    .options = options_change,
    .option_count = ARRAY_LEN(options_change),
    .write = move};

const struct command command_list_rm = {.name = "list rm",
                                        .words = "ID LIST PLACE",
                                        .help = "take it out of the list",
                                        .words_min = 3,
                                        .words_max = 3,
                                        .options = options_change,
                                        .option_count = ARRAY_LEN(options_change),
                                        .write = erase};

static const struct command_option options_show[] = {HOME_OPTION_AT, HOME_OPTION,
                                                     COMMAND_OPTION_JSON};

const struct command command_list_show = {.name = "list show",
                                          .words = "ID|- LIST",
                                          .help = "what is in it, and at which place",
                                          .words_min = 2,
                                          .words_max = 2,
                                          .options = options_show,
                                          .option_count = ARRAY_LEN(options_show),
                                          .look = show,
                                          .lines = COMMAND_LINES_EACH,
                                          .lines_max = 1};
