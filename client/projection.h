/* projection.h - what other clients see of a person's state, and what they did to it meanwhile.
 *
 * Whom somebody follows, what his profile says and which relays he names are state of our own,
 * shown to others as the newest event of a kind that they know, which they replace as they like.
 * What they changed is found by a comparison of three: the last one that we wrote or took in
 * (base), the newest one (theirs), and our state (ours). Nothing that either side added is lost.
 *
 *   units      written_at, theirs_at: unix seconds
 *   ownership  results live in the arena
 *   errors     ERR_INVALID: a profile that is no JSON object, or has too many members
 *   spec       NIP-01 kind 0; NIP-02 kind 3; NIP-51 kind 30000; NIP-65
 */
#pragma once

#include "shared/base.h"

struct arena;
struct draft;
struct err;
struct event;

enum {
    PROJECTION_FIELDS_MAX = 500,
    PROJECTION_SET_KIND = 30000, /* a set of people: as kind 3, with a name of its own */
};

/* ---- whom somebody follows ---- */

struct projection_people {
    struct bytes32 *at; /* sorted, each once */
    size_t count;
};

void projection_sort(struct projection_people *people);
bool projection_has(const struct projection_people *people, const struct bytes32 *key);

/* The people that an event of kind 3 or 30000 names. */
void projection_read_people(struct projection_people *people, struct arena *arena,
                            const struct event *event);

struct projection_shift {
    struct projection_people added, removed;
    bool is_shrunk; /* more than half of base is gone: a client that lost its list, most likely */
};

/* What became of base, which is NULL when it is not known: then nothing was removed. */
void projection_compare_people(struct projection_shift *shift, struct arena *arena,
                               const struct projection_people *base,
                               const struct projection_people *theirs);

/* Kind, tags and content for people; what theirs says of them, and all else that it says, stays:
 * what is private in it, too. theirs may be NULL. */
void projection_draft_people(struct draft *draft, const struct projection_people *people,
                             const struct event *theirs);

/* The same for a set of that name. */
void projection_draft_set(struct draft *draft, struct span name,
                          const struct projection_people *people, const struct event *theirs);

/* ---- what somebody's profile says ---- */

struct projection_field {
    struct span key, value; /* value: canonical JSON; of a change empty: it is to be taken away */
    int64_t written_at;     /* of ours */
};

struct projection_fields {
    struct projection_field *at;
    size_t count;
};

const struct projection_field *projection_field(const struct projection_fields *fields,
                                                struct span key);

MUST_CHECK bool projection_read_fields(struct projection_fields *fields, struct arena *arena,
                                       struct span content, struct err *err);

/* The later of two fields of one name stays. */
void projection_put_field(struct projection_fields *fields, struct arena *arena,
                          const struct projection_field *field);

/* What is said once changes are made, by name. */
struct projection_fields projection_apply_fields(struct arena *arena,
                                                 const struct projection_fields *fields,
                                                 const struct projection_fields *changes);

/* What ours is to take over from theirs. Where both changed a field, the later counts, but no
 * removal wins over a change. base may be NULL: not known. */
void projection_compare_fields(struct projection_fields *changes, struct arena *arena,
                               const struct projection_fields *base,
                               const struct projection_fields *theirs,
                               const struct projection_fields *ours, int64_t theirs_at);

/* Kind and content. */
void projection_draft_fields(struct draft *draft, const struct projection_fields *fields);

/* ---- where somebody writes and reads ---- */

/* A URL as it names a field: the shortest text for it. */
MUST_CHECK bool projection_relay(struct span *key, struct arena *arena, struct span url,
                                 struct err *err);

/* The relays that an event of kind 10002 names, each with the marker as value. */
void projection_read_relays(struct projection_fields *relays, struct arena *arena,
                            const struct event *event);

/* Kind, tags and content; what else theirs says stays. theirs may be NULL. */
void projection_draft_relays(struct draft *draft, const struct projection_fields *relays,
                             const struct event *theirs);
