/* entity.h - one thing that several people and devices change: its history, and its state.
 *
 * The history is a graph of events, each of which names those it comes after. The state is a pure
 * function of the set of events put in, whatever the order, and of the horizon: an event counts
 * once all it comes after counts, and its time is not past the horizon. Nothing is ever rejected
 * for when it arrived.
 *
 *   units      horizon_ms: unix milliseconds; it only moves forward
 *   ownership  entity_new to entity_free; what is put in is copied
 *   threads    one at a time
 *   spec       Shoal's state, "Order, clocks, equivocation"
 */
#pragma once

#include "shared/base.h"

struct draft;
struct err;
struct node;
struct op_list;
struct state;

enum entity_verdict {
    ENTITY_APPLIED,   /* counts, and all that waited for it */
    ENTITY_DUPLICATE, /* known already, whatever became of it */
    ENTITY_PARKED,    /* waits for what it comes after */
    ENTITY_AHEAD,     /* waits for its time */
    ENTITY_VOID,      /* never counts: not of this entity, or before what it names as earlier */
};

/* What an event may do that comes after all that it names. */
enum entity_leave {
    ENTITY_MAY,
    ENTITY_HOLLOW, /* keeps its place, for what comes after it, and does nothing */
    ENTITY_NEVER,  /* is void, with all that comes after it */
};

/* Each event once, when it begins to count; parents before children. */
typedef void entity_apply_fn(void *owner, const struct node *node);

struct entity;

/* on_apply may be NULL. */
struct entity *entity_new(const struct bytes32 *root, uint64_t horizon_ms,
                          entity_apply_fn *on_apply, void *owner);
void entity_free(struct entity *entity);

/* Before anything is put in. guard: asked for each event once, right before it is to count; parents
 * before children. owner: that of entity_new. */
void entity_guard(struct entity *entity,
                  enum entity_leave (*guard)(void *owner, const struct node *node));

/* The same. An event waits for its grounds, too, which are those events of ground that count;
 * ground changes no more, and outlives entity. Else what events name as their grounds is of no
 * matter. */
void entity_stand(struct entity *entity, const struct entity *ground);

/* The signature is right: that is for others to say. ops: NULL or
 * empty for kinds that are no operations, and for operations that mean nothing. */
enum entity_verdict entity_put(struct entity *entity, const struct node *node,
                               const struct op_list *ops);

/* What was ahead of its time may count now. */
void entity_advance(struct entity *entity, uint64_t horizon_ms);

const struct bytes32 *entity_root(const struct entity *entity);

const struct state *entity_state(const struct entity *entity);

/* The greatest stamp that counts, 0 when none does. */
uint64_t entity_hlc(const struct entity *entity);

/* Events that count and that nothing which counts comes after: how many, and up to max of them. */
size_t entity_heads(const struct entity *entity, struct bytes32 *ids, size_t max);

/* How many count, and how many wait for what they come after or for their time. */
size_t entity_applied_count(const struct entity *entity);
size_t entity_waiting_count(const struct entity *entity);

/* Parents and grounds that some event names and nobody has put in, of which to ask relays: up to
 * max; some may be there twice. */
size_t entity_missing(const struct entity *entity, struct bytes32 *ids, size_t max);

/* Each event that was put in and never counts. */
void entity_each_void(const struct entity *entity, entity_apply_fn *fn, void *owner);

/* Makes node the next after all that counts, or after as many heads as it can name: sets root,
 * parents and hlc. parents: room for NODE_PARENTS_MAX, which node points to. */
MUST_CHECK bool entity_next(const struct entity *entity, struct node *node, struct bytes32 *parents,
                            uint64_t now_ms, struct err *err);
