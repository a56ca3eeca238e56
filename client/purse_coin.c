/* Coins in the store, and what they come to. */
#include "client/purse_parts.h"
#include "client/store_parts.h"

#define COIN_COLUMNS "amount, coin.keyset, secret, witness, c, e, s, r, fee_ppk"

bool purse_put_coin(struct purse *purse, const struct token_proof *proof, enum coin_state state,
                    int64_t trade, struct err *err)
{
    const struct bytes33 y = wallet_point(proof);
    const struct span keyset = {(const char *)proof->keyset, proof->keyset_len};
    return sql_run(purse->sql, err,
                   "INSERT OR IGNORE INTO coin(y, keyset, amount, state, o, secret, witness, c, e,"
                   " s, r) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                   "xxiiissxxxx", SPAN_OF(y), keyset, (int64_t)proof->amount, (int64_t)state, trade,
                   proof->secret, proof->witness, SPAN_OF(proof->c), SPAN_OF(proof->dleq.e),
                   SPAN_OF(proof->dleq.s), SPAN_OF(proof->factor));
}

static void read_coin(struct token_proof *proof, struct arena *arena, struct sqlite3_stmt *row)
{
    struct span keyset = sql_text(row, 1), c = sql_text(row, 4);
    *proof = (struct token_proof){.amount = (uint64_t)sql_int(row, 0),
                                  .secret = arena_copy(arena, sql_text(row, 2)),
                                  .witness = arena_copy(arena, sql_text(row, 3)),
                                  .has_dleq = true,
                                  .dleq = {sql_id(row, 5), sql_id(row, 6)},
                                  .factor = sql_id(row, 7)};
    if (keyset.len <= sizeof proof->keyset) {
        memcpy(proof->keyset, keyset.at, keyset.len);
        proof->keyset_len = (uint8_t)keyset.len;
    }
    if (c.len == sizeof proof->c)
        memcpy(&proof->c, c.at, sizeof proof->c);
}

static bool read_coins(struct purse *purse, struct wallet_coins *coins, struct arena *arena,
                       struct sqlite3_stmt *row, struct err *err)
{
    bool is_row;
    *coins = (struct wallet_coins){0};
    while (sql_next(purse->sql, row, &is_row, err)) {
        if (!is_row)
            return true;
        coins->at = arena_grow(arena, struct token_proof, coins->at, coins->count);
        coins->fees = arena_grow(arena, uint32_t, coins->fees, coins->count);
        read_coin(&coins->at[coins->count], arena, row);
        coins->fees[coins->count++] = (uint32_t)sql_int(row, 8);
    }
    return false;
}

bool purse_unspent(struct purse *purse, struct wallet_coins *coins, struct arena *arena,
                   int64_t mint, struct span unit, struct err *err)
{
    struct sqlite3_stmt *row;
    return sql_start(purse->sql, &row, err,
                     "SELECT " COIN_COLUMNS " FROM coin JOIN keyset ON keyset.id = coin.keyset"
                     " WHERE m = ? AND unit = ? AND state = 0 ORDER BY amount, y",
                     "is", mint, unit) &&
           read_coins(purse, coins, arena, row, err);
}

bool purse_coins_of(struct purse *purse, struct wallet_coins *coins, struct arena *arena,
                    int64_t trade, enum coin_state state, struct err *err)
{
    struct sqlite3_stmt *row;
    return sql_start(purse->sql, &row, err,
                     "SELECT " COIN_COLUMNS " FROM coin JOIN keyset ON keyset.id = coin.keyset"
                     " WHERE o = ? AND state = ? ORDER BY coin.keyset, amount, y",
                     "ii", trade, (int64_t)state) &&
           read_coins(purse, coins, arena, row, err);
}

void purse_write_token(struct text *out, const struct wallet_coins *coins, struct span url,
                       struct span unit, struct span memo)
{
    const struct token token = {.mint = url,
                                .unit = unit,
                                .memo = memo,
                                .proofs = coins->at,
                                .count = (uint32_t)coins->count};
    token_write(out, &token);
}

/* ---- sums ---- */

static void read_balance(void *item, struct arena *arena, struct sqlite3_stmt *row)
{
    *(struct purse_balance *)item =
        (struct purse_balance){.mint = sql_int(row, 0),
                               .url = arena_copy(arena, sql_text(row, 1)),
                               .unit = arena_copy(arena, sql_text(row, 2)),
                               .unspent = (uint64_t)sql_int(row, 3),
                               .pending = (uint64_t)sql_int(row, 4),
                               .given = (uint64_t)sql_int(row, 5),
                               .coins = (uint64_t)sql_int(row, 6)};
}

bool purse_balances(struct purse *purse, struct purse_balance **balances, size_t *count,
                    struct arena *arena, struct err *err)
{
    struct sqlite3_stmt *row;
    struct sql_list list = {0};
    bool ok =
        sql_start(purse->sql, &row, err,
                  "SELECT m, url, unit, sum(amount) FILTER (WHERE state = 0),"
                  " sum(amount) FILTER (WHERE state = 1), sum(amount) FILTER (WHERE state = 2),"
                  " count(*) FILTER (WHERE state = 0)"
                  " FROM mint JOIN keyset USING (m) LEFT JOIN coin ON coin.keyset = keyset.id"
                  " GROUP BY m, unit ORDER BY url, unit",
                  "") &&
        sql_list(purse->sql, &list, arena, row, (struct sql_item){sizeof **balances, read_balance},
                 err);
    *balances = list.at;
    *count = list.count;
    return ok;
}

bool purse_room(struct purse *purse, uint64_t *room, int64_t mint, struct span unit,
                struct err *err)
{
    int64_t typical, kept;
    *room = 0;
    if (!sql_number(purse->sql, &typical, PURSE_TYPICAL, err,
                    "SELECT typical FROM mint WHERE m = ?", "i", mint) ||
        !sql_number(purse->sql, &kept, 0, err,
                    "SELECT coalesce(sum(amount), 0) FROM coin"
                    " JOIN keyset ON keyset.id = coin.keyset"
                    " WHERE m = ? AND unit = ? AND state IN (0, 1)",
                    "is", mint, unit))
        return false;
    uint64_t most = (uint64_t)typical * PURSE_JOBS_MAX;
    *room = most > (uint64_t)kept ? most - (uint64_t)kept : 0;
    return true;
}

/* ---- what a mint says of them ---- */

static bool add_point(struct purse_points *points, struct arena *arena, struct span y)
{
    if (y.len != sizeof *points->at)
        return false;
    points->at = arena_grow(arena, struct bytes33, points->at, points->count);
    memcpy(&points->at[points->count++], y.at, y.len);
    return true;
}

bool purse_points(struct purse *purse, struct purse_points *points, struct arena *arena,
                  int64_t mint, int64_t trade, struct err *err)
{
    struct sqlite3_stmt *row;
    bool is_row;
    *points = (struct purse_points){0};
    if (!sql_start(purse->sql, &row, err,
                   "SELECT y FROM coin JOIN keyset ON keyset.id = coin.keyset"
                   " WHERE m = ?1 AND state <> 3 AND (?2 = 0 OR o = ?2) ORDER BY y",
                   "ii", mint, trade))
        return false;
    while (sql_next(purse->sql, row, &is_row, err)) {
        if (!is_row)
            return true;
        if (!add_point(points, arena, sql_text(row, 0))) {
            sql_end(row);
            return err_set(err, ERR_INVALID, "a coin in the store that is none");
        }
    }
    return false;
}

static bool mark_spent(struct purse *purse, const struct bytes33 *points,
                       const enum wallet_state *states, size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++)
        if (states[i] == WALLET_SPENT &&
            !sql_run(purse->sql, err,
                     "UPDATE coin SET state = 3, secret = '', witness = '', r = x'' WHERE y = ?",
                     "x", SPAN_OF(points[i])))
            return false;
    /* A token all of whose coins were taken is nobody's any more. */
    return sql_run(purse->sql, err,
                   "UPDATE trade SET token = '' WHERE kind = 1 AND token <> '' AND NOT EXISTS"
                   " (SELECT 1 FROM coin WHERE coin.o = trade.o AND state = 2)",
                   "");
}

bool purse_mark_spent(struct purse *purse, const struct bytes33 *points,
                      const enum wallet_state *states, size_t count, struct err *err)
{
    bool is_own;
    return store_enter(purse->store, &is_own, err) &&
           store_leave(purse->store, is_own, mark_spent(purse, points, states, count, err), err);
}
