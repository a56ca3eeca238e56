#include "client/merkle.h"

#include "shared/arena.h"
#include "shared/sig.h"

static struct bytes32 hash_leaf(const struct bytes32 *leaf)
{
    char bytes[1 + sizeof *leaf] = {0};
    memcpy(bytes + 1, leaf->at, sizeof *leaf);
    return sig_sha256(SPAN_OF(bytes));
}

static struct bytes32 hash_pair(const struct bytes32 *left, const struct bytes32 *right)
{
    char bytes[1 + 2 * sizeof *left] = {1};
    memcpy(bytes + 1, left->at, sizeof *left);
    memcpy(bytes + 1 + sizeof *left, right->at, sizeof *right);
    return sig_sha256(SPAN_OF(bytes));
}

/* The greatest power of two less than count, which is over 1. */
static size_t cut_of(size_t count)
{
    size_t cut = 1;
    while (cut < count - cut)
        cut *= 2;
    return cut;
}

struct bytes32 merkle_root(const struct bytes32 *leaves, size_t count)
{
    struct bytes32 whole[MERKLE_PATH_MAX]; /* roots of what is whole, the greatest first */
    size_t depth = 0;
    for (size_t i = 0; i < count; i++) {
        whole[depth++] = hash_leaf(&leaves[i]);
        for (size_t grown = i + 1; grown % 2 == 0; grown /= 2, depth--)
            whole[depth - 2] = hash_pair(&whole[depth - 2], &whole[depth - 1]);
    }
    for (; depth > 1; depth--)
        whole[depth - 2] = hash_pair(&whole[depth - 2], &whole[depth - 1]);
    return count > 0 ? whole[0] : sig_sha256(SPAN(""));
}

struct merkle_proof merkle_prove(struct arena *arena, const struct bytes32 *leaves, size_t count,
                                 size_t index)
{
    struct merkle_proof proof = {.index = index, .count = count};
    struct bytes32 *path = arena_array(arena, struct bytes32, MERKLE_PATH_MAX), *at;
    while (count > 1) { /* from above */
        size_t cut = cut_of(count);
        bool is_left = index < cut;
        at = &path[MERKLE_PATH_MAX - ++proof.path_count];
        *at = is_left ? merkle_root(leaves + cut, count - cut) : merkle_root(leaves, cut);
        leaves += is_left ? 0 : cut;
        index -= is_left ? 0 : cut;
        count = is_left ? cut : count - cut;
    }
    proof.path = path + MERKLE_PATH_MAX - proof.path_count;
    return proof;
}

bool merkle_verify(const struct merkle_proof *proof, const struct bytes32 *leaf,
                   const struct bytes32 *root)
{
    uint64_t index = proof->index, last = proof->count - 1;
    struct bytes32 hash = hash_leaf(leaf);
    size_t used = 0;
    if (proof->count == 0 || index > last)
        return false;
    for (; last > 0; index /= 2, last /= 2) {
        bool is_right = index % 2 == 1;
        if (!is_right && index == last)
            continue; /* the last one of its row goes up alone */
        if (used == proof->path_count)
            return false;
        const struct bytes32 *beside = &proof->path[used++];
        hash = is_right ? hash_pair(beside, &hash) : hash_pair(&hash, beside);
    }
    return used == proof->path_count && memcmp(&hash, root, sizeof hash) == 0;
}
