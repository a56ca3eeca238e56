/* act.h - what an event of kind 1572 or 1574 does to a circle.
 *
 * The content of kind 1572 is one act, as a JSON object:
 *
 *     {"op":"create","name":"family"}             with "open":true nothing in it is sealed
 *                                                 with "secret":true nobody else knows who
 *                                                 is in it; with "scope":"self" or "friends"
 *                                                 it holds what its author keeps to them
 *     {"op":"add","who":KEY,"role":"writer"}      reader, writer, moderator or admin
 *     {"op":"grant","who":KEY,"role":"writer","until":SECONDS,"entity":ID,"kind":1571}
 *                                                 the same until then, and of a thing of that
 *                                                 id or of events of that kind alone: each of
 *                                                 the three where it is said
 *     {"op":"role","who":KEY,"role":"reader"}
 *     {"op":"remove","who":KEY}
 *     {"op":"leave"}
 *     {"op":"void","ids":[ID, ...]}               what these events say counts no more
 *     {"op":"policy","k":2}                       so many admins of one rank remove one of the
 *                                                 same, whom its author precedes; 0: none do
 *
 * An event of kind 1574 begins a key epoch, which the tag "epoch" names. Acts that are unknown here
 * hold their place, and do nothing.
 *
 *   ownership  all lives in the arena
 *   errors     ERR_INVALID: then the event does nothing, for anybody
 *   spec       Shoal's state, "Authorisation derived from the log"
 */
#pragma once

#include "shared/base.h"

struct arena;
struct err;
struct event;
struct text;

enum { ACT_NAME_BYTES_MAX = 256, ACT_IDS_MAX = 1000, ACT_QUORUM_MAX = 1000 };

enum act_type {
    ACT_UNKNOWN,
    ACT_CREATE,
    ACT_ADD,
    ACT_ROLE,
    ACT_REMOVE,
    ACT_LEAVE, /* who: its author */
    ACT_VOID,
    ACT_EPOCH,
    ACT_GRANT,
    ACT_POLICY,
};

/* Each may do what those before it may. */
enum act_role {
    ACT_READER,    /* reads */
    ACT_WRITER,    /* writes */
    ACT_MODERATOR, /* voids what others wrote */
    ACT_ADMIN,     /* adds and removes, and makes keys */
};

/* What a circle was made for. */
enum act_scope {
    ACT_SCOPE_CIRCLE,
    ACT_SCOPE_SELF,
    ACT_SCOPE_FRIENDS,
};

struct act {
    enum act_type type;
    struct bytes32 who;
    enum act_role role;
    struct span name;          /* of a create */
    bool is_open, is_secret;   /* of a create */
    enum act_scope scope;      /* of a create */
    const struct bytes32 *ids; /* of a void */
    uint32_t id_count;
    struct bytes32 epoch; /* its name */
    int64_t until;        /* of a grant: unix seconds; 0: without end */
    bool has_entity, has_kind;
    struct bytes32 entity; /* of a grant: that alone */
    uint16_t kind;         /* of a grant: events of that alone */
    uint32_t quorum;       /* of a policy */
};

/* event: of kind 1572 or 1574. */
MUST_CHECK bool act_parse(struct act *act, struct arena *arena, const struct event *event,
                          struct err *err);

/* Appends an act of kind 1572 as JSON. */
void act_write(struct text *out, const struct act *act);

/* "" of a circle that was made for itself. */
const char *act_scope_name(enum act_scope scope);

const char *act_role_name(enum act_role role);
MUST_CHECK bool act_role_parse(enum act_role *role, struct span name);
