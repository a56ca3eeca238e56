/* store_relay.c - the relays that the store knows, and how far each was asked. */
#include "client/sql.h"
#include "client/store_parts.h"
#include "shared/arena.h"

bool store_relay(struct store *store, int64_t *number, struct span url, struct err *err)
{
    return sql_run(store->sql, err, "INSERT OR IGNORE INTO relay(url) VALUES (?)", "s", url) &&
           sql_number(store->sql, number, 0, err, "SELECT r FROM relay WHERE url = ?", "s", url);
}

bool store_relays(struct store *store, struct span **urls, size_t *count, struct arena *arena,
                  struct err *err)
{
    struct sqlite3_stmt *row;
    return sql_start(store->sql, &row, err, "SELECT url FROM relay WHERE is_used ORDER BY url",
                     "") &&
           sql_texts(store->sql, urls, count, arena, row, err);
}

bool store_add_relay(struct store *store, struct span url, struct err *err)
{
    return sql_run(store->sql, err,
                   "INSERT INTO relay(url, is_used) VALUES (?, 1)"
                   " ON CONFLICT(url) DO UPDATE SET is_used = 1",
                   "s", url);
}

static bool forget(struct store *store, bool *was_there, struct span url, struct err *err)
{
    struct sql *sql = store->sql;
    if (!sql_run(sql, err, "UPDATE relay SET is_used = 0 WHERE url = ? AND is_used", "s", url))
        return false;
    *was_there = sql_changes(sql) > 0;
    return sql_run(sql, err, "DELETE FROM cursor WHERE r = (SELECT r FROM relay WHERE url = ?)",
                   "s", url) &&
           sql_run(sql, err,
                   "DELETE FROM outbox WHERE state <> 1"
                   " AND r = (SELECT r FROM relay WHERE url = ?)",
                   "s", url);
}

bool store_remove_relay(struct store *store, bool *was_there, struct span url, struct err *err)
{
    bool is_own;
    if (!store_enter(store, &is_own, err))
        return false;
    return store_leave(store, is_own, forget(store, was_there, url, err), err);
}

bool store_cursor(struct store *store, struct store_cursor *cursor, struct span relay,
                  struct span key, struct err *err)
{
    struct sqlite3_stmt *row;
    bool is_row;
    *cursor = (struct store_cursor){0};
    if (!sql_start(store->sql, &row, err,
                   "SELECT since, until FROM cursor JOIN relay USING (r) WHERE url = ? AND key = ?",
                   "ss", relay, key) ||
        !sql_next(store->sql, row, &is_row, err))
        return false;
    if (is_row) {
        *cursor = (struct store_cursor){sql_int(row, 0), sql_int(row, 1)};
        sql_end(row);
    }
    return true;
}

bool store_set_cursor(struct store *store, const struct store_cursor *cursor, struct span relay,
                      struct span key, struct err *err)
{
    bool is_own;
    int64_t number;
    if (!store_enter(store, &is_own, err))
        return false;
    bool ok = store_relay(store, &number, relay, err) &&
              sql_run(store->sql, err, "INSERT OR REPLACE INTO cursor VALUES (?, ?, ?, ?)", "isii",
                      number, key, cursor->since, cursor->until);
    return store_leave(store, is_own, ok, err);
}
