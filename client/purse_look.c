/* Trades as they stand, and the search for coins of the seed. */
#include <assert.h>

#include "client/purse_parts.h"
#include "client/purse_search.h"
#include "client/store_parts.h"
#include "client/wallet_wire.h"

#define TRADE_COLUMNS                                                                            \
    "SELECT o, trade.m, kind, state, amount, fee, began_ms, ended_ms, url, unit, method, quote," \
    " key, path, body, token, note FROM trade JOIN mint ON mint.m = trade.m"

static void read_trade(void *item, struct arena *arena, struct sqlite3_stmt *row)
{
    struct purse_trade *trade = item;
    *trade = (struct purse_trade){.number = sql_int(row, 0),
                                  .mint = sql_int(row, 1),
                                  .kind = (enum purse_kind)sql_int(row, 2),
                                  .state = (enum purse_state)sql_int(row, 3),
                                  .amount = (uint64_t)sql_int(row, 4),
                                  .fee = (uint64_t)sql_int(row, 5),
                                  .began_ms = (uint64_t)sql_int(row, 6),
                                  .ended_ms = (uint64_t)sql_int(row, 7),
                                  .key = sql_id(row, 12)};
    trade->url = arena_copy(arena, sql_text(row, 8));
    trade->unit = arena_copy(arena, sql_text(row, 9));
    trade->method = arena_copy(arena, sql_text(row, 10));
    trade->quote = arena_copy(arena, sql_text(row, 11));
    trade->path = arena_copy(arena, sql_text(row, 13));
    trade->body = arena_copy(arena, sql_text(row, 14));
    trade->token = arena_copy(arena, sql_text(row, 15));
    trade->note = arena_copy(arena, sql_text(row, 16));
}

bool purse_trade(struct purse *purse, struct purse_trade *trade, struct arena *arena,
                 int64_t number, struct err *err)
{
    struct sqlite3_stmt *row;
    bool is_row;
    *trade = (struct purse_trade){0};
    if (!sql_start(purse->sql, &row, err, TRADE_COLUMNS " WHERE o = ?", "i", number) ||
        !sql_next(purse->sql, row, &is_row, err))
        return false;
    if (!is_row)
        return err_set(err, ERR_INVALID, "no such trade");
    read_trade(trade, arena, row);
    sql_end(row);
    return true;
}

bool purse_trades(struct purse *purse, struct purse_trades *trades, struct arena *arena,
                  const struct purse_view *view, struct err *err)
{
    struct sqlite3_stmt *row;
    struct sql_list list = {0};
    bool ok = sql_start(purse->sql, &row, err,
                        TRADE_COLUMNS " WHERE (?1 = 0 OR trade.m = ?1) AND (NOT ?2 OR state < 2)"
                                      " ORDER BY o DESC LIMIT ?3",
                        "iii", view->mint, (int64_t)view->is_open, (int64_t)view->max) &&
              sql_list(purse->sql, &list, arena, row,
                       (struct sql_item){sizeof(struct purse_trade), read_trade}, err);
    *trades = (struct purse_trades){list.at, list.count};
    return ok;
}

/* ---- the search ---- */

static struct wallet_output *search_outputs(struct purse *purse, struct arena *arena,
                                            const struct purse_search *search)
{
    assert(purse->seed != NULL);
    return wallet_outputs(arena, purse->seed, &search->keyset, search->counter, NULL,
                          search->count);
}

bool purse_write_search(struct purse *purse, struct text *out, const struct purse_search *search,
                        struct err *err)
{
    struct arena arena = {0};
    if (purse->seed == NULL)
        return err_set(err, ERR_RESTRICTED, "the wallet is locked: its key is needed");
    text_add(out, SPAN("{"));
    wallet_write_outputs(out, &search->keyset, search_outputs(purse, &arena, search),
                         search->count);
    text_add(out, SPAN("}"));
    arena_clear(&arena);
    return true;
}

static const struct wallet_keyset *find_keyset(const struct wallet_keyset *keysets, size_t count,
                                               const struct bytes33 *id)
{
    for (size_t i = 0; i < count; i++)
        if (memcmp(&keysets[i].id, id, sizeof *id) == 0)
            return &keysets[i];
    return NULL;
}

/* Whether an open trade waits for the coin of that counter, and will find it by itself. */
static bool is_awaited(struct purse *purse, bool *is_it, const struct purse_search *search,
                       uint64_t counter, struct err *err)
{
    int64_t found;
    bool ok = sql_number(purse->sql, &found, 0, err,
                         "SELECT count(*) FROM trade WHERE state = 1 AND keyset = ?1"
                         " AND counter <= ?2"
                         " AND ?2 <= counter + length(amounts) - length(replace(amounts, ' ', ''))"
                         " - CASE WHEN length(key) > 0 THEN given ELSE 0 END",
                         "xi", SPAN_OF(search->keyset), (int64_t)counter);
    *is_it = found > 0;
    return ok;
}

/* One output: a coin where the mint signed it. */
static bool look(struct purse *purse, struct purse_found *found, const struct wallet_output *output,
                 const struct wallet_keyset *keyset, const struct wallet_restored *restored,
                 struct err *err)
{
    struct token_proof proof;
    for (size_t i = 0; i < restored->count; i++) {
        if (memcmp(&restored->messages[i], &output->message, sizeof output->message) != 0)
            continue;
        if (!wallet_unblind(&proof, output, keyset, &restored->signatures[i], err) ||
            !purse_put_coin(purse, &proof, COIN_UNSPENT, 0, err))
            return false;
        found->count++;
        return true;
    }
    return true;
}

static bool end_search(struct purse *purse, struct purse_found *found, struct arena *arena,
                       const struct purse_search *search, struct span json, struct err *err)
{
    struct wallet_restored restored;
    struct wallet_keyset *keysets;
    size_t count;
    if (!wallet_read_restored(&restored, arena, json, err) ||
        !purse_keysets(purse, &keysets, &count, arena, search->mint, err))
        return false;
    const struct wallet_keyset *keyset = find_keyset(keysets, count, &search->keyset);
    if (keyset == NULL)
        return err_set(err, ERR_INVALID, "no such keyset at the mint");
    const struct wallet_output *outputs = search_outputs(purse, arena, search);
    for (size_t i = 0; i < search->count; i++) {
        uint64_t before = found->count, counter = search->counter + i;
        bool is_other;
        if (!is_awaited(purse, &is_other, search, counter, err) ||
            (!is_other && !look(purse, found, &outputs[i], keyset, &restored, err)))
            return false;
        if (found->count > before)
            found->next = counter + 1;
    }
    /* Counters of another device with the same seed are not to be used again. */
    return sql_run(purse->sql, err, "UPDATE keyset SET counter = max(counter, ?) WHERE id = ?",
                   "ix", (int64_t)found->next, SPAN_OF(search->keyset));
}

bool purse_end_search(struct purse *purse, struct purse_found *found,
                      const struct purse_search *search, struct span json, struct err *err)
{
    struct arena arena = {0};
    bool is_own;
    *found = (struct purse_found){.next = search->counter};
    if (!store_enter(purse->store, &is_own, err))
        return false;
    bool ok = end_search(purse, found, &arena, search, json, err);
    arena_clear(&arena);
    return store_leave(purse->store, is_own, ok, err);
}
