/* graph.h - a history drawn with characters, one event a row, children above what they come after.
 *
 * Each column waits for one event. Where two come to wait for the same, the right one joins the
 * left one; what passes under other columns is drawn with "_". Of many columns the first are drawn,
 * and the end of a row says that there are more, or that the event is in one of them.
 *
 *   ownership  struct graph graph = {0} is an empty drawing; graph_clear frees it
 *   threads    one at a time
 */
#pragma once

#include "shared/base.h"

struct text;

enum { GRAPH_COLUMNS_MAX = 32 }; /* that are drawn */

struct graph {
    struct bytes32 *lanes; /* what each column waits for; distinct */
    size_t count, capacity;
};

void graph_clear(struct graph *graph);

/* The row of the next event, whose children were all drawn: "| * | ". Its column, from 0. */
size_t graph_row(struct graph *graph, struct text *out, const struct bytes32 *id);

/* The rows between it and the next, where columns part or meet: "|/", each with the end of its
 * line; nothing where none does. parents: distinct. */
void graph_links(struct graph *graph, struct text *out, const struct bytes32 *id,
                 const struct bytes32 *parents, size_t parent_count);
