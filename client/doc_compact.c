#include <stdlib.h>

#include "client/doc_parts.h"

static void push(struct doc_stack *stack, struct doc_item *item)
{
    doc_grow(struct doc_item *, stack->at, stack->count, stack->capacity);
    stack->at[stack->count++] = item;
}

/* Takes what a type holds out of it. */
static void empty_branch(struct doc_stack *inner, struct doc_branch *branch)
{
    for (struct doc_item *child = branch->start; child != NULL; child = child->right)
        push(inner, child);
    for (const struct trie_node *leaf = branch->map.first; leaf != NULL; leaf = leaf->next)
        for (struct doc_item *child = leaf->value; child != NULL; child = child->left)
            push(inner, child);
    branch->start = branch->cursor = NULL;
    branch->map = (struct trie){0};
}

/* Of what was deleted a gap remains in its list; of what was in that, not even a place. */
void doc_drop_garbage(struct doc *doc)
{
    struct doc_stack inner = {0};
    for (size_t i = 0; i < doc->garbage.count; i++) {
        struct doc_item *item = doc->garbage.at[i];
        if (item->content == DOC_GC)
            continue;
        if (item->content == DOC_TYPE)
            empty_branch(&inner, item->branch);
        item->content = DOC_DELETED;
        while (inner.count > 0) {
            struct doc_item *child = inner.at[--inner.count];
            if (child->content == DOC_TYPE)
                empty_branch(&inner, child->branch);
            child->content = DOC_GC;
            child->is_deleted = true;
        }
    }
    doc->garbage.count = 0;
    free(inner.at);
}

static bool is_joinable(enum doc_content content)
{
    return content == DOC_GC || content == DOC_DELETED || content == DOC_STRING ||
           content == DOC_ANY || content == DOC_JSON;
}

/* b goes on where a ends, was written right behind it, and nothing came between. */
static bool are_one(const struct doc_item *a, const struct doc_item *b)
{
    if (a->id.clock + a->len != b->id.clock || a->is_deleted != b->is_deleted ||
        a->content != b->content || !is_joinable(a->content))
        return false;
    return a->content == DOC_GC || (doc_id_equal(b->origin, doc_last_id(a)) && a->right == b &&
                                    doc_id_equal(a->right_origin, b->right_origin));
}

/* The contents of a run, one behind the other; copied once, however many there are. */
static void join_contents(struct doc *doc, struct doc_item *const *run, size_t count)
{
    bool is_string = run[0]->content == DOC_STRING;
    uint64_t len = 0, at = 0;
    for (size_t i = 0; i < count; i++)
        len += run[i]->len;
    if (is_string) {
        uint16_t *units = arena_array(&doc->arena, uint16_t, len);
        for (size_t i = 0; i < count; at += run[i++]->len)
            memcpy(units + at, run[i]->units, run[i]->len * sizeof *units);
        run[0]->units = units;
        return;
    }
    struct span *values = arena_array(&doc->arena, struct span, len);
    for (size_t i = 0; i < count; at += run[i++]->len)
        memcpy(values + at, run[i]->values, run[i]->len * sizeof *values);
    run[0]->values = values;
}

/* Takes item's right neighbour out of the list. */
static void absorb(struct doc *doc, struct doc_item *item, const struct doc_item *next)
{
    item->len += next->len;
    if (item->content == DOC_GC)
        return;
    item->right = next->right;
    if (item->right != NULL)
        item->right->left = item;
    item->parent->cursor = NULL;
    if (next->has_key && trie_get(&next->parent->map, next->key) == next)
        trie_put(&next->parent->map, &doc->arena, next->key, item);
}

void doc_join(struct doc *doc)
{
    for (size_t i = 0; i < doc->writer_count; i++) {
        struct doc_writer *writer = doc->writers[i];
        size_t kept = 0, next = 0;
        for (size_t first = 0; first < writer->count; first = next) {
            struct doc_item **run = writer->items + first;
            for (next = first + 1; next < writer->count; next++)
                if (!are_one(writer->items[next - 1], writer->items[next]))
                    break;
            size_t count = next - first;
            if (count > 1 && run[0]->content != DOC_GC && run[0]->content != DOC_DELETED)
                join_contents(doc, run, count);
            for (size_t j = 1; j < count; j++)
                absorb(doc, run[0], run[j]);
            writer->items[kept++] = run[0];
        }
        writer->count = kept;
    }
}
