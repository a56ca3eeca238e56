/* What can be read of a damaged wallet: the seed, the mints, the coins, and what was under way. */
#include "client/sql.h"
#include "client/store_parts.h"

typedef bool row_fn(struct store *to, struct sqlite3_stmt *row, struct err *err);

static bool put_purse(struct store *to, struct sqlite3_stmt *row, struct err *err)
{
    return sql_run(to->sql, err, "INSERT OR IGNORE INTO purse VALUES (?, ?)", "xs",
                   sql_text(row, 0), sql_text(row, 1));
}

static bool put_mint(struct store *to, struct sqlite3_stmt *row, struct err *err)
{
    return sql_run(to->sql, err, "INSERT OR IGNORE INTO mint VALUES (?, ?, ?)", "isi",
                   sql_int(row, 0), sql_text(row, 1), sql_int(row, 2));
}

static bool put_keyset(struct store *to, struct sqlite3_stmt *row, struct err *err)
{
    return sql_run(to->sql, err, "INSERT OR IGNORE INTO keyset VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                   "xisiiixi", sql_text(row, 0), sql_int(row, 1), sql_text(row, 2), sql_int(row, 3),
                   sql_int(row, 4), sql_int(row, 5), sql_text(row, 6), sql_int(row, 7));
}

static bool put_coin(struct store *to, struct sqlite3_stmt *row, struct err *err)
{
    return sql_run(to->sql, err,
                   "INSERT OR IGNORE INTO coin VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                   "xxiiissxxxx", sql_text(row, 0), sql_text(row, 1), sql_int(row, 2),
                   sql_int(row, 3), sql_int(row, 4), sql_text(row, 5), sql_text(row, 6),
                   sql_text(row, 7), sql_text(row, 8), sql_text(row, 9), sql_text(row, 10));
}

static bool put_trade(struct store *to, struct sqlite3_stmt *row, struct err *err)
{
    return sql_run(to->sql, err,
                   "INSERT OR IGNORE INTO trade VALUES"
                   " (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                   "iiiisiiiissxssxisiss", sql_int(row, 0), sql_int(row, 1), sql_int(row, 2),
                   sql_int(row, 3), sql_text(row, 4), sql_int(row, 5), sql_int(row, 6),
                   sql_int(row, 7), sql_int(row, 8), sql_text(row, 9), sql_text(row, 10),
                   sql_text(row, 11), sql_text(row, 12), sql_text(row, 13), sql_text(row, 14),
                   sql_int(row, 15), sql_text(row, 16), sql_int(row, 17), sql_text(row, 18),
                   sql_text(row, 19));
}

/* From either end, until the first row that cannot be read. */
static const struct {
    const char *rows[2];
    row_fn *put;
} tables[] = {
    {{"SELECT * FROM purse", "SELECT * FROM purse ORDER BY owner DESC"}, put_purse},
    {{"SELECT * FROM mint ORDER BY m", "SELECT * FROM mint ORDER BY m DESC"}, put_mint},
    {{"SELECT * FROM keyset ORDER BY id", "SELECT * FROM keyset ORDER BY id DESC"}, put_keyset},
    {{"SELECT * FROM coin ORDER BY y", "SELECT * FROM coin ORDER BY y DESC"}, put_coin},
    {{"SELECT * FROM trade ORDER BY o", "SELECT * FROM trade ORDER BY o DESC"}, put_trade},
};

static bool take_table(struct store *to, struct sql *from, const char *rows, row_fn *put,
                       struct err *err)
{
    struct sqlite3_stmt *row;
    bool is_row, ok = true;
    if (!sql_start(from, &row, NULL, rows, ""))
        return true; /* an older store has no wallet */
    while (ok && sql_next(from, row, &is_row, NULL) && is_row)
        ok = put(to, row, err);
    sql_end(row);
    return ok;
}

bool store_salvage_purse(struct store *to, struct sql *from, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(tables); i++)
        for (size_t end = 0; end < ARRAY_LEN(tables[i].rows); end++)
            if (!take_table(to, from, tables[i].rows[end], tables[i].put, err))
                return false;
    return true;
}
