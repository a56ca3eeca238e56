/* What a mint is asked for, put down before it is asked. */
#include <inttypes.h>
#include <sodium.h>

#include "client/purse_parts.h"
#include "client/secret.h"
#include "client/store_parts.h"
#include "client/wallet_wire.h"
#include "shared/hex.h"
#include "shared/sig.h"

enum { QUOTE_MAX = WALLET_WORD_MAX, EVEN = 2 };

/* One that is on its way: what it takes, and what it makes. */
struct beginning {
    struct purse *purse;
    struct arena *arena;
    const struct purse_payment *payment;
    enum purse_kind kind;
    int64_t trade;
    struct wallet_keyset keyset;
    uint64_t amounts[PURSE_AMOUNTS_MAX]; /* to be signed */
    size_t count, given;
    bool is_blank;
    struct text path, body;
    struct span token;
};

static void end(struct beginning *beginning)
{
    text_clear(&beginning->path);
    text_clear(&beginning->body);
}

static bool check_unlocked(const struct purse *purse, struct err *err)
{
    return purse->seed != NULL ||
           err_set(err, ERR_RESTRICTED, "the wallet is locked: its key is needed");
}

/* As many counters as there are amounts for ourselves, which nothing else gets ever again. */
static bool take_counters(const struct beginning *beginning, uint64_t *first, struct err *err)
{
    const struct span id = SPAN_OF(beginning->keyset.id);
    return purse_counter(beginning->purse, first, &beginning->keyset.id, err) &&
           sql_run(beginning->purse->sql, err,
                   "UPDATE keyset SET counter = counter + ? WHERE id = ?", "ix",
                   (int64_t)(beginning->count - beginning->given), id);
}

static bool put_trade(struct beginning *beginning, uint64_t amount, uint64_t fee,
                      enum purse_state state, struct err *err)
{
    const struct purse_payment *payment = beginning->payment;
    bool ok = sql_run(beginning->purse->sql, err,
                      "INSERT INTO trade(kind, state, m, unit, amount, fee, began_ms, method,"
                      " quote, note) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                      "iiisiiisss", (int64_t)beginning->kind, (int64_t)state, payment->mint,
                      payment->unit, (int64_t)amount, (int64_t)fee, (int64_t)payment->now_ms,
                      payment->method, payment->quote, payment->memo);
    beginning->trade = sql_row(beginning->purse->sql);
    return ok;
}

static bool make_outputs(struct beginning *beginning, const struct wallet_output **outputs,
                         uint64_t *counter, struct err *err)
{
    struct purse_secrets secrets = {.keyset = beginning->keyset.id,
                                    .amounts = beginning->is_blank ? NULL : beginning->amounts,
                                    .count = beginning->count,
                                    .given = beginning->given};
    if (!take_counters(beginning, counter, err))
        return false;
    secrets.counter = *counter;
    randombytes_buf(&secrets.salt, sizeof secrets.salt);
    if (beginning->given > 0 &&
        !sql_run(beginning->purse->sql, err, "UPDATE trade SET key = ? WHERE o = ?", "bi",
                 &secrets.salt, beginning->trade))
        return false;
    *outputs = purse_derive(beginning->purse, beginning->arena, &secrets);
    return true;
}

/* Makes the outputs, and puts down the request. */
static bool put_request(struct beginning *beginning, struct err *err)
{
    struct purse *purse = beginning->purse;
    const struct wallet_output *outputs;
    struct text amounts = {0};
    uint64_t counter;
    if (!make_outputs(beginning, &outputs, &counter, err))
        return false;
    for (size_t i = 0; i < beginning->count; i++)
        text_addf(&amounts, "%s%" PRIu64, i > 0 ? " " : "",
                  beginning->is_blank ? 0 : beginning->amounts[i]);
    wallet_write_outputs(&beginning->body, &beginning->keyset.id, outputs, beginning->count);
    bool ok = true;
    if (beginning->kind == PURSE_MINT)
        ok = purse_sign_quote(purse, &beginning->body, beginning->trade, outputs, beginning->count,
                              err);
    text_add(&beginning->body, beginning->payment->more);
    text_add(&beginning->body, SPAN("}"));
    ok = ok && sql_run(purse->sql, err,
                       "UPDATE trade SET state = 1, path = ?, body = ?, keyset = ?, counter = ?,"
                       " amounts = ?, given = ?, token = ? WHERE o = ?",
                       "ssxisisi", text_span(&beginning->path), text_span(&beginning->body),
                       SPAN_OF(beginning->keyset.id), (int64_t)counter, text_span(&amounts),
                       (int64_t)beginning->given, beginning->token, beginning->trade);
    text_clear(&amounts);
    return ok;
}

static void take_request(struct purse_request *request, struct beginning *beginning)
{
    *request = (struct purse_request){
        .trade = beginning->trade,
        .path = arena_copy(beginning->arena, text_span(&beginning->path)),
        .body = arena_copy(beginning->arena, text_span(&beginning->body)),
    };
}

static bool split(struct beginning *beginning, uint64_t sum, struct err *err)
{
    size_t count;
    if (!wallet_split(beginning->amounts + beginning->count, &count, &beginning->keyset.keys, sum,
                      err))
        return false;
    beginning->count += count;
    return true;
}

static bool find_active(struct beginning *beginning, struct err *err)
{
    return check_unlocked(beginning->purse, err) &&
           purse_active(beginning->purse, &beginning->keyset, beginning->arena, beginning->payment,
                        err);
}

/* ---- credit ---- */

static bool begin_quote(struct purse *purse, int64_t *trade, const struct bytes32 *secret,
                        const struct purse_payment *payment, struct err *err)
{
    struct beginning beginning = {.purse = purse, .payment = payment, .kind = PURSE_MINT};
    if (!put_trade(&beginning, payment->amount, 0, PURSE_ASKED, err))
        return false;
    *trade = beginning.trade;
    return sql_run(purse->sql, err, "UPDATE trade SET key = ? WHERE o = ?", "bi", secret, *trade);
}

bool purse_begin_quote(struct purse *purse, int64_t *trade, struct bytes33 *key,
                       const struct purse_payment *payment, struct err *err)
{
    struct bytes32 secret, x;
    bool is_own;
    secret = payment->key;
    while (!sig_pubkey(&x, &secret))
        randombytes_buf(&secret, sizeof secret);
    key->at[0] = EVEN;
    memcpy(key->at + 1, x.at, sizeof x.at);
    bool ok =
        store_enter(purse->store, &is_own, err) &&
        store_leave(purse->store, is_own, begin_quote(purse, trade, &secret, payment, err), err);
    secret_wipe(&secret, sizeof secret);
    return ok;
}

bool purse_set_quote(struct purse *purse, int64_t trade, struct span quote, uint64_t amount,
                     struct err *err)
{
    if (quote.len > QUOTE_MAX)
        return err_set(err, ERR_INVALID, "a quote with an id of over %d bytes", QUOTE_MAX);
    return sql_run(purse->sql, err, "UPDATE trade SET quote = ?, amount = ? WHERE o = ?", "sii",
                   quote, (int64_t)amount, trade);
}

static bool begin_mint(struct beginning *beginning, const struct purse_trade *trade,
                       struct err *err)
{
    if (trade->kind != PURSE_MINT || trade->state != PURSE_ASKED || trade->quote.len == 0)
        return err_set(err, ERR_INVALID, "no quote that waits for its coins");
    if (!find_active(beginning, err) || !split(beginning, trade->amount, err))
        return false;
    text_addf(&beginning->path, "/v1/mint/%.*s", SPAN_ARG(trade->method));
    text_add(&beginning->body, SPAN("{\"quote\":"));
    text_add_json(&beginning->body, trade->quote);
    text_add(&beginning->body, SPAN(","));
    return put_request(beginning, err);
}

bool purse_begin_mint(struct purse *purse, struct purse_request *request, struct arena *arena,
                      int64_t trade, uint64_t now_ms, struct err *err)
{
    struct purse_trade known;
    bool is_own;
    if (!store_enter(purse->store, &is_own, err))
        return false;
    bool ok = purse_trade(purse, &known, arena, trade, err);
    const struct purse_payment payment = {
        .mint = ok ? known.mint : 0, .unit = ok ? known.unit : (struct span){0}, .now_ms = now_ms};
    struct beginning beginning = {
        .purse = purse, .arena = arena, .payment = &payment, .kind = PURSE_MINT, .trade = trade};
    ok = ok && begin_mint(&beginning, &known, err);
    if (ok)
        take_request(request, &beginning);
    end(&beginning);
    return store_leave(purse->store, is_own, ok, err);
}

/* ---- spending ---- */

/* Those marked, first; they are the trade's from now on. */
static bool take_coins(struct beginning *beginning, struct wallet_coins *coins, const bool *taken,
                       enum coin_state state, struct err *err)
{
    size_t kept = 0;
    for (size_t i = 0; i < coins->count; i++) {
        if (!taken[i])
            continue;
        const struct bytes33 y = wallet_point(&coins->at[i]);
        if (!sql_run(beginning->purse->sql, err,
                     "UPDATE coin SET state = ?, o = ? WHERE y = ? AND state = 0", "iix",
                     (int64_t)state, beginning->trade, SPAN_OF(y)))
            return false;
        coins->at[kept++] = coins->at[i];
    }
    coins->count = kept;
    return kept <= TOKEN_PROOFS_MAX ||
           err_set(err, ERR_INVALID, "it takes over %d coins: send less at once", TOKEN_PROOFS_MAX);
}

/* The coins as they are, where they make the sum. */
static bool send_exactly(struct beginning *beginning, bool *is_done, struct wallet_coins *coins,
                         bool *taken, struct err *err)
{
    const struct purse_payment *payment = beginning->payment;
    const struct wallet_coins free_of_charge = {
        .at = coins->at,
        .fees = arena_array(beginning->arena, uint32_t, coins->count),
        .count = coins->count};
    struct wallet_choice choice;
    struct text token = {0};
    struct purse_mint mint;
    if (!wallet_choose(&choice, taken, &free_of_charge, payment->amount, err))
        return false;
    *is_done = choice.sum == payment->amount;
    if (!*is_done)
        return true;
    if (!put_trade(beginning, payment->amount, 0, PURSE_DONE, err) ||
        !take_coins(beginning, coins, taken, COIN_GIVEN, err) ||
        !purse_mint_of(beginning->purse, &mint, beginning->arena, payment->mint, err))
        return false;
    purse_write_token(&token, coins, mint.url, payment->unit, payment->memo);
    bool ok = sql_run(beginning->purse->sql, err,
                      "UPDATE trade SET token = ?, ended_ms = began_ms WHERE o = ?", "si",
                      text_span(&token), beginning->trade);
    secret_wipe(token.at, token.capacity);
    text_clear(&token);
    return ok;
}

/* What is spent, as the first member of the body; left: what may be signed for it. */
static bool spend(struct beginning *beginning, uint64_t *left, struct wallet_coins *coins,
                  bool *taken, struct err *err)
{
    const struct purse_payment *payment = beginning->payment;
    struct wallet_choice choice;
    if (!wallet_choose(&choice, taken, coins, payment->amount, err) ||
        !put_trade(beginning, payment->amount, choice.fee, PURSE_SENT, err) ||
        !take_coins(beginning, coins, taken, COIN_PENDING, err))
        return false;
    wallet_write_inputs(&beginning->body, coins->at, coins->count);
    text_add(&beginning->body, SPAN(","));
    *left = choice.sum - choice.fee;
    return true;
}

static bool begin_send(struct beginning *beginning, struct err *err)
{
    const struct purse_payment *payment = beginning->payment;
    struct wallet_coins coins;
    uint64_t left;
    bool is_done = false;
    if (payment->amount == 0 || payment->memo.len > PURSE_MEMO_MAX)
        return err_set(err, ERR_INVALID, "nothing to send, or a memo of over %d bytes",
                       PURSE_MEMO_MAX);
    if (!purse_unspent(beginning->purse, &coins, beginning->arena, payment->mint, payment->unit,
                       err))
        return false;
    bool *taken = arena_array(beginning->arena, bool, coins.count);
    if (!payment->is_fresh && (!send_exactly(beginning, &is_done, &coins, taken, err) || is_done))
        return is_done;
    text_add(&beginning->path, SPAN("/v1/swap"));
    text_add(&beginning->body, SPAN("{"));
    if (!find_active(beginning, err) || !spend(beginning, &left, &coins, taken, err) ||
        !split(beginning, payment->amount, err))
        return false;
    beginning->given = beginning->count;
    return split(beginning, left - payment->amount, err) && put_request(beginning, err);
}

static bool begin_melt(struct beginning *beginning, struct err *err)
{
    const struct purse_payment *payment = beginning->payment;
    struct wallet_coins coins;
    uint64_t left;
    if (!find_active(beginning, err) || !purse_unspent(beginning->purse, &coins, beginning->arena,
                                                       payment->mint, payment->unit, err))
        return false;
    bool *taken = arena_array(beginning->arena, bool, coins.count);
    text_addf(&beginning->path, "/v1/melt/%.*s", SPAN_ARG(payment->method));
    text_add(&beginning->body, SPAN("{\"quote\":"));
    text_add_json(&beginning->body, payment->quote);
    text_add(&beginning->body, SPAN(","));
    if (!spend(beginning, &left, &coins, taken, err))
        return false;
    beginning->count = wallet_blanks(left); /* all comes back of what is not delivered */
    beginning->is_blank = true;
    return put_request(beginning, err);
}

/* In one transaction. */
static bool begin(struct purse *purse, struct purse_request *request, struct beginning *beginning,
                  bool (*how)(struct beginning *beginning, struct err *err), struct err *err)
{
    bool is_own;
    if (!store_enter(purse->store, &is_own, err))
        return false;
    bool ok = how(beginning, err);
    if (ok)
        take_request(request, beginning);
    end(beginning);
    return store_leave(purse->store, is_own, ok, err);
}

bool purse_begin_send(struct purse *purse, struct purse_request *request, struct arena *arena,
                      const struct purse_payment *payment, struct err *err)
{
    struct beginning beginning = {
        .purse = purse, .arena = arena, .payment = payment, .kind = PURSE_SEND};
    return begin(purse, request, &beginning, begin_send, err);
}

bool purse_begin_melt(struct purse *purse, struct purse_request *request, struct arena *arena,
                      const struct purse_payment *payment, struct err *err)
{
    struct beginning beginning = {
        .purse = purse, .arena = arena, .payment = payment, .kind = PURSE_MELT};
    return begin(purse, request, &beginning, begin_melt, err);
}

/* ---- tokens of others ---- */

/* What it costs to spend them; sum: what they are worth. */
static bool token_cost(struct beginning *beginning, uint64_t *sum, uint64_t *fee,
                       const struct token *token, struct err *err)
{
    struct wallet_keyset *keysets;
    size_t count;
    uint64_t parts = 0;
    if (!purse_keysets(beginning->purse, &keysets, &count, beginning->arena,
                       beginning->payment->mint, err))
        return false;
    for (uint32_t i = 0; i < token->count; i++) {
        const struct wallet_keyset *keyset = wallet_find(keysets, count, &token->proofs[i]);
        if (keyset == NULL || !span_eq(keyset->keys.unit, beginning->payment->unit))
            return err_set(err, ERR_INVALID, "a coin of no keyset of the mint in that unit");
        memcpy(token->proofs[i].keyset, keyset->id.at, sizeof keyset->id);
        token->proofs[i].keyset_len = sizeof keyset->id;
        parts += keyset->keys.input_fee_ppk;
    }
    *fee = (parts + 999) / 1000;
    if (!token_sum(sum, token) || *sum > INT64_MAX)
        return err_set(err, ERR_INVALID, "a token worth more than can be counted");
    return *sum > *fee || err_set(err, ERR_INVALID, "it costs more to take than it is worth");
}

static bool begin_receive(struct beginning *beginning, const struct token *token, struct err *err)
{
    uint64_t sum, fee;
    if (!find_active(beginning, err) || !token_cost(beginning, &sum, &fee, token, err) ||
        !put_trade(beginning, sum - fee, fee, PURSE_SENT, err) || !split(beginning, sum - fee, err))
        return false;
    text_add(&beginning->path, SPAN("/v1/swap"));
    text_add(&beginning->body, SPAN("{"));
    wallet_write_inputs(&beginning->body, token->proofs, token->count);
    text_add(&beginning->body, SPAN(","));
    return put_request(beginning, err);
}

bool purse_begin_receive(struct purse *purse, struct purse_request *request, struct arena *arena,
                         const struct token *token, const struct purse_payment *payment,
                         struct err *err)
{
    struct beginning beginning = {.purse = purse,
                                  .arena = arena,
                                  .payment = payment,
                                  .kind = PURSE_RECEIVE,
                                  .token = payment->token};
    bool is_own;
    if (!store_enter(purse->store, &is_own, err))
        return false;
    bool ok = begin_receive(&beginning, token, err);
    if (ok)
        take_request(request, &beginning);
    end(&beginning);
    return store_leave(purse->store, is_own, ok, err);
}
