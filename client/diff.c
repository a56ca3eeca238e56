#include "client/diff.h"

#include "shared/arena.h"

struct diff_text diff_split(struct arena *arena, struct span text)
{
    struct span *lines = NULL;
    size_t count = 0;
    while (text.len > 0) {
        const char *end = memchr(text.at, '\n', text.len);
        size_t len = end != NULL ? (size_t)(end - text.at) + 1 : text.len;
        lines = arena_grow(arena, struct span, lines, count);
        lines[count++] = (struct span){text.at, len};
        text = (struct span){text.at + len, text.len - len};
    }
    return (struct diff_text){lines, count};
}

/* The pairs of lines that may be alike: n of one text, m of the other, from first on. */
struct grid {
    const struct span *from, *to;
    size_t first, n, m;
    const uint32_t *best; /* [i][j]: how many pairs can be made of what begins there */
};

static uint32_t best_at(const struct grid *grid, size_t i, size_t j)
{
    return grid->best[i * (grid->m + 1) + j];
}

static const uint32_t *fill(struct arena *arena, const struct grid *grid)
{
    size_t width = grid->m + 1;
    uint32_t *best = arena_array(arena, uint32_t, (grid->n + 1) * width);
    for (size_t i = grid->n; i-- > 0;)
        for (size_t j = grid->m; j-- > 0;) {
            uint32_t down = best[(i + 1) * width + j], right = best[i * width + j + 1];
            best[i * width + j] = span_eq(grid->from[i], grid->to[j])
                                      ? best[(i + 1) * width + j + 1] + 1
                                  : down > right ? down
                                                 : right;
        }
    return best;
}

struct hunks {
    struct arena *arena;
    struct diff_hunk *at;
    size_t count;
};

static void add(struct hunks *hunks, struct diff_hunk hunk)
{
    if (hunk.from_count == 0 && hunk.to_count == 0)
        return;
    hunks->at = arena_grow(hunks->arena, struct diff_hunk, hunks->at, hunks->count);
    hunks->at[hunks->count++] = hunk;
}

/* What lies between the pairs. */
static void walk(struct hunks *hunks, const struct grid *grid)
{
    size_t i = 0, j = 0, i_before = 0, j_before = 0, first = grid->first;
    while (i < grid->n && j < grid->m) {
        if (span_eq(grid->from[i], grid->to[j])) {
            add(hunks,
                (struct diff_hunk){first + i_before, i - i_before, first + j_before, j - j_before});
            i_before = ++i;
            j_before = ++j;
        } else if (best_at(grid, i + 1, j) >= best_at(grid, i, j + 1)) {
            i++;
        } else {
            j++;
        }
    }
    add(hunks, (struct diff_hunk){first + i_before, grid->n - i_before, first + j_before,
                                  grid->m - j_before});
}

struct diff_hunk *diff_compare(size_t *count, struct arena *arena, const struct diff_text *from,
                               const struct diff_text *to)
{
    struct hunks hunks = {.arena = arena};
    size_t shorter = from->count < to->count ? from->count : to->count, first = 0, last = 0;
    while (first < shorter && span_eq(from->lines[first], to->lines[first]))
        first++;
    while (last < shorter - first &&
           span_eq(from->lines[from->count - last - 1], to->lines[to->count - last - 1]))
        last++;
    struct grid grid = {
        .first = first, .n = from->count - first - last, .m = to->count - first - last};
    if (grid.n > 0 && grid.m > 0 && grid.n <= DIFF_CELLS_MAX / grid.m) {
        grid.from = from->lines + first;
        grid.to = to->lines + first;
        grid.best = fill(arena, &grid);
        walk(&hunks, &grid);
    } else {
        add(&hunks, (struct diff_hunk){first, grid.n, first, grid.m});
    }
    *count = hunks.count;
    return hunks.at;
}
