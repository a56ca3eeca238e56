/* Mints and their keysets, in the store. */
#include "client/purse_parts.h"
#include "client/store_parts.h"

enum { AMOUNT_BYTES = 8, KEY_BYTES = AMOUNT_BYTES + 33 };

/* ---- mints ---- */

bool purse_add_mint(struct purse *purse, int64_t *number, struct span url, uint64_t typical,
                    struct err *err)
{
    return sql_run(purse->sql, err, "INSERT OR IGNORE INTO mint(url, typical) VALUES (?, ?)", "si",
                   url, (int64_t)PURSE_TYPICAL) &&
           (typical == 0 || sql_run(purse->sql, err, "UPDATE mint SET typical = ? WHERE url = ?",
                                    "is", (int64_t)typical, url)) &&
           sql_number(purse->sql, number, 0, err, "SELECT m FROM mint WHERE url = ?", "s", url);
}

bool purse_drop_mint(struct purse *purse, int64_t number, struct err *err)
{
    return sql_run(purse->sql, err,
                   "DELETE FROM mint WHERE m = ?1 AND NOT EXISTS"
                   " (SELECT 1 FROM keyset WHERE keyset.m = ?1)",
                   "i", number);
}

static void read_mint(void *item, struct arena *arena, struct sqlite3_stmt *row)
{
    *(struct purse_mint *)item = (struct purse_mint){.number = sql_int(row, 0),
                                                     .url = arena_copy(arena, sql_text(row, 1)),
                                                     .typical = (uint64_t)sql_int(row, 2)};
}

bool purse_mints(struct purse *purse, struct purse_mint **mints, size_t *count, struct arena *arena,
                 struct err *err)
{
    struct sqlite3_stmt *row;
    struct sql_list list = {0};
    bool ok =
        sql_start(purse->sql, &row, err, "SELECT m, url, typical FROM mint ORDER BY url", "") &&
        sql_list(purse->sql, &list, arena, row, (struct sql_item){sizeof **mints, read_mint}, err);
    *mints = list.at;
    *count = list.count;
    return ok;
}

/* The one row, or none. */
static bool take_mint(struct purse *purse, struct purse_mint *mint, struct arena *arena,
                      struct sqlite3_stmt *row, struct err *err)
{
    bool is_row;
    *mint = (struct purse_mint){0};
    if (!sql_next(purse->sql, row, &is_row, err))
        return false;
    if (is_row) {
        read_mint(mint, arena, row);
        sql_end(row);
    }
    return true;
}

bool purse_find_mint(struct purse *purse, struct purse_mint *mint, struct arena *arena,
                     struct span url, struct err *err)
{
    struct sqlite3_stmt *row;
    return sql_start(purse->sql, &row, err, "SELECT m, url, typical FROM mint WHERE url = ?", "s",
                     url) &&
           take_mint(purse, mint, arena, row, err);
}

bool purse_mint_of(struct purse *purse, struct purse_mint *mint, struct arena *arena,
                   int64_t number, struct err *err)
{
    struct sqlite3_stmt *row;
    return sql_start(purse->sql, &row, err, "SELECT m, url, typical FROM mint WHERE m = ?", "i",
                     number) &&
           take_mint(purse, mint, arena, row, err);
}

bool purse_find_keyset(struct purse *purse, struct purse_mint *mint, struct arena *arena,
                       const struct token_proof *proof, struct err *err)
{
    struct sqlite3_stmt *row;
    const struct span id = {(const char *)proof->keyset, proof->keyset_len};
    return sql_start(purse->sql, &row, err,
                     "SELECT m, url, typical FROM mint JOIN keyset USING (m)"
                     " WHERE substr(id, 1, length(?1)) = ?1 LIMIT 1",
                     "x", id) &&
           take_mint(purse, mint, arena, row, err);
}

/* ---- keysets ---- */

/* Each amount as eight bytes, the largest first, and its key. */
static struct span write_keys(struct text *out, const struct keyset *keys)
{
    for (uint32_t i = 0; i < keys->count; i++) {
        char amount[AMOUNT_BYTES];
        for (size_t k = 0; k < AMOUNT_BYTES; k++)
            amount[k] = (char)(keys->keys[i].amount >> (8 * (AMOUNT_BYTES - 1 - k)) & 0xff);
        text_add(out, (struct span){amount, sizeof amount});
        text_add(out, SPAN_OF(keys->keys[i].public_key));
    }
    return text_span(out);
}

static void read_keys(struct keyset *keys, struct arena *arena, struct span bytes)
{
    struct keyset_key *out = arena_array(arena, struct keyset_key, bytes.len / KEY_BYTES);
    keys->keys = out;
    keys->count = (uint32_t)(bytes.len / KEY_BYTES);
    for (uint32_t i = 0; i < keys->count; i++) {
        const char *at = bytes.at + (size_t)i * KEY_BYTES;
        for (size_t k = 0; k < AMOUNT_BYTES; k++)
            out[i].amount = out[i].amount << 8 | (uint8_t)at[k];
        memcpy(&out[i].public_key, at + AMOUNT_BYTES, sizeof out[i].public_key);
    }
}

void purse_read_keyset(void *item, struct arena *arena, struct sqlite3_stmt *row)
{
    struct wallet_keyset *keyset = item;
    struct span id = sql_text(row, 0);
    *keyset = (struct wallet_keyset){.is_active = sql_int(row, 4) != 0};
    if (id.len == sizeof keyset->id)
        memcpy(&keyset->id, id.at, sizeof keyset->id);
    keyset->keys.unit = arena_copy(arena, sql_text(row, 1));
    keyset->keys.input_fee_ppk = (uint32_t)sql_int(row, 2);
    keyset->keys.final_expiry = sql_int(row, 3);
    read_keys(&keyset->keys, arena, sql_text(row, 5));
}

static bool put_keyset(struct purse *purse, int64_t mint, const struct wallet_keyset *keyset,
                       struct err *err)
{
    struct text keys = {0};
    struct span id = SPAN_OF(keyset->id);
    int64_t owner;
    bool ok = sql_run(purse->sql, err,
                      "INSERT INTO keyset(id, m, unit, fee_ppk, final_expiry, is_active, keys)"
                      " VALUES (?, ?, ?, ?, ?, ?, ?)"
                      " ON CONFLICT (id) DO UPDATE SET is_active = excluded.is_active"
                      " WHERE m = excluded.m",
                      "xisiiix", id, mint, keyset->keys.unit, (int64_t)keyset->keys.input_fee_ppk,
                      keyset->keys.final_expiry, (int64_t)keyset->is_active,
                      write_keys(&keys, &keyset->keys)) &&
              sql_number(purse->sql, &owner, 0, err, "SELECT m FROM keyset WHERE id = ?", "x", id);
    text_clear(&keys);
    return ok && (owner == mint ||
                  err_set(err, ERR_INVALID, "it has the keys of a mint that you have already"));
}

static bool put_keysets(struct purse *purse, int64_t mint, const struct wallet_keyset *keysets,
                        size_t count, struct err *err)
{
    /* One that is not listed any more signs no more. */
    if (!sql_run(purse->sql, err, "UPDATE keyset SET is_active = 0 WHERE m = ?", "i", mint))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!put_keyset(purse, mint, &keysets[i], err))
            return false;
    return true;
}

bool purse_put_keysets(struct purse *purse, int64_t mint, const struct wallet_keyset *keysets,
                       size_t count, struct err *err)
{
    bool is_own;
    return store_enter(purse->store, &is_own, err) &&
           store_leave(purse->store, is_own, put_keysets(purse, mint, keysets, count, err), err);
}

bool purse_keysets(struct purse *purse, struct wallet_keyset **keysets, size_t *count,
                   struct arena *arena, int64_t mint, struct err *err)
{
    struct sqlite3_stmt *row;
    struct sql_list list = {0};
    bool ok = sql_start(purse->sql, &row, err,
                        "SELECT " PURSE_KEYSET_COLUMNS " FROM keyset WHERE m = ? ORDER BY id", "i",
                        mint) &&
              sql_list(purse->sql, &list, arena, row,
                       (struct sql_item){sizeof **keysets, purse_read_keyset}, err);
    *keysets = list.at;
    *count = list.count;
    return ok;
}

bool purse_active(struct purse *purse, struct wallet_keyset *keyset, struct arena *arena,
                  const struct purse_payment *payment, struct err *err)
{
    const struct span unit = payment->unit;
    struct sqlite3_stmt *row;
    bool is_row;
    /* The one that lasts longest. */
    if (!sql_start(purse->sql, &row, err,
                   "SELECT " PURSE_KEYSET_COLUMNS " FROM keyset WHERE m = ? AND unit = ?"
                   " AND is_active AND (final_expiry = 0 OR final_expiry > ?)"
                   " ORDER BY final_expiry = 0 DESC, final_expiry DESC, id LIMIT 1",
                   "isi", payment->mint, unit, (int64_t)(payment->now_ms / 1000)) ||
        !sql_next(purse->sql, row, &is_row, err))
        return false;
    if (!is_row)
        return err_set(err, ERR_INVALID, "the mint signs nothing in '%.*s' now",
                       (int)(unit.len < 32 ? unit.len : 32), unit.at);
    purse_read_keyset(keyset, arena, row);
    sql_end(row);
    return true;
}

bool purse_counter(struct purse *purse, uint64_t *counter, const struct bytes33 *keyset,
                   struct err *err)
{
    int64_t number;
    bool ok = sql_number(purse->sql, &number, 0, err, "SELECT counter FROM keyset WHERE id = ?",
                         "x", SPAN_OF(*keyset));
    *counter = (uint64_t)number;
    return ok;
}
