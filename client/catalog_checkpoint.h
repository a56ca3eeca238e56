/* catalog_checkpoint.h - checkpoints of what is in the catalog. Part of catalog.
 *
 *   ownership, threads, errors  catalog.h's
 */
#pragma once

#include "client/checkpoint.h"

struct store;

/* Sets covers, count, hash, upto and state from the root, heads and grounds of a checkpoint.
 * missing: how many events are named and not here; redacted: how many of those covered were taken
 * back since: where either is not 0, nothing is to be compared. */
struct catalog_covered {
    uint64_t missing, redacted;
    bool is_all; /* everything that is covered counts */
};
MUST_CHECK bool catalog_cover(struct store *store, struct checkpoint *checkpoint,
                              struct catalog_covered *covered, struct arena *arena,
                              struct err *err);

/* One of all that counts now. ERR_INVALID: it is no entity here; ERR_RESTRICTED: of too many
 * heads. */
MUST_CHECK bool catalog_checkpoint(struct store *store, struct checkpoint *checkpoint,
                                   struct arena *arena, const struct bytes32 *root,
                                   struct err *err);

/* The state that a checkpoint says, from its content or from pieces that are here, and as it was
 * hashed; empty: it was not sent, or not all of it is here. */
MUST_CHECK bool catalog_said_state(struct store *store, struct span *state, struct arena *arena,
                                   const struct checkpoint *said, struct err *err);
