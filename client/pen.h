/* pen.h - events of one's own on their way: signed, kept and queued. Who writes begins and ends the
 * transaction.
 *
 *   units      now_ms: unix milliseconds
 *   ownership  store and holder are the writer's; what a pen makes lives in its arena
 *   threads    the store's
 *   errors     the store's and the holder's; ERR_INVALID: no such value, or no such entity here
 */
#pragma once

#include "client/node.h"
#include "client/op.h"
#include "shared/arena.h"

struct command_call;
struct draft;
struct event;
struct holder;
struct prose_update;
struct replica;
struct roll;
struct store;

struct pen {
    const struct command_call *call; /* of the command that writes; NULL: none does */
    struct store *store;
    struct holder *holder;
    struct arena arena;
    uint64_t now_ms;
    const struct span *relays; /* that events are queued for */
    size_t relay_count;
    bool has_named_relays; /* they are for this alone: what is private goes there, too */
    size_t queued;         /* relays that the last event put was queued for */
};

const struct bytes32 *pen_me(const struct pen *pen);

/* Ends with draft. */
MUST_CHECK bool pen_sign(struct pen *pen, struct event *event, struct draft *draft,
                         struct err *err);

/* Keeps it, queued for the pen's relays; or for those given. */
MUST_CHECK bool pen_put(struct pen *pen, const struct event *event, struct err *err);
MUST_CHECK bool pen_put_at(struct pen *pen, const struct event *event, const struct span *relays,
                           size_t count, struct err *err);

/* The same as pen_put, and for where those whom it names read (audience.h), unless the relays are
 * named for this alone. */
MUST_CHECK bool pen_tell(struct pen *pen, const struct event *event, struct err *err);

/* ---- entities ---- */

/* One event of operations on an entity. */
struct pen_change {
    struct replica *replica; /* of what is changed; NULL for what is new */
    struct node node;
    struct bytes32 parents[NODE_PARENTS_MAX], grounds[NODE_GROUNDS_MAX];
    struct op *ops;
    size_t op_count;
    struct roll **lists; /* that are changed; see pen_list */
    size_t list_count;
    bool is_private;          /* relays get it only where the pen's owner names them (NIP-70) */
    const struct span *names; /* by which others know it: "i" tags */
    size_t name_count;
};

/* Begins what is new: the first operation creates it. */
MUST_CHECK bool pen_create(struct pen *pen, struct pen_change *change, struct span type,
                           struct err *err);

/* What was created is to be of a circle. ERR_RESTRICTED: which does not let us. */
MUST_CHECK bool pen_join(struct pen *pen, struct pen_change *change, const struct bytes32 *circle,
                         struct err *err);

/* Begins a change of what is there; ERR_RESTRICTED: it is somebody else's. */
MUST_CHECK bool pen_load(struct pen *pen, struct pen_change *change, const struct bytes32 *root,
                         struct err *err);
void pen_clear(struct pen_change *change);

struct op *pen_op(struct pen *pen, struct pen_change *change, enum op_type type, struct span key);

/* As canonical JSON: is_json, or a string. */
MUST_CHECK bool pen_value(struct pen *pen, struct span *json, struct span value, bool is_json,
                          struct err *err);

/* Takes out of a set all that says so, of what is seen here. */
MUST_CHECK bool pen_remove(struct pen *pen, struct pen_change *change, struct span key,
                           struct span json, struct err *err);

/* A list as it is with what the change does so far, to be changed by roll.h's functions. It knows
 * the change by its place: that stays where it is. */
struct roll *pen_list(struct pen *pen, struct pen_change *change, struct span key);

/* Signs, keeps and queues it: the next event of this device. */
MUST_CHECK bool pen_finish(struct pen *pen, struct pen_change *change, struct event *event,
                           struct err *err);

/* The same for what was written in its text; see pen_text.h. */
MUST_CHECK bool pen_finish_text(struct pen *pen, struct pen_change *change,
                                const struct prose_update *update, struct event *event,
                                struct err *err);

/* The same for what is said in it. */
MUST_CHECK bool pen_finish_saying(struct pen *pen, struct pen_change *change, struct span text,
                                  struct event *event, struct err *err);

/* The entity's id, once finished. */
const struct bytes32 *pen_root(const struct pen_change *change, const struct event *event);
