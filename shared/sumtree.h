/* sumtree.h - a Merkle tree that sums: one hash and one sum stand for a list of keys and amounts.
 *
 * Who is shown a key and its amount, and the hashes and sums beside its way up, can tell that both
 * are counted in the root; no root says a smaller sum than its leaves.
 *
 *     leaf = SHA256(0x00 | BE64 amount | key)         node = SHA256(0x01 | BE64 sum | hash, of the
 *     the empty tree: 0 and SHA256 of nothing          left, then of the right)
 *
 * The left part of a node is the largest power of two of leaves that is not all of them. Leaves
 * come one after the other: memory does not grow with them.
 *
 *   units    sums are below 2^64
 *   threads  one at a time
 *   errors   false: the sum would be too large, the tree stays as it was
 *   spec     the shape is that of RFC 9162, section 2.1.1
 */
#pragma once

#include "shared/base.h"

struct sumtree_root {
    uint64_t sum;
    struct bytes32 hash;
};

/* Empty: struct sumtree t = {0}. */
struct sumtree {
    uint64_t count; /* leaves: each bit of it is a whole part, the highest first in the list */
    struct sumtree_root parts[64]; /* by the bit: parts[i] has 2^i leaves */
};

MUST_CHECK bool sumtree_add(struct sumtree *tree, struct span key, uint64_t amount);

struct sumtree_root sumtree_root(const struct sumtree *tree);
