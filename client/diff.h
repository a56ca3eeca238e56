/* diff.h - how one text becomes another, line by line.
 *
 *   units      lines, counted from 0
 *   ownership  results live in the arena, lines point into the texts
 *   bounds     past DIFF_CELLS_MAX pairs of lines, between what begins and what ends alike, all of
 *              that counts as changed
 */
#pragma once

#include "shared/base.h"

struct arena;

enum { DIFF_CELLS_MAX = 4000000 };

struct diff_text {
    const struct span *lines; /* each with its end of line, which the last may lack */
    size_t count;
};

struct diff_text diff_split(struct arena *arena, struct span text);

/* Lines of one text that became lines of the other. */
struct diff_hunk {
    size_t from, from_count, to, to_count;
};

/* In their order. */
struct diff_hunk *diff_compare(size_t *count, struct arena *arena, const struct diff_text *from,
                               const struct diff_text *to);
