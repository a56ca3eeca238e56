/* pen_circle_parts.h - what the files of a pen's circles share.
 *
 *   threads, errors  pen_circle.h's
 */
#pragma once

#include "client/pen_circle.h"

struct draft;
struct epoch_share;

/* Unix seconds. */
static inline int64_t pen_circle_now(const struct pen *pen)
{
    return (int64_t)(pen->now_ms / 1000);
}

/* Makes node the next of the circle's history. parents: room for NODE_PARENTS_MAX. */
MUST_CHECK bool pen_circle_next(struct pen *pen, struct node *node, struct bytes32 *parents,
                                const struct bytes32 *root, struct err *err);

/* Under which key something is sealed, and whether that says who wrote it. */
struct pen_seal {
    bool is_secret; /* it does not: it is of a circle whose members nobody else knows */
    struct bytes32 key;
};

/* Signs and keeps the next event of this device, of which all but its place is drafted: sealed
 * where the circle is secret, else as it is. Ends with draft. */
MUST_CHECK bool pen_circle_write(struct pen *pen, struct event *event, struct node *node,
                                 struct draft *draft, const struct pen_seal *seal, struct err *err);

/* Puts an event, sealed. */
MUST_CHECK bool pen_seal(struct pen *pen, const struct bytes32 *root, const struct event *event,
                         const struct pen_seal *seal, struct err *err);

/* How the history of a circle is sealed, if it is: who was removed may have the key of that. */
MUST_CHECK bool pen_secret_find(struct pen *pen, struct pen_seal *seal, const struct bytes32 *root,
                                struct err *err);

/* Gives the key of a secret circle to people who have none of it, each by a gift wrap. */
MUST_CHECK bool pen_secret_hand(struct pen *pen, const struct epoch_share *share,
                                const struct bytes32 *people, size_t count, struct err *err);

/* The first key of a circle, for all its members. */
MUST_CHECK bool pen_epoch_begin(struct pen *pen, const struct bytes32 *root,
                                const struct bytes32 *key, struct err *err);

/* That an event of the history counts, as everybody else will judge it. */
MUST_CHECK bool pen_circle_counts(struct pen *pen, const struct event *event,
                                  const struct bytes32 *root, struct err *err);

/* The latest epoch of which we have the key, and that nobody knows who was removed. */
MUST_CHECK bool pen_epoch_choose(struct pen *pen, struct circle *circle, bool *has,
                                 struct bytes32 *key, struct err *err);
