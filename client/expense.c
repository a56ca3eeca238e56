#include "client/expense.h"

#include "client/sql.h"
#include "client/store.h"
#include "shared/arena.h"
#include "shared/err.h"

/* As many as SQLite's numbers hold. */
static int64_t number_of(uint64_t amount)
{
    return amount < INT64_MAX ? (int64_t)amount : INT64_MAX;
}

bool expense_begin(struct store *store, int64_t *number, const struct expense *expense,
                   uint64_t now_ms, struct err *err)
{
    struct sql *sql = store_sql(store);
    if (!sql_run(sql, err,
                 "INSERT INTO expense(at_ms, provider, model, most, cost, is_open)"
                 " VALUES (?, ?, ?, ?, 0, 1)",
                 "issi", (int64_t)now_ms, expense->provider, expense->model,
                 number_of(expense->most)))
        return false;
    *number = sql_row(sql);
    return true;
}

bool expense_end(struct store *store, int64_t number, const struct expense *expense,
                 struct err *err)
{
    return sql_run(store_sql(store), err,
                   "UPDATE expense SET is_open = 0, cost = ?, prompt_tokens = ?, output_tokens = ?"
                   " WHERE x = ?",
                   "iiii", number_of(expense->cost), (int64_t)expense->prompt_tokens,
                   (int64_t)expense->output_tokens, number);
}

bool expense_drop(struct store *store, int64_t number, struct err *err)
{
    return sql_run(store_sql(store), err, "DELETE FROM expense WHERE x = ?", "i", number);
}

/* total() adds without overflow; what is past a number is that number's most. */
#define SUM "total(CASE is_open WHEN 0 THEN cost ELSE most END)"
#define CAPPED "CAST(min(" SUM ", 9.2e18) AS INTEGER)"

bool expense_sum(struct store *store, uint64_t *sum, const struct expense_view *view,
                 struct err *err)
{
    struct span none = SPAN("");
    int64_t total;
    if (!sql_number(store_sql(store), &total, 0, err,
                    "SELECT " CAPPED " FROM expense WHERE at_ms >= ?"
                    " AND (? OR provider = ?) AND (? OR model = ?)",
                    "iisis", (int64_t)view->since_ms, (int64_t)(view->provider.at == NULL),
                    view->provider.at != NULL ? view->provider : none,
                    (int64_t)(view->model.at == NULL), view->model.at != NULL ? view->model : none))
        return false;
    *sum = (uint64_t)total;
    return true;
}

bool expense_rows(struct store *store, struct expense_row **rows, size_t *count,
                  struct arena *arena, uint64_t since_ms, struct err *err)
{
    struct sql *sql = store_sql(store);
    struct sqlite3_stmt *row;
    bool is_row;
    *count = 0;
    *rows = NULL;
    if (!sql_start(sql, &row, err,
                   "SELECT provider, model, CAST(min(total(cost), 9.2e18) AS INTEGER),"
                   " CAST(min(total(most * is_open), 9.2e18) AS INTEGER), count(*), sum(is_open),"
                   " sum(prompt_tokens), sum(output_tokens) FROM expense WHERE at_ms >= ?"
                   " GROUP BY provider, model ORDER BY provider, model LIMIT 4096",
                   "i", (int64_t)since_ms))
        return false;
    while (true) {
        if (!sql_next(sql, row, &is_row, err))
            return false;
        if (!is_row)
            return true;
        *rows = arena_grow(arena, struct expense_row, *rows, *count);
        (*rows)[(*count)++] = (struct expense_row){.provider = arena_copy(arena, sql_text(row, 0)),
                                                   .model = arena_copy(arena, sql_text(row, 1)),
                                                   .cost = (uint64_t)sql_int(row, 2),
                                                   .open_most = (uint64_t)sql_int(row, 3),
                                                   .count = (uint64_t)sql_int(row, 4),
                                                   .open = (uint64_t)sql_int(row, 5),
                                                   .prompt_tokens = (uint64_t)sql_int(row, 6),
                                                   .output_tokens = (uint64_t)sql_int(row, 7)};
    }
}
