/* prose.h - the document of an entity, from its events of kind 1571.
 *
 * Each event carries one Yjs update in base64, and may write only as the client that follows from
 * the entity, its author and the author's device; or as one that it claims, for programs that take
 * clients of their own. A claimed client is that of the first who claimed it, by the stamp of the
 * event and then its id, unless it follows from somebody: what others write as that client leaves
 * gaps. Two events that take the same clocks of a client are two stories about one moment: the one
 * with the lower id is told, the other leaves gaps. The document is a function of the set of
 * events, whatever their order.
 *
 *   ownership  prose_new to prose_free; what is put in is copied
 *   threads    one at a time
 *   errors     ERR_INVALID: the event says nothing, to anybody, ever
 *   spec       Shoal's state, "Text"; tags "c" = yjs1, "w", "yc" = the client claimed, in decimal,
 *              "step" = undo or redo, and of how many edits
 */
#pragma once

#include "client/doc.h"

struct arena;
struct draft;
struct err;
struct event;
struct node;
struct text;

struct prose_update {
    struct bytes32 id, author; /* of the event */
    uint64_t hlc;
    uint64_t client;
    bool is_claim;      /* the client is none that follows from the author */
    enum doc_step step; /* what its author did */
    size_t step_count;  /* of an undo or redo: edits */
    uint64_t from, to;  /* clocks; equal when it only deletes */
    struct span bytes;
};

/* bytes lie in the arena. */
MUST_CHECK bool prose_parse(struct prose_update *update, struct arena *arena,
                            const struct event *event, const struct node *node, struct err *err);

/* Writes kind, tags and content for an update: bytes, step, and client where it is a claim; the
 * rest is node_draft's. */
void prose_draft(struct draft *draft, const struct prose_update *update);

struct prose;

/* client: whose the local edits are. */
struct prose *prose_new(uint64_t client);
void prose_free(struct prose *prose);

/* Each event once. is_void: its author was not to write; it keeps its place all the same. Those of
 * one author in the order that they came about. */
void prose_put(struct prose *prose, const struct prose_update *update, bool is_void);

/* Valid until the next prose_put: a document that was built anew is another. */
struct doc *prose_doc(struct prose *prose);

/* Whom a client follows from, or who claimed it first and may write; NULL: nobody. */
const struct bytes32 *prose_owner(const struct prose *prose, uint64_t client);

/* The same document anew, in which client can undo its edits. doc_free */
struct doc *prose_replay(struct prose *prose, uint64_t client);

/* What stands in programs that apply all that they hear: a void event's text, whose author owned
 * the clocks. Appends an update that deletes what no event that counts has deleted yet; false when
 * there is none of it. */
bool prose_mend(struct prose *prose, struct text *out);

/* Events that lost their clocks to another of the same client, or the client to another author. */
size_t prose_contradictions(struct prose *prose);

/* The same, by their ids. */
struct prose_loss {
    struct bytes32 id, author;
    uint64_t client;
    bool is_claim;
    bool is_foreign; /* the client is somebody else's */
    bool has_owner;
    struct bytes32 owner; /* of the client */
};
struct prose_loss *prose_losses(struct prose *prose, struct arena *arena, size_t *count);
