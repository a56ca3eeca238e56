#include "client/purse.h"

#include <sodium.h>
#include <stdlib.h>

#include "client/holder.h"
#include "client/keys.h"
#include "client/purse_parts.h"
#include "client/secret.h"
#include "client/store.h"

struct purse *purse_open(struct store *store)
{
    struct purse *purse = calloc(1, sizeof *purse);
    if (purse == NULL)
        abort();
    purse->store = store;
    purse->sql = store_sql(store);
    return purse;
}

void purse_close(struct purse *purse)
{
    if (purse == NULL)
        return;
    secret_free(purse->seed);
    free(purse);
}

const struct bytes64 *purse_seed(const struct purse *purse)
{
    return purse->seed;
}

void purse_derive_seed(struct bytes64 *seed, const struct bytes32 *secret)
{
    static const char name[] = "Shoal_Wallet_Seed_v1";
    crypto_auth_hmacsha512_state state;
    crypto_auth_hmacsha512_init(&state, secret->at, sizeof secret->at);
    crypto_auth_hmacsha512_update(&state, (const unsigned char *)name, sizeof name - 1);
    crypto_auth_hmacsha512_final(&state, seed->at);
    secret_wipe(&state, sizeof state);
}

/* ---- the seed, sealed ---- */

static bool find_seed(struct purse *purse, struct span *sealed, struct bytes32 *owner,
                      struct arena *arena, struct err *err)
{
    struct sqlite3_stmt *row;
    bool is_row;
    *sealed = (struct span){0};
    if (!sql_start(purse->sql, &row, err, "SELECT owner, sealed FROM purse", "") ||
        !sql_next(purse->sql, row, &is_row, err))
        return false;
    if (is_row) {
        *owner = sql_id(row, 0);
        *sealed = arena_copy(arena, sql_text(row, 1));
        sql_end(row);
    }
    return true;
}

bool purse_is_made(struct purse *purse, bool *is_made, struct err *err)
{
    int64_t count;
    bool ok = sql_number(purse->sql, &count, 0, err, "SELECT count(*) FROM purse", "");
    *is_made = count > 0;
    return ok;
}

static void keep_seed(struct purse *purse, const struct bytes64 *seed)
{
    if (purse->seed == NULL)
        purse->seed = secret_new(sizeof *purse->seed);
    *purse->seed = *seed;
}

static bool open_seed(struct purse *purse, const struct holder *holder, struct span sealed,
                      struct err *err)
{
    struct text plain = {0};
    struct bytes64 seed;
    size_t len;
    bool ok = holder_open(holder, &plain, holder_pubkey(holder), sealed, err);
    if (ok &&
        (sodium_hex2bin(seed.at, sizeof seed.at, plain.at, plain.len, NULL, &len, NULL) != 0 ||
         len != sizeof seed.at))
        ok = err_set(err, ERR_INVALID, "what is sealed as the wallet's seed is none");
    if (ok)
        keep_seed(purse, &seed);
    secret_wipe(&seed, sizeof seed);
    if (plain.at != NULL)
        secret_wipe(plain.at, plain.capacity);
    text_clear(&plain);
    return ok;
}

static bool put_seed(struct purse *purse, const struct holder *holder, const struct bytes64 *seed,
                     struct err *err)
{
    char *hex = secret_new(2 * sizeof seed->at + 1);
    struct text sealed = {0};
    struct bytes32 nonce;
    randombytes_buf(&nonce, sizeof nonce);
    sodium_bin2hex(hex, 2 * sizeof seed->at + 1, seed->at, sizeof seed->at);
    bool ok = holder_seal(holder, &sealed, holder_pubkey(holder),
                          (struct span){hex, 2 * sizeof seed->at}, &nonce, err) &&
              sql_run(purse->sql, err, "INSERT INTO purse(owner, sealed) VALUES (?, ?)", "bs",
                      holder_pubkey(holder), text_span(&sealed));
    text_clear(&sealed);
    secret_free(hex);
    if (ok)
        keep_seed(purse, seed);
    return ok;
}

static bool check_owner(const struct holder *holder, const struct bytes32 *owner, struct err *err)
{
    return memcmp(owner, holder_pubkey(holder), sizeof *owner) == 0 ||
           err_set(err, ERR_RESTRICTED, "the wallet in this store is of another key: --home");
}

bool purse_unlock(struct purse *purse, const struct holder *holder, const struct keys *keys,
                  struct err *err)
{
    struct arena arena = {0};
    struct bytes32 owner;
    struct bytes64 seed;
    struct span sealed;
    bool ok = find_seed(purse, &sealed, &owner, &arena, err);
    if (ok && sealed.len > 0) {
        ok = check_owner(holder, &owner, err) && open_seed(purse, holder, sealed, err);
    } else if (ok) {
        if (keys != NULL)
            purse_derive_seed(&seed, keys_secret(keys));
        else
            randombytes_buf(&seed, sizeof seed);
        ok = put_seed(purse, holder, &seed, err);
        secret_wipe(&seed, sizeof seed);
    }
    arena_clear(&arena);
    return ok;
}

bool purse_adopt(struct purse *purse, const struct holder *holder, const struct bytes64 *seed,
                 struct err *err)
{
    struct arena arena = {0};
    struct bytes32 owner;
    struct span sealed;
    bool ok = find_seed(purse, &sealed, &owner, &arena, err);
    if (ok && sealed.len == 0)
        ok = put_seed(purse, holder, seed, err);
    else
        ok = ok && check_owner(holder, &owner, err) && open_seed(purse, holder, sealed, err) &&
             (memcmp(purse->seed, seed, sizeof *seed) == 0 ||
              err_set(err, ERR_RESTRICTED, "the wallet in this store has another seed: --home"));
    arena_clear(&arena);
    return ok;
}
