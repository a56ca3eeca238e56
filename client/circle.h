/* circle.h - who may do what, as it follows from the history of one circle.
 *
 * The history is that of an entity, of events of kinds 1572 and 1574. Who creates the circle has
 * rank 0, who is let in by somebody of rank r has rank r + 1. A removal counts if who removes is an
 * admin, and of a lower rank than who is removed, by what the removal itself comes after; so
 * nothing that comes later undoes it. It voids whatever the removed do that it has not seen, and
 * that does not follow from a grant which has seen it. All else is judged by everything that is
 * here. A lower role is a removal and a new grant at once.
 *
 * A grant may end, by the time that a deed itself says, or be of one thing or kind of event alone:
 * who has it is a reader of all else. Of one rank, so many admins remove another as somebody who
 * precedes them has asked for: the last of the removals counts, which has seen the others. So
 * all of it is a function of the set of events, and what is void stays void.
 *
 *   ownership  circle_new to circle_free; what is put in is copied. A view lives in its arena, and
 *              no longer than the circle
 *   threads    one at a time
 *   spec       Shoal's state, "ranked strong removal"
 */
#pragma once

#include "client/act.h"

struct arena;
struct circle;
struct entity;
struct err;
struct node;

struct circle *circle_new(const struct bytes32 *root, uint64_t horizon_ms);
void circle_free(struct circle *circle);

/* node: its signature is right. act: NULL where the event's means nothing. Anything may be put in
 * twice, and in any order. */
void circle_put(struct circle *circle, const struct node *node, const struct act *act);

/* Of what counts: its heads, its clock; and what is missing. */
const struct entity *circle_entity(const struct circle *circle);

/* Makes node one of the circle: names it and the grounds, and moves node after them. grounds: room
 * for NODE_GROUNDS_MAX. */
MUST_CHECK bool circle_ground(const struct circle *circle, struct node *node,
                              struct bytes32 *grounds, uint64_t now_ms, struct err *err);

/* What its creation says; NULL while that is unknown. */
const struct act *circle_creation(const struct circle *circle);

struct circle_member {
    struct bytes32 key;
    enum act_role role;
    uint32_t rank;
    int64_t until;   /* of the role: unix seconds; 0: without end */
    bool is_limited; /* some grant lets them do more with one thing, or kind of event */
};

/* Whether or not their time is over, in the order of ranks, then of keys. */
struct circle_member *circle_members(struct circle *circle, struct arena *arena, size_t *count);
/* False: no member, or none any more at that time: in unix seconds; 0: at no time. */
bool circle_member(struct circle *circle, struct circle_member *member, const struct bytes32 *key);
bool circle_member_at(struct circle *circle, struct circle_member *member,
                      const struct bytes32 *key, int64_t at);
/* So many admins of this rank together remove another of it; 0: they do not. */
uint32_t circle_quorum(struct circle *circle, uint32_t rank);

/* ---- its events ---- */

/* Some of the circle's events: with each all that it comes after. {0}: none. */
struct circle_view {
    uint64_t *words;
    size_t count;
};

/* Adds an event that counts, and all it comes after; others add nothing. */
void circle_view_add(struct circle_view *view, struct arena *arena, const struct circle *circle,
                     const struct bytes32 *id);
void circle_view_join(struct circle_view *view, struct arena *arena,
                      const struct circle_view *other);
void circle_view_set(struct circle_view *view, struct arena *arena, size_t index);
bool circle_view_has(const struct circle_view *view, size_t index);

/* Each that counted when it was put in, the later after the earlier. */
struct circle_change {
    struct bytes32 id, author;
    struct act act;
    uint64_t hlc;
    bool is_grant, is_removal; /* or both, or neither, as of a removal that others have to join */
    struct circle_view view;   /* less itself */
    const struct bytes32 *seen;
    uint32_t seen_count;
};
size_t circle_count(const struct circle *circle);
const struct circle_change *circle_change(const struct circle *circle, size_t index);

/* It still counts, by all that is here. What a removal or a void does is never undone. */
bool circle_stands(struct circle *circle, size_t index);
/* The rank of who is let in by a grant; UINT32_MAX: it gives nothing, or is none. */
uint32_t circle_gives(struct circle *circle, size_t index);
/* A moderator voided what this event says. */
bool circle_voids(const struct circle *circle, const struct bytes32 *id);

/* ---- events of other histories ---- */

struct circle_case {
    const struct bytes32 *author;
    enum act_role role;              /* that is needed */
    const struct circle_view *view;  /* what it comes after */
    const struct circle_view *later; /* removals that come after it */
    const struct bytes32 *entity;    /* that it is done to; NULL: something new */
    uint16_t kind;                   /* of its event; 0: of any */
    int64_t at;                      /* when, as it says: unix seconds */
};

enum circle_verdict {
    CIRCLE_VALID,
    CIRCLE_VOID,  /* was right by all that it comes after, which is not all that is here */
    CIRCLE_NEVER, /* was wrong from the first */
};
enum circle_verdict circle_judge(struct circle *circle, const struct circle_case *question);
/* The same for what comes after all that is here: view and later do not matter. */
bool circle_allows(struct circle *circle, const struct circle_case *question);
