/* mint_ring.h - the keysets of a mint, from the tables and the seed.
 *
 * Another process may add one at any time: one that is not known is looked for in the tables.
 *
 *   ownership  mint_ring_new to mint_ring_free; keysets live as long, the ledger and seed longer
 *   threads    any
 *   errors     FAULT_KEYSET_UNKNOWN; FAULT_OURS: the database is away, or its keysets are of
 *              another seed
 */
#pragma once

#include "gpu/mint_keyset.h"

struct mint_ring;

struct mint_ring *mint_ring_new(struct ledger *ledger, const struct bytes32 *seed);
void mint_ring_free(struct mint_ring *ring); /* may be NULL */

/* All rows as they are now, every keyset of which is at hand. */
MUST_CHECK bool mint_ring_rows(struct mint_ring *ring, struct arena *arena,
                               const struct ledger_keyset **rows, uint32_t *count,
                               struct fault *fault);

/* name: the id in digits. */
MUST_CHECK bool mint_ring_find(struct mint_ring *ring, struct span name,
                               const struct mint_keyset **keyset, struct fault *fault);
MUST_CHECK bool mint_ring_at(struct mint_ring *ring, int16_t number,
                             const struct mint_keyset **keyset, struct fault *fault);

/* A new keyset, with which that unit is signed from now on. Two that do so at once make one. */
struct mint_ring_terms {
    const char *unit;
    uint32_t input_fee_ppk;
    int64_t final_expiry; /* 0: none */
};
MUST_CHECK bool mint_ring_rotate(struct mint_ring *ring, const struct mint_ring_terms *terms,
                                 const struct mint_keyset **keyset, struct fault *fault);
