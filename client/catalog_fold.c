/* catalog_fold.c - entities, put together from their events. */
#include "client/catalog_circle.h"
#include "client/catalog_parts.h"
#include "client/catalog_past.h"
#include "client/circle.h"
#include "client/doc.h"
#include "client/entity.h"
#include "client/hlc.h"
#include "client/replica.h"
#include "client/sql.h"
#include "client/state.h"
#include "client/store_parts.h"
#include "shared/arena.h"
#include "shared/event.h"
#include "shared/kind.h"
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

/* The circle of an entity; NULL where it is of none. */
static bool find_circle(struct store *store, struct circle **circle, const struct bytes32 *root,
                        uint64_t horizon_ms, struct err *err)
{
    struct sqlite3_stmt *row;
    bool is_row;
    *circle = NULL;
    if (!sql_start(store->sql, &row, err,
                   "SELECT circle FROM entity WHERE root = ? AND circle IS NOT NULL", "b", root) ||
        !sql_next(store->sql, row, &is_row, err))
        return false;
    if (!is_row)
        return true;
    struct bytes32 id = sql_id(row, 0);
    sql_end(row);
    return catalog_gather(store, circle, &id, horizon_ms, err);
}

static bool load_rows(struct store *store, struct replica *replica, const struct bytes32 *root,
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

bool catalog_govern(struct store *store, struct replica *replica, const struct bytes32 *root,
                    uint64_t horizon_ms, struct err *err)
{
    struct circle *circle;
    if (!find_circle(store, &circle, root, horizon_ms, err))
        return false;
    if (circle != NULL)
        replica_govern(replica, circle);
    return true;
}

static bool load(struct store *store, struct replica *replica, const struct bytes32 *root,
                 uint64_t horizon_ms, struct err *err)
{
    if (!catalog_govern(store, replica, root, horizon_ms, err))
        return false;
    if (!load_rows(store, replica, root, err))
        return false;
    replica_settle(replica);
    return true;
}

static bool load_at(struct store *store, struct replica **replica, const struct bytes32 *root,
                    uint64_t horizon_ms, uint64_t cut, struct err *err)
{
    *replica = NULL;
    if (!catalog_settle(store, err))
        return false;
    *replica = replica_new(root, horizon_ms, 0);
    replica_cut(*replica, cut);
    if (load(store, *replica, root, horizon_ms, err))
        return true;
    replica_free(*replica);
    *replica = NULL;
    return false;
}

bool catalog_load(struct store *store, struct replica **replica, const struct bytes32 *root,
                  uint64_t horizon_ms, struct err *err)
{
    return load_at(store, replica, root, horizon_ms, UINT64_MAX, err);
}

bool catalog_load_at(struct store *store, struct replica **replica, const struct bytes32 *root,
                     uint64_t cut, struct err *err)
{
    return load_at(store, replica, root, catalog_horizon(store), cut, err);
}

/* What an entity or a circle comes to. */
struct outcome {
    const struct bytes32 *author; /* NULL: unknown */
    const struct entity *entity;
    struct span type;
    bool is_deleted;
    size_t contradictions, idle;
    struct text state, text, words;
};

static void clear(struct outcome *outcome)
{
    text_clear(&outcome->state);
    text_clear(&outcome->text);
    text_clear(&outcome->words);
}

static bool keep_state(struct sql *sql, const struct outcome *outcome, const struct bytes32 *root,
                       struct err *err)
{
    const struct entity *entity = outcome->entity;
    const struct bytes32 *author = outcome->author;
    struct text all = {0};
    text_add(&all, text_span(&outcome->state));
    text_add(&all, SPAN("\n"));
    text_add(&all, text_span(&outcome->text));
    struct bytes32 hash = sig_sha256(text_span(&all));
    text_clear(&all);
    int64_t counted = (int64_t)(entity_applied_count(entity) + entity_waiting_count(entity));
    return sql_run(sql, err,
                   "UPDATE entity SET is_dirty = 0, has_root = ?, type = ?, state = ?, text = ?,"
                   " hash = ?, hlc = ?, is_deleted = ?, applied = ?, waiting = ?,"
                   " contradictions = ?, idle = ? + (SELECT count(*) FROM event"
                   " WHERE root = entity.root) WHERE root = ?",
                   "isssbiiiiiib", (int64_t)(author != NULL), outcome->type,
                   text_span(&outcome->state), text_span(&outcome->text), &hash,
                   (int64_t)entity_hlc(entity), (int64_t)outcome->is_deleted,
                   (int64_t)entity_applied_count(entity), (int64_t)entity_waiting_count(entity),
                   (int64_t)outcome->contradictions, (int64_t)outcome->idle - counted, root) &&
           (author == NULL ||
            sql_run(sql, err, "UPDATE entity SET author = ? WHERE root = ?", "bb", author, root));
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
        ok = sql_run(sql, err, "INSERT OR IGNORE INTO missing VALUES (?, ?)", "bb", root, &ids[i]);
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
static bool keep_words(struct sql *sql, const struct outcome *outcome, const struct bytes32 *root,
                       struct err *err)
{
    int64_t n;
    if (!sql_number(sql, &n, 0, err, "SELECT n FROM log WHERE h = ? AND id = ?", "ib",
                    store_hash_of(root), root))
        return false;
    return sql_run(sql, err, "DELETE FROM words WHERE rowid = ?", "i", n) &&
           (n == 0 || outcome->words.len == 0 ||
            sql_run(sql, err, "INSERT INTO words(rowid, text) VALUES (?, ?)", "is", n,
                    text_span(&outcome->words)));
}

static bool keep(struct store *store, const struct outcome *outcome, const struct bytes32 *root,
                 struct err *err)
{
    return keep_state(store->sql, outcome, root, err) &&
           keep_heads(store->sql, outcome->entity, root, err) && keep_ahead(store, root, err) &&
           keep_words(store->sql, outcome, root, err);
}

static bool fold_circle(struct store *store, const struct bytes32 *root, struct err *err)
{
    struct circle *circle;
    if (!catalog_gather(store, &circle, root, catalog_horizon(store), err))
        return false;
    const struct act *creation = circle_creation(circle);
    struct outcome outcome = {.entity = circle_entity(circle), .type = SPAN("circle")};
    if (creation != NULL) {
        outcome.author = &circle_change(circle, 0)->author;
        catalog_write_circle(&outcome.state, circle);
        text_add(&outcome.words, creation->name);
    }
    bool ok = keep(store, &outcome, root, err) && catalog_touch(store, circle, root, err);
    clear(&outcome);
    circle_free(circle);
    return ok;
}

static bool fold_entity(struct store *store, const struct bytes32 *root, struct err *err)
{
    struct replica *replica = replica_new(root, catalog_horizon(store), 0);
    bool ok = load(store, replica, root, catalog_horizon(store), err);
    if (ok) {
        const struct state *state = entity_state(replica_entity(replica));
        struct outcome outcome = {.author = replica_author(replica),
                                  .entity = replica_entity(replica),
                                  .type = state->type,
                                  .is_deleted = state_is_deleted(state),
                                  .contradictions = replica_contradictions(replica),
                                  .idle = replica_idle(replica)};
        state_write(state, &outcome.state, true);
        if (replica_doc(replica) != NULL)
            doc_text(replica_doc(replica), &outcome.text, SPAN(REPLICA_TEXT));
        replica_words(replica, &outcome.words);
        ok = keep(store, &outcome, root, err);
        clear(&outcome);
    }
    replica_free(replica);
    return ok;
}

static bool fold(struct store *store, const struct bytes32 *root, struct err *err)
{
    int64_t kind;
    if (!sql_number(store->sql, &kind, 0, err,
                    "SELECT kind FROM event JOIN log USING (n) WHERE h = ? AND id = ?", "ib",
                    store_hash_of(root), root))
        return false;
    return kind == KIND_CIRCLE_OP ? fold_circle(store, root, err) : fold_entity(store, root, err);
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
