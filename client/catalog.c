#include "client/catalog.h"

#include "client/catalog_parts.h"
#include "client/catalog_watch.h"
#include "client/hlc.h"
#include "client/sql.h"
#include "client/store_parts.h"
#include "shared/arena.h"
#include "shared/event.h"

enum { EVENTS_AT_ONCE = 2000 };

uint64_t catalog_horizon(const struct store *store)
{
    return store->now_ms + HLC_AHEAD_MAX_MS;
}

static bool parse(struct event *event, struct arena *arena, struct sqlite3_stmt *row, int column,
                  struct err *err)
{
    struct span body = arena_copy(arena, sql_text(row, column));
    sql_end(row);
    return event_parse(event, arena, body, err);
}

/* One more event that is due, if any is. */
static bool release_one(struct store *store, bool *is_one, struct err *err)
{
    struct arena arena = {0};
    struct sqlite3_stmt *row;
    struct event event;
    if (!sql_start(store->sql, &row, err,
                   "SELECT n, root, body FROM quarantine JOIN event USING (n) JOIN log USING (n)"
                   " WHERE due_ms <= ? LIMIT 1",
                   "i", (int64_t)store->now_ms) ||
        !sql_next(store->sql, row, is_one, err))
        return false;
    if (!*is_one)
        return true;
    int64_t n = sql_int(row, 0);
    bool is_node = sql_text(row, 1).len > 0;
    struct bytes32 root = sql_id(row, 1);
    bool ok =
        parse(&event, &arena, row, 2, err) &&
        sql_run(store->sql, err, "DELETE FROM quarantine WHERE n = ?", "i", n) &&
        (is_node ? catalog_mark(store, &root, err) : catalog_add_words(store, n, &event, err));
    arena_clear(&arena);
    return ok;
}

bool catalog_release(struct store *store, struct err *err)
{
    bool is_one = true;
    while (is_one)
        if (!release_one(store, &is_one, err))
            return false;
    return true;
}

/* Events that count, and are ahead of the clock: it was set back. */
#define UNTIMELY \
    " FROM event WHERE ts >= ?1 / 1000 AND ms > ?1 AND n NOT IN (SELECT n FROM quarantine)"

static bool is_untimely(struct store *store, int64_t *is_untimely, struct err *err)
{
    return sql_number(store->sql, is_untimely, 0, err, "SELECT 1" UNTIMELY " LIMIT 1", "i",
                      (int64_t)catalog_horizon(store));
}

static bool withdraw(struct store *store, struct err *err)
{
    int64_t horizon = (int64_t)catalog_horizon(store);
    return sql_run(store->sql, err,
                   "UPDATE entity SET is_dirty = 1 WHERE root IN (SELECT root" UNTIMELY
                   ") OR circle IN (SELECT root" UNTIMELY ")",
                   "i", horizon) &&
           sql_run(store->sql, err,
                   "DELETE FROM words WHERE rowid IN (SELECT n" UNTIMELY " AND root IS NULL)", "i",
                   horizon) &&
           sql_run(store->sql, err,
                   "INSERT INTO quarantine SELECT n, ms - ?2" UNTIMELY " AND root IS NULL", "ii",
                   horizon, (int64_t)HLC_AHEAD_MAX_MS);
}

/* The event behind *settled, if there is one. */
static bool add_next(struct store *store, int64_t *settled, bool *is_one, struct err *err)
{
    struct arena arena = {0};
    struct sqlite3_stmt *row;
    struct event event;
    if (!sql_start(store->sql, &row, err, "SELECT n, body FROM log WHERE n > ? ORDER BY n LIMIT 1",
                   "i", *settled) ||
        !sql_next(store->sql, row, is_one, err))
        return false;
    if (!*is_one)
        return true;
    *settled = sql_int(row, 0);
    bool ok = parse(&event, &arena, row, 1, err) && catalog_add(store, *settled, &event, err);
    arena_clear(&arena);
    return ok;
}

static bool find_settled(struct store *store, int64_t *settled, struct err *err)
{
    return sql_number(store->sql, settled, 0, err, "SELECT value FROM meta WHERE key = 'settled'",
                      "");
}

void catalog_watch(struct store *store, catalog_watch_fn *fn, void *owner)
{
    store->watch = fn;
    store->watcher = owner;
}

static bool tell(struct store *store, int64_t settled, struct err *err)
{
    int64_t last = 0;
    if (store->watch == NULL)
        return true;
    if (!sql_number(store->sql, &last, 0, err, "SELECT max(n) FROM log", ""))
        return false;
    store->watch(store->watcher, (uint64_t)settled, (uint64_t)last);
    return true;
}

/* Takes in up to so many events, then folds up to so many entities; is_done: nothing was left. */
static bool settle_some(struct store *store, bool *is_done, struct err *err)
{
    int64_t settled, ahead;
    bool is_made, is_one = true;
    if (!catalog_is_made(store->sql, &is_made, err) ||
        (!is_made && !catalog_make(store->sql, err)) || !find_settled(store, &settled, err) ||
        !is_untimely(store, &ahead, err) || (ahead != 0 && !withdraw(store, err)))
        return false;
    catalog_tags_clear(&store->tags); /* of what failed before */
    for (int i = 0; is_one && i < EVENTS_AT_ONCE; i++)
        if (!add_next(store, &settled, &is_one, err))
            return false;
    *is_done = false;
    if (!catalog_tags_flush(&store->tags, store->sql, err) ||
        !sql_run(store->sql, err, "UPDATE meta SET value = ? WHERE key = 'settled'", "i",
                 settled) ||
        !tell(store, settled, err))
        return false;
    return is_one || (catalog_release(store, err) && catalog_fold(store, is_done, err));
}

static bool settle(struct store *store, struct err *err)
{
    bool is_done = false;
    while (!is_done)
        if (!settle_some(store, &is_done, err))
            return false;
    return true;
}

/* So that who only reads need not wait for those who write. */
static bool is_settled(struct store *store, bool *is_settled, struct err *err)
{
    int64_t settled, last, due, dirty, ahead;
    *is_settled = false;
    bool is_made;
    if (!catalog_is_made(store->sql, &is_made, err))
        return false;
    if (!is_made)
        return true;
    if (!find_settled(store, &settled, err) ||
        !sql_number(store->sql, &last, 0, err, "SELECT max(n) FROM log", "") ||
        !sql_number(store->sql, &due, 0, err, "SELECT 1 FROM quarantine WHERE due_ms <= ? LIMIT 1",
                    "i", (int64_t)store->now_ms) ||
        !sql_number(store->sql, &dirty, 0, err, "SELECT 1 FROM entity WHERE is_dirty LIMIT 1",
                    "") ||
        !is_untimely(store, &ahead, err))
        return false;
    *is_settled = settled == last && due == 0 && dirty == 0 && ahead == 0;
    return true;
}

bool catalog_settle(struct store *store, struct err *err)
{
    bool is_done, is_own = true;
    if (!is_settled(store, &is_done, err))
        return false;
    while (!is_done && is_own) { /* others write in between */
        if (!store_enter(store, &is_own, err))
            return false;
        bool ok = is_own ? settle_some(store, &is_done, err) : settle(store, err);
        if (!store_leave(store, is_own, ok, err))
            return false;
    }
    return true;
}

bool catalog_rebuild(struct store *store, bool *is_equal, bool is_kept, struct err *err)
{
    struct bytes32 before, after;
    *is_equal = false;
    if (!store_begin(store, err))
        return false;
    bool ok = catalog_hash(store, &before, err) && catalog_make(store->sql, err) &&
              catalog_hash(store, &after, err);
    *is_equal = ok && memcmp(&before, &after, sizeof before) == 0;
    if (ok && is_kept)
        return store_commit(store, err);
    store_rollback(store);
    return ok;
}
