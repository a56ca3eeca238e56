/* replica.h - an entity as this device has it: its events put together, state and text.
 *
 * Whoever made an entity writes to it; what others say of it does not count, and never did. An
 * event whose content was redacted keeps its place and does nothing.
 *
 *   units      horizon_ms: as entity.h's
 *   ownership  replica_new to replica_free; what is put in is copied
 *   threads    one at a time
 *   spec       Shoal's state
 */
#pragma once

#include "shared/base.h"

struct doc;
struct entity;
struct event;
struct replica;
struct text;

#define REPLICA_TEXT "text" /* the name of an entity's text in its document */

enum replica_verdict {
    REPLICA_PUT,     /* in the history: what becomes of it, entity.h tells */
    REPLICA_FOREIGN, /* its author may not write here */
    REPLICA_VOID,    /* of no history, or not of this one, or twice */
};

/* client: of doc.h, whose the local edits of the text are. */
struct replica *replica_new(const struct bytes32 *root, uint64_t horizon_ms, uint64_t client);
void replica_free(struct replica *replica);

/* The root before all others; while it is unknown nothing counts. */
enum replica_verdict replica_put(struct replica *replica, const struct event *event,
                                 bool is_redacted);

const struct entity *replica_entity(const struct replica *replica);

/* NULL while the root is unknown. */
const struct bytes32 *replica_author(const struct replica *replica);

/* The document; NULL when nobody wrote in it. Valid until the next replica_put. */
struct doc *replica_doc(const struct replica *replica);

/* Text updates that lost their place to another of the same device. */
size_t replica_contradictions(const struct replica *replica);

/* Appends all the words that people wrote, a line for each value: what a search looks through. */
void replica_words(const struct replica *replica, struct text *out);
