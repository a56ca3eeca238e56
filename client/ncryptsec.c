#include "client/ncryptsec.h"

#include <sodium.h>

#include "client/keys.h"
#include "client/secret.h"
#include "shared/bech32.h"
#include "shared/err.h"
#include "shared/text.h"

enum { VERSION = 2, SCRYPT_R = 8, SCRYPT_P = 1 };

/* What the word carries, byte by byte. */
struct payload {
    uint8_t version, log_n;
    struct ncryptsec_seed seed;
    uint8_t past; /* authenticated, not encrypted */
    uint8_t sealed[sizeof(struct bytes32) + crypto_aead_xchacha20poly1305_ietf_ABYTES];
};
_Static_assert(sizeof(struct payload) == 91, "NIP-49's payload has no padding");

static const struct span prefix = {"ncryptsec", 9};

/* The cipher's key from the password, in locked memory; NULL on failure. */
static struct bytes32 *stretch(struct span password, const struct payload *payload, struct err *err)
{
    char *normal = secret_normal(password, SECRET_NFKC);
    if (normal == NULL) {
        err_fill(err, ERR_INVALID, "a password must be UTF-8 of at most %d bytes", SECRET_TEXT_MAX);
        return NULL;
    }
    struct bytes32 *key = secret_new(sizeof *key);
    int failed = crypto_pwhash_scryptsalsa208sha256_ll(
        (const uint8_t *)normal, strlen(normal), payload->seed.salt, sizeof payload->seed.salt,
        (uint64_t)1 << payload->log_n, SCRYPT_R, SCRYPT_P, key->at, sizeof key->at);
    secret_free(normal);
    if (failed == 0)
        return key;
    secret_free(key);
    err_fill(err, ERR_INTERNAL, "scrypt needs %llu MiB of memory, which are not there",
             (unsigned long long)1 << payload->log_n >> 10);
    return NULL;
}

static bool check_cost(uint32_t log_n, struct err *err)
{
    if (log_n < 1 || log_n > NCRYPTSEC_LOG_N_MAX)
        return err_set(err, ERR_UNSUPPORTED, "a scrypt cost of 2^%u; 2^1 to 2^%d are read", log_n,
                       NCRYPTSEC_LOG_N_MAX);
    return true;
}

bool ncryptsec_seal(struct text *out, const struct keys *keys, struct span password,
                    const struct ncryptsec_terms *terms, struct err *err)
{
    struct payload payload = {.version = VERSION,
                              .log_n = (uint8_t)terms->log_n,
                              .seed = terms->seed,
                              .past = (uint8_t)terms->past};
    if (!check_cost(terms->log_n, err))
        return false;
    struct bytes32 *key = stretch(password, &payload, err);
    if (key == NULL)
        return false;
    crypto_aead_xchacha20poly1305_ietf_encrypt(
        payload.sealed, NULL, keys_secret(keys)->at, sizeof(struct bytes32), &payload.past,
        sizeof payload.past, NULL, payload.seed.nonce, key->at);
    secret_free(key);
    bech32_write_bytes(out, prefix, (const uint8_t *)&payload, sizeof payload);
    return true;
}

static bool read_payload(struct payload *payload, struct span word, struct err *err)
{
    uint8_t data[BECH32_BYTES_MAX];
    size_t len;
    if (!bech32_read_bytes(data, &len, prefix, word, err))
        return false;
    if (len > 0 && data[0] != VERSION)
        return err_set(err, ERR_UNSUPPORTED, "an ncryptsec of version %u, not %d", data[0],
                       VERSION);
    if (len != sizeof *payload)
        return err_set(err, ERR_INVALID, "an ncryptsec of %zu bytes, not %zu", len,
                       sizeof *payload);
    memcpy(payload, data, sizeof *payload);
    return check_cost(payload->log_n, err);
}

struct keys *ncryptsec_open(struct span word, struct span password, struct err *err)
{
    struct payload payload;
    struct bytes32 *key =
        read_payload(&payload, word, err) ? stretch(password, &payload, err) : NULL;
    if (key == NULL)
        return NULL;

    struct bytes32 *secret = secret_new(sizeof *secret);
    struct keys *keys = NULL;
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(
            secret->at, NULL, NULL, payload.sealed, sizeof payload.sealed, &payload.past,
            sizeof payload.past, payload.seed.nonce, key->at) != 0)
        err_fill(err, ERR_RESTRICTED, "the password is wrong, or the word was altered");
    else if ((keys = keys_new(secret)) == NULL)
        err_fill(err, ERR_INVALID, "what was sealed is no secret key");
    secret_free(secret);
    secret_free(key);
    return keys;
}
