/* wallet_lock.h - secrets that say who may spend them. Part of wallet.
 *
 *   ownership  secrets and witnesses live in the arena
 *   threads    any
 *   errors     ERR_INTERNAL: a key that is none
 *   spec       Cashu NUT-10, NUT-11
 */
#pragma once

#include "client/wallet.h"

enum wallet_lock {
    WALLET_OPEN,   /* whoever has it spends it */
    WALLET_KEY,    /* for one key's signature */
    WALLET_OTHERS, /* a condition that we cannot meet */
};

/* Who may spend a secret, and for WALLET_KEY the key. spec: NUT-10, NUT-11 */
enum wallet_lock wallet_lock(struct bytes33 *key, struct arena *arena, struct span secret);

/* A fresh secret that only the owner of key can spend. */
struct span wallet_lock_secret(struct arena *arena, const struct bytes33 *key,
                               const struct bytes32 *nonce);

/* The key of this wallet that others may lock for, never the user's own. Wipe the secret. */
void wallet_lock_key(struct bytes32 *secret, struct bytes33 *key, const struct bytes64 *seed);

/* Signs what is locked for that key. aux: 32 fresh random bytes. */
MUST_CHECK bool wallet_unlock(struct token_proof *proof, struct arena *arena,
                              const struct bytes32 *secret, const struct bytes32 *aux,
                              struct err *err);
