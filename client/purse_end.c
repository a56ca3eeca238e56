/* What a mint answered. */
#include <sodium.h>

#include "client/purse_parts.h"
#include "client/secret.h"
#include "client/store_parts.h"
#include "client/wallet_wire.h"
#include "shared/hex.h"
#include "shared/number.h"
#include "shared/sig.h"

/* A trade that ends. */
struct ending {
    struct purse *purse;
    struct arena arena;
    struct purse_trade trade;
    struct purse_outputs outputs;
    uint64_t now_ms, come; /* come: units that are ours now */
};

/* ---- what was asked for ---- */

/* "1 2 8" */
static bool read_amounts(uint64_t *amounts, size_t *count, struct span text, struct err *err)
{
    *count = 0;
    for (size_t i = 0; i < text.len; i++) {
        size_t begin = i;
        int64_t amount;
        while (i < text.len && text.at[i] != ' ')
            i++;
        if (*count == PURSE_AMOUNTS_MAX ||
            !number_decimal(&amount, (struct span){text.at + begin, i - begin}))
            return err_set(err, ERR_INVALID, "a trade in the store that is none");
        amounts[(*count)++] = (uint64_t)amount;
    }
    return true;
}

static void seed_of_salt(struct bytes64 *seed, const struct purse *purse,
                         const struct bytes32 *salt)
{
    static const char name[] = "Shoal_Wallet_Given_v1";
    crypto_auth_hmacsha512_state state;
    crypto_auth_hmacsha512_init(&state, purse->seed->at, sizeof purse->seed->at);
    crypto_auth_hmacsha512_update(&state, (const unsigned char *)name, sizeof name - 1);
    crypto_auth_hmacsha512_update(&state, salt->at, sizeof salt->at);
    crypto_auth_hmacsha512_final(&state, seed->at);
    secret_wipe(&state, sizeof state);
}

struct wallet_output *purse_derive(const struct purse *purse, struct arena *arena,
                                   const struct purse_secrets *secrets)
{
    size_t given = secrets->given, own = secrets->count - given;
    struct wallet_output *all = arena_array(arena, struct wallet_output, secrets->count);
    const uint64_t *amounts = secrets->amounts;
    struct bytes64 seed;
    if (given > 0) {
        seed_of_salt(&seed, purse, &secrets->salt);
        memcpy(all, wallet_outputs(arena, &seed, &secrets->keyset, 0, amounts, given),
               given * sizeof *all);
        secret_wipe(&seed, sizeof seed);
    }
    if (own > 0)
        memcpy(all + given,
               wallet_outputs(arena, purse->seed, &secrets->keyset, secrets->counter,
                              amounts != NULL ? amounts + given : NULL, own),
               own * sizeof *all);
    return all;
}

static bool read_outputs(struct purse *purse, struct purse_outputs *outputs, struct arena *arena,
                         struct sqlite3_stmt *row, struct err *err)
{
    uint64_t amounts[PURSE_AMOUNTS_MAX];
    if (!read_amounts(amounts, &outputs->count, sql_text(row, 6), err))
        return false;
    purse_read_keyset(&outputs->keyset, arena, row);
    outputs->given = (size_t)sql_int(row, 8);
    if (outputs->given > outputs->count)
        return err_set(err, ERR_INVALID, "a trade in the store that is none");
    const struct purse_secrets secrets = {
        .keyset = outputs->keyset.id,
        .counter = (uint64_t)sql_int(row, 7),
        .amounts = amounts,
        .count = outputs->count,
        .given = sql_int(row, 10) > 0 ? outputs->given : 0, /* an older shoal had no salt */
        .salt = sql_id(row, 9)};
    outputs->at = purse_derive(purse, arena, &secrets);
    return true;
}

bool purse_outputs(struct purse *purse, struct purse_outputs *outputs, struct arena *arena,
                   int64_t trade, struct err *err)
{
    struct sqlite3_stmt *row;
    bool is_row;
    *outputs = (struct purse_outputs){0};
    if (purse->seed == NULL)
        return err_set(err, ERR_RESTRICTED, "the wallet is locked: its key is needed");
    if (!sql_start(purse->sql, &row, err,
                   "SELECT " PURSE_KEYSET_COLUMNS ", amounts, trade.counter, given, key,"
                   " length(key) FROM trade"
                   " JOIN keyset ON keyset.id = trade.keyset WHERE o = ?",
                   "i", trade) ||
        !sql_next(purse->sql, row, &is_row, err))
        return false;
    if (!is_row)
        return err_set(err, ERR_INVALID, "no such trade, or not one with coins");
    bool ok = read_outputs(purse, outputs, arena, row, err);
    sql_end(row);
    return ok;
}

bool purse_write_outputs(struct purse *purse, struct text *out, int64_t trade, struct err *err)
{
    struct arena arena = {0};
    struct purse_outputs outputs;
    bool ok = purse_outputs(purse, &outputs, &arena, trade, err);
    if (ok) {
        text_add(out, SPAN("{"));
        wallet_write_outputs(out, &outputs.keyset.id, outputs.at, outputs.count);
        text_add(out, SPAN("}"));
    }
    arena_clear(&arena);
    return ok;
}

/* ---- a quote's key ---- */

bool purse_sign_quote(struct purse *purse, struct text *out, int64_t trade,
                      const struct wallet_output *outputs, size_t count, struct err *err)
{
    struct arena arena = {0};
    struct purse_trade known;
    struct text said = {0};
    struct bytes64 sig;
    struct bytes32 aux;
    bool ok = purse_trade(purse, &known, &arena, trade, err);
    if (ok) {
        text_add(&said, known.quote);
        for (size_t i = 0; i < count; i++)
            text_add_hex(&said, outputs[i].message.at, sizeof outputs[i].message);
        struct bytes32 hash = sig_sha256(text_span(&said));
        randombytes_buf(&aux, sizeof aux);
        ok = sig_sign(&sig, &hash, &known.key, &aux) ||
             err_set(err, ERR_INVALID, "a quote without its key");
    }
    if (ok) {
        text_add(out, SPAN(",\"signature\":\""));
        text_add_hex(out, sig.at, sizeof sig.at);
        text_add(out, SPAN("\""));
    }
    secret_wipe(&known.key, sizeof known.key);
    text_clear(&said);
    arena_clear(&arena);
    return ok;
}

/* ---- coins ---- */

static bool keep_coin(struct ending *ending, size_t at, const struct wallet_signature *signature,
                      struct err *err)
{
    struct token_proof proof;
    bool is_given = at < ending->outputs.given;
    if (!wallet_unblind(&proof, &ending->outputs.at[at], &ending->outputs.keyset, signature, err))
        return false;
    if (__builtin_add_overflow(ending->come, is_given ? 0 : proof.amount, &ending->come))
        return err_set(err, ERR_INVALID, "change that is more than can be counted");
    return purse_put_coin(ending->purse, &proof, is_given ? COIN_GIVEN : COIN_UNSPENT,
                          is_given ? ending->trade.number : 0, err);
}

static bool put_token(struct ending *ending, struct err *err)
{
    struct wallet_coins coins;
    struct text token = {0};
    if (!purse_coins_of(ending->purse, &coins, &ending->arena, ending->trade.number, COIN_GIVEN,
                        err))
        return false;
    purse_write_token(&token, &coins, ending->trade.url, ending->trade.unit, ending->trade.note);
    bool ok = sql_run(ending->purse->sql, err, "UPDATE trade SET token = ? WHERE o = ?", "si",
                      text_span(&token), ending->trade.number);
    secret_wipe(token.at, token.capacity);
    text_clear(&token);
    return ok;
}

/* What was spent on a melt: what was taken less what came back. */
static bool note_cost(struct ending *ending, struct err *err)
{
    int64_t taken;
    if (!sql_number(ending->purse->sql, &taken, 0, err,
                    "SELECT coalesce(sum(amount), 0) FROM coin WHERE o = ? AND state = 1", "i",
                    ending->trade.number))
        return false;
    if (ending->come + ending->trade.fee > (uint64_t)taken)
        return err_set(err, ERR_INVALID, "the mint gives more change than was paid");
    return sql_run(ending->purse->sql, err, "UPDATE trade SET amount = ? WHERE o = ?", "ii",
                   taken - (int64_t)(ending->come + ending->trade.fee), ending->trade.number);
}

static bool finish(struct ending *ending, struct err *err)
{
    struct sql *sql = ending->purse->sql;
    int64_t trade = ending->trade.number;
    if (ending->trade.kind == PURSE_MELT && !note_cost(ending, err))
        return false;
    return (ending->outputs.given == 0 || put_token(ending, err)) &&
           sql_run(sql, err,
                   "UPDATE coin SET state = 3, secret = '', witness = '', r = x''"
                   " WHERE o = ? AND state = 1",
                   "i", trade) &&
           sql_run(sql, err,
                   "UPDATE trade SET state = 2, ended_ms = ?, path = '', body = '', key = x'',"
                   " token = CASE kind WHEN 1 THEN token ELSE '' END WHERE o = ?",
                   "ii", (int64_t)ending->now_ms, trade);
}

static bool keep_coins(struct ending *ending, struct span json, struct err *err)
{
    struct wallet_signature *signatures;
    size_t count;
    bool is_melt = ending->trade.kind == PURSE_MELT;
    if (!wallet_read_signatures(&signatures, &count, &ending->arena, json,
                                is_melt ? SPAN("change") : SPAN("signatures"), err))
        return false;
    if (count > ending->outputs.count || (!is_melt && count < ending->outputs.count))
        return err_set(err, ERR_INVALID, "the mint signed %zu coins of %zu", count,
                       ending->outputs.count);
    for (size_t i = 0; i < count; i++)
        if (!keep_coin(ending, i, &signatures[i], err))
            return false;
    return finish(ending, err);
}

/* ---- the three ends ---- */

static bool load(struct ending *ending, int64_t trade, struct err *err)
{
    if (!purse_trade(ending->purse, &ending->trade, &ending->arena, trade, err))
        return false;
    if (ending->trade.state != PURSE_SENT)
        return err_set(err, ERR_INVALID, "a trade that is over, or not begun");
    return purse_outputs(ending->purse, &ending->outputs, &ending->arena, trade, err);
}

static bool take_answer(struct ending *ending, struct span json, struct err *err)
{
    struct wallet_quote quote;
    if (ending->trade.kind != PURSE_MELT)
        return keep_coins(ending, json, err);
    if (!wallet_read_quote(&quote, &ending->arena, json, err))
        return false;
    if (span_eq(quote.state, SPAN("PAID")))
        return sql_run(ending->purse->sql, err, "UPDATE trade SET note = ? WHERE o = ?", "si",
                       quote.proof, ending->trade.number) &&
               keep_coins(ending, json, err);
    if (span_eq(quote.state, SPAN("PENDING")))
        return true;
    return purse_fail(ending->purse, ending->trade.number, SPAN("nothing was delivered"),
                      ending->now_ms, err);
}

bool purse_end(struct purse *purse, int64_t trade, struct span json, uint64_t now_ms,
               struct err *err)
{
    struct ending ending = {.purse = purse, .now_ms = now_ms};
    bool is_own;
    if (!store_enter(purse->store, &is_own, err))
        return false;
    bool ok = load(&ending, trade, err) && take_answer(&ending, json, err);
    arena_clear(&ending.arena);
    return store_leave(purse->store, is_own, ok, err);
}

static const struct wallet_signature *signature_of(const struct wallet_restored *restored,
                                                   const struct bytes33 *message)
{
    for (size_t i = 0; i < restored->count; i++)
        if (memcmp(&restored->messages[i], message, sizeof *message) == 0)
            return &restored->signatures[i];
    return NULL;
}

/* All of a swap or none; of change as much as there is. */
static bool take_restored(struct ending *ending, bool *is_it, struct span json, struct err *err)
{
    struct wallet_restored restored;
    if (!wallet_read_restored(&restored, &ending->arena, json, err))
        return false;
    *is_it = restored.count > 0;
    if (!*is_it)
        return true;
    for (size_t i = 0; i < ending->outputs.count; i++) {
        const struct wallet_signature *signature =
            signature_of(&restored, &ending->outputs.at[i].message);
        if (signature == NULL && ending->trade.kind != PURSE_MELT)
            return err_set(err, ERR_INVALID, "the mint signed some of the coins, and some not");
        if (signature != NULL && !keep_coin(ending, i, signature, err))
            return false;
    }
    return finish(ending, err);
}

bool purse_end_restored(struct purse *purse, bool *is_it, int64_t trade, struct span json,
                        uint64_t now_ms, struct err *err)
{
    struct ending ending = {.purse = purse, .now_ms = now_ms};
    bool is_own;
    *is_it = false;
    if (!store_enter(purse->store, &is_own, err))
        return false;
    bool ok = load(&ending, trade, err) && take_restored(&ending, is_it, json, err);
    arena_clear(&ending.arena);
    return store_leave(purse->store, is_own, ok, err);
}

/* What was given to us and could not be taken is kept as it came. */
static bool fail(struct purse *purse, int64_t trade, struct span why, uint64_t now_ms,
                 struct err *err)
{
    return sql_run(purse->sql, err, "UPDATE coin SET state = 0, o = 0 WHERE o = ? AND state = 1",
                   "i", trade) &&
           sql_run(purse->sql, err,
                   "UPDATE trade SET state = 3, ended_ms = ?, path = '', body = '', key = x'',"
                   " note = ? WHERE o = ? AND state < 2",
                   "isi", (int64_t)now_ms, why, trade);
}

bool purse_fail(struct purse *purse, int64_t trade, struct span why, uint64_t now_ms,
                struct err *err)
{
    bool is_own;
    return store_enter(purse->store, &is_own, err) &&
           store_leave(purse->store, is_own, fail(purse, trade, why, now_ms, err), err);
}

static bool keep(struct purse *purse, int64_t trade, struct err *err)
{
    return sql_run(purse->sql, err, "UPDATE coin SET state = 0, o = 0 WHERE o = ? AND state = 2",
                   "i", trade) &&
           sql_run(purse->sql, err,
                   "UPDATE trade SET token = '', state = 3, note = 'not handed out'"
                   " WHERE o = ? AND kind = 1",
                   "i", trade);
}

bool purse_keep(struct purse *purse, int64_t trade, struct err *err)
{
    bool is_own;
    return store_enter(purse->store, &is_own, err) &&
           store_leave(purse->store, is_own, keep(purse, trade, err), err);
}
