/* graph.h - a history drawn with characters, one event a row, children above what they come after.
 *
 *   ownership  struct graph graph = {0} is an empty drawing; graph_clear frees it
 *   threads    one at a time
 */
#pragma once

#include "shared/base.h"

struct text;

struct graph {
    struct bytes32 *lanes; /* what each column waits for */
    size_t count, capacity;
};

void graph_clear(struct graph *graph);

/* The row of the next event, whose children were all drawn: "| * | ". */
void graph_row(struct graph *graph, struct text *out, const struct bytes32 *id);

/* The row between it and the next, where columns part or meet: "|/ ", with the end of the line;
 * nothing where none does. */
void graph_links(struct graph *graph, struct text *out, const struct bytes32 *id,
                 const struct bytes32 *parents, size_t parent_count);
