/* Any bytes: a tree is made of what a scan skips, and of nothing else; it has what was counted. */
#include <assert.h>

#include "gpu/tree.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Without recursion: down the first child, else to what is next, of the nearest that has one. */
static size_t count_nodes(const struct tree *root)
{
    const struct tree *above[SCAN_DEPTH_MAX + 1];
    size_t depth = 0;
    size_t count = 0;
    for (const struct tree *at = root; at != NULL;) {
        uint32_t children = 0;
        for (const struct tree *child = at->first; child != NULL; child = child->next)
            children++;
        assert(children == at->count);
        count++;
        if (at->first != NULL) {
            assert(depth <= SCAN_DEPTH_MAX);
            above[depth++] = at;
            at = at->first;
            continue;
        }
        while (at->next == NULL && depth > 0)
            at = above[--depth];
        at = at->next;
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = {(const char *)data, size};
    struct arena arena = {0};
    struct err err = {0};
    const struct tree *tree;
    struct scan scan = scan_begin(text);
    bool is_json = scan_skip(&scan, NULL) && scan_end(&scan, NULL);
    bool is_tree = tree_parse(&tree, &arena, text, &err);
    assert(is_json == is_tree);
    if (is_tree)
        assert(count_nodes(tree) <= size);
    else
        assert(strlen(err.text) > 0);
    arena_clear(&arena);
    return 0;
}
