/* pen_circle.h - what a pen writes to the history of a circle, and the sealing of what it writes in
 * one. Part of pen.
 *
 *   threads  the store's
 *   errors   the pen's; ERR_RESTRICTED: the circle does not let us
 */
#pragma once

#include "client/pen.h"

struct act;
struct circle;
struct event;

/* To be freed by circle_free. ERR_INVALID: no such circle here. */
MUST_CHECK bool pen_circle_load(struct pen *pen, struct circle **circle, const struct bytes32 *root,
                                struct err *err);

/* Begins a circle, with its first key unless it is open. */
MUST_CHECK bool pen_circle_create(struct pen *pen, struct event *event, const struct act *act,
                                  struct err *err);

/* Writes an act, if the circle lets us. A removal names what was seen of who is removed. */
MUST_CHECK bool pen_circle_act(struct pen *pen, struct event *event, const struct bytes32 *root,
                               const struct act *act, struct err *err);

/* A new key, for everybody who is a member now. */
MUST_CHECK bool pen_circle_rotate(struct pen *pen, const struct bytes32 *root, struct err *err);

/* Gives the key to members who were not given it; a new one where none is right any more. given: to
 * how many. Of an admin; of others, and in an open circle, it does nothing. */
MUST_CHECK bool pen_circle_share(struct pen *pen, uint64_t *given, const struct bytes32 *root,
                                 struct err *err);

/* ERR_RESTRICTED: the circle does not let us write to an entity, or what is new where that is NULL,
 * by events of a kind, or of any where it is 0. */
MUST_CHECK bool pen_circle_check(struct pen *pen, struct circle *circle,
                                 const struct bytes32 *entity, uint16_t kind, struct err *err);

/* ERR_RESTRICTED: nor what is no entity. */
MUST_CHECK bool pen_circle_may_write(struct pen *pen, const struct bytes32 *root, struct err *err);

/* Keeps an event of a circle: sealed, unless the circle is open. */
MUST_CHECK bool pen_circle_put(struct pen *pen, const struct bytes32 *root,
                               const struct event *event, struct err *err);
