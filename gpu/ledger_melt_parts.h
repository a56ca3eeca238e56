/* ledger_melt_parts.h - a melt quote with what only the ledger knows of it.
 *
 * Part of ledger_melt.
 */
#pragma once

#include "gpu/ledger_parts.h"

struct melt {
    struct melt_quote quote;
    uint32_t attempt;       /* holds so far */
    struct bytes32 request; /* of one that is not UNPAID: that held it */
};

MUST_CHECK bool ledger_melt_lock(struct transaction *transaction, struct arena *arena,
                                 const struct uuid *id, struct melt *melt, struct fault *fault);

/* Under which the journal has a step of a quote: each attempt is one of its own. */
struct bytes32 ledger_name_step(const struct uuid *quote, enum entry_kind kind, uint32_t attempt);
