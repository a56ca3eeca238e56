/* node.h - an event's place in the history of an entity: what it comes after, and when.
 *
 * The event that creates an entity is its root, and its id is the entity's name. Every other names
 * the root, and the heads that its author had seen. What an event says is of no matter here: one
 * whose content means nothing still holds its place.
 *
 *   ownership  parents live in the arena
 *   errors     ERR_INVALID: no place in any history, for anybody, ever
 *   spec       Shoal's state; tags "hlc", "e" marked root and prev, "w"
 */
#pragma once

#include "shared/base.h"

struct arena;
struct draft;
struct err;
struct event;

enum { NODE_PARENTS_MAX = 16 };

struct node {
    struct bytes32 id, author;
    uint16_t kind;
    uint64_t hlc;
    struct bytes32 root;           /* its own id for a root */
    const struct bytes32 *parents; /* distinct; none of a root */
    uint32_t parent_count;
    bool has_writer; /* which of the author's devices, and its count of events: an index, no rule */
    uint64_t device, seq;
};

static inline bool node_is_root(const struct node *node)
{
    return node->parent_count == 0;
}

MUST_CHECK bool node_parse(struct node *node, struct arena *arena, const struct event *event,
                           struct err *err);

/* Adds the tags, and sets created_at, for all of node but id and author. */
void node_draft(const struct node *node, struct draft *draft);
