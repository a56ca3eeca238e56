/* shoal doc show, history, diff, blame: the text of a thing, and how it came to be. */
#include "client/catalog_past.h"
#include "client/command_doc.h"
#include "client/command_home.h"
#include "client/diff.h"
#include "client/replica.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/kind.h"
#include "shared/text.h"

enum { EVENTS_MAX = 100000, SHORT = 4 };

struct looking {
    const struct command_call *call;
    struct store *store;
    struct arena arena;
    struct bytes32 root;
    struct text out;
};

/* The text as it was at a time that an option names, or is now. */
static bool load_at(struct looking *looking, struct span *text, const char *option, struct err *err)
{
    struct replica *replica;
    if (!home_replica(looking->store, &replica, &looking->root, looking->call, option, err))
        return false;
    *text = doc_text_of(replica, &looking->arena);
    replica_free(replica);
    return true;
}

static bool show(struct looking *looking, struct err *err)
{
    struct span text;
    if (!load_at(looking, &text, "at", err))
        return false;
    if (looking->call->is_json) {
        text_add(&looking->out, SPAN("{"));
        home_write_hex(&looking->out, "id", &looking->root);
        text_add(&looking->out, SPAN(",\"text\":"));
        text_add_json(&looking->out, text);
        text_add(&looking->out, SPAN("}\n"));
    } else if (text.len > 0) {
        home_write_lines(&looking->out, text, 0);
    }
    return true;
}

static void add_line(struct looking *looking, const char *mark, size_t number, struct span line)
{
    if (line.len > 0 && line.at[line.len - 1] == '\n')
        line.len--;
    if (looking->call->is_json) {
        text_addf(&looking->out, "{\"op\":\"%s\",\"line\":%zu,\"text\":", mark, number);
        text_add_json(&looking->out, line);
        text_add(&looking->out, SPAN("}\n"));
    } else {
        text_addf(&looking->out, "%s%5zu  ", mark, number);
        home_write_lines(&looking->out, line, 0);
    }
}

static bool diff(struct looking *looking, struct err *err)
{
    struct span texts[2];
    size_t count;
    if (!load_at(looking, &texts[0], "from", err) || !load_at(looking, &texts[1], "to", err))
        return false;
    struct diff_text a = diff_split(&looking->arena, texts[0]);
    struct diff_text b = diff_split(&looking->arena, texts[1]);
    const struct diff_hunk *hunks = diff_compare(&count, &looking->arena, &a, &b);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < hunks[i].from_count; j++)
            add_line(looking, "-", hunks[i].from + j + 1, a.lines[hunks[i].from + j]);
        for (size_t j = 0; j < hunks[i].to_count; j++)
            add_line(looking, "+", hunks[i].to + j + 1, b.lines[hunks[i].to + j]);
    }
    return true;
}

/* ---- who wrote what ---- */

/* The text after each event, and whose each of its lines is. */
struct tracing {
    struct looking *looking;
    bool shows_steps;
    struct arena arena; /* of what follows */
    struct span text;
    const struct catalog_event **writers; /* of each line; NULL: not known */
    size_t count;                         /* lines */
    size_t added, removed;                /* by the last event */
};

static void compare(struct tracing *tracing, const struct replica *replica,
                    const struct catalog_event *event)
{
    struct arena next = {0};
    size_t hunk_count, line = 0;
    struct span text = doc_text_of(replica, &next);
    struct diff_text a = diff_split(&next, tracing->text), b = diff_split(&next, text);
    const struct diff_hunk *hunks = diff_compare(&hunk_count, &next, &a, &b);
    const struct catalog_event **writers =
        arena_array(&next, const struct catalog_event *, b.count + 1);
    tracing->added = tracing->removed = 0;
    for (size_t i = 0, old = 0; i <= hunk_count; i++) {
        size_t until = i < hunk_count ? hunks[i].from : a.count;
        while (tracing->writers != NULL && old < until)
            writers[line++] = tracing->writers[old++];
        if (i == hunk_count)
            break;
        for (size_t j = 0; j < hunks[i].to_count; j++)
            writers[line++] = event;
        old += hunks[i].from_count;
        tracing->added += hunks[i].to_count;
        tracing->removed += hunks[i].from_count;
    }
    arena_clear(&tracing->arena);
    tracing->arena = next;
    tracing->text = text;
    tracing->writers = writers;
    tracing->count = b.count;
}

static void add_writer(struct text *out, const struct catalog_event *event)
{
    text_add_hex(out, event->id.at, SHORT);
    text_add(out, SPAN("  "));
    home_write_time(out, event->created_at);
    text_add(out, SPAN("  "));
    text_add_hex(out, event->author.at, SHORT);
    text_add(out, SPAN("  "));
}

static void add_json_writer(struct text *out, const struct catalog_event *event)
{
    text_add(out, SPAN("{"));
    home_write_hex(out, "event", &event->id);
    text_add(out, SPAN(","));
    home_write_hex(out, "author", &event->author);
    text_addf(out, ",\"created_at\":%lld", (long long)event->created_at);
}

static void add_step(struct tracing *tracing, const struct catalog_event *event)
{
    struct text *out = &tracing->looking->out;
    if (tracing->looking->call->is_json) {
        add_json_writer(out, event);
        text_addf(out, ",\"added\":%zu,\"removed\":%zu}\n", tracing->added, tracing->removed);
    } else {
        add_writer(out, event);
        text_addf(out, "+%zu -%zu\n", tracing->added, tracing->removed);
    }
}

static void on_step(void *owner, const struct replica *replica, const struct catalog_event *event)
{
    struct tracing *tracing = owner;
    if (event->kind != KIND_TEXT_UPDATE)
        return;
    compare(tracing, replica, event);
    if (tracing->shows_steps)
        add_step(tracing, event);
}

static void add_blame(struct tracing *tracing)
{
    struct looking *looking = tracing->looking;
    struct diff_text lines = diff_split(&looking->arena, tracing->text);
    for (size_t i = 0; tracing->writers != NULL && i < lines.count; i++) {
        struct span line = lines.lines[i];
        line.len -= line.at[line.len - 1] == '\n';
        if (looking->call->is_json) {
            add_json_writer(&looking->out, tracing->writers[i]);
            text_addf(&looking->out, ",\"line\":%zu,\"text\":", i + 1);
            text_add_json(&looking->out, line);
            text_add(&looking->out, SPAN("}\n"));
        } else {
            add_writer(&looking->out, tracing->writers[i]);
            home_write_lines(&looking->out, line, 0);
        }
    }
}

static bool look_back(struct looking *looking, bool shows_steps, struct err *err)
{
    struct tracing tracing = {.looking = looking, .shows_steps = shows_steps};
    struct catalog_trace trace = {
        .root = looking->root, .max = EVENTS_MAX, .owner = &tracing, .step = on_step};
    if (!home_cut(looking->store, &trace.cut, looking->call, "at", err))
        return false;
    bool ok = catalog_trace(looking->store, &looking->arena, &trace, err);
    if (ok && !shows_steps)
        add_blame(&tracing);
    arena_clear(&tracing.arena);
    return ok;
}

static bool history(struct looking *looking, struct err *err)
{
    return look_back(looking, true, err);
}

static bool blame(struct looking *looking, struct err *err)
{
    return look_back(looking, false, err);
}

static enum command_status run(struct command_call *call,
                               bool (*look)(struct looking *looking, struct err *err))
{
    struct looking looking = {.call = call};
    struct err err;
    enum command_status status;
    looking.store = home_open(call, &status);
    if (looking.store == NULL)
        return status;
    bool ok =
        home_resolve(looking.store, &looking.root, call->words[0], &err) && look(&looking, &err);
    status = ok ? command_print(call, &looking.out) : command_fail(call, &err);
    text_clear(&looking.out);
    arena_clear(&looking.arena);
    store_close(looking.store);
    return status;
}

static enum command_status run_show(struct command_call *call)
{
    return run(call, show);
}

static enum command_status run_diff(struct command_call *call)
{
    return run(call, diff);
}

static enum command_status run_history(struct command_call *call)
{
    return run(call, history);
}

static enum command_status run_blame(struct command_call *call)
{
    return run(call, blame);
}

static const struct command_option options_show[] = {HOME_OPTION_AT, HOME_OPTION,
                                                     COMMAND_OPTION_JSON};

const struct command command_doc_show = {.name = "doc show",
                                         .words = "ID|-",
                                         .help = "the text of a thing",
                                         .words_min = 1,
                                         .words_max = 1,
                                         .options = options_show,
                                         .option_count = ARRAY_LEN(options_show),
                                         .run = run_show,
                                         .lines = COMMAND_LINES_EACH,
                                         .lines_max = 1};

static const struct command_option options_diff[] = {
    {"from", "TIME", "as it was: unix seconds, 2026-11-21T14:30:00Z, or after an event"},
    {"to", "TIME", "and then [now]"},
    HOME_OPTION,
    COMMAND_OPTION_JSON};

const struct command command_doc_diff = {.name = "doc diff",
                                         .words = "ID|- --from TIME",
                                         .help = "how its text changed between two times",
                                         .words_min = 1,
                                         .words_max = 1,
                                         .options = options_diff,
                                         .option_count = ARRAY_LEN(options_diff),
                                         .run = run_diff,
                                         .lines = COMMAND_LINES_EACH,
                                         .lines_max = 1};

static const struct command_option options_look[] = {HOME_OPTION_AT, HOME_OPTION,
                                                     COMMAND_OPTION_JSON};

const struct command command_doc_history = {.name = "doc history",
                                            .words = "ID|-",
                                            .help = "who wrote when, and how many lines changed",
                                            .words_min = 1,
                                            .words_max = 1,
                                            .options = options_look,
                                            .option_count = ARRAY_LEN(options_look),
                                            .run = run_history,
                                            .lines = COMMAND_LINES_EACH,
                                            .lines_max = 1};

const struct command command_doc_blame = {.name = "doc blame",
                                          .words = "ID|-",
                                          .help = "who wrote each line of its text",
                                          .words_min = 1,
                                          .words_max = 1,
                                          .options = options_look,
                                          .option_count = ARRAY_LEN(options_look),
                                          .run = run_blame,
                                          .lines = COMMAND_LINES_EACH,
                                          .lines_max = 1};
