#include "client/token_parts.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/hex.h"
#include "shared/scan.h"

static bool read_keyset(struct scan *scan, struct arena *arena, struct token_proof *proof,
                        struct err *err)
{
    struct span digits;
    if (!scan_text(scan, arena, &digits, err))
        return false;
    if (digits.len < 2 || digits.len > 2 * sizeof proof->keyset || digits.len % 2 != 0 ||
        !hex_decode(proof->keyset, digits.len / 2, digits))
        return err_set(err, ERR_INVALID, "a keyset whose id is not hex: '%s'",
                       scan_word(digits).at);
    proof->keyset_len = (uint8_t)(digits.len / 2);
    return true;
}

static bool read_dleq(struct scan *scan, struct arena *arena, struct token_proof *proof,
                      struct err *err)
{
    struct scan_list list;
    struct span key;
    int found = 0;
    if (!scan_object(scan, &list, err))
        return false;
    while (list.more) {
        struct bytes32 *out = NULL;
        if (!scan_key(scan, arena, &key, err))
            return false;
        if (span_eq(key, SPAN("e")))
            out = &proof->dleq.e;
        else if (span_eq(key, SPAN("s")))
            out = &proof->dleq.s;
        else if (span_eq(key, SPAN("r")))
            out = &proof->factor;
        if (!(out != NULL ? scan_hex(scan, arena, out->at, sizeof out->at, err)
                          : scan_skip(scan, err)) ||
            !scan_next(scan, &list, err))
            return false;
        found += out != NULL;
    }
    proof->has_dleq = found == 3; /* without the factor nothing can be checked */
    return true;
}

static bool read_proof_item(struct scan *scan, struct arena *arena, struct token_proof *proof,
                            struct span key, struct err *err)
{
    int64_t amount;
    if (span_eq(key, SPAN("amount"))) {
        if (!scan_integer(scan, &amount, INT64_MAX, err))
            return false;
        proof->amount = (uint64_t)amount;
        return true;
    }
    if (span_eq(key, SPAN("id")))
        return read_keyset(scan, arena, proof, err);
    if (span_eq(key, SPAN("secret")))
        return scan_text(scan, arena, &proof->secret, err);
    if (span_eq(key, SPAN("C")))
        return scan_hex(scan, arena, proof->c.at, sizeof proof->c.at, err);
    if (span_eq(key, SPAN("witness")) && scan_peek(scan) == '"')
        return scan_text(scan, arena, &proof->witness, err);
    if (span_eq(key, SPAN("dleq")) && scan_peek(scan) == '{')
        return read_dleq(scan, arena, proof, err);
    return scan_skip(scan, err);
}

static bool read_proof(struct scan *scan, struct arena *arena, struct token *token, struct err *err)
{
    struct scan_list list;
    struct span key;
    struct token_proof *proof = token_add_proof(token, arena, err);
    if (proof == NULL || !scan_object(scan, &list, err))
        return false;
    while (list.more)
        if (!scan_key(scan, arena, &key, err) || !read_proof_item(scan, arena, proof, key, err) ||
            !scan_next(scan, &list, err))
            return false;
    return (proof->keyset_len > 0 && proof->secret.len > 0 && proof->c.at[0] != 0) ||
           err_set(err, ERR_INVALID, "a proof without keyset, secret or signature");
}

static bool read_proofs(struct scan *scan, struct arena *arena, struct token *token,
                        struct err *err)
{
    struct scan_list list;
    if (!scan_array(scan, &list, err))
        return false;
    while (list.more)
        if (!read_proof(scan, arena, token, err) || !scan_next(scan, &list, err))
            return false;
    return true;
}

/* The proofs of a mint. */
static bool read_entry(struct scan *scan, struct arena *arena, struct token *token, struct err *err)
{
    struct scan_list list;
    struct span key;
    if (!scan_object(scan, &list, err))
        return false;
    while (list.more) {
        if (!scan_key(scan, arena, &key, err) ||
            !(span_eq(key, SPAN("mint"))     ? scan_text(scan, arena, &token->mint, err)
              : span_eq(key, SPAN("proofs")) ? read_proofs(scan, arena, token, err)
                                             : scan_skip(scan, err)) ||
            !scan_next(scan, &list, err))
            return false;
    }
    return true;
}

static bool read_entries(struct scan *scan, struct arena *arena, struct token *token,
                         struct err *err)
{
    struct scan_list list;
    if (!scan_array(scan, &list, err) || !list.more)
        return err_set(err, ERR_INVALID, "a token without proofs");
    if (!read_entry(scan, arena, token, err) || !scan_next(scan, &list, err))
        return false;
    return !list.more || err_set(err, ERR_INVALID, "a token of several mints: not taken");
}

bool token_read_json(struct token *token, struct arena *arena, struct span json, struct err *err)
{
    struct scan scan = scan_begin(json);
    struct scan_list list;
    struct span key;
    if (!scan_object(&scan, &list, err))
        return false;
    while (list.more) {
        if (!scan_key(&scan, arena, &key, err) ||
            !(span_eq(key, SPAN("token"))  ? read_entries(&scan, arena, token, err)
              : span_eq(key, SPAN("unit")) ? scan_text(&scan, arena, &token->unit, err)
              : span_eq(key, SPAN("memo")) && scan_peek(&scan) == '"'
                  ? scan_text(&scan, arena, &token->memo, err)
                  : scan_skip(&scan, err)) ||
            !scan_next(&scan, &list, err))
            return false;
    }
    return scan_end(&scan, err);
}
