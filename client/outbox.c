#include "client/outbox.h"

#include "client/sql.h"
#include "client/store_parts.h"
#include "shared/arena.h"

#define COLUMNS                                                                            \
    "SELECT id, url, body, state, tries, next_ms, reason FROM outbox JOIN relay USING (r)" \
    " JOIN log USING (n)"

static void read_row(void *item, struct arena *arena, struct sqlite3_stmt *row)
{
    *(struct outbox_row *)item = (struct outbox_row){.id = sql_id(row, 0),
                                                     .relay = arena_copy(arena, sql_text(row, 1)),
                                                     .event = arena_copy(arena, sql_text(row, 2)),
                                                     .state = (enum outbox_state)sql_int(row, 3),
                                                     .tries = (uint32_t)sql_int(row, 4),
                                                     .next_ms = (uint64_t)sql_int(row, 5),
                                                     .reason = arena_copy(arena, sql_text(row, 6))};
}

static bool read_rows(struct store *store, struct sqlite3_stmt *row, struct outbox_rows *rows,
                      struct arena *arena, struct err *err)
{
    struct sql_list list;
    bool ok =
        sql_list(store->sql, &list, arena, row, (struct sql_item){sizeof *rows->at, read_row}, err);
    *rows = (struct outbox_rows){list.at, list.count};
    return ok;
}

bool outbox_due(struct store *store, struct outbox_rows *rows, struct arena *arena,
                const struct outbox_turn *turn, struct err *err)
{
    struct sqlite3_stmt *row;
    return sql_start(store->sql, &row, err,
                     COLUMNS " WHERE state = 0 AND next_ms <= ?1 AND (?2 = '' OR url = ?2)"
                             " AND NOT is_redacted ORDER BY n, r LIMIT ?3",
                     "isi", (int64_t)turn->now_ms, turn->relay, (int64_t)turn->max) &&
           read_rows(store, row, rows, arena, err);
}

bool outbox_list(struct store *store, struct outbox_rows *rows, struct arena *arena, size_t max,
                 struct err *err)
{
    struct sqlite3_stmt *row;
    return sql_start(store->sql, &row, err, COLUMNS " WHERE state <> 1 ORDER BY n, r LIMIT ?", "i",
                     (int64_t)max) &&
           read_rows(store, row, rows, arena, err);
}

bool outbox_count(struct store *store, uint64_t *queued, uint64_t *refused, struct err *err)
{
    int64_t counts[2];
    for (size_t i = 0; i < ARRAY_LEN(counts); i++)
        if (!sql_number(store->sql, &counts[i], 0, err,
                        "SELECT count(*) FROM outbox WHERE state = ?", "i",
                        (int64_t)(i == 0 ? OUTBOX_QUEUED : OUTBOX_REFUSED)))
            return false;
    *queued = (uint64_t)counts[0];
    *refused = (uint64_t)counts[1];
    return true;
}

bool outbox_next(struct store *store, uint64_t *next_ms, struct span relay, struct err *err)
{
    struct sqlite3_stmt *row;
    bool is_row;
    *next_ms = UINT64_MAX;
    if (!sql_start(store->sql, &row, err,
                   "SELECT next_ms FROM outbox JOIN relay USING (r)"
                   " WHERE state = 0 AND (?1 = '' OR url = ?1) ORDER BY next_ms LIMIT 1",
                   "s", relay) ||
        !sql_next(store->sql, row, &is_row, err))
        return false;
    if (is_row) {
        *next_ms = (uint64_t)sql_int(row, 0);
        sql_end(row);
    }
    return true;
}

/* Sets where a row stands, and counts a try. */
static bool settle(struct store *store, const struct outbox_row *row, struct err *err)
{
    return sql_run(store->sql, err,
                   "UPDATE outbox SET state = ?, tries = tries + 1, next_ms = ?, reason = ?"
                   " WHERE n = (SELECT n FROM log WHERE h = ? AND id = ?)"
                   " AND r = (SELECT r FROM relay WHERE url = ?) AND state <> 1",
                   "iisibs", (int64_t)row->state, (int64_t)row->next_ms, row->reason,
                   store_hash_of(&row->id), &row->id, row->relay);
}

bool outbox_delivered(struct store *store, const struct bytes32 *id, struct span relay,
                      struct err *err)
{
    const struct outbox_row row = {.id = *id, .relay = relay, .state = OUTBOX_DELIVERED};
    return settle(store, &row, err);
}

bool outbox_failed(struct store *store, const struct bytes32 *id, struct span relay,
                   uint64_t next_ms, struct span reason, struct err *err)
{
    const struct outbox_row row = {.id = *id, .relay = relay, .next_ms = next_ms, .reason = reason};
    return settle(store, &row, err);
}

bool outbox_refused(struct store *store, const struct bytes32 *id, struct span relay,
                    struct span reason, struct err *err)
{
    const struct outbox_row row = {
        .id = *id, .relay = relay, .state = OUTBOX_REFUSED, .reason = reason};
    return settle(store, &row, err);
}

bool outbox_relays(struct store *store, struct span **urls, size_t *count, struct arena *arena,
                   struct err *err)
{
    struct sqlite3_stmt *row;
    return sql_start(store->sql, &row, err,
                     "SELECT url FROM relay WHERE r IN (SELECT r FROM outbox WHERE state = 0)"
                     " ORDER BY url",
                     "") &&
           sql_texts(store->sql, urls, count, arena, row, err);
}

bool outbox_route_later(struct store *store, const struct bytes32 *id, struct err *err)
{
    return sql_run(store->sql, err,
                   "INSERT OR IGNORE INTO unrouted SELECT n FROM log WHERE h = ? AND id = ?", "ib",
                   store_hash_of(id), id);
}

bool outbox_to_route(struct store *store, struct outbox_rows *rows, struct arena *arena, size_t max,
                     struct err *err)
{
    struct sqlite3_stmt *row;
    return sql_start(store->sql, &row, err,
                     "SELECT id, '', body, 0, 0, 0, '' FROM unrouted JOIN log USING (n)"
                     " WHERE NOT is_redacted ORDER BY n LIMIT ?",
                     "i", (int64_t)max) &&
           read_rows(store, row, rows, arena, err);
}

bool outbox_route_done(struct store *store, const struct bytes32 *id, struct err *err)
{
    return sql_run(store->sql, err,
                   "DELETE FROM unrouted WHERE n = (SELECT n FROM log WHERE h = ? AND id = ?)",
                   "ib", store_hash_of(id), id);
}

bool outbox_retry(struct store *store, uint64_t *count, struct span relay, struct err *err)
{
    bool ok = sql_run(store->sql, err,
                      "UPDATE outbox SET state = 0, next_ms = 0 WHERE state <> 1"
                      " AND (?1 = '' OR r = (SELECT r FROM relay WHERE url = ?1))",
                      "s", relay);
    *count = (uint64_t)sql_changes(store->sql);
    return ok;
}

bool outbox_drop(struct store *store, uint64_t *count, struct span relay, struct err *err)
{
    bool ok = sql_run(store->sql, err,
                      "DELETE FROM outbox WHERE state <> 1"
                      " AND (?1 = '' OR r = (SELECT r FROM relay WHERE url = ?1))",
                      "s", relay);
    *count = (uint64_t)sql_changes(store->sql);
    return ok;
}
