#include "client/person.h"

#include <secp256k1_extrakeys.h>

#include "client/did.h"
#include "client/secret.h"
#include "shared/arena.h"
#include "shared/bech32.h"
#include "shared/err.h"
#include "shared/hex.h"

static bool parse_word(struct bytes32 *pubkey, struct span word, struct err *err)
{
    struct arena arena = {0};
    struct bech32 read;
    bool ok = bech32_decode(&read, &arena, word, err);
    arena_clear(&arena);
    if (!ok)
        return false;
    if (read.type == BECH32_NSEC) {
        secret_wipe(&read, sizeof read);
        return err_set(err, ERR_INVALID, "that is a secret key: give the npub, and keep it to you");
    }
    if (read.type != BECH32_NPUB && read.type != BECH32_NPROFILE)
        return err_set(err, ERR_INVALID, "names an event, not a person");
    *pubkey = read.key;
    return true;
}

static bool parse_any(struct bytes32 *pubkey, struct span word, struct err *err)
{
    if (hex_decode(pubkey->at, sizeof pubkey->at, word))
        return true;
    return did_is(word) ? did_parse(pubkey, NULL, word, err) : parse_word(pubkey, word, err);
}

bool person_parse(struct bytes32 *pubkey, struct span word, struct err *err)
{
    secp256k1_xonly_pubkey point;
    if (!parse_any(pubkey, word, err))
        return false;
    if (!secp256k1_xonly_pubkey_parse(secp256k1_context_static, &point, pubkey->at))
        return err_set(err, ERR_INVALID, "no key: not a point of the curve");
    return true;
}
