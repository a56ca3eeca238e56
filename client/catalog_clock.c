#include "client/catalog_clock.h"

#include <stdlib.h>

#include "client/sql.h"
#include "client/store_parts.h"
#include "shared/arena.h"

enum { SEQS_MAX = 1 << 23 };

bool catalog_after(struct store *store, int64_t place, catalog_step_fn *fn, void *owner,
                   struct err *err)
{
    struct sqlite3_stmt *row;
    bool is_row;
    if (!catalog_settle(store, err) ||
        !sql_start(store->sql, &row, err,
                   "SELECT n, id, pk, kind, ts, event.root, body, is_withheld, type FROM log"
                   " JOIN event USING (n) LEFT JOIN entity ON entity.root = event.root"
                   " WHERE n > ? AND NOT is_redacted ORDER BY n",
                   "i", place))
        return false;
    while (true) {
        if (!sql_next(store->sql, row, &is_row, err))
            return false;
        if (!is_row)
            return true;
        const struct catalog_event event = {.id = sql_id(row, 1),
                                            .author = sql_id(row, 2),
                                            .kind = (uint16_t)sql_int(row, 3),
                                            .created_at = sql_int(row, 4),
                                            .has_root = sql_text(row, 5).len > 0,
                                            .root = sql_id(row, 5),
                                            .json = sql_text(row, 6),
                                            .is_withheld = sql_int(row, 7) != 0};
        if (!fn(owner, &(struct catalog_step){sql_int(row, 0), &event, sql_text(row, 8)})) {
            sql_end(row);
            return true;
        }
    }
}

/* ---- what an event had seen ---- */

/* The history of an entity, on its way to a clock. */
struct history {
    struct catalog_clock *clock;
    struct arena *arena;
    struct edge {
        size_t child, parent;
    } * edges; /* sorted */
    size_t edge_count;
};

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct bytes32));
}

static int compare_edges(const void *a, const void *b)
{
    const struct edge *x = a, *y = b;
    return x->child != y->child ? (x->child < y->child ? -1 : 1) : 0;
}

/* count where it is not here. */
static size_t index_of(const struct catalog_clock *clock, const struct bytes32 *id)
{
    const struct bytes32 *found =
        clock->count > 0 ? bsearch(id, clock->ids, clock->count, sizeof *id, compare_ids) : NULL;
    return found != NULL ? (size_t)(found - clock->ids) : clock->count;
}

typedef void row_fn(struct history *history, struct sqlite3_stmt *row);

static bool each_row(struct store *store, struct history *history, const char *query,
                     const struct bytes32 *root, row_fn *take, struct err *err)
{
    struct sqlite3_stmt *row;
    bool is_row = true;
    if (!sql_start(store->sql, &row, err, query, "b", root))
        return false;
    while (true) {
        if (!sql_next(store->sql, row, &is_row, err))
            return false;
        if (!is_row)
            return true;
        take(history, row);
    }
}

static void take_id(struct history *history, struct sqlite3_stmt *row)
{
    struct catalog_clock *clock = history->clock;
    clock->ids = arena_grow(history->arena, struct bytes32, clock->ids, clock->count);
    clock->ids[clock->count++] = sql_id(row, 0);
}

static void take_writer(struct history *history, struct sqlite3_stmt *row)
{
    struct catalog_clock *clock = history->clock;
    clock->writers =
        arena_grow(history->arena, struct catalog_writer, clock->writers, clock->writer_count);
    clock->writers[clock->writer_count++] =
        (struct catalog_writer){.author = sql_id(row, 0), .device = (uint64_t)sql_int(row, 1)};
}

static void take_seq(struct history *history, struct sqlite3_stmt *row)
{
    struct catalog_clock *clock = history->clock;
    const struct bytes32 id = sql_id(row, 0), author = sql_id(row, 1);
    size_t event = index_of(clock, &id);
    for (size_t i = 0; i < clock->writer_count; i++)
        if (clock->writers[i].device == (uint64_t)sql_int(row, 2) &&
            memcmp(&clock->writers[i].author, &author, sizeof author) == 0)
            clock->seqs[event * clock->writer_count + i] = (uint64_t)sql_int(row, 3);
}

static void take_edge(struct history *history, struct sqlite3_stmt *row)
{
    const struct bytes32 child = sql_id(row, 0), parent = sql_id(row, 1);
    struct edge edge = {index_of(history->clock, &child), index_of(history->clock, &parent)};
    if (edge.parent == history->clock->count)
        return; /* it is not here */
    history->edges = arena_grow(history->arena, struct edge, history->edges, history->edge_count);
    history->edges[history->edge_count++] = edge;
}

static void merge(struct catalog_clock *clock, size_t into, size_t from)
{
    for (size_t i = 0; i < clock->writer_count; i++) {
        uint64_t *seq = &clock->seqs[into * clock->writer_count + i];
        uint64_t other = clock->seqs[from * clock->writer_count + i];
        *seq = other > *seq ? other : *seq;
    }
}

/* The next that an event waits for; count where it waits for none any more. */
static size_t next_wait(struct history *history, size_t event, size_t *next, const bool *is_done)
{
    while (next[event] < history->edge_count && history->edges[next[event]].child == event) {
        size_t parent = history->edges[next[event]].parent;
        if (!is_done[parent])
            return parent;
        merge(history->clock, event, parent);
        next[event]++;
    }
    return history->clock->count;
}

/* Each event once all that it comes after is done. Ids are hashes, so that none comes after
 * itself. */
static void merge_all(struct history *history)
{
    size_t count = history->clock->count;
    size_t *next = arena_array(history->arena, size_t, count + 1); /* the edge of each */
    size_t *stack = arena_array(history->arena, size_t, count + 1);
    bool *is_done = arena_array(history->arena, bool, count + 1);
    for (size_t i = history->edge_count; i-- > 0;)
        next[history->edges[i].child] = i;
    for (size_t first = 0; first < count; first++) {
        size_t depth = is_done[first] ? 0 : 1;
        stack[0] = first;
        while (depth > 0) {
            size_t wait = next_wait(history, stack[depth - 1], next, is_done);
            if (wait < count)
                stack[depth++] = wait;
            else
                is_done[stack[--depth]] = true;
        }
    }
}

bool catalog_clock(struct store *store, struct catalog_clock *clock, struct arena *arena,
                   const struct bytes32 *root, struct err *err)
{
    struct history history = {.clock = clock, .arena = arena};
    *clock = (struct catalog_clock){0};
    if (!catalog_settle(store, err) ||
        !each_row(store, &history,
                  "SELECT id FROM log JOIN event USING (n) WHERE root = ? ORDER BY id", root,
                  take_id, err) ||
        !each_row(store, &history,
                  "SELECT DISTINCT writer.pk, device FROM writer JOIN event USING (n)"
                  " WHERE root = ? ORDER BY 1, 2",
                  root, take_writer, err))
        return false;
    if (clock->count * clock->writer_count > SEQS_MAX)
        return true;
    clock->seqs = arena_array(arena, uint64_t, clock->count * clock->writer_count + 1);
    if (!each_row(store, &history,
                  "SELECT id, writer.pk, device, seq FROM writer JOIN event USING (n)"
                  " JOIN log USING (n) WHERE root = ?",
                  root, take_seq, err) ||
        !each_row(store, &history,
                  "SELECT id, parent FROM edge JOIN event USING (n) JOIN log USING (n)"
                  " WHERE root = ?",
                  root, take_edge, err))
        return false;
    if (history.edge_count > 0)
        qsort(history.edges, history.edge_count, sizeof *history.edges, compare_edges);
    merge_all(&history);
    return true;
}

const uint64_t *catalog_clock_of(const struct catalog_clock *clock, const struct bytes32 *id)
{
    size_t event = index_of(clock, id);
    return clock->seqs != NULL && event < clock->count ? &clock->seqs[event * clock->writer_count]
                                                       : NULL;
}
