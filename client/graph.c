#include "client/graph.h"

#include <stdlib.h>

#include "shared/text.h"

void graph_clear(struct graph *graph)
{
    free(graph->lanes);
    *graph = (struct graph){0};
}

/* The first column from there on that waits for id; count when none does. */
static size_t find(const struct graph *graph, size_t from, const struct bytes32 *id)
{
    size_t lane = from;
    while (lane < graph->count && memcmp(&graph->lanes[lane], id, sizeof *id) != 0)
        lane++;
    return lane;
}

static void insert(struct graph *graph, size_t lane, const struct bytes32 *id)
{
    if (graph->count == graph->capacity) {
        graph->capacity = graph->capacity == 0 ? 8 : 2 * graph->capacity;
        graph->lanes = realloc(graph->lanes, graph->capacity * sizeof *graph->lanes);
        if (graph->lanes == NULL)
            abort();
    }
    memmove(&graph->lanes[lane + 1], &graph->lanes[lane],
            (graph->count - lane) * sizeof *graph->lanes);
    graph->lanes[lane] = *id;
    graph->count++;
}

static void leave(struct graph *graph, size_t lane)
{
    memmove(&graph->lanes[lane], &graph->lanes[lane + 1],
            (graph->count - lane - 1) * sizeof *graph->lanes);
    graph->count--;
}

static void add_cell(struct text *out, size_t lane, char column, char gap)
{
    if (lane < GRAPH_COLUMNS_MAX)
        text_add(out, (struct span){(const char[]){column, gap}, 2});
}

/* Ends a row of links, which is none where nothing in it bends. */
static void end_row(struct text *out, size_t begin)
{
    bool is_straight = true;
    while (out->len > begin && out->at[out->len - 1] == ' ')
        out->len--;
    for (size_t i = begin; i < out->len; i++)
        is_straight = is_straight && (out->at[i] == '|' || out->at[i] == ' ');
    if (is_straight)
        out->len = begin;
    else
        text_add(out, SPAN("\n"));
}

/* A new column right of lane, which waits for id. */
static void part(struct graph *graph, struct text *out, size_t lane, const struct bytes32 *id)
{
    size_t begin = out->len;
    for (size_t i = 0; i < graph->count; i++)
        add_cell(out, i, i <= lane ? '|' : ' ', i >= lane ? '\\' : ' ');
    end_row(out, begin);
    insert(graph, lane + 1, id);
}

/* Those right of a column that is no more move to the left. */
static char gap_behind(const struct graph *graph, size_t lane)
{
    return lane + 1 < graph->count ? '/' : ' ';
}

/* The column right joins the column left. */
static void join(struct graph *graph, struct text *out, size_t left, size_t right)
{
    size_t begin = out->len;
    for (size_t i = 0; i < graph->count; i++) {
        char gap = i >= right ? gap_behind(graph, i) : i + 1 == right ? '/' : i >= left ? '_' : ' ';
        add_cell(out, i, i < right ? '|' : ' ', gap);
    }
    end_row(out, begin);
    leave(graph, right);
    begin = out->len;
    for (size_t i = 0; left + 1 < right && i < graph->count; i++)
        add_cell(out, i, '|', i == left ? '/' : ' ');
    end_row(out, begin);
}

/* Nothing comes before what was drawn in the column. */
static void end(struct graph *graph, struct text *out, size_t lane)
{
    size_t begin = out->len;
    for (size_t i = 0; i < graph->count; i++)
        add_cell(out, i, i < lane ? '|' : ' ', i >= lane ? gap_behind(graph, i) : ' ');
    end_row(out, begin);
    leave(graph, lane);
}

size_t graph_row(struct graph *graph, struct text *out, const struct bytes32 *id)
{
    size_t lane = find(graph, 0, id);
    if (lane == graph->count)
        insert(graph, lane, id);
    for (size_t i = 0; i < graph->count; i++)
        add_cell(out, i, i == lane ? '*' : '|', ' ');
    if (graph->count > GRAPH_COLUMNS_MAX)
        text_add(out, lane >= GRAPH_COLUMNS_MAX ? SPAN("* ") : SPAN("> "));
    return lane;
}

void graph_links(struct graph *graph, struct text *out, const struct bytes32 *id,
                 const struct bytes32 *parents, size_t parent_count)
{
    size_t lane = find(graph, 0, id);
    if (lane == graph->count)
        return;
    if (parent_count == 0) {
        end(graph, out, lane);
        return;
    }
    graph->lanes[lane] = parents[0];
    for (size_t i = parent_count; i-- > 1;)
        part(graph, out, lane, &parents[i]);
    for (size_t i = 0; i < parent_count; i++) {
        size_t left = find(graph, 0, &parents[i]), right = find(graph, left + 1, &parents[i]);
        if (right < graph->count)
            join(graph, out, left, right);
    }
}
