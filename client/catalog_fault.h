/* catalog_fault.h - who did what the others have to put up with. Part of catalog.
 *
 * None of it does harm: what may not count changes nothing, and of two stories one is told.
 *
 *   units                       removed, last: stamps of hlc.h
 *   ownership, threads, errors  catalog.h's
 */
#pragma once

#include "client/act.h"
#include "client/catalog.h"

/* Somebody who lost a role in a circle, or all of them, and wrote what that had not seen. */
struct catalog_stray {
    struct bytes32 who;
    uint64_t removed;      /* for the first time */
    uint64_t writes, last; /* that do not count, but for what a moderator voided */
    bool is_member;        /* again, */
    enum act_role role;    /* as this */
};
struct catalog_strays {
    struct bytes32 circle;
    struct span name; /* of the circle */
    struct catalog_stray *at;
    size_t count;
};

/* Of one circle: who wrote the most comes first. */
MUST_CHECK bool catalog_strays(struct store *store, struct catalog_strays *strays,
                               struct arena *arena, const struct bytes32 *circle, struct err *err);

/* Updates of one text that somebody wrote in the name of a client, and that lost their place. */
struct catalog_clash {
    struct bytes32 root, who;
    uint64_t client, device, updates;
    bool has_device; /* the client follows from that device; else it is one that programs claim */
    bool is_foreign; /* the client is of owner, or of nobody who may write */
    bool has_owner;
    struct bytes32 owner;
};
struct catalog_clashes {
    struct catalog_clash *at;
    size_t count;
};
MUST_CHECK bool catalog_clashes(struct store *store, struct catalog_clashes *clashes,
                                struct arena *arena, struct err *err);

/* A device that used some of its numbers for two events; the worst comes first. */
struct catalog_twin {
    struct bytes32 who;
    uint64_t device, numbers;
};
struct catalog_twins {
    struct catalog_twin *at;
    size_t count;
};
MUST_CHECK bool catalog_twins(struct store *store, struct catalog_twins *twins, struct arena *arena,
                              struct err *err);
