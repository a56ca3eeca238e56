#include "client/graph.h"

#include <stdlib.h>

#include "shared/text.h"

void graph_clear(struct graph *graph)
{
    free(graph->lanes);
    *graph = (struct graph){0};
}

/* The first column that waits for id; count when none does. */
static size_t find(const struct graph *graph, const struct bytes32 *id)
{
    size_t lane = 0;
    while (lane < graph->count && memcmp(&graph->lanes[lane], id, sizeof *id) != 0)
        lane++;
    return lane;
}

static void add(struct graph *graph, const struct bytes32 *id)
{
    if (graph->count == graph->capacity) {
        graph->capacity = graph->capacity == 0 ? 8 : 2 * graph->capacity;
        graph->lanes = realloc(graph->lanes, graph->capacity * sizeof *graph->lanes);
        if (graph->lanes == NULL)
            abort();
    }
    graph->lanes[graph->count++] = *id;
}

void graph_row(struct graph *graph, struct text *out, const struct bytes32 *id)
{
    size_t lane = find(graph, id);
    if (lane == graph->count)
        add(graph, id);
    for (size_t i = 0; i < graph->count; i++)
        text_add(out, i == lane ? SPAN("* ") : SPAN("| "));
}

/* Lets lane wait for the parents; a further parent that no column waits for gets one of its own.
 * The column is kept for its first parent, also where another waits for the same: they meet. */
static void wait_for(struct graph *graph, size_t lane, const struct bytes32 *parents,
                     size_t parent_count)
{
    graph->lanes[lane] = parents[0];
    for (size_t i = 1; i < parent_count; i++)
        if (find(graph, &parents[i]) == graph->count)
            add(graph, &parents[i]);
}

static void remove_lane(struct graph *graph, size_t lane)
{
    memmove(&graph->lanes[lane], &graph->lanes[lane + 1],
            (graph->count - lane - 1) * sizeof *graph->lanes);
    graph->count--;
}

/* What is right of a column that ends moves to the left. */
static void end_lane(struct graph *graph, struct text *out, size_t lane)
{
    remove_lane(graph, lane);
    if (lane == graph->count)
        return;
    for (size_t i = 0; i < lane; i++)
        text_add(out, SPAN("| "));
    text_add(out, SPAN("  "));
    for (size_t i = lane; i < graph->count; i++)
        text_add(out, SPAN("/ "));
    text_add(out, SPAN("\n"));
}

void graph_links(struct graph *graph, struct text *out, const struct bytes32 *id,
                 const struct bytes32 *parents, size_t parent_count)
{
    size_t lane = find(graph, id), before = graph->count;
    size_t begin = out->len, removed = 0;
    if (lane == graph->count)
        return;
    if (parent_count == 0) {
        end_lane(graph, out, lane);
        return;
    }
    wait_for(graph, lane, parents, parent_count);
    for (size_t i = 0; i < graph->count; i++) {
        bool is_new = i + removed >= before, is_met = find(graph, &graph->lanes[i]) < i;
        text_add(out, is_new ? SPAN("\\ ") : is_met || removed > 0 ? SPAN("/ ") : SPAN("| "));
        if (is_met) {
            remove_lane(graph, i--);
            removed++;
        }
    }
    if (removed > 0 || graph->count > before)
        text_add(out, SPAN("\n"));
    else
        out->len = begin;
}
