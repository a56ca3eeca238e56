/* catalog_read.c - what is asked of the catalog. */
#include "client/catalog_parts.h"
#include "client/catalog_past.h"
#include "client/catalog_since.h"
#include "client/hlc.h"
#include "client/sql.h"
#include "client/store_parts.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/hex.h"
#include "shared/text.h"

enum { ID_DIGITS = 64, DIGITS_MIN = 4, HASH_DIGITS = 16 };

bool catalog_entity(struct store *store, struct catalog_entity *entity, struct arena *arena,
                    const struct bytes32 *root, struct err *err)
{
    struct sqlite3_stmt *row;
    *entity = (struct catalog_entity){0};
    if (!catalog_settle(store, err) ||
        !sql_start(store->sql, &row, err,
                   "SELECT has_root, is_deleted, author, type, state, text, hash, hlc, applied,"
                   " waiting FROM entity WHERE root = ?",
                   "b", root) ||
        !sql_next(store->sql, row, &entity->is_known, err))
        return false;
    if (!entity->is_known)
        return true;
    *entity = (struct catalog_entity){.is_known = true,
                                      .has_root = sql_int(row, 0) != 0,
                                      .is_deleted = sql_int(row, 1) != 0,
                                      .author = sql_id(row, 2),
                                      .type = arena_copy(arena, sql_text(row, 3)),
                                      .state = arena_copy(arena, sql_text(row, 4)),
                                      .text = arena_copy(arena, sql_text(row, 5)),
                                      .hash = sql_id(row, 6),
                                      .hlc = (uint64_t)sql_int(row, 7),
                                      .applied = (uint64_t)sql_int(row, 8),
                                      .waiting = (uint64_t)sql_int(row, 9)};
    sql_end(row);
    return true;
}

bool catalog_seq(struct store *store, uint64_t *seq, const struct bytes32 *pubkey, struct err *err)
{
    int64_t last = 0;
    bool ok = catalog_settle(store, err) &&
              sql_number(store->sql, &last, 0, err,
                         "SELECT max(seq) FROM writer WHERE pk = ? AND device = ?", "bi", pubkey,
                         (int64_t)store->device);
    *seq = (uint64_t)last;
    return ok;
}

/* The least or the greatest id that begins so, as the log is indexed. */
static bool bound(int64_t *hash, struct span digits, char rest)
{
    char hex[ID_DIGITS];
    struct bytes32 id;
    for (size_t i = 0; i < sizeof hex; i++)
        hex[i] = i < digits.len ? digits.at[i] : rest;
    if (!hex_decode(id.at, sizeof id.at, SPAN_OF(hex)))
        return false;
    *hash = store_hash_of(&id);
    return true;
}

static bool begins(const struct bytes32 *id, struct span digits)
{
    char hex[ID_DIGITS];
    hex_encode(hex, id->at, sizeof id->at);
    return memcmp(hex, digits.at, digits.len) == 0;
}

bool catalog_resolve(struct store *store, struct bytes32 *id, struct span digits, struct err *err)
{
    struct sqlite3_stmt *row;
    int64_t low, high;
    bool is_row = true;
    size_t count = 0;
    if (digits.len < DIGITS_MIN || digits.len > ID_DIGITS || !bound(&low, digits, '0') ||
        !bound(&high, digits, 'f'))
        return err_set(err, ERR_INVALID,
                       "expected an id: hex (or how it begins), note, nevent, CID");
    if (!sql_start(store->sql, &row, err, "SELECT id FROM log WHERE h BETWEEN ? AND ?", "ii", low,
                   high))
        return false;
    while (is_row) {
        if (!sql_next(store->sql, row, &is_row, err))
            return false;
        struct bytes32 found = is_row ? sql_id(row, 0) : (struct bytes32){{0}};
        if (is_row && begins(&found, digits)) {
            *id = found;
            count++;
        }
    }
    if (count == 1)
        return true;
    return err_set(err, ERR_INVALID, "%s whose id begins with %.*s",
                   count == 0 ? "nothing here" : "several things here", SPAN_ARG(digits));
}

#define EVENT_COLUMNS \
    "SELECT id, pk, kind, ts, root, is_redacted, body, is_withheld FROM event JOIN log USING (n)"

static void read_event(void *item, struct arena *arena, struct sqlite3_stmt *row)
{
    *(struct catalog_event *)item =
        (struct catalog_event){.id = sql_id(row, 0),
                               .author = sql_id(row, 1),
                               .kind = (uint16_t)sql_int(row, 2),
                               .created_at = sql_int(row, 3),
                               .has_root = sql_text(row, 4).len > 0,
                               .root = sql_id(row, 4),
                               .is_redacted = sql_int(row, 5) != 0,
                               .json = arena_copy(arena, sql_text(row, 6)),
                               .is_withheld = sql_int(row, 7) != 0};
}

static bool read_events(struct store *store, struct sqlite3_stmt *row,
                        struct catalog_events *events, struct arena *arena, struct err *err)
{
    struct sql_list list;
    bool ok = sql_list(store->sql, &list, arena, row,
                       (struct sql_item){sizeof *events->at, read_event}, err);
    *events = (struct catalog_events){list.at, list.count};
    return ok;
}

bool catalog_since(struct store *store, struct catalog_events *events, struct arena *arena,
                   int64_t *place, size_t max, struct err *err)
{
    struct sqlite3_stmt *row;
    return catalog_settle(store, err) &&
           sql_start(store->sql, &row, err,
                     EVENT_COLUMNS " WHERE event.n > ? AND NOT is_redacted AND NOT EXISTS"
                                   " (SELECT 1 FROM quarantine WHERE quarantine.n = event.n)"
                                   " ORDER BY event.n LIMIT ?",
                     "ii", *place, (int64_t)max) &&
           read_events(store, row, events, arena, err) &&
           (events->count == 0 || store_find(store, place, &events->at[events->count - 1].id, err));
}

bool catalog_place(struct store *store, int64_t *place, struct err *err)
{
    return sql_number(store->sql, place, 0, err, "SELECT max(n) FROM log", "");
}

bool catalog_events_at(struct store *store, struct catalog_events *events, struct arena *arena,
                       const struct catalog_events_call *call, struct err *err)
{
    struct sqlite3_stmt *row;
    int64_t until_ms = call->cut == UINT64_MAX ? INT64_MAX : (int64_t)hlc_ms(call->cut);
    int64_t max = (int64_t)call->max;
    if (!catalog_settle(store, err))
        return false;
    bool ok = call->root == NULL
                  ? sql_start(store->sql, &row, err,
                              EVENT_COLUMNS " WHERE ms <= ? ORDER BY ts DESC, ms DESC, id LIMIT ?",
                              "ii", until_ms, max)
                  : sql_start(store->sql, &row, err,
                              EVENT_COLUMNS " WHERE root = ? AND ms <= ?"
                                            " ORDER BY ms DESC, id LIMIT ?",
                              "bii", call->root, until_ms, max);
    return ok && read_events(store, row, events, arena, err);
}

bool catalog_events(struct store *store, struct catalog_events *events, struct arena *arena,
                    const struct bytes32 *root, size_t max, struct err *err)
{
    const struct catalog_events_call call = {.root = root, .cut = UINT64_MAX, .max = max};
    return catalog_events_at(store, events, arena, &call, err);
}

bool catalog_event(struct store *store, struct catalog_events *event, struct arena *arena,
                   const struct bytes32 *id, struct err *err)
{
    struct sqlite3_stmt *row;
    return catalog_settle(store, err) &&
           sql_start(store->sql, &row, err, EVENT_COLUMNS " WHERE h = ? AND id = ?", "ib",
                     store_hash_of(id), id) &&
           read_events(store, row, event, arena, err);
}

void catalog_write_words(struct text *out, struct span words)
{
    bool is_open = false;
    for (size_t i = 0; i < words.len; i++) {
        char c = words.at[i];
        if ((c != ' ') != is_open)
            text_add(out, is_open ? SPAN("\" ") : SPAN("\""));
        is_open = c != ' ';
        if (is_open)
            text_add(out, c == '"' ? SPAN("\"\"") : (struct span){&words.at[i], 1});
    }
    text_add(out, is_open ? SPAN("\"") : SPAN(""));
}

bool catalog_find(struct store *store, struct catalog_finds *finds, struct arena *arena,
                  struct span words, size_t max, struct err *err)
{
    struct sqlite3_stmt *row;
    struct text query = {0};
    bool is_row = true;
    *finds = (struct catalog_finds){0};
    catalog_write_words(&query, words);
    struct span match = arena_copy(arena, text_span(&query));
    text_clear(&query);
    bool ok = catalog_settle(store, err) &&
              sql_start(store->sql, &row, err,
                        "SELECT id, type, kind, snippet(words, 0, '', '', '...', 16), pk,"
                        " " CATALOG_RANK " FROM words"
                        " JOIN log ON log.n = words.rowid JOIN event USING (n)"
                        " LEFT JOIN entity ON entity.root = event.root"
                        " WHERE words MATCH ? ORDER BY rank, id LIMIT ?",
                        "si", match, (int64_t)max);
    while (ok && is_row) {
        ok = sql_next(store->sql, row, &is_row, err);
        if (!ok || !is_row)
            break;
        finds->at = arena_grow(arena, struct catalog_find, finds->at, finds->count);
        finds->at[finds->count++] =
            (struct catalog_find){.id = sql_id(row, 0),
                                  .type = arena_copy(arena, sql_text(row, 1)),
                                  .kind = (uint16_t)sql_int(row, 2),
                                  .excerpt = arena_copy(arena, sql_text(row, 3)),
                                  .author = sql_id(row, 4),
                                  .rank = sql_int(row, 5)};
    }
    return ok;
}

bool catalog_missing(struct store *store, struct bytes32 **ids, size_t *count, struct arena *arena,
                     size_t max, struct err *err)
{
    struct sqlite3_stmt *row;
    return catalog_settle(store, err) &&
           sql_start(store->sql, &row, err, "SELECT DISTINCT id FROM missing ORDER BY id LIMIT ?",
                     "i", (int64_t)max) &&
           sql_ids(store->sql, ids, count, arena, row, err);
}

bool catalog_counts(struct store *store, struct catalog_counts *counts, struct err *err)
{
    struct sqlite3_stmt *row;
    bool is_row;
    *counts = (struct catalog_counts){0};
    if (!catalog_settle(store, err) ||
        !sql_start(store->sql, &row, err,
                   "SELECT (SELECT count(*) FROM log), (SELECT count(*) FROM entity),"
                   " (SELECT total(waiting) FROM entity), (SELECT count(DISTINCT id) FROM missing),"
                   " (SELECT count(*) FROM quarantine),"
                   " (SELECT count(*) FROM log WHERE is_redacted),"
                   " (SELECT total(contradictions) FROM entity),"
                   " (SELECT min(due_ms) FROM quarantine),"
                   " (SELECT count(*) FROM sealed WHERE epoch NOT IN (SELECT name FROM epoch)),"
                   " (SELECT total(idle) FROM entity)",
                   "") ||
        !sql_next(store->sql, row, &is_row, err))
        return false;
    uint64_t *const out[] = {
        &counts->events,      &counts->entities, &counts->waiting,        &counts->missing,
        &counts->quarantined, &counts->redacted, &counts->contradictions, &counts->due_ms,
        &counts->locked,      &counts->idle};
    for (size_t i = 0; i < ARRAY_LEN(out); i++)
        *out[i] = (uint64_t)sql_int(row, (int)i);
    sql_end(row);
    return true;
}

static void read_writer(void *item, struct arena *arena, struct sqlite3_stmt *row)
{
    (void)arena;
    *(struct catalog_writer *)item = (struct catalog_writer){.author = sql_id(row, 0),
                                                             .device = (uint64_t)sql_int(row, 1),
                                                             .seq = (uint64_t)sql_int(row, 2),
                                                             .events = (uint64_t)sql_int(row, 3)};
}

bool catalog_writers(struct store *store, struct catalog_writers *writers, struct arena *arena,
                     struct err *err)
{
    struct sqlite3_stmt *row;
    struct sql_list list = {0};
    bool ok = catalog_settle(store, err) &&
              sql_start(store->sql, &row, err,
                        "SELECT pk, device, max(seq), count(*) FROM writer GROUP BY pk, device"
                        " ORDER BY pk, device",
                        "") &&
              sql_list(store->sql, &list, arena, row,
                       (struct sql_item){sizeof(struct catalog_writer), read_writer}, err);
    *writers = (struct catalog_writers){list.at, list.count};
    return ok;
}
