/* pen_circle_parts.h - what the files of a pen's circles share.
 *
 *   threads, errors  pen_circle.h's
 */
#pragma once

#include "client/pen_circle.h"

struct draft;

/* Unix seconds. */
static inline int64_t pen_circle_now(const struct pen *pen)
{
    return (int64_t)(pen->now_ms / 1000);
}

/* Makes node the next of the circle's history. parents: room for NODE_PARENTS_MAX. */
MUST_CHECK bool pen_circle_next(struct pen *pen, struct node *node, struct bytes32 *parents,
                                const struct bytes32 *root, struct err *err);

/* Signs and keeps the next event of this device, of which all but its place is drafted. Ends with
 * draft. */
MUST_CHECK bool pen_circle_write(struct pen *pen, struct event *event, struct node *node,
                                 struct draft *draft, struct err *err);

/* That an event of the history counts, as everybody else will judge it. */
MUST_CHECK bool pen_circle_counts(struct pen *pen, const struct event *event,
                                  const struct bytes32 *root, struct err *err);

/* The latest epoch of which we have the key, and that nobody knows who was removed. */
MUST_CHECK bool pen_epoch_choose(struct pen *pen, struct circle *circle, bool *has,
                                 struct bytes32 *key, struct err *err);
