/* roll.h - a list of an entity as one changes it: elements by their index, operations by position.
 *
 * What is done to it goes into the operations of an event to be, and is seen by what is done next.
 * Where there is no room between two positions those around are given new ones.
 *
 *   ownership  all lives in the arena given; what the list was read from may change meanwhile
 *   threads    one at a time
 *   errors     ERR_INVALID: no such place, or more operations than an event may have
 *   spec       Shoal's state, "movable list"
 */
#pragma once

#include "client/op.h"

struct arena;
struct err;
struct state;

struct roll_ops { /* of the event: an array that grows in the arena */
    struct op **at;
    size_t *count;
};

struct roll_item {
    struct op_tag tag;
    size_t adding; /* one more than the place of the operation that adds it; 0: it was there */
    struct span value, position;
};

struct roll {
    struct arena *arena;
    struct roll_ops ops;
    struct span key;
    uint32_t random;
    struct roll_item *items;
    size_t count;
};

/* state: NULL for what is new. random: what makes two differ that put something in one place. */
struct roll *roll_new(struct arena *arena, struct roll_ops ops, const struct state *state,
                      struct span key, uint32_t random);

/* at: the index that it has then, up to the count of what is there. json: canonical. */
MUST_CHECK bool roll_insert(struct roll *roll, size_t at, struct span json, struct err *err);

/* to: the index that it has then. */
MUST_CHECK bool roll_move(struct roll *roll, size_t from, size_t to, struct err *err);

/* Of what was there before the event. */
MUST_CHECK bool roll_remove(struct roll *roll, size_t at, struct err *err);
