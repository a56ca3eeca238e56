/* epoch.h - the key that a circle shares for as long as nobody is removed, and what it seals.
 *
 * The name of an epoch is a hash over its circle and its key, so that nobody can give one key to
 * some and another to others. An event of kind 1574 carries the key, sealed for each of the
 * members, and keys of earlier epochs, sealed under it: who joins can read what was written before,
 * who is removed nothing of what follows. An event of kind 1575 carries another, whole and signed.
 *
 *   ownership  results live in the arena; the caller wipes keys
 *   threads    any
 *   errors     ERR_INVALID: it says nothing, to anybody or with that key; the holder's
 *   spec       Shoal's state, "Encryption"; NIP-44; tags "epoch", "p", "h"
 */
#pragma once

#include "shared/base.h"

struct arena;
struct draft;
struct err;
struct event;
struct holder;

enum { EPOCH_PEOPLE_MAX = 200, EPOCH_EARLIER_MAX = 64 };

struct bytes32 epoch_name(const struct bytes32 *circle, const struct bytes32 *key);

struct epoch_share {
    struct bytes32 circle, key;
    const struct bytes32 *people;
    uint32_t people_count;         /* at most EPOCH_PEOPLE_MAX */
    const struct bytes32 *earlier; /* keys */
    uint32_t earlier_count;        /* at most EPOCH_EARLIER_MAX */
    const struct bytes32 *nonces;  /* fresh random bytes: one for each of the people, and one */
};

/* Adds the tags and the content of an event of kind 1574; its place in the history is node.h's. */
MUST_CHECK bool epoch_draft(struct draft *draft, const struct holder *holder,
                            const struct epoch_share *share, struct err *err);

/* The key, of an event of kind 1574 that is for the holder. */
MUST_CHECK bool epoch_open(struct bytes32 *key, const struct holder *holder,
                           const struct event *event, const struct bytes32 *circle,
                           struct err *err);

/* The earlier keys that the event tells who has the key; none where none can be read. */
struct bytes32 *epoch_earlier(size_t *count, struct arena *arena, const struct event *event,
                              const struct bytes32 *key);

/* ---- what is sealed ---- */

/* Events of that kind go sealed where they are of a circle that is not open. */
bool epoch_seals(uint16_t kind);

/* Writes all of an event of kind 1575 around one that is signed. */
MUST_CHECK bool epoch_seal(struct draft *draft, const struct bytes32 *circle,
                           const struct bytes32 *key, const struct event *inner,
                           const struct bytes32 *nonce, struct err *err);

struct epoch_sealed {
    struct bytes32 circle, epoch;
};
MUST_CHECK bool epoch_sealed(struct epoch_sealed *sealed, const struct event *outer,
                             struct err *err);

/* The event inside: its id and signature are right, it is of the same circle, and of a kind that is
 * sealed. */
MUST_CHECK bool epoch_unseal(struct event *inner, struct arena *arena, const struct bytes32 *key,
                             const struct event *outer, struct err *err);
