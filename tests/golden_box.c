/* The vectors of NIP-44: conversation keys, padding, payloads both ways, and all that must be
 * refused. A file that is not there skips the test. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/box.h"
#include "client/keys.h"
#include "shared/err.h"
#include "shared/hex.h"
#include "shared/sig.h"
#include "shared/text.h"

enum { SKIPPED = 77 };

static unsigned checked, failed;

static void check(bool ok, const char *what, size_t index)
{
    checked++;
    failed += !ok;
    if (!ok)
        printf("%s %zu: wrong\n", what, index);
}

static struct span field(const json_t *vector, const char *name)
{
    const json_t *value = json_object_get(vector, name);
    return (struct span){json_string_value(value), json_string_length(value)};
}

static bool hex_field(struct bytes32 *out, const json_t *vector, const char *name)
{
    return hex_decode(out->at, sizeof out->at, field(vector, name));
}

static bool is_hash(struct span bytes, const json_t *vector, const char *name)
{
    struct bytes32 wanted, hash = sig_sha256(bytes);
    return hex_field(&wanted, vector, name) && memcmp(hash.at, wanted.at, sizeof hash.at) == 0;
}

/* The key of a secret and a public key; false when there is none. */
static bool make_key(struct bytes32 *key, const json_t *vector, const char *secret_name,
                     const struct bytes32 *peer)
{
    struct bytes32 secret;
    if (!hex_field(&secret, vector, secret_name))
        return false;
    struct keys *keys = keys_new(&secret);
    bool ok = keys != NULL && box_key(key, keys, peer);
    keys_free(keys);
    return ok;
}

static bool peer_of(struct bytes32 *peer, const json_t *vector, const char *secret_name)
{
    struct bytes32 secret;
    return hex_field(&secret, vector, secret_name) && sig_pubkey(peer, &secret);
}

static bool is_conversation_key(const json_t *vector)
{
    struct bytes32 peer, key, wanted;
    return hex_field(&peer, vector, "pub2") && make_key(&key, vector, "sec1", &peer) &&
           hex_field(&wanted, vector, "conversation_key") &&
           memcmp(key.at, wanted.at, sizeof key.at) == 0;
}

static bool has_conversation_key(const json_t *vector)
{
    struct bytes32 peer, key;
    return hex_field(&peer, vector, "pub2") && make_key(&key, vector, "sec1", &peer);
}

static bool is_padded(const json_t *vector)
{
    json_int_t len = json_integer_value(json_array_get(vector, 0));
    return (json_int_t)box_padded((size_t)len) == json_integer_value(json_array_get(vector, 1));
}

/* Sealing gives the payload, opening gives the text, and either side has the key. */
static bool is_sealed(const json_t *vector)
{
    struct bytes32 peer, key, wanted, nonce;
    struct text payload = {0}, plain = {0};
    bool ok = peer_of(&peer, vector, "sec2") && make_key(&key, vector, "sec1", &peer) &&
              hex_field(&wanted, vector, "conversation_key") &&
              memcmp(key.at, wanted.at, sizeof key.at) == 0 && hex_field(&nonce, vector, "nonce") &&
              box_seal(&payload, &key, field(vector, "plaintext"), &nonce, NULL) &&
              span_eq(text_span(&payload), field(vector, "payload")) &&
              box_open(&plain, &key, text_span(&payload), NULL) &&
              span_eq(text_span(&plain), field(vector, "plaintext"));
    text_clear(&payload);
    text_clear(&plain);
    return ok;
}

static bool is_sealed_long(const json_t *vector)
{
    struct bytes32 key, nonce;
    struct text plain = {0}, payload = {0}, opened = {0};
    for (json_int_t i = json_integer_value(json_object_get(vector, "repeat")); i > 0; i--)
        text_add(&plain, field(vector, "pattern"));
    bool ok = hex_field(&key, vector, "conversation_key") && hex_field(&nonce, vector, "nonce") &&
              is_hash(text_span(&plain), vector, "plaintext_sha256") &&
              box_seal(&payload, &key, text_span(&plain), &nonce, NULL) &&
              is_hash(text_span(&payload), vector, "payload_sha256") &&
              box_open(&opened, &key, text_span(&payload), NULL) &&
              span_eq(text_span(&plain), text_span(&opened));
    text_clear(&plain);
    text_clear(&payload);
    text_clear(&opened);
    return ok;
}

static bool is_openable(const json_t *vector)
{
    struct bytes32 key;
    struct text plain = {0};
    struct err err;
    bool ok = !hex_field(&key, vector, "conversation_key") ||
              box_open(&plain, &key, field(vector, "payload"), &err);
    text_clear(&plain);
    return ok;
}

/* A vector that is only a length, past what can be sealed; none of them is that short that the
 * length alone would not do. */
static bool is_sealable(const json_t *vector)
{
    struct text plain = {0}, payload = {0};
    struct bytes32 key = {0};
    size_t len = (size_t)json_integer_value(vector);
    if (len > BOX_BYTES_MAX + 1)
        len = BOX_BYTES_MAX + 1;
    memset(text_reserve(&plain, len + 1), 'x', len);
    plain.len = len;
    bool ok = box_seal(&payload, &key, text_span(&plain), &key, NULL);
    text_clear(&plain);
    text_clear(&payload);
    return ok;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *validity, *name;
        bool (*test)(const json_t *vector);
        bool wanted;
    } groups[] = {
        {"valid", "get_conversation_key", is_conversation_key, true},
        {"valid", "calc_padded_len", is_padded, true},
        {"valid", "encrypt_decrypt", is_sealed, true},
        {"valid", "encrypt_decrypt_long_msg", is_sealed_long, true},
        {"invalid", "get_conversation_key", has_conversation_key, false},
        {"invalid", "decrypt", is_openable, false},
        {"invalid", "encrypt_msg_lengths", is_sealable, false},
    };
    json_error_t error;
    FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
    if (file == NULL) {
        printf("skipped: no vectors\n");
        return SKIPPED;
    }
    json_t *root = json_loadf(file, JSON_ALLOW_NUL, &error);
    for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
        const json_t *version = json_object_get(root, "v2");
        const json_t *list =
            json_object_get(json_object_get(version, groups[i].validity), groups[i].name);
        check(json_array_size(list) > 0, groups[i].name, 0);
        for (size_t j = 0; j < json_array_size(list); j++)
            check(groups[i].test(json_array_get(list, j)) == groups[i].wanted, groups[i].name, j);
    }
    json_decref(root);
    fclose(file);
    printf("%u checked, %u failed\n", checked, failed);
    return failed == 0 && checked > 90 ? EXIT_SUCCESS : EXIT_FAILURE;
}
