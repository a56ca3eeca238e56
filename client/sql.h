/* sql.h - a connection to SQLite: statements prepared once, and refusals in words.
 *
 * The values of a statement are named by letters: i int64_t, b const struct bytes32 *, s struct
 * span of text, x struct span of bytes.
 *
 *     if (!sql_run(sql, err, "UPDATE log SET put_ms = ? WHERE id = ?", "ib", now_ms, &id))
 *         return false;
 *
 *   ownership  sql_open to sql_close; a row's texts are valid until the statement is stepped again
 *   threads    one at a time
 *   errors     ERR_INVALID: the file is damaged; ERR_INTERNAL: the disk is full, another process
 *              writes for longer than SQL_WAIT_MS. What was not committed then did not happen
 */
#pragma once

#include "shared/base.h"

struct arena;
struct err;
struct sql;
struct sqlite3_stmt;

enum { SQL_WAIT_MS = 10000 };

/* may_create: make an empty database where there is none. */
MUST_CHECK struct sql *sql_open(const char *path, bool may_create, struct err *err);

/* What is open is rolled back. sql may be NULL. */
void sql_close(struct sql *sql);

/* Several statements without values. */
MUST_CHECK bool sql_script(struct sql *sql, const char *script, struct err *err);

/* One statement, to its end. text: a literal, which is prepared once. */
MUST_CHECK bool sql_run(struct sql *sql, struct err *err, const char *text, const char *types, ...);

/* A statement with rows: sql_next moves to each, and is_row says whether there is one. It is to be
 * read to the end or given to sql_end. Of one text only one is read at a time. */
MUST_CHECK bool sql_start(struct sql *sql, struct sqlite3_stmt **out, struct err *err,
                          const char *text, const char *types, ...);
MUST_CHECK bool sql_next(struct sql *sql, struct sqlite3_stmt *statement, bool *is_row,
                         struct err *err);
void sql_end(struct sqlite3_stmt *statement);

/* All the rows of a statement that was begun, as an array in the arena; read makes an item of a row
 * whose texts it copies. */
typedef void sql_read_fn(void *item, struct arena *arena, struct sqlite3_stmt *row);
struct sql_list {
    void *at;
    size_t count;
};
struct sql_item {
    size_t size;
    sql_read_fn *read;
};
MUST_CHECK bool sql_list(struct sql *sql, struct sql_list *list, struct arena *arena,
                         struct sqlite3_stmt *row, struct sql_item item, struct err *err);

/* The same of rows that are one id each, or one text. */
MUST_CHECK bool sql_ids(struct sql *sql, struct bytes32 **ids, size_t *count, struct arena *arena,
                        struct sqlite3_stmt *row, struct err *err);
MUST_CHECK bool sql_texts(struct sql *sql, struct span **texts, size_t *count, struct arena *arena,
                          struct sqlite3_stmt *row, struct err *err);

/* The same for a statement that is made for once, in which values are written out; to be given to
 * sql_drop. */
MUST_CHECK bool sql_once(struct sql *sql, struct sqlite3_stmt **out, struct span text,
                         struct err *err);
void sql_drop(struct sqlite3_stmt *statement);

/* The first column of the only row, or preset when there is none. */
MUST_CHECK bool sql_number(struct sql *sql, int64_t *out, int64_t preset, struct err *err,
                           const char *text, const char *types, ...);

/* Columns of the row; a value that is not of the type is 0, empty or zeroes. */
int64_t sql_int(struct sqlite3_stmt *statement, int column);
struct span sql_text(struct sqlite3_stmt *statement, int column);
struct bytes32 sql_id(struct sqlite3_stmt *statement, int column);
int sql_columns(struct sqlite3_stmt *statement);

/* What the last insertion got, and how many rows the last statement changed. */
int64_t sql_row(const struct sql *sql);
int64_t sql_changes(const struct sql *sql);
bool sql_is_open(const struct sql *sql); /* in a transaction */
