/* shoal new, set, rm, restore: what entities are, changed by events of one's own. */
#include <sodium.h>
#include <stdio.h>

#include "client/canon.h"
#include "client/catalog.h"
#include "client/command_home.h"
#include "client/draft.h"
#include "client/entity.h"
#include "client/hlc.h"
#include "client/keys.h"
#include "client/node.h"
#include "client/op.h"
#include "client/replica.h"
#include "client/state.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/hex.h"
#include "shared/kind.h"
#include "shared/number.h"
#include "shared/scan.h"
#include "shared/text.h"
#include "shared/utf8.h"

/* One event on its way. */
struct writing {
    const struct command_call *call;
    struct store *store;
    struct keys *keys;
    struct replica *replica; /* of what is changed; NULL for what is new */
    struct arena arena;
    struct node node;
    struct bytes32 parents[NODE_PARENTS_MAX];
    struct op *ops;
    size_t op_count;
};

static struct op *add_op(struct writing *writing, enum op_type type, struct span key)
{
    writing->ops = arena_grow(&writing->arena, struct op, writing->ops, writing->op_count);
    struct op *op = &writing->ops[writing->op_count++];
    *op = (struct op){.type = type, .key = key};
    return op;
}

/* As canonical JSON: is_json, or a string. */
static bool read_value(struct span *json, struct writing *writing, struct span value, bool is_json,
                       struct err *err)
{
    struct text out = {0};
    if (!utf8_is(value))
        return err_set(err, ERR_INVALID, "a value that is not UTF-8");
    if (!is_json) {
        text_add_json(&out, value);
        value = arena_copy(&writing->arena, text_span(&out));
        text_clear(&out);
    }
    struct scan scan = scan_begin(value);
    scan.subject = SPAN("value");
    return canon_scan(json, &writing->arena, &scan, err) && scan_end(&scan, err);
}

/* Takes out of a set all that says so, of what is seen here. */
static bool remove_value(struct writing *writing, struct span key, struct span json,
                         struct err *err)
{
    size_t count = 0, tag_count = 0;
    const struct state *state =
        writing->replica != NULL ? entity_state(replica_entity(writing->replica)) : NULL;
    const struct state_element **elements =
        state != NULL ? state_elements(state, &writing->arena, key, &count) : NULL;
    struct op_tag *tags = arena_array(&writing->arena, struct op_tag, count + 1);
    for (size_t i = 0; i < count; i++)
        if (span_eq(elements[i]->value, json))
            tags[tag_count++] = (struct op_tag){elements[i]->event, elements[i]->index};
    if (tag_count == 0 || tag_count > OP_TAGS_MAX)
        return err_set(err, ERR_INVALID, "%.*s is not in %.*s", SPAN_ARG(json), SPAN_ARG(key));
    struct op *op = add_op(writing, OP_REM, key);
    op->tags = tags;
    op->tag_count = (uint32_t)tag_count;
    return true;
}

/* NAME=TEXT, NAME:=JSON, NAME+=TEXT, NAME-=TEXT. */
static bool read_word(struct writing *writing, const char *word, struct err *err)
{
    const char *equals = strchr(word, '=');
    char how = equals != NULL && equals > word ? equals[-1] : '\0';
    bool is_how = how == ':' || how == '+' || how == '-';
    struct span json, key = {word, equals != NULL ? (size_t)(equals - word) - is_how : 0};
    if (key.len == 0 || key.len > OP_KEY_BYTES_MAX || !utf8_is(key))
        return err_set(err, ERR_INVALID,
                       "expected FIELD=TEXT, FIELD:=JSON, SET+=TEXT or SET-=TEXT, got '%.40s'",
                       word);
    if (writing->op_count == OP_COUNT_MAX - 1)
        return err_set(err, ERR_INVALID, "over %d changes at once", OP_COUNT_MAX - 1);
    if (!read_value(&json, writing, command_span(equals + 1), how == ':', err))
        return false;
    if (how == '-')
        return remove_value(writing, key, json, err);
    add_op(writing, how == '+' ? OP_ADD : OP_SET, key)->value = json;
    return true;
}

static bool read_count(struct writing *writing, const char *word, struct err *err)
{
    const char *equals = strchr(word, '=');
    struct span key = {word, equals != NULL ? (size_t)(equals - word) : 0};
    int64_t amount;
    if (key.len == 0 || !number_value(&amount, command_span(equals + 1)))
        return err_set(err, ERR_INVALID, "--count: expected COUNTER=NUMBER");
    add_op(writing, OP_INC, key)->amount = amount;
    return true;
}

static bool read_changes(struct writing *writing, size_t first, struct err *err)
{
    const struct command_call *call = writing->call;
    const char *value;
    size_t place = 0;
    for (size_t i = first; i < call->word_count; i++)
        if (!read_word(writing, call->words[i], err))
            return false;
    while ((value = command_next_value(call, "unset", &place)) != NULL)
        add_op(writing, OP_DEL, command_span(value));
    place = 0;
    while ((value = command_next_value(call, "count", &place)) != NULL)
        if (!read_count(writing, value, err))
            return false;
    return true;
}

/* Ends with draft. */
static void sign(struct writing *writing, struct event *event, struct draft *draft)
{
    struct bytes32 aux;
    randombytes_buf(&aux, sizeof aux);
    draft_finish(draft, event, &writing->arena);
    keys_sign(writing->keys, event, &aux);
    draft_clear(draft);
}

static void sign_ops(struct writing *writing, struct event *event)
{
    struct draft draft = {.kind = KIND_OP};
    node_draft(&writing->node, &draft);
    text_add(&draft.content, SPAN("["));
    for (size_t i = 0; i < writing->op_count; i++) {
        text_add(&draft.content, i > 0 ? SPAN(",") : SPAN(""));
        op_write(&draft.content, &writing->ops[i]);
    }
    text_add(&draft.content, SPAN("]"));
    sign(writing, event, &draft);
}

static bool put(struct writing *writing, const struct event *event, size_t *relay_count,
                struct err *err)
{
    enum store_verdict verdict;
    struct span *relays;
    return home_relays(writing->store, &relays, relay_count, &writing->arena, writing->call, err) &&
           store_put(writing->store, &verdict, event, relays, *relay_count, err);
}

/* What every change ends with: the next of this device, signed, kept and queued. */
static bool finish(struct writing *writing, struct event *event, size_t *relay_count,
                   struct err *err)
{
    struct op_list ops;
    struct node *node = &writing->node;
    node->has_writer = true;
    node->device = store_device(writing->store);
    if (!catalog_seq(writing->store, &node->seq, keys_pubkey(writing->keys), err))
        return false;
    node->seq++;
    sign_ops(writing, event);
    return op_parse(&ops, &writing->arena, event, err) && /* as everybody else will read it */
           put(writing, event, relay_count, err);
}

static enum command_status report(const struct writing *writing, const struct event *event,
                                  size_t relay_count)
{
    struct text out = {0};
    const struct command_call *call = writing->call;
    const struct bytes32 *root = writing->replica != NULL ? &writing->node.root : &event->id;
    if (call->is_json) {
        text_add(&out, SPAN("{"));
        home_write_hex(&out, "id", root);
        text_add(&out, SPAN(","));
        home_write_hex(&out, "event", &event->id);
        text_addf(&out, ",\"queued\":%zu%s}", relay_count,
                  command_value(call, "dry-run") != NULL ? ",\"dry_run\":true" : "");
    } else {
        text_add_hex(&out, root->at, sizeof root->at);
    }
    text_add(&out, SPAN("\n"));
    return command_print(call, &out);
}

static bool make(struct writing *writing, struct event *event, size_t *relay_count, struct err *err)
{
    add_op(writing, OP_CREATE, command_span(writing->call->words[0]));
    return read_changes(writing, 1, err) && hlc_next(&writing->node.hlc, 0, home_now(), err) &&
           finish(writing, event, relay_count, err);
}

/* Finds what is to be changed, and whose it is. */
static bool load(struct writing *writing, struct err *err)
{
    struct bytes32 root;
    uint64_t now_ms = home_now();
    if (!home_resolve(writing->store, &root, writing->call->words[0], err) ||
        !catalog_load(writing->store, &writing->replica, &root, now_ms + HLC_AHEAD_MAX_MS, err))
        return false;
    const struct bytes32 *author = replica_author(writing->replica);
    if (author == NULL)
        return err_set(err, ERR_INVALID, "no entity here is called %.64s", writing->call->words[0]);
    if (memcmp(author, keys_pubkey(writing->keys), sizeof *author) != 0)
        return err_set(err, ERR_RESTRICTED, "it is somebody else's");
    return entity_next(replica_entity(writing->replica), &writing->node, writing->parents, now_ms,
                       err);
}

static bool change(struct writing *writing, struct event *event, size_t *relay_count,
                   struct err *err)
{
    if (!load(writing, err) || !read_changes(writing, 1, err))
        return false;
    if (writing->op_count == 0)
        return err_set(err, ERR_INVALID, "nothing to change");
    return finish(writing, event, relay_count, err);
}

/* Asks everybody to forget an event, as this store does. */
static bool take_back(struct writing *writing, struct event *event, const struct catalog_event *it,
                      size_t *relay_count, struct err *err)
{
    struct draft draft = {.kind = KIND_DELETION, .created_at = (int64_t)(home_now() / 1000)};
    char kind[8];
    if (memcmp(&it->author, keys_pubkey(writing->keys), sizeof it->author) != 0)
        return err_set(err, ERR_RESTRICTED, "it is somebody else's");
    snprintf(kind, sizeof kind, "%u", it->kind);
    draft_tag_id(&draft, SPAN("e"), &it->id, SPAN(""));
    draft_tag_pair(&draft, SPAN("k"), command_span(kind));
    sign(writing, event, &draft);
    return put(writing, event, relay_count, err) && catalog_settle(writing->store, err);
}

static bool erase(struct writing *writing, struct event *event, size_t *relay_count,
                  struct err *err)
{
    struct catalog_events found;
    struct bytes32 id;
    bool is_final = command_value(writing->call, "forget") != NULL;
    if (!home_resolve(writing->store, &id, writing->call->words[0], err) ||
        !catalog_event(writing->store, &found, &writing->arena, &id, err))
        return false;
    if (found.count == 1 && (is_final || !found.at->has_root))
        return take_back(writing, event, found.at, relay_count, err);
    if (!load(writing, err))
        return false;
    add_op(writing, OP_SET, SPAN(OP_DELETED))->value = SPAN("true");
    return finish(writing, event, relay_count, err);
}

static bool restore(struct writing *writing, struct event *event, size_t *relay_count,
                    struct err *err)
{
    if (!load(writing, err))
        return false;
    add_op(writing, OP_SET, SPAN(OP_DELETED))->value = SPAN("false");
    return finish(writing, event, relay_count, err);
}

typedef bool write_fn(struct writing *writing, struct event *event, size_t *relay_count,
                      struct err *err);

/* Reading, deciding and writing are one transaction. */
static enum command_status run(struct command_call *call, write_fn *write)
{
    struct writing writing = {.call = call};
    struct event event;
    struct err err;
    size_t relay_count;
    enum command_status status;
    writing.keys = command_keys(call, &status);
    if (writing.keys != NULL)
        writing.store = home_open(call, &status);
    if (writing.store != NULL) {
        bool ok = store_begin(writing.store, &err) && write(&writing, &event, &relay_count, &err) &&
                  home_commit(writing.store, call, &err);
        status = ok ? report(&writing, &event, relay_count) : command_fail(call, &err);
    }
    replica_free(writing.replica);
    store_close(writing.store);
    keys_free(writing.keys);
    arena_clear(&writing.arena);
    return status;
}

static enum command_status run_new(struct command_call *call)
{
    return run(call, make);
}

static enum command_status run_set(struct command_call *call)
{
    return run(call, change);
}

static enum command_status run_rm(struct command_call *call)
{
    return run(call, erase);
}

static enum command_status run_restore(struct command_call *call)
{
    return run(call, restore);
}

#define OPTIONS_WRITE                                                        \
    HOME_OPTION_RELAY, HOME_OPTION_DRY_RUN, HOME_OPTION, COMMAND_OPTION_KEY, \
        COMMAND_OPTION_PASSWORD, COMMAND_OPTION_JSON

static const struct command_option options_new[] = {
    {"count", "COUNTER=N", "begin a counter with N; may be repeated"}, OPTIONS_WRITE};

const struct command command_new = {.name = "new",
                                    .words = "TYPE [FIELD=TEXT | FIELD:=JSON | SET+=TEXT]...",
                                    .help = "make a thing of your own: a note, a task, a memory",
                                    .words_min = 1,
                                    .words_max = COMMAND_WORDS_MAX,
                                    .options = options_new,
                                    .option_count = ARRAY_LEN(options_new),
                                    .run = run_new};

static const struct command_option options_set[] = {
    {"unset", "FIELD", "take a field away; may be repeated"},
    {"count", "COUNTER=N", "add N to a counter; may be repeated"},
    OPTIONS_WRITE};

const struct command command_set = {.name = "set",
                                    .words =
                                        "ID [FIELD=TEXT | FIELD:=JSON | SET+=TEXT | SET-=TEXT]...",
                                    .help = "change its fields, sets and counters",
                                    .words_min = 1,
                                    .words_max = COMMAND_WORDS_MAX,
                                    .options = options_set,
                                    .option_count = ARRAY_LEN(options_set),
                                    .run = run_set};

static const struct command_option options_rm[] = {
    {"forget", NULL, "what this one event says, for good; relays are asked to forget it, too"},
    OPTIONS_WRITE};

const struct command command_rm = {
    .name = "rm",
    .words = "ID",
    .help = "delete a thing, which restore undoes, or take back an event",
    .words_min = 1,
    .words_max = 1,
    .options = options_rm,
    .option_count = ARRAY_LEN(options_rm),
    .run = run_rm};

static const struct command_option options_restore[] = {OPTIONS_WRITE};

const struct command command_restore = {.name = "restore",
                                        .words = "ID",
                                        .help = "undo its deletion",
                                        .words_min = 1,
                                        .words_max = 1,
                                        .options = options_restore,
                                        .option_count = ARRAY_LEN(options_restore),
                                        .run = run_restore};
