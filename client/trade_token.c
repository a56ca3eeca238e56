/* Tokens: handed out, and taken. */
#include <sodium.h>

#include "client/secret.h"
#include "client/trade_parts.h"
#include "client/wallet_lock.h"

static bool send(const struct trade *trade, struct text *token, struct arena *arena,
                 const struct purse_payment *payment, int64_t *code, struct err *err)
{
    struct purse_request request;
    struct purse_trade known;
    *code = 0;
    if (!purse_begin_send(trade->purse, &request, arena, payment, err) ||
        !trade_carry(trade, &request, code, err) ||
        !purse_trade(trade->purse, &known, arena, request.trade, err))
        return false;
    text_add(token, known.token);
    return true;
}

bool trade_send(const struct trade *trade, struct text *token, const struct purse_payment *payment,
                struct err *err)
{
    struct arena arena = {0};
    int64_t code;
    bool ok = send(trade, token, &arena, payment, &code, err);
    if (!ok && code != 0) /* coins that were spent, or signed, elsewhere */
        ok = trade_catch_up(trade, err) && send(trade, token, &arena, payment, &code, err);
    arena_clear(&arena);
    return ok;
}

static bool check_token(const struct trade *trade, struct token *token, struct arena *arena,
                        struct err *err)
{
    struct wallet_keyset *keysets;
    size_t count;
    if (!purse_keysets(trade->purse, &keysets, &count, arena, trade->mint.number, err))
        return false;
    for (uint32_t i = 0; i < token->count; i++) {
        const struct wallet_keyset *keyset = wallet_find(keysets, count, &token->proofs[i]);
        if (keyset == NULL)
            return err_set(err, ERR_INVALID, "a coin of a keyset that the mint does not have");
        if (!wallet_check(&token->proofs[i], keyset, err))
            return false;
    }
    return true;
}

static bool unlock(const struct trade *trade, struct token *token, struct arena *arena,
                   struct err *err)
{
    struct bytes32 secret, aux;
    struct bytes33 ours, key;
    bool ok = true;
    wallet_lock_key(&secret, &ours, purse_seed(trade->purse));
    for (uint32_t i = 0; ok && i < token->count; i++) {
        enum wallet_lock lock = wallet_lock(&key, arena, token->proofs[i].secret);
        bool is_ours = lock == WALLET_KEY && memcmp(key.at + 1, ours.at + 1, 32) == 0;
        randombytes_buf(&aux, sizeof aux);
        if (is_ours)
            ok = wallet_unlock(&token->proofs[i], arena, &secret, &aux, err);
        else if (lock != WALLET_OPEN)
            ok = err_set(err, ERR_INVALID, "a token that is locked for somebody else");
    }
    secret_wipe(&secret, sizeof secret);
    return ok;
}

bool trade_take(const struct trade *trade, uint64_t *amount, struct arena *arena, struct span text,
                int64_t *code, struct err *err)
{
    struct purse_payment payment = {
        .mint = trade->mint.number, .token = text, .now_ms = trade_now()};
    struct purse_request request;
    struct purse_trade known;
    struct token token;
    *code = 0;
    if (!token_read(&token, arena, text, err) || !check_token(trade, &token, arena, err) ||
        !unlock(trade, &token, arena, err) || !token_sum(amount, &token) ||
        !trade_check_room(trade, token.unit, *amount, err))
        return false;
    payment.unit = token.unit;
    if (!purse_begin_receive(trade->purse, &request, arena, &token, &payment, err) ||
        !trade_carry(trade, &request, code, err) ||
        !purse_trade(trade->purse, &known, arena, request.trade, err))
        return false;
    *amount = known.amount;
    return true;
}

bool trade_receive(const struct trade *trade, uint64_t *amount, struct span text, struct err *err)
{
    struct arena arena = {0};
    int64_t code;
    bool ok = trade_take(trade, amount, &arena, text, &code, err);
    if (!ok && code == TRADE_SIGNED)
        ok = trade_catch_up(trade, err) && trade_take(trade, amount, &arena, text, &code, err);
    struct err ignored;
    if (ok) /* it may have been one of ours */
        (void)!trade_check(trade, &ignored);
    arena_clear(&arena);
    return ok;
}
