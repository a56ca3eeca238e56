/* catalog_index.c - one event of the log, taken apart into the tables. */
#include "client/act.h"
#include "client/catalog_circle.h"
#include "client/catalog_parts.h"
#include "client/catalog_redacted.h"
#include "client/epoch.h"
#include "client/hlc.h"
#include "client/keyring.h"
#include "client/node.h"
#include "client/redaction.h"
#include "client/sql.h"
#include "client/store_parts.h"
#include "shared/arena.h"
#include "shared/event.h"
#include "shared/hex.h"
#include "shared/kind.h"
#include "shared/scan.h"
#include "shared/text.h"

/* Where it stands in the history of an entity. */
static bool add_node(struct sql *sql, int64_t n, const struct node *node, struct err *err)
{
    for (uint32_t i = 0; i < node->parent_count; i++)
        if (!sql_run(sql, err, "INSERT INTO edge VALUES (?, ?)", "bi", &node->parents[i], n))
            return false;
    return !node->has_writer ||
           sql_run(sql, err, "INSERT INTO writer VALUES (?, ?, ?, ?)", "biii", &node->author,
                   (int64_t)node->device, (int64_t)node->seq, n);
}

/* Content that only some can read, or that is no text. */
static bool is_unread(uint16_t kind)
{
    static const uint16_t kinds[] = {KIND_FOLLOWS, KIND_ENCRYPTED_MESSAGE, KIND_SEAL,
                                     KIND_REPOST,  KIND_GENERIC_REPOST,    KIND_GIFT_WRAP,
                                     KIND_AUTH};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (kinds[i] == kind)
            return true;
    return (kind >= KIND_OP && kind < KIND_OP + 10) || kind == KIND_PIECE;
}

bool catalog_add_words(struct store *store, int64_t n, const struct event *event, struct err *err)
{
    static const struct span names[] = {{"title", 5}, {"subject", 7}, {"summary", 7}, {"alt", 3}};
    struct arena arena = {0};
    struct text words = {0};
    if (is_unread(event->kind))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const struct span *value = event_tag_value(event, names[i]);
        if (value != NULL) {
            text_add(&words, *value);
            text_add(&words, SPAN("\n"));
        }
    }
    text_add(&words, scan_decode(&arena, (struct scan_string){event->content_json, true}));
    bool ok =
        words.len == 0 || sql_run(store->sql, err, "INSERT INTO words(rowid, text) VALUES (?, ?)",
                                  "is", n, text_span(&words));
    text_clear(&words);
    arena_clear(&arena);
    return ok;
}

/* Puts in the log what is left of an event, and takes it out of the outbox. */
static bool cut(struct sql *sql, int64_t n, struct event *event, struct arena *arena,
                struct err *err)
{
    struct text body = {0};
    redaction_apply(event, arena);
    event_write(&body, event);
    bool ok = sql_run(sql, err, "UPDATE log SET body = ?, is_redacted = 1 WHERE n = ?", "si",
                      text_span(&body), n) &&
              sql_run(sql, err, "DELETE FROM outbox WHERE n = ? AND state <> 1", "i", n);
    text_clear(&body);
    return ok;
}

/* An event that is in the tables already was taken back. */
static bool cut_added(struct store *store, int64_t n, struct span body, struct err *err)
{
    struct sql *sql = store->sql;
    struct arena arena = {0};
    struct event event;
    struct node node;
    bool ok = event_parse(&event, &arena, body, err) &&
              catalog_tags_remove(&store->tags, sql, n, &event, err) &&
              cut(sql, n, &event, &arena, err) &&
              sql_run(sql, err, "DELETE FROM words WHERE rowid = ?", "i", n);
    if (ok)
        catalog_tags_add(&store->tags, n, &event);
    if (ok && node_parse(&node, &arena, &event, NULL))
        ok = catalog_mark(store, &node.root, err);
    arena_clear(&arena);
    return ok;
}

/* Takes an event back that is in the tables; n: its place, 0 when it is not here. */
static bool cut_found(struct store *store, int64_t *n, const struct bytes32 *id,
                      const struct bytes32 *author, struct err *err)
{
    struct arena arena = {0};
    struct sqlite3_stmt *row;
    bool is_row;
    *n = 0;
    if (!sql_start(store->sql, &row, err,
                   "SELECT n, body FROM log JOIN event USING (n) WHERE h = ? AND id = ? AND pk = ?"
                   " AND kind NOT IN (5, 62, 1572, 1574) AND NOT is_redacted",
                   "ibb", store_hash_of(id), id, author) ||
        !sql_next(store->sql, row, &is_row, err))
        return false;
    if (!is_row)
        return true;
    *n = sql_int(row, 0);
    struct span body = arena_copy(&arena, sql_text(row, 1));
    sql_end(row);
    bool ok = cut_added(store, *n, body, err);
    arena_clear(&arena);
    return ok;
}

/* What was sealed in an event that was taken back, too. */
static bool cut_inner(struct store *store, int64_t n, const struct bytes32 *author, struct err *err)
{
    struct sqlite3_stmt *row;
    bool is_row;
    if (!sql_start(store->sql, &row, err,
                   "SELECT inner FROM sealed WHERE n = ? AND inner IS NOT NULL", "i", n) ||
        !sql_next(store->sql, row, &is_row, err))
        return false;
    if (is_row) {
        struct bytes32 inner = sql_id(row, 0);
        sql_end(row);
        if (!cut_found(store, &(int64_t){0}, &inner, author, err))
            return false;
    }
    return sql_run(store->sql, err, "DELETE FROM sealed WHERE n = ?", "i", n);
}

/* Takes back one event of the same author, whether it is here already or comes later. */
static bool redact(struct store *store, const struct event *by, const struct bytes32 *id,
                   struct err *err)
{
    int64_t n;
    return sql_run(store->sql, err, "INSERT OR IGNORE INTO redaction VALUES (?, ?)", "bb", id,
                   &by->pubkey) &&
           cut_found(store, &n, id, &by->pubkey, err) &&
           (n == 0 || cut_inner(store, n, &by->pubkey, err));
}

static bool redact_targets(struct store *store, const struct event *event, struct arena *arena,
                           struct err *err)
{
    struct bytes32 *ids;
    size_t count = redaction_targets(event, &ids, arena);
    for (size_t i = 0; i < count; i++)
        if (!redact(store, event, &ids[i], err))
            return false;
    return true;
}

/* The next event of an author who asked to be forgotten, taken back; is_one: there was one. */
static bool forget_one(struct store *store, const struct event *by, bool *is_one, struct err *err)
{
    struct sqlite3_stmt *row;
    int64_t n;
    if (!sql_start(store->sql, &row, err,
                   "SELECT id FROM event JOIN log USING (n) WHERE pk = ? AND ts <= ?"
                   " AND kind NOT IN (5, 62, 1572, 1574) AND NOT is_redacted LIMIT 1",
                   "bi", &by->pubkey, by->created_at) ||
        !sql_next(store->sql, row, is_one, err))
        return false;
    if (!*is_one)
        return true;
    struct bytes32 id = sql_id(row, 0);
    sql_end(row);
    return cut_found(store, &n, &id, &by->pubkey, err) && cut_inner(store, n, &by->pubkey, err);
}

/* All that is here of them; what comes later is cut when it does. The ids stay, so that what relays
 * still have is known here and not taken in again. */
static bool forget(struct store *store, const struct event *by, struct err *err)
{
    bool is_one = redaction_is_vanish(by);
    if (is_one && !sql_run(store->sql, err,
                           "INSERT INTO vanish VALUES (?1, ?2)"
                           " ON CONFLICT(author) DO UPDATE SET until = max(until, ?2)",
                           "bi", &by->pubkey, by->created_at))
        return false;
    while (is_one)
        if (!forget_one(store, by, &is_one, err))
            return false;
    return true;
}

/* Of a circle: nobody takes back that somebody was removed. */
static bool is_of_history(uint16_t kind)
{
    return kind == KIND_CIRCLE_OP || kind == KIND_KEY_EPOCH;
}

static bool find_request(struct store *store, bool *is_it, const struct event *event,
                         struct err *err)
{
    int64_t is_redacted;
    bool ok = sql_number(store->sql, &is_redacted, 0, err,
                         "SELECT 1 FROM redaction WHERE id = ?1 AND author = ?2 UNION ALL"
                         " SELECT 1 FROM vanish WHERE author = ?2 AND until >= ?3",
                         "bbi", &event->id, &event->pubkey, event->created_at);
    *is_it = ok && is_redacted != 0 && !redaction_spares(event->kind);
    return ok;
}

bool catalog_is_taken_back(struct store *store, bool *is_it, const struct event *event,
                           struct err *err)
{
    *is_it = false;
    return catalog_settle(store, err) && find_request(store, is_it, event, err);
}

static bool each_redacted(struct store *store, struct sqlite3_stmt *row, store_each_fn *fn,
                          void *owner, struct err *err)
{
    bool is_row, is_withheld;
    while (sql_next(store->sql, row, &is_row, err)) {
        if (!is_row)
            return true;
        struct bytes32 id = sql_id(row, 0);
        bool ok = catalog_is_withheld(store, &is_withheld, &id, err);
        if (!ok || (!is_withheld && !fn(owner, &id, sql_text(row, 1)))) {
            sql_end(row);
            return ok;
        }
    }
    return false;
}

bool catalog_each_redacted(struct store *store, store_each_fn *fn, void *owner, struct err *err)
{
    struct sqlite3_stmt *row;
    return catalog_settle(store, err) &&
           sql_start(store->sql, &row, err, "SELECT id, body FROM log WHERE is_redacted ORDER BY n",
                     "") &&
           each_redacted(store, row, fn, owner, err);
}

/* Cuts event, which is new here, when it was taken back before it came. */
static bool cut_new(struct store *store, int64_t n, struct event *event, struct arena *arena,
                    struct err *err)
{
    bool is_it;
    if (!find_request(store, &is_it, event, err))
        return false;
    return !is_it || cut(store->sql, n, event, arena, err);
}

/* In milliseconds, when it says that it was made. */
static uint64_t time_of(const struct event *event, const struct node *node)
{
    uint64_t seconds = (uint64_t)event->created_at;
    if (node != NULL)
        return hlc_ms(node->hlc);
    return seconds > INT64_MAX / 1000 ? INT64_MAX : seconds * 1000;
}

/* An event that is no part of an entity. */
static bool add_plain(struct store *store, int64_t n, const struct event *event, struct err *err)
{
    uint64_t ms = time_of(event, NULL);
    if (!sql_run(store->sql, err, "INSERT INTO event(n, kind, pk, ts, ms) VALUES (?, ?, ?, ?, ?)",
                 "iibii", n, (int64_t)event->kind, &event->pubkey, event->created_at, (int64_t)ms))
        return false;
    if (ms <= catalog_horizon(store))
        return catalog_add_words(store, n, event, err);
    return sql_run(store->sql, err, "INSERT INTO quarantine VALUES (?, ?)", "ii", n,
                   (int64_t)(ms - HLC_AHEAD_MAX_MS));
}

/* Of a circle that is not known to be open it is only told sealed. */
static bool withhold(struct sql *sql, int64_t n, const struct bytes32 *circle, struct err *err)
{
    int64_t is_open;
    return sql_number(sql, &is_open, 0, err, "SELECT is_open FROM entity WHERE root = ?", "b",
                      circle) &&
           sql_run(sql, err, "UPDATE event SET circle = ?, is_withheld = ? WHERE n = ?", "bii",
                   circle, (int64_t)(is_open == 0), n);
}

/* The history of a circle is for all, unless it says that it is for its members. */
static bool add_circle(struct sql *sql, int64_t n, const struct event *event,
                       const struct node *node, struct err *err)
{
    if (is_of_history(node->kind))
        return !event_is_protected(event) ||
               sql_run(sql, err, "UPDATE event SET is_withheld = 1 WHERE n = ?", "i", n);
    if (!node->has_circle)
        return true;
    return withhold(sql, n, &node->circle, err) &&
           (!node_is_root(node) || sql_run(sql, err, "UPDATE entity SET circle = ? WHERE root = ?",
                                           "bb", &node->circle, &node->root));
}

/* What holds no place in a history, and is of a circle all the same. */
static bool add_circle_of(struct sql *sql, int64_t n, const struct event *event, struct err *err)
{
    const struct span *name = event_tag_value(event, SPAN("h"));
    struct bytes32 circle;
    return !epoch_seals(event->kind) || name == NULL ||
           !hex_decode(circle.at, sizeof circle.at, *name) || withhold(sql, n, &circle, err);
}

/* The event that creates a circle in which nothing is sealed. */
static bool add_opening(struct sql *sql, const struct event *event, const struct node *node,
                        struct err *err)
{
    struct arena arena = {0};
    struct act act;
    bool is_open = node->kind == KIND_CIRCLE_OP && node_is_root(node) &&
                   act_parse(&act, &arena, event, NULL) && act.type == ACT_CREATE && act.is_open;
    arena_clear(&arena);
    return !is_open ||
           (sql_run(sql, err, "UPDATE entity SET is_open = 1 WHERE root = ?", "b", &node->root) &&
            sql_run(sql, err, "UPDATE event SET is_withheld = 0 WHERE circle = ?", "b",
                    &node->root));
}

static bool add(struct store *store, int64_t n, const struct event *event, const struct node *node,
                struct err *err)
{
    struct sql *sql = store->sql;
    catalog_tags_add(&store->tags, n, event);
    if (node == NULL)
        return add_plain(store, n, event, err) && add_circle_of(sql, n, event, err) &&
               keyring_take(store, n, event, err);
    return sql_run(sql, err,
                   "INSERT INTO event(n, kind, pk, ts, ms, root) VALUES (?, ?, ?, ?, ?, ?)",
                   "iibiib", n, (int64_t)event->kind, &event->pubkey, event->created_at,
                   (int64_t)time_of(event, node), &node->root) &&
           add_node(sql, n, node, err) && catalog_mark(store, &node->root, err) &&
           add_circle(sql, n, event, node, err) && add_opening(sql, event, node, err);
}

bool catalog_add(struct store *store, int64_t n, const struct event *event, struct err *err)
{
    struct arena arena = {0};
    struct event own = *event;
    struct node node;
    bool ok = cut_new(store, n, &own, &arena, err);
    bool is_node = ok && node_parse(&node, &arena, &own, NULL);
    ok = ok && add(store, n, &own, is_node ? &node : NULL, err) &&
         redact_targets(store, &own, &arena, err) && forget(store, &own, err);
    arena_clear(&arena);
    return ok;
}
