/* doc.h - a Yjs document: texts, maps and lists that several write at the same time.
 *
 * Every write is a struct with the id of its writer and that writer's clock, and says between which
 * two it was put; whatever the order of arrival, all come to the same document. Structs whose
 * neighbours are not known yet wait. What is deleted stays as a gap.
 *
 *   units      positions and lengths of texts are UTF-16 units; clocks count what was inserted
 *   ownership  doc_new to doc_free; what is given is copied
 *   threads    one at a time
 *   errors     ERR_INVALID: no update of Yjs, or past a bound. The document is then as before
 *   spec       Yjs update format version 1 (yjs 13); YATA. Subdocuments are refused
 */
#pragma once

#include "shared/base.h"

struct arena;
struct err;
struct text;

enum {
    DOC_UPDATE_BYTES_MAX = 16 * 1024 * 1024,
    DOC_PENDING_MAX = 100000, /* structs and deletions that may wait for others */
};

enum doc_kind { DOC_ARRAY, DOC_MAP, DOC_TEXT }; /* how to look at what a name holds */

/* How an update counts: fully; as gaps, which keep its place for others that build on it; or as
 * gaps where nobody else's clocks are, not even of what waits. */
enum doc_trust { DOC_VALID, DOC_VOID, DOC_REST };

struct doc;

/* client: whose the local edits are. */
struct doc *doc_new(uint64_t client);
void doc_free(struct doc *doc);

/* The client id that a device of a person has in one entity's documents. */
uint64_t doc_client(const struct bytes32 *root, const struct bytes32 *pubkey, uint64_t device);

/* True when nothing in the update is written in another client's name; from and to: the clocks that
 * it takes, both 0 when it only deletes. */
MUST_CHECK bool doc_is_by(struct span update, uint64_t client, uint64_t *from, uint64_t *to,
                          struct err *err);

/* The first client that an update writes as; false when it only deletes, or is none. */
bool doc_writer(struct span update, uint64_t *client);

/* Ranges of clocks. */
struct doc_spans {
    struct doc_span {
        uint64_t client, from, to;
    } * at;
    size_t count;
};

/* Adds what an update deletes; spans grow in the arena. Of what is no update, nothing. */
void doc_deletions(struct doc_spans *spans, struct arena *arena, struct span update);

/* An update that only deletes. */
void doc_write_deletions(struct text *out, const struct doc_spans *spans);

MUST_CHECK bool doc_apply(struct doc *doc, struct span update, enum doc_trust trust,
                          struct err *err);

/* What waits for itself, by way of others, was meant to stand on what DOC_REST told of, where two
 * wrote as one client. It goes where that was. */
void doc_settle(struct doc *doc);

/* The clock of what that client writes next. */
uint64_t doc_clock(const struct doc *doc, uint64_t client);

/* Structs and deletions that wait. */
size_t doc_pending(const struct doc *doc);

/* What is known of each client, to ask another for the rest. */
void doc_state_vector(const struct doc *doc, struct text *out);

/* An update with all that state_vector lacks; empty: everything. */
MUST_CHECK bool doc_diff(struct doc *doc, struct text *out, struct span state_vector,
                         struct err *err);

/* Begins to remember what is done; an update with that, which is little however long the document
 * is. */
void doc_mark(struct doc *doc);
void doc_news(struct doc *doc, struct text *out);

/* The text, the array or the map of that name as JSON. Formats are left out. */
void doc_json(const struct doc *doc, struct text *out, struct span name, enum doc_kind kind);

/* The text of that name as UTF-8. */
void doc_text(const struct doc *doc, struct text *out, struct span name);
size_t doc_text_units(const struct doc *doc, struct span name);

/* Within a surrogate pair, at means the pair's beginning; a deletion takes whole pairs. */
MUST_CHECK bool doc_text_insert(struct doc *doc, struct span name, size_t at, struct span utf8,
                                struct err *err);
MUST_CHECK bool doc_text_delete(struct doc *doc, struct span name, size_t at, size_t count,
                                struct err *err);

/* any: one value as lib0 writes it. */
MUST_CHECK bool doc_map_set(struct doc *doc, struct span name, struct span key, struct span any,
                            struct err *err);

/* Takes the last local edit of a text back, or makes it again; what others wrote stays. How many
 * edits that took, more than one where others undid some of them; 0: there is none, and nothing is
 * changed. */
size_t doc_undo(struct doc *doc);
size_t doc_redo(struct doc *doc);

/* doc_apply of what this client did: one edit, to be undone; or what so many undone or redone ones
 * came to. All that it did, in order, makes a document in which it can be undone. */
enum doc_step { DOC_EDIT, DOC_UNDO, DOC_REDO };
MUST_CHECK bool doc_replay(struct doc *doc, struct span update, enum doc_step step, size_t count,
                           struct err *err);
