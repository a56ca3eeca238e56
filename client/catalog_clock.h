/* catalog_clock.h - the log in the order that it came, and what each event of it had seen. Part of
 * catalog.
 *
 * A vector clock says of each device of each person how many of its events come before another, and
 * itself. Nobody signs one: it is derived from what comes after what, within an entity.
 *
 *   ownership, threads, errors  catalog.h's
 */
#pragma once

#include "client/catalog.h"

/* An event, and where it stands in the log. */
struct catalog_step {
    int64_t place;
    const struct catalog_event *event;
    struct span type; /* of its entity */
};

/* Those after a place, whole ones alone. False from the function ends it. */
typedef bool catalog_step_fn(void *owner, const struct catalog_step *step);
MUST_CHECK bool catalog_after(struct store *store, int64_t place, catalog_step_fn *fn, void *owner,
                              struct err *err);

struct catalog_clock {
    struct catalog_writer *writers; /* author and device of each */
    size_t writer_count;
    struct bytes32 *ids; /* of the entity's events, sorted */
    size_t count;
    uint64_t *seqs; /* writer_count of each event; NULL: too many to be said */
};

/* Of all events of one entity that are here. */
MUST_CHECK bool catalog_clock(struct store *store, struct catalog_clock *clock, struct arena *arena,
                              const struct bytes32 *root, struct err *err);

/* Of each writer; NULL where it is not known. */
const uint64_t *catalog_clock_of(const struct catalog_clock *clock, const struct bytes32 *id);
