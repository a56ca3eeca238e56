/* list.h - a list through the things that are in it.
 *
 * A thing has a node for each list it may be in. It is in the list while node.owner is set.
 *
 *   ownership  nobody: nodes live in their owners
 *   threads    one at a time
 */
#pragma once

#include "shared/base.h"

struct list_node {
    void *owner; /* NULL: in no list */
    struct list_node *next, *prev;
};

struct list {
    struct list_node *head, *tail;
};

void list_append(struct list *list, struct list_node *node, void *owner);

/* Does nothing for a node that is in no list. */
void list_remove(struct list *list, struct list_node *node);

/* The owner of the first node, and of the one after node; NULL when there is none. */
void *list_first(const struct list *list);
void *list_next(const struct list_node *node);
