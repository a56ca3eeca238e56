/* prose.h - the document of an entity, from its events of kind 1571.
 *
 * Each event carries one Yjs update in base64, and may write only as the client that follows from
 * the entity, its author and the author's device. Two events that take the same clocks of a client
 * are two stories about one moment: the one with the lower id is told, the other leaves gaps. The
 * document is a function of the set of events, whatever their order.
 *
 *   ownership  prose_new to prose_free; what is put in is copied
 *   threads    one at a time
 *   errors     ERR_INVALID: the event says nothing, to anybody, ever
 *   spec       Shoal's state, "Text"; tags "c" = yjs1, "w"
 */
#pragma once

#include "shared/base.h"

struct arena;
struct doc;
struct draft;
struct err;
struct event;
struct node;

struct prose_update {
    struct bytes32 id; /* of the event */
    uint64_t client;
    uint64_t from, to; /* clocks; equal when it only deletes */
    struct span bytes;
};

/* bytes lie in the arena. */
MUST_CHECK bool prose_parse(struct prose_update *update, struct arena *arena,
                            const struct event *event, const struct node *node, struct err *err);

/* Writes kind, tag and content for an update; the rest is node_draft's. */
void prose_draft(struct draft *draft, struct span update);

struct prose;

/* client: whose the local edits are. */
struct prose *prose_new(uint64_t client);
void prose_free(struct prose *prose);

/* Each event once. is_void: its author was not to write; it keeps its place all the same. */
void prose_put(struct prose *prose, const struct prose_update *update, bool is_void);

/* Valid until the next prose_put: a document that was built anew is another. */
struct doc *prose_doc(struct prose *prose);

/* Events that lost their clocks to another of the same client. */
size_t prose_contradictions(const struct prose *prose);
