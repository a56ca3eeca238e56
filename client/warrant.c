#include "client/warrant.h"

#include <stdlib.h>

#include "client/circle.h"
#include "client/hlc.h"
#include "client/node.h"
#include "client/trie.h"
#include "shared/arena.h"
#include "shared/kind.h"

struct item {
    const struct bytes32 *parents;
    uint32_t parent_count;
    struct circle_view view;  /* of the circle, once judged */
    struct circle_view later; /* removals that have seen it */
    struct item *next;        /* in the queue of those to be marked */
    size_t mark;              /* one more than the removal that has marked it last */
};

struct warrant {
    struct arena arena;
    struct circle *circle;
    struct trie items; /* id: item */
    bool is_marked;
};

struct warrant *warrant_new(struct circle *circle)
{
    struct warrant *warrant = calloc(1, sizeof *warrant);
    if (warrant == NULL)
        abort();
    warrant->circle = circle;
    return warrant;
}

void warrant_free(struct warrant *warrant)
{
    if (warrant == NULL)
        return;
    arena_clear(&warrant->arena);
    free(warrant);
}

void warrant_note(struct warrant *warrant, const struct node *node)
{
    struct arena *arena = &warrant->arena;
    if (trie_get(&warrant->items, SPAN_OF(node->id)) != NULL)
        return;
    struct span parents = {(const char *)node->parents, node->parent_count * sizeof *node->parents};
    struct item *item = arena_alloc(arena, sizeof *item);
    item->parents = (const struct bytes32 *)arena_copy(arena, parents).at;
    item->parent_count = node->parent_count;
    trie_put(&warrant->items, arena, SPAN_OF(node->id), item);
}

static void enqueue(const struct warrant *warrant, struct item **queue, const struct bytes32 *ids,
                    uint32_t count, size_t mark)
{
    for (uint32_t i = 0; i < count; i++) {
        struct item *item = trie_get(&warrant->items, SPAN_OF(ids[i]));
        if (item == NULL || item->mark == mark)
            continue;
        item->mark = mark;
        item->next = *queue;
        *queue = item;
    }
}

/* What a removal has seen of this entity. */
static void mark(struct warrant *warrant, size_t removal)
{
    const struct circle_change *change = circle_change(warrant->circle, removal);
    struct item *queue = NULL;
    for (size_t i = 0; i < removal; i++)
        if (circle_view_has(&change->view, i)) {
            const struct circle_change *before = circle_change(warrant->circle, i);
            enqueue(warrant, &queue, before->seen, before->seen_count, removal + 1);
        }
    enqueue(warrant, &queue, change->seen, change->seen_count, removal + 1);
    while (queue != NULL) {
        struct item *item = queue;
        queue = item->next;
        circle_view_set(&item->later, &warrant->arena, removal);
        enqueue(warrant, &queue, item->parents, item->parent_count, removal + 1);
    }
}

static bool is_within(const struct circle_view *view, const struct circle_view *other)
{
    for (size_t i = 0; i < view->count; i++)
        if ((view->words[i] & ~(i < other->count ? other->words[i] : 0)) != 0)
            return false;
    return true;
}

/* Less those that do not come after all that the item does. */
static struct circle_view later_of(struct warrant *warrant, const struct item *item)
{
    struct circle_view later = {0};
    for (size_t i = 0; i < circle_count(warrant->circle); i++)
        if (circle_view_has(&item->later, i) &&
            is_within(&item->view, &circle_change(warrant->circle, i)->view))
            circle_view_set(&later, &warrant->arena, i);
    return later;
}

static void find_view(struct warrant *warrant, struct item *item, const struct node *node)
{
    for (uint32_t i = 0; i < node->parent_count; i++) {
        const struct item *parent = trie_get(&warrant->items, SPAN_OF(node->parents[i]));
        circle_view_join(&item->view, &warrant->arena, &parent->view);
    }
    for (uint32_t i = 0; i < node->ground_count; i++)
        circle_view_add(&item->view, &warrant->arena, warrant->circle, &node->grounds[i]);
}

enum entity_leave warrant_judge(struct warrant *warrant, const struct node *node)
{
    struct item *item = trie_get(&warrant->items, SPAN_OF(node->id));
    for (size_t i = 0; !warrant->is_marked && i < circle_count(warrant->circle); i++)
        if (circle_change(warrant->circle, i)->is_removal)
            mark(warrant, i);
    warrant->is_marked = true;
    find_view(warrant, item, node);
    const struct circle_view later = later_of(warrant, item);
    const struct circle_case question = {.author = &node->author,
                                         .role = ACT_WRITER,
                                         .view = &item->view,
                                         .later = &later,
                                         .entity = &node->root,
                                         .kind = node->kind,
                                         .at = hlc_seconds(node->hlc)};
    enum circle_verdict verdict = circle_judge(warrant->circle, &question);
    if (verdict == CIRCLE_NEVER)
        return ENTITY_NEVER;
    bool is_hollow = verdict == CIRCLE_VOID || circle_voids(warrant->circle, &node->id);
    return is_hollow ? ENTITY_HOLLOW : ENTITY_MAY;
}
