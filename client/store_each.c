/* store_each.c - the whole log, read through. */
#include "client/sql.h"
#include "client/store_parts.h"
#include "shared/text.h"

bool store_each(struct store *store, store_each_fn *fn, void *owner, struct err *err)
{
    struct sqlite3_stmt *row;
    bool is_row;
    if (!sql_start(store->sql, &row, err,
                   "SELECT id, body FROM log WHERE NOT is_redacted ORDER BY n", ""))
        return false;
    while (true) {
        if (!sql_next(store->sql, row, &is_row, err))
            return false;
        if (!is_row)
            return true;
        struct bytes32 id = sql_id(row, 0);
        if (!fn(owner, &id, sql_text(row, 1))) {
            sql_end(row);
            return true;
        }
    }
}

/* The words of each row of a query. */
static bool add_words(struct store *store, struct text *out, const char *query, struct err *err)
{
    struct sqlite3_stmt *row;
    bool is_row;
    if (!sql_start(store->sql, &row, err, query, ""))
        return false;
    while (true) {
        if (!sql_next(store->sql, row, &is_row, err))
            return false;
        if (!is_row)
            return true;
        if (span_eq(sql_text(row, 0), SPAN("ok")))
            continue;
        text_add(out, sql_text(row, 0));
        text_add(out, SPAN("\n"));
    }
}

bool store_check(struct store *store, struct text *out, struct err *err)
{
    return add_words(store, out, "PRAGMA integrity_check(10)", err) &&
           add_words(store, out,
                     "SELECT 'the outbox names event ' || n || ', which is not there'"
                     " FROM outbox WHERE n NOT IN (SELECT n FROM log) LIMIT 10",
                     err) &&
           add_words(store, out,
                     "SELECT 'the outbox names relay ' || r || ', which is not there'"
                     " FROM outbox WHERE r NOT IN (SELECT r FROM relay) LIMIT 10",
                     err);
}
