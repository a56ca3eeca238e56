#include "client/doc_parts.h"

/* The first of the items under a key, which are a list of their own. */
static struct doc_item *first_of_key(const struct doc_branch *branch, struct span key)
{
    struct doc_item *item = trie_get(&branch->map, key);
    while (item != NULL && item->left != NULL)
        item = item->left;
    return item;
}

static struct doc_item *first_of(const struct doc_branch *branch, const struct doc_item *item)
{
    return item->has_key ? first_of_key(branch, item->key) : branch->start;
}

/* YATA: of those between left and right, which were put there at the same time, some are before
 * item, for reasons that are the same everywhere. Sets left to the last of them. */
static void find_place(struct doc *doc, struct doc_item *item)
{
    struct doc_item *left = item->left;
    struct doc_item *other = left != NULL ? left->right : first_of(item->parent, item);
    uint64_t scan = ++doc->scan, group = ++doc->group;
    for (; other != NULL && other != item->right; other = other->right) {
        other->scan = scan;
        other->group = group;
        bool is_past = false; /* item is behind other, and behind all since the last such */
        if (doc_id_equal(item->origin, other->origin)) {
            is_past = other->id.client < item->id.client;
            if (!is_past && doc_id_equal(item->right_origin, other->right_origin))
                break;
        } else {
            if (other->origin.client == DOC_NONE)
                break;
            const struct doc_item *origin = doc_item_at(doc, other->origin);
            if (origin->scan != scan)
                break;
            is_past = origin->group != group;
        }
        if (is_past) {
            left = other;
            group = ++doc->group;
        }
    }
    item->left = left;
}

static bool is_contested(const struct doc_item *item)
{
    if (item->left == NULL)
        return item->right == NULL || item->right->left != NULL;
    return item->left->right != item->right;
}

/* Puts item behind its left. */
static void link_item(struct doc *doc, struct doc_item *item)
{
    struct doc_branch *parent = item->parent;
    if (item->left != NULL) {
        item->right = item->left->right;
        item->left->right = item;
    } else {
        item->right = first_of(parent, item);
        if (!item->has_key)
            parent->start = item;
    }
    if (item->right != NULL) {
        item->right->left = item;
        return;
    }
    if (!item->has_key)
        return;
    trie_put(&parent->map, &doc->arena, item->key, item); /* the last of a key is its value */
    if (item->left != NULL)
        doc_delete_item(doc, item->left);
}

/* Leaves out the clocks that are known already. */
static void skip_known(struct doc *doc, struct doc_item *item, uint64_t offset)
{
    item->id.clock += offset;
    item->len -= offset;
    if (item->content == DOC_GC)
        return;
    item->left = doc_clean_end(doc, (struct doc_id){item->id.client, item->id.clock - 1});
    item->origin = doc_last_id(item->left);
    if (item->content == DOC_STRING)
        item->units += offset;
    else if (item->content == DOC_ANY || item->content == DOC_JSON)
        item->values += offset;
}

void doc_integrate(struct doc *doc, struct doc_item *item, uint64_t offset)
{
    struct doc_writer *writer = doc_writer_make(doc, item->id.client);
    if (offset > 0)
        skip_known(doc, item, offset);
    if (item->left != NULL && item->left->parent != item->parent)
        item->parent = NULL; /* no honest writer puts it between two lists */
    if (item->content == DOC_GC || item->parent == NULL) { /* its neighbours are gone */
        item->content = DOC_GC;
        item->is_deleted = true;
        item->left = item->right = NULL;
        doc_append(writer, item);
        return;
    }
    struct doc_branch *parent = item->parent;
    if (is_contested(item))
        find_place(doc, item);
    link_item(doc, item);
    if (!item->has_key && doc_counts(item) && !item->is_deleted)
        parent->length += item->len;
    parent->cursor = NULL;
    doc_append(writer, item);
    if (item->content == DOC_TYPE)
        item->branch->item = item;
    if (item->content == DOC_DELETED)
        item->is_deleted = true;
    if ((parent->item != NULL && parent->item->is_deleted) ||
        (item->has_key && item->right != NULL))
        doc_delete_item(doc, item);
}

/* Marks one item; what it holds is for the caller to go through. */
static void mark_deleted(struct doc *doc, struct doc_item *item)
{
    item->is_deleted = true;
    if (doc->is_marked)
        doc_add_range(&doc->fresh, item->id, item->len);
    if (item->parent != NULL) {
        if (doc_counts(item) && !item->has_key)
            item->parent->length -= item->len;
        item->parent->cursor = NULL;
    }
    doc_grow(struct doc_item *, doc->garbage.at, doc->garbage.count, doc->garbage.capacity);
    doc->garbage.at[doc->garbage.count++] = item;
}

/* Everything deleted since next, and what is in it: garbage is its own list of work. */
static void delete_contents(struct doc *doc, size_t next)
{
    for (; next < doc->garbage.count; next++) {
        const struct doc_item *item = doc->garbage.at[next];
        if (item->content != DOC_TYPE)
            continue;
        for (struct doc_item *child = item->branch->start; child != NULL; child = child->right)
            if (!child->is_deleted)
                mark_deleted(doc, child);
        for (struct trie_node *leaf = item->branch->map.first; leaf != NULL; leaf = leaf->next) {
            struct doc_item *value = leaf->value;
            if (!value->is_deleted)
                mark_deleted(doc, value);
        }
    }
}

void doc_delete_item(struct doc *doc, struct doc_item *item)
{
    if (item->is_deleted)
        return;
    size_t next = doc->garbage.count;
    mark_deleted(doc, item);
    delete_contents(doc, next);
}
