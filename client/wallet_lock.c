/* Secrets that say who may spend them. */
#include "client/wallet_lock.h"

#include <assert.h>
#include <sodium.h>

#include "client/secret.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/hex.h"
#include "shared/scan.h"
#include "shared/sig.h"
#include "shared/text.h"

enum { EVEN = 2, ODD = 3 };

static bool read_lock(struct bytes33 *key, bool *is_bare, struct scan *scan, struct arena *arena)
{
    struct scan_list list, tags;
    struct span name;
    bool has = false;
    *is_bare = true;
    if (!scan_object(scan, &list, NULL))
        return false;
    while (list.more) {
        if (!scan_key(scan, arena, &name, NULL))
            return false;
        bool is_data = span_eq(name, SPAN("data"));
        if (span_eq(name, SPAN("tags")) && scan_peek(scan) == '[') {
            struct scan ahead = *scan;
            *is_bare = scan_array(&ahead, &tags, NULL) && !tags.more;
        }
        if (!(is_data ? scan_hex(scan, arena, key->at, sizeof key->at, NULL)
                      : scan_skip(scan, NULL)) ||
            !scan_next(scan, &list, NULL))
            return false;
        has = has || is_data;
    }
    return has;
}

/* ["P2PK",{"nonce":...,"data":KEY,"tags":[]}] */
enum wallet_lock wallet_lock(struct bytes33 *key, struct arena *arena, struct span secret)
{
    struct scan scan = scan_begin(secret);
    struct scan_list list;
    struct span kind;
    bool is_bare;
    if (!scan_array(&scan, &list, NULL) || !list.more || !scan_text(&scan, arena, &kind, NULL) ||
        !scan_next(&scan, &list, NULL) || !list.more)
        return WALLET_OPEN;
    if (!span_eq(kind, SPAN("P2PK")) || !read_lock(key, &is_bare, &scan, arena) ||
        !scan_next(&scan, &list, NULL) || list.more || !scan_end(&scan, NULL))
        return WALLET_OTHERS;
    /* With tags it may be for several, or until a time. */
    return is_bare && (key->at[0] == EVEN || key->at[0] == ODD) ? WALLET_KEY : WALLET_OTHERS;
}

struct span wallet_lock_secret(struct arena *arena, const struct bytes33 *key,
                               const struct bytes32 *nonce)
{
    struct text text = {0};
    text_add(&text, SPAN("[\"P2PK\",{\"nonce\":\""));
    text_add_hex(&text, nonce->at, sizeof nonce->at);
    text_add(&text, SPAN("\",\"data\":\""));
    text_add_hex(&text, key->at, sizeof key->at);
    text_add(&text, SPAN("\",\"tags\":[]}]"));
    struct span secret = arena_copy(arena, text_span(&text));
    text_clear(&text);
    return secret;
}

void wallet_lock_key(struct bytes32 *secret, struct bytes33 *key, const struct bytes64 *seed)
{
    static const char name[] = "Shoal_Wallet_Lock_v1";
    crypto_auth_hmacsha256_state state;
    struct bytes32 x;
    crypto_auth_hmacsha256_init(&state, seed->at, sizeof seed->at);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)name, sizeof name - 1);
    crypto_auth_hmacsha256_final(&state, secret->at);
    secret_wipe(&state, sizeof state);
    bool is_number = sig_pubkey(&x, secret);
    assert(is_number); /* as one in 2^128 is not */
    key->at[0] = EVEN; /* as signatures are made, whichever it is */
    memcpy(key->at + 1, x.at, sizeof x.at);
}

bool wallet_unlock(struct token_proof *proof, struct arena *arena, const struct bytes32 *secret,
                   const struct bytes32 *aux, struct err *err)
{
    struct bytes32 hash = sig_sha256(proof->secret);
    struct bytes64 sig;
    struct text text = {0};
    if (!sig_sign(&sig, &hash, secret, aux))
        return err_set(err, ERR_INTERNAL, "a key that is none");
    text_add(&text, SPAN("{\"signatures\":[\""));
    text_add_hex(&text, sig.at, sizeof sig.at);
    text_add(&text, SPAN("\"]}"));
    proof->witness = arena_copy(arena, text_span(&text));
    text_clear(&text);
    return true;
}
