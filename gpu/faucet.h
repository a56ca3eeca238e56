/* faucet.h - credit that is given away: what has to be shown for it, and the work it costs.
 *
 * A grant goes to a key, in four stages; the quote may be issued by that key alone. Each costs
 *
 *     SHA256("Shoal_Grant_v1:MINT:KEY:STAGE:NONCE")
 *
 * with pow_bits leading zero bits (MINT and KEY: digits of points; STAGE: 1 to 4). From the second
 * on, a stage wants a job that was paid for here, told by its quote and its receipt, once each.
 *
 *   threads  pure
 *   spec     Shoal's; Cashu NUT-04, NUT-20
 */
#pragma once

#include "shared/base.h"

struct faucet_work {
    struct bytes33 mint, key;
    uint32_t stage;
    struct span nonce; /* any text */
};

/* How many bits of the hash are zero before the first that is not. */
uint32_t faucet_bits(const struct faucet_work *work);
