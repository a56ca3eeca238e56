#include "client/sql.h"

#include <sqlite3.h>
#include <stdarg.h>
#include <stdlib.h>

#include "shared/arena.h"
#include "shared/err.h"

enum { KEPT_MAX = 128 };

struct sql {
    sqlite3 *db;
    struct {
        const char *text;
        sqlite3_stmt *statement;
    } kept[KEPT_MAX];
    size_t kept_count;
};

/* The same in every connection: whoever alters the file is not believed, and what is deleted is
 * gone from the disk, too. */
static const char settings[] = "PRAGMA synchronous = FULL;"
                               "PRAGMA secure_delete = ON;"
                               "PRAGMA cell_size_check = ON;"
                               "PRAGMA trusted_schema = OFF;"
                               "PRAGMA temp_store = MEMORY;"
                               "PRAGMA cache_size = -16384;";

static const char *path_of(const struct sql *sql)
{
    const char *path = sqlite3_db_filename(sql->db, "main");
    return path != NULL ? path : "the store";
}

static const char *reason_of(const struct sql *sql)
{
    int number = sqlite3_system_errno(sql->db);
    return number != 0 ? strerrordesc_np(number) : sqlite3_errmsg(sql->db);
}

static bool fail(const struct sql *sql, struct err *err)
{
    int code = sqlite3_errcode(sql->db) & 0xff;
    switch (code) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return err_set(err, ERR_INTERNAL,
                       "another shoal is writing to the store, and does not end");
    case SQLITE_FULL:
        return err_set(err, ERR_INTERNAL, "the disk is full: nothing was written to %.80s",
                       path_of(sql));
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return err_set(err, ERR_INVALID,
                       "the store is damaged: shoal fsck --rebuild saves what can be read");
    case SQLITE_READONLY:
    case SQLITE_PERM:
        return err_set(err, ERR_INTERNAL, "the store may not be written to");
    case SQLITE_IOERR:
        return err_set(err, ERR_INTERNAL, "the disk fails: nothing was written to %.80s: %s",
                       path_of(sql), reason_of(sql));
    default: /* of SQLite's codes, not of an enum */
        return err_set(err, ERR_INTERNAL, "the store: %s", sqlite3_errmsg(sql->db));
    }
}

struct sql *sql_open(const char *path, bool may_create, struct err *err)
{
    struct sql *sql = calloc(1, sizeof *sql);
    if (sql == NULL)
        abort();
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
                (may_create ? SQLITE_OPEN_CREATE : 0);
    int code = sqlite3_open_v2(path, &sql->db, flags, NULL);
    if (sql->db == NULL)
        abort();
    if (code != SQLITE_OK) {
        err_fill(err, ERR_INTERNAL, "cannot open %.70s: %s", path, sqlite3_errmsg(sql->db));
        sql_close(sql);
        return NULL;
    }
    sqlite3_busy_timeout(sql->db, SQL_WAIT_MS);
    if (sql_script(sql, settings, err))
        return sql;
    sql_close(sql);
    return NULL;
}

void sql_close(struct sql *sql)
{
    if (sql == NULL)
        return;
    for (size_t i = 0; i < sql->kept_count; i++)
        sqlite3_finalize(sql->kept[i].statement);
    sqlite3_close_v2(sql->db);
    free(sql);
}

bool sql_script(struct sql *sql, const char *script, struct err *err)
{
    return sqlite3_exec(sql->db, script, NULL, NULL, NULL) == SQLITE_OK || fail(sql, err);
}

/* The statement of text, ready for its values. */
static bool prepare(struct sql *sql, sqlite3_stmt **out, const char *text, struct err *err)
{
    for (size_t i = 0; i < sql->kept_count; i++)
        if (sql->kept[i].text == text) {
            *out = sql->kept[i].statement;
            sqlite3_reset(*out);
            return true;
        }
    if (sql->kept_count == KEPT_MAX)
        abort(); /* not a literal */
    if (sqlite3_prepare_v3(sql->db, text, -1, SQLITE_PREPARE_PERSISTENT, out, NULL) != SQLITE_OK)
        return fail(sql, err);
    sql->kept[sql->kept_count].text = text;
    sql->kept[sql->kept_count++].statement = *out;
    return true;
}

static int bind_span(sqlite3_stmt *statement, int place, struct span value, bool is_text)
{
    const char *at = value.at != NULL ? value.at : ""; /* NULL would be NULL */
    return is_text
               ? sqlite3_bind_text64(statement, place, at, value.len, SQLITE_STATIC, SQLITE_UTF8)
               : sqlite3_bind_blob64(statement, place, at, value.len, SQLITE_STATIC);
}

/* Values are borrowed: they are to be there until the statement has ended. */
static bool bind(struct sql *sql, sqlite3_stmt *statement, struct err *err, const char *types,
                 va_list args)
{
    for (int place = 1; types[place - 1] != '\0'; place++) {
        char type = types[place - 1];
        int code;
        if (type == 'i')
            code = sqlite3_bind_int64(statement, place, va_arg(args, int64_t));
        else if (type == 'b')
            code = sqlite3_bind_blob(statement, place, va_arg(args, const struct bytes32 *),
                                     sizeof(struct bytes32), SQLITE_STATIC);
        else
            code = bind_span(statement, place, va_arg(args, struct span), type == 's');
        if (code != SQLITE_OK)
            return fail(sql, err);
    }
    return true;
}

bool sql_next(struct sql *sql, sqlite3_stmt *statement, bool *is_row, struct err *err)
{
    int code = sqlite3_step(statement);
    *is_row = code == SQLITE_ROW;
    if (code == SQLITE_ROW)
        return true;
    bool ok = code == SQLITE_DONE || fail(sql, err);
    sql_end(statement);
    return ok;
}

void sql_end(sqlite3_stmt *statement)
{
    sqlite3_reset(statement);
}

bool sql_once(struct sql *sql, sqlite3_stmt **out, struct span text, struct err *err)
{
    return sqlite3_prepare_v3(sql->db, text.at, (int)text.len, 0, out, NULL) == SQLITE_OK ||
           fail(sql, err);
}

void sql_drop(sqlite3_stmt *statement)
{
    sqlite3_finalize(statement);
}

int sql_columns(sqlite3_stmt *statement)
{
    return sqlite3_column_count(statement);
}

bool sql_start(struct sql *sql, sqlite3_stmt **out, struct err *err, const char *text,
               const char *types, ...)
{
    va_list args;
    va_start(args, types);
    bool ok = prepare(sql, out, text, err) && bind(sql, *out, err, types, args);
    va_end(args);
    return ok;
}

bool sql_run(struct sql *sql, struct err *err, const char *text, const char *types, ...)
{
    va_list args;
    sqlite3_stmt *statement;
    bool is_row = true;
    va_start(args, types);
    bool ok = prepare(sql, &statement, text, err) && bind(sql, statement, err, types, args);
    va_end(args);
    while (ok && is_row)
        ok = sql_next(sql, statement, &is_row, err);
    return ok;
}

bool sql_number(struct sql *sql, int64_t *out, int64_t preset, struct err *err, const char *text,
                const char *types, ...)
{
    va_list args;
    sqlite3_stmt *statement;
    bool is_row;
    va_start(args, types);
    bool ok = prepare(sql, &statement, text, err) && bind(sql, statement, err, types, args);
    va_end(args);
    if (!ok || !sql_next(sql, statement, &is_row, err))
        return false;
    *out = is_row ? sql_int(statement, 0) : preset;
    if (is_row)
        sql_end(statement);
    return true;
}

int64_t sql_int(sqlite3_stmt *statement, int column)
{
    return sqlite3_column_int64(statement, column);
}

struct span sql_text(sqlite3_stmt *statement, int column)
{
    const char *at = sqlite3_column_blob(statement, column);
    return (struct span){at, (size_t)sqlite3_column_bytes(statement, column)};
}

struct bytes32 sql_id(sqlite3_stmt *statement, int column)
{
    struct bytes32 id = {{0}};
    struct span bytes = sql_text(statement, column);
    if (bytes.len == sizeof id.at)
        memcpy(id.at, bytes.at, sizeof id.at);
    return id;
}

int64_t sql_row(const struct sql *sql)
{
    return sqlite3_last_insert_rowid(sql->db);
}

int64_t sql_changes(const struct sql *sql)
{
    return sqlite3_changes64(sql->db);
}

bool sql_is_open(const struct sql *sql)
{
    return sqlite3_get_autocommit(sql->db) == 0;
}

bool sql_list(struct sql *sql, struct sql_list *list, struct arena *arena, struct sqlite3_stmt *row,
              struct sql_item item, struct err *err)
{
    bool is_row;
    *list = (struct sql_list){0};
    while (sql_next(sql, row, &is_row, err)) {
        if (!is_row)
            return true;
        list->at = arena_grow_array(arena, list->at, item.size, list->count);
        item.read((char *)list->at + list->count++ * item.size, arena, row);
    }
    return false;
}

static void read_id(void *item, struct arena *arena, struct sqlite3_stmt *row)
{
    (void)arena;
    *(struct bytes32 *)item = sql_id(row, 0);
}

bool sql_ids(struct sql *sql, struct bytes32 **ids, size_t *count, struct arena *arena,
             struct sqlite3_stmt *row, struct err *err)
{
    struct sql_list list;
    bool ok = sql_list(sql, &list, arena, row, (struct sql_item){sizeof **ids, read_id}, err);
    *ids = list.at;
    *count = list.count;
    return ok;
}

static void read_text(void *item, struct arena *arena, struct sqlite3_stmt *row)
{
    *(struct span *)item = arena_copy(arena, sql_text(row, 0));
}

bool sql_texts(struct sql *sql, struct span **texts, size_t *count, struct arena *arena,
               struct sqlite3_stmt *row, struct err *err)
{
    struct sql_list list;
    bool ok = sql_list(sql, &list, arena, row, (struct sql_item){sizeof **texts, read_text}, err);
    *texts = list.at;
    *count = list.count;
    return ok;
}
