#include "client/trie.h"

#include <assert.h>

#include "shared/arena.h"

/* A byte of a key has nine bits: whether it is there at all, and its eight. A key that ends is
 * thus before all that go on. */
enum { BITS = 9 };

static bool is_leaf(const struct trie_node *node)
{
    return node->value != NULL;
}

static size_t bit_of(struct span key, uint32_t byte, uint32_t bit)
{
    if (byte >= key.len)
        return 0;
    return bit == 0 ? 1 : (size_t)(uint8_t)key.at[byte] >> (BITS - 1 - bit) & 1;
}

/* The leaf that key would be, if it is there. */
static struct trie_node *nearest(const struct trie *trie, struct span key)
{
    struct trie_node *node = trie->root;
    while (!is_leaf(node))
        node = node->child[bit_of(key, node->byte, node->bit)];
    return node;
}

void *trie_get(const struct trie *trie, struct span key)
{
    if (trie->root == NULL)
        return NULL;
    struct trie_node *leaf = nearest(trie, key);
    return span_eq(leaf->key, key) ? leaf->value : NULL;
}

/* Where two different keys part. */
static void find_parting(uint32_t *byte, uint32_t *bit, struct span a, struct span b)
{
    size_t shorter = a.len < b.len ? a.len : b.len, i = 0;
    while (i < shorter && a.at[i] == b.at[i])
        i++;
    *byte = (uint32_t)i;
    *bit = 0;
    if (i < shorter)
        *bit = (uint32_t)__builtin_clz((uint8_t)(a.at[i] ^ b.at[i])) - 24 + 1;
}

/* The first leaf under node, or the last. */
static struct trie_node *outermost(struct trie_node *node, size_t side)
{
    while (!is_leaf(node))
        node = node->child[side];
    return node;
}

/* Puts leaf into the list, beside all the leaves under node: behind them when side is 1. before:
 * the last leaf in front of them, NULL when there is none. */
static void enlist(struct trie *trie, struct trie_node *leaf, struct trie_node *node, size_t side,
                   struct trie_node *before)
{
    if (side == 1)
        before = outermost(node, 1);
    leaf->next = before != NULL ? before->next : trie->first;
    if (before != NULL)
        before->next = leaf;
    else
        trie->first = leaf;
}

static bool parts_earlier(const struct trie_node *node, uint32_t byte, uint32_t bit)
{
    return !is_leaf(node) && (node->byte < byte || (node->byte == byte && node->bit < bit));
}

void trie_put(struct trie *trie, struct arena *arena, struct span key, void *value)
{
    assert(value != NULL && key.len < UINT32_MAX);
    struct trie_node *near = trie->root != NULL ? nearest(trie, key) : NULL;
    if (near != NULL && span_eq(near->key, key)) {
        near->value = value;
        return;
    }
    struct trie_node *leaf = arena_alloc(arena, sizeof *leaf);
    *leaf = (struct trie_node){.key = arena_copy(arena, key), .value = value};
    trie->count++;
    if (near == NULL) {
        trie->root = trie->first = leaf;
        return;
    }

    struct trie_node *inner = arena_alloc(arena, sizeof *inner);
    find_parting(&inner->byte, &inner->bit, near->key, key);
    struct trie_node **place = &trie->root, *left_of = NULL;
    while (parts_earlier(*place, inner->byte, inner->bit)) {
        size_t side = bit_of(key, (*place)->byte, (*place)->bit);
        if (side == 1)
            left_of = (*place)->child[0];
        place = &(*place)->child[side];
    }
    size_t side = bit_of(key, inner->byte, inner->bit);
    enlist(trie, leaf, *place, side, left_of != NULL ? outermost(left_of, 1) : NULL);
    inner->child[side] = leaf;
    inner->child[1 - side] = *place;
    *place = inner;
}
