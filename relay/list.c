#include "relay/list.h"

#include <assert.h>

void list_append(struct list *list, struct list_node *node, void *owner)
{
    assert(node->owner == NULL && owner != NULL);
    *node = (struct list_node){.owner = owner, .prev = list->tail};
    if (list->tail == NULL)
        list->head = node;
    else
        list->tail->next = node;
    list->tail = node;
}

void list_remove(struct list *list, struct list_node *node)
{
    if (node->owner == NULL)
        return;
    if (node->prev == NULL)
        list->head = node->next;
    else
        node->prev->next = node->next;
    if (node->next == NULL)
        list->tail = node->prev;
    else
        node->next->prev = node->prev;
    *node = (struct list_node){0};
}

void *list_first(const struct list *list)
{
    return list->head == NULL ? NULL : list->head->owner;
}

void *list_next(const struct list_node *node)
{
    return node->next == NULL ? NULL : node->next->owner;
}
