/* shoal show, find: what the store knows. */
#include <stdlib.h>

#include "client/catalog_past.h"
#include "client/command_home.h"
#include "client/command_link.h"
#include "client/doc.h"
#include "client/entity.h"
#include "client/hlc.h"
#include "client/inbox.h"
#include "client/replica.h"
#include "client/state.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/scan.h"
#include "shared/text.h"

enum { FIND_MAX = 1000000, FIND_DEFAULT = 20, WORDS_MAX = 60, VALUE_MAX = 2000 };

/* A value as people read it: a string without its quotes. */
static void add_value(struct text *out, const char *name, size_t name_len, struct span json)
{
    struct arena arena = {0};
    bool is_string = json.len > 1 && json.at[0] == '"';
    text_addf(out, "%-12.*s", (int)name_len, name);
    home_write_words(
        out,
        is_string ? scan_decode(&arena, (struct scan_string){{json.at + 1, json.len - 2}, true})
                  : json,
        VALUE_MAX);
    text_add(out, SPAN("\n"));
    arena_clear(&arena);
}

static void add_hex(struct text *out, const char *name, const struct bytes32 *value)
{
    text_addf(out, "%-12s", name);
    text_add_hex(out, value->at, sizeof value->at);
    text_add(out, SPAN("\n"));
}

static void show_text(struct text *out, const struct replica *replica, const struct bytes32 *root)
{
    const struct state *state = entity_state(replica_entity(replica));
    add_hex(out, "id", root);
    add_hex(out, "author", replica_author(replica));
    add_value(out, "type", 4, state->type);
    if (state_is_deleted(state)) {
        text_add(out, SPAN("deleted     shoal restore undoes it\n"));
        return;
    }
    for (const struct trie_node *leaf = state->fields.first; leaf != NULL; leaf = leaf->next) {
        const struct span *value = state_field_value(state, leaf->key);
        if (value != NULL && leaf->key.at[0] != '_')
            add_value(out, leaf->key.at, leaf->key.len, *value);
    }
    for (const struct trie_node *leaf = state->counters.first; leaf != NULL; leaf = leaf->next)
        text_addf(out, "%-12.*s%lld\n", SPAN_ARG(leaf->key), (long long)*(int64_t *)leaf->value);
    struct arena arena = {0};
    size_t count;
    const struct state_element **elements = state_all_elements(state, &arena, &count);
    for (size_t i = 0; i < count; i++)
        if (elements[i]->key.at[0] != '_')
            add_value(out, elements[i]->key.at, elements[i]->key.len, elements[i]->value);
    arena_clear(&arena);
}

static void show_json(struct text *out, const struct replica *replica, const struct bytes32 *root,
                      struct span prose, struct span links)
{
    const struct entity *entity = replica_entity(replica);
    struct bytes32 hash = state_hash(entity_state(entity));
    text_add(out, SPAN("{"));
    home_write_hex(out, "id", root);
    text_add(out, SPAN(","));
    home_write_hex(out, "author", replica_author(replica));
    text_add(out, SPAN(",\"hlc\":\""));
    hlc_write(out, entity_hlc(entity));
    text_addf(out, "\",\"events\":%zu,\"waiting\":%zu,", entity_applied_count(entity),
              entity_waiting_count(entity));
    home_write_hex(out, "hash", &hash);
    text_add(out, SPAN(",\"state\":"));
    state_write(entity_state(entity), out, false);
    if (prose.len > 0) {
        text_add(out, SPAN(",\"text\":"));
        text_add_json(out, prose);
    }
    if (links.len > 2) {
        text_add(out, SPAN(",\"linked_from\":"));
        text_add(out, links);
    }
    text_add(out, SPAN("}\n"));
}

static enum command_status show_entity(const struct command_call *call, struct store *store,
                                       const struct replica *replica, const struct bytes32 *root)
{
    struct text out = {0}, prose = {0}, links = {0};
    struct err err;
    if (!link_write_back(store, &links, root, call->is_json, &err)) {
        text_clear(&links);
        return command_fail(call, &err);
    }
    struct doc *doc = replica_doc(replica);
    bool is_deleted = state_is_deleted(entity_state(replica_entity(replica)));
    if (doc != NULL && !is_deleted)
        doc_text(doc, &prose, SPAN(REPLICA_TEXT));
    if (call->is_json) {
        show_json(&out, replica, root, text_span(&prose), text_span(&links));
    } else {
        text_add(&out, call->turn > 0 ? SPAN("\n") : SPAN(""));
        show_text(&out, replica, root);
        text_add(&out, text_span(&links));
        for (size_t i = 0; i < prose.len; i++) /* lines stay, other control characters do not */
            text_add(&out, prose.at[i] == '\n' || (unsigned char)prose.at[i] >= ' '
                               ? (struct span){&prose.at[i], 1}
                               : SPAN(" "));
        text_add(&out, prose.len > 0 ? SPAN("\n") : SPAN(""));
    }
    text_clear(&prose);
    text_clear(&links);
    return command_print(call, &out);
}

/* What is no entity: the event itself. */
static enum command_status show_event(const struct command_call *call, struct store *store,
                                      const struct bytes32 *id)
{
    struct arena arena = {0};
    struct text out = {0};
    struct span json;
    struct err err;
    bool ok = store_get(store, &json, &arena, id, &err);
    if (ok && json.len == 0)
        ok = err_set(&err, ERR_INVALID, "it is not in the store");
    text_add(&out, ok ? json : SPAN(""));
    text_add(&out, SPAN("\n"));
    arena_clear(&arena);
    if (ok)
        return command_print(call, &out);
    text_clear(&out);
    return command_fail(call, &err);
}

static enum command_status run_show(struct command_call *call)
{
    struct bytes32 id;
    struct err err;
    enum command_status status;
    struct replica *replica = NULL;
    uint64_t cut;
    struct store *store = home_open(call, &status);
    if (store == NULL)
        return status;
    bool ok = home_cut(store, &cut, call, "at", &err) &&
              home_resolve(store, &id, call->words[0], &err) &&
              catalog_load_at(store, &replica, &id, cut, &err);
    if (!ok)
        status = command_fail(call, &err);
    else if (replica_author(replica) == NULL)
        status = show_event(call, store, &id);
    else if (entity_applied_count(replica_entity(replica)) == 0)
        status = command_fail(call, &(struct err){ERR_INVALID, "it was not there at that time"});
    else
        status = show_entity(call, store, replica, &id);
    replica_free(replica);
    store_close(store);
    return status;
}

static void add_find(struct text *out, const struct command_call *call,
                     const struct catalog_find *find)
{
    enum { SHORT = 4 };
    if (!call->is_json) {
        text_add_hex(out, find->id.at, SHORT);
        text_add(out, SPAN("  "));
        if (find->type.len > 0)
            home_write_words(out, find->type, WORDS_MAX);
        else
            text_addf(out, "kind %u", find->kind);
        text_add(out, SPAN("  "));
        home_write_words(out, find->excerpt, VALUE_MAX);
        text_add(out, SPAN("\n"));
        return;
    }
    text_add(out, SPAN("{"));
    home_write_hex(out, "id", &find->id);
    text_add(out, SPAN(","));
    home_write_hex(out, "author", &find->author);
    text_addf(out, ",\"kind\":%u", find->kind);
    if (find->type.len > 0) {
        text_add(out, SPAN(",\"type\":"));
        text_add_json(out, find->type);
    }
    text_add(out, SPAN(",\"excerpt\":"));
    text_add_json(out, find->excerpt);
    text_add(out, SPAN("}\n"));
}

/* What is nearer to the words comes first; to equals what is public. */
static void add_finds(struct text *out, const struct command_call *call,
                      const struct catalog_finds *public, const struct catalog_finds *private,
                      size_t max)
{
    size_t i = 0, j = 0;
    while (i + j < max && (i < public->count || j < private->count)) {
        bool is_public =
            j == private->count || (i < public->count && public->at[i].rank <= private->at[j].rank);
        add_find(out, call, is_public ? &public->at[i++] : &private->at[j++]);
    }
}

static bool find(struct store *store, struct text *out, const struct command_call *call,
                 struct err *err)
{
    struct arena arena = {0};
    struct catalog_finds finds, messages;
    struct text words = {0};
    int64_t max = 0;
    for (size_t i = 0; i < call->word_count; i++)
        text_addf(&words, "%s ", call->words[i]);
    bool ok = command_read_number(call, "limit", FIND_DEFAULT, FIND_MAX, &max, err) &&
              catalog_find(store, &finds, &arena, text_span(&words), (size_t)max, err) &&
              inbox_find(store, &messages, &arena, text_span(&words), (size_t)max, err);
    if (ok)
        add_finds(out, call, &finds, &messages, (size_t)max);
    text_clear(&words);
    arena_clear(&arena);
    return ok;
}

static enum command_status run_find(struct command_call *call)
{
    int64_t max;
    return command_number(call, "limit", FIND_DEFAULT, FIND_MAX, &max) ? home_look(call, find)
                                                                       : COMMAND_USAGE;
}

static const struct command_option options_show[] = {HOME_OPTION_AT, HOME_OPTION,
                                                     COMMAND_OPTION_JSON};

const struct command command_show = {.name = "show",
                                     .words = "ID... | -",
                                     .help = "say what is known of a thing, or write an event",
                                     .words_min = 1,
                                     .words_max = COMMAND_WORDS_MAX,
                                     .options = options_show,
                                     .option_count = ARRAY_LEN(options_show),
                                     .run = run_show,
                                     .lines = COMMAND_LINES_WORD};

static const struct command_option options_find[] = {
    {"limit", "N", "at most so many [20]"}, HOME_OPTION, COMMAND_OPTION_JSON};

const struct command command_find = {
    .name = "find",
    .words = "WORD... | -",
    .help = "find what holds all of the words, messages that were opened, too",
    .words_min = 1,
    .words_max = COMMAND_WORDS_MAX,
    .options = options_find,
    .option_count = ARRAY_LEN(options_find),
    .run = run_find,
    .look = find,
    .lines = COMMAND_LINES_EACH};
