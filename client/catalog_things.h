/* catalog_things.h - the entities that are here, by whose they are and what they are. Part of
 * catalog.
 *
 *   ownership, threads, errors  catalog.h's
 */
#pragma once

#include "client/catalog.h"

struct catalog_thing {
    struct bytes32 root, author;
    struct span type, state, text; /* as an entity's */
    uint64_t hlc;
};
struct catalog_things {
    struct catalog_thing *at;
    size_t count;
};

struct catalog_things_call {
    const struct bytes32 *author; /* NULL: any */
    struct span type;             /* empty: any */
    size_t max;
};

/* The entities that are not deleted: what was changed last comes first. */
MUST_CHECK bool catalog_things(struct store *store, struct catalog_things *things,
                               struct arena *arena, const struct catalog_things_call *call,
                               struct err *err);
