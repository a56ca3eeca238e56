/* shoal diff, blame: how a thing came to be what it is. */
#include "client/catalog_past.h"
#include "client/command_doc.h"
#include "client/command_home.h"
#include "client/diff.h"
#include "client/entity.h"
#include "client/replica.h"
#include "client/state.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/text.h"

enum { VALUE_MAX = 2000, SHORT = 4 };

struct looking {
    const struct command_call *call;
    struct store *store;
    struct arena arena;
    struct bytes32 root;
    struct text out;
};

/* As it was by an option. */
static bool load(const struct looking *looking, struct replica **replica, const char *option,
                 struct err *err)
{
    return home_replica(looking->store, replica, &looking->root, looking->call, option, err);
}

/* What was said of a thing by one event; a line of its text has no event here. */
struct fact {
    const char *what; /* field, set, list, text */
    struct span name, value;
    const struct bytes32 *event;
};

typedef void fact_fn(struct looking *looking, const struct fact *fact);

static void each_fact(struct looking *looking, const struct replica *replica, fact_fn *fn)
{
    const struct state *state = entity_state(replica_entity(replica));
    for (const struct trie_node *leaf = state->fields.first; leaf != NULL; leaf = leaf->next) {
        const struct state_field *field = leaf->value;
        if (field->value.len > 0)
            fn(looking, &(struct fact){"field", leaf->key, field->value, &field->stamp.id});
    }
    for (const struct trie_node *leaf = state->elements.first; leaf != NULL; leaf = leaf->next) {
        const struct state_element *element = leaf->value;
        const char *what = element->position.value.len > 0 ? "list" : "set";
        if (element->is_added && !element->is_removed)
            fn(looking, &(struct fact){what, element->key, element->value, &element->event});
    }
}

/* ---- shoal blame ---- */

static void add_blame(struct looking *looking, const struct fact *fact)
{
    struct text *out = &looking->out;
    struct catalog_events found;
    const struct catalog_event *event = NULL;
    if (catalog_event(looking->store, &found, &looking->arena, fact->event, NULL) &&
        found.count > 0)
        event = &found.at[0];
    if (looking->call->is_json) {
        text_add(out, SPAN("{"));
        home_write_hex(out, "event", fact->event);
        if (event != NULL) {
            text_add(out, SPAN(","));
            home_write_hex(out, "author", &event->author);
            text_addf(out, ",\"created_at\":%lld", (long long)event->created_at);
        }
        text_addf(out, ",\"%s\":", fact->what);
        text_add_json(out, fact->name);
        text_add(out, SPAN(",\"value\":"));
        text_add(out, fact->value);
        text_add(out, SPAN("}\n"));
        return;
    }
    text_add_hex(out, fact->event->at, SHORT);
    text_add(out, SPAN("  "));
    home_write_time(out, event != NULL ? event->created_at : 0);
    text_add(out, SPAN("  "));
    if (event != NULL)
        text_add_hex(out, event->author.at, SHORT);
    text_addf(out, "  %-12.*s", SPAN_ARG(fact->name));
    home_write_words(out, fact->value, VALUE_MAX);
    text_add(out, SPAN("\n"));
}

static bool blame(struct looking *looking, struct err *err)
{
    struct replica *replica;
    if (!load(looking, &replica, "at", err))
        return false;
    each_fact(looking, replica, add_blame);
    replica_free(replica);
    return true;
}

/* ---- shoal diff ---- */

/* One line for each of the facts and for each counter, then the text: what is compared. */
static void add_fact(struct looking *looking, const struct fact *fact)
{
    struct text *out = &looking->out;
    text_addf(out, "{\"%s\":", fact->what);
    text_add_json(out, fact->name);
    text_add(out, SPAN(",\"value\":"));
    text_add(out, fact->value);
    text_add(out, SPAN("}\n"));
}

static void add_lines(struct looking *looking, struct span prose)
{
    struct diff_text lines = diff_split(&looking->arena, prose);
    for (size_t i = 0; i < lines.count; i++) {
        struct span line = lines.lines[i];
        line.len -= line.at[line.len - 1] == '\n';
        text_add(&looking->out, SPAN("{\"text\":"));
        text_add_json(&looking->out, line);
        text_add(&looking->out, SPAN("}\n"));
    }
}

static bool describe(struct looking *looking, struct span *facts, const char *option,
                     struct err *err)
{
    struct replica *replica;
    if (!load(looking, &replica, option, err))
        return false;
    const struct state *state = entity_state(replica_entity(replica));
    each_fact(looking, replica, add_fact);
    for (const struct trie_node *leaf = state->counters.first; leaf != NULL; leaf = leaf->next) {
        text_add(&looking->out, SPAN("{\"counter\":"));
        text_add_json(&looking->out, leaf->key);
        text_addf(&looking->out, ",\"value\":%lld}\n", (long long)*(const uint64_t *)leaf->value);
    }
    add_lines(looking, doc_text_of(replica, &looking->arena));
    *facts = arena_copy(&looking->arena, text_span(&looking->out));
    looking->out.len = 0;
    replica_free(replica);
    return true;
}

static void add_change(struct looking *looking, char mark, struct span fact)
{
    struct text *out = &looking->out;
    if (looking->call->is_json) {
        text_addf(out, "{\"op\":\"%c\",", mark);
        text_add(out, (struct span){fact.at + 1, fact.len - 1});
        return;
    }
    text_addf(out, "%c ", mark);
    home_write_words(out, (struct span){fact.at, fact.len - 1}, VALUE_MAX);
    text_add(out, SPAN("\n"));
}

static bool diff(struct looking *looking, struct err *err)
{
    struct span facts[2];
    size_t count;
    if (!describe(looking, &facts[0], "from", err) || !describe(looking, &facts[1], "to", err))
        return false;
    struct diff_text a = diff_split(&looking->arena, facts[0]);
    struct diff_text b = diff_split(&looking->arena, facts[1]);
    const struct diff_hunk *hunks = diff_compare(&count, &looking->arena, &a, &b);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < hunks[i].from_count; j++)
            add_change(looking, '-', a.lines[hunks[i].from + j]);
        for (size_t j = 0; j < hunks[i].to_count; j++)
            add_change(looking, '+', b.lines[hunks[i].to + j]);
    }
    return true;
}

/* ---- the table ---- */

static bool look(struct looking *looking, struct text *out, struct err *err,
                 bool (*way)(struct looking *looking, struct err *err))
{
    bool ok = home_resolve(looking->store, &looking->root, looking->call->words[0], err) &&
              way(looking, err);
    text_add(out, text_span(&looking->out));
    text_clear(&looking->out);
    arena_clear(&looking->arena);
    return ok;
}

static bool look_blame(struct store *store, struct text *out, const struct command_call *call,
                       struct err *err)
{
    return look(&(struct looking){.call = call, .store = store}, out, err, blame);
}

static bool look_diff(struct store *store, struct text *out, const struct command_call *call,
                      struct err *err)
{
    return look(&(struct looking){.call = call, .store = store}, out, err, diff);
}

static enum command_status run_diff(struct command_call *call)
{
    return command_value(call, "from") != NULL
               ? home_look(call, look_diff)
               : command_misuse(call, "expected --from: what is it to be compared with?");
}

static const struct command_option options_blame[] = {HOME_OPTION_AT, HOME_OPTION,
                                                      COMMAND_OPTION_JSON};

const struct command command_blame = {.name = "blame",
                                      .words = "ID|-",
                                      .help = "who wrote each value of a thing (doc blame: lines)",
                                      .words_min = 1,
                                      .words_max = 1,
                                      .options = options_blame,
                                      .option_count = ARRAY_LEN(options_blame),
                                      .look = look_blame,
                                      .lines = COMMAND_LINES_EACH,
                                      .lines_max = 1};

static const struct command_option options_diff[] = {
    {"from", "TIME", "as it was: unix seconds, 2026-11-21T14:30:00Z, or after an event"},
    {"to", "TIME", "and then [now]"},
    HOME_OPTION,
    COMMAND_OPTION_JSON};

const struct command command_diff = {.name = "diff",
                                     .words = "ID|- --from TIME",
                                     .help = "how a thing, with its text, changed in between",
                                     .words_min = 1,
                                     .words_max = 1,
                                     .options = options_diff,
                                     .option_count = ARRAY_LEN(options_diff),
                                     .run = run_diff,
                                     .look = look_diff,
                                     .lines = COMMAND_LINES_EACH,
                                     .lines_max = 1};
