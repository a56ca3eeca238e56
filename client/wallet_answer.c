/* What a mint signed. */
#include <sodium.h>

#include "client/wallet_wire.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/hex.h"
#include "shared/scan.h"
#include "shared/sig.h"

static bool read_keyset(struct bytes33 *keyset, struct scan *scan, struct arena *arena,
                        struct err *err)
{
    return scan_hex(scan, arena, keyset->at, sizeof keyset->at, err);
}

static bool read_dleq(struct wallet_signature *signature, struct scan *scan, struct arena *arena,
                      struct err *err)
{
    struct scan_list list;
    struct span key;
    int found = 0;
    if (!scan_object(scan, &list, err))
        return false;
    while (list.more) {
        if (!scan_key(scan, arena, &key, err))
            return false;
        struct bytes32 *out = span_eq(key, SPAN("e"))   ? &signature->dleq.e
                              : span_eq(key, SPAN("s")) ? &signature->dleq.s
                                                        : NULL;
        if (!(out != NULL ? scan_hex(scan, arena, out->at, sizeof out->at, err)
                          : scan_skip(scan, err)) ||
            !scan_next(scan, &list, err))
            return false;
        found += out != NULL;
    }
    signature->has_dleq = found == 2;
    return true;
}

/* A signature, or with name "B_" what one was asked for. */
static bool read_signed(struct wallet_signature *signature, struct span name, struct scan *scan,
                        struct arena *arena, struct err *err)
{
    struct scan_list list;
    struct span key;
    int64_t amount = 0;
    *signature = (struct wallet_signature){0};
    if (!scan_object(scan, &list, err))
        return false;
    while (list.more) {
        if (!scan_key(scan, arena, &key, err))
            return false;
        bool ok = span_eq(key, SPAN("amount")) ? scan_integer(scan, &amount, INT64_MAX, err)
                  : span_eq(key, SPAN("id"))   ? read_keyset(&signature->keyset, scan, arena, err)
                  : span_eq(key, name)
                      ? scan_hex(scan, arena, signature->point.at, sizeof signature->point.at, err)
                  : span_eq(key, SPAN("dleq")) && scan_peek(scan) == '{'
                      ? read_dleq(signature, scan, arena, err)
                      : scan_skip(scan, err);
        if (!ok || !scan_next(scan, &list, err))
            return false;
    }
    signature->amount = (uint64_t)amount;
    return signature->point.at[0] != 0 ||
           err_set(err, ERR_INVALID, "a signature without its point");
}

static bool read_list(struct wallet_signature **out, size_t *count, struct span name,
                      struct scan *scan, struct arena *arena, struct err *err)
{
    struct scan_list list;
    if (scan_peek(scan) == 'n')
        return scan_skip(scan, err);
    if (!scan_array(scan, &list, err))
        return false;
    while (list.more) {
        if (*count == TOKEN_PROOFS_MAX)
            return err_set(err, ERR_INVALID, "over %d signatures", TOKEN_PROOFS_MAX);
        *out = arena_grow(arena, struct wallet_signature, *out, *count);
        if (!read_signed(&(*out)[(*count)++], name, scan, arena, err) ||
            !scan_next(scan, &list, err))
            return false;
    }
    return true;
}

static bool read_member(struct wallet_signature **out, size_t *count, struct arena *arena,
                        struct span json, struct span member, struct err *err)
{
    const struct span name = span_eq(member, SPAN("outputs")) ? SPAN("B_") : SPAN("C_");
    struct scan scan = scan_begin(json);
    struct scan_list list;
    struct span key;
    *out = NULL;
    *count = 0;
    if (!scan_object(&scan, &list, err))
        return false;
    while (list.more)
        if (!scan_key(&scan, arena, &key, err) ||
            !(span_eq(key, member) && *count == 0 ? read_list(out, count, name, &scan, arena, err)
                                                  : scan_skip(&scan, err)) ||
            !scan_next(&scan, &list, err))
            return false;
    return scan_end(&scan, err);
}

bool wallet_read_signatures(struct wallet_signature **signatures, size_t *count,
                            struct arena *arena, struct span json, struct span member,
                            struct err *err)
{
    return read_member(signatures, count, arena, json, member, err);
}

bool wallet_read_restored(struct wallet_restored *restored, struct arena *arena, struct span json,
                          struct err *err)
{
    struct wallet_signature *asked;
    size_t count;
    if (!read_member(&asked, &count, arena, json, SPAN("outputs"), err) ||
        !read_member(&restored->signatures, &restored->count, arena, json, SPAN("signatures"), err))
        return false;
    if (count != restored->count)
        return err_set(err, ERR_INVALID, "not as many signatures as outputs");
    restored->messages = arena_array(arena, struct bytes33, count);
    for (size_t i = 0; i < count; i++)
        restored->messages[i] = asked[i].point;
    return true;
}

struct bytes64 wallet_change_seed(const struct token *token)
{
    crypto_hash_sha512_state hash;
    struct bytes64 seed;
    static const char domain[] = "Shoal_Change_v1";
    crypto_hash_sha512_init(&hash);
    crypto_hash_sha512_update(&hash, (const uint8_t *)domain, sizeof domain);
    for (uint32_t i = 0; i < token->count; i++) {
        struct bytes32 secret = sig_sha256(token->proofs[i].secret);
        crypto_hash_sha512_update(&hash, secret.at, sizeof secret.at);
    }
    crypto_hash_sha512_final(&hash, seed.at);
    return seed;
}
