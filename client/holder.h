/* holder.h - whoever holds a key of ours, and signs, seals and opens with it when asked.
 *
 * A key at hand, the agent that keeps it, or a bunker far away: who writes an event does not know
 * which. The last two may take a while, ask their owner, and refuse.
 *
 *   ownership  holder_new to holder_free, with the source
 *   threads    one at a time
 *   errors     ERR_RESTRICTED: it refuses, or what it signed is not what was asked for;
 *              ERR_INVALID: what box.h says; what else its source says
 *   spec       NIP-01 "Events and signatures"; NIP-44
 */
#pragma once

#include "shared/base.h"

struct err;
struct event;
struct holder;
struct keys;
struct text;

/* How a source does it. peer is a key that may be no point of the curve. */
struct holder_ways {
    /* pubkey and id are set: sets sig. aux: 32 fresh random bytes, used where the key is. */
    bool (*sign)(void *source, struct event *event, const struct bytes32 *aux, struct err *err);
    /* nonce: 32 fresh random bytes, used where the key is. */
    bool (*seal)(void *source, struct text *out, const struct bytes32 *peer, struct span plain,
                 const struct bytes32 *nonce, struct err *err);
    bool (*open)(void *source, struct text *out, const struct bytes32 *peer, struct span payload,
                 struct err *err);
    void (*free)(void *source);
};

struct holder *holder_new(const struct holder_ways *ways, void *source,
                          const struct bytes32 *pubkey);

/* A key at hand, which goes with it. */
struct holder *holder_of_keys(struct keys *keys);

/* holder may be NULL. */
void holder_free(struct holder *holder);

const struct bytes32 *holder_pubkey(const struct holder *holder);

/* Makes event ours: sets pubkey, id and sig, which is checked here. */
MUST_CHECK bool holder_sign(const struct holder *holder, struct event *event,
                            const struct bytes32 *aux, struct err *err);

/* Appends what is sealed for peer. */
MUST_CHECK bool holder_seal(const struct holder *holder, struct text *out,
                            const struct bytes32 *peer, struct span plain,
                            const struct bytes32 *nonce, struct err *err);

/* Appends the plain text of what peer sealed for us. */
MUST_CHECK bool holder_open(const struct holder *holder, struct text *out,
                            const struct bytes32 *peer, struct span payload, struct err *err);
