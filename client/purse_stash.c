#include "client/purse_stash.h"

#include "client/purse_parts.h"
#include "client/store_parts.h"

bool purse_stash(struct purse *purse, struct token *token, struct arena *arena,
                 const struct purse_mint *mint, struct span unit, struct err *err)
{
    struct wallet_coins coins;
    if (!purse_unspent(purse, &coins, arena, mint->number, unit, err))
        return false;
    *token = (struct token){
        .mint = mint->url, .unit = unit, .proofs = coins.at, .count = (uint32_t)coins.count};
    return true;
}

static bool is_known(struct purse *purse, bool *is_it, const struct token_proof *proof,
                     struct err *err)
{
    const struct bytes33 y = wallet_point(proof);
    int64_t count;
    bool ok = sql_number(purse->sql, &count, 0, err, "SELECT count(*) FROM coin WHERE y = ?", "x",
                         SPAN_OF(y));
    *is_it = count > 0;
    return ok;
}

static bool put(struct purse *purse, uint64_t *count, int64_t mint, const struct token *token,
                struct err *err)
{
    struct arena arena = {0};
    struct wallet_keyset *keysets;
    size_t keyset_count;
    bool ok = purse_keysets(purse, &keysets, &keyset_count, &arena, mint, err);
    for (uint32_t i = 0; ok && i < token->count; i++) {
        struct token_proof proof = token->proofs[i];
        const struct wallet_keyset *keyset = wallet_find(keysets, keyset_count, &proof);
        bool is_it;
        if (keyset == NULL || !span_eq(keyset->keys.unit, token->unit) ||
            !wallet_check(&proof, keyset, NULL))
            continue;
        memcpy(proof.keyset, keyset->id.at, sizeof keyset->id);
        proof.keyset_len = sizeof keyset->id;
        ok = is_known(purse, &is_it, &proof, err) &&
             (is_it || purse_put_coin(purse, &proof, COIN_UNSPENT, 0, err));
        *count += ok && !is_it;
    }
    arena_clear(&arena);
    return ok;
}

bool purse_unstash(struct purse *purse, uint64_t *count, int64_t mint, const struct token *token,
                   struct err *err)
{
    bool is_own;
    return store_enter(purse->store, &is_own, err) &&
           store_leave(purse->store, is_own, put(purse, count, mint, token, err), err);
}
