#include "client/inbox.h"

#include "client/catalog_parts.h"
#include "client/direct.h"
#include "client/holder.h"
#include "client/sql.h"
#include "client/store_parts.h"
#include "client/wrap.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/kind.h"
#include "shared/scan.h"
#include "shared/text.h"

enum { AT_ONCE = 100 };

/* body: the rumor; empty of what is unreadable. */
static const char table[] =
    "CREATE TABLE IF NOT EXISTS letter(wrap BLOB NOT NULL, reader BLOB NOT NULL, id BLOB,"
    " author BLOB, conversation BLOB, kind INTEGER, ts INTEGER, body TEXT NOT NULL,"
    " reason TEXT NOT NULL, PRIMARY KEY(wrap, reader)) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS letter_talk ON letter(reader, conversation, ts);";

/* What messages say, as catalog's words; of those that were opened before this was there, too. */
static const char words[] =
    "CREATE VIRTUAL TABLE said USING fts5(text, id UNINDEXED, author UNINDEXED, kind UNINDEXED,"
    " tokenize = 'unicode61 remove_diacritics 2');"
    "INSERT INTO said SELECT json_extract(body, '$.content'), id, author, kind FROM letter"
    " WHERE body <> '' AND kind NOT IN (1570, 1574);";

static bool prepare(struct store *store, struct err *err)
{
    struct sql *sql = store_sql(store);
    int64_t has_words;
    if (!catalog_settle(store, err) || !sql_script(sql, table, err) ||
        !sql_number(sql, &has_words, 0, err, "SELECT 1 FROM sqlite_master WHERE name = 'said'", ""))
        return false;
    if (has_words != 0)
        return true;
    bool is_own;
    if (!store_enter(store, &is_own, err) ||
        !sql_number(sql, &has_words, 0, err, "SELECT 1 FROM sqlite_master WHERE name = 'said'", ""))
        return false;
    return store_leave(store, is_own, has_words != 0 || sql_script(sql, words, err), err);
}

/* ---- opening ---- */

struct wraps {
    struct span at[AT_ONCE]; /* JSON */
    size_t count;
};

static bool find_wraps(struct store *store, struct wraps *wraps, struct arena *arena,
                       const struct bytes32 *reader, struct err *err)
{
    struct sqlite3_stmt *row;
    bool is_row = true;
    wraps->count = 0;
    bool ok = sql_start(store_sql(store), &row, err,
                        "SELECT body FROM event JOIN log USING (n) WHERE kind = 1059"
                        " AND NOT is_redacted"
                        " AND n IN (SELECT n FROM tag WHERE name = 'px' AND value = ?1)"
                        " AND NOT EXISTS (SELECT 1 FROM letter WHERE wrap = log.id AND reader = ?1)"
                        " ORDER BY n LIMIT ?2",
                        "bi", reader, (int64_t)AT_ONCE);
    while (ok && is_row) {
        ok = sql_next(store_sql(store), row, &is_row, err);
        if (ok && is_row)
            wraps->at[wraps->count++] = arena_copy(arena, sql_text(row, 0));
    }
    return ok;
}

/* One that was opened, or could not be. */
struct opened {
    struct event wrap, rumor;
    struct bytes32 conversation;
    struct err err;
    bool is_readable;
};

/* Who takes part in what is no message, too, is the author and those it names. */
static bool find_conversation(struct opened *opened, struct arena *arena)
{
    struct direct direct;
    struct event event = opened->rumor;
    event.kind = KIND_CHAT;
    if (!direct_parse(&direct, arena, &event, &opened->err))
        return false;
    opened->conversation = direct_conversation(&direct);
    return true;
}

/* False when the holder will not. */
static bool open_wrap(struct opened *opened, struct arena *arena, struct span json,
                      const struct holder *holder, struct err *err)
{
    *opened = (struct opened){0};
    if (!event_parse(&opened->wrap, arena, json, err))
        return false;
    bool ok = wrap_open(&opened->rumor, arena, holder, &opened->wrap, &opened->err);
    if (!ok && opened->err.code == ERR_RESTRICTED) {
        *err = opened->err;
        return false;
    }
    opened->is_readable = ok && find_conversation(opened, arena);
    return true;
}

/* Requests of programs say nothing. */
static bool keep_words(struct store *store, const struct event *rumor, struct err *err)
{
    struct arena arena = {0};
    struct span text = scan_decode(&arena, (struct scan_string){rumor->content_json, true});
    bool ok = rumor->kind == KIND_OP || rumor->kind == KIND_KEY_EPOCH || text.len == 0 ||
              sql_run(store_sql(store), err, "INSERT INTO said VALUES (?, ?, ?, ?)", "sbbi", text,
                      &rumor->id, &rumor->pubkey, (int64_t)rumor->kind);
    arena_clear(&arena);
    return ok;
}

static bool keep(struct store *store, const struct opened *opened, const struct bytes32 *reader,
                 struct err *err)
{
    struct text body = {0};
    const struct event *rumor = &opened->rumor;
    if (!opened->is_readable)
        return sql_run(store_sql(store), err,
                       "INSERT OR IGNORE INTO letter(wrap, reader, body, reason)"
                       " VALUES (?, ?, '', ?)",
                       "bbs", &opened->wrap.id, reader,
                       (struct span){opened->err.text, strlen(opened->err.text)});
    event_write_rumor(&body, rumor);
    bool ok =
        keep_words(store, rumor, err) &&
        sql_run(store_sql(store), err,
                "INSERT OR IGNORE INTO letter VALUES (?, ?, ?, ?, ?, ?, ?, ?, '')", "bbbbbiis",
                &opened->wrap.id, reader, &rumor->id, &rumor->pubkey, &opened->conversation,
                (int64_t)rumor->kind, rumor->created_at, text_span(&body));
    text_clear(&body);
    return ok;
}

/* Opened first, and kept then: an answer may take long, and others write meanwhile. */
static bool open_some(struct store *store, const struct wraps *wraps, struct arena *arena,
                      struct inbox_counts *counts, const struct holder *holder, struct err *err)
{
    struct opened *opened = arena_array(arena, struct opened, wraps->count);
    bool is_own, ok = true;
    for (size_t i = 0; i < wraps->count; i++)
        if (!open_wrap(&opened[i], arena, wraps->at[i], holder, err))
            return false;
    if (!store_enter(store, &is_own, err))
        return false;
    for (size_t i = 0; ok && i < wraps->count; i++) {
        ok = keep(store, &opened[i], holder_pubkey(holder), err);
        counts->opened += opened[i].is_readable;
        counts->unreadable += !opened[i].is_readable;
    }
    return store_leave(store, is_own, ok, err);
}

bool inbox_open(struct store *store, struct inbox_counts *counts, const struct holder *holder,
                struct err *err)
{
    struct wraps wraps = {.count = AT_ONCE};
    bool ok = prepare(store, err);
    *counts = (struct inbox_counts){0};
    while (ok && wraps.count > 0) {
        struct arena arena = {0};
        ok = find_wraps(store, &wraps, &arena, holder_pubkey(holder), err) &&
             (wraps.count == 0 || open_some(store, &wraps, &arena, counts, holder, err));
        arena_clear(&arena);
    }
    return ok;
}

/* ---- reading ---- */

static struct inbox_letter read_row(struct sqlite3_stmt *row, struct arena *arena)
{
    return (struct inbox_letter){.wrap = sql_id(row, 0),
                                 .id = sql_id(row, 1),
                                 .author = sql_id(row, 2),
                                 .conversation = sql_id(row, 3),
                                 .kind = (uint16_t)sql_int(row, 4),
                                 .created_at = sql_int(row, 5),
                                 .rumor = arena_copy(arena, sql_text(row, 6)),
                                 .reason = arena_copy(arena, sql_text(row, 7))};
}

bool inbox_find(struct store *store, struct catalog_finds *finds, struct arena *arena,
                struct span sought, size_t max, struct err *err)
{
    struct sqlite3_stmt *row;
    struct text query = {0};
    bool is_row = true;
    *finds = (struct catalog_finds){0};
    catalog_write_words(&query, sought);
    struct span match = arena_copy(arena, text_span(&query));
    text_clear(&query);
    bool ok = prepare(store, err) &&
              sql_start(store_sql(store), &row, err,
                        "SELECT id, author, kind, snippet(said, 0, '', '', '...', 16),"
                        " " CATALOG_RANK " FROM said WHERE said MATCH ? ORDER BY rank, id LIMIT ?",
                        "si", match, (int64_t)max);
    while (ok && is_row) {
        ok = sql_next(store_sql(store), row, &is_row, err);
        if (!ok || !is_row)
            break;
        const struct bytes32 id = sql_id(row, 0);
        if (finds->count > 0 && memcmp(&id, &finds->at[finds->count - 1].id, sizeof id) == 0)
            continue; /* opened for another reader, too */
        finds->at = arena_grow(arena, struct catalog_find, finds->at, finds->count);
        finds->at[finds->count++] =
            (struct catalog_find){.id = id,
                                  .author = sql_id(row, 1),
                                  .kind = (uint16_t)sql_int(row, 2),
                                  .excerpt = arena_copy(arena, sql_text(row, 3)),
                                  .rank = sql_int(row, 4)};
    }
    return ok;
}

bool inbox_list(struct store *store, struct inbox_letters *letters, struct arena *arena,
                const struct inbox_call *call, struct err *err)
{
    static const struct bytes32 none;
    struct sqlite3_stmt *row;
    bool is_row = true;
    *letters = (struct inbox_letters){0};
    bool ok = prepare(store, err) &&
              sql_start(store_sql(store), &row, err,
                        "SELECT min(wrap), id, author, conversation, kind, ts, body, reason"
                        " FROM letter WHERE reader = ?1 AND (body = '') = ?2"
                        " AND (?3 OR conversation = ?4)"
                        " AND CASE WHEN ?5 < 0 THEN kind IS NULL OR kind NOT IN (1570, 1574)"
                        " ELSE kind = ?5 END"
                        " GROUP BY coalesce(id, wrap) ORDER BY ts, id",
                        "biibi", call->reader, (int64_t)call->is_unreadable,
                        (int64_t)(call->conversation == NULL),
                        call->conversation != NULL ? call->conversation : &none,
                        call->kind != NULL ? (int64_t)*call->kind : -1);
    while (ok && is_row) {
        ok = sql_next(store_sql(store), row, &is_row, err);
        if (!ok || !is_row)
            break;
        letters->at = arena_grow(arena, struct inbox_letter, letters->at, letters->count);
        letters->at[letters->count++] = read_row(row, arena);
    }
    return ok;
}

bool inbox_reader(struct store *store, bool *is_one, struct bytes32 *reader, struct err *err)
{
    struct sqlite3_stmt *row;
    bool is_row;
    *is_one = false;
    if (!prepare(store, err) ||
        !sql_start(store_sql(store), &row, err,
                   "SELECT max(reader) FROM letter HAVING count(DISTINCT reader) = 1", "") ||
        !sql_next(store_sql(store), row, &is_row, err))
        return false;
    if (is_row) {
        *reader = sql_id(row, 0);
        *is_one = true;
        sql_end(row);
    }
    return true;
}
