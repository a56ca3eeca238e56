/* keyring.h - the keys of circles' epochs that this device has, in the store, and what they open.
 *
 * What is sealed and cannot be opened waits in the log, as it came, for its key. What was opened is
 * put into the log, too, and is never told to a relay.
 *
 *   threads  the store's
 *   errors   the store's and the holder's
 *   spec     Shoal's state, "Encryption"
 */
#pragma once

#include "shared/base.h"

struct err;
struct event;
struct holder;
struct store;

/* Takes in one event of the log: one that is sealed is opened, or waits. */
MUST_CHECK bool keyring_take(struct store *store, int64_t n, const struct event *event,
                             struct err *err);

/* Keeps a key, and opens all that waited for it. */
MUST_CHECK bool keyring_add(struct store *store, const struct bytes32 *circle,
                            const struct bytes32 *key, struct err *err);

/* The key of an epoch. */
MUST_CHECK bool keyring_find(struct store *store, bool *has, struct bytes32 *key,
                             const struct bytes32 *epoch, struct err *err);

/* Some key of a circle, which is the only one where it has just begun; all zeroes: none is here. */
MUST_CHECK bool keyring_any(struct store *store, struct bytes32 *key, const struct bytes32 *circle,
                            struct err *err);

/* Opens the keys that others have sealed for the holder, by the circle's history or by gift wraps,
 * and those of earlier epochs behind them. count: how many epochs are new. */
MUST_CHECK bool keyring_open(struct store *store, const struct holder *holder, uint64_t *count,
                             struct err *err);
