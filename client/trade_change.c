/* Change of jobs: where no answer brought it, the mint signed it all the same. */
#include "client/secret.h"
#include "client/token.h"
#include "client/trade_parts.h"

enum { TRADES_MAX = 1000 };

/* All that the mint signed of what the token's secrets make, as proofs. */
static bool find(const struct trade *trade, struct token *change, struct arena *arena,
                 const struct wallet_keyset *keyset, const struct bytes64 *seed, struct err *err)
{
    struct wallet_restored restored;
    struct text body = {0};
    struct span answer;
    const struct wallet_output *blanks =
        wallet_outputs(arena, seed, &keyset->id, 0, NULL, WALLET_SPLIT_MAX);
    text_add(&body, SPAN("{"));
    wallet_write_outputs(&body, &keyset->id, blanks, WALLET_SPLIT_MAX);
    text_add(&body, SPAN("}"));
    bool ok = trade_get(trade, &answer, arena, "/v1/restore", text_span(&body), err) &&
              wallet_read_restored(&restored, arena, answer, err);
    text_clear(&body);
    if (!ok)
        return false;
    change->proofs = arena_array(arena, struct token_proof, WALLET_SPLIT_MAX);
    for (size_t i = 0; i < WALLET_SPLIT_MAX; i++)
        for (size_t k = 0; k < restored.count; k++)
            if (memcmp(&restored.messages[k], &blanks[i].message, sizeof blanks[i].message) == 0 &&
                !wallet_unblind(&change->proofs[change->count++], &blanks[i], keyset,
                                &restored.signatures[k], err))
                return false;
    return true;
}

/* Whether nobody has taken it yet. */
static bool is_there(const struct trade *trade, bool *is_it, struct arena *arena,
                     const struct token *change, struct err *err)
{
    struct bytes33 *points = arena_array(arena, struct bytes33, change->count);
    enum wallet_state *states = arena_array(arena, enum wallet_state, change->count);
    struct text body = {0};
    struct span answer;
    for (uint32_t i = 0; i < change->count; i++)
        points[i] = wallet_point(&change->proofs[i]);
    wallet_write_points(&body, points, change->count);
    bool ok = trade_get(trade, &answer, arena, "/v1/checkstate", text_span(&body), err) &&
              wallet_read_states(states, points, change->count, answer, err);
    text_clear(&body);
    *is_it = true;
    for (uint32_t i = 0; ok && i < change->count; i++)
        *is_it = *is_it && states[i] == WALLET_UNSPENT;
    return ok;
}

static bool take(const struct trade *trade, struct arena *arena, const struct token *change,
                 struct err *err)
{
    const struct trade own = {trade->purse, trade->teller, trade->mint, true};
    struct text text = {0};
    uint64_t amount;
    int64_t code;
    bool is_it = false;
    if (change->count == 0)
        return true;
    if (!is_there(trade, &is_it, arena, change, err))
        return false;
    if (!is_it)
        return true;
    token_write(&text, change);
    bool ok = trade_take(&own, &amount, arena, text_span(&text), &code, err);
    if (text.at != NULL)
        secret_wipe(text.at, text.capacity);
    text_clear(&text);
    return ok;
}

static bool take_of(const struct trade *trade, struct arena *arena, struct span text,
                    struct err *err)
{
    struct wallet_keyset *keysets;
    struct token paid;
    size_t count;
    if (!token_read(&paid, arena, text, err) ||
        !purse_keysets(trade->purse, &keysets, &count, arena, trade->mint.number, err))
        return false;
    struct bytes64 seed = wallet_change_seed(&paid);
    for (size_t i = 0; i < count; i++) {
        struct token change = {.mint = paid.mint, .unit = paid.unit};
        if (span_eq(keysets[i].keys.unit, paid.unit) &&
            (!find(trade, &change, arena, &keysets[i], &seed, err) ||
             !take(trade, arena, &change, err)))
            return false;
    }
    return true;
}

bool trade_take_change(const struct trade *trade, struct err *err)
{
    struct arena arena = {0};
    const struct purse_view view = {.mint = trade->mint.number, .max = TRADES_MAX};
    struct purse_trades trades;
    bool ok = purse_trades(trade->purse, &trades, &arena, &view, err);
    for (size_t i = 0; ok && i < trades.count; i++)
        if (trades.at[i].kind == PURSE_SEND && trades.at[i].token.len > 0 &&
            span_eq(trades.at[i].note, SPAN(TRADE_JOB)))
            ok = take_of(trade, &arena, trades.at[i].token, err);
    arena_clear(&arena);
    return ok;
}

bool trade_take_back(const struct trade *trade, bool *is_back, struct span text, struct err *err)
{
    const struct trade own = {trade->purse, trade->teller, trade->mint, true};
    struct arena arena = {0};
    struct token token;
    uint64_t amount;
    *is_back = false;
    bool is_free = false;
    bool ok =
        token_read(&token, &arena, text, err) && is_there(trade, &is_free, &arena, &token, err);
    if (ok && is_free)
        ok = *is_back = trade_receive(&own, &amount, text, err);
    arena_clear(&arena);
    return ok;
}
