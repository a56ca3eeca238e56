/* node.h - an event's place in the history of an entity: what it comes after, and when.
 *
 * The event that creates an entity is its root, and its id is the entity's name. Every other names
 * the root, and the heads that its author had seen. What an event says is of no matter here: one
 * whose content means nothing still holds its place.
 *
 * An entity of a circle names the circle, and its events the heads of the circle's history that
 * their authors had seen: their grounds. A circle is an entity, too; its removals name the last
 * that was seen of the one who is removed.
 *
 *   ownership  parents live in the arena
 *   errors     ERR_INVALID: no place in any history, for anybody, ever
 *   spec       Shoal's state; tags "hlc", "e" marked root, prev, auth and seen, "w", "h"
 */
#pragma once

#include "shared/base.h"

struct arena;
struct draft;
struct err;
struct event;

enum { NODE_PARENTS_MAX = 16, NODE_GROUNDS_MAX = 16, NODE_SEEN_MAX = 256 };

struct node {
    struct bytes32 id, author;
    uint16_t kind;
    uint64_t hlc;
    struct bytes32 root;           /* its own id for a root */
    const struct bytes32 *parents; /* distinct; none of a root */
    uint32_t parent_count;
    const struct bytes32 *grounds; /* of the circle's history */
    uint32_t ground_count;
    const struct bytes32 *seen; /* of other histories: it waits for none of them */
    uint32_t seen_count;
    bool has_circle;
    struct bytes32 circle; /* the root of its history */
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
