/* state.h - what the operations on an entity amount to, whatever order they came in.
 *
 * A field has the value with the greatest stamp; an element is there once added, until a removal
 * that has seen it; the place of an element in a list is a field of it; a counter is a sum. Each is
 * a join of a lattice, so that applying is commutative; applying twice is the caller's to prevent.
 *
 *   ownership  all lives in the state's own arena; state_clear frees it
 *   threads    one at a time
 *   spec       Shoal's state, "Datatypes"
 */
#pragma once

#include "client/trie.h"
#include "shared/arena.h"

struct node;
struct op_list;
struct text;

struct state_stamp { /* orders writes: hlc, then the lower id, then the later in one event */
    uint64_t hlc;
    struct bytes32 id;
    uint32_t index;
};

struct state_field {
    bool is_written;
    struct state_stamp stamp;
    struct span value; /* canonical JSON; empty: deleted */
};

struct state_element {
    struct bytes32 event; /* its name: the event that added it */
    uint32_t index;       /* and which operation of that */
    bool is_added, is_removed;
    struct span key;             /* of the set or list */
    struct span value;           /* canonical JSON */
    struct state_field position; /* what has one is in a list; else its value is empty */
};

struct state {
    struct arena arena;
    struct span type;     /* empty before a create */
    struct trie fields;   /* name: state_field */
    struct trie elements; /* event and index, 36 bytes: state_element */
    struct trie counters; /* name: uint64_t, which is a sum modulo 2^64 */
};

/* struct state state = {0} is that of an entity on which nothing has been done. */
void state_clear(struct state *state);

void state_apply(struct state *state, const struct node *node, const struct op_list *ops);

/* NULL when the field is not there, or deleted. */
const struct span *state_field_value(const struct state *state, struct span key);

bool state_is_deleted(const struct state *state);

/* Elements of a set, sorted by value, or of a list, in its order; returned in the arena. */
const struct state_element **state_elements(const struct state *state, struct arena *arena,
                                            struct span key, size_t *count);

/* All elements that are there: of sets, then of lists in their order, by name; in the arena. */
const struct state_element **state_all_elements(const struct state *state, struct arena *arena,
                                                size_t *count);

/* As canonical JSON with the members counters, deleted, fields, lists, sets and type, less those
 * that are empty. Of what is deleted only that, and the type, unless it is to be all. */
void state_write(const struct state *state, struct text *out, bool is_all);

/* SHA-256 of all that state_write writes. */
struct bytes32 state_hash(const struct state *state);
