/* shoal log: the events of the store, the newest first. */
#include <stdlib.h>

#include "client/catalog_past.h"
#include "client/command_home.h"
#include "client/graph.h"
#include "client/hlc.h"
#include "client/node.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/scan.h"
#include "shared/text.h"

enum { LOG_DEFAULT = 50, LOG_MAX = 1000000, WORDS_MAX = 60 };

/* A row of the log: its place in the history is known for events of entities. */
struct row {
    const struct catalog_event *event;
    struct node node;
    struct span content; /* decoded */
};

/* The newest first; what comes after another is newer. */
static int compare(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    if (x->node.hlc != y->node.hlc)
        return x->node.hlc > y->node.hlc ? -1 : 1;
    return memcmp(&x->event->id, &y->event->id, sizeof x->event->id);
}

static void read_row(struct row *row, const struct catalog_event *stored, struct arena *arena)
{
    struct event event;
    *row = (struct row){.event = stored};
    if (!event_parse(&event, arena, stored->json, NULL))
        return;
    row->content = scan_decode(arena, (struct scan_string){event.content_json, true});
    if (!node_parse(&row->node, arena, &event, NULL))
        row->node = (struct node){.hlc = hlc_make((uint64_t)event.created_at * 1000, 0)};
}

static void add_row(struct text *out, const struct row *row)
{
    enum { SHORT = 4 };
    text_add_hex(out, row->event->id.at, SHORT);
    text_add(out, SPAN("  "));
    home_write_time(out, row->event->created_at);
    text_add(out, SPAN("  "));
    text_add_hex(out, row->event->author.at, SHORT);
    text_addf(out, "  %5u  ", row->event->kind);
    home_write_words(out, row->event->is_redacted ? SPAN("(taken back)") : row->content, WORDS_MAX);
    text_add(out, SPAN("\n"));
}

static void draw_row(struct text *out, struct graph *graph, const struct row *row)
{
    (void)graph_row(graph, out, &row->event->id);
    add_row(out, row);
    graph_links(graph, out, &row->event->id, row->node.parents, row->node.parent_count);
}

/* The same, for who draws it: the column of the event, and what it comes after. */
static void draw_json(struct text *out, struct graph *graph, const struct row *row)
{
    struct text drawn = {0};
    text_addf(out, "{\"column\":%zu,\"parents\":[", graph_row(graph, &drawn, &row->event->id));
    for (uint32_t i = 0; i < row->node.parent_count; i++) {
        text_add(out, i > 0 ? SPAN(",\"") : SPAN("\""));
        text_add_hex(out, row->node.parents[i].at, sizeof row->node.parents[i].at);
        text_add(out, SPAN("\""));
    }
    text_add(out, SPAN("],\"event\":"));
    text_add(out, row->event->json);
    text_add(out, SPAN("}\n"));
    graph_links(graph, &drawn, &row->event->id, row->node.parents, row->node.parent_count);
    text_clear(&drawn);
}

static void add_log(struct text *out, const struct command_call *call, const struct row *rows,
                    size_t count)
{
    struct graph graph = {0};
    bool is_graph = command_value(call, "graph") != NULL;
    for (size_t i = 0; i < count; i++) {
        if (is_graph && call->is_json) {
            draw_json(out, &graph, &rows[i]);
        } else if (is_graph) {
            draw_row(out, &graph, &rows[i]);
        } else if (call->is_json) {
            text_add(out, rows[i].event->json);
            text_add(out, SPAN("\n"));
        } else {
            add_row(out, &rows[i]);
        }
    }
    graph_clear(&graph);
}

static enum command_status print_log(const struct command_call *call,
                                     const struct catalog_events *events, uint64_t cut,
                                     struct arena *arena)
{
    struct text out = {0};
    struct row *rows = arena_array(arena, struct row, events->count + 1);
    size_t count = 0;
    for (size_t i = 0; i < events->count; i++) {
        read_row(&rows[count], &events->at[i], arena);
        count += rows[count].node.hlc <= cut;
    }
    qsort(rows, count, sizeof *rows, compare);
    add_log(&out, call, rows, count);
    return command_print(call, &out);
}

static enum command_status run_log(struct command_call *call)
{
    struct arena arena = {0};
    struct catalog_events events;
    struct bytes32 root;
    struct err err;
    int64_t max;
    enum command_status status;
    if (!command_number(call, "limit", LOG_DEFAULT, LOG_MAX, &max))
        return COMMAND_USAGE;
    struct store *store = home_open(call, &status);
    if (store == NULL)
        return status;
    bool is_one = call->word_count > 0;
    struct catalog_events_call wanted = {.root = is_one ? &root : NULL, .max = (size_t)max};
    bool ok = home_cut(store, &wanted.cut, call, "at", &err) &&
              (!is_one || home_resolve(store, &root, call->words[0], &err)) &&
              catalog_events_at(store, &events, &arena, &wanted, &err);
    status = ok ? print_log(call, &events, wanted.cut, &arena) : command_fail(call, &err);
    store_close(store);
    arena_clear(&arena);
    return status;
}

static const struct command_option options_log[] = {{"graph", NULL, "draw what comes after what"},
                                                    HOME_OPTION_AT,
                                                    {"limit", "N", "at most so many [50]"},
                                                    HOME_OPTION,
                                                    COMMAND_OPTION_JSON};

const struct command command_log = {.name = "log",
                                    .words = "[ID... | -]",
                                    .help = "list the events of a thing, or all; the newest first",
                                    .words_max = COMMAND_WORDS_MAX,
                                    .options = options_log,
                                    .option_count = ARRAY_LEN(options_log),
                                    .run = run_log,
                                    .lines = COMMAND_LINES_WORD};
