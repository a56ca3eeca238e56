#include "client/derive.h"

#include <assert.h>
#include <secp256k1.h>
#include <sodium.h>

#include "client/secret.h"

enum { PURPOSE = 44, NOSTR = 1237 }; /* BIP-44; SLIP-44's number of Nostr */

static const uint32_t hardened = 0x80000000;

/* A key of the tree and its chain code: the two halves of an HMAC-SHA512. */
struct node {
    struct bytes32 key, chain;
};
_Static_assert(sizeof(struct node) == 64, "the halves of one hash");

/* In locked memory: what a step takes. */
struct work {
    struct node node, next;
    uint8_t data[37];
    crypto_auth_hmacsha512_state state;
};

static void hash(struct node *out, crypto_auth_hmacsha512_state *state, struct span key,
                 struct span data)
{
    crypto_auth_hmacsha512_init(state, (const uint8_t *)key.at, key.len);
    crypto_auth_hmacsha512_update(state, (const uint8_t *)data.at, data.len);
    crypto_auth_hmacsha512_final(state, (uint8_t *)out);
}

/* From work->node to its child. */
static bool step(const secp256k1_context *context, struct work *work, uint32_t index)
{
    secp256k1_pubkey point;
    size_t len = 33;
    if (index >= hardened) {
        work->data[0] = 0;
        memcpy(work->data + 1, work->node.key.at, 32);
    } else if (!secp256k1_ec_pubkey_create(context, &point, work->node.key.at) ||
               !secp256k1_ec_pubkey_serialize(context, work->data, &len, &point,
                                              SECP256K1_EC_COMPRESSED)) {
        return false;
    }
    for (uint32_t i = 0; i < 4; i++)
        work->data[33 + i] = (uint8_t)(index >> (24 - 8 * i));
    hash(&work->next, &work->state, SPAN_OF(work->node.chain), SPAN_OF(work->data));
    work->node.chain = work->next.chain;
    return secp256k1_ec_seckey_tweak_add(context, work->node.key.at, work->next.key.at);
}

bool derive_account(struct bytes32 *secret, const struct bytes64 *seed, uint32_t account)
{
    assert(account <= DERIVE_ACCOUNT_MAX);
    const uint32_t path[] = {hardened + PURPOSE, hardened + NOSTR, hardened + account, 0, 0};
    secp256k1_context *context = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
    struct work *work = secret_new(sizeof *work);
    hash(&work->node, &work->state, SPAN("Bitcoin seed"), SPAN_OF(*seed));
    bool ok = secp256k1_ec_seckey_verify(context, work->node.key.at);
    for (size_t i = 0; ok && i < ARRAY_LEN(path); i++)
        ok = step(context, work, path[i]);
    if (ok)
        *secret = work->node.key;
    secret_free(work);
    secp256k1_context_destroy(context);
    return ok;
}
