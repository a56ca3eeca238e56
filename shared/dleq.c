#include "shared/dleq.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "shared/blind.h"
#include "shared/curve.h"
#include "shared/sig.h"
#include "shared/text.h"

static void add_whole(struct text *out, const secp256k1_pubkey *point)
{
    uint8_t bytes[CURVE_WHOLE_BYTES];
    curve_write_whole(bytes, point);
    text_add(out, SPAN_OF(bytes));
}

/* e: of the points as digits. */
static struct bytes32 challenge(const secp256k1_pubkey *const points[4])
{
    struct text text = {0};
    for (int i = 0; i < 4; i++) {
        uint8_t bytes[CURVE_WHOLE_BYTES];
        curve_write_whole(bytes, points[i]);
        text_add_hex(&text, bytes, sizeof bytes);
    }
    struct bytes32 hash = sig_sha256(text_span(&text));
    text_clear(&text);
    return hash;
}

/* Of a hash that is 0 or not below the group order, which nobody will see, the next is taken. */
static struct bytes32 derive_nonce(const struct bytes32 *key, const secp256k1_pubkey *mint,
                                   const secp256k1_pubkey *message,
                                   const secp256k1_pubkey *signature)
{
    struct text text = {0};
    struct bytes32 nonce;
    text_add(&text, SPAN("Cashu_DLEQ_R_v1"));
    add_whole(&text, mint);
    add_whole(&text, message);
    add_whole(&text, signature);
    text_add(&text, (struct span){"", 1});
    do {
        const unsigned char *done = HMAC(EVP_sha256(), key->at, sizeof key->at,
                                         (const unsigned char *)text.at, text.len, nonce.at, NULL);
        assert(done != NULL);
        text.at[text.len - 1]++;
    } while (!secp256k1_ec_seckey_verify(secp256k1_context_static, nonce.at));
    text_clear(&text);
    return nonce;
}

bool dleq_prove(struct dleq *dleq, const struct bytes32 *key, const struct bytes33 *message,
                const struct bytes33 *signature)
{
    secp256k1_pubkey mint, from, to, base, multiple;
    if (!curve_read(&from, message) || !curve_read(&to, signature) || !curve_of(&mint, key))
        return false;
    struct bytes32 nonce = derive_nonce(key, &mint, &from, &to);
    bool is_ok = curve_of(&base, &nonce) && curve_multiply(&multiple, &from, &nonce);
    assert(is_ok);
    dleq->e = challenge((const secp256k1_pubkey *const[]){&base, &multiple, &mint, &to});
    dleq->s = *key;
    is_ok = secp256k1_ec_seckey_tweak_mul(secp256k1_context_static, dleq->s.at, dleq->e.at) &&
            secp256k1_ec_seckey_tweak_add(secp256k1_context_static, dleq->s.at, nonce.at);
    OPENSSL_cleanse(&nonce, sizeof nonce);
    return is_ok;
}

/* s * base - e * multiple, which is the nonce's multiple of base when the proof is right. */
static bool undo(secp256k1_pubkey *out, const secp256k1_pubkey *s_base, const struct bytes32 *e,
                 const secp256k1_pubkey *multiple)
{
    secp256k1_pubkey product;
    return curve_multiply_public(&product, multiple, e) && curve_subtract(out, s_base, &product);
}

static bool verify(const struct dleq *dleq, const secp256k1_pubkey *mint,
                   const secp256k1_pubkey *from, const secp256k1_pubkey *to)
{
    secp256k1_pubkey of_base, of_message, base, message;
    if (!curve_of(&of_base, &dleq->s) || !undo(&base, &of_base, &dleq->e, mint) ||
        !curve_multiply_public(&of_message, from, &dleq->s) ||
        !undo(&message, &of_message, &dleq->e, to))
        return false;
    struct bytes32 right = challenge((const secp256k1_pubkey *const[]){&base, &message, mint, to});
    return memcmp(&right, &dleq->e, sizeof right) == 0;
}

bool dleq_verify(const struct dleq *dleq, const struct bytes33 *public_key,
                 const struct bytes33 *message, const struct bytes33 *signature)
{
    secp256k1_pubkey mint, from, to;
    return curve_read(&mint, public_key) && curve_read(&from, message) &&
           curve_read(&to, signature) && verify(dleq, &mint, &from, &to);
}

bool dleq_verify_proof(const struct dleq *dleq, const struct bytes33 *public_key,
                       struct span secret, const struct bytes33 *proof,
                       const struct bytes32 *factor)
{
    secp256k1_pubkey mint, from, to, clear, veil;
    struct bytes33 message;
    return curve_read(&mint, public_key) && curve_read(&clear, proof) &&
           blind_message(&message, secret, factor) && curve_read(&from, &message) &&
           curve_multiply(&veil, &mint, factor) && curve_add(&to, &clear, &veil) &&
           verify(dleq, &mint, &from, &to);
}
