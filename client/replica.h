/* replica.h - an entity as this device has it: its events put together, state and text.
 *
 * Whoever made an entity writes to it; what others say of it does not count, and never did. To one
 * of a circle its writers write. An event whose content was redacted, or that the circle voids,
 * keeps its place and does nothing.
 *
 *   units      horizon_ms: as entity.h's
 *   ownership  replica_new to replica_free; what is put in is copied
 *   threads    one at a time
 *   spec       Shoal's state
 */
#pragma once

#include "shared/base.h"

struct arena;
struct circle;
struct doc;
struct entity;
struct err;
struct event;
struct node;
struct prose_loss;
struct replica;
struct text;

#define REPLICA_TEXT "text" /* the name of an entity's text in its document */

enum replica_verdict {
    REPLICA_PUT,     /* in the history: what becomes of it, entity.h tells */
    REPLICA_FOREIGN, /* its author may not write here */
    REPLICA_VOID,    /* of no history, or not of this one, or twice */
    REPLICA_LATER,   /* than the cut */
};

/* client: of doc.h, whose the local edits of the text are. */
struct replica *replica_new(const struct bytes32 *root, uint64_t horizon_ms, uint64_t client);
void replica_free(struct replica *replica);

/* Before all else, for an entity of a circle, which goes with the replica; nothing more is added to
 * it. What is put in then waits for replica_settle. */
void replica_govern(struct replica *replica, struct circle *circle);
void replica_settle(struct replica *replica);

/* The same for one event after another, in the order that they were put in; false: none is left. */
bool replica_settle_next(struct replica *replica);

/* Before all else: as it was, with what has no later stamp. What may count follows from all that is
 * known, not from what was known then: a removed member who dates something back gets into no past,
 * and what was is always a part of what is. */
void replica_cut(struct replica *replica, uint64_t hlc);

/* The root before all others; while it is unknown nothing counts. */
enum replica_verdict replica_put(struct replica *replica, const struct event *event,
                                 bool is_redacted);

const struct entity *replica_entity(const struct replica *replica);

/* The circle that it is of, or NULL. */
struct circle *replica_circle(const struct replica *replica);

/* Makes node the next, as entity_next does, and names its grounds; both: room for
 * NODE_PARENTS_MAX and NODE_GROUNDS_MAX, which node points to. */
MUST_CHECK bool replica_next(const struct replica *replica, struct node *node,
                             struct bytes32 *parents, struct bytes32 *grounds, uint64_t now_ms,
                             struct err *err);

/* NULL while the root is unknown. */
const struct bytes32 *replica_author(const struct replica *replica);

/* The document; NULL when nobody wrote in it. Valid until the next replica_put. */
struct doc *replica_doc(const struct replica *replica);

/* The document in which a client can undo its edits, to be freed by doc_free. */
struct doc *replica_replay(const struct replica *replica, uint64_t client);

/* prose_owner and prose_mend of its text. */
const struct bytes32 *replica_owner(const struct replica *replica, uint64_t client);
bool replica_mend(const struct replica *replica, struct text *out);

/* Text updates that lost their place to another of the same client; prose_losses of them. */
size_t replica_contradictions(const struct replica *replica);
struct prose_loss *replica_losses(const struct replica *replica, struct arena *arena,
                                  size_t *count);

/* Events that keep their place and do nothing: void, or garbage. */
size_t replica_idle(const struct replica *replica);

/* Those of a circle's entity that keep their place, and that the circle lets do nothing. */
const struct node *replica_hollow(const struct replica *replica, size_t *count);

/* What was said in it and counts, by events of kind 9, in the order of their stamps. */
struct replica_saying {
    struct bytes32 id, author;
    uint64_t hlc;
    struct span text;
};
const struct replica_saying *replica_sayings(struct replica *replica, size_t *count);

/* Appends all the words that people wrote, a line for each value: what a search looks through. */
void replica_words(const struct replica *replica, struct text *out);
