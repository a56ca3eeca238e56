/* catalog_circle.c - circles, put together from their events. */
#include "client/catalog_circle.h"
#include "client/act.h"
#include "client/catalog_parts.h"
#include "client/catalog_past.h"
#include "client/circle.h"
#include "client/node.h"
#include "client/sql.h"
#include "client/store_parts.h"
#include "shared/arena.h"
#include "shared/event.h"
#include "shared/text.h"

static bool put_row(struct circle *circle, struct sqlite3_stmt *row, uint64_t cut, struct err *err)
{
    struct arena arena = {0};
    struct event event;
    struct node node;
    struct act act;
    bool ok = event_parse(&event, &arena, sql_text(row, 0), err);
    if (ok && node_parse(&node, &arena, &event, NULL) && node.hlc <= cut)
        circle_put(circle, &node, act_parse(&act, &arena, &event, NULL) ? &act : NULL);
    arena_clear(&arena);
    return ok;
}

static bool put_rows(struct store *store, struct circle *circle, const struct bytes32 *root,
                     uint64_t cut, struct err *err)
{
    struct sqlite3_stmt *row;
    bool is_row;
    if (!sql_start(store->sql, &row, err,
                   "SELECT body FROM event JOIN log USING (n) WHERE root = ?"
                   " AND kind IN (1572, 1574) ORDER BY n",
                   "b", root))
        return false;
    while (true) {
        if (!sql_next(store->sql, row, &is_row, err))
            return false;
        if (!is_row)
            return true;
        if (!put_row(circle, row, cut, err)) {
            sql_end(row);
            return false;
        }
    }
}

static bool gather(struct store *store, struct circle **circle, const struct bytes32 *root,
                   uint64_t horizon_ms, uint64_t cut, struct err *err)
{
    *circle = circle_new(root, horizon_ms);
    if (put_rows(store, *circle, root, cut, err))
        return true;
    circle_free(*circle);
    *circle = NULL;
    return false;
}

bool catalog_gather(struct store *store, struct circle **circle, const struct bytes32 *root,
                    uint64_t horizon_ms, struct err *err)
{
    return gather(store, circle, root, horizon_ms, UINT64_MAX, err);
}

bool catalog_circle_at(struct store *store, struct circle **circle, const struct bytes32 *root,
                       uint64_t cut, struct err *err)
{
    *circle = NULL;
    return catalog_settle(store, err) &&
           gather(store, circle, root, catalog_horizon(store), cut, err);
}

bool catalog_circle(struct store *store, struct circle **circle, const struct bytes32 *root,
                    uint64_t horizon_ms, struct err *err)
{
    *circle = NULL;
    return catalog_settle(store, err) && catalog_gather(store, circle, root, horizon_ms, err);
}

void catalog_write_circle(struct text *out, struct circle *circle)
{
    struct arena arena = {0};
    size_t count;
    const struct act *creation = circle_creation(circle);
    const struct circle_member *members = circle_members(circle, &arena, &count);
    text_add(out, SPAN("{\"members\":["));
    for (size_t i = 0; i < count; i++) {
        text_add(out, i > 0 ? SPAN(",{\"key\":\"") : SPAN("{\"key\":\""));
        text_add_hex(out, members[i].key.at, sizeof members[i].key.at);
        text_addf(out, "\",%s\"rank\":%u,\"role\":\"%s\"",
                  members[i].is_limited ? "\"limited\":true," : "", members[i].rank,
                  act_role_name(members[i].role));
        if (members[i].until != 0)
            text_addf(out, ",\"until\":%lld", (long long)members[i].until);
        text_add(out, SPAN("}"));
    }
    text_add(out, SPAN("],\"name\":"));
    text_add_json(out, creation->name);
    text_add(out, creation->is_open ? SPAN(",\"open\":true") : SPAN(",\"open\":false"));
    if (creation->scope != ACT_SCOPE_CIRCLE)
        text_addf(out, ",\"scope\":\"%s\"", act_scope_name(creation->scope));
    if (creation->is_secret)
        text_add(out, SPAN(",\"secret\":true"));
    text_add(out, SPAN("}"));
    arena_clear(&arena);
}

bool catalog_circles(struct store *store, struct bytes32 **roots, size_t *count,
                     struct arena *arena, struct err *err)
{
    struct sqlite3_stmt *row;
    return catalog_settle(store, err) &&
           sql_start(store->sql, &row, err,
                     "SELECT root FROM entity WHERE type = 'circle' AND has_root ORDER BY root",
                     "") &&
           sql_ids(store->sql, roots, count, arena, row, err);
}

bool catalog_idle(struct store *store, struct bytes32 **roots, size_t *count, struct arena *arena,
                  const struct bytes32 *circle, struct err *err)
{
    struct sqlite3_stmt *row;
    return catalog_settle(store, err) &&
           sql_start(store->sql, &row, err,
                     "SELECT root FROM entity WHERE circle = ? AND has_root AND idle > 0"
                     " ORDER BY root",
                     "b", circle) &&
           sql_ids(store->sql, roots, count, arena, row, err);
}

bool catalog_last(struct store *store, struct catalog_last *last, struct err *err)
{
    struct sqlite3_stmt *row;
    bool is_row;
    last->count = 0;
    if (!catalog_settle(store, err) ||
        !sql_start(store->sql, &row, err,
                   "SELECT id, max(event.ms) FROM event JOIN log USING (n)"
                   " LEFT JOIN writer USING (n) WHERE circle = ? AND event.pk = ?"
                   " AND root IS NOT NULL"
                   " GROUP BY root, device ORDER BY 2 DESC, id LIMIT ?",
                   "bbi", last->circle, last->author, (int64_t)last->max))
        return false;
    while (true) {
        if (!sql_next(store->sql, row, &is_row, err))
            return false;
        if (!is_row)
            return true;
        last->ids[last->count++] = sql_id(row, 0);
    }
}

bool catalog_is_withheld(struct store *store, bool *is_withheld, const struct bytes32 *id,
                         struct err *err)
{
    int64_t number;
    bool ok = sql_number(store->sql, &number, 0, err,
                         "SELECT is_withheld FROM event JOIN log USING (n) WHERE h = ? AND id = ?",
                         "ib", store_hash_of(id), id);
    *is_withheld = ok && number != 0;
    return ok;
}

bool catalog_sealed_in(struct store *store, struct bytes32 **ids, size_t *count,
                       struct arena *arena, const struct bytes32 *id, struct err *err)
{
    struct sqlite3_stmt *row;
    *ids = NULL;
    *count = 0;
    return catalog_settle(store, err) &&
           sql_start(store->sql, &row, err,
                     "SELECT id FROM sealed JOIN log USING (n) WHERE inner = ? ORDER BY id", "b",
                     id) &&
           sql_ids(store->sql, ids, count, arena, row, err);
}
