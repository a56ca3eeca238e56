/* circle_parts.h - what the files of the circle share.
 *
 *   ownership, threads  circle.h's
 */
#pragma once

#include "client/circle.h"
#include "client/trie.h"
#include "shared/arena.h"

#define CIRCLE_OUTSIDE UINT32_MAX /* the rank of a grant that gives none */

/* What concerns one key, by the places of the changes. */
struct circle_person {
    size_t *grants, *removals; /* grown in the arena */
    size_t grant_count, removal_count;
};

/* What follows from some of the changes: the rank that each grant gives. */
struct circle_outcome {
    bool is_all;
    struct circle_view within; /* unless it is all; words: malloc */
    uint32_t *ranks;           /* malloc */
    size_t count;              /* of ranks that were found */
    size_t capacity;
};

struct circle_entry {
    struct circle_change change;
    size_t index;
};

struct circle {
    struct arena arena;
    struct entity *entity;
    struct trie acts;    /* id: act, of those that may not count yet */
    struct trie entries; /* id: circle_entry */
    struct trie people;  /* key: circle_person */
    struct trie voided;  /* id: the circle_entry that voids it */
    struct circle_entry **changes;
    size_t count;
    struct circle_outcome all, past; /* past: of the view asked about last */
};

/* Somebody's doing, to be judged. */
struct circle_deed {
    const struct bytes32 *author;
    const struct circle_view *view, *later; /* as of a circle_case; later may be NULL */
    size_t index;                           /* of a change; SIZE_MAX: it is none */
    int64_t at;                             /* unix seconds; 0: at no time */
    const struct bytes32 *entity;           /* what it is done to; NULL: the circle itself */
    uint16_t kind;                          /* of its event; 0: of any */
};

/* Of all, or of what a view holds. */
const struct circle_outcome *circle_outcome_all(struct circle *circle);
const struct circle_outcome *circle_outcome_of(struct circle *circle,
                                               const struct circle_view *view);

/* The rank of the best grant that lets the author do something that needs the role; CIRCLE_OUTSIDE:
 * none does. */
uint32_t circle_rank(const struct circle *circle, const struct circle_outcome *outcome,
                     const struct circle_deed *deed, enum act_role role);

/* at: as of a deed. */
bool circle_member_in(const struct circle *circle, const struct circle_outcome *outcome,
                      struct circle_member *member, const struct bytes32 *key, int64_t at);

/* A removal of an admin by one of the same rank, both as of all that it comes after: how many of
 * them have to agree, 0 where nobody has asked for that; and how many have, with this one. */
struct circle_vote {
    uint32_t needed, given;
};
struct circle_vote circle_vote(const struct circle *circle, const struct circle_outcome *past,
                               const struct circle_change *change, const struct circle_member *who);
