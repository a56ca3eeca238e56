/* trie.h - values by keys of any bytes, in the order of the keys.
 *
 * A crit-bit tree: nothing is hashed, so that nobody can choose keys that collide, and a look-up
 * costs no more than the key is long.
 *
 *   ownership  nodes and copies of keys live in the arena given; values are borrowed.
 *              struct trie trie = {0} is empty; it dies with the arena
 *   threads    one at a time
 */
#pragma once

#include "shared/base.h"

struct arena;

struct trie_node {
    struct span key;
    void *value;            /* of a leaf; never NULL */
    struct trie_node *next; /* of a leaf: the one with the next key */
    struct trie_node *child[2];
    uint32_t byte, bit; /* what decides between the children */
};

struct trie {
    struct trie_node *root, *first; /* first: for (node = trie->first; ...; node = node->next) */
    size_t count;
};

/* NULL when there is none. */
void *trie_get(const struct trie *trie, struct span key);

/* In place of the value that was there. */
void trie_put(struct trie *trie, struct arena *arena, struct span key, void *value);
