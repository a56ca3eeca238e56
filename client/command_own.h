/* command_own.h - what a person has one of, such as a profile. Part of command.
 *
 * Devices that began it before they met began several entities: these count as one. A field has
 * the value that was written last, a set what any of them holds.
 *
 *   ownership  own_load to own_clear; spans are valid as long
 */
#pragma once

#include "client/projection.h"
#include "shared/base.h"

struct arena;
struct draft;
struct err;
struct event;
struct pen;
struct replica;
struct state_field;
struct store;

#define OWN_PROJECTIONS "_projections" /* the set of ids: what others were shown, or we took in */

struct own {
    struct bytes32 author;
    struct replica **at; /* in the order of the roots, which is the same everywhere */
    struct bytes32 *roots;
    size_t count;
};

MUST_CHECK bool own_load(struct store *store, struct own *own, struct arena *arena,
                         const struct bytes32 *author, struct span type, struct err *err);
void own_clear(struct own *own);

/* NULL when nobody ever wrote it; its value is empty when it was taken away. */
const struct state_field *own_field(const struct own *own, struct span key);

/* All fields with a value, but those whose names begin with "_". */
void own_fields(const struct own *own, struct projection_fields *fields, struct arena *arena);

/* The keys in a set. */
void own_people(const struct own *own, struct projection_people *people, struct arena *arena,
                struct span set);

/* What other clients wrote in the place of what we showed, the oldest first, each with what was
 * there before it: NULL when that is not known. What is older than all that we showed does not
 * matter. */
struct own_rewrite {
    const struct event *event, *base;
};
struct own_rewrites {
    const struct own_rewrite *at;
    size_t count;
    const struct event *newest; /* of all events of the kind; NULL when there is none */
};
struct own_projection {
    uint16_t kind;
    struct span name; /* the "d" of an addressable kind; else empty */
};
MUST_CHECK bool own_rewrites(struct store *store, struct own_rewrites *rewrites,
                             struct arena *arena, const struct own *own,
                             const struct own_projection *projection, struct err *err);

/* What somebody says in fields: by the own state, and by what other clients made of it since. */
struct own_self {
    struct own own;
    struct own_rewrites rewrites;
    struct projection_fields fields, changes; /* what is said; and what of it the state lacks */
    struct bytes32 root;                      /* once it is written */
};
struct own_saying {
    struct span type;
    uint16_t kind;
    bool (*read)(struct projection_fields *fields, struct arena *arena, const struct event *event,
                 struct err *err);
};

/* Its own is to be given to own_clear. */
MUST_CHECK bool own_self(struct store *store, struct own_self *self, struct arena *arena,
                         const struct bytes32 *who, const struct own_saying *saying,
                         struct err *err);

struct own_edit {
    struct span type, set;
    struct projection_people add, remove; /* those to be removed are in the set */
    struct projection_fields fields;      /* an empty value: to be taken away */
    struct projection_people shown;       /* ids for OWN_PROJECTIONS */
};

/* Signs, keeps and queues what is to be done; event: the last, or the only one. */
MUST_CHECK bool own_write(struct pen *pen, const struct own *own, const struct own_edit *edit,
                          struct bytes32 *root, struct event *event, struct err *err);

/* The same of what self changes, and shows it: ends with draft, and sets self's root. */
MUST_CHECK bool own_say(struct pen *pen, struct own_self *self, const struct own_saying *saying,
                        struct draft *draft, struct event *shown, struct err *err);
