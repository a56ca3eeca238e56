#include "client/wallet.h"

#include "client/coin.h"
#include "client/secret.h"
#include "shared/arena.h"
#include "shared/blind.h"
#include "shared/err.h"

enum { PARTS = 1000 };

/* ---- paying ---- */

/* A choice on its way. */
struct choosing {
    const struct token_proof *proofs;
    const uint32_t *fees;
    bool *taken;
    size_t count;
    uint64_t amount, sum, parts; /* parts: thousandths that those taken cost */
};

static uint64_t whole(uint64_t parts)
{
    return (parts + PARTS - 1) / PARTS;
}

static bool is_enough(const struct choosing *choosing, uint64_t sum, uint64_t parts)
{
    uint64_t fee = whole(parts);
    return sum >= fee && sum - fee >= choosing->amount;
}

static bool is_done(const struct choosing *choosing)
{
    return is_enough(choosing, choosing->sum, choosing->parts);
}

static void take(struct choosing *choosing, size_t at, bool is_taken)
{
    choosing->taken[at] = is_taken;
    if (is_taken) {
        choosing->sum += choosing->proofs[at].amount;
        choosing->parts += choosing->fees[at];
    } else {
        choosing->sum -= choosing->proofs[at].amount;
        choosing->parts -= choosing->fees[at];
    }
}

/* What one more is worth, of those that bring more than they cost. */
static bool is_useful(const struct choosing *choosing, size_t at)
{
    return !choosing->taken[at] && choosing->proofs[at].amount > whole(choosing->fees[at]);
}

/* The largest that is not more than what is still needed. */
static size_t largest_within(const struct choosing *choosing)
{
    size_t best = choosing->count;
    for (size_t i = 0; i < choosing->count; i++) {
        uint64_t need =
            choosing->amount + whole(choosing->parts + choosing->fees[i]) - choosing->sum;
        if (!is_useful(choosing, i) || choosing->proofs[i].amount > need)
            continue;
        if (best == choosing->count || choosing->proofs[i].amount > choosing->proofs[best].amount)
            best = i;
    }
    return best;
}

/* The smallest that ends it, or else the largest. */
static size_t closing(const struct choosing *choosing)
{
    size_t best = choosing->count;
    bool ends = false;
    for (size_t i = 0; i < choosing->count; i++) {
        uint64_t amount = choosing->proofs[i].amount;
        if (!is_useful(choosing, i))
            continue;
        bool does =
            is_enough(choosing, choosing->sum + amount, choosing->parts + choosing->fees[i]);
        if (best == choosing->count || (does && !ends) ||
            (does == ends && (does ? amount < choosing->proofs[best].amount
                                   : amount > choosing->proofs[best].amount)))
            best = i;
        ends = ends || does;
    }
    return best;
}

/* Those without which it is enough. */
static void drop_idle(struct choosing *choosing)
{
    for (size_t i = 0; i < choosing->count; i++)
        if (choosing->taken[i] && is_enough(choosing, choosing->sum - choosing->proofs[i].amount,
                                            choosing->parts - choosing->fees[i]))
            take(choosing, i, false);
}

/* That no sum of these runs over. */
static bool check_sum(uint64_t *total, const struct token_proof *proofs, size_t count,
                      struct err *err)
{
    *total = 0;
    for (size_t i = 0; i < count; i++)
        if (proofs[i].amount > INT64_MAX - *total)
            return err_set(err, ERR_INVALID, "more than can be counted");
        else
            *total += proofs[i].amount;
    return true;
}

static bool choose(struct choosing *choosing, struct err *err)
{
    size_t at;
    while (!is_done(choosing) && (at = largest_within(choosing)) < choosing->count)
        take(choosing, at, true);
    while (!is_done(choosing)) {
        at = closing(choosing);
        if (at == choosing->count)
            return err_set(err, ERR_INVALID, "not enough: %llu units of the %llu that it takes",
                           (unsigned long long)choosing->sum,
                           (unsigned long long)(choosing->amount + whole(choosing->parts)));
        take(choosing, at, true);
    }
    drop_idle(choosing);
    return true;
}

bool wallet_choose(struct wallet_choice *choice, bool *taken, const struct wallet_coins *coins,
                   uint64_t amount, struct err *err)
{
    struct choosing choosing = {.proofs = coins->at,
                                .fees = coins->fees,
                                .taken = taken,
                                .count = coins->count,
                                .amount = amount};
    uint64_t total;
    *choice = (struct wallet_choice){0};
    memset(taken, 0, coins->count * sizeof *taken);
    if (!check_sum(&total, coins->at, coins->count, err))
        return false;
    if (amount > total)
        return err_set(err, ERR_INVALID, "not enough: %llu units of %llu",
                       (unsigned long long)total, (unsigned long long)amount);
    if (!choose(&choosing, err))
        return false;
    for (size_t i = 0; i < coins->count; i++)
        choice->count += taken[i];
    choice->sum = choosing.sum;
    choice->fee = whole(choosing.parts);
    return true;
}

bool wallet_split(uint64_t amounts[WALLET_SPLIT_MAX], size_t *count, const struct keyset *keys,
                  uint64_t sum, struct err *err)
{
    *count = 0;
    for (uint32_t i = keys->count; i > 0 && sum > 0; i--)
        for (; sum >= keys->keys[i - 1].amount; sum -= keys->keys[i - 1].amount) {
            if (*count == WALLET_SPLIT_MAX)
                return err_set(err, ERR_INVALID, "a sum too large for the mint's coins");
            amounts[(*count)++] = keys->keys[i - 1].amount;
        }
    for (size_t i = 0; i < *count / 2; i++) {
        uint64_t small = amounts[*count - 1 - i];
        amounts[*count - 1 - i] = amounts[i];
        amounts[i] = small;
    }
    return sum == 0 || err_set(err, ERR_INVALID, "the mint has no coins that make this sum");
}

size_t wallet_blanks(uint64_t most)
{
    size_t bits = 0;
    for (; most > 0; most >>= 1)
        bits++;
    return bits;
}

bool wallet_output_of(struct wallet_output *output, struct span secret,
                      const struct bytes32 *factor, uint64_t amount, struct err *err)
{
    *output = (struct wallet_output){.amount = amount, .secret = secret, .factor = *factor};
    return blind_message(&output->message, secret, factor) ||
           err_set(err, ERR_INTERNAL, "a blinding factor that is no number");
}

struct wallet_output *wallet_outputs(struct arena *arena, const struct bytes64 *seed,
                                     const struct bytes33 *keyset, uint64_t counter,
                                     const uint64_t *amounts, size_t count)
{
    struct wallet_output *outputs = arena_array(arena, struct wallet_output, count);
    for (size_t i = 0; i < count; i++) {
        struct coin coin;
        coin_derive(&coin, seed, keyset, counter + i);
        struct span secret = arena_copy(arena, (struct span){coin.secret, sizeof coin.secret});
        if (!wallet_output_of(&outputs[i], secret, &coin.factor, amounts != NULL ? amounts[i] : 0,
                              NULL))
            __builtin_trap(); /* coin_derive gives numbers */
        secret_wipe(&coin, sizeof coin);
    }
    return outputs;
}

/* ---- what comes ---- */

static const struct bytes33 *key_of(const struct wallet_keyset *keyset, uint64_t amount)
{
    for (uint32_t i = 0; i < keyset->keys.count; i++)
        if (keyset->keys.keys[i].amount == amount)
            return &keyset->keys.keys[i].public_key;
    return NULL;
}

static bool check_terms(const struct wallet_output *output, const struct wallet_keyset *keyset,
                        const struct wallet_signature *signature, struct err *err)
{
    if (memcmp(&signature->keyset, &keyset->id, sizeof keyset->id) != 0)
        return err_set(err, ERR_INVALID, "the mint signed with another keyset");
    if (output->amount != 0 && signature->amount != output->amount)
        return err_set(err, ERR_INVALID, "the mint signed %llu instead of %llu",
                       (unsigned long long)signature->amount, (unsigned long long)output->amount);
    return signature->has_dleq ||
           err_set(err, ERR_INVALID, "the mint does not prove with which key it signed");
}

bool wallet_unblind(struct token_proof *proof, const struct wallet_output *output,
                    const struct wallet_keyset *keyset, const struct wallet_signature *signature,
                    struct err *err)
{
    if (!check_terms(output, keyset, signature, err))
        return false;
    const struct bytes33 *key = key_of(keyset, signature->amount);
    if (key == NULL)
        return err_set(err, ERR_INVALID, "the mint has no key for %llu",
                       (unsigned long long)signature->amount);
    if (!dleq_verify(&signature->dleq, key, &output->message, &signature->point))
        return err_set(err, ERR_INVALID, "the mint signed with a key that is not its own");
    *proof = (struct token_proof){.amount = signature->amount,
                                  .keyset_len = sizeof keyset->id,
                                  .secret = output->secret,
                                  .has_dleq = true,
                                  .dleq = signature->dleq,
                                  .factor = output->factor};
    memcpy(proof->keyset, keyset->id.at, sizeof keyset->id);
    return blind_unblind(&proof->c, &signature->point, &output->factor, key) ||
           err_set(err, ERR_INVALID, "a signature that is no point");
}

bool wallet_check(const struct token_proof *proof, const struct wallet_keyset *keyset,
                  struct err *err)
{
    const struct bytes33 *key = key_of(keyset, proof->amount);
    if (key == NULL)
        return err_set(err, ERR_INVALID, "the mint has no key for %llu",
                       (unsigned long long)proof->amount);
    if (!proof->has_dleq)
        return err_set(err, ERR_INVALID, "a token without proof of the mint's key (DLEQ)");
    return dleq_verify_proof(&proof->dleq, key, proof->secret, &proof->c, &proof->factor) ||
           err_set(err, ERR_INVALID, "a token that the mint did not sign with its key");
}

const struct wallet_keyset *wallet_find(const struct wallet_keyset *keysets, size_t count,
                                        const struct token_proof *proof)
{
    const struct wallet_keyset *found = NULL;
    if (proof->keyset_len < KEYSET_SHORT_ID_BYTES || proof->keyset_len > sizeof proof->keyset)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        if (memcmp(keysets[i].id.at, proof->keyset, proof->keyset_len) != 0)
            continue;
        if (found != NULL)
            return NULL;
        found = &keysets[i];
    }
    return found;
}

struct bytes33 wallet_point(const struct token_proof *proof)
{
    return blind_hash_to_curve(proof->secret);
}
