/* merkle.h - one hash over a list, and short proofs that something is in it.
 *
 * A leaf is hashed as 00 and its bytes, two hashes as 01, the left and the right; a list is cut
 * behind the greatest power of two that is less than its length.
 *
 *   ownership  proofs live in the arena
 *   threads    any
 *   spec       RFC 6962, 2.1 and 2.1.1
 */
#pragma once

#include "shared/base.h"

struct arena;

enum { MERKLE_PATH_MAX = 64 };

/* Of none it is the hash of nothing. */
struct bytes32 merkle_root(const struct bytes32 *leaves, size_t count);

/* The hashes beside the way from a leaf to the root, from below. */
struct merkle_proof {
    uint64_t index, count; /* of the leaf, and of all leaves */
    const struct bytes32 *path;
    size_t path_count;
};

/* index: less than count. */
struct merkle_proof merkle_prove(struct arena *arena, const struct bytes32 *leaves, size_t count,
                                 size_t index);

/* That a list with that root has the leaf there. */
bool merkle_verify(const struct merkle_proof *proof, const struct bytes32 *leaf,
                   const struct bytes32 *root);
