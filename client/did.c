#include "client/did.h"

#include "client/base58.h"
#include "shared/err.h"
#include "shared/hex.h"
#include "shared/text.h"

enum { EVEN = 2, ODD = 3, MULTIKEY_BYTES = 35 };

static const uint8_t secp256k1_pub[] = {0xe7, 0x01}; /* the multicodec, as a varint */

/* Takes prefix from the front of word. */
static bool take(struct span *word, struct span prefix)
{
    if (word->len < prefix.len || memcmp(word->at, prefix.at, prefix.len) != 0)
        return false;
    *word = (struct span){word->at + prefix.len, word->len - prefix.len};
    return true;
}

void did_write_nostr(struct text *out, const struct bytes32 *pubkey)
{
    text_add(out, SPAN("did:nostr:"));
    text_add_hex(out, pubkey->at, sizeof pubkey->at);
}

void did_write_key(struct text *out, const struct bytes32 *pubkey)
{
    uint8_t multikey[MULTIKEY_BYTES] = {secp256k1_pub[0], secp256k1_pub[1], EVEN};
    memcpy(multikey + 3, pubkey->at, sizeof pubkey->at);
    text_add(out, SPAN("did:key:z"));
    base58_encode(out, multikey, sizeof multikey);
}

bool did_is(struct span word)
{
    return take(&word, SPAN("did:"));
}

static bool parse_key(struct bytes32 *pubkey, bool *is_odd, struct span chars, struct err *err)
{
    uint8_t multikey[MULTIKEY_BYTES];
    if (!base58_decode(multikey, sizeof multikey, chars) ||
        memcmp(multikey, secp256k1_pub, sizeof secp256k1_pub) != 0)
        return err_set(err, ERR_UNSUPPORTED,
                       "a did:key of another curve: only secp256k1 (zQ3s...) "
                       "is a Nostr key");
    if (multikey[2] != EVEN && multikey[2] != ODD)
        return err_set(err, ERR_INVALID, "a did:key that is no compressed point");
    if (is_odd != NULL)
        *is_odd = multikey[2] == ODD;
    memcpy(pubkey->at, multikey + 3, sizeof pubkey->at);
    return true;
}

bool did_parse(struct bytes32 *pubkey, bool *is_odd, struct span word, struct err *err)
{
    if (is_odd != NULL)
        *is_odd = false;
    if (take(&word, SPAN("did:key:z")))
        return parse_key(pubkey, is_odd, word, err);
    if (!take(&word, SPAN("did:nostr:")))
        return err_set(err, ERR_UNSUPPORTED, "expected did:nostr: or did:key:z");
    if (!hex_decode(pubkey->at, sizeof pubkey->at, word))
        return err_set(err, ERR_INVALID, "a did:nostr that is not of 64 lowercase hex digits");
    return true;
}
