#include "client/keys.h"

#include <assert.h>
#include <secp256k1.h>
#include <secp256k1_ecdh.h>

#include "client/secret.h"
#include "shared/event.h"
#include "shared/sig.h"

struct keys {
    struct bytes32 secret, pubkey;
};

struct keys *keys_new(const struct bytes32 *secret)
{
    struct keys *keys = secret_new(sizeof *keys);
    keys->secret = *secret;
    if (sig_pubkey(&keys->pubkey, &keys->secret))
        return keys;
    secret_free(keys);
    return NULL;
}

void keys_free(struct keys *keys)
{
    secret_free(keys);
}

const struct bytes32 *keys_pubkey(const struct keys *keys)
{
    return &keys->pubkey;
}

const struct bytes32 *keys_secret(const struct keys *keys)
{
    return &keys->secret;
}

void keys_sign(const struct keys *keys, struct event *event, const struct bytes32 *aux)
{
    event->pubkey = keys->pubkey;
    event->id = event_hash(event, EVENT_FORM_JSON);
    bool is_signed = sig_sign(&event->sig, &event->id, &keys->secret, aux);
    assert(is_signed); /* keys_new saw that the secret is one */
}

static int copy_x(unsigned char *out, const unsigned char *x, const unsigned char *y, void *data)
{
    (void)y;
    (void)data;
    memcpy(out, x, 32);
    return 1;
}

bool keys_share(const struct keys *keys, struct bytes32 *shared, const struct bytes32 *peer)
{
    unsigned char even[33] = {2}; /* of the two points with that x, BIP-340 means the even one */
    secp256k1_pubkey point;
    memcpy(even + 1, peer->at, sizeof peer->at);
    return secp256k1_ec_pubkey_parse(secp256k1_context_static, &point, even, sizeof even) &&
           secp256k1_ecdh(secp256k1_context_static, shared->at, &point, keys->secret.at, copy_x,
                          NULL);
}
