#include "shared/sumtree.h"

#include <assert.h>
#include <endian.h>

#include "shared/sig.h"

enum { SUMTREE_KEY_MAX = 64, SUMTREE_LEAF = 0, SUMTREE_NODE = 1 };

static uint8_t *put_number(uint8_t *at, uint64_t number)
{
    uint64_t big = htobe64(number);
    memcpy(at, &big, sizeof big);
    return at + sizeof big;
}

static uint8_t *put_part(uint8_t *at, const struct sumtree_root *part)
{
    at = put_number(at, part->sum);
    memcpy(at, part->hash.at, sizeof part->hash.at);
    return at + sizeof part->hash.at;
}

static struct sumtree_root join(const struct sumtree_root *left, const struct sumtree_root *right)
{
    uint8_t bytes[1 + 2 * (8 + 32)] = {SUMTREE_NODE};
    put_part(put_part(bytes + 1, left), right);
    return (struct sumtree_root){left->sum + right->sum, sig_sha256(SPAN_OF(bytes))};
}

bool sumtree_add(struct sumtree *tree, struct span key, uint64_t amount)
{
    uint8_t bytes[1 + 8 + SUMTREE_KEY_MAX] = {SUMTREE_LEAF};
    uint64_t sum = amount;
    assert(key.len <= SUMTREE_KEY_MAX);
    for (int i = 0; i < 64; i++)
        if ((tree->count >> i & 1) != 0 && __builtin_add_overflow(sum, tree->parts[i].sum, &sum))
            return false;

    memcpy(put_number(bytes + 1, amount), key.at, key.len);
    struct span leaf = {(const char *)bytes, 1 + 8 + key.len};
    struct sumtree_root part = {amount, sig_sha256(leaf)};
    int bit = 0;
    for (; (tree->count >> bit & 1) != 0; bit++)
        part = join(&tree->parts[bit], &part);
    tree->parts[bit] = part;
    tree->count++;
    return true;
}

struct sumtree_root sumtree_root(const struct sumtree *tree)
{
    struct sumtree_root root = {0, sig_sha256((struct span){0})};
    bool is_first = true;
    for (int i = 0; i < 64; i++) {
        if ((tree->count >> i & 1) == 0)
            continue;
        root = is_first ? tree->parts[i] : join(&tree->parts[i], &root);
        is_first = false;
    }
    return root;
}
