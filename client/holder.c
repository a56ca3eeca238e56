#include "client/holder.h"

#include <stdlib.h>

#include "client/box.h"
#include "client/keys.h"
#include "client/secret.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/sig.h"

struct holder {
    const struct holder_ways *ways;
    void *source;
    struct bytes32 pubkey;
};

/* ---- a key at hand ---- */

static bool sign_with_keys(void *source, struct event *event, const struct bytes32 *aux,
                           struct err *err)
{
    (void)err;
    keys_sign(source, event, aux);
    return true;
}

static bool share_with_keys(struct bytes32 *key, const struct keys *keys,
                            const struct bytes32 *peer, struct err *err)
{
    return box_key(key, keys, peer) ||
           err_set(err, ERR_INVALID, "the other's key is not a point of the curve");
}

static bool seal_with_keys(void *source, struct text *out, const struct bytes32 *peer,
                           struct span plain, const struct bytes32 *nonce, struct err *err)
{
    struct bytes32 key;
    bool ok = share_with_keys(&key, source, peer, err) && box_seal(out, &key, plain, nonce, err);
    secret_wipe(&key, sizeof key);
    return ok;
}

static bool open_with_keys(void *source, struct text *out, const struct bytes32 *peer,
                           struct span payload, struct err *err)
{
    struct bytes32 key;
    bool ok = share_with_keys(&key, source, peer, err) && box_open(out, &key, payload, err);
    secret_wipe(&key, sizeof key);
    return ok;
}

static void free_keys(void *source)
{
    keys_free(source);
}

static const struct holder_ways ways_of_keys = {
    .sign = sign_with_keys, .seal = seal_with_keys, .open = open_with_keys, .free = free_keys};

/* ---- any ---- */

struct holder *holder_new(const struct holder_ways *ways, void *source,
                          const struct bytes32 *pubkey)
{
    struct holder *holder = malloc(sizeof *holder);
    if (holder == NULL)
        abort();
    *holder = (struct holder){.ways = ways, .source = source, .pubkey = *pubkey};
    return holder;
}

struct holder *holder_of_keys(struct keys *keys)
{
    return holder_new(&ways_of_keys, keys, keys_pubkey(keys));
}

void holder_free(struct holder *holder)
{
    if (holder == NULL)
        return;
    holder->ways->free(holder->source);
    free(holder);
}

const struct bytes32 *holder_pubkey(const struct holder *holder)
{
    return &holder->pubkey;
}

bool holder_sign(const struct holder *holder, struct event *event, const struct bytes32 *aux,
                 struct err *err)
{
    event->pubkey = holder->pubkey;
    event->id = event_hash(event, EVENT_FORM_JSON);
    if (!holder->ways->sign(holder->source, event, aux, err))
        return false;
    return sig_verify(&event->sig, &event->id, &event->pubkey) ||
           err_set(err, ERR_RESTRICTED, "what was to be signed came back with a wrong signature");
}

bool holder_seal(const struct holder *holder, struct text *out, const struct bytes32 *peer,
                 struct span plain, const struct bytes32 *nonce, struct err *err)
{
    return holder->ways->seal(holder->source, out, peer, plain, nonce, err);
}

bool holder_open(const struct holder *holder, struct text *out, const struct bytes32 *peer,
                 struct span payload, struct err *err)
{
    return holder->ways->open(holder->source, out, peer, payload, err);
}
