/* catalog_fold.c - entities, put together from their events. */
#include "client/catalog_parts.h"
#include "client/doc.h"
#include "client/entity.h"
#include "client/hlc.h"
#include "client/replica.h"
#include "client/sql.h"
#include "client/state.h"
#include "client/store_parts.h"
#include "shared/arena.h"
#include "shared/event.h"
#include "shared/sig.h"
#include "shared/text.h"

enum { MISSING_MAX = 1000, FOLDS_AT_ONCE = 500 };

bool catalog_mark(struct store *store, const struct bytes32 *root, struct err *err)
{
    return sql_run(store->sql, err,
                   "INSERT INTO entity(root) VALUES (?)"
                   " ON CONFLICT(root) DO UPDATE SET is_dirty = 1 WHERE NOT is_dirty",
                   "b", root);
}

static bool put_row(struct replica *replica, struct sqlite3_stmt *row, struct err *err)
{
    struct arena arena = {0};
    struct event event;
    bool ok = event_parse(&event, &arena, sql_text(row, 0), err);
    if (ok)
        (void)replica_put(replica, &event, sql_int(row, 1) != 0);
    arena_clear(&arena);
    return ok;
}

static bool load(struct store *store, struct replica *replica, const struct bytes32 *root,
                 struct err *err)
{
    struct sqlite3_stmt *row;
    bool is_row;
    if (!sql_start(store->sql, &row, err,
                   "SELECT body, is_redacted FROM event JOIN log USING (n) WHERE root = ?1"
                   " ORDER BY id <> ?1, n",
                   "b", root))
        return false;
    while (true) {
        if (!sql_next(store->sql, row, &is_row, err))
            return false;
        if (!is_row)
            return true;
        if (!put_row(replica, row, err)) {
            sql_end(row);
            return false;
        }
    }
}

bool catalog_load(struct store *store, struct replica **replica, const struct bytes32 *root,
                  uint64_t horizon_ms, struct err *err)
{
    *replica = NULL;
    if (!catalog_settle(store, err))
        return false;
    *replica = replica_new(root, horizon_ms, 0);
    if (load(store, *replica, root, err))
        return true;
    replica_free(*replica);
    *replica = NULL;
    return false;
}

static bool keep_state(struct sql *sql, const struct replica *replica, const struct bytes32 *root,
                       struct err *err)
{
    const struct entity *entity = replica_entity(replica);
    const struct state *state = entity_state(entity);
    const struct bytes32 *author = replica_author(replica);
    struct text all = {0};
    state_write(state, &all, true);
    size_t len = all.len;
    text_add(&all, SPAN("\n"));
    if (replica_doc(replica) != NULL)
        doc_text(replica_doc(replica), &all, SPAN(REPLICA_TEXT));
    struct bytes32 hash = sig_sha256(text_span(&all));
    bool ok =
        sql_run(sql, err,
                "UPDATE entity SET is_dirty = 0, has_root = ?, type = ?, state = ?, text = ?,"
                " hash = ?, hlc = ?, is_deleted = ?, applied = ?, waiting = ?, contradictions = ?"
                " WHERE root = ?",
                "isssbiiiiib", (int64_t)(author != NULL), state->type, (struct span){all.at, len},
                (struct span){all.at + len + 1, all.len - len - 1}, &hash,
                (int64_t)entity_hlc(entity), (int64_t)state_is_deleted(state),
                (int64_t)entity_applied_count(entity), (int64_t)entity_waiting_count(entity),
                (int64_t)replica_contradictions(replica), root) &&
        (author == NULL ||
         sql_run(sql, err, "UPDATE entity SET author = ? WHERE root = ?", "bb", author, root));
    text_clear(&all);
    return ok;
}

static bool keep_heads(struct sql *sql, const struct entity *entity, const struct bytes32 *root,
                       struct err *err)
{
    struct arena arena = {0};
    size_t count = entity_heads(entity, NULL, 0);
    struct bytes32 *ids = arena_array(&arena, struct bytes32, count + MISSING_MAX);
    bool ok = sql_run(sql, err, "DELETE FROM head WHERE root = ?", "b", root) &&
              sql_run(sql, err, "DELETE FROM missing WHERE root = ?", "b", root);
    count = entity_heads(entity, ids, count);
    for (size_t i = 0; ok && i < count; i++)
        ok = sql_run(sql, err, "INSERT INTO head VALUES (?, ?)", "bb", root, &ids[i]);
    count = entity_missing(entity, ids, MISSING_MAX);
    for (size_t i = 0; ok && i < count; i++)
        ok = sql_run(sql, err, "INSERT INTO missing VALUES (?, ?)", "bb", root, &ids[i]);
    arena_clear(&arena);
    return ok;
}

/* What is ahead of its time is judged again once that has come. */
static bool keep_ahead(struct store *store, const struct bytes32 *root, struct err *err)
{
    return sql_run(store->sql, err,
                   "DELETE FROM quarantine WHERE n IN (SELECT n FROM event WHERE root = ?)", "b",
                   root) &&
           sql_run(store->sql, err,
                   "INSERT INTO quarantine SELECT n, ms - ? FROM event WHERE root = ? AND ms > ?",
                   "ibi", (int64_t)HLC_AHEAD_MAX_MS, root, (int64_t)catalog_horizon(store));
}

/* Found by the words of its state, under its root. */
static bool keep_words(struct sql *sql, const struct replica *replica, const struct bytes32 *root,
                       struct err *err)
{
    struct text words = {0};
    int64_t n;
    if (!sql_number(sql, &n, 0, err, "SELECT n FROM log WHERE h = ? AND id = ?", "ib",
                    store_hash_of(root), root))
        return false;
    replica_words(replica, &words);
    bool ok = sql_run(sql, err, "DELETE FROM words WHERE rowid = ?", "i", n) &&
              (n == 0 || words.len == 0 ||
               sql_run(sql, err, "INSERT INTO words(rowid, text) VALUES (?, ?)", "is", n,
                       text_span(&words)));
    text_clear(&words);
    return ok;
}

static bool fold(struct store *store, const struct bytes32 *root, struct err *err)
{
    struct replica *replica = replica_new(root, catalog_horizon(store), 0);
    bool ok = load(store, replica, root, err) && keep_state(store->sql, replica, root, err) &&
              keep_heads(store->sql, replica_entity(replica), root, err) &&
              keep_ahead(store, root, err) && keep_words(store->sql, replica, root, err);
    replica_free(replica);
    return ok;
}

bool catalog_fold(struct store *store, bool *is_done, struct err *err)
{
    struct sqlite3_stmt *row;
    bool is_row = true;
    for (int i = 0; i < FOLDS_AT_ONCE; i++) {
        if (!sql_start(store->sql, &row, err, "SELECT root FROM entity WHERE is_dirty LIMIT 1",
                       "") ||
            !sql_next(store->sql, row, &is_row, err))
            return false;
        if (!is_row)
            break;
        struct bytes32 root = sql_id(row, 0);
        sql_end(row);
        if (!fold(store, &root, err))
            return false;
    }
    *is_done = !is_row;
    return true;
}
